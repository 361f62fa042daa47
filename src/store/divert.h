/* SPDX-License-Identifier: MIT */
/* Taking a file away from libraries that have it open. */
#ifndef PHASEGRID_STORE_DIVERT_H
#define PHASEGRID_STORE_DIVERT_H

/* Every other descriptor of this process for the file of `fd` becomes one of an empty file in
   memory: what is written through them from now on succeeds and goes nowhere. Where the system
   cannot do that, they stay as they are. */
void pg_divert_file(int fd);

#endif
