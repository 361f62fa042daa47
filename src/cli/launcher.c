/* SPDX-License-Identifier: MIT */
/*
 * The launcher is the parent of mpirun (or of the one rank, which needs no mpirun) and does nothing
 * but wait for signals:
 *
 *   INT, TERM, HUP, USR1, USR2   USR1 to the child: the ranks checkpoint, commit and leave with 85;
 *                                in the first half minute again every second, since mpirun forwards
 *                                none before its ranks exist
 *   a second INT                 hurry: the ranks are ended now; finished runs are in the file
 *   CHLD                         the child's exit code becomes ours
 *
 * mpirun has a process group of its own, so that Ctrl-C reaches only the launcher: INT or TERM
 * would make mpirun kill the ranks within two seconds. Should the launcher itself be killed, the
 * kernel sends TERM to mpirun (PR_SET_PDEATHSIG). Signals are waited for, never handled: no race
 * between a handler and the loop, and what was ignored from the start (nohup) stays ignored.
 */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "core_count.h"
#include "launch_environment.h"
#include "phasegrid/clock.h"
#include "terminal.h"
#include "user_parameters.h"

enum { WORDS_MAX = 256, SHELL_SIGNAL_BASE = 128 };

static const char direct_rank_variable[] = "PHASEGRID_SINGLE_RANK";
static const char mpirun_variable[] = "PHASEGRID_MPIRUN";
static const double longest_start = 30.0; /* seconds until ranks surely exist */

/* What is executed: argv, and names to try for argv[0]. */
struct command {
    char *words[WORDS_MAX];
    size_t count;
    const char *programs[3]; /* NULL-terminated */
    bool is_mpirun;
    char self[PATH_MAX];
    char ranks[16];
};

static bool is_set(const char *name)
{
    return getenv(name) != NULL;
}

bool pg_launcher_is_rank(void)
{
    return is_set("OMPI_COMM_WORLD_SIZE") || is_set("PMIX_RANK") || is_set("PMI_RANK") ||
           is_set(direct_rank_variable);
}

/* srun without PMIx starts tasks that do not know of each other: each would start its own mpirun.
 */
static int check_srun(struct pg_error *error)
{
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if (tasks == NULL || strtol(tasks, NULL, 10) <= 1)
        return 0;
    return pg_error_set(error, PG_EINPUT,
                        "srun started %s tasks without PMIx; use `srun --mpi=pmix`, or call "
                        "phasegrid without srun inside the allocation",
                        tasks);
}

static void add_word(struct command *command, char *word)
{
    if (command->count + 1 < WORDS_MAX)
        command->words[command->count++] = word;
}

static void add_mpirun(struct command *command, int ranks)
{
    static char name[] = "mpirun", quiet[] = "-q", count[] = "-n", export[] = "-x";
    static char exported[][32] = {"OPENBLAS_NUM_THREADS", "PHASEGRID_TERMINAL_WIDTH",
                                  "PHASEGRID_PAGE_WIDTH", "PHASEGRID_COLOUR"};
    const char *chosen = getenv(mpirun_variable);
    command->is_mpirun = true;
    command->programs[0] = chosen != NULL ? chosen : "mpirun.openmpi";
    command->programs[1] = chosen != NULL ? NULL : "mpirun";
    add_word(command, name);
    add_word(command, quiet);
    for (size_t i = 0; i < sizeof exported / sizeof exported[0]; i++) {
        add_word(command, export);
        add_word(command, exported[i]);
    }
    if (ranks > 0) {
        (void)snprintf(command->ranks, sizeof command->ranks, "%d", ranks);
        add_word(command, count);
        add_word(command, command->ranks);
    }
}

static int build_command(struct command *command, int ranks, char **argv, struct pg_error *error)
{
    ssize_t length = readlink("/proc/self/exe", command->self, sizeof command->self - 1);
    if (length < 0)
        return pg_error_set(error, PG_EMACHINE, "/proc/self/exe: %s", strerror(errno));
    command->self[length] = '\0';
    command->programs[0] = command->self;
    if (ranks != 1)
        add_mpirun(command, ranks);
    add_word(command, command->self);
    for (; *argv != NULL; argv++)
        add_word(command, *argv);
    if (command->count + 1 >= WORDS_MAX)
        return pg_error_set(error, PG_EINPUT, "more than %d words on the command line", WORDS_MAX);
    return 0;
}

/* In the child. Never returns; an errno goes into the pipe when nothing could be executed. */
static void become(const struct command *command, pid_t launcher, const sigset_t *mask,
                   int pipe_end)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != launcher) /* killed before the line above */
        _exit(PG_EXIT_ERROR);
    if (nothing >= 0)
        (void)dup2(nothing, STDIN_FILENO);
    (void)signal(SIGTTOU, SIG_IGN); /* a background group may write under `stty tostop`, too */
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    for (size_t i = 0; command->programs[i] != NULL; i++)
        (void)execvp(command->programs[i], command->words);
    int reason = errno;
    (void)!write(pipe_end, &reason, sizeof reason);
    _exit(PG_EXIT_ERROR);
}

static int describe_failed_start(const struct command *command, int reason, struct pg_error *error)
{
    if (!command->is_mpirun || reason != ENOENT)
        return pg_error_set(error, PG_EMACHINE, "cannot start %s: %s", command->programs[0],
                            strerror(reason));
    return pg_error_set(error, PG_EMACHINE,
                        "mpirun was not found, and several ranks need it: install Open MPI "
                        "(Debian: openmpi-bin), name the program in %s, or use --ranks 1",
                        mpirun_variable);
}

static int start(const struct command *command, const sigset_t *mask, pid_t *ret_child,
                 struct pg_error *error)
{
    int ends[2], reason = 0;
    pid_t launcher = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return pg_error_set(error, PG_EMACHINE, "pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0)
        become(command, launcher, mask, ends[1]);
    (void)close(ends[1]);
    ssize_t size = child > 0 ? read(ends[0], &reason, sizeof reason) : 0;
    (void)close(ends[0]);
    if (child < 0)
        return pg_error_set(error, PG_EMACHINE, "fork: %s", strerror(errno));
    if (size == (ssize_t)sizeof reason) {
        (void)waitpid(child, NULL, 0);
        return describe_failed_start(command, reason, error);
    }
    *ret_child = child;
    return 0;
}

/* What the user asked for while the ranks were at work. */
struct watch {
    pid_t child;
    bool is_mpirun, stopping, hurrying;
    double began; /* pg_clock_wall() */
    int interrupts;
};

static void pass_on(struct watch *watch, int number)
{
    if (number == SIGINT)
        watch->interrupts++;
    if (watch->interrupts > 1) {
        watch->hurrying = true;
        (void)kill(watch->child, watch->is_mpirun ? SIGTERM : SIGKILL);
        return;
    }
    if (!watch->stopping)
        (void)fprintf(stderr, "\nphasegrid: stopping; what is done is kept%s\n",
                      number == SIGINT ? " (Ctrl-C again hurries)" : "");
    watch->stopping = true;
    (void)kill(watch->child, SIGUSR1);
}

/* Waits for the child's end; its code as a shell would give it. */
static int watch_child(struct watch *watch, const sigset_t *signals)
{
    int status = 0;
    const struct timespec second = {.tv_sec = 1};
    while (waitpid(watch->child, &status, WNOHANG) == 0) {
        int number =
            watch->stopping ? sigtimedwait(signals, NULL, &second) : sigwaitinfo(signals, NULL);
        if (number > 0 && number != SIGCHLD)
            pass_on(watch, number);
        else if (number < 0 && errno == EAGAIN && !watch->hurrying &&
                 pg_clock_wall() - watch->began < longest_start)
            (void)kill(watch->child, SIGUSR1);
    }
    return WIFSIGNALED(status) ? SHELL_SIGNAL_BASE + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Codes that the ranks themselves did not choose are explained; mpirun -q is silent about them. */
static int conclude(const struct watch *watch, int code)
{
    bool too_early = watch->stopping && code == SHELL_SIGNAL_BASE + SIGUSR1;
    if (too_early || (watch->hurrying && code != PG_EXIT_DONE)) {
        (void)fputs("phasegrid: stopped; the same command goes on with what is left\n", stderr);
        return PG_EXIT_STOPPED;
    }
    if (code > SHELL_SIGNAL_BASE)
        (void)fprintf(
            stderr,
            "phasegrid: a rank or mpirun was killed by signal %d (%s); finished runs are kept, "
            "and the same command goes on\n",
            code - SHELL_SIGNAL_BASE, strsignal(code - SHELL_SIGNAL_BASE));
    return code;
}

/* The signals that the launcher waits for: CHLD, and each that is not ignored on purpose. */
static sigset_t awaited_signals(void)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigaddset(&signals, SIGCHLD);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        struct sigaction action;
        if (sigaction(stops[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            (void)sigaddset(&signals, stops[i]);
    }
    return signals;
}

/* A rank without mpirun would start Open MPI's daemon for services that it does not need. */
static void prepare_direct_rank(void)
{
    (void)setenv(direct_rank_variable, "1", 1);
    if (!pg_user_has_set("OMPI_MCA_ess_singleton_isolated"))
        (void)setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
}

int pg_launcher_run(int ranks, char **argv, struct pg_error *error)
{
    struct command command = {0};
    bool single_host = pg_launch_is_single_host();
    struct pg_terminal terminal = pg_terminal_look();
    if (check_srun(error) != 0)
        return error->status;
    int count = ranks > 0 || !single_host ? ranks : pg_core_count();
    if (build_command(&command, count, argv, error) != 0)
        return error->status;
    pg_launch_prepare_environment(single_host);
    pg_terminal_pass_on(&terminal);
    if (!command.is_mpirun)
        prepare_direct_rank();

    sigset_t signals = awaited_signals(), before;
    struct watch watch = {.is_mpirun = command.is_mpirun, .began = pg_clock_wall()};
    (void)fflush(NULL);
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    if (start(&command, &before, &watch.child, error) != 0)
        return error->status;
    return conclude(&watch, watch_child(&watch, &signals));
}
