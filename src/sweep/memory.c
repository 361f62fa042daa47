/* SPDX-License-Identifier: MIT */
/*
 * The least of what the kernel holds for available (proc(5), MemAvailable) and what the limits of
 * the control groups leave, from the process's own up to the root. A group's use counts cached
 * files, which the kernel gives back: they are left out. Linux: cgroup-v2.rst,
 * cgroup-v1/memory.rst.
 */
#include "memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

const struct pg_memory_sources pg_memory_system = {"/proc/meminfo", "/proc/self/cgroup",
                                                   "/sys/fs/cgroup", "/sys/fs/cgroup/memory"};

/* Names of a version's files. */
struct version {
    const char *limit, *use, *cached;
};
static const struct version version_1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                         "total_inactive_file"};
static const struct version version_2 = {"memory.max", "memory.current", "inactive_file"};

/* The number behind "NAME" or "NAME:" at the beginning of a line; `none` where there is none. */
static uint64_t find_number(const char *path, const char *name, uint64_t none)
{
    char line[4096];
    size_t length = strlen(name);
    uint64_t number = none;
    FILE *file = fopen(path, "re");
    while (file != NULL && number == none && fgets(line, sizeof line, file) != NULL) {
        char *end = NULL, *text = line + length + (line[length] == ':' && length > 0);
        if (strncmp(line, name, length) != 0)
            continue;
        uint64_t found = strtoull(text, &end, 10);
        if (end != text)
            number = found;
    }
    if (file != NULL)
        (void)fclose(file);
    return number;
}

static uint64_t find_in_group(const char *folder, const char *file, const char *name, uint64_t none)
{
    char path[2 * PATH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    return find_number(path, name, none);
}

/* What the group's limit leaves; UINT64_MAX: it has none. */
static uint64_t left_in_group(const char *folder, const struct version *version)
{
    uint64_t limit = find_in_group(folder, version->limit, "", UINT64_MAX);
    uint64_t use = find_in_group(folder, version->use, "", 0);
    uint64_t cached = find_in_group(folder, "memory.stat", version->cached, 0);
    if (limit == UINT64_MAX)
        return UINT64_MAX;
    use -= cached < use ? cached : use;
    return use < limit ? limit - use : 0;
}

/* The same of the group and all above it. */
static uint64_t left_in_groups(const char *root, char *group, const struct version *version)
{
    char folder[2 * PATH_MAX];
    uint64_t least = UINT64_MAX;
    for (char *end = group + strlen(group); end != NULL; end = strrchr(group, '/')) {
        *end = '\0';
        (void)snprintf(folder, sizeof folder, "%s%s", root, group);
        uint64_t left = left_in_group(folder, version);
        least = left < least ? left : least;
    }
    return least;
}

/* A line of the membership: "0::/path" (version 2) or "7:memory:/path" (version 1). */
static uint64_t left_by_line(const struct pg_memory_sources *sources, char *line)
{
    char *kind = strchr(line, ':'), *group = kind != NULL ? strchr(kind + 1, ':') : NULL;
    if (group == NULL)
        return UINT64_MAX;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (kind[1] == '\0')
        return left_in_groups(sources->groups, group, &version_2);
    return strcmp(kind + 1, "memory") == 0 ? left_in_groups(sources->old_groups, group, &version_1)
                                           : UINT64_MAX;
}

uint64_t pg_memory_of_node(const struct pg_memory_sources *sources)
{
    char line[PATH_MAX];
    uint64_t kibibytes = find_number(sources->meminfo, "MemAvailable", UINT64_MAX);
    uint64_t least = kibibytes < UINT64_MAX / 1024 ? 1024 * kibibytes : UINT64_MAX;
    FILE *file = fopen(sources->membership, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        uint64_t left = left_by_line(sources, line);
        least = left < least ? left : least;
    }
    if (file != NULL)
        (void)fclose(file);
    return least;
}

uint64_t pg_memory_of_process(void)
{
    struct rlimit limit;
    long page = sysconf(_SC_PAGESIZE);
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || page <= 0)
        return UINT64_MAX;
    uint64_t used = (uint64_t)page * find_number("/proc/self/statm", "", 0);
    return used < limit.rlim_cur ? limit.rlim_cur - used : 0;
}
