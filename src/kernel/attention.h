/* SPDX-License-Identifier: MIT */
/*
 * Attention of the last place of a sample to all its places, head by head in blocks of PG_LANES
 * numbers a row: PG_LANES samples of one run, or one sample of PG_LANES runs. A block's queries,
 * keys and values are taken from the table's columns, so that they exist only in L1; back they are
 * taken again, and their deltas are added to the columns.
 *
 * With samples in lanes the table is turned round first, which makes what a sample takes of a head
 * adjacent. Every sum is one chain of fused multiply-adds: over a head's rows, over the places; and
 * in the columns over the samples in order, in both layouts.
 */
#ifndef PHASEGRID_ATTENTION_H
#define PHASEGRID_ATTENTION_H

#include <string.h>

#include "elementary.h"
#include "tile.h"
#include "transpose.h"

/* Rows of one head of a block, PG_LANES numbers each. */
struct head {
    float *query;                 /* (width) */
    float *keys[PG_PLACES_MAX];   /* (width) */
    float *values[PG_PLACES_MAX]; /* (width) */
};

/* The parts of the scratch. */
struct attention_memory {
    struct head head, deltas;
    float *out;                    /* (width, PG_LANES) */
    float *turning;                /* (PG_LANES, width) */
    float *turned, *turned_deltas; /* (columns, rows), with samples in lanes */
};

/* Rows that transpose() takes. */
INLINE size_t eights(size_t rows)
{
    return (rows + 7) / 8 * 8;
}

INLINE float *cut_piece(float **rest, size_t numbers)
{
    float *piece = *rest;
    *rest += numbers;
    return piece;
}

INLINE void cut_head(const struct pg_attention *attention, float **rest, struct head *ret)
{
    const size_t numbers = eights(attention->width) * PG_LANES;
    ret->query = cut_piece(rest, numbers);
    for (size_t k = 0; k < attention->places; k++) {
        ret->keys[k] = cut_piece(rest, numbers);
        ret->values[k] = cut_piece(rest, numbers);
    }
}

/* Rows of the turned table, padded. */
INLINE size_t turned_row(const struct pg_attention *attention)
{
    return (3 * attention->heads * attention->width + PG_LANES - 1) / PG_LANES * PG_LANES;
}

INLINE struct attention_memory cut_scratch(const struct pg_attention *attention)
{
    struct attention_memory memory;
    const size_t numbers = eights(attention->width) * PG_LANES;
    const size_t table = eights(attention->columns) * turned_row(attention);
    float *rest = attention->scratch;
    cut_head(attention, &rest, &memory.head);
    cut_head(attention, &rest, &memory.deltas);
    memory.out = cut_piece(&rest, numbers);
    memory.turning = cut_piece(&rest, numbers);
    memory.turned = cut_piece(&rest, attention->lanes == 1 ? table : 0);
    memory.turned_deltas = rest;
    return memory;
}

/* ---- between the table and a block ---- */

/* Samples of the block that begins with sample n. */
INLINE size_t block_samples(const struct pg_attention *attention, size_t n)
{
    size_t left = attention->samples - n;
    return attention->lanes != 1 ? 1 : left < PG_LANES ? left : PG_LANES;
}

/* The columns that a block has at a place; those beyond the last sample are its own again. */
INLINE void find_columns(const struct pg_attention *attention, size_t n, size_t place,
                         size_t ret[PG_LANES])
{
    const bool is_one = attention->lanes == 1;
    const size_t count = is_one ? block_samples(attention, n) : PG_LANES;
    for (size_t i = 0; i < PG_LANES; i++) {
        size_t at = i < count ? i : count - 1;
        size_t index = is_one ? (n + at) * attention->places + place
                              : (n * attention->places + place) * PG_LANES + at;
        ret[i] = attention->symbols[index] + place * attention->place_columns;
    }
}

/* Rows row .. row + width of the columns. */
INLINE void take_rows(const struct pg_attention *attention, const struct attention_memory *memory,
                      const size_t columns[PG_LANES], size_t row, float *ret)
{
    const size_t width = attention->width, padded = eights(width);
    if (attention->lanes == 1) {
        for (size_t i = 0; i < PG_LANES; i++)
            memcpy(memory->turning + i * padded,
                   memory->turned + columns[i] * turned_row(attention) + row, width * sizeof *ret);
        transpose(memory->turning, padded, ret, PG_LANES, PG_LANES, padded);
        return;
    }
    for (size_t r = 0; r < width; r++)
        for (size_t i = 0; i < PG_LANES; i++)
            ret[r * PG_LANES + i] =
                attention->table[((row + r) * attention->table_row + columns[i]) * PG_LANES + i];
}

/* Adds a block's rows to those of the columns, of `count` samples with samples in lanes. */
INLINE void add_rows(const struct pg_attention *attention, const struct attention_memory *memory,
                     const size_t columns[PG_LANES], size_t count, size_t row, const float *rows,
                     float *deltas)
{
    const size_t width = attention->width, padded = eights(width);
    if (attention->lanes == 1) {
        transpose(rows, PG_LANES, memory->turning, padded, padded, PG_LANES);
        for (size_t i = 0; i < count; i++) {
            float *to = memory->turned_deltas + columns[i] * turned_row(attention) + row;
            for (size_t r = 0; r < width; r++)
                to[r] += memory->turning[i * padded + r];
        }
        return;
    }
    for (size_t r = 0; r < width; r++)
        for (size_t i = 0; i < PG_LANES; i++)
            deltas[((row + r) * attention->table_row + columns[i]) * PG_LANES + i] +=
                rows[r * PG_LANES + i];
}

/* First row of the queries (part 0), keys (1) or values (2) of a head. */
INLINE size_t row_of(const struct pg_attention *attention, size_t part, size_t head)
{
    return (part * attention->heads + head) * attention->width;
}

INLINE void take_head(const struct pg_attention *attention, const struct attention_memory *memory,
                      size_t columns[PG_PLACES_MAX][PG_LANES], size_t head)
{
    const size_t last = attention->places - 1;
    const struct head *to = &memory->head;
    take_rows(attention, memory, columns[last], row_of(attention, 0, head), to->query);
    for (size_t k = 0; k <= last; k++) {
        take_rows(attention, memory, columns[k], row_of(attention, 1, head), to->keys[k]);
        take_rows(attention, memory, columns[k], row_of(attention, 2, head), to->values[k]);
    }
}

INLINE void add_head(const struct pg_attention *attention, const struct attention_memory *memory,
                     size_t columns[PG_PLACES_MAX][PG_LANES], size_t count, size_t head,
                     float *deltas)
{
    const size_t last = attention->places - 1;
    const struct head *from = &memory->deltas;
    add_rows(attention, memory, columns[last], count, row_of(attention, 0, head), from->query,
             deltas);
    for (size_t k = 0; k <= last; k++) {
        add_rows(attention, memory, columns[k], count, row_of(attention, 1, head), from->keys[k],
                 deltas);
        add_rows(attention, memory, columns[k], count, row_of(attention, 2, head), from->values[k],
                 deltas);
    }
}

/* ---- a block ---- */

INLINE vector dot_rows(const float *a, const float *b, size_t width)
{
    vector sum = v_set(0.0f);
    for (size_t r = 0; r < width; r++)
        sum = v_fma(v_load(a + r * PG_LANES), v_load(b + r * PG_LANES), sum);
    return sum;
}

INLINE vector score_scale(size_t width)
{
    return v_div(v_set(1.0f), v_sqrt(v_set((float)width)));
}

/* ret (places): softmax of the scores of lanes lane .. lane + WIDTH. */
INLINE void attention_weights(const struct head *head, size_t width, size_t places, size_t lane,
                              vector *ret)
{
    const vector scale = score_scale(width);
    vector top, sum = v_set(0.0f);
    for (size_t k = 0; k < places; k++) {
        ret[k] = v_mul(scale, dot_rows(head->query + lane, head->keys[k] + lane, width));
        top = k == 0 ? ret[0] : v_max(top, ret[k]);
    }
    for (size_t k = 0; k < places; k++) {
        ret[k] = v_exp(v_sub(ret[k], top));
        sum = v_add(sum, ret[k]);
    }
    for (size_t k = 0; k < places; k++)
        ret[k] = v_div(ret[k], sum);
}

INLINE void attend_head(const struct head *head, size_t width, size_t places, float *out)
{
    for (size_t lane = 0; lane < PG_LANES; lane += WIDTH) {
        vector weights[PG_PLACES_MAX];
        attention_weights(head, width, places, lane, weights);
        for (size_t at = lane; at < width * PG_LANES; at += PG_LANES) {
            vector sum = v_mul(weights[0], v_load(head->values[0] + at));
            for (size_t k = 1; k < places; k++)
                sum = v_fma(weights[k], v_load(head->values[k] + at), sum);
            v_store(out + at, sum);
        }
    }
}

/* From the weights a and the deltas g = out . v of the places to those of the scores before their
   scale: scale a (g - sum of a g). */
INLINE void score_deltas(const struct head *head, size_t width, size_t places, const float *out,
                         const vector *weights, vector *ret)
{
    const vector scale = score_scale(width);
    vector mean = v_set(0.0f);
    for (size_t k = 0; k < places; k++) {
        ret[k] = dot_rows(out, head->values[k], width);
        mean = v_fma(weights[k], ret[k], mean);
    }
    for (size_t k = 0; k < places; k++)
        ret[k] = v_mul(scale, v_mul(weights[k], v_sub(ret[k], mean)));
}

INLINE struct head head_at(const struct head *head, size_t places, size_t lane)
{
    struct head at = {.query = head->query + lane};
    for (size_t k = 0; k < places; k++) {
        at.keys[k] = head->keys[k] + lane;
        at.values[k] = head->values[k] + lane;
    }
    return at;
}

INLINE void attend_back_head(const struct head *whole, size_t width, size_t places,
                             const float *out, const struct head *deltas)
{
    for (size_t lane = 0; lane < PG_LANES; lane += WIDTH) {
        const struct head head = head_at(whole, places, lane), to = head_at(deltas, places, lane);
        vector weights[PG_PLACES_MAX], scores[PG_PLACES_MAX];
        attention_weights(whole, width, places, lane, weights);
        score_deltas(&head, width, places, out + lane, weights, scores);
        for (size_t at = 0; at < width * PG_LANES; at += PG_LANES) {
            vector query = v_load(head.query + at), delta = v_load(out + lane + at);
            vector sum = v_mul(scores[0], v_load(head.keys[0] + at));
            for (size_t k = 1; k < places; k++)
                sum = v_fma(scores[k], v_load(head.keys[k] + at), sum);
            v_store(to.query + at, sum);
            for (size_t k = 0; k < places; k++) {
                v_store(to.keys[k] + at, v_mul(scores[k], query));
                v_store(to.values[k] + at, v_mul(weights[k], delta));
            }
        }
    }
}

/* ---- all blocks ---- */

/* Numbers of `row` of sample n in an array laid out as `out`. */
INLINE size_t out_index(const struct pg_attention *attention, size_t row, size_t n)
{
    return (row * attention->out_row + n) * attention->lanes;
}

INLINE void turn_table(const struct pg_attention *attention, const float *table, float *turned)
{
    if (attention->lanes == 1)
        transpose(table, attention->table_row, turned, turned_row(attention), turned_row(attention),
                  eights(attention->columns));
}

static void attend(const struct pg_attention *attention, float *out)
{
    const struct attention_memory memory = cut_scratch(attention);
    const size_t width = attention->width, places = attention->places;
    turn_table(attention, attention->table, memory.turned);
    for (size_t n = 0; n < attention->samples; n += attention->lanes == 1 ? PG_LANES : 1) {
        size_t columns[PG_PLACES_MAX][PG_LANES];
        for (size_t k = 0; k < places; k++)
            find_columns(attention, n, k, columns[k]);
        for (size_t h = 0; h < attention->heads; h++) {
            take_head(attention, &memory, columns, h);
            attend_head(&memory.head, width, places, memory.out);
            for (size_t r = 0; r < width; r++)
                memcpy(out + out_index(attention, h * width + r, n), memory.out + r * PG_LANES,
                       PG_LANES * sizeof *out);
        }
    }
}

static void attend_back(const struct pg_attention *attention, const float *delta_out, float *deltas)
{
    const struct attention_memory memory = cut_scratch(attention);
    const size_t width = attention->width, places = attention->places;
    turn_table(attention, attention->table, memory.turned);
    turn_table(attention, deltas, memory.turned_deltas);
    for (size_t n = 0; n < attention->samples; n += attention->lanes == 1 ? PG_LANES : 1) {
        size_t columns[PG_PLACES_MAX][PG_LANES], count = block_samples(attention, n);
        for (size_t k = 0; k < places; k++)
            find_columns(attention, n, k, columns[k]);
        for (size_t h = 0; h < attention->heads; h++) {
            take_head(attention, &memory, columns, h);
            for (size_t r = 0; r < width; r++)
                memcpy(memory.out + r * PG_LANES,
                       delta_out + out_index(attention, h * width + r, n),
                       PG_LANES * sizeof *delta_out);
            attend_back_head(&memory.head, width, places, memory.out, &memory.deltas);
            add_head(attention, &memory, columns, count, h, deltas);
        }
    }
    if (attention->lanes == 1)
        transpose(memory.turned_deltas, turned_row(attention), deltas, attention->table_row,
                  eights(attention->columns), turned_row(attention));
}

#endif
