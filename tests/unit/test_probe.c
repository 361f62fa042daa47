/* SPDX-License-Identifier: MIT */
/*
 * A damaged file ends a child process, never ours. Mutated copies of a cube are opened, and where
 * they open, read to the end: PHASEGRID_TEST_MUTATIONS=n tries n of them. What HDF5 may do to the
 * child in the worst case is done to it here by a walk of the test's own.
 */
#include <fcntl.h>
#include <hdf5.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "phasegrid/clock.h"
#include "phasegrid/owner.h"
#include "phasegrid/random.h"
#include "store_place.h"

enum { KEY = 1, MUTATIONS = 1000, CHANGES_MAX = 8, BYTES_MAX = 1 << 20 };

/* ---- a walk that goes wrong ---- */

int __real_pg_walk_file(struct pg_reader *reader, struct pg_error *error);
int __wrap_pg_walk_file(struct pg_reader *reader, struct pg_error *error);

static enum { WALK, DIE, LEAVE, LOOP, SLEEP, TAKE_MEMORY, TALK, BE_TOLD } behaviour = WALK;

/* That mpirun and srun send to every process of a rank's group or step. */
static const int stops[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

static int take_memory(struct pg_error *error)
{
    enum { AT_ONCE = 64 << 20, MOST = 100 };
    for (int i = 0; i < MOST; i++) {
        char *bytes = malloc(AT_ONCE);
        if (bytes == NULL)
            return pg_error_set(error, PG_EMACHINE, "out of memory: a damaged length");
        bytes[0] = 1;
    }
    return 0;
}

int __wrap_pg_walk_file(struct pg_reader *reader, struct pg_error *error)
{
    static volatile bool is_endless = true;
    switch (behaviour) {
    case DIE:
        (void)raise(SIGSEGV);
        break;
    case LEAVE:
        exit(0);
    case LOOP:
        while (is_endless)
            ;
        break;
    case SLEEP:
        (void)sleep(30);
        break;
    case TAKE_MEMORY:
        return take_memory(error);
    case TALK:
        (void)fputs("a word of the child\n", stderr);
        (void)fputs("a word of the child\n", stdout);
        (void)fflush(stdout);
        break;
    case BE_TOLD:
        for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
            (void)raise(stops[i]);
        break;
    case WALK:
        break;
    }
    return __real_pg_walk_file(reader, error);
}

static void assert_damaged(struct place *place, const char *expected)
{
    struct pg_reader *reader;
    assert_int_equal(pg_reader_open(place->path, &reader, &place->error), PG_EMISMATCH);
    assert_null(reader);
    assert_null(strchr(place->error.text, '\n'));
    assert_says(&place->error, place->path);
    assert_says(&place->error, expected);
}

static int handled;

static void handle(int number)
{
    (void)number;
    (void)!write(handled, "!", 1);
}

/* The parent's handler, which would blame a run, does not see the child's fault. */
static void test_child_that_dies(void **state)
{
    struct place *place = *state;
    int ends[2];
    char byte;
    create_sample(place);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    handled = ends[1];
    void (*before)(int) = signal(SIGSEGV, handle);
    behaviour = DIE;
    assert_damaged(place, "is damaged: reading its structure ended with signal 11 (Segmentation "
                          "fault)");
    behaviour = LEAVE;
    assert_damaged(place, "is damaged: the process that reads its structure ended early");
    behaviour = WALK;
    (void)signal(SIGSEGV, before);
    assert_int_equal(read(ends[0], &byte, 1), -1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_child_that_loops(void **state)
{
    struct place *place = *state;
    create_sample(place);
    behaviour = LOOP;
    assert_damaged(place, "is damaged: reading its structure did not end within 5 CPU seconds");
    behaviour = WALK;
}

static void test_child_that_takes_memory(void **state)
{
    struct place *place = *state;
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    create_sample(place);
    behaviour = TAKE_MEMORY;
    assert_damaged(place, "is damaged: reading its structure took more than 1024 MiB of memory");
    behaviour = WALK;
}

/* What HDF5 or a sanitizer prints stays in the child. */
static void test_child_that_talks(void **state)
{
    struct place *place = *state;
    char path[256];
    size_t size;
    create_sample(place);
    place_name(place, "said", path);
    (void)fflush(stdout);
    int said = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), out = dup(1), err = dup(2);
    assert_true(said >= 0 && dup2(said, 1) == 1 && dup2(said, 2) == 2);
    behaviour = TALK;
    int status = pg_store_probe(place->path, &place->error);
    behaviour = WALK;
    assert_true(dup2(out, 1) == 1 && dup2(err, 2) == 2);
    (void)close(said);
    (void)close(out);
    (void)close(err);
    assert_ok(status, &place->error);
    free(read_file(path, &size));
    assert_int_equal(size, 0);
}

/* A launch that is killed while its child looks at the file takes the child along, lock and all. */
static void test_child_ends_with_its_parent(void **state)
{
    struct place *place = *state;
    struct pg_owner *owner;
    int ends[2];
    char byte;
    create_sample(place);
    assert_int_equal(pipe(ends), 0);
    pid_t launch = fork();
    if (launch == 0) {
        behaviour = SLEEP;
        if (pg_owner_claim(place->path, false, &owner, &place->error) == 0 &&
            write(ends[1], "!", 1) == 1)
            _exit(pg_store_probe(place->path, &place->error) != 0);
        _exit(1);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    (void)usleep(500000);
    (void)kill(launch, SIGKILL);
    assert_int_equal(waitpid(launch, NULL, 0), launch);
    double begin = pg_clock_wall();
    assert_ok(pg_owner_claim(place->path, false, &owner, &place->error), &place->error);
    pg_owner_release(owner);
    assert_true(pg_clock_wall() - begin < 5.0);
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody holds the other end */
    (void)close(ends[0]);
}

/* A caller that ignores its children's ends cannot ask for them. */
static void test_the_callers_signals_do_not_matter(void **state)
{
    struct place *place = *state;
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    create_sample(place);
    assert_ok(pg_store_probe(place->path, &place->error), &place->error);
    behaviour = DIE;
    assert_damaged(place, "is damaged");
    behaviour = WALK;
    (void)signal(SIGCHLD, before);
}

/* ---- files ---- */

static unsigned char original[BYTES_MAX], mutated[BYTES_MAX];
static bool is_data[BYTES_MAX];
static uint32_t structure[BYTES_MAX]; /* offsets of the bytes that are not raw data */
static uint32_t structure_size;

static size_t read_original(const char *path)
{
    size_t size;
    unsigned char *bytes = read_file(path, &size);
    assert_in_range(size, 1, BYTES_MAX - 1);
    memcpy(original, bytes, size);
    free(bytes);
    return size;
}

static herr_t note_data(hid_t root, const char *name, const H5O_info_t *info, void *context)
{
    hid_t dataset = info->type == H5O_TYPE_DATASET ? H5Dopen2(root, name, H5P_DEFAULT) : -1;
    (void)context;
    if (dataset < 0)
        return 0;
    haddr_t offset = H5Dget_offset(dataset);
    hsize_t size = H5Dget_storage_size(dataset);
    if (offset != HADDR_UNDEF)
        memset(is_data + offset, true, (size_t)size);
    return H5Dclose(dataset);
}

static void find_structure(const char *path, size_t size)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    memset(is_data, 0, sizeof is_data);
    assert_true(H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, note_data, NULL, H5O_INFO_BASIC) >=
                0);
    assert_true(H5Fclose(file) >= 0);
    structure_size = 0;
    for (uint32_t i = 0; i < size; i++)
        if (!is_data[i])
            structure[structure_size++] = i;
    assert_in_range(structure_size, 1000, size - 1);
}

/* Changes some bytes, by mutation number: of the structure, or anywhere; to anything, or by a bit.
 */
static void mutate(uint32_t number, size_t size)
{
    uint32_t words[4];
    memcpy(mutated, original, size);
    for (uint32_t change = 0; change < 1 + number % CHANGES_MAX; change++) {
        pg_philox((const uint32_t[4]){number, change}, (const uint32_t[2]){KEY}, words);
        uint32_t at =
            words[3] % 8 > 0 ? structure[words[0] % structure_size] : (uint32_t)(words[0] % size);
        if (words[1] % 2 == 0)
            mutated[at] = (unsigned char)words[2];
        else
            mutated[at] ^= (unsigned char)(1U << words[2] % 8);
    }
}

struct counts {
    unsigned refused, died;
};

/* Whatever it says, it says: a status of ours with a text. */
static void open_and_read(struct place *place, struct counts *counts)
{
    struct pg_reader *reader = NULL;
    char hex[65];
    place->error.text[0] = '\0';
    int status = pg_reader_open(place->path, &reader, &place->error);
    if (status == 0)
        status = pg_reader_digest(reader, hex, &place->error);
    pg_reader_close(reader);
    assert_true(status == 0 || status == PG_EMISMATCH);
    if (status != 0)
        assert_says(&place->error, place->path);
    counts->refused += status != 0;
    counts->died += status != 0 && (strstr(place->error.text, "with signal") != NULL ||
                                    strstr(place->error.text, "did not end") != NULL);
}

static void test_mutated_files(void **state)
{
    struct place *place = *state;
    const char *wanted = getenv("PHASEGRID_TEST_MUTATIONS");
    uint32_t count = wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 10) : MUTATIONS;
    struct counts counts = {0, 0};
    create_sample(place);
    size_t size = read_original(place->path);
    find_structure(place->path, size);
    for (uint32_t number = 0; number < count; number++) {
        mutate(number, size);
        place_write(place, "x.h5", mutated, size);
        open_and_read(place, &counts);
    }
    print_message("%u of %u mutated files were refused; the child died at %u\n", counts.refused,
                  count, counts.died);
    assert_in_range(counts.refused, 1, count - 1);
}

/* A file cut short anywhere is refused. */
/* A launch that is asked to leave while it looks at its file does not take it for damaged. */
static void test_signals_to_leave_are_not_the_childs(void **state)
{
    struct place *place = *state;
    create_sample(place);
    behaviour = BE_TOLD;
    assert_ok(pg_store_probe(place->path, &place->error), &place->error);
    behaviour = WALK;
}

static void test_truncated_files(void **state)
{
    struct place *place = *state;
    struct counts counts = {0, 0};
    unsigned tried = 0;
    create_sample(place);
    size_t size = read_original(place->path);
    for (size_t length = 1; length < size; length += 1 + size / 50, tried++) {
        place_write(place, "x.h5", original, length);
        open_and_read(place, &counts);
    }
    assert_int_equal(counts.refused, tried);
    assert_int_equal(counts.died, 0);
    assert_damaged(place, "is truncated: ");
}

static void test_a_sound_file_and_what_is_none(void **state)
{
    struct place *place = *state;
    create_sample(place);
    assert_ok(pg_store_probe(place->path, &place->error), &place->error);
    place_write(place, "x.h5", "experiment: addition\n", 21);
    assert_damaged(place, "is not an HDF5 file; expected a results file");
    place_write(place, "x.h5", "", 0);
    assert_damaged(place, "is empty; expected a results file");
    assert_int_equal(pg_store_probe(place->folder, &place->error), PG_EINPUT);
    assert_says(&place->error, "is a folder");
    assert_int_equal(pg_store_probe("/nonexistent/x.h5", &place->error), PG_EINPUT);
    assert_says(&place->error, "cannot open '/nonexistent/x.h5': No such file or directory");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_sound_file_and_what_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_child_that_dies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_child_that_loops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_child_that_takes_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_child_that_talks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_child_ends_with_its_parent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_callers_signals_do_not_matter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signals_to_leave_are_not_the_childs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_truncated_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mutated_files, set_up, tear_down),
    };
    (void)MPI_Init(&argc, &argv);
    int failed = cmocka_run_group_tests_name("probe", tests, NULL, NULL);
    (void)MPI_Finalize();
    return failed;
}
