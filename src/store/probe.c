/* SPDX-License-Identifier: MIT */
/*
 * HDF5 1.10.8 can crash on a damaged file, or not come back. So a child process opens the file and
 * goes through everything that a reader would ask for of its structure, with limits on time and
 * memory; only when it came back well does the parent open the file. What it found goes through a
 * pipe; a child that says nothing has died, or is ended when its time is over.
 *
 * A process that loops uses its CPU seconds up; one that is only slow (a disk that does not answer,
 * a machine that was suspended) does not, and its file is not called damaged.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "phasegrid/clock.h"
#include "reader.h"
#include "walk.h"

enum { CPU_SECONDS = 5, WALL_SECONDS = 60 };

/* What the structure of a file may take beside what the process has already. */
enum { MEBIBYTES = 1024 };

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER 1
#endif
#endif

/* ---- the child ---- */

/* A request to leave goes to every process of the rank's group (mpirun) or step (srun). It is the
   parent's to answer: a child that died of it would pass for one that the file has killed. */
static bool is_request(int number)
{
    return number == SIGUSR1 || number == SIGUSR2 || number == SIGTERM || number == SIGINT ||
           number == SIGHUP || number == SIGQUIT;
}

static void forget_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, is_request(number) ? SIG_IGN : SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void limit(__rlimit_resource_t resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0)
        return;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most)
        most = now.rlim_max;
    now.rlim_cur = most;
    (void)setrlimit(resource, &now);
}

/* The address sanitizer reserves more address space than any limit. */
static void limit_memory(void)
{
#ifndef HAS_ADDRESS_SANITIZER
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    int found = file != NULL ? fscanf(file, "%lu", &pages) : 0; /* NOLINT(cert-err34-c) */
    if (file != NULL)
        (void)fclose(file);
    if (found == 1)
        limit(RLIMIT_AS, (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)MEBIBYTES << 20));
#endif
}

/* Nothing of the parent's stays in the child's hands: no lock, no connection, no handler. It ends
   with the parent, leaves no core, and says nothing but through the pipe. */
static void become_a_child(int to)
{
    forget_signals();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_DUMPABLE, 0);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)dup2(nowhere, fd);
    if (to > STDERR_FILENO + 1)
        (void)close_range(STDERR_FILENO + 1, (unsigned)to - 1, 0);
    (void)close_range((unsigned)to + 1, ~0U, 0);
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit_memory();
}

_Noreturn static void work_as_child(const char *path, int to)
{
    struct pg_error found = {0};
    struct pg_reader *reader = NULL;
    become_a_child(to);
    found.status = pg_reader_open_unprobed(path, &reader, &found);
    if (found.status == 0)
        found.status = pg_walk_file(reader, &found);
    (void)!write(to, &found, sizeof found); /* shorter than a pipe: in one piece */
    _exit(0);
}

/* ---- the parent ---- */

struct child {
    pid_t pid;
    int from;           /* what it says */
    bool has_spoken;    /* and did so */
    int how;            /* waitpid()'s; -1: not known */
    double cpu_seconds; /* that it used */
};

/* Whether the child says what it found, before its time is over. */
static bool hear(const struct child *child, struct pg_error *ret_found)
{
    const double until = pg_clock_wall() + WALL_SECONDS;
    struct pollfd pipe_end = {.fd = child->from, .events = POLLIN};
    for (double left = WALL_SECONDS; left > 0.0; left = until - pg_clock_wall()) {
        int ready = poll(&pipe_end, 1, (int)(left * 1e3) + 1);
        if (ready > 0)
            return read(child->from, ret_found, sizeof *ret_found) == (ssize_t)sizeof *ret_found;
        if (ready < 0 && errno != EINTR)
            return false;
    }
    return false;
}

static void await(struct child *child)
{
    struct rusage usage = {0};
    pid_t ended;
    child->how = -1;
    do
        ended = wait4(child->pid, &child->how, 0, &usage);
    while (ended < 0 && errno == EINTR);
    child->cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
}

static int start(const char *path, struct child *ret_child, struct pg_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return pg_error_set(error, PG_EMACHINE, "cannot look at '%s': pipe: %s", path,
                            strerror(errno));
    ret_child->from = ends[0];
    ret_child->pid = fork();
    if (ret_child->pid == 0)
        work_as_child(path, ends[1]);
    int reason = errno;
    (void)close(ends[1]);
    if (ret_child->pid > 0)
        return 0;
    (void)close(ends[0]);
    return pg_error_set(error, PG_EMACHINE, "cannot look at '%s': fork: %s", path,
                        strerror(reason));
}

/* Of a child that said nothing. SIGKILL came from us, or from a system without memory. */
static int explain(const char *path, const struct child *child, struct pg_error *error)
{
    int number = child->how >= 0 && WIFSIGNALED(child->how) ? WTERMSIG(child->how) : 0;
    if (number == SIGXCPU || child->cpu_seconds >= CPU_SECONDS - 1)
        return pg_error_set(error, PG_EMISMATCH,
                            "'%s' is damaged: reading its structure did not end within %d CPU "
                            "seconds",
                            path, CPU_SECONDS);
    if (number == SIGKILL)
        return pg_error_set(error, PG_EMACHINE,
                            "cannot look at '%s': the process that reads it was killed, or had no "
                            "answer of the disk within %d s",
                            path, WALL_SECONDS);
    if (number > 0)
        return pg_error_set(error, PG_EMISMATCH,
                            "'%s' is damaged: reading its structure ended with signal %d (%s)",
                            path, number, strsignal(number));
    return pg_error_set(error, PG_EMISMATCH,
                        "'%s' is damaged: the process that reads its structure ended early", path);
}

/* Reading the structure of a sound file takes little memory. */
static int pass_on(const char *path, const struct pg_error *found, struct pg_error *error)
{
    if (found->status == PG_EMACHINE && strstr(found->text, "out of memory") != NULL)
        return pg_error_set(error, PG_EMISMATCH,
                            "'%s' is damaged: reading its structure took more than %d MiB of "
                            "memory",
                            path, MEBIBYTES);
    return found->status == 0 ? 0 : pg_error_set(error, found->status, "%s", found->text);
}

int pg_store_probe(const char *path, struct pg_error *error)
{
    struct pg_error found = {0};
    struct child child = {0};
    int status = start(path, &child, error);
    if (status != 0)
        return status;
    child.has_spoken = hear(&child, &found);
    (void)close(child.from);
    if (!child.has_spoken)
        (void)kill(child.pid, SIGKILL);
    await(&child);
    return child.has_spoken ? pass_on(path, &found, error) : explain(path, &child, error);
}
