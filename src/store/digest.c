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
#include "digest.h"

#include <nettle/base16.h>
#include <stdio.h>
#include <string.h>

#include "phasegrid/store.h"
#include "rows.h"

static void add_text(struct pg_digest *digest, const char *text)
{
    sha256_update(&digest->hash, strlen(text), (const uint8_t *)text);
}

/* With the terminating NUL, so that neighbours cannot run together. */
static void add_texts(struct pg_digest *digest, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sha256_update(&digest->hash, strlen(texts[i]) + 1, (const uint8_t *)texts[i]);
}

static void add_dimension(struct pg_digest *digest, const struct pg_dimension *dim)
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

static void add_variable_head(struct pg_digest *digest, size_t variable)
{
    const struct pg_layout *layout = digest->layout;
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

static bool counts(const struct pg_digest *digest, size_t variable, uint64_t row)
{
    uint8_t status = digest->statuses[row];
    return !pg_layout_is_payload(digest->layout, variable) || status == PG_ROW_DONE ||
           status == PG_ROW_DIVERGED;
}

void pg_digest_begin(struct pg_digest *digest, const struct pg_layout *layout,
                     const uint8_t *statuses)
{
    digest->layout = layout;
    digest->statuses = statuses;
    sha256_init(&digest->hash);
    for (size_t i = 0; i < layout->dim_count; i++)
        add_dimension(digest, &layout->dims[i]);
}

bool pg_digest_variable(struct pg_digest *digest, size_t variable)
{
    const struct pg_variable *of = &digest->layout->variables[variable];
    if (of->is_volatile || variable == PG_VARIABLE_ROW_CRC)
        return false;
    add_variable_head(digest, variable);
    if (of->texts != NULL)
        add_texts(digest, of->texts, pg_layout_row_elements(digest->layout, variable));
    return true;
}

void pg_digest_rows(struct pg_digest *digest, size_t variable, uint64_t first, uint64_t count,
                    const void *rows)
{
    size_t bytes = pg_layout_row_bytes(digest->layout, variable);
    for (uint64_t i = 0; i < count; i++)
        if (counts(digest, variable, first + i))
            sha256_update(&digest->hash, bytes, (const uint8_t *)rows + i * bytes);
}

void pg_digest_end(struct pg_digest *digest, char *ret_hex)
{
    uint8_t sum[SHA256_DIGEST_SIZE];
    sha256_digest(&digest->hash, sizeof sum, sum);
    base16_encode_update(ret_hex, sizeof sum, sum);
    ret_hex[BASE16_ENCODE_LENGTH(sizeof sum)] = '\0';
}
