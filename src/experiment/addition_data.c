/* SPDX-License-Identifier: MIT */
/*
 * The data of an addition run: the split, of the pairs i <= j in lexicographic order, and the
 * templates, one for each sum (src/experiment/pair_data.c).
 */
#include "addition.h"

/* The pair (i, j) of a sample index, by the rows i of the lexicographic order. */
static void find_pair(size_t symbols, size_t sample, uint32_t *ret_i, uint32_t *ret_j)
{
    size_t i = 0;
    for (; sample >= symbols - i; i++)
        sample -= symbols - i;
    *ret_i = (uint32_t)i;
    *ret_j = (uint32_t)(i + sample);
}

int pg_addition_fill_data(const struct addition *addition,
                          const struct pg_parallelograms *parallelograms,
                          const struct pg_run_request *request,
                          const struct pg_interruption *interruption, struct pg_pair_data *data,
                          struct pg_error *error)
{
    double rate = addition->rates[PG_GROUP_REPRESENTATION].learning_rate;
    int status =
        pg_pair_data_draw(&addition->pairs, parallelograms, request, interruption, data, error);
    if (status == 0)
        status = pg_split_rate(parallelograms, data->train_mask, rate, &data->theory, error);
    for (size_t place = 0; place < addition->pairs.sample_count && status == 0; place++) {
        uint32_t i = 0, j = 0;
        find_pair(addition->symbols, data->train_order[place], &i, &j);
        pg_pair_data_set(&addition->pairs, data, place, i, j, i + j);
    }
    return status;
}
