/* SPDX-License-Identifier: MIT */
/*
 * One owner at a time, whatever happens to it. Other launches are processes of this test; other
 * hosts are owner files as such a host would leave them. Locks can be taken away from the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "phasegrid/clock.h"
#include "phasegrid/owner.h"
#include "store_place.h"

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

static bool has_locks = true;

int __wrap_flock(int fd, int operation)
{
    if (has_locks)
        return __real_flock(fd, operation);
    errno = ENOLCK;
    return -1;
}

/* A launch's rank, as a process. */
struct rank {
    pid_t pid;
    int told; /* closed: leave */
};

enum { CLAIM, JOIN };

/* What the owner file says; empty without one. */
static void read_token(const struct place *place, char token[PG_OWNER_TOKEN_SIZE])
{
    char path[PATH_MAX + 8];
    (void)snprintf(path, sizeof path, "%s.owner", place->path);
    memset(token, 0, PG_OWNER_TOKEN_SIZE);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    (void)fread(token, 1, PG_OWNER_TOKEN_SIZE - 1, file);
    (void)fclose(file);
}

static int join(const struct place *place, struct pg_owner **ret_owner, struct pg_error *error)
{
    char token[PG_OWNER_TOKEN_SIZE];
    read_token(place, token);
    return pg_owner_join(place->path, token, ret_owner, error);
}

/* Returns when the rank has the file. */
static struct rank start_rank(const struct place *place, int how)
{
    int tell[2], told[2];
    char answer = '-';
    assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    struct rank rank = {fork(), tell[1]};
    assert_true(rank.pid >= 0);
    if (rank.pid == 0) {
        struct pg_owner *owner;
        struct pg_error error;
        (void)close(tell[1]);
        int status = how == CLAIM ? pg_owner_claim(place->path, false, &owner, &error)
                                  : join(place, &owner, &error);
        answer = status == 0 ? 'y' : 'n';
        if (write(told[1], &answer, 1) == 1 && read(tell[0], &answer, 1) == 0)
            pg_owner_release(owner);
        _exit(0);
    }
    (void)close(tell[0]);
    (void)close(told[1]);
    assert_int_equal(read(told[0], &answer, 1), 1);
    (void)close(told[0]);
    assert_int_equal(answer, 'y');
    return rank;
}

static void end_rank(const struct rank *rank)
{
    (void)close(rank->told);
    assert_int_equal(waitpid(rank->pid, NULL, 0), rank->pid);
}

/* The process is dead; its parent has not asked for it yet. */
static void kill_rank(const struct rank *rank)
{
    siginfo_t info;
    assert_int_equal(kill(rank->pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)rank->pid, &info, WEXITED | WNOWAIT), 0);
}

static void assert_claimed(struct place *place, bool take_over)
{
    struct pg_owner *owner = NULL;
    assert_ok(pg_owner_claim(place->path, take_over, &owner, &place->error), &place->error);
    assert_non_null(owner);
    assert_int_equal(count_files(place->folder, false), 1);
    pg_owner_release(owner);
    assert_int_equal(count_files(place->folder, false), 0);
}

static void assert_refused(struct place *place, bool take_over)
{
    struct pg_owner *owner;
    int before = count_files(place->folder, false);
    assert_int_equal(pg_owner_claim(place->path, take_over, &owner, &place->error), PG_EINPUT);
    assert_null(owner);
    assert_null(strchr(place->error.text, '\n'));
    assert_says(&place->error, place->path);
    assert_int_equal(count_files(place->folder, false), before);
}

static void test_claim_and_release(void **state)
{
    struct place *place = *state;
    struct pg_owner *owner;
    char path[256], expected[64];
    size_t size;
    assert_ok(pg_owner_claim(place->path, false, &owner, &place->error), &place->error);
    place_name(place, "x.h5.owner", path);
    unsigned char *text = read_file(path, &size);
    (void)snprintf(expected, sizeof expected, "\npid: %ld\n", (long)getpid());
    assert_non_null(strstr((const char *)text, expected));
    free(text);
    pg_owner_release(owner);
    pg_owner_release(NULL);
    assert_int_equal(count_files(place->folder, false), 0);
    assert_claimed(place, false);
}

static void test_living_owner_is_named(void **state)
{
    struct place *place = *state;
    char host[256], expected[400];
    struct rank rank = start_rank(place, CLAIM);
    assert_int_equal(gethostname(host, sizeof host), 0);
    (void)snprintf(expected, sizeof expected,
                   "is in use by another launch: host %s, pid %ld, since 2", host, (long)rank.pid);
    assert_refused(place, false);
    assert_says(&place->error, expected);
    assert_refused(place, true);
    end_rank(&rank);
    assert_claimed(place, false);
}

static void test_link_is_the_same_file(void **state)
{
    struct place *place = *state, other = *place;
    (void)snprintf(other.path, sizeof other.path, "%s/link", place->folder);
    place_write(place, "x.h5", "", 0);
    assert_int_equal(symlink("x.h5", other.path), 0);
    struct rank rank = start_rank(place, CLAIM);
    assert_refused(&other, false);
    end_rank(&rank);
}

static void test_killed_owner_is_followed_at_once(void **state)
{
    struct place *place = *state;
    struct rank rank = start_rank(place, CLAIM);
    kill_rank(&rank);
    double begin = pg_clock_wall();
    assert_claimed(place, false);
    assert_true(pg_clock_wall() - begin < 2.0);
    end_rank(&rank);
}

static void test_ranks_that_are_ending_are_waited_for(void **state)
{
    struct place *place = *state;
    struct rank claiming = start_rank(place, CLAIM), joined = start_rank(place, JOIN);
    kill_rank(&claiming);
    double begin = pg_clock_wall();
    pid_t ender = fork();
    if (ender == 0) {
        (void)usleep(1000000);
        _exit(kill(joined.pid, SIGKILL) != 0);
    }
    assert_claimed(place, false);
    assert_true(pg_clock_wall() - begin >= 1.0 && pg_clock_wall() - begin < 9.0);
    assert_int_equal(waitpid(ender, NULL, 0), ender);
    end_rank(&claiming);
    end_rank(&joined);
}

static void test_ranks_that_do_not_end_keep_the_file(void **state)
{
    struct place *place = *state;
    struct rank claiming = start_rank(place, CLAIM), joined = start_rank(place, JOIN);
    kill_rank(&claiming);
    double begin = pg_clock_wall();
    assert_refused(place, false);
    assert_true(pg_clock_wall() - begin >= 9.5);
    assert_says(&place->error, "this process is gone, but others of its launch still run");
    end_rank(&claiming);
    end_rank(&joined);
}

/* ---- shared memory of a killed launch ---- */

enum { KILLED_JOB = 0x7e570001, OTHER_JOB = 0x7e570002 };

static void segment_name(unsigned job, const char *rank, char ret_path[256])
{
    (void)snprintf(ret_path, 256, "/dev/shm/vader_segment.phasegrid-test.%u.%x.%s",
                   (unsigned)geteuid(), job, rank);
}

static void make_segment(unsigned job, const char *rank)
{
    char path[256];
    segment_name(job, rank, path);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
}

/* Whether it was there; then it is not any more. */
static bool take_segment(unsigned job, const char *rank)
{
    char path[256];
    segment_name(job, rank, path);
    return unlink(path) == 0;
}

static void test_shared_memory_of_a_killed_launch(void **state)
{
    struct place *place = *state;
    char job[32];
    (void)snprintf(job, sizeof job, "%u", (unsigned)KILLED_JOB);
    make_segment(KILLED_JOB, "0");
    make_segment(KILLED_JOB, "17");
    make_segment(KILLED_JOB, "x");
    make_segment(OTHER_JOB, "0");
    assert_int_equal(setenv("OMPI_MCA_ess_base_jobid", job, 1), 0);
    struct rank rank = start_rank(place, CLAIM);
    assert_int_equal(unsetenv("OMPI_MCA_ess_base_jobid"), 0);
    kill_rank(&rank);
    (void)usleep(1100000);
    make_segment(KILLED_JOB, "18"); /* another's, who has got the same number since */
    assert_claimed(place, false);
    assert_false(take_segment(KILLED_JOB, "0"));
    assert_false(take_segment(KILLED_JOB, "17"));
    assert_true(take_segment(KILLED_JOB, "x"));
    assert_true(take_segment(KILLED_JOB, "18"));
    assert_true(take_segment(OTHER_JOB, "0"));
    end_rank(&rank);
}

/* ---- owner files of others ---- */

struct owner_file {
    const char *host, *boot, *slurm_job;
    long long pid, start, slurm_restart;
};

static void write_owner(const struct place *place, const struct owner_file *file)
{
    char text[1024];
    int length = snprintf(text, sizeof text,
                          "host: %s\npid: %lld\nstart: %lld\nboot: %s\nslurm_job: %s\n"
                          "slurm_restart: %lld\nompi_job: 0\nsince: 1795403525\n",
                          file->host, file->pid, file->start, file->boot, file->slurm_job,
                          file->slurm_restart);
    place_write(place, "x.h5.owner", text, (size_t)length);
}

static void test_owner_on_another_host(void **state)
{
    struct place *place = *state;
    const struct owner_file file = {"node-that-is-not", "b", "4711", 1, 2, 0};
    write_owner(place, &file);
    assert_refused(place, false);
    assert_says(&place->error, "host node-that-is-not, pid 1, Slurm job 4711, since 2026-11-23 "
                               "03:12:05 UTC; if it no longer runs, --take-over");
    assert_claimed(place, true);
}

static void test_earlier_start_of_the_same_slurm_job(void **state)
{
    struct place *place = *state;
    const struct owner_file earlier = {"node-that-is-not", "b", "4711", 1, 2, 0},
                            same = {"node-that-is-not", "b", "4711", 1, 2, 1},
                            other = {"node-that-is-not", "b", "4712", 1, 2, 0};
    assert_int_equal(setenv("SLURM_JOB_ID", "4711", 1), 0);
    assert_int_equal(setenv("SLURM_RESTART_COUNT", "1", 1), 0);
    write_owner(place, &same);
    assert_refused(place, false);
    write_owner(place, &other);
    assert_refused(place, false);
    write_owner(place, &earlier);
    assert_claimed(place, false);
    assert_int_equal(unsetenv("SLURM_JOB_ID") | unsetenv("SLURM_RESTART_COUNT"), 0);
}

/* This host, but booted anew; or the process number is another process's now. */
static void test_dead_owners_of_this_host(void **state)
{
    struct place *place = *state;
    char host[256], boot[64] = "";
    assert_int_equal(gethostname(host, sizeof host), 0);
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%63s", boot), 1);
    (void)fclose(file);
    const struct owner_file owners[] = {{host, "another-boot", "-", getpid(), 1, 0},
                                        {"container", boot, "-", getpid(), 1, 0}};
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        write_owner(place, &owners[i]);
        assert_claimed(place, false);
    }
}

static void test_texts_that_say_nothing(void **state)
{
    struct place *place = *state;
    static const char *const texts[] = {"", "host: a\npid: many\n", "host: a\npid: 1\nstart: 2\n",
                                        "\x7f\x45\x4c\x46"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        place_write(place, "x.h5.owner", texts[i], strlen(texts[i]));
        assert_refused(place, false);
        assert_says(&place->error, "does not say by whom");
        assert_claimed(place, true);
    }
}

/* Long and odd bytes: refused or followed, and nothing worse (a sanitizer looks on). */
static void test_hostile_texts(void **state)
{
    struct place *place = *state;
    char text[2000], filler[400];
    for (int i = 0; i < 300; i++) {
        struct pg_owner *owner;
        memset(text, 'z', sizeof text);
        memset(filler, i % 2 == 0 ? 'a' : '9', sizeof filler);
        (void)snprintf(text, sizeof text,
                       "host: %.*s\npid: 99999999999999999999\nstart: -%d\nboot: %.*s", i, filler,
                       i, 300 - i, filler);
        place_write(place, "x.h5.owner", text, sizeof text);
        int status = pg_owner_claim(place->path, false, &owner, &place->error);
        assert_true(status == 0 || status == PG_EINPUT);
        pg_owner_release(owner);
    }
}

/* ---- file systems without locks ---- */

static void test_without_locks_the_text_decides(void **state)
{
    struct place *place = *state;
    const struct owner_file foreign = {"node-that-is-not", "b", "-", 1, 2, 0};
    has_locks = false;
    struct rank rank = start_rank(place, CLAIM);
    assert_refused(place, false);
    assert_says(&place->error, "the file system has no locks");
    kill_rank(&rank);
    double begin = pg_clock_wall();
    assert_claimed(place, false);
    assert_true(pg_clock_wall() - begin >= 2.5); /* its ranks may still be ending */
    end_rank(&rank);
    write_owner(place, &foreign);
    assert_refused(place, false);
    assert_claimed(place, true);
    has_locks = true;
}

/* ---- many at once ---- */

static int contend(const struct place *place, double seconds)
{
    struct pg_owner *owner;
    struct pg_error error;
    char mark[256];
    int had = 0;
    place_name(place, "mark", mark);
    for (double end = pg_clock_wall() + seconds; pg_clock_wall() < end;) {
        int status = pg_owner_claim(place->path, false, &owner, &error);
        if (status != 0 && status != PG_EINPUT)
            return -1;
        if (status != 0)
            continue;
        int fd = open(mark, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1; /* somebody else has it too */
        (void)close(fd);
        (void)unlink(mark);
        had++;
        if (had % 3 == 0)
            _exit(0); /* dies with the file; the others follow */
        pg_owner_release(owner);
    }
    return had;
}

static void test_never_two_owners(void **state)
{
    enum { CONTENDERS = 40 };
    struct place *place = *state;
    pid_t pids[CONTENDERS];
    for (int i = 0; i < CONTENDERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(contend(place, 2.0) < 0);
    }
    for (int i = 0; i < CONTENDERS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_claimed(place, false);
}

/* On a node that has a folder of its own under this path: nothing there, or what an earlier launch
   left. Both are looked at for ten seconds, at the same time. */
static void test_a_node_that_does_not_see_the_file(void **state)
{
    struct place *place = *state;
    struct pg_owner *claim = NULL, *owner = NULL;
    struct pg_error error;
    char token[PG_OWNER_TOKEN_SIZE], other[PATH_MAX + 16];
    assert_ok(pg_owner_claim(place->path, false, &claim, &place->error), &place->error);
    pg_owner_token(claim, token);
    pid_t child = fork();
    if (child == 0) {
        (void)snprintf(other, sizeof other, "%s/other.h5", place->folder);
        bool is_refused = pg_owner_join(other, token, &owner, &error) == PG_EINPUT &&
                          strstr(error.text, "other.h5.owner") != NULL &&
                          strstr(error.text, strerror(ENOENT)) != NULL;
        _exit(is_refused ? 0 : 1);
    }
    token[0] ^= 1;
    assert_int_equal(pg_owner_join(place->path, token, &owner, &error), PG_EINPUT);
    assert_non_null(strstr(error.text, "node "));
    assert_non_null(strstr(error.text, "another file is there"));
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    pg_owner_release(claim);
}

static void test_folder_that_is_not(void **state)
{
    struct place *place = *state;
    struct pg_owner *owner;
    assert_int_equal(pg_owner_claim("/nonexistent/x.h5", false, &owner, &place->error),
                     PG_EMACHINE);
    assert_null(owner);
    assert_says(&place->error, "'/nonexistent/x.h5': folder '/nonexistent': No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_claim_and_release, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_living_owner_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_link_is_the_same_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_owner_is_followed_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ranks_that_are_ending_are_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_ranks_that_do_not_end_keep_the_file, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_shared_memory_of_a_killed_launch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_owner_on_another_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_earlier_start_of_the_same_slurm_job, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_dead_owners_of_this_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts_that_say_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_locks_the_text_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_never_two_owners, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_node_that_does_not_see_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder_that_is_not, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}
