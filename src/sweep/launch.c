/* SPDX-License-Identifier: MIT */
/* Host, CPU and Slurm job of this process. */
#include "launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "phasegrid/clock.h"

/* The first "model name : ..." of /proc/cpuinfo; "unknown" where there is none. */
static void read_cpu(char *text, size_t size)
{
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "re");
    (void)snprintf(text, size, "unknown");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (colon == NULL || strncmp(line, "model name", strlen("model name")) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(text, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (file != NULL)
        (void)fclose(file);
}

struct pg_launch pg_launch_describe(struct pg_launch_text *text, const char *commit,
                                    const char *kernel, int ranks)
{
    const char *slurm_job = getenv("SLURM_JOB_ID");
    memset(text, 0, sizeof *text);
    if (gethostname(text->host, sizeof text->host - 1) != 0)
        (void)snprintf(text->host, sizeof text->host, "unknown");
    read_cpu(text->cpu, sizeof text->cpu);
    return (struct pg_launch){.version = PG_VERSION,
                              .commit = commit != NULL ? commit : "",
                              .host = text->host,
                              .cpu = text->cpu,
                              .kernel = kernel,
                              .slurm_job = slurm_job != NULL ? slurm_job : "",
                              .ranks = ranks,
                              .started = pg_clock_unix(),
                              .finished = -1,
                              .steps_kept = -1};
}

void pg_launch_forget_starts(const char *results_path)
{
    char *path = NULL;
    if (asprintf(&path, "%s.starts", results_path) < 0)
        return;
    (void)unlink(path);
    free(path);
}
