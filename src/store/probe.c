/* SPDX-License-Identifier: MIT */
/*
 * HDF5 1.10.8 can crash on a damaged file, or not come back. So a child process opens the file and
 * reads everything that a reader would read of its structure, with limits on time and memory; only
 * when it came back well does the parent do the same. What it found goes through a pipe; a child
 * that says nothing has died, or is ended when its time is over.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "phasegrid/clock.h"
#include "reader.h"
#include "rows.h"

enum { PROBE_SECONDS = 20 };

/* What the structure of a file may take beside what the process has already. */
static const rlim_t probe_bytes = (rlim_t)1 << 30;

/* ---- the child ---- */

static void forget_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void limit(int resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0)
        return;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most)
        most = now.rlim_max;
    now.rlim_cur = most;
    (void)setrlimit(resource, &now);
}

/* Sanitizers reserve more address space than any limit. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(PG_FUZZING)
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    int found = file != NULL ? fscanf(file, "%lu", &pages) : 0; /* NOLINT(cert-err34-c) */
    if (file != NULL)
        (void)fclose(file);
    if (found == 1)
        limit(RLIMIT_AS, (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + probe_bytes);
#else
    (void)probe_bytes;
#endif
}

/* The first and the last row of every variable: their places in the file are part of the
   structure. */
static int read_ends(struct pg_reader *reader, struct pg_error *error)
{
    const struct pg_layout *layout = pg_reader_layout(reader);
    int status = 0;
    for (size_t i = 0; i < layout->variable_count && status == 0; i++) {
        if (layout->variables[i].texts != NULL)
            continue;
        uint64_t rows = pg_rows_count(layout, i);
        void *row = malloc(pg_layout_row_bytes(layout, i) + 1);
        if (row == NULL)
            return pg_error_set(error, PG_EMISMATCH, "'%s': a row of '%s' does not fit in memory",
                                reader->path, layout->variables[i].name);
        if (rows > 0)
            status = pg_reader_rows(reader, i, 0, 1, row, error);
        if (rows > 1 && status == 0)
            status = pg_reader_rows(reader, i, rows - 1, 1, row, error);
        free(row);
    }
    return status;
}

_Noreturn static void walk(const char *path, int to)
{
    struct pg_error found = {0};
    struct pg_reader *reader = NULL;
    forget_signals();
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, PROBE_SECONDS);
    limit_memory();
    if (freopen("/dev/null", "w", stderr) == NULL)
        (void)close(STDERR_FILENO);
    found.status = pg_reader_open_unprobed(path, &reader, &found);
    if (found.status == 0)
        found.status = read_ends(reader, &found);
    (void)!write(to, &found, sizeof found); /* shorter than a pipe: in one piece */
    _exit(0);
}

/* ---- the parent ---- */

/* Whether the child said what it found before its time was over. */
static bool hear(int from, struct pg_error *ret_found)
{
    const double until = pg_clock_wall() + PROBE_SECONDS;
    struct pollfd pipe_end = {.fd = from, .events = POLLIN};
    for (double left = PROBE_SECONDS; left > 0.0; left = until - pg_clock_wall()) {
        int ready = poll(&pipe_end, 1, (int)(left * 1e3) + 1);
        if (ready > 0)
            return read(from, ret_found, sizeof *ret_found) == (ssize_t)sizeof *ret_found;
        if (ready < 0 && errno != EINTR)
            return false;
    }
    return false;
}

/* How the child ended; -1: nobody knows. */
static int await(pid_t child)
{
    int how = -1;
    while (waitpid(child, &how, 0) < 0)
        if (errno != EINTR)
            return -1;
    return how;
}

static int tell(const char *path, int how, struct pg_error *error)
{
    int number = how >= 0 && WIFSIGNALED(how) ? WTERMSIG(how) : 0;
    if (number == SIGKILL || number == SIGXCPU)
        return pg_error_set(error, PG_EMISMATCH,
                            "'%s' is damaged: reading its structure did not end within %d s", path,
                            PROBE_SECONDS);
    return pg_error_set(error, PG_EMISMATCH,
                        "'%s' is damaged: reading its structure ended with signal %d (%s)", path,
                        number, number > 0 ? strsignal(number) : "no word");
}

static int fail(const char *path, const char *what, struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "cannot look at '%s': %s: %s", path, what,
                        strerror(errno));
}

int pg_store_probe(const char *path, struct pg_error *error)
{
    struct pg_error found = {0};
    int ends[2];
    if (pipe(ends) != 0)
        return fail(path, "pipe", error);
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        walk(path, ends[1]);
    }
    (void)close(ends[1]);
    if (child < 0) {
        int status = fail(path, "fork", error);
        (void)close(ends[0]);
        return status;
    }
    bool has_spoken = hear(ends[0], &found);
    (void)close(ends[0]);
    if (!has_spoken)
        (void)kill(child, SIGKILL);
    int how = await(child);
    if (!has_spoken)
        return tell(path, how, error);
    return found.status == 0 ? 0 : pg_error_set(error, found.status, "%s", found.text);
}
