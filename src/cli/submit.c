/* SPDX-License-Identifier: MIT */
/*
 * submit: a sweep on a Slurm cluster. The job is checked and its cost told; a batch script is
 * written beside the results and sent. Sent again after whatever ended it, it goes on.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch_script.h"
#include "cluster.h"
#include "cluster_quote.h"
#include "phasegrid/owner.h"
#include "session.h"
#include "slurm_time.h"
#include "subject.h"
#include "submit_paths.h"
#include "verbs.h"

enum { COUNT_MAX = 1000000, OPTIONS_MAX = 2 * PG_OVERRIDES_MAX + 16 };
enum {
    OPTION_NODES = 'N',
    OPTION_TIME = 't',
    OPTION_PARTITION = 'p',
    OPTION_ACCOUNT = 'A',
    OPTION_ARRAY = 'a',
    OPTION_DRY_RUN = 0x100,
    OPTION_TASKS,
    OPTION_MPIRUN,
    OPTION_CHECKPOINTS,
    OPTION_SYNC,
    OPTION_GRACE,
};

static const double checkpoint_default = 300.0, longest_time = 1e7;

struct arguments {
    const char *job_path, *results_path, *partition, *account;
    struct pg_overrides overrides;
    int nodes, tasks_per_node, parts; /* parts 0: no array */
    int64_t seconds;                  /* 0: not given */
    double checkpoint_every;
    bool dry_run, uses_mpirun;
    const char
        *options[OPTIONS_MAX + 1]; /* (option_count): of `phasegrid run`, as they were given */
    size_t option_count;
    const char *const *flags; /* (flag_count): of sbatch */
    size_t flag_count;
};

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "The results file, on a file system that all nodes see", 0},
    {"nodes", OPTION_NODES, "N", 0, "Nodes of an allocation (default: 1)", 0},
    {"ntasks-per-node", OPTION_TASKS, "M", 0, "Ranks on each of them (default: 1)", 0},
    {"time", OPTION_TIME, "TIME", 0,
     "Time limit of an allocation: 90m, 2h, 1d, or as Slurm has it (90, 2:00:00, 1-12)", 0},
    {"partition", OPTION_PARTITION, "P", 0, "Partition (default: the cluster's)", 0},
    {"account", OPTION_ACCOUNT, "A", 0, "Account (default: yours)", 0},
    {"array", OPTION_ARRAY, "N", 0,
     "N allocations, each for a shard of the job, and a job that merges them", 0},
    {"mpirun", OPTION_MPIRUN, NULL, 0, "Start the ranks by mpirun instead of srun --mpi=pmix", 0},
    {"dry-run", OPTION_DRY_RUN, NULL, 0, "Print the quote and the script; write and send nothing",
     0},
    {"set", 's', "NAME=VALUE", 0, "Override one setting of the job; repeatable", 0},
    {"checkpoint-every", OPTION_CHECKPOINTS, "TIME", 0, "As of `phasegrid run`", 0},
    {"sync", OPTION_SYNC, "WHEN", 0, "As of `phasegrid run`", 0},
    {"grace", OPTION_GRACE, "TIME", 0, "As of `phasegrid run`", 0},
    {0},
};

/* ---- arguments ---- */

static void keep_option(struct argp_state *state, const char *name, const char *value)
{
    struct arguments *arguments = state->input;
    if (arguments->option_count + 2 > OPTIONS_MAX)
        argp_error(state, "%s: too many options", name);
    arguments->options[arguments->option_count++] = name;
    arguments->options[arguments->option_count++] = value;
}

static int64_t read_time(struct argp_state *state, const char *text)
{
    int64_t seconds = 0;
    if (!pg_slurm_time_read(text, &seconds))
        argp_error(state,
                   "--time: '%s' is not a time of at least a minute, such as 90m, 2h, 1d, or "
                   "Slurm's 90 (minutes), 2:00:00, 1-12 (days-hours)",
                   text);
    return seconds;
}

static const char *read_name(struct argp_state *state, const char *option, const char *text)
{
    if (text[0] == '\0' || text[strcspn(text, "\n\r")] != '\0')
        argp_error(state, "%s: '%s' is not a name", option, text);
    return text;
}

static void demand(struct argp_state *state, const struct arguments *arguments)
{
    if (arguments->job_path == NULL)
        argp_error(state, "a job file is needed");
    if (arguments->results_path == NULL)
        argp_error(state, "-o FILE is needed: the results file");
    if (arguments->seconds == 0)
        argp_error(state, "--time TIME is needed: the time limit of an allocation");
}

static error_t parse_run_option(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 's':
        pg_overrides_add(state, &arguments->overrides, argument);
        keep_option(state, "--set", argument);
        return 0;
    case OPTION_CHECKPOINTS:
        arguments->checkpoint_every =
            pg_arguments_seconds(state, "--checkpoint-every", argument, 0.0, longest_time);
        keep_option(state, "--checkpoint-every", argument);
        return 0;
    case OPTION_SYNC:
        (void)pg_session_read_sync(state, argument);
        keep_option(state, "--sync", argument);
        return 0;
    case OPTION_GRACE:
        (void)pg_arguments_seconds(state, "--grace", argument, 1.0, longest_time);
        keep_option(state, "--grace", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'o':
        arguments->results_path = argument;
        return 0;
    case OPTION_NODES:
        arguments->nodes = (int)pg_arguments_number(state, "--nodes", argument, 1, COUNT_MAX);
        return 0;
    case OPTION_TASKS:
        arguments->tasks_per_node =
            (int)pg_arguments_number(state, "--ntasks-per-node", argument, 1, COUNT_MAX);
        return 0;
    case OPTION_TIME:
        arguments->seconds = read_time(state, argument);
        return 0;
    case OPTION_PARTITION:
        arguments->partition = read_name(state, "--partition", argument);
        return 0;
    case OPTION_ACCOUNT:
        arguments->account = read_name(state, "--account", argument);
        return 0;
    case OPTION_ARRAY:
        arguments->parts = (int)pg_arguments_number(state, "--array", argument, 1, COUNT_MAX);
        return 0;
    case OPTION_MPIRUN:
        arguments->uses_mpirun = true;
        return 0;
    case OPTION_DRY_RUN:
        arguments->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "job file", &arguments->job_path);
        return 0;
    case ARGP_KEY_END:
        demand(state, arguments);
        if (arguments->uses_mpirun && arguments->parts > 0)
            argp_error(state, "--mpirun and --array do not go together");
        return 0;
    default:
        return parse_run_option(key, argument, state);
    }
}

static const struct argp argp = {.options = options, .parser = parse};

/* What stands behind "--" is sbatch's. */
static void take_flags(struct arguments *arguments, int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        arguments->flags = (const char *const *)argv + i + 1;
        arguments->flag_count = (size_t)(*argc - i - 1);
        *argc = i;
        return;
    }
}

/* ---- what is there already ---- */

/* The results file, if there is one: of this job, or refused. */
static int open_results(struct pg_subject_job *subject, const char *path,
                        struct pg_results *results, bool *ret_exists, struct pg_error *error)
{
    char difference[1500];
    *ret_exists = access(path, F_OK) == 0;
    if (!*ret_exists)
        return 0;
    pg_subject_take_larger(subject, path);
    int status = pg_results_open(path, results, error);
    if (status != 0) {
        *ret_exists = false;
        return status;
    }
    pg_job_difference(results->subject.job, subject->job, difference, sizeof difference);
    if (difference[0] != '\0')
        return pg_error_set(error, PG_EMISMATCH, "%s was made by another job:\n%s", path,
                            difference);
    return 0;
}

static const char sent_line[] = "# sent as job ";

/* The number of the job that an earlier submit sent; false: none is known. */
static bool read_sent_job(const char *script, char ret_id[PG_JOB_ID_SIZE])
{
    char line[256];
    bool is_found = false;
    FILE *file = fopen(script, "r");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, sent_line, strlen(sent_line)) == 0)
            is_found = sscanf(line + strlen(sent_line), "%63[0-9]", ret_id) == 1;
    (void)fclose(file);
    return is_found;
}

/* Two launches on one file cannot be: refuses where one waits or is at work. A Slurm job that left
   its owner file behind and is gone is followed: --take-over. */
static int look_for_others(struct arguments *arguments, const struct pg_submit_paths *paths,
                           struct pg_error *error)
{
    struct pg_owner_sight owner;
    char id[PG_JOB_ID_SIZE], state[64];
    if (read_sent_job(paths->script, id) && pg_cluster_has_job(id, state, sizeof state))
        return pg_error_set(error, PG_EINPUT,
                            "job %s is sent for %s already and is %s; `scancel %s` takes it back",
                            id, paths->results, state, id);
    pg_owner_look(paths->results, &owner);
    bool has_job = owner.slurm_job[0] != '\0';
    bool is_queued = has_job && pg_cluster_has_job(owner.slurm_job, state, sizeof state);
    if (owner.life == PG_OWNER_LIVES || is_queued)
        return pg_error_set(error, PG_EINPUT, "%s is at work by %s", paths->results, owner.name);
    if (owner.life == PG_OWNER_MAY_LIVE && has_job)
        arguments->options[arguments->option_count++] = "--take-over";
    return 0;
}

/* ---- sending ---- */

static int write_script(const char *path, const char *text, struct pg_error *error)
{
    FILE *file = fopen(path, "w");
    bool is_written = file != NULL && fputs(text, file) >= 0;
    if (file != NULL)
        is_written = fclose(file) == 0 && is_written;
    return is_written
               ? 0
               : pg_error_set(error, PG_EMACHINE, "cannot write '%s': %s", path, strerror(errno));
}

static struct pg_batch describe(const struct arguments *arguments,
                                const struct pg_submit_paths *paths, const char *title)
{
    return (struct pg_batch){
        .kind = arguments->parts > 0     ? PG_BATCH_ARRAY
                : arguments->uses_mpirun ? PG_BATCH_MPIRUN
                                         : PG_BATCH_SRUN,
        .program = paths->program,
        .job = paths->job,
        .results = paths->results,
        .title = title,
        .path = paths->script,
        .log = paths->log,
        .partition = arguments->partition,
        .account = arguments->account,
        .nodes = arguments->nodes,
        .tasks_per_node = arguments->tasks_per_node,
        .seconds = arguments->seconds,
        .parts = arguments->parts,
        .options = arguments->options,
        .option_count = arguments->option_count,
    };
}

/* Remembered in the script, for the next submit. */
static void note_job(const char *script, const char *id)
{
    FILE *file = fopen(script, "a");
    if (file == NULL)
        return;
    (void)fprintf(file, "%s%s\n", sent_line, id);
    (void)fclose(file);
}

static int make_and_send(const struct arguments *arguments, const struct pg_batch *batch,
                         const char *after, char ret_id[PG_JOB_ID_SIZE], struct pg_error *error)
{
    char *text = pg_batch_script(batch);
    if (text == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the batch script");
    int status = 0;
    if (arguments->dry_run) {
        (void)printf("\n==> %s <==\n%s", batch->path, text);
        (void)snprintf(ret_id, PG_JOB_ID_SIZE, "ID");
    } else {
        status = write_script(batch->path, text, error);
        if (status == 0)
            status = pg_cluster_send(batch->path, arguments->flags, arguments->flag_count, after,
                                     ret_id, error);
        if (status == 0)
            note_job(batch->path, ret_id);
    }
    free(text);
    return status;
}

static int send_merge(const struct arguments *arguments, const struct pg_submit_paths *paths,
                      struct pg_batch batch, const char *array_id, struct pg_error *error)
{
    char after[PG_JOB_ID_SIZE + 16], id[PG_JOB_ID_SIZE], log[2 * PATH_MAX + 16];
    batch.kind = PG_BATCH_MERGE;
    batch.path = paths->merge_script;
    batch.log = log;
    size_t stem = strlen(paths->log) - strlen(".%a.log");
    (void)snprintf(log, sizeof log, "%.*s.merge.log", (int)stem, paths->log);
    (void)snprintf(after, sizeof after, "afterok:%s", array_id);
    int status = make_and_send(arguments, &batch, after, id, error);
    if (status == 0 && arguments->dry_run)
        (void)printf("\nNot sent. The second with --dependency=afterok:ID of the first.\n");
    else if (status == 0)
        (void)printf("  job %s merges them when all are done\n", id);
    return status;
}

static void print_next(const struct arguments *arguments, const struct pg_submit_paths *paths,
                       const char *id)
{
    char *results = pg_quote_for_shell(paths->results), *log = pg_quote_for_shell(paths->log);
    if (arguments->parts > 0)
        (void)printf("sent as job %s, an array of %d; %s has its script\n", id, arguments->parts,
                     paths->script);
    else
        (void)printf("sent as job %s; %s has its script\n", id, paths->script);
    (void)printf("\nNext:\n  squeue -j %s\n", id);
    if (arguments->parts == 0)
        (void)printf("  phasegrid status --watch %s    # once it has begun\n  tail -f %s.log\n",
                     results != NULL ? results : "", results != NULL ? results : "");
    else
        (void)printf("  less %s    # %%a: the part\n", log != NULL ? log : "");
    (void)printf("  scancel %s    # sent again by the same command, it goes on\n", id);
    free(results);
    free(log);
}

static int send_all(const struct arguments *arguments, const struct pg_submit_paths *paths,
                    const struct pg_subject_job *subject, struct pg_error *error)
{
    char title[512], id[PG_JOB_ID_SIZE];
    const char *words =
        subject->job->title[0] != '\0' ? subject->job->title : subject->experiment->summary;
    (void)snprintf(title, sizeof title, "%.*s", (int)strcspn(words, "\n\r"), words);
    struct pg_batch batch = describe(arguments, paths, title);
    int status = make_and_send(arguments, &batch, NULL, id, error);
    if (status == 0 && !arguments->dry_run)
        print_next(arguments, paths, id);
    if (status == 0 && arguments->parts > 0)
        status = send_merge(arguments, paths, batch, id, error);
    else if (status == 0 && arguments->dry_run)
        (void)printf("\nNot sent.\n");
    return status;
}

static void warn_of_local_files(const struct arguments *arguments,
                                const struct pg_submit_paths *paths)
{
    const char *name = pg_local_file_system(paths->folder);
    if (name == NULL || arguments->nodes * (arguments->parts > 0 ? arguments->parts : 1) == 1)
        return;
    (void)fflush(stdout);
    (void)fprintf(stderr,
                  "phasegrid: warning: %s is on %s, a file system of this machine alone; if the "
                  "nodes do not share it, the launch will end with an error that says so\n",
                  paths->folder, name);
}

static int quote_and_send(struct arguments *arguments, const struct pg_submit_paths *paths,
                          struct pg_subject_job *subject, struct pg_error *error)
{
    const struct pg_quote_wish wish = {
        .ranks = arguments->nodes * arguments->tasks_per_node,
        .parts = arguments->parts > 0 ? arguments->parts : 1,
        .seconds = arguments->seconds,
        .checkpoint_every = arguments->checkpoint_every,
    };
    struct pg_results results = {0};
    struct pg_quote quote;
    bool exists = false;
    int status = open_results(subject, paths->results, &results, &exists, error);
    if (status == 0)
        status = pg_quote_make(subject, exists ? &results : NULL, &wish, &quote, error);
    if (exists)
        pg_results_close(&results);
    if (status != 0)
        return status;
    if (quote.todo == 0) {
        (void)printf("%s: all %llu runs are done; nothing is sent\n", paths->results,
                     (unsigned long long)quote.runs);
        return 0;
    }
    if (exists && arguments->parts > 0)
        return pg_error_set(
            error, PG_EINPUT,
            "%s is there already, with %llu runs to do, and no shards can be merged "
            "into it: go on with it without --array",
            paths->results, (unsigned long long)quote.todo);
    status = look_for_others(arguments, paths, error);
    if (status != 0)
        return status;
    (void)printf("%s into %s\n", subject->path, paths->results);
    pg_quote_print(&quote, subject, &wish, stdout);
    warn_of_local_files(arguments, paths);
    return send_all(arguments, paths, subject, error);
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    static struct pg_submit_paths paths;
    struct arguments arguments = {
        .nodes = 1, .tasks_per_node = 1, .checkpoint_every = checkpoint_default};
    struct pg_subject_job subject;
    take_flags(&arguments, &argc, argv);
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    int status = pg_subject_read_job(arguments.job_path, &arguments.overrides, &subject, error);
    if (status != 0)
        return status;
    status = pg_submit_find_paths(arguments.job_path, arguments.results_path, arguments.parts > 0,
                                  &paths, error);
    if (status == 0)
        status = quote_and_send(&arguments, &paths, &subject, error);
    pg_subject_release(&subject);
    return status;
}

const struct pg_verb pg_verb_submit = {
    .name = "submit",
    .summary = "quote a sweep and send it to a Slurm cluster, where it goes on until all is done",
    .arguments = "JOB -o FILE --time TIME [-- SBATCH-FLAGS]",
    .example =
        "  phasegrid submit jobs/quick.yaml -o quick.h5 --nodes 2 --ntasks-per-node 32 --time 2h\n"
        "  phasegrid submit jobs/quick.yaml -o quick.h5 --time 30m --dry-run\n"
        "  phasegrid submit job.yaml -o map.h5 --array 16 --time 4h -- --mem=4G\n\n"
        "The script that it writes beside the results is one of slurm/, filled in.",
    .run = run,
};
