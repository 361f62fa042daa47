/* SPDX-License-Identifier: MIT */
/*
 * Open MPI's shared memory of killed ranks: /dev/shm/vader_segment.HOST.UID.JOB.RANK, JOB in
 * hexadecimal (opal/mca/btl/vader of Open MPI 4.1). The number of the job comes from the owner file
 * of a launch whose ranks are known to be dead, so nothing of a living program is touched; numbers
 * come again, hence the time.
 */
#include "segments.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t pg_segments_job(void)
{
    const char *value = getenv("OMPI_MCA_ess_base_jobid"); /* set by mpirun */
    return value != NULL ? (uint32_t)strtoul(value, NULL, 10) : 0;
}

/* The name ends with ".UID.JOB.RANK"; the host may hold anything. */
static bool is_of_job(const char *name, uint32_t job)
{
    static const char prefix[] = "vader_segment.";
    char middle[64];
    int length = snprintf(middle, sizeof middle, ".%u.%x.", (unsigned)geteuid(), job);
    const char *rank = strrchr(name, '.');
    if (strncmp(name, prefix, sizeof prefix - 1) != 0 || rank == NULL ||
        rank + 1 - name < length + (int)sizeof prefix - 2)
        return false;
    size_t digits = strspn(rank + 1, "0123456789");
    return memcmp(rank + 1 - length, middle, (size_t)length) == 0 && digits > 0 &&
           rank[1 + digits] == '\0';
}

void pg_segments_remove(uint32_t job, int64_t since)
{
    DIR *folder = job != 0 && job != pg_segments_job() ? opendir("/dev/shm") : NULL;
    const struct dirent *entry;
    struct stat found;
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (is_of_job(entry->d_name, job) &&
            fstatat(dirfd(folder), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(found.st_mode) && found.st_uid == geteuid() && found.st_mtime <= since)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        (void)closedir(folder);
}
