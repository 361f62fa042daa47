/* SPDX-License-Identifier: MIT */
/*
 * USR1, USR2, TERM and INT all mean: leave. The first asks to keep what is unfinished as well; one
 * that comes later hurries. Signals that follow within a second are the same request, since Slurm
 * sends TERM two or three times.
 */
#ifndef PHASEGRID_SWEEP_SIGNALS_H
#define PHASEGRID_SWEEP_SIGNALS_H

enum pg_urgency {
    PG_CALM,  /* nothing was asked for */
    PG_LEAVE, /* checkpoint, commit, leave */
    PG_HURRY, /* commit, leave */
};

/* From now on signals only raise the urgency. A process that has not called pg_signals_ignore()
   nine tenths of `grace` seconds (0: no limit) after the first is ended with `exit_code`, wherever
   it is stuck; the last tenth is for whoever waits for it. `last_words`: what it then writes to
   standard error; NULL: nothing; borrowed. */
void pg_signals_catch(double grace, int exit_code, const char *last_words);

/* Since pg_signals_catch(). */
enum pg_urgency pg_signals_urgency(void);

/* The first signal that this process got, without its "SIG": "USR1"; NULL: none. */
const char *pg_signals_name(void);

/* As if a signal had come: another rank has got one. */
void pg_signals_raise(enum pg_urgency urgency);

void pg_signals_ignore(void); /* all ranks have agreed: too late */

#endif
