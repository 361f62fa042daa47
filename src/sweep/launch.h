/* SPDX-License-Identifier: MIT */
/* Where this launch of the program runs, for the file's provenance. */
#ifndef PHASEGRID_SWEEP_LAUNCH_H
#define PHASEGRID_SWEEP_LAUNCH_H

#include "phasegrid/store.h"

struct pg_launch_text {
    char host[256], cpu[256];
};

/* The launch borrows `text`, `commit` and `kernel`; what stands in the file is not known yet. */
struct pg_launch pg_launch_describe(struct pg_launch_text *text, const char *commit,
                                    const char *kernel, int ranks);

/* A batch script adds a line to `<results>.starts` before each launch; what is there now are
   launches that ended before the results file knew of them. This one it knows: they are forgotten.
 */
void pg_launch_forget_starts(const char *results_path);

#endif
