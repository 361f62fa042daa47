/* SPDX-License-Identifier: MIT */
/* What the cells of several experiments say in the same words: rates, decoders, samples. */
#ifndef PHASEGRID_CELL_H
#define PHASEGRID_CELL_H

#include "phasegrid/experiment.h"
#include "phasegrid/trainer.h"

/* The names behind the settings `activation`. */
extern const char *const pg_activation_names[]; /* NULL-terminated */
enum pg_activation pg_cell_activation(const struct pg_values *values);

enum { PG_DECODER_DEPTH_MAX = 12 };

/* Hidden widths, from decoder_widths, or decoder_width and decoder_depth; returns their number. */
size_t pg_cell_widths(const struct pg_values *values, size_t ret_widths[PG_LIST_MAX]);

/* Rates of one group of parameters; learning_rate names a setting. */
struct pg_rates pg_cell_rates(const struct pg_values *values, const char *learning_rate,
                              double weight_decay);

/* Adds an empty layer, and one of the decoder, whose segments are decoder.INDEX.weight and .bias.
 */
struct pg_layer_spec *pg_cell_add_layer(struct pg_model_spec *model,
                                        const struct pg_layer_kind *kind, size_t inputs,
                                        size_t outputs);
void pg_cell_add_decoder_layer(struct pg_model_spec *model, const struct pg_values *values,
                               size_t index, size_t inputs, size_t outputs,
                               enum pg_activation activation);

/* Places of the variant that the trainer's takes; those of LLC estimates stand behind. */
enum { PG_TRAINER_VARIANT = 9 };

/* What the shape says of the trainer: its layout and cost, and all in which runs side by side must
   agree that the segments do not show. `bytes` is left to the experiment. */
void pg_cell_put_trainer(const struct pg_trainer_spec *trainer, struct pg_shape *ret_shape);

/* Training samples of `sample_count`, from train_count or data_fraction. */
size_t pg_cell_train_count(const struct pg_values *values, size_t sample_count);

/* Of sample_count samples at least one trains and one tests; batch_size fits. */
int pg_cell_check_split(const struct pg_values *values, const struct pg_trainer_spec *trainer,
                        size_t sample_count, struct pg_error *error) PG_CHECK_RESULT;

/* The same, and decoder_widths has at most PG_DECODER_DEPTH_MAX. */
int pg_cell_check_counts(const struct pg_values *values, const struct pg_trainer_spec *trainer,
                         size_t sample_count, struct pg_error *error) PG_CHECK_RESULT;

/* The sample indices of the batches of steps first .. last of a run. train_order (train_count):
   the training samples' indices in the order in which they stand; a full batch is that order. */
int pg_cell_put_batches(const struct pg_run_request *request, const struct pg_trainer_spec *trainer,
                        const uint32_t *train_order, int64_t first, int64_t last,
                        const struct pg_batch_sink *sink, struct pg_error *error) PG_CHECK_RESULT;

#endif
