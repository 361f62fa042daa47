/* SPDX-License-Identifier: MIT */
/*
 * Who has a results file.
 *
 * The owner file is written and locked (flock, shared) under a temporary name, and then linked to
 * its own: at every moment it is absent, or whole and locked by a living launch, or left by a dead
 * one. Who finds one tries for the exclusive lock, which is to be had only when no rank of its
 * launch lives, and puts the own file in its place by rename while holding that lock. A lock may be
 * that of a file that was unlinked or replaced meanwhile, so files are compared after locking.
 *
 * Locks end with their process, so a kill leaves none. On a file system without locks, or whose
 * locks do not reach from host to host, the text decides: an owner on this host is looked up among
 * the processes, one on another host is not touched without --take-over.
 */
#include "phasegrid/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "beside.h"
#include "owner_text.h"
#include "phasegrid/clock.h"
#include "segments.h"

static const double patience = 10.0;      /* seconds, for ranks that are still ending */
static const double lockless_pause = 3.0; /* seconds that Open MPI takes to end such ranks */

struct pg_owner {
    char *path; /* of the owner file */
    int fd;     /* holds the lock */
    bool is_claim;
};

enum lock { LOCK_HAD, LOCK_HELD_BY_OTHERS, LOCK_NOT_KNOWN };

/* A claim under way. */
struct claim {
    const char *results_path;
    struct pg_owner *owner;
    char *temporary;
    bool takes_over;
    double deadline;
};

/* What stands at the owner's path. */
struct found {
    int fd;
    enum lock lock;
    enum pg_owner_state state;
    struct pg_owner_text text;
};

static enum lock try_lock(int fd, int operation)
{
    if (flock(fd, operation | LOCK_NB) == 0)
        return LOCK_HAD;
    return errno == EWOULDBLOCK || errno == EINTR ? LOCK_HELD_BY_OTHERS : LOCK_NOT_KNOWN;
}

static bool is_same_file(int fd, const char *path)
{
    struct stat open_file, named_file;
    return fstat(fd, &open_file) == 0 && stat(path, &named_file) == 0 &&
           open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

static void take_nap(double seconds)
{
    const struct timespec nap = {(time_t)seconds,
                                 (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&nap, NULL);
}

static int owner_create(const char *results_path, struct pg_owner **ret_owner,
                        struct pg_error *error)
{
    struct pg_owner *owner = calloc(1, sizeof *owner);
    *ret_owner = owner;
    if (owner == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: claiming '%s'", results_path);
    owner->fd = -1;
    return pg_beside(results_path, ".owner", &owner->path, error);
}

void pg_owner_release(struct pg_owner *owner)
{
    if (owner == NULL)
        return;
    if (owner->is_claim && is_same_file(owner->fd, owner->path))
        (void)unlink(owner->path);
    if (owner->fd >= 0)
        (void)close(owner->fd);
    free(owner->path);
    free(owner);
}

/* ---- the own file ---- */

static int fail(const struct claim *claim, const char *what, struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "cannot claim '%s': cannot %s '%s': %s",
                        claim->results_path, what, claim->owner->path, strerror(errno));
}

/* Decimal digits, which pg_leftovers_remove() knows; random, since hosts share process numbers. */
static char *temporary_name(const char *path)
{
    uint64_t number = (uint64_t)getpid();
    char *name;
    (void)getrandom(&number, sizeof number, GRND_NONBLOCK);
    return asprintf(&name, "%s.claiming-%" PRIu64, path, number) < 0 ? NULL : name;
}

static int write_temporary(struct claim *claim, struct pg_error *error)
{
    struct pg_owner_text text;
    char bytes[PG_OWNER_TEXT_MAX];
    pg_owner_text_describe(&text);
    pg_owner_text_print(&text, bytes);
    claim->temporary = temporary_name(claim->owner->path);
    if (claim->temporary == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: claiming '%s'",
                            claim->results_path);
    int fd = open(claim->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    claim->owner->fd = fd;
    if (fd < 0)
        return fail(claim, "create", error);
    errno = ENOSPC; /* of a short write */
    if (write(fd, bytes, strlen(bytes)) != (ssize_t)strlen(bytes) || fsync(fd) != 0)
        return fail(claim, "write", error);
    (void)try_lock(fd, LOCK_SH);
    return 0;
}

/* Renames without replacing, as far as the file system can: for those without hard links. */
static bool rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) && access(to, F_OK) != 0 && rename(from, to) == 0;
}

/* The own file under its name, where none is. Looks at what came of it: a network file system may
   report an error of a link that it made. */
static bool publish(const struct claim *claim)
{
    int result = link(claim->temporary, claim->owner->path), reason = errno;
    if (is_same_file(claim->owner->fd, claim->owner->path)) {
        (void)unlink(claim->temporary);
        return true;
    }
    bool has_links = result == 0 || reason == EEXIST || reason == ENOENT;
    errno = reason;
    return !has_links && rename_new(claim->temporary, claim->owner->path);
}

/* ---- another's file ---- */

static void examine(struct found *found, int fd)
{
    char bytes[PG_OWNER_TEXT_MAX];
    found->fd = fd;
    found->lock = try_lock(fd, LOCK_EX);
    ssize_t size = pread(fd, bytes, sizeof bytes - 1, 0);
    bytes[size > 0 ? size : 0] = '\0';
    found->state = pg_owner_text_parse(bytes, &found->text);
}

static int refuse(const struct claim *claim, const struct found *found, struct pg_error *error)
{
    static const char advice[] = "; if it no longer runs, --take-over goes on with the file";
    char name[512];
    bool is_here = found->state == PG_OWNER_ALIVE || found->state == PG_OWNER_DEAD;
    if (found->state == PG_OWNER_UNKNOWN)
        return pg_error_set(error, PG_EINPUT,
                            "'%s' may be in use by another launch: '%s' does not say by whom%s",
                            claim->results_path, claim->owner->path, advice);
    pg_owner_text_name(&found->text, name);
    return pg_error_set(
        error, PG_EINPUT, "'%s' is in use by another launch: %s%s%s%s", claim->results_path, name,
        found->state == PG_OWNER_DEAD ? "; this process is gone, but others of its launch still run"
                                      : "",
        found->lock == LOCK_NOT_KNOWN ? " (the file system has no locks; its owner file says so)"
                                      : "",
        is_here ? "" : advice);
}

enum verdict { REFUSE, WAIT, REPLACE };

/* A launch that is ending still holds its lock. */
static enum verdict judge(const struct claim *claim, const struct found *found)
{
    bool is_held = found->lock == LOCK_HELD_BY_OTHERS;
    bool may_wait = pg_clock_wall() < claim->deadline;
    switch (found->state) {
    case PG_OWNER_ALIVE:
        return REFUSE;
    case PG_OWNER_DEAD:
        return !is_held ? REPLACE : may_wait ? WAIT : REFUSE;
    case PG_OWNER_EARLIER:
        return !is_held ? REPLACE : may_wait ? WAIT : claim->takes_over ? REPLACE : REFUSE;
    case PG_OWNER_ELSEWHERE:
    case PG_OWNER_UNKNOWN:
        return !claim->takes_over ? REFUSE : is_held && may_wait ? WAIT : REPLACE;
    }
    return REFUSE;
}

/* Follows a dead owner, and clears up after its ranks. False: it is no longer what was found, or
   the system refuses. */
static bool replace(const struct claim *claim, const struct found *found)
{
    if (found->lock == LOCK_NOT_KNOWN && found->state == PG_OWNER_DEAD)
        take_nap(lockless_pause);
    if (!is_same_file(found->fd, claim->owner->path) ||
        rename(claim->temporary, claim->owner->path) != 0)
        return false;
    if (found->lock == LOCK_HAD && found->state == PG_OWNER_DEAD)
        pg_segments_remove(found->text.ompi_job, found->text.since);
    return true;
}

/* One look at what stands there. Returns 0 and says whether the file is ours now. */
static int face_other(const struct claim *claim, bool *ret_is_ours, struct pg_error *error)
{
    struct found found;
    int status = 0;
    int fd = open(claim->owner->path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && (errno == EACCES || errno == EROFS))
        fd = open(claim->owner->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : fail(claim, "open", error);
    examine(&found, fd);
    if (is_same_file(fd, claim->owner->path)) {
        enum verdict verdict = judge(claim, &found);
        if (verdict == REFUSE)
            status = refuse(claim, &found, error);
        else if (verdict == REPLACE)
            *ret_is_ours = replace(claim, &found);
    }
    (void)close(fd);
    return status;
}

static int make_ours(const struct claim *claim, struct pg_error *error)
{
    while (!publish(claim)) {
        int reason = errno;
        bool is_ours = false;
        int status = face_other(claim, &is_ours, error);
        if (status != 0 || is_ours)
            return status;
        errno = reason;
        if (pg_clock_wall() > claim->deadline + lockless_pause)
            return fail(claim, "create", error);
        take_nap(0.05);
    }
    return 0;
}

int pg_owner_claim(const char *results_path, bool take_over, struct pg_owner **ret_owner,
                   struct pg_error *error)
{
    struct claim claim = {.results_path = results_path,
                          .takes_over = take_over,
                          .deadline = pg_clock_wall() + patience};
    int status = owner_create(results_path, ret_owner, error);
    claim.owner = *ret_owner;
    if (status == 0)
        status = write_temporary(&claim, error);
    if (status == 0)
        status = make_ours(&claim, error);
    if (status == 0) {
        claim.owner->is_claim = true;
    } else {
        if (claim.temporary != NULL)
            (void)unlink(claim.temporary);
        pg_owner_release(claim.owner);
        *ret_owner = NULL;
    }
    free(claim.temporary);
    return status;
}

/* ---- the other ranks ---- */

_Static_assert((int)PG_OWNER_TOKEN_SIZE == (int)PG_OWNER_TEXT_MAX, "the token is the text");

static void read_token(int fd, char ret_token[PG_OWNER_TOKEN_SIZE])
{
    memset(ret_token, 0, PG_OWNER_TOKEN_SIZE);
    if (pread(fd, ret_token, PG_OWNER_TOKEN_SIZE - 1, 0) < 0)
        ret_token[0] = '\0';
}

void pg_owner_token(const struct pg_owner *claim, char ret_token[PG_OWNER_TOKEN_SIZE])
{
    read_token(claim->fd, ret_token);
}

/* What a rank that joins finds under the owner's path. */
enum sight { NOTHING_THERE, ANOTHER_THERE, LOCKED_BY_OTHERS, JOINED };

static enum sight look(const struct pg_owner *owner, const char token[PG_OWNER_TOKEN_SIZE])
{
    char found[PG_OWNER_TOKEN_SIZE];
    read_token(owner->fd, found);
    if (memcmp(found, token, PG_OWNER_TOKEN_SIZE) != 0)
        return ANOTHER_THERE;
    if (try_lock(owner->fd, LOCK_SH) == LOCK_HELD_BY_OTHERS)
        return LOCKED_BY_OTHERS;
    return is_same_file(owner->fd, owner->path) ? JOINED : ANOTHER_THERE;
}

/* JOINED: the owner file is open and locked, where there are locks. */
static enum sight try_join(struct pg_owner *owner, const char token[PG_OWNER_TOKEN_SIZE])
{
    owner->fd = open(owner->path, O_RDONLY | O_CLOEXEC);
    if (owner->fd < 0)
        return NOTHING_THERE;
    enum sight sight = look(owner, token);
    if (sight != JOINED) {
        (void)close(owner->fd);
        owner->fd = -1;
    }
    return sight;
}

/* Slurm's name of the node, which the user knows, or the host's. */
static const char *node_name(char *host, size_t size)
{
    const char *name = getenv("SLURMD_NODENAME");
    (void)snprintf(host, size, "unknown");
    (void)gethostname(host, size - 1);
    return name != NULL ? name : host;
}

static int refuse_to_join(const struct pg_owner *owner, enum sight sight, int reason,
                          struct pg_error *error)
{
    char name[256];
    const char *host = node_name(name, sizeof name);
    if (sight == LOCKED_BY_OTHERS)
        return pg_error_set(error, PG_EMACHINE, "node %s: cannot lock '%s': another process has it",
                            host, owner->path);
    return pg_error_set(
        error, PG_EINPUT,
        "node %s does not see '%s', which rank 0 has just written (%s): the results "
        "must be on a file system that all nodes share",
        host, owner->path, sight == ANOTHER_THERE ? "another file is there" : strerror(reason));
}

int pg_owner_join(const char *results_path, const char token[PG_OWNER_TOKEN_SIZE],
                  struct pg_owner **ret_owner, struct pg_error *error)
{
    int status = owner_create(results_path, ret_owner, error);
    struct pg_owner *owner = *ret_owner;
    double deadline = pg_clock_wall() + patience;
    char name[256];
    if (status == PG_EMACHINE)
        (void)pg_error_prefix(error, "node %s", node_name(name, sizeof name));
    /* Another host may see a new file later; another launch may look at it, with the lock. */
    while (status == 0) {
        enum sight sight = try_join(owner, token);
        int reason = errno;
        if (sight == JOINED)
            return 0;
        if (pg_clock_wall() >= deadline)
            status = refuse_to_join(owner, sight, reason, error);
        else
            take_nap(0.02);
    }
    pg_owner_release(owner);
    *ret_owner = NULL;
    return status;
}
