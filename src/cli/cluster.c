/* SPDX-License-Identifier: MIT */
#include "cluster.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "run_program.h"

static const double patience = 10.0; /* seconds, for squeue */

/* "123", or "123;cluster" of a federation. */
static bool read_id(const char *line, char ret_id[PG_JOB_ID_SIZE])
{
    size_t length = strspn(line, "0123456789");
    if (length == 0 || length >= PG_JOB_ID_SIZE || (line[length] != '\0' && line[length] != ';'))
        return false;
    memcpy(ret_id, line, length);
    ret_id[length] = '\0';
    return true;
}

static int fail_to_start(struct pg_error *error)
{
    if (errno != ENOENT)
        return error->status;
    return pg_error_set(error, PG_EMACHINE,
                        "sbatch was not found on the PATH: submit from a node of the cluster; "
                        "--dry-run shows the script");
}

int pg_cluster_send(const char *script, const char *const *flags, size_t flag_count,
                    const char *after, char ret_id[PG_JOB_ID_SIZE], struct pg_error *error)
{
    const char *words[PG_RUN_WORDS_MAX + 1];
    char dependency[PG_JOB_ID_SIZE + 32], line[256];
    size_t count = 0;
    int code = 0;
    words[count++] = "sbatch";
    words[count++] = "--parsable";
    if (after != NULL) {
        (void)snprintf(dependency, sizeof dependency, "--dependency=%s", after);
        words[count++] = dependency;
    }
    if (flag_count > PG_RUN_WORDS_MAX - count - 1)
        return pg_error_set(error, PG_EINPUT, "%zu flags for sbatch: at most %zu", flag_count,
                            PG_RUN_WORDS_MAX - count - 1);
    for (size_t i = 0; i < flag_count; i++)
        words[count++] = flags[i];
    words[count++] = script;
    words[count] = NULL;
    const struct pg_program sbatch = {.argv = words};
    if (pg_run_program(&sbatch, line, sizeof line, &code, error) != 0)
        return fail_to_start(error);
    if (code != 0)
        return pg_error_set(error, PG_EMACHINE, "sbatch refused '%s' (exit code %d)", script, code);
    if (!read_id(line, ret_id))
        return pg_error_set(error, PG_EMACHINE,
                            "sbatch printed '%s' instead of the number of a job", line);
    return 0;
}

bool pg_cluster_has_job(const char *id, char *ret_state, size_t size)
{
    const char *const words[] = {"squeue", "--noheader", "--format=%T", "--jobs", id, NULL};
    const struct pg_program squeue = {.argv = words, .patience = patience, .is_silent = true};
    struct pg_error unheard;
    int code = 0;
    return pg_run_program(&squeue, ret_state, size, &code, &unheard) == 0 && code == 0 &&
           ret_state[0] != '\0';
}

const char *pg_local_file_system(const char *folder)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } local[] = {
        {EXT4_SUPER_MAGIC, "ext4"},   {XFS_SUPER_MAGIC, "xfs"},
        {BTRFS_SUPER_MAGIC, "btrfs"}, {F2FS_SUPER_MAGIC, "f2fs"},
        {TMPFS_MAGIC, "tmpfs"},       {RAMFS_MAGIC, "ramfs"},
        {0x2fc12fc1, "zfs"},          {OVERLAYFS_SUPER_MAGIC, "overlay"},
    };
    struct statfs about;
    if (statfs(folder, &about) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        if ((unsigned long)about.f_type == local[i].magic)
            return local[i].name;
    return NULL;
}
