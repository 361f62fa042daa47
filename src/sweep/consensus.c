/* SPDX-License-Identifier: MIT */
/*
 * Agreement of all ranks on how something ended. The collectives are non-blocking ones that are
 * tested with naps: while rank 0 creates a file of many gigabytes, the others must not spin.
 */
#include "phasegrid/consensus.h"

#include <string.h>

#include "nap.h"

static void wait_for(MPI_Request *request)
{
    struct pg_nap nap = {0};
    int is_done = 0;
    while (MPI_Test(request, &is_done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !is_done)
        pg_nap(&nap);
}

static int severity(int status)
{
    if (status == PG_OK || status == PG_ESTOPPED)
        return status == PG_OK ? 0 : 1;
    return 1 - status;
}

void pg_share_bytes(MPI_Comm comm, void *bytes, int size)
{
    MPI_Request request;
    MPI_Ibcast(bytes, size, MPI_BYTE, 0, comm, &request);
    wait_for(&request);
}

int pg_consensus(MPI_Comm comm, int status, struct pg_error *error)
{
    struct {
        int severity, rank;
    } mine = {severity(status), 0}, worst;
    struct pg_error said = {.status = status};
    MPI_Request request;
    MPI_Comm_rank(comm, &mine.rank);
    MPI_Iallreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, comm, &request);
    wait_for(&request);
    if (worst.severity == 0)
        return 0;
    if (error != NULL && status != 0)
        said = *error;
    MPI_Ibcast(&said, (int)sizeof said, MPI_BYTE, worst.rank, comm, &request);
    wait_for(&request);
    if (error != NULL)
        *error = said;
    return said.status;
}
