/* SPDX-License-Identifier: MIT */
/*
 * A rank needs the runs of the largest shape, side by side, a copy of their states while these go
 * to a checkpoint, and room for finished rows. All ranks of a node may train such runs at the same
 * time; were they to begin, the kernel would kill one of them at some moment, and with it the
 * launch.
 */
#include "provision.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "memory.h"
#include "recorder.h"

static size_t largest_bytes(const struct pg_survey *survey)
{
    size_t most = 0;
    for (size_t i = 0; i < survey->shape_count; i++)
        if (survey->shapes[i].bytes > most)
            most = survey->shapes[i].bytes;
    return most;
}

static int count_ranks_of_node(MPI_Comm comm)
{
    MPI_Comm node;
    int count = 1;
    MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &count);
    MPI_Comm_free(&node);
    return count;
}

static double mebibytes(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static int refuse_process(uint64_t need, uint64_t room, struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE,
                        "the largest runs of the job need %.0f MiB of memory in a process, whose "
                        "limit (ulimit -v) leaves %.0f MiB",
                        mebibytes(need), mebibytes(room));
}

static int refuse_node(uint64_t need, uint64_t room, int ranks, struct pg_error *error)
{
    char host[256] = "this host", advice[64] = "not even one rank fits";
    (void)gethostname(host, sizeof host - 1);
    if (need <= room)
        (void)snprintf(advice, sizeof advice, "at most %" PRIu64 " fit", room / need);
    return pg_error_set(error, PG_EMACHINE,
                        "the largest runs of the job need %.0f MiB of memory on each of %d rank%s "
                        "of %s, which has %.0f MiB to give: %s",
                        mebibytes(need), ranks, ranks == 1 ? "" : "s", host, mebibytes(room),
                        advice);
}

int pg_provision_check(const struct pg_cube *cube, bool keeps_states, MPI_Comm comm,
                       struct pg_error *error)
{
    size_t runs = largest_bytes(&cube->survey);
    uint64_t need = (uint64_t)runs * (keeps_states ? 2 : 1) +
                    pg_recorder_bytes(&cube->layout, pg_survey_lanes(&cube->survey));
    uint64_t process = pg_memory_of_process(), node = pg_memory_of_node(&pg_memory_system);
    int ranks = count_ranks_of_node(comm);
    if (need > process)
        return refuse_process(need, process, error);
    return need > node / (uint64_t)ranks ? refuse_node(need, node, ranks, error) : 0;
}
