/* SPDX-License-Identifier: MIT */
/*
 * Opening damaged results files: the sample of tests/unit with a few changes in its structure
 * (image.h). Whatever it is, the reader opens it or says that it is damaged; what it opens it also
 * reads. HDF5 may die of a file, but only in the child that looks first; at the end stands how
 * often it did.
 */
#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/sample_cube.h"
#include "fuzz.h"
#include "image.h"
#include "phasegrid/store.h"

enum { ROW_BYTES_MAX = 1 << 20 };

static struct image sample;
static char folder[200], path[220];
static uint8_t *damaged;
static unsigned long opened, refused, deaths, overruns;

/* In a process of its own, so that nothing of MPI stays in this one. */
static void write_sample(void)
{
    struct sample_cube cube;
    struct pg_error error = {0};
    struct pg_store *store;
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS)
        _exit(1);
    sample_cube_init(&cube);
    int status = pg_store_create(path, &cube.layout, &error);
    if (status == 0)
        status = pg_store_open(path, &cube.layout, MPI_COMM_WORLD, &store, &error);
    if (status == 0)
        status = sample_cube_write(store, &cube.layout, 0, SAMPLE_WRITTEN, &error);
    if (status == 0)
        status = pg_store_close(store, &error);
    if (status != 0)
        (void)fprintf(stderr, "%s\n", error.text);
    (void)MPI_Finalize();
    _exit(status != 0);
}

static void load_sample(void)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    fuzz_expect(file >= 0 && fstat(file, &about) == 0);
    size_t size = (size_t)about.st_size;
    uint8_t *bytes = malloc(size);
    damaged = malloc(size);
    fuzz_expect(bytes != NULL && damaged != NULL);
    fuzz_expect(read(file, bytes, size) == (ssize_t)size);
    (void)close(file);
    image_init(&sample, bytes, size);
    fuzz_expect(sample.block_count > 10);
}

static void end(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
    (void)fprintf(stderr,
                  "%lu opened, %lu refused; of these the child died %lu times and took too long or "
                  "too much memory %lu times\n",
                  opened, refused, deaths, overruns);
}

static void begin(void)
{
    int status = 0;
    const char *place = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.100s/phasegrid-fuzz-XXXXXX",
                   place != NULL ? place : "/tmp");
    fuzz_expect(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/cube.h5", folder);
    pid_t child = fork();
    if (child == 0)
        write_sample();
    fuzz_expect(waitpid(child, &status, 0) == child && status == 0);
    load_sample();
    fuzz_expect(atexit(end) == 0);
}

static void write_damaged(size_t size)
{
    int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    fuzz_expect(file >= 0 && write(file, damaged, size) == (ssize_t)size && close(file) == 0);
}

/* All that a verb may ask for; a variable that claims to be huge is only asked for its layout. */
static void read_all(struct pg_reader *reader)
{
    struct pg_error error = {0};
    const struct pg_layout *layout = pg_reader_layout(reader);
    for (size_t i = 0; i < layout->variable_count; i++) {
        size_t bytes = pg_layout_row_bytes(layout, i);
        void *row = bytes > 0 && bytes <= ROW_BYTES_MAX && layout->variables[i].texts == NULL
                        ? malloc(bytes)
                        : NULL;
        if (row != NULL)
            (void)!pg_reader_rows(reader, i, 0, 1, row, &error);
        free(row);
    }
    char *text = NULL, hex[65];
    if (pg_reader_text(reader, "job", &text, &error) == 0)
        free(text);
    if (pg_layout_row_count(layout) <= ROW_BYTES_MAX)
        (void)!pg_reader_digest(reader, hex, &error);
}

static void count_refusal(const struct pg_error *error)
{
    refused++;
    deaths += strstr(error->text, "ended with signal") != NULL ||
              strstr(error->text, "ended early") != NULL;
    overruns +=
        strstr(error->text, "CPU seconds") != NULL || strstr(error->text, "of memory") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pg_reader *reader = NULL;
    struct pg_error error = {0};
    if (sample.bytes == NULL)
        begin();
    memcpy(damaged, sample.bytes, sample.size);
    write_damaged(image_damage(&sample, damaged, data, size));
    int status = pg_reader_open(path, &reader, &error);
    fuzz_expect((status == 0) == (reader != NULL));
    if (status != 0) {
        fuzz_expect(status < 0 && error.text[0] != '\0');
        count_refusal(&error);
        return 0;
    }
    opened++;
    read_all(reader);
    pg_reader_close(reader);
    return 0;
}
