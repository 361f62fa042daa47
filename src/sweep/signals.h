/* SPDX-License-Identifier: MIT */
/* USR1, USR2, TERM and INT all mean: commit what is finished and leave. */
#ifndef PHASEGRID_SWEEP_SIGNALS_H
#define PHASEGRID_SWEEP_SIGNALS_H

#include <stdbool.h>

void pg_signals_catch(void);  /* from now on they only raise a flag */
bool pg_signals_raised(void); /* since pg_signals_catch() */
void pg_signals_ignore(void); /* all ranks have agreed: too late */

#endif
