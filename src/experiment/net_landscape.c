/* SPDX-License-Identifier: MIT */
/* Copies in and out of the trainer's pack: parameters lane by lane, samples run by run. */
#include "net_landscape.h"

#include <string.h>

#include "phasegrid/experiment.h"

/* ---- memory ---- */

/* No step at all, and no memory of the last one: m is the gradient. */
static void hold_still(struct pg_update *update)
{
    memset(update, 0, sizeof *update);
    update->optimizer = PG_SGD;
    for (size_t lane = 0; lane < PG_LANES; lane++)
        update->keep[lane] = 1.0f;
}

/* ---- samples ---- */

/* Copies sample `from` of a run to place `to` of a lane. */
static void copy_sample(const struct pg_net_landscape *net, const struct pg_samples *run,
                        size_t from, const struct pg_samples *samples, size_t to, size_t lane)
{
    const struct pg_samples_lane place = {samples, PG_LANES, lane};
    pg_samples_copy(&net->spec.model, run, from, &place, to);
}

static void look_at(void *context, size_t lane, size_t set)
{
    struct pg_net_landscape *net = context;
    if (net->looked_at[lane] == net->sets[set])
        return;
    net->looked_at[lane] = net->sets[set];
    for (size_t n = 0; n < net->spec.train_count; n++)
        copy_sample(net, net->sets[set], n, &net->samples, n, lane);
}

/* ---- points ---- */

static void put_points(struct pg_net_landscape *net, const double *w)
{
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        for (size_t p = 0; p < net->parameters; p++)
            net->dense[p] = (float)w[p * PG_LANES + lane];
        pg_model_load(&net->model, lane, PG_VALUE, net->dense);
    }
}

static void take_gradients(struct pg_net_landscape *net, double *ret_gradient)
{
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        pg_model_store(&net->model, lane, PG_FIRST_MOMENT, net->dense);
        for (size_t p = 0; p < net->parameters; p++)
            ret_gradient[p * PG_LANES + lane] = (double)net->dense[p];
    }
}

/* What a chain that diverged has left would make a NaN of every later gradient. */
static void forget_moments(struct pg_net_landscape *net)
{
    for (size_t l = 0; l < net->model.layer_count; l++) {
        const struct pg_layer *layer = &net->model.layers[l];
        if (layer->moments.m != NULL)
            memset(layer->moments.m, 0, layer->elements * PG_LANES * sizeof *layer->moments.m);
    }
}

static void pass_over(struct pg_net_landscape *net, const struct pg_samples *samples, size_t count,
                      struct pg_pass *pass, const double *w, double *ret_loss, double *ret_gradient)
{
    double losses[PG_LANES];
    put_points(net, w);
    (void)pg_model_forward(&net->model, samples, count, pass);
    pg_model_loss(&net->model, samples, 0, count, true, pass, losses);
    if (ret_loss != NULL)
        memcpy(ret_loss, losses, sizeof losses);
    if (ret_gradient == NULL)
        return;
    forget_moments(net);
    pg_model_backward(&net->model, samples, count, pass, net->updates);
    take_gradients(net, ret_gradient);
}

static void full(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    struct pg_net_landscape *net = context;
    pass_over(net, &net->samples, net->spec.train_count, &net->pass, w, ret_loss, ret_gradient);
}

static void batch(void *context, const struct pg_lane_random *random, size_t size, const double *w,
                  double *ret_loss, double *ret_gradient)
{
    struct pg_net_landscape *net = context;
    net->model.kernel->in_lanes->words(random, 0, (size + 3) / 4, net->words);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        for (size_t s = 0; s < size; s++) {
            uint64_t word = net->words[s * PG_LANES + lane];
            copy_sample(net, net->looked_at[lane], word * net->spec.train_count >> 32, &net->batch,
                        s, lane);
        }
    pass_over(net, &net->batch, size, &net->batch_pass, w, ret_loss, ret_gradient);
}

struct pg_landscape pg_net_landscape_arrange(struct pg_net_landscape *net,
                                             const struct pg_trainer_spec *spec, size_t batch_most,
                                             const struct pg_kernel *kernel, struct pg_arena *arena)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    memset(net, 0, sizeof *net);
    net->spec = *spec;
    net->batch_most = batch_most;
    (void)pg_model_segments(&spec->model, segments, &net->parameters);
    pg_model_arrange(&net->model, &spec->model, PG_LANES, kernel, arena);
    pg_pass_arrange(&net->pass, &spec->model, PG_LANES, spec->train_count, true, arena);
    pg_samples_arrange(&net->samples, &spec->model, spec->arity, spec->train_count, PG_LANES,
                       arena);
    if (batch_most > 0) {
        pg_pass_arrange(&net->batch_pass, &spec->model, PG_LANES, batch_most, true, arena);
        pg_samples_arrange(&net->batch, &spec->model, spec->arity, batch_most, PG_LANES, arena);
    }
    net->words = pg_arena_take(arena, (batch_most + 3) / 4 * 4 * PG_LANES * sizeof *net->words);
    net->dense = pg_arena_take(arena, net->parameters * sizeof *net->dense);
    for (int group = 0; group < PG_GROUP_COUNT; group++)
        hold_still(&net->updates[group]);
    return (struct pg_landscape){.parameters = net->parameters,
                                 .context = net,
                                 .look_at = look_at,
                                 .full = full,
                                 .batch = batch};
}

void pg_net_landscape_prepare(struct pg_net_landscape *net)
{
    pg_pass_prepare(&net->pass, &net->model);
    if (net->batch_most > 0)
        pg_pass_prepare(&net->batch_pass, &net->model);
}
