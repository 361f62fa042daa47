/* SPDX-License-Identifier: MIT */
/*
 * Very wide layers by OpenBLAS. Its products lose the fusion with what follows them: activation and
 * derivative become a pass of their own, and a gradient is stored before its optimiser step, a slab
 * of rows at a time. Everything that is no product stays the kernel's.
 */
#include <strings.h>

#include <cblas.h>

#include "phasegrid/kernel.h"

void openblas_set_num_threads(int count);
char *openblas_get_corename(void);

enum { SLAB_FLOATS = 1 << 18 };

static const struct pg_kernel *base;
static struct pg_kernel wide;
static float slab[SLAB_FLOATS] __attribute__((aligned(64)));

/* Rows first .. first + rows of the product. */
static void multiply(const struct pg_product *p, size_t first, size_t rows, float *out,
                     size_t out_row)
{
    /* One of a's distances is 1: that of its columns, or that of its rows (a is transposed). */
    int is_plain = p->a_depth == 1;
    size_t a_row = is_plain ? p->a_row : p->a_depth;
    cblas_sgemm(CblasRowMajor, is_plain ? CblasNoTrans : CblasTrans, CblasNoTrans, (int)rows,
                (int)p->columns, (int)p->depth, 1.0f, p->a + first * p->a_row, (int)a_row, p->b,
                (int)p->b_depth, 0.0f, out, (int)out_row);
}

static struct pg_plane plane_of(const struct pg_product *product)
{
    /* The rest of the last vector is padding, of which nothing comes. */
    return (struct pg_plane){product->rows, product->out_row, pg_padded(product->columns)};
}

static void forward(const struct pg_product *product, enum pg_activation activation)
{
    const struct pg_plane plane = plane_of(product);
    if (product->lanes != 1) {
        base->forward(product, activation);
        return;
    }
    multiply(product, 0, product->rows, product->out, product->out_row);
    if (activation != PG_IDENTITY)
        base->activate(product->out, &plane, activation);
}

static void backward(const struct pg_product *product, enum pg_activation activation,
                     const float *h)
{
    const struct pg_plane plane = plane_of(product);
    if (product->lanes != 1) {
        base->backward(product, activation, h);
        return;
    }
    multiply(product, 0, product->rows, product->out, product->out_row);
    if (activation != PG_IDENTITY)
        base->derive(product->out, h, &plane, activation);
}

static void update(const struct pg_product *gradient, const struct pg_update *how,
                   const struct pg_moments *moments)
{
    size_t stride = moments->stride, most = SLAB_FLOATS / stride;
    if (gradient->lanes != 1 || gradient->columns != stride || most == 0) {
        base->update(gradient, how, moments);
        return;
    }
    for (size_t row = 0; row < gradient->rows; row += most) {
        size_t rows = gradient->rows - row < most ? gradient->rows - row : most;
        const struct pg_moments at = {moments->value + row * stride, moments->m + row * stride,
                                      moments->v + row * stride, stride};
        multiply(gradient, row, rows, slab, stride);
        base->apply(how, &at, slab, rows * stride);
    }
}

const struct pg_kernel *pg_kernel_widen(const struct pg_kernel *kernel)
{
    base = kernel;
    wide = *kernel;
    wide.forward = forward;
    wide.backward = backward;
    wide.update = update;
    openblas_set_num_threads(1);
    return &wide;
}

/* As OpenBLAS 0.3.21 calls the cores that it can choose among (dynamic.c, dynamic_arm64.c). */
const char *const pg_blas_core_names[] = {
    "none",          "Prescott",    "Core2",        "Penryn",     "Dunnington",   "Nehalem",
    "Sandybridge",   "Haswell",     "Zen",          "SkylakeX",   "Cooperlake",   "SapphireRapids",
    "Atom",          "Opteron",     "Opteron_SSE3", "Barcelona",  "Bobcat",       "Bulldozer",
    "Piledriver",    "Steamroller", "Excavator",    "Nano",       "Katmai",       "Coppermine",
    "Northwood",     "Banias",      "Athlon",       "armv8",      "cortexa53",    "cortexa57",
    "cortexa72",     "cortexa73",   "falkor",       "thunderx",   "thunderx2t99", "tsv110",
    "thunderx3t110", "emag8180",    "neoversen1",   "neoversev1", "neoversen2",   "cortexa55",
    "other",         NULL};

uint8_t pg_blas_core(void)
{
    const char *name = openblas_get_corename();
    uint8_t code = 1;
    while (pg_blas_core_names[code + 1] != NULL && strcasecmp(pg_blas_core_names[code], name) != 0)
        code++;
    return code;
}
