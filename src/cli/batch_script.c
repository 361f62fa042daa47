/* SPDX-License-Identifier: MIT */
/* Line by line through the template; what is not to be filled in is taken over. */
#include "batch_script.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_templates.h"
#include "slurm_time.h"

static const char safe_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=+@%";
static const char directive[] = "#SBATCH --";
enum { JOB_NAME_MAX = 60 };

static bool is_safe(const char *text)
{
    return text[0] != '\0' && text[strspn(text, safe_characters)] == '\0';
}

/* The text between marks, with `before` before each of the special characters; NULL: no memory. */
static char *quote(const char *text, char mark, const char *special, const char *before)
{
    char *quoted = malloc(strlen(text) * (strlen(before) + 2) + 3), *at = quoted;
    if (quoted == NULL)
        return NULL;
    *at++ = mark;
    for (; *text != '\0'; text++) {
        if (strchr(special, *text) != NULL)
            at = stpcpy(at, before);
        *at++ = *text;
        if (*text == '\'' && mark == '\'')
            *at++ = mark;
    }
    *at++ = mark;
    *at = '\0';
    return quoted;
}

/* A single quote ends the quotes, stands escaped, and begins them anew. */
char *pg_quote_for_shell(const char *text)
{
    return is_safe(text) ? strdup(text) : quote(text, '\'', "'", "'\\");
}

char *pg_quote_for_slurm(const char *text)
{
    return is_safe(text) ? strdup(text) : quote(text, '"', "\"\\", "\\");
}

/* ---- pieces ---- */

static void put_quoted(FILE *script, const char *before, char *quoted, const char *after)
{
    (void)fprintf(script, "%s%s%s", before, quoted != NULL ? quoted : "", after);
    free(quoted);
}

static void put_arguments(FILE *script, const struct pg_batch *batch)
{
    if (batch->kind == PG_BATCH_MERGE) {
        put_quoted(script, "results=", pg_quote_for_shell(batch->results), "");
        (void)fprintf(script, " of=%d\n", batch->parts);
        return;
    }
    put_quoted(script, "job=", pg_quote_for_shell(batch->job), "\n");
    put_quoted(script, "results=", pg_quote_for_shell(batch->results), "\n");
    (void)fputs("set --", script);
    for (size_t i = 0; i < batch->option_count; i++)
        put_quoted(script, " ", pg_quote_for_shell(batch->options[i]), "");
    (void)fputs("\n", script);
}

/* "my sweep.h5" -> "my-sweep": squeue's columns want one plain word. */
static void put_job_name(FILE *script, const struct pg_batch *batch)
{
    const char *slash = strrchr(batch->results, '/');
    const char *name = slash != NULL ? slash + 1 : batch->results;
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".h5") == 0)
        length -= 3;
    (void)fprintf(script, "%sjob-name=", directive);
    for (size_t i = 0; i < length && i < JOB_NAME_MAX; i++)
        (void)fputc(strchr(safe_characters, name[i]) != NULL && name[i] != '%' ? name[i] : '-',
                    script);
    (void)fputs(batch->kind == PG_BATCH_MERGE ? "-merge\n" : "\n", script);
}

/* What the template leaves open, behind its last line of this kind. */
static void put_further(FILE *script, const struct pg_batch *batch)
{
    if (batch->kind == PG_BATCH_ARRAY)
        (void)fprintf(script, "%sarray=1-%d\n", directive, batch->parts);
    if (batch->partition != NULL)
        put_quoted(script, "#SBATCH --partition=", pg_quote_for_slurm(batch->partition), "\n");
    if (batch->account != NULL)
        put_quoted(script, "#SBATCH --account=", pg_quote_for_slurm(batch->account), "\n");
}

/* One #SBATCH line of the template; `name` behind its dashes. */
static void put_directive(FILE *script, const struct pg_batch *batch, const char *name,
                          size_t length)
{
    const bool is_merge = batch->kind == PG_BATCH_MERGE;
    if (strncmp(name, "job-name=", 9) == 0)
        put_job_name(script, batch);
    else if (strncmp(name, "nodes=", 6) == 0)
        (void)fprintf(script, "%snodes=%d\n", directive, batch->nodes);
    else if (strncmp(name, "ntasks-per-node=", 16) == 0)
        (void)fprintf(script, "%sntasks-per-node=%d\n", directive, batch->tasks_per_node);
    else if (strncmp(name, "time=", 5) == 0 && !is_merge)
        (void)fprintf(script, "%stime=%s\n", directive, pg_slurm_time_print(batch->seconds).at);
    else if (strncmp(name, "signal=", 7) == 0)
        (void)fprintf(script, "%s%.*s@%d\n", directive, (int)strcspn(name, "@"), name,
                      (int)pg_slurm_lead(batch->seconds));
    else if (strncmp(name, "output=", 7) == 0)
        put_quoted(script, "#SBATCH --output=", pg_quote_for_slurm(batch->log), "\n");
    else
        (void)fprintf(script, "%s%.*s\n", directive, (int)length, name);
}

static void put_head(FILE *script, const struct pg_batch *batch)
{
    (void)fprintf(script,
                  "#!/bin/bash\n# %s\n# Written by `phasegrid submit`; it can be sent again:\n",
                  batch->title);
    put_quoted(script, "#   sbatch ", pg_quote_for_shell(batch->path), "\n");
}

static const char *template_of(enum pg_batch_kind kind)
{
    static const char *const texts[] = {[PG_BATCH_SRUN] = pg_text_srun,
                                        [PG_BATCH_MPIRUN] = pg_text_mpirun,
                                        [PG_BATCH_ARRAY] = pg_text_array,
                                        [PG_BATCH_MERGE] = pg_text_merge};
    return texts[kind];
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* One line behind the head of the template. */
static void put_line(FILE *script, const struct pg_batch *batch, const char *line, size_t length)
{
    if (begins(line, "program="))
        put_quoted(script, "program=", pg_quote_for_shell(batch->program), "\n");
    else if (begins(line, "job=") || begins(line, "results="))
        put_arguments(script, batch);
    else if (!begins(line, "shift "))
        (void)fprintf(script, "%.*s\n", (int)length, line);
}

char *pg_batch_script(const struct pg_batch *batch)
{
    char *text = NULL;
    size_t size = 0;
    FILE *script = open_memstream(&text, &size);
    if (script == NULL)
        return NULL;
    bool is_in_head = true, has_directives = false;
    put_head(script, batch);
    for (const char *line = template_of(batch->kind), *end; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        size_t length = (size_t)(end - line);
        bool is_directive = begins(line, directive);
        if (is_directive) {
            size_t prefix = strlen(directive);
            put_directive(script, batch, line + prefix, length - prefix);
            has_directives = true;
        } else if (has_directives) {
            if (is_in_head)
                put_further(script, batch);
            is_in_head = false;
            put_line(script, batch, line, length);
        }
    }
    if (fclose(script) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
