/* SPDX-License-Identifier: MIT */
/*
 * One pass over the file, variable by variable: a row's CRC runs over its variables in the order of
 * the layout, so that it goes on where the variable before left it, four bytes a row. The digest is
 * fed by the same reads. Statuses are read first and CRCs last: a row that was done then stays as
 * it is, while a sweep may be writing the others.
 */
#include "phasegrid/row_check.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "digest.h"
#include "reader.h"

struct pass {
    struct pg_reader *reader;
    const struct pg_layout *layout;
    struct pg_row_check *check;
    struct pg_digest digest;
    uint32_t *crcs;     /* (row_count) so far */
    uint8_t *is_filled; /* (row_count) rows to do: so far they hold fill values alone */
    /* Of the variable that is read: */
    bool is_digested;
    unsigned char *fill; /* one row as it is before anything is written */
};

/* A stretch of a payload variable. */
static void take_payload(struct pass *pass, size_t variable, uint64_t first, uint64_t count,
                         const unsigned char *rows)
{
    size_t bytes = pg_layout_row_bytes(pass->layout, variable);
    for (uint64_t i = 0; i < count; i++) {
        const unsigned char *row = rows + i * bytes;
        pass->crcs[first + i] = (uint32_t)crc32_z(pass->crcs[first + i], row, bytes);
        if (pass->check->statuses[first + i] == PG_ROW_TODO && memcmp(row, pass->fill, bytes) != 0)
            pass->is_filled[first + i] = 0;
    }
}

static void take_rows(void *context, size_t variable, uint64_t first, uint64_t count,
                      const unsigned char *rows)
{
    struct pass *pass = context;
    if (pass->is_digested)
        pg_digest_rows(&pass->digest, variable, first, count, rows);
    if (pg_layout_is_payload(pass->layout, variable))
        take_payload(pass, variable, first, count, rows);
}

static int pass_variable(struct pass *pass, size_t variable, struct pg_error *error)
{
    const struct pg_rows_sink sink = {take_rows, pass};
    const struct pg_variable *of = &pass->layout->variables[variable];
    size_t elements = pg_layout_row_elements(pass->layout, variable);
    pass->is_digested = pg_digest_variable(&pass->digest, variable);
    if (variable == PG_VARIABLE_STATUS)
        pg_digest_rows(&pass->digest, variable, 0, pass->check->row_count, pass->check->statuses);
    if (variable <= PG_VARIABLE_ROW_CRC)
        return 0;
    pass->fill = malloc(pg_layout_row_bytes(pass->layout, variable) + 1);
    if (pass->fill == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: a row of '%s'", of->name);
    pg_data_type_fill(of->type, of->fill, elements, pass->fill);
    int status = pg_reader_stream(pass->reader, variable, &sink, error);
    free(pass->fill);
    return status;
}

/* A row to do, when all of it is known; crc: what stands in the file. */
static void judge_todo(struct pass *pass, uint64_t row, int64_t crc)
{
    int64_t unwritten = (int64_t)pass->layout->variables[PG_VARIABLE_ROW_CRC].fill;
    if (pass->is_filled[row] && crc == unwritten)
        return;
    pass->check->remains++;
    pass->check->whole_remains += crc == (int64_t)pass->crcs[row];
}

static void judge(struct pass *pass, uint64_t row, int64_t crc)
{
    uint8_t status = pass->check->statuses[row];
    if (status == PG_ROW_TODO)
        judge_todo(pass, row, crc);
    else if (status > PG_ROW_FAILED)
        pass->check->faults[row] = PG_FAULT_STATUS;
    else if (crc != (int64_t)pass->crcs[row])
        pass->check->faults[row] = PG_FAULT_CRC;
}

static int judge_rows(struct pass *pass, struct pg_error *error)
{
    enum { AT_ONCE = 4096 };
    int64_t crcs[AT_ONCE];
    uint64_t row_count = pass->check->row_count;
    int status = 0;
    for (uint64_t first = 0; first < row_count && status == 0; first += AT_ONCE) {
        uint64_t count = row_count - first < AT_ONCE ? row_count - first : AT_ONCE;
        status = pg_reader_rows(pass->reader, PG_VARIABLE_ROW_CRC, first, count, crcs, error);
        for (uint64_t i = 0; i < count && status == 0; i++)
            judge(pass, first + i, crcs[i]);
    }
    return status;
}

static int pass_file(struct pass *pass, struct pg_error *error)
{
    int status = pg_reader_statuses(pass->reader, pass->check->statuses, error);
    pg_digest_begin(&pass->digest, pass->layout, pass->check->statuses);
    for (size_t i = 0; i < pass->layout->variable_count && status == 0; i++)
        status = pass_variable(pass, i, error);
    if (status == 0)
        status = judge_rows(pass, error);
    pg_digest_end(&pass->digest, pass->check->digest);
    return status;
}

int pg_reader_check(struct pg_reader *reader, struct pg_row_check *ret_check,
                    struct pg_error *error)
{
    uint64_t row_count = pg_layout_row_count(&reader->layout);
    struct pass pass = {.reader = reader, .layout = &reader->layout, .check = ret_check};
    *ret_check = (struct pg_row_check){.row_count = row_count};
    ret_check->statuses = malloc(row_count + 1);
    ret_check->faults = calloc(row_count + 1, 1);
    pass.crcs = calloc(row_count + 1, sizeof *pass.crcs);
    pass.is_filled = malloc(row_count + 1);
    int status = 0;
    if (ret_check->statuses == NULL || ret_check->faults == NULL || pass.crcs == NULL ||
        pass.is_filled == NULL)
        status = pg_error_set(error, PG_EMACHINE, "out of memory: the %llu rows of '%s'",
                              (unsigned long long)row_count, reader->path);
    if (status == 0) {
        memset(pass.is_filled, 1, row_count);
        status = pass_file(&pass, error);
    }
    free(pass.crcs);
    free(pass.is_filled);
    if (status != 0)
        pg_row_check_release(ret_check);
    return status;
}

void pg_row_check_release(struct pg_row_check *check)
{
    free(check->statuses);
    free(check->faults);
    *check = (struct pg_row_check){0};
}

uint64_t pg_row_check_fault_count(const struct pg_row_check *check)
{
    uint64_t count = 0;
    for (uint64_t row = 0; row < check->row_count; row++)
        count += check->faults[row] != PG_FAULT_NONE;
    return count;
}

int pg_reader_digest(struct pg_reader *reader, char *ret_hex, struct pg_error *error)
{
    struct pg_row_check check;
    int status = pg_reader_check(reader, &check, error);
    if (status == 0)
        memcpy(ret_hex, check.digest, sizeof check.digest);
    pg_row_check_release(&check);
    return status;
}
