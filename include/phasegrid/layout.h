/* SPDX-License-Identifier: MIT */
/*
 * The shape of a results file: dimensions with coordinates, variables over them, attributes. The
 * store is handed a layout and knows nothing else about jobs or experiments. A row is what one run
 * writes: one contiguous piece per run variable. A block is a group of consecutive rows in memory,
 * variable-major, so that a commit is one write per variable and block.
 */
#ifndef PHASEGRID_LAYOUT_H
#define PHASEGRID_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

enum { PG_VARIABLE_DIMS_MAX = 4 };

/* As double: <math.h>'s NAN is a float, whose promotion clang warns of. */
#define PG_NAN (__builtin_nan(""))

enum pg_data_type { PG_U8, PG_I32, PG_I64, PG_F32, PG_F64 };

size_t pg_data_type_size(enum pg_data_type type);

/* Converts `number` to the type: one element, or `count` equal ones. */
void pg_data_type_put(enum pg_data_type type, double number, void *ret_element);
void pg_data_type_fill(enum pg_data_type type, double number, size_t count, void *ret_elements);

enum pg_coordinate {
    PG_COORDINATE_INDEX,   /* 0 .. length - 1, int64 */
    PG_COORDINATE_REAL,    /* float64 */
    PG_COORDINATE_INTEGER, /* int64 */
    PG_COORDINATE_TEXT,    /* VLEN UTF-8 */
};

struct pg_dimension {
    const char *name, *long_name, *units; /* units NULL: none */
    size_t length;
    enum pg_coordinate kind;
    union {
        const double *reals;
        const int64_t *integers;
        const char *const *texts;
    } coordinate; /* (length), unused for INDEX */
};

struct pg_attribute {
    const char *name;
    const char *text; /* NULL: the number counts */
    double number;
};

enum pg_scope {
    PG_SCOPE_RUN,  /* (grid dims..., own dims...), written row by row */
    PG_SCOPE_CELL, /* (grid dims without seed..., own dims...), data given at creation */
    PG_SCOPE_AXIS, /* (own dims...), data given at creation (settings of a zip axis) */
};

struct pg_variable {
    const char *name, *long_name, *units; /* units NULL: none */
    enum pg_data_type type;
    enum pg_scope scope;
    size_t dim_count;                  /* own dimensions, behind the grid's */
    size_t dims[PG_VARIABLE_DIMS_MAX]; /* indices into layout->dims */
    double fill;                       /* what "not yet written" reads as; PG_NAN for floats */
    const char *const *meanings;       /* codes 0, 1, ...: names, NULL-terminated; or NULL */
    const char *unwritten_meaning;     /* name of the fill code ("not_run"), or NULL */
    bool is_volatile;                  /* stays out of the digest */
    const struct pg_attribute *attributes;
    size_t attribute_count;
    const void *data;         /* CELL, AXIS: dense, of `type` */
    const char *const *texts; /* AXIS only: text data instead of `data` */
};

/*
 * dims[0 .. grid_count) are the grid axes in job order with "seed" last; a run's number is the
 * row-major index over them. The first two variables are always `status` (uint8) and `row_crc`
 * (uint32 kept as int64), which the store itself writes; every other RUN variable is payload.
 */
enum { PG_VARIABLE_STATUS, PG_VARIABLE_ROW_CRC };

struct pg_layout {
    struct pg_dimension *dims;
    size_t dim_count, grid_count;
    struct pg_variable *variables;
    size_t variable_count;
    struct pg_attribute *attributes; /* of the file's root */
    size_t attribute_count;
};

uint64_t pg_layout_row_count(const struct pg_layout *layout);
int pg_layout_find_variable(const struct pg_layout *layout, const char *name); /* -1: none */
bool pg_layout_is_payload(const struct pg_layout *layout, size_t variable);

/* Elements and bytes of one row of a RUN variable (of one cell's, for CELL; of all, for AXIS). */
size_t pg_layout_row_elements(const struct pg_layout *layout, size_t variable);
size_t pg_layout_row_bytes(const struct pg_layout *layout, size_t variable);

struct pg_block {
    const struct pg_layout *layout; /* borrowed */
    uint64_t first_row;
    size_t capacity;      /* rows that there is room for */
    unsigned char *bytes; /* variable-major */
    size_t *offsets;      /* (variable_count) */
};

int pg_block_init(struct pg_block *block, const struct pg_layout *layout, size_t capacity,
                  struct pg_error *error) PG_CHECK_RESULT;
void pg_block_release(struct pg_block *block);

/* Where row `index` (0 .. capacity - 1) of a payload variable stands in memory. */
void *pg_block_at(const struct pg_block *block, size_t variable, size_t index);

/* Fills every payload variable of the row with its fill value. */
void pg_block_clear_row(struct pg_block *block, size_t index);

#endif
