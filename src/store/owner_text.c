/* SPDX-License-Identifier: MIT */
/*
 * An owner file is a few lines, "name: value". A process is known by its number, its start and the
 * boot of its host, since numbers come again. Two hosts are the same one if they run under the same
 * boot (containers have names of their own) or have the same name (then it was booted anew).
 */
#include "owner_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "segments.h"

static void read_boot(char ret_boot[64])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file == NULL || fscanf(file, "%63s", ret_boot) != 1)
        (void)snprintf(ret_boot, 64, "-");
    if (file != NULL)
        (void)fclose(file);
}

/* Start of a process; 0: there is none, or it is dead and waits for its parent. The name in
   /proc/N/stat may hold anything, so the fields are counted behind its last bracket: the state is
   the first there (the 3rd of all), the start the 20th (proc(5)). */
static unsigned long long process_start(long long pid)
{
    char path[64], line[1024];
    (void)snprintf(path, sizeof path, "/proc/%lld/stat", pid);
    FILE *file = fopen(path, "re");
    size_t size = file != NULL ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file != NULL)
        (void)fclose(file);
    line[size] = '\0';
    char *rest = strrchr(line, ')');
    if (rest == NULL || rest[1] != ' ' || rest[2] == 'Z' || rest[2] == 'X')
        return 0;
    for (int field = 3; field <= 22 && rest != NULL; field++)
        rest = strchr(rest + 1, ' ');
    return rest != NULL ? strtoull(rest, NULL, 10) : 0;
}

static void take_variable(const char *name, char *ret_text, size_t size)
{
    const char *value = getenv(name);
    (void)snprintf(ret_text, size, "%s", value != NULL && value[0] != '\0' ? value : "-");
    ret_text[strcspn(ret_text, " \t\r\n")] = '\0';
}

void pg_owner_text_describe(struct pg_owner_text *ret_text)
{
    char restart[64];
    memset(ret_text, 0, sizeof *ret_text);
    if (gethostname(ret_text->host, sizeof ret_text->host - 1) != 0 || ret_text->host[0] == '\0')
        (void)snprintf(ret_text->host, sizeof ret_text->host, "localhost");
    ret_text->pid = getpid();
    ret_text->start = process_start(ret_text->pid);
    read_boot(ret_text->boot);
    take_variable("SLURM_JOB_ID", ret_text->slurm_job, sizeof ret_text->slurm_job);
    take_variable("SLURM_RESTART_COUNT", restart, sizeof restart);
    ret_text->slurm_restart = strtoll(restart, NULL, 10);
    ret_text->ompi_job = pg_segments_job();
    ret_text->since = time(NULL);
}

void pg_owner_text_print(const struct pg_owner_text *text, char *ret_bytes)
{
    (void)snprintf(ret_bytes, PG_OWNER_TEXT_MAX,
                   "host: %s\npid: %lld\nstart: %llu\nboot: %s\nslurm_job: %s\n"
                   "slurm_restart: %lld\nompi_job: %x\nsince: %lld\n",
                   text->host, text->pid, text->start, text->boot, text->slurm_job,
                   text->slurm_restart, text->ompi_job, text->since);
}

static enum pg_owner_state state_of(const struct pg_owner_text *text)
{
    struct pg_owner_text self;
    pg_owner_text_describe(&self);
    bool is_this_boot = strcmp(text->boot, self.boot) == 0 && strcmp(self.boot, "-") != 0;
    if (is_this_boot || strcmp(text->host, self.host) == 0) {
        unsigned long long start = is_this_boot ? process_start(text->pid) : 0;
        return start != 0 && start == text->start ? PG_OWNER_ALIVE : PG_OWNER_DEAD;
    }
    bool is_this_job = strcmp(text->slurm_job, self.slurm_job) == 0 && text->slurm_job[0] != '-';
    return is_this_job && text->slurm_restart < self.slurm_restart ? PG_OWNER_EARLIER
                                                                   : PG_OWNER_ELSEWHERE;
}

enum pg_owner_state pg_owner_text_parse(const char *bytes, struct pg_owner_text *ret_text)
{
    memset(ret_text, 0, sizeof *ret_text);
    /* The widths keep every number in its type. */
    int found = sscanf(bytes, /* NOLINT(cert-err34-c) */
                       "host: %255s pid: %18lld start: %18llu boot: %63s slurm_job: %63s "
                       "slurm_restart: %9lld ompi_job: %8x since: %11lld",
                       ret_text->host, &ret_text->pid, &ret_text->start, ret_text->boot,
                       ret_text->slurm_job, &ret_text->slurm_restart, &ret_text->ompi_job,
                       &ret_text->since);
    return found == 8 ? state_of(ret_text) : PG_OWNER_UNKNOWN;
}

void pg_owner_text_name(const struct pg_owner_text *text, char ret_name[512])
{
    bool has_job = text->slurm_job[0] != '-';
    time_t since = (time_t)text->since;
    struct tm calendar;
    char when[64] = "an unknown time";
    if (gmtime_r(&since, &calendar) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &calendar);
    (void)snprintf(ret_name, 512, "host %s, pid %lld%s%s, since %s", text->host, text->pid,
                   has_job ? ", Slurm job " : "", has_job ? text->slurm_job : "", when);
}
