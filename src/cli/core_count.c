/* SPDX-License-Identifier: MIT */
/*
 * Two hardware threads of one core train no faster than one, and ranks beyond a quota (containers:
 * `docker run --cpus 2`) only wait for each other. A core is known by the lowest number among its
 * hardware threads. Linux: Documentation/admin-guide/cputopology.rst and cgroup-v2.rst.
 */
#include "core_count.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file's first bytes as text; false where it cannot be read. */
static bool read_start(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    text[fread(text, 1, size - 1, file)] = '\0';
    (void)fclose(file);
    return true;
}

/* "3,67" or "6-7": the lowest number stands first. */
static size_t first_sibling(const char *folder, size_t cpu)
{
    char path[PATH_MAX], text[32], *end = NULL;
    (void)snprintf(path, sizeof path, "%s/cpu%zu/topology/thread_siblings_list", folder, cpu);
    if (!read_start(path, text, sizeof text))
        return cpu;
    long first = strtol(text, &end, 10);
    return end != text && first >= 0 && first < CPU_SETSIZE ? (size_t)first : cpu;
}

int pg_core_count_physical(const char *folder, const cpu_set_t *cpus)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, cpus))
            CPU_SET(first_sibling(folder, cpu), &cores);
    return CPU_COUNT(&cores);
}

int pg_core_count_quota(const char *text)
{
    char *end = NULL;
    long quota = strtol(text, &end, 10);
    if (end == text || quota <= 0)
        return 0;
    long period = strtol(end, NULL, 10);
    if (period <= 0)
        return 0;
    long cores = quota / period + (quota % period != 0);
    return cores < INT_MAX ? (int)cores : 0;
}

/* The group of cgroup v2 stands in a line "0::/path"; false where there is none. */
static bool find_group(char *membership, char **ret_group)
{
    char *rest = NULL;
    for (char *line = strtok_r(membership, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "0::/", 4) == 0) {
            *ret_group = line + 3;
            return true;
        }
    }
    return false;
}

int pg_core_count_allowed(const char *root, const char *membership)
{
    char text[4096], path[PATH_MAX + 16], limit[64], *group = NULL;
    int least = 0;
    if (!read_start(membership, text, sizeof text) || !find_group(text, &group))
        return 0;
    for (char *end = group + strlen(group); end != NULL; end = strrchr(group, '/')) {
        *end = '\0';
        (void)snprintf(path, sizeof path, "%s%s/cpu.max", root, group);
        int cores = read_start(path, limit, sizeof limit) ? pg_core_count_quota(limit) : 0;
        if (cores > 0 && (least == 0 || cores < least))
            least = cores;
    }
    return least;
}

int pg_core_count(void)
{
    cpu_set_t cpus;
    long cores = sched_getaffinity(0, sizeof cpus, &cpus) == 0
                     ? pg_core_count_physical("/sys/devices/system/cpu", &cpus)
                     : sysconf(_SC_NPROCESSORS_ONLN); /* more than cpu_set_t holds */
    int allowed = pg_core_count_allowed("/sys/fs/cgroup", "/proc/self/cgroup");
    if (allowed > 0 && allowed < cores)
        cores = allowed;
    return cores > 0 ? (int)cores : 1;
}
