/* SPDX-License-Identifier: MIT */
/* The flag that a request to leave raises; the training loop looks at it between steps. */
#include "signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t is_raised;

static void raise_flag(int number)
{
    (void)number;
    is_raised = 1;
}

static void set_handlers(void (*handler)(int))
{
    static const int numbers[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)sigaction(numbers[i], &action, NULL);
}

void pg_signals_catch(void)
{
    is_raised = 0;
    set_handlers(raise_flag);
}

bool pg_signals_raised(void)
{
    return is_raised != 0;
}

void pg_signals_ignore(void)
{
    set_handlers(SIG_IGN);
}
