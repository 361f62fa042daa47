/* SPDX-License-Identifier: MIT */
/*
 * A look at who owns a results file, by whoever does not want it himself. The lock is tried for a
 * moment, which those who claim or join an owner file bear: they try again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "beside.h"
#include "owner_text.h"
#include "phasegrid/owner.h"

/* Another look may have the lock for a moment; a launch keeps it. */
enum { TRIES = 5 };
static const struct timespec pause_between = {.tv_nsec = 2000000};

static bool is_locked(int fd)
{
    for (int i = 0; i < TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            (void)flock(fd, LOCK_UN);
            return false;
        }
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false; /* the file system has no locks */
        (void)nanosleep(&pause_between, NULL);
    }
    return true;
}

static enum pg_owner_life judge(enum pg_owner_state state, bool is_held)
{
    if (is_held || state == PG_OWNER_ALIVE)
        return PG_OWNER_LIVES;
    return state == PG_OWNER_DEAD || state == PG_OWNER_EARLIER ? PG_OWNER_GONE : PG_OWNER_MAY_LIVE;
}

/* Network file systems lend an exclusive lock only to who may write. */
static int open_owner(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 ? fd : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static void read_owner(int fd, struct pg_owner_sight *sight)
{
    struct pg_owner_text text = {0};
    char bytes[PG_OWNER_TEXT_MAX];
    ssize_t size = pread(fd, bytes, sizeof bytes - 1, 0);
    bytes[size > 0 ? size : 0] = '\0';
    enum pg_owner_state state = pg_owner_text_parse(bytes, &text);
    sight->life = judge(state, is_locked(fd));
    sight->since = (double)text.since;
    if (state == PG_OWNER_UNKNOWN)
        (void)snprintf(sight->name, sizeof sight->name, "an unknown owner");
    else
        pg_owner_text_name(&text, sight->name);
    if (text.slurm_job[0] != '-')
        (void)snprintf(sight->slurm_job, sizeof sight->slurm_job, "%s", text.slurm_job);
}

void pg_owner_look(const char *results_path, struct pg_owner_sight *ret_sight)
{
    struct pg_error unheard;
    char *path = NULL;
    *ret_sight = (struct pg_owner_sight){.life = PG_OWNER_NONE};
    if (pg_beside(results_path, ".owner", &path, &unheard) == 0) {
        int fd = open_owner(path);
        if (fd >= 0) {
            read_owner(fd, ret_sight);
            (void)close(fd);
        }
    }
    free(path);
}
