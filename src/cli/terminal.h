/* SPDX-License-Identifier: MIT */
/*
 * What the user sees through. In a rank under mpirun isatty() is always true and the width 0, so
 * the launcher looks for itself and passes on what it found in the environment.
 */
#ifndef PHASEGRID_TERMINAL_H
#define PHASEGRID_TERMINAL_H

#include <stdbool.h>

struct pg_terminal {
    int line_width;  /* columns of standard error; 0: it is not a terminal */
    int page_width;  /* columns of standard output; 80 where it is not a terminal */
    int page_height; /* lines of standard output; 0: it is not a terminal, or not known */
    bool colour;     /* standard output takes colours, and NO_COLOR is not set */
};

/* From the file descriptors of this process. */
struct pg_terminal pg_terminal_look(void);

/* To the ranks, and there from the launcher (no terminal where none was passed on). */
void pg_terminal_pass_on(const struct pg_terminal *terminal);
struct pg_terminal pg_terminal_passed(void);

#endif
