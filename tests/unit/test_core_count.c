/* SPDX-License-Identifier: MIT */
/* Counting cores from folders laid out like those of the kernel. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core_count.h"

static char folder[] = "/tmp/test_core_count_XXXXXX";

/* Writes FOLDER/name and the folders that it stands in. */
static void write_file(const char *name, const char *text)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_in_range(length, 1, sizeof path - 1);
    for (char *slash = strchr(path + sizeof folder, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int in_new_folder(void **state)
{
    (void)state;
    (void)snprintf(folder + sizeof folder - sizeof "XXXXXX", sizeof "XXXXXX", "XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char command[sizeof folder + 16];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command); /* NOLINT(cert-env33-c) */
}

static cpu_set_t cpus_from(size_t first, size_t count)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (size_t cpu = first; cpu < first + count; cpu++)
        CPU_SET(cpu, &cpus);
    return cpus;
}

static void test_threads_of_a_core_count_once(void **state)
{
    /* CPU n and n + 4 are threads of one core; 8 and 9 are as well; nothing is said of 10. */
    static const char *const siblings[] = {"0,4", "1,5", "2,6", "3,7", "0,4",
                                           "1,5", "2,6", "3,7", "8-9", "8-9"};
    (void)state;
    for (size_t i = 0; i < sizeof siblings / sizeof siblings[0]; i++) {
        char name[64], text[16];
        (void)snprintf(name, sizeof name, "cpu%zu/topology/thread_siblings_list", i);
        (void)snprintf(text, sizeof text, "%s\n", siblings[i]);
        write_file(name, text);
    }
    static const struct {
        size_t first, count;
        int cores;
    } masks[] = {{0, 4, 4}, {0, 8, 4}, {4, 4, 4}, {3, 2, 2}, {8, 2, 1}, {0, 11, 6}, {5, 1, 1}};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        cpu_set_t cpus = cpus_from(masks[i].first, masks[i].count);
        assert_int_equal(pg_core_count_physical(folder, &cpus), masks[i].cores);
    }
}

static void test_without_topology_every_cpu_is_a_core(void **state)
{
    (void)state;
    cpu_set_t cpus = cpus_from(7, 5);
    assert_int_equal(pg_core_count_physical("/nonexistent", &cpus), 5);
}

static void test_quota(void **state)
{
    static const struct {
        const char *text;
        int cores;
    } cases[] = {
        {"200000 100000\n", 2},
        {"150000 100000\n", 2},
        {"50000 100000\n", 1},
        {"1 100000\n", 1},
        {"800000 50000\n", 16},
        {"max 100000\n", 0},
        {"", 0},
        {"100000\n", 0},
        {"100000 0\n", 0},
        {"-1 100000\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(pg_core_count_quota(cases[i].text), cases[i].cores);
}

static int allowed_for(const char *membership)
{
    char path[PATH_MAX];
    write_file("membership", membership);
    (void)snprintf(path, sizeof path, "%s/membership", folder);
    return pg_core_count_allowed(folder, path);
}

static void test_the_least_quota_of_the_groups_above(void **state)
{
    (void)state;
    write_file("cpu.max", "900000 100000\n");
    write_file("user.slice/cpu.max", "300000 100000\n");
    write_file("user.slice/job/cpu.max", "max 100000\n");
    write_file("user.slice/small/cpu.max", "100000 100000\n");
    write_file("system.slice/job/nothing", "");
    assert_int_equal(allowed_for("0::/user.slice/job\n"), 3);
    assert_int_equal(allowed_for("1:cpu:/system.slice\n0::/user.slice/small\n"), 1);
    assert_int_equal(allowed_for("0::/system.slice/job\n"), 9);
    assert_int_equal(allowed_for("0::/\n"), 9);
    assert_int_equal(allowed_for("1:cpu:/user.slice\n"), 0); /* cgroup v1 only */
    assert_int_equal(pg_core_count_allowed(folder, "/nonexistent"), 0);
}

static void test_here_there_is_at_least_one(void **state)
{
    cpu_set_t cpus;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    assert_in_range(pg_core_count(), 1, CPU_COUNT(&cpus));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads_of_a_core_count_once, in_new_folder,
                                        remove_folder),
        cmocka_unit_test(test_without_topology_every_cpu_is_a_core),
        cmocka_unit_test(test_quota),
        cmocka_unit_test_setup_teardown(test_the_least_quota_of_the_groups_above, in_new_folder,
                                        remove_folder),
        cmocka_unit_test(test_here_there_is_at_least_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
