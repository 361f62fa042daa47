/* SPDX-License-Identifier: MIT */
/* The files of one submission, by absolute paths: a batch script begins in any folder. */
#ifndef PHASEGRID_SUBMIT_PATHS_H
#define PHASEGRID_SUBMIT_PATHS_H

#include <limits.h>
#include <stdbool.h>

#include "phasegrid/error.h"

struct pg_submit_paths {
    char program[PATH_MAX], job[PATH_MAX];
    char folder[PATH_MAX], results[PATH_MAX]; /* the file need not exist, its folder must */
    char script[PATH_MAX], merge_script[PATH_MAX];
    char log[2 * PATH_MAX + 16]; /* a pattern of Slurm's */
};

/* Refuses (PG_EINPUT) paths that are not there, are too long, or hold a line break. */
int pg_submit_find_paths(const char *job, const char *results, bool is_array,
                         struct pg_submit_paths *ret_paths, struct pg_error *error) PG_CHECK_RESULT;

#endif
