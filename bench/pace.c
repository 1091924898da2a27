// SPDX-License-Identifier: Apache-2.0
// pace MBYTES SECONDS latency|processor COMMAND…: so many megabytes a second, in blocks of 4 KiB, into a command that gives back what it
// gets, such as `cat` in a container.
//
// Prints the median of the milliseconds until a block has come back whole, or the milliseconds of processor time that each second took of
// all processes in this pid namespace but this one. The clock starts when the first block is back, so the command's start does not count.
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "times.h"

enum { block = 4096 };

extern char **environ;

static void fail(const char *what) {
    fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
    exit(1);
}

// Milliseconds of processor time of all processes but this one, with those of their children that have been waited for.
static double processor(void) {
    DIR *proc = opendir("/proc");
    if (!proc) fail("/proc");
    double ticks = 0;
    for (struct dirent *entry; (entry = readdir(proc));) {
        char path[300], text[1024];
        unsigned long user, system;
        long users, systems;
        if (!isdigit(entry->d_name[0]) || atoi(entry->d_name) == getpid()) continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) continue;  // it has ended
        ssize_t count = read(file, text, sizeof text - 1);
        close(file);
        text[count > 0 ? count : 0] = 0;
        char *rest = strrchr(text, ')');
        if (rest && sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &user, &system, &users, &systems) == 4)
            ticks += user + system + users + systems;
    }
    closedir(proc);
    return ticks * 1e3 / sysconf(_SC_CLK_TCK);
}

// What goes in and comes out, and how long each block took.
static int in, out;
static double *times;
static size_t written, taken;

// Writes as much of the blocks that are due as fits. The stamp in each is when the first byte of it was written.
static void give(size_t due) {
    static char bytes[block];
    while (written < due * block) {
        size_t offset = written % block;
        double stamp = now();
        if (!offset) memcpy(bytes, &stamp, sizeof stamp);
        ssize_t count = write(in, bytes + offset, block - offset);
        if (count < 0 && errno == EAGAIN) return;
        if (count < 0) fail("write");
        written += count;
    }
}

static void take(void) {
    static char bytes[block];
    size_t offset = taken % block;
    ssize_t count = read(out, bytes + offset, block - offset);
    if (count < 0) fail("read");
    if (!count) {
        fprintf(stderr, "pace: the command ended too early\n");
        exit(1);
    }
    taken += count;
    if (taken % block) return;
    double stamp;
    memcpy(&stamp, bytes, sizeof stamp);
    times[taken / block - 1] = now() - stamp;
}

// Until `blocks` of them are back, the next one due every `pause` milliseconds.
static void carry(size_t blocks, double pause) {
    double start = now();
    size_t first = written / block;
    while (taken < blocks * block) {
        double elapsed = now() - start;
        size_t due = pause > 0 ? first + 1 + elapsed / pause : blocks;
        if (due > blocks) due = blocks;
        give(due);
        double rest = due < blocks ? (due - first) * pause - (now() - start) : 1e3;
        if (rest < 0) rest = 0;
        struct timespec time = {rest / 1e3, (long)(rest * 1e6) % 1000000000};
        struct pollfd entries[] = {{out, POLLIN, 0}, {written < due * block ? in : -1, POLLOUT, 0}};
        if (ppoll(entries, 2, &time, NULL) < 0) fail("poll");
        if (entries[0].revents) take();
    }
}

int main(int argc, char **argv) {
    double rate = argc > 4 ? atof(argv[1]) : 0, seconds = argc > 4 ? atof(argv[2]) : 0;
    if (rate <= 0 || seconds <= 0) {
        fprintf(stderr, "usage: pace MBYTES SECONDS latency|processor COMMAND…\n");
        return 2;
    }
    size_t limit = 1 + rate * 1e6 * seconds / block;
    times = calloc(limit, sizeof *times);
    int input[2], output[2];
    if (!times || pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC)) fail("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], 0);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    pid_t pid;
    if ((errno = posix_spawnp(&pid, argv[4], &actions, NULL, argv + 4, environ))) fail(argv[4]);
    close(input[0]), close(output[1]);
    in = input[1], out = output[0];
    fcntl(in, F_SETFL, O_NONBLOCK);

    carry(1, 0);
    double before = processor();
    carry(limit, block / (rate * 1e3));
    double used = processor() - before;
    close(in);
    int status;
    waitpid(pid, &status, 0);
    qsort(times + 1, limit - 1, sizeof *times, compare);
    printf("%.3f\n", *argv[3] == 'l' ? times[1 + (limit - 1) / 2] : used / seconds);
    return status ? 1 : 0;
}
