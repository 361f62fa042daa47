/* SPDX-License-Identifier: MIT */
/* The tables of workloads and layouts, and the cases that a wish picks from them. */
#include "bench_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_w3.h"

enum { KERNELS_MAX = 16 };

static const size_t w1_width[] = {200, 0}, w2_width[] = {256, 0}, w3_width[] = {6, 0},
                    w4_width[] = {50, 0};
static const size_t usual_widths[] = {8, 16, 32, 64, 100, 200, 400, 800, 0};

const struct pg_bench_kind pg_bench_kinds[PG_BENCH_KINDS] = {
    [PG_BENCH_W1] = {"W1", "toy addition, p = 10, 44 pairs, 1 -> 200 -> 200 -> 30 tanh, AdamW",
                     w1_width, PG_BENCH_TOY, false, 0},
    [PG_BENCH_W1_RUN] = {"W1-run", "the same as whole runs of the experiment, evaluated every step",
                         w1_width, PG_BENCH_TOY, true, 0},
    [PG_BENCH_W2] =
        {"W2",
         "modular addition, p = 59, 1,740 pairs, 64 summed -> 256 ReLU, AdamW; the first layer "
         "once per symbol",
         w2_width, PG_BENCH_MODULAR, false, 0},
    [PG_BENCH_W4] = {"W4",
                     "congruence modulo 3 of 30 symbols, 675 pairs, 2 + 2 -> 50 -> 50 -> 50 -> 1 "
                     "tanh, binary cross-entropy, AdamW; the first layer once per symbol",
                     w4_width, PG_BENCH_RELATION, false, 0},
    [PG_BENCH_WIDTHS] = {"widths", "W1's data and rates, hidden layers of other widths",
                         usual_widths, PG_BENCH_TOY, false, 0},
    [PG_BENCH_W3] = {"W3",
                     "toy model of superposition, 6 features in 2 dimensions, 1,000 samples, SGD, "
                     "batches of 64 that runs side by side share",
                     w3_width, PG_BENCH_TOY, false, PG_BENCH_W3_SHARED},
    [PG_BENCH_W3_OWN] = {"W3-own", "the same, every run its own batches", w3_width, PG_BENCH_TOY,
                         false, PG_BENCH_W3_INDEPENDENT},
    [PG_BENCH_W3_SGLD] = {"W3-sgld",
                          "chains of SGLD on it, batches of 500 that grid points share, every "
                          "hundredth step scored by all samples",
                          w3_width, PG_BENCH_TOY, false, PG_BENCH_W3_SGLD_SHARED},
    [PG_BENCH_W3_SGLD_OWN] = {"W3-sgld-own", "the same, every chain its own batches", w3_width,
                              PG_BENCH_TOY, false, PG_BENCH_W3_SGLD_INDEPENDENT},
};

static const struct layout {
    const char *name;
    size_t lanes;
} layouts[] = {{"samples", 1}, {"runs", PG_LANES}};
enum { LAYOUT_COUNT = sizeof layouts / sizeof layouts[0] };

const char *pg_bench_layout_name(const struct pg_bench_case *bench)
{
    return layouts[bench->lanes == 1 ? 0 : 1].name;
}

static bool is_wanted(const char *wanted, const char *name)
{
    return wanted == NULL || strcmp(wanted, name) == 0;
}

/* Widths alone mean the workload that has them. */
bool pg_bench_is_wanted(const struct pg_bench_wish *wish, enum pg_bench_index kind)
{
    if (wish->width_count > 0)
        return kind == PG_BENCH_WIDTHS;
    for (size_t i = 0; i < wish->workload_count; i++)
        if (strcmp(wish->workloads[i], pg_bench_kinds[kind].name) == 0)
            return true;
    return wish->workload_count == 0;
}

/* ---- what is there ---- */

static int check_name(const char *option, const char *wanted, const char *const *names,
                      size_t count, struct pg_error *error)
{
    char known[256] = "";
    for (size_t i = 0; i < count; i++) {
        if (is_wanted(wanted, names[i]))
            return 0;
        size_t used = strlen(known);
        (void)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    return pg_error_set(error, PG_EINPUT, "bench: %s '%s' is not here; there are: %s", option,
                        wanted, known);
}

static int check_workloads(const struct pg_bench_wish *wish, struct pg_error *error)
{
    const char *names[PG_BENCH_KINDS], *of_widths = pg_bench_kinds[PG_BENCH_WIDTHS].name;
    for (size_t i = 0; i < PG_BENCH_KINDS; i++)
        names[i] = pg_bench_kinds[i].name;
    for (size_t i = 0; i < wish->workload_count; i++) {
        int status = check_name("--workload", wish->workloads[i], names, PG_BENCH_KINDS, error);
        if (status != 0)
            return status;
        if (wish->width_count > 0 && strcmp(wish->workloads[i], of_widths) != 0)
            return pg_error_set(error, PG_EINPUT, "bench: --width goes with --workload %s, not %s",
                                of_widths, wish->workloads[i]);
    }
    return 0;
}

static int check_layout(const struct pg_bench_wish *wish, struct pg_error *error)
{
    const char *names[LAYOUT_COUNT];
    for (size_t i = 0; i < LAYOUT_COUNT; i++)
        names[i] = layouts[i].name;
    return check_name("--layout", wish->layout, names, LAYOUT_COUNT, error);
}

/* The kernel's name is NULL when all are wanted. */
static int find_kernel(const struct pg_bench_wish *wish, const char **ret_name,
                       struct pg_error *error)
{
    const char *names[KERNELS_MAX], *forced = getenv("PHASEGRID_KERNEL");
    size_t count = 0;
    for (size_t i = 0; pg_kernels[i] != NULL && count < KERNELS_MAX; i++)
        if (pg_kernel_is_supported(pg_kernels[i]))
            names[count++] = pg_kernels[i]->name;
    if (forced != NULL && forced[0] == '\0')
        forced = NULL;
    *ret_name = wish->kernel != NULL ? wish->kernel : forced;
    return check_name(wish->kernel != NULL ? "--kernel" : "PHASEGRID_KERNEL", *ret_name, names,
                      count, error);
}

/* ---- the cases ---- */

/* While the plan has no room it only counts. */
static void add(struct pg_bench_plan *plan, const struct pg_bench_kind *kind, size_t width,
                const struct pg_kernel *kernel, size_t lanes)
{
    if (plan->cases != NULL)
        plan->cases[plan->count] =
            (struct pg_bench_case){.kind = kind, .kernel = kernel, .width = width, .lanes = lanes};
    plan->count++;
}

static void add_width(struct pg_bench_plan *plan, const struct pg_bench_wish *wish,
                      const char *kernel, const struct pg_bench_kind *kind, size_t width)
{
    for (size_t k = 0; pg_kernels[k] != NULL; k++)
        for (size_t l = 0; l < LAYOUT_COUNT; l++)
            if (pg_kernel_is_supported(pg_kernels[k]) && is_wanted(kernel, pg_kernels[k]->name) &&
                is_wanted(wish->layout, layouts[l].name) && (kind->w3 == 0 || layouts[l].lanes > 1))
                add(plan, kind, width, pg_kernels[k], layouts[l].lanes);
}

static void add_all(struct pg_bench_plan *plan, const struct pg_bench_wish *wish,
                    const char *kernel)
{
    plan->count = 0;
    for (int i = 0; i < PG_BENCH_KINDS; i++) {
        const struct pg_bench_kind *kind = &pg_bench_kinds[i];
        const size_t *width = wish->width_count > 0 ? wish->widths : kind->widths;
        for (; pg_bench_is_wanted(wish, (enum pg_bench_index)i) && *width != 0; width++)
            add_width(plan, wish, kernel, kind, *width);
    }
}

int pg_bench_plan_make(const struct pg_bench_wish *wish, struct pg_bench_plan *ret_plan,
                       struct pg_error *error)
{
    const char *kernel = NULL;
    *ret_plan = (struct pg_bench_plan){0};
    int status = check_workloads(wish, error);
    if (status == 0)
        status = check_layout(wish, error);
    if (status == 0)
        status = find_kernel(wish, &kernel, error);
    if (status != 0)
        return status;
    add_all(ret_plan, wish, kernel);
    ret_plan->cases = calloc(ret_plan->count, sizeof *ret_plan->cases);
    if (ret_plan->cases == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: %zu cases", ret_plan->count);
    add_all(ret_plan, wish, kernel);
    return 0;
}

void pg_bench_plan_release(struct pg_bench_plan *plan)
{
    free(plan->cases);
    plan->cases = NULL;
}
