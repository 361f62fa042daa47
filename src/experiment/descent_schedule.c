/* SPDX-License-Identifier: MIT */
/*
 * Schedules, batches and label noise from their keys. Nothing here is state: a permutation that is
 * kept is one that would be drawn again.
 */
#include "descent_schedule.h"

#include <string.h>

#include "phasegrid/random.h"

/* ---- learning rate and momentum ---- */

struct pg_schedule pg_schedule_read(const struct pg_values *values)
{
    if (pg_schema_find(values->schema, "lr_decay_at") < 0)
        return (struct pg_schedule){0};
    return (struct pg_schedule){.changes = true,
                                .decay_factor = pg_values_real(values, "lr_decay_factor"),
                                .decay_at = pg_values_real(values, "lr_decay_at"),
                                .momentum_until = pg_values_real(values, "momentum_until")};
}

static bool is_over(double share, int64_t step, int64_t steps)
{
    return (double)step >= share * (double)steps;
}

double pg_schedule_rate(const struct pg_schedule *schedule, double learning_rate, int64_t step,
                        int64_t steps)
{
    bool decays = schedule->changes && is_over(schedule->decay_at, step, steps);
    return decays ? learning_rate / schedule->decay_factor : learning_rate;
}

double pg_schedule_momentum(const struct pg_schedule *schedule, double momentum, int64_t step,
                            int64_t steps)
{
    bool ends = schedule->changes && is_over(schedule->momentum_until, step, steps);
    return ends ? 0.0 : momentum;
}

/* ---- samples ---- */

const char *const pg_sampling_names[] = {"with_replacement", "epochs", NULL};

enum pg_sampling pg_sampling_read(const struct pg_values *values)
{
    bool has_epochs = strcmp(pg_values_name(values, "sampling"), "epochs") == 0;
    return has_epochs ? PG_EPOCHS : PG_WITH_REPLACEMENT;
}

void pg_sampling_arrange(size_t samples, size_t batch_most, struct pg_arena *arena,
                         struct pg_sampler_lanes *ret)
{
    const size_t words = (batch_most + 3) / 4 * 4 * PG_LANES;
    memset(ret, 0, sizeof *ret);
    ret->samples = samples;
    ret->orders = pg_arena_take(arena, PG_LANES * samples * sizeof *ret->orders);
    ret->words = pg_arena_take(arena, words * sizeof *ret->words);
}

uint64_t pg_step_of(const struct pg_lane_random *random, size_t lane)
{
    return (uint64_t)random->counter[1][lane] << 32 | random->counter[0][lane];
}

/* The permutation (samples) of an epoch. */
static const uint32_t *order_of(struct pg_sampler_lanes *lanes, const struct pg_lane_random *random,
                                size_t lane, uint64_t epoch)
{
    const uint32_t seed = random->key[0][lane], mix = random->counter[2][lane];
    struct pg_drawn_order *drawn = &lanes->drawn[lane];
    uint32_t *order = lanes->orders + lane * lanes->samples;
    if (drawn->is_drawn && drawn->epoch == epoch && drawn->seed == seed && drawn->mix == mix)
        return order;
    const struct pg_random orders = pg_random_make(seed, PG_STREAM_ORDERS, mix);
    pg_random_permutation(&orders, (uint32_t)epoch, (uint32_t)(epoch >> 32), order, lanes->samples);
    *drawn = (struct pg_drawn_order){epoch, seed, mix, true};
    return order;
}

const uint32_t *pg_sampling_draw(struct pg_sampler_lanes *lanes, enum pg_sampling sampling,
                                 const struct pg_kernel *kernel,
                                 const struct pg_lane_random *random, size_t size)
{
    const uint64_t n = lanes->samples;
    if (sampling == PG_WITH_REPLACEMENT) {
        kernel->in_lanes->words(random, 0, (size + 3) / 4, lanes->words);
        for (size_t i = 0; i < size * PG_LANES; i++)
            lanes->words[i] = (uint32_t)(lanes->words[i] * n >> 32);
        return lanes->words;
    }
    for (size_t lane = 0; lane < PG_LANES; lane++)
        for (size_t s = 0; s < size; s++) {
            uint64_t place = (pg_step_of(random, lane) - 1) * size + s;
            lanes->words[s * PG_LANES + lane] = order_of(lanes, random, lane, place / n)[place % n];
        }
    return lanes->words;
}

/* ---- label noise ---- */

struct pg_label_noise pg_label_noise_read(const struct pg_values *values)
{
    return (struct pg_label_noise){.delta = pg_values_real(values, "label_noise"),
                                   .until = pg_values_real(values, "label_noise_until")};
}

double pg_label_noise_draw(const struct pg_label_noise *noise, const struct pg_lane_random *random,
                           size_t lane, size_t place, int64_t steps)
{
    const uint64_t step = pg_step_of(random, lane);
    if (noise->delta <= 0.0 || is_over(noise->until, (int64_t)(step - 1), steps))
        return 0.0;
    const struct pg_random coins =
        pg_random_make(random->key[0][lane], PG_STREAM_LABEL_NOISE, random->counter[2][lane]);
    uint32_t word =
        pg_random_word(&coins, (uint32_t)place, random->counter[0][lane], random->counter[1][lane]);
    return word >> 31 != 0 ? noise->delta : -noise->delta;
}
