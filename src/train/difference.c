/* SPDX-License-Identifier: MIT */
/* Which runs one trainer can train: all that its memory and its loops look at must be the same. */
#include "phasegrid/trainer.h"

static bool is_same_layer(const struct pg_layer_spec *a, const struct pg_layer_spec *b)
{
    return a->kind == b->kind && a->inputs == b->inputs && a->outputs == b->outputs &&
           a->tables == b->tables && a->symbols == b->symbols && a->heads == b->heads &&
           a->skip == b->skip && a->drop_rate >= b->drop_rate && a->drop_rate <= b->drop_rate &&
           a->combine == b->combine && a->activation == b->activation &&
           a->function == b->function && a->init == b->init && a->group == b->group;
}

static bool are_same_layers(const struct pg_model_spec *a, const struct pg_model_spec *b)
{
    bool are_same = a->layer_count == b->layer_count;
    for (size_t l = 0; l < a->layer_count && are_same; l++)
        are_same = is_same_layer(&a->layers[l], &b->layers[l]);
    return are_same;
}

const char *pg_trainer_difference(const struct pg_trainer_spec *a, const struct pg_trainer_spec *b)
{
    const struct {
        const char *what;
        bool is_same;
    } parts[] = {
        {"model", are_same_layers(&a->model, &b->model)},
        {"loss", a->model.loss == b->model.loss},
        {"optimiser", a->optimizer == b->optimizer},
        {"arity", a->arity == b->arity},
        {"number of classes", a->classes == b->classes},
        {"number of training samples", a->train_count == b->train_count},
        {"number of test samples", a->test_count == b->test_count},
        {"batch size", a->batch_size == b->batch_size},
        {"readout", a->has_readout == b->has_readout},
        {"interval of evaluation", a->evaluate_every == b->evaluate_every},
        {"layout", a->layout == b->layout},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!parts[i].is_same)
            return parts[i].what;
    return NULL;
}
