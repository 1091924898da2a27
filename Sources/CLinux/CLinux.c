// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include <linux/futex.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

long linux_clone3(struct clone_args *args, size_t size) { return syscall(SYS_clone3, args, size); }
pid_t linux_fork(void) { return fork(); }
int linux_unshare(int flags) { return unshare(flags); }
int linux_setns(int fd, int flags) { return setns(fd, flags); }
int linux_pidfd_open(pid_t pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
int linux_pidfd_send_signal(int pidfd, int signal) { return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0); }
int linux_waitid_pidfd(int pidfd, siginfo_t *info, int options) { return waitid(P_PIDFD, pidfd, info, options); }
int linux_waitid_any(siginfo_t *info, int options) { return waitid(P_ALL, 0, info, options); }
pid_t linux_siginfo_pid(const siginfo_t *info) { return info->si_pid; }
int linux_siginfo_status(const siginfo_t *info) { return info->si_status; }
int linux_execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags) { return syscall(SYS_execveat, fd, path, argv, envp, flags); }
int linux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) { return prctl(option, a, b, c, d); }
long linux_keyctl_join(const char *name) { return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name); }
long linux_keyctl_setperm(int32_t key, uint32_t permissions) { return syscall(SYS_keyctl, KEYCTL_SETPERM, key, permissions); }
long linux_seccomp(unsigned operation, unsigned flags, void *argument) { return syscall(SYS_seccomp, operation, flags, argument); }
int linux_setgroups(size_t count, const gid_t *list) { return syscall(SYS_setgroups, count, list); }
int linux_setresuid(uid_t real, uid_t effective, uid_t saved) { return syscall(SYS_setresuid, real, effective, saved); }
int linux_setresgid(gid_t real, gid_t effective, gid_t saved) { return syscall(SYS_setresgid, real, effective, saved); }
int linux_setfsuid(uid_t uid) { return syscall(SYS_setfsuid, uid); }
int linux_setfsgid(gid_t gid) { return syscall(SYS_setfsgid, gid); }
int linux_personality(unsigned long persona) { return syscall(SYS_personality, persona); }
int linux_sched_setattr(pid_t pid, uint32_t policy, uint64_t flags, int32_t nice, uint32_t priority, uint64_t runtime, uint64_t deadline, uint64_t period) {
    // struct sched_attr, whose header cannot be read beside <sched.h> everywhere.
    struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; } a = {
        sizeof a, policy, flags, nice, priority, runtime, deadline, period,
    };
    return (int)syscall(SYS_sched_setattr, pid, &a, 0);
}
long linux_sched_getaffinity(pid_t pid, size_t size, uint64_t *mask) { return syscall(SYS_sched_getaffinity, pid, size, mask); }
int linux_sched_setaffinity(pid_t pid, size_t size, const uint64_t *mask) { return syscall(SYS_sched_setaffinity, pid, size, mask); }
int linux_getcpu(unsigned *processor) { return getcpu(processor, NULL); }
int linux_ioprio_set(int which, int who, int value) { return syscall(SYS_ioprio_set, which, who, value); }
int linux_getrlimit(int resource, struct rlimit *limit) { return getrlimit(resource, limit); }
int linux_prlimit(pid_t pid, int resource, const struct rlimit *value, struct rlimit *old) { return prlimit(pid, resource, value, old); }
int linux_setrlimit(int resource, const struct rlimit *limit) { return setrlimit(resource, limit); }
int linux_malloc_trim(size_t pad) { return malloc_trim(pad); }
long linux_getcwd(char *buffer, size_t size) { return syscall(SYS_getcwd, buffer, size); }

int linux_openat(int dir, const char *path, int flags, mode_t mode) { return openat(dir, path, flags, mode); }
int linux_openat2(int dir, const char *path, const struct open_how *how) { return syscall(SYS_openat2, dir, path, how, sizeof *how); }
int linux_renameat2(int from, const char *old, int to, const char *name, unsigned flags) { return syscall(SYS_renameat2, from, old, to, name, flags); }
int linux_memfd_create(const char *name) { return syscall(SYS_memfd_create, name, MFD_CLOEXEC); }
int linux_pipe2(int *ends) { return pipe2(ends, O_CLOEXEC); }
int linux_dup3(int fd, int target, int flags) { return dup3(fd, target, flags); }
int linux_lock_bytes(int fd, int type, int64_t start, int64_t length) { struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length}; return fcntl(fd, F_OFD_SETLK, &lock); }
int linux_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC); }
int linux_close_range(unsigned first, unsigned last, unsigned flags) { return syscall(SYS_close_range, first, last, flags); }
int linux_fcntl(int fd, int command, long argument) { return fcntl(fd, command, argument); }
int linux_ioctl(int fd, unsigned long request, unsigned long argument) { return ioctl(fd, request, argument); }
int linux_ioctl_pointer(int fd, unsigned long request, void *argument) { return ioctl(fd, request, argument); }
long linux_getrandom(void *buffer, size_t size, unsigned flags) { return syscall(SYS_getrandom, buffer, size, flags); }
long linux_getdents64(int fd, void *buffer, size_t size) { return syscall(SYS_getdents64, fd, buffer, size); }
uint32_t linux_load(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
void linux_store(uint32_t *word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }
uint32_t linux_compare_exchange(uint32_t *word, uint32_t old, uint32_t new_) { __atomic_compare_exchange_n(word, &old, new_, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); return old; }
int linux_syncfs(int fd) { return syncfs(fd); }

int linux_statx_mount(int dir, const char *path, int flags, uint64_t *mount_id, uint64_t *attributes)
{
    struct statx result = {0};
    int code = statx(dir, path, flags, STATX_TYPE | STATX_MNT_ID, &result);
    *mount_id = result.stx_mnt_id;
    *attributes = result.stx_attributes;
    return code;
}

int linux_pivot_root(const char *new_root, const char *put_old) { return syscall(SYS_pivot_root, new_root, put_old); }
int linux_open_tree(int dir, const char *path, unsigned flags) { return syscall(SYS_open_tree, dir, path, flags); }
int linux_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags) { return syscall(SYS_move_mount, from, from_path, to, to_path, flags); }
int linux_fsopen(const char *type, unsigned flags) { return syscall(SYS_fsopen, type, flags); }
int linux_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux) { return syscall(SYS_fsconfig, fd, command, key, value, aux); }
int linux_fsmount(int fd, unsigned flags, unsigned attributes) { return syscall(SYS_fsmount, fd, flags, attributes); }
int linux_mount_setattr(int dir, const char *path, unsigned flags, struct mount_attr *attr) { return syscall(SYS_mount_setattr, dir, path, flags, attr, sizeof *attr); }

long linux_send(int fd, const void *data, size_t size, const int *fds, size_t count)
{
    union { char bytes[CMSG_SPACE(sizeof(int) * LINUX_MAX_FDS)]; struct cmsghdr align; } control = {0};
    struct iovec part = {(void *)data, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0 && count <= LINUX_MAX_FDS) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

long linux_receive(int fd, void *data, size_t size, int *fds, size_t *count, int *flags)
{
    union { char bytes[CMSG_SPACE(sizeof(int) * LINUX_MAX_FDS)]; struct cmsghdr align; } control = {0};
    struct iovec part = {data, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    long result = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | *flags);
    *count = 0;
    if (result < 0)
        return result;
    *flags = message.msg_flags;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            *count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(header), sizeof(int) * *count);
        }
    return result;
}

int linux_exited(int status) { return WIFEXITED(status); }
int linux_exit_code(int status) { return WEXITSTATUS(status); }
int linux_term_signal(int status) { return WTERMSIG(status); }
unsigned linux_major(dev_t device) { return major(device); }
unsigned linux_minor(dev_t device) { return minor(device); }
dev_t linux_makedev(unsigned number, unsigned minor) { return makedev(number, minor); }
int linux_sigrtmin(void) { return SIGRTMIN; }
int linux_sigrtmax(void) { return SIGRTMAX; }

long linux_bpf(int command, void *attributes, unsigned size) { return syscall(SYS_bpf, command, attributes, size); }

// A list without entries but the one that is being taken, for as long as the process lives: the kernel looks at that one alone.
int linux_mark_at_death(uint32_t *word)
{
    static struct robust_list_head head = {.list = {&head.list}};
    head.list_op_pending = (struct robust_list *)word;
    return syscall(SYS_set_robust_list, &head, sizeof head);
}
