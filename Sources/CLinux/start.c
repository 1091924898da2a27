// SPDX-License-Identifier: Apache-2.0
// glibc tells its constructors the arguments of main; Swift's own look for them in /proc/self, before every main, with sscanf.
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

// What the standard library asks for its CommandLine. Defined here, a static library's member with the search is not linked at all;
// weak, so that a library that must link it wins.
char **_swift_stdlib_getUnsafeArgvArgc(int *argc);
__attribute__((weak)) char **_swift_stdlib_getUnsafeArgvArgc(int *argc)
{
    *argc = count;
    return arguments;
}

void _swift_stdlib_overrideUnsafeArgvArgc(char **argv, int argc);
__attribute__((weak)) void _swift_stdlib_overrideUnsafeArgvArgc(char **argv, int argc)
{
    count = argc;
    arguments = argv;
}

// Where swift-backtrace lies, in eight places beside the program, at every start. It would be run with our rights, and our errors are values.
char *swift_copyAuxiliaryExecutablePath(const char *name);
__attribute__((weak)) char *swift_copyAuxiliaryExecutablePath(const char *name)
{
    (void)name;
    return NULL;
}
