// SPDX-License-Identifier: Apache-2.0

/// The system calls of every architecture minictl runs on, sorted by what they reach.
///
/// Typed from the kernel's tables (`syscall_64.tbl`, `syscall_32.tbl`, `scripts/syscall.tbl`, to Linux 6.19) and syscalls(2).
/// A name that an architecture does not have costs nothing there. Calls newer than all of these answer ENOSYS, so that programs
/// fall back to what they did before the call existed. The others answer EPERM, whatever the capabilities:
/// - `keyctl add_key request_key`: keyrings do not know containers, keys of the host and of others would be in reach;
/// - `io_uring_setup io_uring_enter io_uring_register`: work done by the kernel for a program, out of any filter's sight;
/// - `userfaultfd`: holds the kernel still in the middle of a copy, which turns small races into large ones;
/// - `kexec_load kexec_file_load swapon swapoff`: belong to the host alone;
/// - `uselib ustat sysfs lookup_dcookie vm86 vm86old` and what is older: no program of today needs them, and nobody reviews them.
enum SystemCallGroups {
    /// What every program may do. The kernel's own checks bind these calls to the container's files, processes and identity.
    static let ordinary: [StaticString] = [
        openFiles, fileNames, fileMetadata, extendedAttributes, waitingForFiles, memory, processes, threads, scheduling, signals,
        time, sockets, messages, identity, ownConfinement, architectureExtras,
    ]

    /// Opening files and moving bytes.
    private static let openFiles: StaticString = """
        open openat openat2 creat close close_range read write readv writev pread64 pwrite64 preadv preadv2 pwritev pwritev2
        lseek _llseek sendfile sendfile64 copy_file_range splice tee vmsplice pipe pipe2 dup dup2 dup3 fcntl fcntl64 ioctl flock
        truncate truncate64 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 readahead cachestat
        sync syncfs fsync fdatasync sync_file_range
        io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64
        """

    /// Names and directories. `mknod` is held back by the devices cgroup, `name_to_handle_at` opens nothing by itself.
    private static let fileNames: StaticString = """
        getcwd chdir fchdir umask mkdir mkdirat rmdir link linkat unlink unlinkat symlink symlinkat readlink readlinkat
        rename renameat renameat2 mknod mknodat getdents getdents64 readdir name_to_handle_at
        """

    /// Status, modes, owners and times; `statmount` and `listmount` show what /proc/self/mountinfo shows.
    private static let fileMetadata: StaticString = """
        stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs fstatfs64 statmount listmount
        access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 chown chown32 lchown lchown32 fchown fchown32 fchownat
        utime utimes utimensat utimensat_time64 futimesat file_getattr file_setattr
        """

    private static let extendedAttributes: StaticString = """
        getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat
        listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat
        """

    /// Waiting until a descriptor is ready or a file changes. `fanotify_mark` needs a descriptor that only `fanotify_init` gives.
    private static let waitingForFiles: StaticString = """
        select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64
        epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 epoll_ctl_old epoll_wait_old eventfd eventfd2
        inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
        """

    private static let memory: StaticString = """
        brk mmap mmap2 munmap mprotect mremap msync madvise mincore mlock mlock2 mlockall munlock munlockall remap_file_pages
        membarrier memfd_create memfd_secret pkey_alloc pkey_free pkey_mprotect map_shadow_stack mseal process_mrelease
        """

    /// Programs, children and debugging of one's own. Linux 4.8 closed the way around a filter that `ptrace` had been.
    private static let processes: StaticString = """
        execve execveat fork vfork exit exit_group wait4 waitid waitpid pidfd_open pidfd_send_signal
        getpid getppid gettid getpgid setpgid getpgrp getsid setsid
        ptrace process_vm_readv process_vm_writev
        getrlimit ugetrlimit setrlimit prlimit64 getrusage times uname sysinfo getrandom
        """

    private static let threads: StaticString = """
        futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list set_tid_address rseq
        set_thread_area get_thread_area arch_prctl prctl getcpu restart_syscall
        """

    private static let scheduling: StaticString = """
        sched_yield sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_getattr sched_setattr
        sched_getaffinity sched_setaffinity sched_get_priority_max sched_get_priority_min
        sched_rr_get_interval sched_rr_get_interval_time64 getpriority setpriority nice ioprio_get ioprio_set
        """

    private static let signals: StaticString = """
        rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigreturn rt_sigqueueinfo rt_tgsigqueueinfo
        rt_sigtimedwait rt_sigtimedwait_time64 signal sigaction sigprocmask sigpending sigsuspend sigreturn sigaltstack
        kill tkill tgkill pause alarm signalfd signalfd4
        """

    /// Reading clocks and waiting. `adjtimex` reads too; to change the clock it asks for CAP_SYS_TIME.
    private static let time: StaticString = """
        time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 adjtimex clock_adjtime clock_adjtime64
        nanosleep clock_nanosleep clock_nanosleep_time64 getitimer setitimer
        timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
        timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
        """

    /// All but `socket` itself, whose family is looked at. i386's `socketcall` keeps its arguments in memory, where no filter sees them.
    private static let sockets: StaticString = """
        socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
        send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 socketcall
        """

    /// System V and POSIX queues, semaphores and shared memory: of the container's IPC namespace.
    private static let messages: StaticString = """
        msgget msgsnd msgrcv msgctl semget semop semctl semtimedop semtimedop_time64 shmget shmat shmdt shmctl ipc
        mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify mq_getsetattr
        """

    private static let identity: StaticString = """
        getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32
        getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32
        setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32
        capget capset
        """

    /// A process may only ever narrow itself with these.
    private static let ownConfinement: StaticString = """
        seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr lsm_list_modules
        """

    /// What one architecture's C library or the kernel's own trampolines need there.
    private static let architectureExtras: StaticString = """
        modify_ldt uretprobe uprobe arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls
        """

    /// Calls that come with a capability: allowed to who has one of them, else EPERM, as the kernel would say.
    static let privileged: [(names: StaticString, by: [StaticString])] = [
        // Namespaces and mounts, through the old calls and the new: each has been the first step out of a container (CVE-2022-0185).
        (
            """
            unshare setns mount umount umount2 pivot_root open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick
            mount_setattr listns
            """, ["CAP_SYS_ADMIN"]
        ),
        ("quotactl quotactl_fd fanotify_init sethostname setdomainname lsm_set_self_attr", ["CAP_SYS_ADMIN"]),
        ("bpf", ["CAP_SYS_ADMIN", "CAP_BPF"]),
        ("perf_event_open", ["CAP_SYS_ADMIN", "CAP_PERFMON"]),
        // Reads the kernel's log, which names addresses and what other containers do.
        ("syslog", ["CAP_SYSLOG", "CAP_SYS_ADMIN"]),
        // Opens any file of a file system, also outside the root: how "shocker" left docker in 2014.
        ("open_by_handle_at", ["CAP_DAC_READ_SEARCH"]),
        ("chroot", ["CAP_SYS_CHROOT"]),
        // Reach into other processes beyond what ptrace checks each time.
        ("kcmp pidfd_getfd process_madvise", ["CAP_SYS_PTRACE"]),
        ("get_mempolicy set_mempolicy set_mempolicy_home_node mbind move_pages migrate_pages", ["CAP_SYS_NICE"]),
        ("clock_settime clock_settime64 settimeofday stime", ["CAP_SYS_TIME"]),
        ("init_module finit_module delete_module", ["CAP_SYS_MODULE"]),
        ("acct", ["CAP_SYS_PACCT"]),
        ("iopl ioperm", ["CAP_SYS_RAWIO"]),
        ("vhangup", ["CAP_SYS_TTY_CONFIG"]),
        ("reboot", ["CAP_SYS_BOOT"]),
    ]
}
