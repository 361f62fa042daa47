/* SPDX-License-Identifier: MIT */
/* How many cores there are to train on. The parts name the folders that they read, for tests. */
#ifndef PHASEGRID_CORE_COUNT_H
#define PHASEGRID_CORE_COUNT_H

#include <sched.h>
#include <stddef.h>

/* Cores that this process may keep busy: those of its affinity mask, each once however many
   hardware threads it has, but no more than its control group's quota of time is worth. At least 1.
 */
int pg_core_count(void);

/* Distinct cores among `cpus`, by FOLDER/cpuN/topology/thread_siblings_list; a CPU without that
   file is a core of its own. */
int pg_core_count_physical(const char *folder, const cpu_set_t *cpus);

/* Cores worth of time in a cpu.max of cgroup v2, "QUOTA PERIOD" in microseconds, rounded up; 0:
   no limit ("max PERIOD", or no such text). */
int pg_core_count_quota(const char *text);

/* The least quota of the control group that `membership` (as /proc/self/cgroup) names and of those
   above it, below the mount point `root`; 0: no limit. */
int pg_core_count_allowed(const char *root, const char *membership);

#endif
