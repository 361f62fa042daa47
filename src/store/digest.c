/* SPDX-License-Identifier: MIT */
/*
 * One number for what a file says: SHA-256 over, in the order of the file,
 *
 *   dimension: "dimension NAME KIND LENGTH\n", then the coordinate (float64, int64, or each text
 *              with its terminating NUL);
 *   variable:  "variable NAME TYPE DIM DIM ...\n", then its rows in cube order. Of a RUN variable
 *              other than status only rows that are done or diverged.
 *
 * Volatile variables and row_crc (which covers them) stay out, and so do attributes: two launches
 * that computed the same agree in this number, whoever computed which row when.
 */
#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "rows.h"

enum { BYTES_AT_ONCE = 4 << 20 };

struct digest {
    struct sha256_ctx hash;
    struct pg_reader *reader;
    uint8_t *statuses; /* (row_count) */
};

static void add_text(struct digest *digest, const char *text)
{
    sha256_update(&digest->hash, strlen(text), (const uint8_t *)text);
}

/* With the terminating NUL, so that neighbours cannot run together. */
static void add_texts(struct digest *digest, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sha256_update(&digest->hash, strlen(texts[i]) + 1, (const uint8_t *)texts[i]);
}

static void add_dimension(struct digest *digest, const struct pg_dimension *dim)
{
    static const char *const kinds[] = {[PG_COORDINATE_INDEX] = "int64",
                                        [PG_COORDINATE_INTEGER] = "int64",
                                        [PG_COORDINATE_REAL] = "float64",
                                        [PG_COORDINATE_TEXT] = "text"};
    char head[400];
    (void)snprintf(head, sizeof head, "dimension %s %s %zu\n", dim->name, kinds[dim->kind],
                   dim->length);
    add_text(digest, head);
    if (dim->kind == PG_COORDINATE_TEXT)
        add_texts(digest, dim->coordinate.texts, dim->length);
    else if (dim->kind == PG_COORDINATE_REAL)
        sha256_update(&digest->hash, dim->length * sizeof(double),
                      (const uint8_t *)dim->coordinate.reals);
    else
        sha256_update(&digest->hash, dim->length * sizeof(int64_t),
                      (const uint8_t *)dim->coordinate.integers);
}

static void add_variable_head(struct digest *digest, size_t variable)
{
    const struct pg_layout *layout = &digest->reader->layout;
    const struct pg_variable *of = &layout->variables[variable];
    size_t dims[H5S_MAX_RANK], rank = pg_rows_dims(layout, variable, dims);
    add_text(digest, "variable ");
    add_text(digest, of->name);
    add_text(digest, " ");
    add_text(digest, of->texts != NULL ? "text" : pg_h5_type_name(of->type));
    for (size_t i = 0; i < rank; i++) {
        add_text(digest, " ");
        add_text(digest, layout->dims[dims[i]].name);
    }
    add_text(digest, "\n");
}

static bool counts(const struct digest *digest, size_t variable, uint64_t row)
{
    uint8_t status = digest->statuses[row];
    return !pg_layout_is_payload(&digest->reader->layout, variable) || status == PG_ROW_DONE ||
           status == PG_ROW_DIVERGED;
}

static uint64_t rows_of(const struct pg_layout *layout, size_t variable)
{
    uint64_t rows = 1;
    for (size_t i = 0; i < pg_rows_lead(layout, variable); i++)
        rows *= layout->dims[i].length;
    return rows;
}

static int add_rows(struct digest *digest, size_t variable, struct pg_error *error)
{
    const struct pg_layout *layout = &digest->reader->layout;
    size_t bytes = pg_layout_row_bytes(layout, variable), at_once;
    uint64_t rows = rows_of(layout, variable);
    if (bytes == 0)
        return 0;
    at_once = bytes < BYTES_AT_ONCE ? BYTES_AT_ONCE / bytes : 1;
    uint8_t *data = malloc(at_once * bytes);
    int status = 0;
    if (data == NULL)
        status = pg_error_set(error, PG_EMACHINE, "out of memory: %zu bytes of '%s'",
                              at_once * bytes, layout->variables[variable].name);
    for (uint64_t first = 0; first < rows && status == 0; first += at_once) {
        uint64_t count = rows - first < at_once ? rows - first : at_once;
        status = pg_reader_rows(digest->reader, variable, first, count, data, error);
        for (uint64_t i = 0; i < count && status == 0; i++)
            if (counts(digest, variable, first + i))
                sha256_update(&digest->hash, bytes, data + i * bytes);
    }
    free(data);
    return status;
}

static int add_variables(struct digest *digest, struct pg_error *error)
{
    const struct pg_layout *layout = &digest->reader->layout;
    int status = 0;
    for (size_t i = 0; i < layout->variable_count && status == 0; i++) {
        const struct pg_variable *variable = &layout->variables[i];
        if (variable->is_volatile || i == PG_VARIABLE_ROW_CRC)
            continue;
        add_variable_head(digest, i);
        if (variable->texts != NULL)
            add_texts(digest, variable->texts, pg_layout_row_elements(layout, i));
        else
            status = add_rows(digest, i, error);
    }
    return status;
}

int pg_reader_digest(struct pg_reader *reader, char *ret_hex, struct pg_error *error)
{
    struct digest digest = {.reader = reader};
    uint8_t sum[SHA256_DIGEST_SIZE];
    digest.statuses = malloc(pg_layout_row_count(&reader->layout) + 1);
    if (digest.statuses == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: statuses of '%s'", reader->path);
    sha256_init(&digest.hash);
    int status = pg_reader_statuses(reader, digest.statuses, error);
    for (size_t i = 0; i < reader->layout.dim_count && status == 0; i++)
        add_dimension(&digest, &reader->layout.dims[i]);
    if (status == 0)
        status = add_variables(&digest, error);
    sha256_digest(&digest.hash, sizeof sum, sum);
    base16_encode_update(ret_hex, sizeof sum, sum);
    ret_hex[BASE16_ENCODE_LENGTH(sizeof sum)] = '\0';
    free(digest.statuses);
    return status;
}
