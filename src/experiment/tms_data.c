/* SPDX-License-Identifier: MIT */
/*
 * Data sets of the toy model of superposition, and batches of them. A batch is drawn with
 * replacement, word s of the lane's stream being sample floor(word n / 2^32), and grouped by
 * feature for the kernel. Lanes with the same stream and the same data share what is drawn.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tms.h"

/* ---- memory ---- */

/* Magnitudes of a feature that there is room for: ten deviations above the mean, so that no draw of
   a lifetime needs more, and one less than a power of two. */
static size_t room_of(size_t samples, size_t features)
{
    double mean = (double)samples / (double)features;
    size_t need = (size_t)(mean + 10.0 * sqrt(mean) + 16.0), room = 1;
    while (room < need && room < samples)
        room = 2 * room + 1;
    return room;
}

void pg_tms_arrange(const struct tms *tms, size_t batch_most, const struct pg_kernel *kernel,
                    struct tms_data *data, struct pg_arena *arena)
{
    const size_t c = tms->model.features, n = tms->samples;
    const size_t words = (batch_most + 3) / 4 * 4 * PG_LANES;
    data->model = tms->model;
    data->kernel = kernel;
    data->samples = n;
    data->view.room = room_of(n, c);
    for (size_t i = 0; i < PG_LANES; i++) {
        data->sets[i].features = pg_arena_take(arena, n);
        data->sets[i].magnitudes = pg_arena_take(arena, n * sizeof(double));
    }
    size_t set = n > 0 ? pg_autoencoder_sorted_size(c, data->view.room) : 0;
    data->sorted = pg_arena_take(arena, PG_LANES * set * sizeof(double));
    data->view.base = data->sorted;
    data->words = pg_arena_take(arena, words * sizeof *data->words);
    data->rows = pg_arena_take(arena, PG_LANES * words * sizeof *data->rows);
}

/* ---- a set ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Magnitudes of one feature in order, and their sums. */
static int sort_feature(struct tms_data *data, size_t seat, size_t feature, struct pg_error *error)
{
    const size_t c = data->model.features, room = data->view.room;
    const struct tms_set *set = &data->sets[seat];
    double *base = data->sorted + seat * pg_autoencoder_sorted_size(c, room);
    double *magnitudes = base + feature * room;
    double *sums = base + c * room + feature * (room + 1), *squares = sums + c * (room + 1);
    size_t count = 0;
    for (size_t n = 0; n < data->samples; n++) {
        if (set->features[n] != feature)
            continue;
        if (count == room)
            return pg_error_set(error, PG_EMACHINE, "feature %zu has more than %zu of %zu samples",
                                feature, room, data->samples);
        magnitudes[count++] = set->magnitudes[n];
    }
    qsort(magnitudes, count, sizeof *magnitudes, ascending);
    sums[0] = squares[0] = 0.0;
    for (size_t i = 0; i < room; i++) {
        double m = i < count ? magnitudes[i] : 0.0;
        sums[i + 1] = sums[i] + m;
        squares[i + 1] = squares[i] + m * m;
        if (i >= count)
            magnitudes[i] = (double)INFINITY;
    }
    data->counts[feature][seat] = (double)count;
    return 0;
}

int pg_tms_draw(struct tms_data *data, size_t seat, uint32_t seed, uint32_t mix,
                struct pg_error *error)
{
    const struct pg_random random = pg_random_make(seed, PG_STREAM_SPLIT, mix);
    struct tms_set *set = &data->sets[seat];
    int status = 0;
    set->seed = seed;
    set->mix = mix;
    for (size_t n = 0; n < data->samples; n++) {
        uint32_t i = (uint32_t)n, c = (uint32_t)data->model.features;
        set->features[n] = (uint8_t)pg_random_below(&random, c, i, 0, 0);
        set->magnitudes[n] = (double)pg_random_uniform(&random, i, 1, 0);
    }
    for (size_t j = 0; j < data->model.features && status == 0 && data->samples > 0; j++)
        status = sort_feature(data, seat, j, error);
    return status;
}

/* ---- the landscape ---- */

static void look_at(void *context, size_t lane, size_t set)
{
    struct tms_data *data = context;
    const size_t size = pg_autoencoder_sorted_size(data->model.features, data->view.room);
    data->looked_at[lane] = set;
    data->view.offset[lane] = (double)(set * size);
    data->view.scale[lane] = 1.0 / (double)data->samples;
    for (size_t j = 0; j < data->model.features; j++)
        data->view.count[j][lane] = data->counts[j][set];
}

static void full(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    const struct tms_data *data = context;
    data->kernel->in_lanes->autoencoder_sorted(&data->model, &data->view, w, ret_loss,
                                               ret_gradient);
}

static void population(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    const struct tms_data *data = context;
    data->kernel->in_lanes->autoencoder_population(&data->model, w, ret_loss, ret_gradient);
}

/* Whether a lane draws what lane 0 draws. */
static bool draws_as_first(const struct tms_data *data, const struct pg_lane_random *random,
                           size_t lane)
{
    const struct tms_set *own = &data->sets[data->looked_at[lane]];
    const struct tms_set *first = &data->sets[data->looked_at[0]];
    bool is_same = own->seed == first->seed && own->mix == first->mix;
    for (size_t i = 0; i < 2; i++)
        is_same = is_same && random->key[i][lane] == random->key[i][0];
    for (size_t i = 0; i < 3; i++)
        is_same = is_same && random->counter[i][lane] == random->counter[i][0];
    return is_same;
}

static uint32_t sample_of(const struct tms_data *data, uint32_t word)
{
    return (uint32_t)((uint64_t)word * data->samples >> 32);
}

/* ---- a batch that all lanes share: words in order; each feature has room for all of it ---- */

static void draw_shared(struct tms_data *data, const struct pg_lane_random *random, size_t size,
                        struct pg_autoencoder_batch *batch)
{
    const struct tms_set *set = &data->sets[data->looked_at[0]];
    double *next[TMS_FEATURES_MAX];
    for (size_t j = 0; j < data->model.features; j++) {
        batch->first[j] = j * size;
        next[j] = data->rows + batch->first[j];
    }
    data->kernel->in_lanes->stream(random, 0, (size + 3) / 4, data->words);
    for (size_t s = 0; s < size; s++) {
        uint32_t sample = sample_of(data, data->words[s]);
        *next[set->features[sample]]++ = set->magnitudes[sample];
    }
    for (size_t j = 0; j < data->model.features; j++)
        batch->slots[j] = (size_t)(next[j] - data->rows) - batch->first[j];
    memcpy(batch->full, batch->slots, sizeof batch->full);
    batch->is_shared = true;
}

/* ---- batches of each lane's own: words (size, PG_LANES) ---- */

static void count_lane(struct tms_data *data, size_t size, size_t lane,
                       struct pg_autoencoder_batch *batch)
{
    const uint8_t *features = data->sets[data->looked_at[lane]].features;
    size_t counts[TMS_FEATURES_MAX] = {0};
    for (size_t s = 0; s < size; s++) {
        uint32_t *word = &data->words[s * PG_LANES + lane];
        *word = sample_of(data, *word);
        counts[features[*word]]++;
    }
    for (size_t j = 0; j < data->model.features; j++) {
        batch->slots[j] = counts[j] > batch->slots[j] ? counts[j] : batch->slots[j];
        batch->full[j] = lane == 0 || counts[j] < batch->full[j] ? counts[j] : batch->full[j];
    }
}

static void put_lane(struct tms_data *data, const struct pg_autoencoder_batch *batch, size_t size,
                     size_t lane)
{
    const struct tms_set *set = &data->sets[data->looked_at[lane]];
    size_t next[TMS_FEATURES_MAX];
    memcpy(next, batch->first, sizeof next);
    for (size_t s = 0; s < size; s++) {
        uint32_t sample = data->words[s * PG_LANES + lane];
        data->rows[next[set->features[sample]]++ * PG_LANES + lane] = set->magnitudes[sample];
    }
    for (size_t j = 0; j < data->model.features; j++)
        for (size_t row = next[j]; row < batch->first[j] + batch->slots[j]; row++)
            data->rows[row * PG_LANES + lane] = -1.0;
}

static void draw_own(struct tms_data *data, const struct pg_lane_random *random, size_t size,
                     struct pg_autoencoder_batch *batch)
{
    data->kernel->in_lanes->words(random, 0, (size + 3) / 4, data->words);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        count_lane(data, size, lane, batch);
    for (size_t j = 1; j < data->model.features; j++)
        batch->first[j] = batch->first[j - 1] + batch->slots[j - 1];
    for (size_t lane = 0; lane < PG_LANES; lane++)
        put_lane(data, batch, size, lane);
}

static void batch(void *context, const struct pg_lane_random *random, size_t size, const double *w,
                  double *ret_loss, double *ret_gradient)
{
    struct tms_data *data = context;
    struct pg_autoencoder_batch drawn = {.magnitudes = data->rows, .scale = 1.0 / (double)size};
    size_t same = 1;
    while (same < PG_LANES && draws_as_first(data, random, same))
        same++;
    if (same == PG_LANES)
        draw_shared(data, random, size, &drawn);
    else
        draw_own(data, random, size, &drawn);
    data->kernel->in_lanes->autoencoder_batch(&data->model, &drawn, w, ret_loss, ret_gradient);
}

struct pg_landscape pg_tms_landscape(struct tms_data *data)
{
    return (struct pg_landscape){.parameters = pg_autoencoder_parameters(&data->model),
                                 .scores_full = true,
                                 .context = data,
                                 .look_at = look_at,
                                 .full = data->samples > 0 ? full : population,
                                 .batch = data->samples > 0 ? batch : NULL};
}
