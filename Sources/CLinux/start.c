// SPDX-License-Identifier: Apache-2.0
// glibc tells its constructors the arguments of main; Swift would look for them in /proc/self/maps.
#include "CLinux.h"

static int count;
static char **arguments;

int linux_argument_count(void) { return count; }
char **linux_arguments(void) { return arguments; }

__attribute__((constructor)) static void keep_arguments(int argc, char **argv)
{
    count = argc;
    arguments = argv;
}
