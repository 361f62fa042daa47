/* SPDX-License-Identifier: MIT */
/*
 * For Open MPI the environment is stronger than the user's parameter file, so that a default of
 * ours in the environment would silently undo a line "NAME = VALUE" there. Hence the files are read
 * here as Open MPI reads them: `#` begins a comment; a list of files is separated by commas; "none"
 * is no file. Open MPI 4.1, opal/mca/base/mca_base_var.c and mca_base_parse_paramfile.c.
 */
#include "user_parameters.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "OMPI_MCA_";

static const char *value_of(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* "  NAME = VALUE" */
static bool line_sets(const char *line, const char *parameter)
{
    line += strspn(line, " \t");
    size_t length = strcspn(line, " \t=\n");
    return length == strlen(parameter) && strncmp(line, parameter, length) == 0 &&
           line[length + strspn(line + length, " \t")] == '=';
}

static bool file_sets(const char *path, const char *parameter)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (file != NULL && !found && getline(&line, &size, file) >= 0)
        found = line_sets(line, parameter);
    free(line);
    if (file != NULL)
        (void)fclose(file);
    return found;
}

/* paths: "a.conf,b.conf" */
static bool any_file_sets(const char *paths, const char *parameter)
{
    while (*paths != '\0') {
        char path[PATH_MAX];
        size_t length = strcspn(paths, ",");
        (void)snprintf(path, sizeof path, "%.*s", (int)length, paths);
        if (file_sets(path, parameter))
            return true;
        paths += length + (paths[length] == ',');
    }
    return false;
}

static bool home_file_sets(const char *parameter)
{
    char path[PATH_MAX];
    const char *home = value_of("HOME");
    (void)snprintf(path, sizeof path, "%s/.openmpi/mca-params.conf", home != NULL ? home : "");
    return home != NULL && file_sets(path, parameter);
}

/* A list under its older name is read in addition to the usual file, one under its name instead. */
static bool files_set(const char *parameter)
{
    const char *paths = value_of("OMPI_MCA_mca_base_param_files");
    const char *more = value_of("OMPI_MCA_mca_param_files");
    if (paths != NULL)
        return any_file_sets(paths, parameter);
    return home_file_sets(parameter) || (more != NULL && any_file_sets(more, parameter));
}

bool pg_user_has_set(const char *variable)
{
    const size_t length = sizeof prefix - 1;
    return value_of(variable) != NULL ||
           (strncmp(variable, prefix, length) == 0 && files_set(variable + length));
}
