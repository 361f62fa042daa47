/* SPDX-License-Identifier: MIT */
/*
 * Slurm puts the job's end into the environment from 23.02 on; before, squeue has to be asked. It
 * may be missing, forbidden on compute nodes, or wait for a controller that does not answer; then
 * the end is not known, and the sweep goes on until it gets a signal.
 */
#include "allocation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "phasegrid/clock.h"

static const double patience = 5.0; /* seconds, for squeue */

bool pg_allocation_is_first_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (getenv(names[i]) != NULL)
            return strcmp(getenv(names[i]), "0") == 0;
    return true;
}

/* "DD-HH:MM:SS" from its end: each part has a meaning only with those behind it. */
double pg_allocation_parse_left(const char *text)
{
    unsigned days = 0, parts[3] = {0};
    int used = 0;
    bool has_days = sscanf(text, "%6u-%n", &days, &used) == 1 && used > 0;
    const char *rest = has_days ? text + used : text;
    used = 0;
    int count =
        sscanf(rest, "%6u%n:%6u%n:%6u%n", &parts[0], &used, &parts[1], &used, &parts[2], &used);
    if (count < 2 || (has_days && count < 3) || rest[used + (int)strspn(rest + used, "\n")] != '\0')
        return -1.0;
    unsigned hours = count == 3 ? parts[0] : 0;
    return (has_days ? 86400.0 * days : 0.0) + 3600.0 * hours + 60.0 * parts[count - 2] +
           parts[count - 1];
}

/* In the child. */
_Noreturn static void become_squeue(const char *job, int to)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)dup2(nothing, STDIN_FILENO);
    (void)dup2(nothing, STDERR_FILENO);
    (void)dup2(to, STDOUT_FILENO);
    (void)execlp("squeue", "squeue", "-h", "-j", job, "-o", "%L", (char *)NULL);
    _exit(127);
}

/* What it says until it ends or the time is over. */
static void listen_to(int from, char *ret_text, size_t size)
{
    const double until = pg_clock_wall() + patience;
    struct pollfd end = {.fd = from, .events = POLLIN};
    size_t length = 0;
    for (double left = patience; left > 0.0 && length + 1 < size; left = until - pg_clock_wall()) {
        if (poll(&end, 1, (int)(1e3 * left) + 1) <= 0)
            continue;
        ssize_t count = read(from, ret_text + length, size - 1 - length);
        if (count == 0 || (count < 0 && errno != EINTR))
            break;
        length += count > 0 ? (size_t)count : 0;
    }
    ret_text[length] = '\0';
}

/* Seconds that are left to the job; negative: squeue does not say. */
static double ask_squeue(const char *job)
{
    char text[64] = "";
    int ends[2], how;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1.0;
    pid_t child = fork();
    if (child == 0)
        become_squeue(job, ends[1]);
    (void)close(ends[1]);
    if (child > 0) {
        listen_to(ends[0], text, sizeof text);
        (void)kill(child, SIGKILL);
        while (waitpid(child, &how, 0) < 0 && errno == EINTR)
            ;
    }
    (void)close(ends[0]);
    return pg_allocation_parse_left(text);
}

/* A moment after 1970; 0: the variable says none. */
static double read_moment(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    double moment = text != NULL ? strtod(text, &end) : 0.0;
    return end != NULL && end != text && *end == '\0' && moment > 0.0 && moment < 1e11 ? moment
                                                                                       : 0.0;
}

double pg_allocation_end(void)
{
    const char *job = getenv("SLURM_JOB_ID");
    double end = read_moment("PHASEGRID_DEADLINE");
    if (end <= 0.0)
        end = read_moment("SLURM_JOB_END_TIME");
    if (end > 0.0 || job == NULL)
        return end;
    double left = ask_squeue(job);
    return left >= 0.0 ? pg_clock_unix() + left : 0.0;
}
