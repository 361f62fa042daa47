/* SPDX-License-Identifier: MIT */
/* The losses, each a thin name over its kernel. */
#include "phasegrid/model.h"

static void squared_error(const struct pg_kernel *kernel, const struct pg_samples *samples,
                          const struct pg_loss_part *part, const float *y, float *delta,
                          float *loss)
{
    kernel->squared_error(y + part->begin, samples->targets + part->begin,
                          part->with_delta ? delta + part->begin : NULL, loss + part->begin,
                          &part->plane, part->scale);
}

/* The same, halved: exact. */
static void half_squared_error(const struct pg_kernel *kernel, const struct pg_samples *samples,
                               const struct pg_loss_part *part, const float *y, float *delta,
                               float *loss)
{
    struct pg_loss_part half = *part;
    half.scale *= 0.5f;
    squared_error(kernel, samples, &half, y, delta, loss);
    for (size_t n = 0; n < part->plane.numbers; n++)
        loss[part->begin + n] *= 0.5f;
}

static void cross_entropy(const struct pg_kernel *kernel, const struct pg_samples *samples,
                          const struct pg_loss_part *part, const float *y, float *delta,
                          float *loss)
{
    kernel->cross_entropy(y + part->begin, samples->labels + part->begin,
                          part->with_delta ? delta + part->begin : NULL, loss + part->begin,
                          &part->plane, part->scale);
}

static void logistic(const struct pg_kernel *kernel, const struct pg_samples *samples,
                     const struct pg_loss_part *part, const float *y, float *delta, float *loss)
{
    kernel->logistic(y + part->begin, samples->labels + part->begin,
                     part->with_delta ? delta + part->begin : NULL, loss + part->begin,
                     &part->plane, part->scale);
}

const struct pg_loss pg_loss_squared_error = {"squared_error", true, true, squared_error};
const struct pg_loss pg_loss_half_squared_error = {"half_squared_error", true, true,
                                                   half_squared_error};
const struct pg_loss pg_loss_cross_entropy = {"cross_entropy", false, false, cross_entropy};
const struct pg_loss pg_loss_logistic = {"logistic", false, false, logistic};
