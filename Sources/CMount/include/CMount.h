// SPDX-License-Identifier: Apache-2.0
// libmount, loaded when it is first needed. It brings blkid, selinux and pcre2 along: loading the four takes 0.35 ms and 50 page faults,
// a tenth of a whole run, and a run by itself has no question for it.
// Each function here is the one of libmount's documentation under its own name, `mnt_…` made `libmnt_…`. Where the library is missing
// they answer as for "no memory" or "nothing found".
#pragma once
#include <libmount/libmount.h>

const struct libmnt_optmap *libmnt_get_builtin_optmap(int id);
struct libmnt_table *libmnt_new_table(void);
int libmnt_table_parse_file(struct libmnt_table *table, const char *file);
struct libmnt_fs *libmnt_table_find_mountpoint(struct libmnt_table *table, const char *path, int direction);
void libmnt_unref_table(struct libmnt_table *table);
const char *libmnt_fs_get_target(struct libmnt_fs *fs);
const char *libmnt_fs_get_fstype(struct libmnt_fs *fs);
const char *libmnt_fs_get_source(struct libmnt_fs *fs);
int libmnt_get_library_version(const char **version);
