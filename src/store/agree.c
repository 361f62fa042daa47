/* SPDX-License-Identifier: MIT */
/* If any rank failed, all ranks fail, for the same reason. */
#include "agree.h"

#include <limits.h>

int pg_agree(int status, MPI_Comm comm, struct pg_error *error)
{
    struct pg_error first = {.status = status};
    int rank, lowest;
    if (status != 0 && error != NULL)
        first = *error;
    first.status = status;
    (void)MPI_Comm_rank(comm, &rank);
    if (status == 0)
        rank = INT_MAX;
    (void)MPI_Allreduce(&rank, &lowest, 1, MPI_INT, MPI_MIN, comm);
    if (lowest == INT_MAX)
        return 0;
    (void)MPI_Bcast(&first, (int)sizeof first, MPI_BYTE, lowest, comm);
    return pg_error_set(error, first.status, "%s", first.text);
}
