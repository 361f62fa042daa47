/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 over a text: first what all runs of the cube share, then the cell's own settings. Every
 * number stands in decimal with a mark behind it, so that no two different records give one text.
 */
#include "identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/sweep.h"

static void add_text(struct sha256_ctx *hash, const char *text)
{
    sha256_update(hash, strlen(text), (const uint8_t *)text);
}

static void add_number(struct sha256_ctx *hash, const char *what, int64_t number)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%s %lld;", what, (long long)number);
    add_text(hash, text);
}

static void add_steps(struct sha256_ctx *hash, const char *what, const int64_t *steps, size_t count)
{
    add_number(hash, what, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        add_number(hash, "", steps[i]);
}

void pg_identity_init(struct pg_identity *identity, const struct pg_job *job,
                      const struct pg_record *record)
{
    struct sha256_ctx *common = &identity->common;
    memset(identity, 0, sizeof *identity);
    identity->job = job;
    identity->cell = UINT64_MAX;
    sha256_init(common);
    add_number(common, "numerics", PG_NUMERICS);
    add_number(common, "independent streams", job->independent_streams);
    add_number(common, "stop when decided", record->stop_when_decided);
    add_steps(common, "steps", record->steps, record->step_count);
    add_steps(common, "snapshots", record->snapshots, record->snapshot_count);
    if (record->llc_step_count > 0)
        add_steps(common, "llc", record->llc_steps, record->llc_step_count);
}

static int hash_cell(struct pg_identity *identity, uint64_t cell, struct pg_error *error)
{
    struct sha256_ctx hash = identity->common;
    char *text = pg_job_cell_text(identity->job, cell);
    if (text == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the settings of one run");
    add_text(&hash, text);
    sha256_digest(&hash, sizeof identity->key.cell, identity->key.cell);
    identity->cell = cell;
    free(text);
    return 0;
}

int pg_identity_find(struct pg_identity *identity, uint64_t row, struct pg_run_key *ret_key,
                     struct pg_error *error)
{
    const struct pg_job *job = identity->job;
    uint64_t cell = row / job->seed_count;
    int status = cell != identity->cell ? hash_cell(identity, cell, error) : 0;
    identity->key.seed = job->seeds[row % job->seed_count];
    *ret_key = identity->key;
    return status;
}
