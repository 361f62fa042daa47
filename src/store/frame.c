/* SPDX-License-Identifier: MIT */
/*
 * Two witnesses of what a file was created with: its own CRC, and its job. The CRC says whether
 * something changed since, the job what it was. A file with the right CRC is sound, whatever texts
 * today's program would write; a file that keeps no CRC must look as its job says.
 */
#include "phasegrid/frame.h"

#include <stdio.h>
#include <string.h>

#include "frame_crc.h"
#include "match.h"
#include "phasegrid/row_difference.h"
#include "reader.h"
#include "rows.h"

/* ---- the file's own CRC ---- */

enum witness { SOUND, DAMAGED, SILENT };

struct sum {
    const struct pg_layout *layout;
    uint32_t crc;
};

static void add_rows(void *context, size_t variable, uint64_t first, uint64_t count,
                     const unsigned char *rows)
{
    struct sum *sum = context;
    (void)first;
    sum->crc = pg_frame_crc_add(sum->crc, rows, count * pg_layout_row_bytes(sum->layout, variable));
}

static int sum_up(struct pg_reader *reader, uint32_t *ret_crc, struct pg_error *error)
{
    struct sum sum = {&reader->layout, pg_frame_crc_layout(&reader->layout)};
    const struct pg_rows_sink sink = {add_rows, &sum};
    int status = 0;
    for (size_t i = 0; i < reader->layout.variable_count && status == 0; i++)
        if (reader->layout.variables[i].scope != PG_SCOPE_RUN)
            status = pg_reader_stream(reader, i, &sink, error);
    *ret_crc = sum.crc;
    return status;
}

static int hear_crc(struct pg_reader *reader, enum witness *ret_witness, struct pg_error *error)
{
    int64_t written = 0;
    uint32_t found = 0;
    *ret_witness = SILENT;
    if (H5Aexists(reader->file, PG_FRAME_CRC_ATTRIBUTE) <= 0)
        return 0;
    hid_t attribute = H5Aopen(reader->file, PG_FRAME_CRC_ATTRIBUTE, H5P_DEFAULT);
    int status = 0;
    if (attribute < 0 || H5Aread(attribute, H5T_NATIVE_INT64, &written) < 0)
        status = pg_h5_fail(error, PG_EMISMATCH, "'%s': cannot read %s", reader->path,
                            PG_FRAME_CRC_ATTRIBUTE);
    pg_h5_release(attribute);
    if (status == 0)
        status = sum_up(reader, &found, error);
    *ret_witness = written == (int64_t)found ? SOUND : DAMAGED;
    return status;
}

/* ---- what its job says ---- */

/* Missing texts and empty ones are the same in the file. */
static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static int match_text(const char *of, const char *what, const char *file, const char *job,
                      struct pg_error *error)
{
    if (is_same_text(file, job))
        return 0;
    return pg_error_set(error, PG_EMISMATCH,
                        "attribute '%s' of %s is '%.200s' in the file, '%.200s' by its job", what,
                        of, file != NULL ? file : "", job != NULL ? job : "");
}

static const struct pg_attribute *find(const struct pg_attribute *attributes, size_t count,
                                       const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(attributes[i].name, name) == 0)
            return &attributes[i];
    return NULL;
}

/* Those that the job gives. */
static int match_attributes(const char *of, const struct pg_attribute *file, size_t file_count,
                            const struct pg_attribute *job, size_t job_count,
                            struct pg_error *error)
{
    int status = 0;
    for (size_t i = 0; i < job_count && status == 0; i++) {
        const struct pg_attribute *found = find(file, file_count, job[i].name);
        if (found == NULL)
            status =
                pg_error_set(error, PG_EMISMATCH, "%s lacks the attribute '%s'", of, job[i].name);
        else if (found->text != NULL || job[i].text != NULL)
            status = match_text(of, job[i].name, found->text, job[i].text, error);
        else if (memcmp(&found->number, &job[i].number, sizeof(double)) != 0)
            status = pg_error_set(error, PG_EMISMATCH,
                                  "attribute '%s' of %s is %.17g in the file, %.17g by its job",
                                  job[i].name, of, found->number, job[i].number);
    }
    return status;
}

/* Names of codes, joined. */
static void print_meanings(const struct pg_variable *variable, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; variable->meanings != NULL && variable->meanings[i] != NULL && used < size;
         i++)
        used += (size_t)snprintf(text + used, size - used, "%s ", variable->meanings[i]);
    if (used < size && variable->unwritten_meaning != NULL)
        (void)snprintf(text + used, size - used, "%s", variable->unwritten_meaning);
}

static int match_variable(const struct pg_variable *file, const struct pg_variable *job,
                          struct pg_error *error)
{
    char of[300], found[2200], expected[2200];
    (void)snprintf(of, sizeof of, "'%s'", job->name);
    print_meanings(file, found, sizeof found);
    print_meanings(job, expected, sizeof expected);
    int status = match_text(of, "long_name", file->long_name, job->long_name, error);
    if (status == 0)
        status = match_text(of, "units", file->units, job->units, error);
    if (status == 0)
        status = match_text(of, "flag_meanings", found, expected, error);
    if (status == 0)
        status = match_attributes(of, file->attributes, file->attribute_count, job->attributes,
                                  job->attribute_count, error);
    return status;
}

static int match_all_attributes(const struct pg_layout *file, const struct pg_layout *job,
                                struct pg_error *error)
{
    int status = match_attributes("the file", file->attributes, file->attribute_count,
                                  job->attributes, job->attribute_count, error);
    for (size_t i = 0; i < job->dim_count && status == 0; i++) {
        status = match_text(job->dims[i].name, "long_name", file->dims[i].long_name,
                            job->dims[i].long_name, error);
        if (status == 0)
            status = match_text(job->dims[i].name, "units", file->dims[i].units, job->dims[i].units,
                                error);
    }
    for (size_t i = 0; i < job->variable_count && status == 0; i++)
        status = match_variable(&file->variables[i], &job->variables[i], error);
    return status;
}

struct comparison {
    const struct pg_layout *layout; /* the job's, with data */
    bool is_found;
    struct pg_difference difference;
};

static void compare_rows(void *context, size_t variable, uint64_t first, uint64_t count,
                         const unsigned char *rows)
{
    struct comparison *comparison = context;
    size_t bytes = pg_layout_row_bytes(comparison->layout, variable);
    const unsigned char *expected = comparison->layout->variables[variable].data;
    for (uint64_t i = 0; i < count && !comparison->is_found; i++)
        comparison->is_found =
            pg_difference_find(comparison->layout, variable, rows + i * bytes,
                               expected + (first + i) * bytes, &comparison->difference);
}

static int match_texts(const struct pg_layout *file, const struct pg_layout *job, size_t variable,
                       struct pg_error *error)
{
    const struct pg_variable *found = &file->variables[variable];
    const struct pg_variable *expected = &job->variables[variable];
    for (size_t i = 0; expected->texts != NULL && i < pg_layout_row_elements(job, variable); i++)
        if (strcmp(found->texts[i], expected->texts[i]) != 0)
            return pg_error_set(error, PG_EMISMATCH,
                                "value %zu of '%s' is '%s' in the file, '%s' by its job", i + 1,
                                expected->name, found->texts[i], expected->texts[i]);
    return 0;
}

/* Of one variable that is not of a run. */
static int match_data(struct pg_reader *reader, const struct pg_layout *job, size_t variable,
                      struct pg_error *error)
{
    struct comparison comparison = {.layout = job};
    const struct pg_rows_sink sink = {compare_rows, &comparison};
    if (job->variables[variable].texts != NULL)
        return match_texts(&reader->layout, job, variable, error);
    if (job->variables[variable].data == NULL)
        return 0;
    int status = pg_reader_stream(reader, variable, &sink, error);
    if (status == 0 && comparison.is_found)
        status = pg_error_set(error, PG_EMISMATCH, "%s is %s in the file, %s by its job",
                              comparison.difference.place, comparison.difference.a,
                              comparison.difference.b);
    return status;
}

/* The first difference. */
static int match_job(struct pg_reader *reader, const struct pg_layout *job, bool with_attributes,
                     struct pg_error *error)
{
    int status = pg_layout_match(&reader->layout, job, error);
    for (size_t i = 0; i < job->variable_count && status == 0; i++)
        if (job->variables[i].scope != PG_SCOPE_RUN)
            status = match_data(reader, job, i, error);
    if (status == 0 && with_attributes)
        status = match_all_attributes(&reader->layout, job, error);
    return status;
}

/* ---- the verdict ---- */

int pg_reader_check_frame(struct pg_reader *reader, const struct pg_layout *layout,
                          struct pg_error *error)
{
    enum witness witness;
    int status = hear_crc(reader, &witness, error);
    if (status != 0)
        return status;
    status = match_job(reader, layout, witness != SOUND, error);
    if (status == PG_EMISMATCH && witness == SOUND)
        return pg_error_prefix(error,
                               "'%s' is as it was written, but this version of the program would "
                               "lay out its job otherwise",
                               reader->path);
    if (status != 0)
        return pg_error_prefix(error, "'%s' is damaged outside of its rows", reader->path);
    if (witness == DAMAGED)
        return pg_error_set(error, PG_EMISMATCH,
                            "'%s' is damaged outside of its rows: frame_crc does not fit, though "
                            "all that follows from its job does; left are texts of the root "
                            "(title, job_text, source)",
                            reader->path);
    return 0;
}
