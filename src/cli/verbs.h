/* SPDX-License-Identifier: MIT */
/* The rows of the table of verbs; each stands in the file that bears its name. */
#ifndef PHASEGRID_VERBS_H
#define PHASEGRID_VERBS_H

#include "cli.h"

extern const struct pg_verb pg_verb_bench;
extern const struct pg_verb pg_verb_check;
extern const struct pg_verb pg_verb_export;
extern const struct pg_verb pg_verb_extend;
extern const struct pg_verb pg_verb_list;
extern const struct pg_verb pg_verb_merge;
extern const struct pg_verb pg_verb_plot;
extern const struct pg_verb pg_verb_repair;
extern const struct pg_verb pg_verb_resume;
extern const struct pg_verb pg_verb_retry;
extern const struct pg_verb pg_verb_run;
extern const struct pg_verb pg_verb_show;
extern const struct pg_verb pg_verb_status;
extern const struct pg_verb pg_verb_submit;
extern const struct pg_verb pg_verb_superposition;
extern const struct pg_verb pg_verb_verify;

#endif
