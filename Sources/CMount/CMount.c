// SPDX-License-Identifier: Apache-2.0
#include "CMount.h"
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

// For who makes packages: what `ldd` does not show (uapi-group.org, "dlopen() metadata for ELF files").
#define NOTE "[{\"feature\":\"mounts\",\"description\":\"Mount tables and option words\",\"priority\":\"recommended\",\"soname\":[\"libmount.so.1\"]}]"
__attribute__((used, section(".note.dlopen"), aligned(4))) static const struct {
    uint32_t nameSize, descriptionSize, type;
    char name[4], description[sizeof NOTE];
} note = {4, sizeof NOTE, 0x407c0c0a, "FDO", NOTE};

static void *find(const char *name)
{
    static void *library;
    if (!library)
        library = dlopen("libmount.so.1", RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, name) : NULL;
}

// The function `name` of the library, or what to answer without it.
#define FORWARD(result, name, parameters, arguments, missing) \
    result lib##name parameters \
    { \
        __typeof__(name) *function = (__typeof__(name) *)find(#name); \
        return function ? function arguments : missing; \
    }

FORWARD(const struct libmnt_optmap *, mnt_get_builtin_optmap, (int id), (id), NULL)
FORWARD(struct libmnt_table *, mnt_new_table, (void), (), NULL)
FORWARD(int, mnt_table_parse_file, (struct libmnt_table *table, const char *file), (table, file), -ENOENT)
FORWARD(struct libmnt_fs *, mnt_table_find_mountpoint, (struct libmnt_table *table, const char *path, int direction), (table, path, direction), NULL)
FORWARD(const char *, mnt_fs_get_target, (struct libmnt_fs *fs), (fs), NULL)
FORWARD(const char *, mnt_fs_get_fstype, (struct libmnt_fs *fs), (fs), NULL)
FORWARD(const char *, mnt_fs_get_source, (struct libmnt_fs *fs), (fs), NULL)
FORWARD(int, mnt_get_library_version, (const char **version), (version), 0)
FORWARD(void, mnt_unref_table, (struct libmnt_table *table), (table), (void)0)
