// SPDX-License-Identifier: Apache-2.0
// What Swift cannot call or name by itself: system calls without a glibc wrapper, variadic functions, and macros.
// One function is one call. No decisions, no allocation, no printing: those are Swift's.
#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <linux/openat2.h>
#include <linux/close_range.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// Processes and namespaces
long linux_clone3(struct clone_args *args, size_t size);
pid_t linux_fork(void);
int linux_unshare(int flags);
int linux_setns(int fd, int flags);
int linux_pidfd_open(pid_t pid, unsigned flags);
int linux_pidfd_send_signal(int pidfd, int signal);
int linux_waitid_pidfd(int pidfd, siginfo_t *info, int options);
int linux_waitid_any(siginfo_t *info, int options);
pid_t linux_siginfo_pid(const siginfo_t *info);
int linux_siginfo_status(const siginfo_t *info);
int linux_execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags);
int linux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
long linux_keyctl_join(const char *name);
long linux_keyctl_setperm(int32_t key, uint32_t permissions);
long linux_seccomp(unsigned operation, unsigned flags, void *argument);
int linux_setgroups(size_t count, const gid_t *list);
int linux_setresuid(uid_t real, uid_t effective, uid_t saved);
int linux_setresgid(gid_t real, gid_t effective, gid_t saved);
int linux_setfsuid(uid_t uid);
int linux_setfsgid(gid_t gid);
int linux_personality(unsigned long persona);
int linux_sched_setattr(pid_t pid, uint32_t policy, uint64_t flags, int32_t nice, uint32_t priority, uint64_t runtime, uint64_t deadline, uint64_t period);
long linux_sched_getaffinity(pid_t pid, size_t size, uint64_t *mask);
int linux_sched_setaffinity(pid_t pid, size_t size, const uint64_t *mask);
int linux_getcpu(unsigned *processor);
int linux_ioprio_set(int which, int who, int value);
int linux_getrlimit(int resource, struct rlimit *limit);
int linux_prlimit(pid_t pid, int resource, const struct rlimit *value, struct rlimit *old);
int linux_setrlimit(int resource, const struct rlimit *limit);
long linux_getcwd(char *buffer, size_t size);
int linux_malloc_trim(size_t pad);

// Files
int linux_openat(int dir, const char *path, int flags, mode_t mode);
int linux_openat2(int dir, const char *path, const struct open_how *how);
int linux_renameat2(int from, const char *old, int to, const char *name, unsigned flags);
int linux_pipe2(int *ends);
int linux_memfd_create(const char *name);
int linux_dup3(int fd, int target, int flags);
int linux_accept(int listener);
int linux_lock_bytes(int fd, int type, int64_t start, int64_t length);
int linux_close_range(unsigned first, unsigned last, unsigned flags);
int linux_fcntl(int fd, int command, long argument);
int linux_ioctl(int fd, unsigned long request, unsigned long argument);
int linux_ioctl_pointer(int fd, unsigned long request, void *argument);
long linux_getrandom(void *buffer, size_t size, unsigned flags);
// Words of memory that processes share; `compare_exchange` writes the new one where the old one is found, and gives back what was found
uint32_t linux_load(const uint32_t *word);
void linux_store(uint32_t *word, uint32_t value);
uint32_t linux_compare_exchange(uint32_t *word, uint32_t old, uint32_t new_);
int linux_mark_at_death(uint32_t *word);
long linux_getdents64(int fd, void *buffer, size_t size);
int linux_syncfs(int fd);
int linux_statx_mount(int dir, const char *path, int flags, uint64_t *mount_id, uint64_t *attributes);

// Mounts
int linux_pivot_root(const char *new_root, const char *put_old);
int linux_open_tree(int dir, const char *path, unsigned flags);
int linux_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags);
int linux_fsopen(const char *type, unsigned flags);
int linux_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux);
int linux_fsmount(int fd, unsigned flags, unsigned attributes);
int linux_mount_setattr(int dir, const char *path, unsigned flags, struct mount_attr *attr);

// Sockets: one message with at most `LINUX_MAX_FDS` descriptors beside it
#define LINUX_MAX_FDS 250 // the kernel's SCM_MAX_FD is 253
long linux_send(int fd, const void *data, size_t size, const int *fds, size_t count);
long linux_receive(int fd, void *data, size_t size, int *fds, size_t *count, int *flags);

// Macros
enum {
    linux_max_fds = LINUX_MAX_FDS,
    linux_at_empty_path = 0x1000, // AT_EMPTY_PATH and O_PATH are hidden without _GNU_SOURCE, which Swift's importer does not set
    linux_at_recursive = 0x8000,
    linux_o_path = 010000000,
    linux_o_tmpfile = 020200000,
    linux_rename_noreplace = 1,
    linux_rename_exchange = 2,
    linux_netlink_route = 0,
    linux_ioprio_who_process = 1,
    linux_ns_get_userns = NS_GET_USERNS,
    linux_ns_get_parent = NS_GET_PARENT,
    linux_ns_get_nstype = NS_GET_NSTYPE,
    linux_ns_get_owner_uid = NS_GET_OWNER_UID,
    linux_tiocgptpeer = 0x5441,
    linux_pidfd_info_exit = 8,
    linux_seek_data = 3, // SEEK_DATA and SEEK_HOLE, hidden likewise
    linux_seek_hole = 4,
    linux_tiocsptlck = 0x40045431,
    linux_tiocgptn = 0x80045430,
    linux_fsopen_cloexec = FSOPEN_CLOEXEC,
    linux_fsmount_cloexec = FSMOUNT_CLOEXEC,
    linux_fsconfig_set_flag = FSCONFIG_SET_FLAG,
    linux_fsconfig_set_string = FSCONFIG_SET_STRING,
    linux_fsconfig_set_fd = FSCONFIG_SET_FD,
    linux_fsconfig_cmd_create = FSCONFIG_CMD_CREATE,
    linux_move_mount_f_empty_path = MOVE_MOUNT_F_EMPTY_PATH,
    linux_move_mount_t_empty_path = MOVE_MOUNT_T_EMPTY_PATH,
};

// `struct pidfd_info` of <linux/pidfd.h> in its first size, which libc's headers lack before Linux 6.13
struct linux_pidfd_info {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
};
#define LINUX_PIDFD_GET_INFO _IOWR(0xff, 11, struct linux_pidfd_info)
static const unsigned long linux_pidfd_get_info = LINUX_PIDFD_GET_INFO;

int linux_exited(int status);
int linux_exit_code(int status);
int linux_term_signal(int status);
unsigned linux_major(dev_t device);
unsigned linux_minor(dev_t device);
dev_t linux_makedev(unsigned major, unsigned minor);
int linux_sigrtmin(void);
int linux_sigrtmax(void);

// The arguments of main
int linux_argument_count(void);
char **linux_arguments(void);

// Device filters
long linux_bpf(int command, void *attributes, unsigned size);
