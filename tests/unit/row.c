/* SPDX-License-Identifier: MIT */
#include "row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/lengths.h"

long row_allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    row_allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    row_allocations++;
    return __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    row_allocations++;
    return __real_aligned_alloc(alignment, size);
}

/* ---- settings and memory ---- */

void row_set(struct row *row, const char *name, const char *text)
{
    const struct pg_schema *schema = row->experiment->schema;
    int index = pg_schema_find(schema, name);
    assert_true(index >= 0);
    assert_int_equal(
        pg_value_parse(&schema->settings[index], text, &row->values[index], &row->error), 0);
}

static void set_all(struct row *row, const char *assignments)
{
    char copy[512], *save = NULL;
    (void)snprintf(copy, sizeof copy, "%s", assignments);
    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value = '\0';
        row_set(row, word, value + 1);
    }
}

static void make_slots(struct row *row)
{
    const struct pg_experiment *experiment = row->experiment;
    for (size_t i = 0; i < experiment->observable_count; i++) {
        const struct pg_observable *observable = &experiment->observables[i];
        row->bytes[i] = pg_data_type_size(observable->type);
        for (size_t d = 0; d < observable->dim_count; d++)
            row->bytes[i] *= row->shape.lengths[observable->dims[d]];
        row->slots[i] = malloc(row->bytes[i]);
        assert_non_null(row->slots[i]);
        memset(row->slots[i], 0xff, row->bytes[i]); /* floats: NaN */
    }
}

void row_prepare(struct row *row, const char *experiment, const char *assignments, uint32_t seed,
                 bool stop_when_decided)
{
    memset(row, 0, sizeof *row);
    row->experiment = pg_experiment_find(experiment);
    assert_non_null(row->experiment);
    const struct pg_schema *schema = row->experiment->schema;
    for (size_t i = 0; i < schema->count; i++)
        row_set(row, schema->settings[i].name, schema->settings[i].fallback);
    set_all(row, assignments);
    row->request.values = (struct pg_values){schema, row->values};
    assert_int_equal(row->experiment->shape(&row->request.values, &row->shape, &row->error), 0);
    row->shape.lengths[0] = row->shape.steps > 0 ? ROW_POINTS : 1;
    row->shape.lengths[1] = 2;
    make_slots(row);
    for (int64_t i = 0; i < ROW_POINTS; i++)
        row->steps[i] = row->shape.steps * i / (ROW_POINTS - 1);
    row->snapshots[1] = row->shape.steps;
    row->record = (struct pg_record){.steps = row->steps,
                                     .step_count = row->shape.lengths[0],
                                     .snapshots = row->snapshots,
                                     .snapshot_count = 2,
                                     .stop_when_decided = stop_when_decided};
    row->request.seed = seed;
    row->request.record = &row->record;
    row->request.lengths = row->shape.lengths;
    row->request.slots = row->slots;
    row->status = 1;
}

void row_ask_llc(struct row *row, const int64_t *steps, size_t count)
{
    const struct pg_experiment *experiment = row->experiment;
    row_release(row);
    for (size_t d = 0; d < experiment->dimension_count; d++)
        if (strcmp(experiment->dimensions[d].name, "llc_step") == 0)
            row->shape.lengths[d] = count;
    make_slots(row);
    row->record.llc_steps = steps;
    row->record.llc_step_count = count;
}

void row_release(struct row *row)
{
    for (size_t i = 0; i < row->experiment->observable_count; i++)
        free(row->slots[i]);
}

void row_widen(struct row *row, size_t by)
{
    row_release(row);
    for (size_t d = 2; d < row->experiment->dimension_count; d++)
        row->shape.lengths[d] += by;
    make_slots(row);
}

/* ---- a source of rows ---- */

struct rows {
    struct row *at;
    size_t count, given;
};

static bool give(void *context, struct pg_run_request *ret_request)
{
    struct rows *rows = context;
    if (rows->given == rows->count)
        return false;
    struct row *row = &rows->at[rows->given];
    row->request.ticket = rows->given++;
    row->is_given = true;
    *ret_request = row->request;
    return true;
}

static void take_back(void *context, uint64_t ticket, int status,
                      const struct pg_run_result *result, const struct pg_error *error)
{
    const struct rows *rows = context;
    assert_true(ticket < rows->given);
    struct row *row = &rows->at[ticket];
    assert_int_equal(row->status, 1);
    row->status = status;
    if (status == 0)
        row->result = *result;
    else
        row->error = *error;
}

static enum pg_pause count_allocations(void *context)
{
    struct row *row = ((const struct rows *)context)->at;
    if (row->pauses++ == 0)
        row->allocations_first = row_allocations;
    row->allocations_last = row_allocations;
    return PG_PAUSE_GO_ON;
}

void row_run_all(struct row *rows, size_t count)
{
    struct rows all = {rows, count, 0};
    const struct pg_run_source source = {
        .next = give, .finish = take_back, .pause = count_allocations, .context = &all};
    int status = rows->experiment->run(&source, &rows->error);
    for (size_t i = 0; i < count; i++) {
        rows[i].status = rows[i].status == 1 ? status : rows[i].status;
        assert_true(rows[i].is_given);
    }
}

void row_run(struct row *row, const char *experiment, const char *assignments, uint32_t seed,
             bool stop_when_decided)
{
    row_prepare(row, experiment, assignments, seed, stop_when_decided);
    row_run_all(row, 1);
}

/* ---- observables ---- */

size_t row_index_of(const struct row *row, const char *name)
{
    for (size_t i = 0; i < row->experiment->observable_count; i++)
        if (strcmp(row->experiment->observables[i].name, name) == 0)
            return i;
    fail_msg("no observable %s", name);
    return 0;
}

const void *row_slot(const struct row *row, const char *name)
{
    return row->slots[row_index_of(row, name)];
}

int64_t row_steps_to(const struct row *row, const char *name)
{
    return *(const int64_t *)row_slot(row, name);
}

void row_assert_apart(const char *experiment, const char *const cells[2])
{
    struct row rows[2];
    for (size_t i = 0; i < 2; i++)
        row_prepare(&rows[i], experiment, cells[i], 0, false);
    if (memcmp(&rows[0].shape, &rows[1].shape, sizeof rows[0].shape) == 0)
        fail_msg("'%s' and '%s' have the same shape", cells[0], cells[1]);
    for (size_t i = 0; i < 2; i++)
        row_release(&rows[i]);
}

void row_assert_same(const struct row *a, const struct row *b, const char *name)
{
    size_t i = row_index_of(a, name);
    assert_int_equal(a->bytes[i], b->bytes[i]);
    assert_memory_equal(a->slots[i], b->slots[i], a->bytes[i]);
}

static void assert_spread(const struct row *own, const struct row *wide, size_t index)
{
    const struct pg_observable *observable = &own->experiment->observables[index];
    size_t from[PG_VARIABLE_DIMS_MAX], to[PG_VARIABLE_DIMS_MAX];
    void *expected = malloc(wide->bytes[index]);
    assert_non_null(expected);
    memset(expected, 0xff, wide->bytes[index]); /* as it was before */
    for (size_t d = 0; d < observable->dim_count; d++) {
        from[d] = own->shape.lengths[observable->dims[d]];
        to[d] = wide->shape.lengths[observable->dims[d]];
    }
    pg_lengths_copy(pg_data_type_size(observable->type), observable->dim_count, from,
                    own->slots[index], to, expected);
    if (memcmp(expected, wide->slots[index], wide->bytes[index]) != 0)
        fail_msg("%s of seed %u differs", observable->name, own->request.seed);
    free(expected);
}

void row_assert_spread(const struct row *own, const struct row *wide)
{
    for (size_t i = 0; i < own->experiment->observable_count; i++)
        assert_spread(own, wide, i);
}

void row_assert_all_same(const struct row *a, const struct row *b)
{
    for (size_t i = 0; i < a->experiment->observable_count; i++)
        row_assert_same(a, b, a->experiment->observables[i].name);
}
