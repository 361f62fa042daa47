/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_STORE_LEFTOVERS_H
#define PHASEGRID_STORE_LEFTOVERS_H

/* Removes what a killed launch may leave beside the file at `path`. One rank, before the file is
   opened. Best effort: nothing depends on it. */
void pg_leftovers_remove(const char *path);

#endif
