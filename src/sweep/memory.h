/* SPDX-License-Identifier: MIT */
/* How much memory this node and this process may still take. */
#ifndef PHASEGRID_SWEEP_MEMORY_H
#define PHASEGRID_SWEEP_MEMORY_H

#include <stdint.h>

/* Files and folders in which the system says so. */
struct pg_memory_sources {
    const char *meminfo;    /* /proc/meminfo */
    const char *membership; /* /proc/self/cgroup */
    const char *groups;     /* /sys/fs/cgroup, version 2 */
    const char *old_groups; /* /sys/fs/cgroup/memory, version 1 */
};
extern const struct pg_memory_sources pg_memory_system;

/* Bytes for all processes of the node's control group together; UINT64_MAX: nothing is known. */
uint64_t pg_memory_of_node(const struct pg_memory_sources *sources);

/* Bytes by which this process may grow (RLIMIT_AS); UINT64_MAX: no limit. */
uint64_t pg_memory_of_process(void);

#endif
