/* SPDX-License-Identifier: MIT */
/* Files that stand beside a results file and carry its name. */
#ifndef PHASEGRID_STORE_BESIDE_H
#define PHASEGRID_STORE_BESIDE_H

#include "phasegrid/error.h"

/* The path of the results file with its folder's symbolic links and its own resolved, so that one
   file has one name; the file need not exist, its folder must. The caller frees it. */
int pg_beside_resolve(const char *results_path, char **ret_path,
                      struct pg_error *error) PG_CHECK_RESULT;

/* The resolved path with `suffix` behind it. */
int pg_beside(const char *results_path, const char *suffix, char **ret_path,
              struct pg_error *error) PG_CHECK_RESULT;

/* fsync of the folder that holds `path`: names that appeared or went are on disk. */
int pg_beside_sync_folder(const char *path, struct pg_error *error) PG_CHECK_RESULT;

#endif
