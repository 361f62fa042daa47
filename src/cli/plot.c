/* SPDX-License-Identifier: MIT */
/*
 * plot: hands its arguments to the Python package, which draws. The package is looked for beside
 * the program (PREFIX/share/phasegrid/python), then in the source tree that the program was built
 * from. /usr/bin/python3 is the one that Debian's h5py, xarray and matplotlib belong to.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"
#include "verbs.h"

enum { WORDS_MAX = 256 };

static const char python_variable[] = "PHASEGRID_PYTHON";

static bool has_package(const char *folder)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/phasegrid/__main__.py", folder);
    return length > 0 && (size_t)length < sizeof path && access(path, R_OK) == 0;
}

/* PREFIX/bin/phasegrid -> PREFIX/share/phasegrid/python, so that an installation can be moved. */
static bool find_installed(char *folder, size_t size)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return false;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    int written = snprintf(folder, size, "%s/%s", self, PG_PYTHON_FROM_BIN);
    return written > 0 && (size_t)written < size && has_package(folder);
}

static int find_package(char *folder, size_t size, struct pg_error *error)
{
    if (find_installed(folder, size))
        return 0;
    (void)snprintf(folder, size, "%s", PG_PYTHON_SOURCE);
    if (has_package(folder))
        return 0;
    return pg_error_set(error, PG_EMACHINE,
                        "plot: the Python package was found neither in %s beside the program nor "
                        "in %s",
                        PG_PYTHON_FROM_BIN, PG_PYTHON_SOURCE);
}

static void prepend_python_path(const char *folder)
{
    const char *before = getenv("PYTHONPATH");
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", folder, before != NULL ? ":" : "", before != NULL ? before : "") <
        0)
        return;
    (void)setenv("PYTHONPATH", path, 1);
    free(path);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    static char module_option[] = "-m", module[] = "phasegrid";
    const char *chosen = getenv(python_variable);
    char folder[PATH_MAX], python[PATH_MAX], *words[WORDS_MAX];
    if (argc + 4 > WORDS_MAX)
        return pg_error_set(error, PG_EINPUT, "plot: more than %d arguments", WORDS_MAX - 4);
    if (find_package(folder, sizeof folder, error) != 0)
        return error->status;
    if (asks_for_help(argc, argv))
        (void)printf("%s\nFor example:\n%s\n\n", verb->summary, verb->example);
    (void)fflush(stdout);
    (void)snprintf(python, sizeof python, "%s", chosen != NULL ? chosen : PG_PYTHON);
    prepend_python_path(folder);
    words[0] = python;
    words[1] = module_option;
    words[2] = module;
    memcpy(words + 3, argv, ((size_t)argc + 1) * sizeof *words); /* with the NULL */
    (void)execvp(python, words);
    return pg_error_set(error, PG_EMACHINE,
                        "plot: cannot start %s: %s (Debian: python3, python3-h5py, python3-xarray, "
                        "python3-h5netcdf, python3-matplotlib, python3-scipy; %s names another)",
                        python, strerror(errno), python_variable);
}

const struct pg_verb pg_verb_plot = {
    .name = "plot",
    .summary = "draw a results file: phase map, trajectories, steps, embeddings",
    .arguments = "FILE [OPTION...]",
    .example = "  phasegrid plot quick.h5 -o quick.png",
    .run = run,
};
