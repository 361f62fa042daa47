/* SPDX-License-Identifier: MIT */
/*
 * The handler works in a process that is broken: it runs on a stack of its own, touches nothing but
 * the static memory below, and calls only what is safe in a handler (signal-safety(7)). The line
 *
 *     fault SIGNAL CELL.SEED CELL.SEED ... end
 *
 * (the number of the signal, SHA-256 of the cell in hexadecimal) goes out in one write() to the end
 * of the file; so lines of several ranks do not mix, and one without "end" is known to be torn.
 */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder.h"

enum { STACK_BYTES = 1 << 16, RUN_CHARACTERS = 2 * 32 + sizeof ".4294967295 " };

static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
enum { NUMBER_COUNT = sizeof numbers / sizeof numbers[0] };

static char path[PATH_MAX];
static char stack[STACK_BYTES];
static char line[PG_RECORDER_ROWS_MAX * RUN_CHARACTERS + 64];
static struct sigaction before[NUMBER_COUNT];
static stack_t stack_before;

static struct {
    struct pg_run_key key;
    volatile sig_atomic_t is_active;
} runs[PG_RECORDER_ROWS_MAX];
static volatile sig_atomic_t to_blame;

/* ---- in the handler ---- */

static char *put_text(char *to, const char *text)
{
    while (*text != '\0')
        *to++ = *text++;
    return to;
}

static char *put_number(char *to, uint32_t number)
{
    char digits[10];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

static char *put_key(char *to, const struct pg_run_key *key)
{
    static const char hexadecimal[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof key->cell; i++) {
        *to++ = hexadecimal[key->cell[i] >> 4];
        *to++ = hexadecimal[key->cell[i] & 15];
    }
    *to++ = '.';
    return put_number(to, key->seed);
}

static void append(const char *text, size_t length)
{
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return;
    (void)!write(file, text, length);
    (void)fsync(file);
    (void)close(file);
}

static void note(int number)
{
    char *to = put_text(line, "fault ");
    size_t noted = 0;
    to = put_number(to, (uint32_t)number);
    for (size_t i = 0; i < PG_RECORDER_ROWS_MAX; i++)
        if (runs[i].is_active) {
            *to++ = ' ';
            to = put_key(to, &runs[i].key);
            noted++;
        }
    to = put_text(to, " end\n");
    if (noted > 0)
        append(line, (size_t)(to - line));
}

/* Ours, or sent by another process? abort() and raise() say who sent them. */
static bool is_own(const siginfo_t *info)
{
    return info->si_code > 0 || info->si_pid == getpid();
}

/* The default action is in force again (SA_RESETHAND). An instruction that failed fails once more
   on return; a signal that was sent must be sent once more. */
static void take_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (to_blame && is_own(info))
        note(number);
    if (info->si_code <= 0)
        (void)raise(number);
}

/* ---- outside ---- */

char *pg_faults_path(const char *results_path)
{
    char *text = NULL;
    return asprintf(&text, "%s.faults", results_path) < 0 ? NULL : text;
}

int pg_faults_catch(const char *results_path, struct pg_error *error)
{
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = take_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};
    int length = snprintf(path, sizeof path, "%s.faults", results_path);
    if (length < 0 || (size_t)length >= sizeof path)
        return pg_error_set(error, PG_EINPUT, "%s: the name is too long for the files beside it",
                            results_path);
    memset(runs, 0, sizeof runs);
    to_blame = 0;
    (void)sigemptyset(&action.sa_mask);
    if (sigaltstack(&own, &stack_before) != 0)
        return pg_error_set(error, PG_EMACHINE, "sigaltstack: %s", strerror(errno));
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        (void)sigaction(numbers[i], &action, &before[i]);
    return 0;
}

void pg_faults_release(void)
{
    if (path[0] == '\0')
        return;
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        (void)sigaction(numbers[i], &before[i], NULL);
    (void)sigaltstack(&stack_before, NULL);
    path[0] = '\0';
}

void pg_faults_enter(size_t index, const struct pg_run_key *key)
{
    runs[index].key = *key;
    atomic_signal_fence(memory_order_release); /* whole before the handler may read it */
    runs[index].is_active = 1;
}

void pg_faults_leave(size_t index)
{
    runs[index].is_active = 0;
}

bool pg_faults_blame(bool are_runs_to_blame)
{
    bool was = to_blame != 0;
    to_blame = are_runs_to_blame;
    return was;
}
