#include <linux/filter.h>
#include <seccomp.h>
