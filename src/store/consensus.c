/* SPDX-License-Identifier: MIT */
/*
 * Agreement of all ranks on how something ended. The collectives are non-blocking ones that are
 * tested with naps: while rank 0 creates a file of many gigabytes, the others must not spin.
 */
#include "phasegrid/consensus.h"

#include "phasegrid/nap.h"

/* Until MPI_Wait() would return at once. */
static void nap_until_done(MPI_Request request)
{
    struct pg_nap nap = {0};
    int is_done = 0;
    while (MPI_Request_get_status(request, &is_done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !is_done)
        pg_nap(&nap);
}

static void share_from(MPI_Comm comm, int root, void *bytes, int size)
{
    MPI_Request request;
    MPI_Ibcast(bytes, size, MPI_BYTE, root, comm, &request);
    nap_until_done(request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

void pg_share_bytes(MPI_Comm comm, void *bytes, int size)
{
    share_from(comm, 0, bytes, size);
}

struct severity {
    int severity, rank; /* MPI_2INT */
};

static int severity_of(int status)
{
    if (status == PG_OK || status == PG_ESTOPPED)
        return status == PG_OK ? 0 : 1;
    return 1 - status;
}

static struct severity find_worst(MPI_Comm comm, int status)
{
    struct severity mine = {severity_of(status), 0}, worst;
    MPI_Request request;
    MPI_Comm_rank(comm, &mine.rank);
    MPI_Iallreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, comm, &request);
    nap_until_done(request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    return worst;
}

int pg_consensus(MPI_Comm comm, int status, struct pg_error *error)
{
    struct severity worst = find_worst(comm, status);
    struct pg_error said = {.status = status};
    if (worst.severity == 0)
        return 0;
    if (error != NULL && status != 0)
        said = *error;
    said.status = status;
    share_from(comm, worst.rank, &said, (int)sizeof said);
    if (error != NULL)
        *error = said;
    return said.status;
}
