/* SPDX-License-Identifier: MIT */
/*
 * The points of the tasks: two on a line; XOR; blobs (two_point_blobs.c); the leaves of a binary
 * tree, one input for each leaf and one target for each node but the root, 1 where the leaf stands
 * below it. So all leaves are equally far from each other at the input, and at the target as far as
 * they are in the tree.
 */
#include <math.h>
#include <string.h>

#include "two_point.h"

const char *const two_point_task_names[] = {"two_point", "xor", "tree", "blobs", NULL};

/* van Rossem and Saxe (2024): inputs from -1, targets from 0.6 on. */
static void place_two(const struct pg_values *values, struct two_point_points *to)
{
    to->count = 2;
    to->inputs = to->targets = 1;
    to->x[0][0] = -1.0;
    to->x[1][0] = -1.0 + pg_values_real(values, "input_distance");
    to->y[0][0] = 0.6;
    to->y[1][0] = 0.6 + pg_values_real(values, "target_distance");
}

static void place_xor(struct two_point_points *to)
{
    to->count = 4;
    to->inputs = 2;
    to->targets = 1;
    for (size_t i = 0; i < 4; i++) {
        to->x[i][0] = (double)(i >> 1);
        to->x[i][1] = (double)(i & 1);
        to->y[i][0] = (double)((i >> 1) ^ (i & 1));
    }
}

/* Nodes from below the root, level by level: of level k = 1, 2, ... there are 2^k. */
static void place_tree(size_t levels, struct two_point_points *to)
{
    to->count = to->inputs = (size_t)1 << levels;
    to->targets = 2 * to->count - 2;
    for (size_t leaf = 0; leaf < to->count; leaf++) {
        to->x[leaf][leaf] = 1.0;
        for (size_t level = 1; level <= levels; level++) {
            size_t node = ((size_t)1 << level) - 2 + (leaf >> (levels - level));
            to->y[leaf][node] = 1.0;
        }
    }
}

static void centre(size_t count, size_t columns, size_t row, double *values)
{
    for (size_t c = 0; c < columns; c++) {
        double sum = 0.0;
        for (size_t i = 0; i < count; i++)
            sum += values[i * row + c];
        for (size_t i = 0; i < count; i++)
            values[i * row + c] -= sum / (double)count;
    }
}

void pg_two_point_place(const struct pg_values *values, struct two_point_points *ret)
{
    const char *task = pg_values_name(values, "task");
    memset(ret, 0, sizeof *ret);
    if (strcmp(task, two_point_task_names[TASK_XOR]) == 0)
        place_xor(ret);
    else if (strcmp(task, two_point_task_names[TASK_TREE]) == 0)
        place_tree((size_t)pg_values_integer(values, "tree_levels"), ret);
    else if (strcmp(task, two_point_task_names[TASK_BLOBS]) == 0) {
        const struct two_point_blobs blobs = pg_two_point_read_blobs(values);
        pg_two_point_place_blobs(&blobs, ret);
    } else
        place_two(values, ret);
    if (strcmp(pg_values_name(values, "centred"), "yes") != 0)
        return;
    centre(ret->count, ret->inputs, INPUTS_MAX, ret->x[0]);
    centre(ret->count, ret->targets, TARGETS_MAX, ret->y[0]);
}

static double distance(const double *a, const double *b, size_t count)
{
    double sum = 0.0;
    for (size_t c = 0; c < count; c++)
        sum += (a[c] - b[c]) * (a[c] - b[c]);
    return sqrt(sum);
}

double pg_two_point_input_distance(const struct two_point_points *points, size_t i, size_t j)
{
    return distance(points->x[i], points->x[j], points->inputs);
}

double pg_two_point_target_distance(const struct two_point_points *points, size_t i, size_t j)
{
    return distance(points->y[i], points->y[j], points->targets);
}

size_t pg_two_point_pairs(const struct two_point_points *points)
{
    return points->count * (points->count - 1) / 2;
}
