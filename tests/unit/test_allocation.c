/* SPDX-License-Identifier: MIT */
/* Who is asked for the end of the allocation, in which order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocation.h"
#include "phasegrid/clock.h"

static int forget_all(void **state)
{
    (void)state;
    (void)unsetenv("PHASEGRID_DEADLINE");
    (void)unsetenv("SLURM_JOB_END_TIME");
    (void)unsetenv("SLURM_JOB_ID");
    return 0;
}

static void test_the_first_that_says_so(void **state)
{
    (void)state;
    assert_true(pg_allocation_end() <= 0.0);
    (void)setenv("SLURM_JOB_END_TIME", "1800000000", 1);
    assert_true(fabs(pg_allocation_end() - 1.8e9) < 1e-3);
    (void)setenv("PHASEGRID_DEADLINE", "1700000000.5", 1);
    assert_true(fabs(pg_allocation_end() - 1700000000.5) < 1e-3);
    (void)setenv("PHASEGRID_DEADLINE", "tomorrow", 1);
    assert_true(fabs(pg_allocation_end() - 1.8e9) < 1e-3);
}

/* A squeue of our own, first on the PATH. */
static void install_squeue(const char *folder, const char *script)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/squeue", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

static void remove_squeue(const char *folder)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/squeue", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void test_squeue(void **state)
{
    char folder[] = "/tmp/phasegrid-squeue-XXXXXX", path[4096];
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s:%s", folder, getenv("PATH"));
    (void)setenv("PATH", path, 1);
    (void)setenv("SLURM_JOB_ID", "42", 1);
    install_squeue(folder, "[ \"$*\" = '--noheader --format=%L --jobs 42' ] && echo 1:00:00");
    double left = pg_allocation_end() - pg_clock_unix();
    assert_true(left > 3590.0 && left <= 3600.0);
    install_squeue(folder, "echo UNLIMITED");
    assert_true(pg_allocation_end() <= 0.0);
    install_squeue(folder, "echo slurm_load_jobs error >&2; exit 1");
    assert_true(pg_allocation_end() <= 0.0);
    install_squeue(folder, "exec sleep 60"); /* a controller that does not answer */
    double began = pg_clock_wall();
    assert_true(pg_allocation_end() <= 0.0);
    assert_true(pg_clock_wall() - began < 30.0);
    remove_squeue(folder);
}

static void test_first_rank(void **state)
{
    (void)state;
    (void)unsetenv("OMPI_COMM_WORLD_RANK");
    (void)unsetenv("PMI_RANK");
    (void)setenv("PMIX_RANK", "3", 1);
    assert_false(pg_allocation_is_first_rank());
    (void)setenv("OMPI_COMM_WORLD_RANK", "0", 1);
    assert_true(pg_allocation_is_first_rank());
    (void)unsetenv("OMPI_COMM_WORLD_RANK");
    (void)unsetenv("PMIX_RANK");
    assert_true(pg_allocation_is_first_rank());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_first_that_says_so, forget_all, forget_all),
        cmocka_unit_test_setup_teardown(test_squeue, forget_all, forget_all),
        cmocka_unit_test(test_first_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
