/* SPDX-License-Identifier: MIT */
#include "run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SIGNAL_BASE = 128 };

/* errno's value. The words are not changed, though posix_spawnp() does not promise it. */
static int start(const char *const *argv, int output, pid_t *ret_child)
{
    posix_spawn_file_actions_t actions;
    char *words[PG_RUN_WORDS_MAX + 1] = {NULL};
    for (size_t i = 0; argv[i] != NULL && i < PG_RUN_WORDS_MAX; i++)
        memcpy(&words[i], &argv[i], sizeof words[i]);
    int number = posix_spawn_file_actions_init(&actions);
    if (number != 0)
        return number;
    number = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (number == 0)
        number = posix_spawnp(ret_child, words[0], &actions, NULL, words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return number;
}

/* All that comes is read, so that the program never waits for us. */
static void read_line(int input, char *line, size_t size)
{
    size_t used = 0;
    FILE *stream = fdopen(input, "r");
    line[0] = '\0';
    if (stream == NULL) {
        (void)close(input);
        return;
    }
    for (int byte, is_over = 0; (byte = fgetc(stream)) != EOF;) {
        is_over = is_over || byte == '\n';
        if (!is_over && used + 1 < size)
            line[used++] = (char)byte;
    }
    line[used] = '\0';
    (void)fclose(stream);
}

int pg_run_program(const char *const *argv, char *line, size_t size, int *ret_code,
                   struct pg_error *error)
{
    int ends[2], status = 0;
    pid_t child = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return pg_error_set(error, PG_EMACHINE, "%s: %s", argv[0], strerror(errno));
    int number = start(argv, ends[1], &child);
    (void)close(ends[1]);
    if (number != 0) {
        (void)close(ends[0]);
        errno = number;
        return pg_error_set(error, PG_EMACHINE, "%s: %s", argv[0], strerror(number));
    }
    read_line(ends[0], line, size);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNAL_BASE + WTERMSIG(status);
    return 0;
}
