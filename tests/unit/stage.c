/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool give(void *context, struct pg_run_request *ret_request)
{
    struct stage *stage = context;
    if (stage->given == stage->count)
        return false;
    size_t run = stage->order[stage->given++];
    *ret_request = stage->rows[run].request;
    ret_request->ticket = run;
    stage->rows[run].is_given = true;
    return true;
}

static void take_back(void *context, uint64_t ticket, int status,
                      const struct pg_run_result *result, const struct pg_error *error)
{
    struct stage *stage = context;
    struct row *row = &stage->rows[ticket];
    assert_true(row->is_given && row->status == 1);
    row->status = status;
    stage->finished++;
    if (status == 0)
        row->result = *result;
    else
        row->error = *error;
}

/* Every run in training was saved if the pause before asked for it, and no other run; one that was
   drawing its data was so only if it has a state to its name. */
static void check_kept(struct stage *stage)
{
    for (size_t i = 0; i < STAGE_RUNS; i++) {
        assert_true(!stage->is_kept[i] || (stage->is_asked && stage->is_expected[i]));
        if (stage->is_asked && stage->is_expected[i] && !stage->is_kept[i]) {
            assert_true(i == stage->newest && stage->waits);
            assert_null(stage->rows[i].request.state);
            stage->waited++;
        }
    }
}

static enum pg_pause pause_runs(void *context)
{
    struct stage *stage = context;
    struct row *first = &stage->rows[stage->order[0]];
    check_kept(stage);
    if (stage->pauses++ == 0)
        first->allocations_first = row_allocations;
    first->allocations_last = row_allocations;
    enum pg_pause says = stage->says(stage);
    stage->is_asked = pg_pause_saves(says);
    stage->newest = stage->order[stage->given - 1];
    for (size_t i = 0; i < stage->given; i++) {
        size_t run = stage->order[i];
        stage->is_expected[run] = stage->rows[run].status == 1;
        stage->is_kept[run] = false;
    }
    return says;
}

static void save(void *context, uint64_t ticket, int64_t progress, const void *state, size_t size)
{
    struct stage *stage = context;
    assert_true(size <= STAGE_STATE_MAX);
    memcpy(stage->saved.bytes, state, size);
    stage->saved.size = size;
    stage->saved.step = progress;
    assert_false(stage->is_kept[ticket]);
    stage->is_kept[ticket] = true;
    if (stage->first_step[ticket] < 0)
        stage->first_step[ticket] = progress;
    if (stage->keep != NULL)
        stage->keep(ticket, &stage->saved);
}

int stage_play(struct stage *stage, const char *layout, const struct pg_kernel *kernel)
{
    const struct pg_run_source source = {
        .next = give, .finish = take_back, .pause = pause_runs, .save = save, .context = stage};
    for (size_t i = 0; i < STAGE_RUNS; i++)
        stage->first_step[i] = -1;
    assert_int_equal(setenv("PHASEGRID_LAYOUT", layout, 1), 0);
    assert_int_equal(setenv("PHASEGRID_KERNEL", kernel->name, 1), 0);
    int status = stage->rows[0].experiment->run(&source, &stage->error);
    check_kept(stage);
    return status;
}

const struct pg_kernel *stage_kernel(size_t turn)
{
    size_t count = 0;
    for (size_t i = 0; pg_kernels[i] != NULL; i++)
        count += pg_kernel_is_supported(pg_kernels[i]) != 0;
    size_t which = count - 1 - turn % count;
    for (size_t i = 0;; i++)
        if (pg_kernel_is_supported(pg_kernels[i]) && which-- == 0)
            return pg_kernels[i];
}
