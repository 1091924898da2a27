// SPDX-License-Identifier: Apache-2.0
// measure ROUNDS < PLAN: how long programs take from start to end, as a table.
//
// A plan is lines. `= title` begins a table; any other line is `label<TAB>program argument…`, one row, without quoting. In a table that begins
// with `# title` programs measure themselves and print the milliseconds.
// The rows of a table take turns, in an order that is drawn anew each time, so that whatever else the machine does meets all of them alike.
// After each comes a rest: ended namespaces and cgroups are taken apart by the kernel later, and that must not fall on who comes next.
// The first row is what the others are compared with. A row that fails once is shown as failed, its standard error is printed, and it is
// not run again.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "times.h"

enum { maxRows = 32, maxWords = 64 };
enum { shortestRest = 20, longestRest = 200 };  // milliseconds

struct row {
    char line[4096];
    char *label, *words[maxWords + 1];
    double *times;  // milliseconds
    int failure;    // wait status
};

extern char **environ;

static int read_row(struct row *row) {
    char *rest = strchr(row->line, '\t'), *save = NULL;
    if (!rest) return -1;
    *rest++ = 0;
    row->label = row->line;
    int count = 0;
    for (char *w = strtok_r(rest, " \n", &save); w && count < maxWords; w = strtok_r(NULL, " \n", &save)) row->words[count++] = w;
    row->words[count] = NULL;
    return count ? 0 : -1;
}

// Prints what the program that failed wrote to `errors`.
static void explain(const struct row *row, int errors) {
    char said[1024];
    ssize_t count = pread(errors, said, sizeof said, 0);
    fprintf(stderr, "measure: %s failed: %.*s", row->label, (int)(count > 0 ? count : 0), said);
}

// A file in memory that is empty.
static int empty(int *file) {
    if (*file < 0) *file = memfd_create("text", MFD_CLOEXEC);
    return ftruncate(*file, 0) || lseek(*file, 0, SEEK_SET) ? -1 : *file;
}

// The number that a row printed, or -1.
static double figure(struct row *row, int output) {
    char text[64] = "", *end;
    ssize_t count = pread(output, text, sizeof text - 1, 0);
    double figure = strtod(text, &end);
    if (count > 0 && end > text) return figure;
    fprintf(stderr, "measure: %s printed no number\n", row->label);
    row->failure = 1 << 8;
    return -1;
}

// Runs the row once and returns milliseconds, or -1.
static double run(struct row *row, int isFigure) {
    static int outputFile = -1, errorFile = -1;
    int output = empty(&outputFile), errors = empty(&errorFile);
    if (output < 0 || errors < 0) return -1;

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (isFigure) posix_spawn_file_actions_adddup2(&actions, output, 1);
    else posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, errors, 2);
    pid_t pid;
    double start = now();
    int error = posix_spawnp(&pid, row->words[0], &actions, NULL, row->words, environ);
    if (error) row->failure = 127 << 8;
    else waitpid(pid, &row->failure, 0);
    double end = now();
    posix_spawn_file_actions_destroy(&actions);
    if (!row->failure) return isFigure ? figure(row, output) : end - start;
    explain(row, errors);
    return -1;
}

static void print(const char *title, struct row *rows, int count, int rounds) {
    double base = 0;
    printf("\n%-44s %10s %10s %8s\n", title, "median", "min", "ratio");
    for (int i = 0; i < count; i++) {
        if (rows[i].failure) {
            printf("%-44s %10s\n", rows[i].label, "failed");
            continue;
        }
        qsort(rows[i].times, rounds, sizeof(double), compare);
        double median = rows[i].times[rounds / 2];
        if (!base) base = median;
        printf("%-44s %7.2f ms %7.2f ms %8.2f\n", rows[i].label, median, rows[i].times[0], median / base);
    }
    fflush(stdout);
}

static void shuffle(int *order, int count) {
    for (int i = count - 1; i > 0; i--) {
        int j = rand() % (i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

// As long as the run took, within bounds.
static void rest(double time) {
    double pause = time < shortestRest ? shortestRest : time > longestRest ? longestRest : time;
    usleep(pause * 1e3);
}

static void measure(const char *title, int isFigure, struct row *rows, int count, int rounds) {
    if (!count) return;
    int order[maxRows], warmUps = rounds < 20 ? 1 : 3;
    for (int i = 0; i < count; i++) order[i] = i;
    for (int round = -warmUps; round < rounds; round++) {
        shuffle(order, count);
        for (int turn = 0; turn < count; turn++) {
            struct row *row = &rows[order[turn]];
            if (row->failure) continue;
            double time = run(row, isFigure);
            if (round >= 0) row->times[round] = time;
            rest(time);
        }
    }
    print(title, rows, count, rounds);
}

int main(int argc, char **argv) {
    int rounds = argc == 2 ? atoi(argv[1]) : 0;
    struct row *rows = calloc(maxRows, sizeof *rows);
    if (rounds < 1 || !rows) {
        fprintf(stderr, "usage: measure ROUNDS < PLAN\n");
        return 2;
    }
    for (int i = 0; i < maxRows; i++)
        if (!(rows[i].times = calloc(rounds, sizeof(double)))) return 1;

    char line[4096], title[256] = "";
    int count = 0, isFigure = 0;
    while (fgets(line, sizeof line, stdin)) {
        if (line[0] == '=' || line[0] == '#') {
            measure(title, isFigure, rows, count, rounds);
            count = 0;
            isFigure = line[0] == '#';
            snprintf(title, sizeof title, "%.*s", (int)strcspn(line + 2, "\n"), line + 2);
        } else if (count < maxRows) {
            memcpy(rows[count].line, line, sizeof line);
            rows[count].failure = 0;
            if (!read_row(&rows[count])) count++;
        }
    }
    measure(title, isFigure, rows, count, rounds);
    return 0;
}
