// SPDX-License-Identifier: Apache-2.0
#include <linux/filter.h>
#include <seccomp.h>
