/* SPDX-License-Identifier: MIT */
/* The losses, each a thin name over its kernel. */
#include "phasegrid/model.h"

static void squared_error(const struct pg_kernel *kernel, const struct pg_samples *samples,
                          const float *y, float *delta, float *loss, size_t outputs, size_t stride,
                          float scale)
{
    kernel->squared_error(y, samples->targets, delta, loss, outputs, stride, scale);
}

static void cross_entropy(const struct pg_kernel *kernel, const struct pg_samples *samples,
                          const float *y, float *delta, float *loss, size_t outputs, size_t stride,
                          float scale)
{
    kernel->cross_entropy(y, samples->labels, delta, loss, outputs, stride, scale);
}

const struct pg_loss pg_loss_squared_error = {"squared_error", true, squared_error};
const struct pg_loss pg_loss_cross_entropy = {"cross_entropy", false, cross_entropy};
