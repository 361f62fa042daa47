/* SPDX-License-Identifier: MIT */
#include "run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "phasegrid/clock.h"

extern char **environ;

enum { SIGNAL_BASE = 128 };
static const char nowhere[] = "/dev/null";

/* errno's value. */
static int direct_streams(posix_spawn_file_actions_t *actions, const struct pg_program *program,
                          int output)
{
    int number = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, nowhere, O_RDONLY, 0);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (number == 0 && program->is_silent)
        number = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, nowhere, O_WRONLY, 0);
    return number;
}

/* The same. The words are not changed, though posix_spawnp() does not promise it. */
static int start(const struct pg_program *program, int output, pid_t *ret_child)
{
    posix_spawn_file_actions_t actions;
    char *words[PG_RUN_WORDS_MAX + 1] = {NULL};
    for (size_t i = 0; program->argv[i] != NULL && i < PG_RUN_WORDS_MAX; i++)
        memcpy(&words[i], &program->argv[i], sizeof words[i]);
    int number = posix_spawn_file_actions_init(&actions);
    if (number != 0)
        return number;
    number = direct_streams(&actions, program, output);
    if (number == 0)
        number = posix_spawnp(ret_child, words[0], &actions, NULL, words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return number;
}

/* Whether there is something to read, or the end, before the moment `until` (0: however late). */
static bool wait_for_output(int from, double until)
{
    struct pollfd end = {.fd = from, .events = POLLIN};
    for (;;) {
        double left = until > 0.0 ? until - pg_clock_wall() : 0.0;
        if (left < 0.0)
            return false;
        int ready = poll(&end, 1, until > 0.0 ? (int)(1e3 * left) + 1 : -1);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

/* All that comes is read, so that the program never waits for us. False: its time is over. */
static bool read_line(int from, double until, char *line, size_t size)
{
    size_t used = 0;
    bool is_over = false, is_in_time;
    char bytes[256];
    ssize_t count = 1;
    while ((is_in_time = wait_for_output(from, until)) && count != 0) {
        count = read(from, bytes, sizeof bytes);
        if (count < 0 && errno != EINTR)
            break;
        for (ssize_t i = 0; i < count; i++) {
            is_over = is_over || bytes[i] == '\n';
            if (!is_over && used + 1 < size)
                line[used++] = bytes[i];
        }
    }
    line[used] = '\0';
    return is_in_time;
}

int pg_run_program(const struct pg_program *program, char *line, size_t size, int *ret_code,
                   struct pg_error *error)
{
    const char *name = program->argv[0];
    double until = program->patience > 0.0 ? pg_clock_wall() + program->patience : 0.0;
    int ends[2], status = 0;
    pid_t child = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return pg_error_set(error, PG_EMACHINE, "%s: %s", name, strerror(errno));
    int number = start(program, ends[1], &child);
    (void)close(ends[1]);
    if (number != 0) {
        (void)close(ends[0]);
        errno = number;
        return pg_error_set(error, PG_EMACHINE, "%s: %s", name, strerror(number));
    }
    if (!read_line(ends[0], until, line, size))
        (void)kill(child, SIGKILL);
    (void)close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNAL_BASE + WTERMSIG(status);
    return 0;
}
