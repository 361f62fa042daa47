/* SPDX-License-Identifier: MIT */
/* What control groups leave, by the files of a system that this test makes up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/sweep/memory.h"

static char folder[] = "/tmp/test_memory_XXXXXX";
static char paths[4][64];
static const struct pg_memory_sources sources = {paths[0], paths[1], paths[2], paths[3]};

static void put(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static int set_up(void **state)
{
    static const char *const names[] = {"meminfo", "cgroup", "two", "one"};
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    make("two");
    make("two/job");
    make("two/job/step");
    make("one");
    make("one/job");
    return 0;
}

static int clean_up(void **state)
{
    char command[64];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command); /* NOLINT(cert-env33-c) */
}

static void test_without_groups(void **state)
{
    (void)state;
    assert_true(pg_memory_of_node(&sources) == UINT64_MAX); /* nothing is known */
    put("meminfo", "MemTotal:  900 kB\nMemFree:  10 kB\nMemAvailable:   500 kB\nBuffers: 1 kB\n");
    assert_int_equal(pg_memory_of_node(&sources), 500 * 1024);
}

static void test_version_2(void **state)
{
    (void)state;
    put("cgroup", "0::/job/step\n");
    put("two/job/step/memory.max", "max\n");
    put("two/job/step/memory.current", "70000\n");
    assert_int_equal(pg_memory_of_node(&sources), 500 * 1024); /* no limit here */
    put("two/job/memory.max", "100000\n");
    put("two/job/memory.current", "90000\n");
    assert_int_equal(pg_memory_of_node(&sources), 10000); /* that of the group above */
    put("two/job/memory.stat", "anon 60000\nfile 30000\ninactive_file 25000\nactive_file 5000\n");
    assert_int_equal(pg_memory_of_node(&sources), 35000); /* cached files are given back */
    put("two/job/memory.current", "200000\n");
    assert_int_equal(pg_memory_of_node(&sources), 0);
}

static void test_version_1(void **state)
{
    (void)state;
    put("cgroup", "7:cpu,cpuacct:/job\n5:memory:/job\n");
    put("one/job/memory.limit_in_bytes", "9223372036854771712\n");
    put("one/job/memory.usage_in_bytes", "90000\n");
    assert_int_equal(pg_memory_of_node(&sources), 500 * 1024); /* as good as no limit */
    put("one/job/memory.limit_in_bytes", "100000\n");
    put("one/job/memory.stat", "inactive_file 1\ntotal_inactive_file 20000\n");
    assert_int_equal(pg_memory_of_node(&sources), 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_groups),
        cmocka_unit_test(test_version_2),
        cmocka_unit_test(test_version_1),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
