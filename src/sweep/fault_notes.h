/* SPDX-License-Identifier: MIT */
/*
 * What earlier launches noted of crashes (faults.h). Runs that were in training together when their
 * process crashed are suspects, each of which is then trained alone; a run that was alone is to
 * blame.
 */
#ifndef PHASEGRID_SWEEP_FAULT_NOTES_H
#define PHASEGRID_SWEEP_FAULT_NOTES_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/run_key.h"

/* Crashes alone after which a run is given up. */
enum { PG_FAULTS_MAX = 3 };

struct pg_fault_note {
    struct pg_run_key key;
    int signal;     /* the last one */
    uint32_t alone; /* crashes in which no other run was in training */
};

struct pg_fault_notes {
    struct pg_fault_note *notes; /* (count), sorted by key, one of each */
    size_t count;
};

/* No file, no notes. What is damaged is passed over. */
int pg_fault_notes_read(const char *results_path, struct pg_fault_notes *ret_notes,
                        struct pg_error *error) PG_CHECK_RESULT;
void pg_fault_notes_release(struct pg_fault_notes *notes);

/* NULL: nothing is noted of the run. */
const struct pg_fault_note *pg_fault_notes_find(const struct pg_fault_notes *notes,
                                                const struct pg_run_key *key);

/* Forgets all of them. */
void pg_fault_notes_remove(const char *results_path);

#endif
