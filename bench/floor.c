// SPDX-License-Identifier: Apache-2.0
// floor ROOTFS STATE COMMAND…: the least that `run --rm --network none` in the manner of docker has to ask of the kernel.
//
// New namespaces, a cgroup with two limits, an overlay over ROOTFS, the default mounts, devices and masks, a new root, fewer
// capabilities, the command, its exit status, and everything removed again. No options, no checks, no state: what a runtime
// takes beyond this is its own. STATE is a directory that exists and is empty, on a file system that overlay can write to.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define CHECK(call) \
    do { \
        if ((call) < 0) fail(#call); \
    } while (0)

static void fail(const char *call) {
    fprintf(stderr, "floor: %s: %s\n", call, strerror(errno));
    _exit(125);
}

// Text made from a format, in static memory: good until the next one.
__attribute__((format(printf, 1, 2))) static const char *text(const char *format, ...) {
    static char buffer[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    return buffer;
}

static void write_file(const char *path, const char *value) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(file);
    CHECK(write(file, value, strlen(value)));
    close(file);
}

// MARK: cgroup

// On a v2 machine one directory, on a v1 machine one for each controller that docker uses by default.
static const char *v1[] = {"cpu", "memory", "pids", "devices", "freezer"}, *v2[] = {"."};
static const char **hierarchies = v1;
static size_t hierarchyCount = COUNT(v1);
static pid_t owner;

static const char *cgroup(const char *hierarchy, const char *file) {
    return text("/sys/fs/cgroup/%s/floor-%d/%s", hierarchy, owner, file);
}

static void make_cgroup(void) {
    owner = getpid();
    if (!access("/sys/fs/cgroup/cgroup.controllers", F_OK)) hierarchies = v2, hierarchyCount = 1;
    for (size_t i = 0; i < hierarchyCount; i++) CHECK(mkdir(cgroup(hierarchies[i], ""), 0755));
    write_file(cgroup(hierarchies == v2 ? "." : "pids", "pids.max"), "100");
    write_file(hierarchies == v2 ? cgroup(".", "memory.max") : cgroup("memory", "memory.limit_in_bytes"), "536870912");
}

// Writing a process to cgroup.procs waits until no processor is in a fork, some 10 ms on an idle machine. Two ways spare that:
// on v2 the clone puts the child there, on v1 the child's one thread puts itself there.
static void join_cgroup(void) {
    if (hierarchies == v1)
        for (size_t i = 0; i < hierarchyCount; i++) write_file(cgroup(hierarchies[i], "tasks"), "0");
    CHECK(unshare(CLONE_NEWCGROUP));  // its root is where we stand now
}

static void remove_cgroup(void) {
    for (size_t i = 0; i < hierarchyCount; i++) rmdir(cgroup(hierarchies[i], ""));
}

// MARK: the container's side

static void mount_all(const char *rootfs, const char *state) {
    static const struct { const char *type, *path; unsigned long flags; const char *data; } mounts[] = {
        {"proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
        {"tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"},
        {"devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"},
        {"tmpfs", "dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k"},
        {"mqueue", "dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
        {"sysfs", "sys", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL},
    };
    CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CHECK(chdir(state));
    CHECK(mount("overlay", "root", "overlay", 0, text("lowerdir=%s,upperdir=upper,workdir=work", rootfs)));
    CHECK(chdir("root"));
    for (size_t i = 0; i < COUNT(mounts); i++) {
        if (mkdir(mounts[i].path, 0755) && errno != EEXIST) fail(mounts[i].path);
        CHECK(mount(mounts[i].type, mounts[i].path, mounts[i].type, mounts[i].flags, mounts[i].data));
    }
}

static void make_devices(void) {
    static const struct { const char *path; int major, minor; } devices[] = {
        {"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7}, {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
    };
    static const struct { const char *target, *path; } links[] = {
        {"/proc/self/fd", "dev/fd"}, {"/proc/self/fd/0", "dev/stdin"}, {"/proc/self/fd/1", "dev/stdout"},
        {"/proc/self/fd/2", "dev/stderr"}, {"pts/ptmx", "dev/ptmx"},
    };
    umask(0);
    for (size_t i = 0; i < COUNT(devices); i++) CHECK(mknod(devices[i].path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)));
    for (size_t i = 0; i < COUNT(links); i++) CHECK(symlink(links[i].target, links[i].path));
    umask(022);
}

static void hide_paths(void) {
    static const char *readOnly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
    static const char *masked[] = {"proc/kcore", "proc/keys", "proc/timer_list"};
    for (size_t i = 0; i < COUNT(readOnly); i++) {
        if (mount(readOnly[i], readOnly[i], NULL, MS_BIND | MS_REC, NULL)) continue;  // not every kernel has each
        CHECK(mount(NULL, readOnly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    }
    for (size_t i = 0; i < COUNT(masked); i++) mount("/dev/null", masked[i], NULL, MS_BIND, NULL);
}

static void drop_capabilities(void) {
    const unsigned long long dockers = 0xa80425fb;
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (!(dockers >> capability & 1)) CHECK(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static void become(const char *rootfs, const char *state, char **command) {
    join_cgroup();
    CHECK(sethostname("floor", 5));
    mount_all(rootfs, state);
    make_devices();
    hide_paths();
    CHECK(syscall(SYS_pivot_root, ".", "."));
    CHECK(umount2(".", MNT_DETACH));
    CHECK(chdir("/"));
    drop_capabilities();
    execvp(command[0], command);
    fail(command[0]);
}

// MARK: the host's side

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: floor ROOTFS STATE COMMAND [ARGUMENT...]\n");
        return 125;
    }
    char *rootfs = argv[1], state[512];
    int status;
    snprintf(state, sizeof state, "%s/run", argv[2]);
    static const char *folders[] = {"", "upper", "work", "root"};
    for (size_t i = 0; i < COUNT(folders); i++) CHECK(mkdir(text("%s/%s", state, folders[i]), 0755));
    make_cgroup();

    struct clone_args arguments = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET,
        .exit_signal = SIGCHLD,
    };
    if (hierarchies == v2) {
        int directory = open(cgroup(".", ""), O_PATH | O_DIRECTORY | O_CLOEXEC);
        CHECK(directory);
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = directory;
    }
    pid_t pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    CHECK(pid);
    if (!pid) become(rootfs, state, argv + 3);
    CHECK(waitpid(pid, &status, 0));

    remove_cgroup();
    static const char *leftovers[] = {"work/work", "work", "root", "upper/proc", "upper/dev", "upper/sys", "upper", ""};
    for (size_t i = 0; i < COUNT(leftovers); i++) rmdir(text("%s/%s", state, leftovers[i]));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
