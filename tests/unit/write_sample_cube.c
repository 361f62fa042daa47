/* SPDX-License-Identifier: MIT */
/*
 * write_sample_cube FILE [hold | again]: creates the sample's file and writes its first rows. With
 * `hold` says "ready" and keeps the file open for writing until its input ends, as a running sweep
 * does; with `again` goes on with a file that exists, as a second launch.
 */
#include <stdio.h>
#include <string.h>

#include "sample_cube.h"

static const struct pg_launch launch = {
    .version = "1.2.3",
    .commit = "0123abcd",
    .host = "knöten-7",
    .cpu = "A CPU whose name is far longer than the file has room for: 64 bytes, é",
    .kernel = "avx2",
    .slurm_job = NULL,
    .ranks = 4,
    .started = 1.7e9,
    .finished = 0,
    .steps_kept = 120,
};
static const struct pg_launch_end end = {1.7e9 + 60.5, "all done", SAMPLE_WRITTEN};

static int write_rows(const char *path, const struct pg_layout *layout, bool hold,
                      struct pg_error *error)
{
    struct pg_store *store;
    int status = pg_store_open(path, layout, MPI_COMM_WORLD, &store, error), closed;
    if (status != 0)
        return status;
    status = pg_store_launch_begin(store, &launch, error);
    if (status == 0)
        status = sample_cube_write(store, layout, 0, SAMPLE_WRITTEN, error);
    if (status == 0 && hold) {
        (void)puts("ready");
        (void)fflush(stdout);
        while (getchar() != EOF)
            ;
    }
    if (status == 0)
        status = pg_store_launch_end(store, &end, error);
    closed = pg_store_close(store, status == 0 ? error : NULL);
    return status != 0 ? status : closed;
}

int main(int argc, char **argv)
{
    struct sample_cube cube;
    struct pg_error error = {0};
    if (argc < 2)
        return 1;
    (void)MPI_Init(&argc, &argv);
    sample_cube_init(&cube);
    const char *mode = argc > 2 ? argv[2] : "";
    int status = 0;
    if (strcmp(mode, "again") != 0)
        status = pg_store_create(argv[1], &cube.layout, &error);
    if (status == 0)
        status = write_rows(argv[1], &cube.layout, strcmp(mode, "hold") == 0, &error);
    if (status != 0)
        (void)fprintf(stderr, "%s\n", error.text);
    sample_cube_release(&cube);
    (void)MPI_Finalize();
    return status != 0;
}
