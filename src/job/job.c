/* SPDX-License-Identifier: MIT */
/*
 * A finished job: its cells, in row-major order over the axes with the last one fastest, and the
 * steps that it records.
 */
#include "phasegrid/job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "spacing.h"

uint64_t pg_job_cell_count(const struct pg_job *job)
{
    uint64_t cells = 1;
    for (size_t i = 0; i < job->axis_count; i++)
        cells *= job->axes[i].count;
    return cells;
}

uint64_t pg_job_run_count(const struct pg_job *job)
{
    return pg_job_cell_count(job) * job->seed_count;
}

const struct pg_value *pg_job_cell_value(const struct pg_job *job, uint64_t cell, size_t setting)
{
    for (size_t i = job->axis_count; i-- > 0;) {
        const struct pg_axis *axis = &job->axes[i];
        for (size_t k = 0; k < axis->member_count; k++)
            if (axis->members[k].setting == setting)
                return &axis->members[k].values[cell % axis->count];
        cell /= axis->count;
    }
    return &job->values[setting];
}

void pg_job_cell_values(const struct pg_job *job, uint64_t cell, struct pg_value *ret_values)
{
    assert(cell < pg_job_cell_count(job));
    for (size_t i = 0; i < job->schema->count; i++)
        ret_values[i] = *pg_job_cell_value(job, cell, i);
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash_byte(uint64_t hash, unsigned byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
    for (unsigned i = 0; i < 8; i++)
        hash = hash_byte(hash, (unsigned)(word >> (8 * i)) & 0xffu);
    return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = hash_byte(hash, (unsigned char)*text);
    return hash_byte(hash, 0);
}

static uint64_t hash_value(uint64_t hash, const struct pg_setting *setting,
                           const struct pg_value *value)
{
    uint64_t bits;
    switch (value->type) {
    case PG_VALUE_REAL:
        memcpy(&bits, &value->real, sizeof bits);
        return hash_word(hash, bits);
    case PG_VALUE_INTEGER:
        return hash_word(hash, (uint64_t)value->integer);
    case PG_VALUE_NAME:
        return hash_text(hash, setting->names[value->integer]);
    case PG_VALUE_LIST:
        for (size_t i = 0; i < value->list_count; i++)
            hash = hash_word(hash, (uint64_t)value->list[i]);
        return hash_word(hash, value->list_count);
    case PG_VALUE_MATRIX:
        return hash_text(hash, value->matrix);
    }
    return hash;
}

/* MurmurHash3's 64-bit finaliser (Appleby). */
static uint64_t mix_bits(uint64_t hash)
{
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 33);
}

/* Over every setting by name and value, swept or not, in no order: a cell has the same hash in any
   job that holds it. Never 0, which means shared streams. */
uint32_t pg_job_cell_hash(const struct pg_job *job, uint64_t cell)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < job->schema->count; i++) {
        const struct pg_setting *setting = &job->schema->settings[i];
        uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), setting->name);
        if (pg_setting_is_llc(setting))
            continue; /* how a run is measured is not the run */
        sum += mix_bits(hash_value(hash, setting, pg_job_cell_value(job, cell, i)));
    }
    uint32_t folded = (uint32_t)(mix_bits(sum) >> 32);
    return folded != 0 ? folded : 1;
}

int pg_job_record_steps(const struct pg_job *job, int64_t budget, int64_t **ret_steps,
                        size_t *ret_count, struct pg_error *error)
{
    assert(budget >= 0);
    size_t count = job->record_points;
    if ((uint64_t)budget < count)
        count = (size_t)budget + 1;
    int64_t *steps = malloc(count * sizeof *steps);
    if (steps == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory for %zu recorded steps", count);
    if (job->record_spacing == PG_SPACING_LOG)
        pg_spread_log(budget, count, steps);
    else
        pg_spread_linear(budget, count, steps);
    *ret_steps = steps;
    *ret_count = count;
    return 0;
}
