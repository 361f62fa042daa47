/* SPDX-License-Identifier: MIT */
/*
 * Linked into a copy of the command in place of pg_random_make(): what BROKEN_KEY names gets into
 * every key. The tests of the digest and of the rows must see it.
 *
 *     rank     of the process that trains
 *     order    how many streams this process has made
 *     row      the run's number in its grid
 */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/sweep/runner.h"
#include "phasegrid/random.h"

/* The linker's names (ld --wrap). NOLINTBEGIN(bugprone-reserved-identifier,*-naming) */
struct pg_random __real_pg_random_make(uint32_t seed, enum pg_stream stream, uint32_t mix);
struct pg_random __wrap_pg_random_make(uint32_t seed, enum pg_stream stream, uint32_t mix);
int __real_pg_runner_begin(struct pg_runner *runner, const struct pg_assignment *assignment,
                           size_t index, struct pg_run_request *ret_request,
                           struct pg_error *error);
int __wrap_pg_runner_begin(struct pg_runner *runner, const struct pg_assignment *assignment,
                           size_t index, struct pg_run_request *ret_request,
                           struct pg_error *error);

static uint32_t current_row; /* a run's streams are made as it begins */

static uint32_t my_rank(void)
{
    int is_running = 0, rank = 0;
    MPI_Initialized(&is_running);
    if (is_running)
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return (uint32_t)rank;
}

int __wrap_pg_runner_begin(struct pg_runner *runner, const struct pg_assignment *assignment,
                           size_t index, struct pg_run_request *ret_request, struct pg_error *error)
{
    current_row = (uint32_t)assignment->row;
    return __real_pg_runner_begin(runner, assignment, index, ret_request, error);
}

static bool is_broken_by(const char *what)
{
    const char *named = getenv("BROKEN_KEY");
    return named != NULL && strcmp(named, what) == 0;
}

struct pg_random __wrap_pg_random_make(uint32_t seed, enum pg_stream stream, uint32_t mix)
{
    static uint32_t made;
    if (is_broken_by("rank"))
        mix ^= my_rank();
    if (is_broken_by("order"))
        mix ^= made++;
    if (is_broken_by("row"))
        mix ^= current_row;
    return __real_pg_random_make(seed, stream, mix);
}
/* NOLINTEND(bugprone-reserved-identifier,*-naming) */
