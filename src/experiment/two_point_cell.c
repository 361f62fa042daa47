/* SPDX-License-Identifier: MIT */
/*
 * A cell of the two_point experiment: its settings read once, and its network,
 *
 *     features -> (dropout) -> affine, f -> (+ the representation before the last)
 *                           -> ...       -> (dropout) -> affine
 *
 * The function is the product's own, unless something asks for values as they are behind it: SiLU
 * (its argument), a skip or dropout; then it is a layer.
 */
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "two_point.h"

const char *const two_point_activation_names[] = {"leaky_relu", "identity", "relu", "tanh",
                                                  "elu",        "silu",     NULL};

static enum pg_activation read_activation(const struct pg_values *values)
{
    static const enum pg_activation activations[] = {PG_LEAKY_RELU, PG_IDENTITY, PG_RELU,
                                                     PG_TANH,       PG_ELU,      PG_SILU};
    const char *name = pg_values_name(values, "activation");
    size_t index = 0;
    while (strcmp(two_point_activation_names[index], name) != 0)
        index++;
    return activations[index];
}

static bool is_yes(const struct pg_values *values, const char *name)
{
    return strcmp(pg_values_name(values, name), "yes") == 0;
}

/* ---- the network ---- */

struct network {
    enum pg_activation function;
    bool has_skip;
    float drop_rate, gain;
};

static void add_affine(const struct network *network, size_t index, size_t inputs, size_t outputs,
                       enum pg_activation activation, struct pg_model_spec *model)
{
    static const char *const parts[] = {"weight", "bias"};
    if (network->drop_rate > 0.0f)
        pg_cell_add_layer(model, &pg_layer_dropout, inputs, inputs)->drop_rate = network->drop_rate;
    struct pg_layer_spec *affine = pg_cell_add_layer(model, &pg_layer_affine, inputs, outputs);
    affine->activation = activation;
    affine->group = PG_GROUP_DECODER;
    affine->init = PG_INIT_XAVIER_NORMAL;
    affine->scale = network->gain;
    for (size_t i = 0; i < 2; i++)
        (void)snprintf(affine->names[i], sizeof affine->names[i], "layer.%zu.%s", index, parts[i]);
}

static bool is_layer(const struct network *network)
{
    return network->function == PG_SILU || network->has_skip || network->drop_rate > 0.0f;
}

/* The hidden layer n of `cell`, whose inputs the model has so far. */
static void add_hidden(const struct network *network, size_t n, struct two_point *cell)
{
    struct pg_model_spec *model = &cell->trainer.model;
    const size_t inputs = model->layers[model->layer_count - 1].outputs;
    const bool apart = is_layer(network);
    add_affine(network, n, inputs, cell->width, apart ? PG_IDENTITY : network->function, model);
    if (apart)
        pg_cell_add_layer(model, &pg_layer_activation, cell->width, cell->width)->function =
            network->function;
    if (network->has_skip && n > 1)
        pg_cell_add_layer(model, &pg_layer_residual, cell->width, cell->width)->skip =
            cell->hidden[n - 2];
    cell->hidden[n] = model->layer_count - 1;
}

static void read_model(const struct pg_values *values, struct two_point *cell)
{
    const struct network network = {
        .function = read_activation(values),
        .has_skip = is_yes(values, "skip"),
        .drop_rate = (float)pg_values_real(values, "dropout"),
        .gain = (float)pg_values_real(values, "init_gain"),
    };
    struct pg_model_spec *model = &cell->trainer.model;
    const size_t inputs = cell->points.inputs;
    model->loss = &pg_loss_half_squared_error;
    (void)pg_cell_add_layer(model, &pg_layer_features, inputs, inputs);
    for (size_t n = 0; n < cell->depth; n++)
        add_hidden(&network, n, cell);
    add_affine(&network, cell->depth, cell->width, cell->points.targets, PG_IDENTITY, model);
}

/* ---- the rest ---- */

/* Blobs: their observed points are the test set; an epoch is seen at its end. */
static void read_batches(const struct pg_values *values, struct two_point *cell)
{
    struct pg_trainer_spec *trainer = &cell->trainer;
    trainer->train_count = pg_two_point_blob_samples(&cell->blobs);
    trainer->test_count = cell->points.count;
    trainer->batch_size = (size_t)pg_values_integer(values, "batch_size");
    if (trainer->batch_size > 0 && trainer->batch_size <= trainer->train_count)
        trainer->evaluate_every = (int64_t)(trainer->train_count / trainer->batch_size);
    cell->first_point = trainer->train_count;
}

static void read_trainer(const struct pg_values *values, struct two_point *cell)
{
    struct pg_trainer_spec *trainer = &cell->trainer;
    bool is_sgd = strcmp(pg_values_name(values, "optimizer"), pg_optimizers[PG_SGD].name) == 0;
    trainer->optimizer = is_sgd ? PG_SGD : PG_ADAMW;
    trainer->classes = 1;
    trainer->train_count = cell->points.count;
    trainer->evaluate_every = 1;
    if (cell->task == TASK_BLOBS)
        read_batches(values, cell);
    if (trainer->batch_size == 0 && pg_values_real(values, "dropout") > 0.0)
        trainer->batch_size = trainer->train_count;
}

/* Mean squared distance of the targets over pairs, in which losses are given. */
static double unit_of_loss(const struct two_point_points *points)
{
    double sum = 0.0;
    for (size_t i = 0; i < points->count; i++)
        for (size_t j = i + 1; j < points->count; j++) {
            double apart = pg_two_point_target_distance(points, i, j);
            sum += apart * apart;
        }
    return sum > 0.0 ? sum / (double)pg_two_point_pairs(points) : 1.0;
}

static void read_rule(const struct pg_values *values, struct two_point *cell)
{
    const double unit = unit_of_loss(&cell->points);
    cell->steps = pg_values_integer(values, "steps");
    cell->stop_loss = unit * pg_values_real(values, "stop_loss");
    cell->learned_loss = unit * pg_values_real(values, "learned_loss");
    cell->rich_growth = pg_values_real(values, "rich_growth");
    cell->lazy_growth = pg_values_real(values, "lazy_growth");
    cell->fits = is_yes(values, "fit") && cell->task == TASK_TWO_POINT;
}

int pg_two_point_read(const struct pg_values *values, struct two_point *ret, struct pg_error *error)
{
    const char *task = pg_values_name(values, "task");
    memset(ret, 0, sizeof *ret);
    while (strcmp(two_point_task_names[ret->task], task) != 0)
        ret->task++;
    ret->blobs = pg_two_point_read_blobs(values);
    pg_two_point_place(values, &ret->points);
    ret->depth = (size_t)pg_values_integer(values, "depth");
    ret->width = (size_t)pg_values_integer(values, "width");
    ret->rates = pg_cell_rates(values, "learning_rate", pg_values_real(values, "weight_decay"));
    read_rule(values, ret);
    read_trainer(values, ret);
    read_model(values, ret);
    int status = pg_two_point_check_blobs(values, ret, error);
    if (status != 0 || ret->rich_growth >= ret->lazy_growth)
        return status;
    return pg_error_set(error, PG_EINPUT,
                        "rich_growth is %g and lazy_growth %g; a run cannot be both: expected "
                        "rich_growth >= lazy_growth",
                        ret->rich_growth, ret->lazy_growth);
}
