/* SPDX-License-Identifier: MIT */
/*
 * What a request to leave raises; the training loop looks at it between steps. With the first
 * request a timer begins to run, whose signal (ALRM) ends the process: a rank that is stuck in a
 * long step or on a disk that does not answer would else keep all others. Nothing is corrupt then,
 * since a row counts only with its status, which is written last. All that the handlers call is
 * safe in a handler (signal-safety(7)).
 */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "phasegrid/clock.h"

static const double same_request = 1.0; /* seconds */

static volatile sig_atomic_t urgency;
static volatile sig_atomic_t first_number; /* 0: none */
static double first;                       /* pg_clock_wall() of the first request */

static struct {
    timer_t timer;
    bool has_timer;
    double grace;
    int exit_code;
    const char *last_words;
} limit;

static void set_timer(double seconds)
{
    double whole = (double)(time_t)seconds;
    const struct itimerspec time = {
        .it_value = {.tv_sec = (time_t)whole, .tv_nsec = (long)(1e9 * (seconds - whole))}};
    if (limit.has_timer)
        (void)timer_settime(limit.timer, 0, &time, NULL);
}

static void leave_by_force(int number)
{
    (void)number;
    if (limit.last_words != NULL)
        (void)!write(STDERR_FILENO, limit.last_words, strlen(limit.last_words));
    _exit(limit.exit_code);
}

void pg_signals_raise(enum pg_urgency to)
{
    if (urgency == PG_CALM && to != PG_CALM) {
        first = pg_clock_wall();
        set_timer(0.9 * limit.grace);
    }
    if (to > (enum pg_urgency)urgency)
        urgency = (sig_atomic_t)to;
}

static void take_request(int number)
{
    int before = errno;
    bool is_second = urgency != PG_CALM && pg_clock_wall() - first >= same_request;
    if (first_number == 0)
        first_number = number;
    pg_signals_raise(is_second ? PG_HURRY : PG_LEAVE);
    errno = before;
}

static void set_handler(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

static void set_handlers(void (*handler)(int))
{
    static const int numbers[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        set_handler(numbers[i], handler);
}

void pg_signals_catch(double grace, int exit_code, const char *last_words)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    urgency = (sig_atomic_t)PG_CALM;
    first_number = 0;
    limit.grace = grace;
    limit.exit_code = exit_code;
    limit.last_words = last_words;
    limit.has_timer = grace > 0.0 && timer_create(CLOCK_MONOTONIC, &event, &limit.timer) == 0;
    if (limit.has_timer)
        set_handler(SIGALRM, leave_by_force);
    set_handlers(take_request);
}

enum pg_urgency pg_signals_urgency(void)
{
    return (enum pg_urgency)urgency;
}

const char *pg_signals_name(void)
{
    return first_number != 0 ? sigabbrev_np(first_number) : NULL;
}

void pg_signals_ignore(void)
{
    set_handlers(SIG_IGN);
    if (!limit.has_timer)
        return;
    limit.has_timer = false;
    (void)timer_delete(limit.timer);
    set_handler(SIGALRM, SIG_DFL);
}
