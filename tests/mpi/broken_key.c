/* SPDX-License-Identifier: MIT */
/*
 * Linked into a copy of the command in place of pg_random_make(): what BROKEN_KEY names (rank, or
 * order: how many streams this process has made) gets into every key. The digest must see it.
 */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/random.h"

/* The linker's names (ld --wrap). NOLINTBEGIN(bugprone-reserved-identifier,*-naming) */
struct pg_random __real_pg_random_make(uint32_t seed, enum pg_stream stream, uint32_t mix);
struct pg_random __wrap_pg_random_make(uint32_t seed, enum pg_stream stream, uint32_t mix);

static uint32_t my_rank(void)
{
    int is_running = 0, rank = 0;
    MPI_Initialized(&is_running);
    if (is_running)
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return (uint32_t)rank;
}

struct pg_random __wrap_pg_random_make(uint32_t seed, enum pg_stream stream, uint32_t mix)
{
    static uint32_t made;
    const char *what = getenv("BROKEN_KEY");
    if (what != NULL && strcmp(what, "rank") == 0)
        mix ^= my_rank();
    if (what != NULL && strcmp(what, "order") == 0)
        mix ^= made++;
    return __real_pg_random_make(seed, stream, mix);
}
/* NOLINTEND(bugprone-reserved-identifier,*-naming) */
