/* SPDX-License-Identifier: MIT */
/* What the files of the toy model of superposition share. */
#ifndef PHASEGRID_TMS_H
#define PHASEGRID_TMS_H

#include "autoencoder.h"
#include "descent.h"
#include "phasegrid/kgon.h"

enum { TMS_FEATURES_MAX = PG_AUTOENCODER_MAX, TMS_JUMPS_MAX = 16, TMS_SAMPLES_MAX = 10000000 };

enum tms_start { TMS_RANDOM, TMS_KGON };

/* A cell's settings, read once. */
struct tms {
    struct pg_autoencoder_shape model;
    size_t samples; /* 0: the population */
    enum tms_start start;
    size_t k, sigma, phi; /* of the start */
    double init_scale, weight_noise, bias_noise, dead_bias;
    bool is_turned;                             /* by a random angle */
    struct pg_kgon kgons[TMS_FEATURES_MAX + 1]; /* of pg_tms_solve(); k 0: there is none */
    struct pg_segment segments[2];
    struct pg_descent_shape shape;
};

int pg_tms_read(const struct pg_values *values, struct tms *ret,
                struct pg_error *error) PG_CHECK_RESULT;

/* Refuses `epochs` of more steps than `steps`, for which the trajectory has room. */
int pg_tms_check_budget(const struct pg_values *values, const struct tms *tms,
                        struct pg_error *error) PG_CHECK_RESULT;

/* Finds the k-gons that the phase rule compares with. */
void pg_tms_solve(struct tms *tms);

/* ret_w (parameters): where the run of the request starts. */
int pg_tms_start(const struct tms *tms, const struct pg_run_request *request, double *ret_w,
                 struct pg_error *error) PG_CHECK_RESULT;

/* ---- data: of PG_LANES seats ---- */

struct tms_data {
    struct pg_autoencoder_shape model;
    const struct pg_kernel *kernel;
    size_t samples;
    struct tms_set {
        uint32_t seed, mix;
        uint8_t *features;  /* (samples) */
        double *magnitudes; /* (samples) */
    } sets[PG_LANES];
    size_t looked_at[PG_LANES];                /* the set of each lane */
    double *sorted;                            /* (PG_LANES, pg_autoencoder_sorted_size()) */
    double counts[TMS_FEATURES_MAX][PG_LANES]; /* of each set */
    struct pg_autoencoder_sorted view;         /* of the lanes */
    uint32_t *words;                           /* of a batch */
    double *rows;
};

/* Takes the memory of all sets and of batches up to batch_most. */
void pg_tms_arrange(const struct tms *tms, size_t batch_most, const struct pg_kernel *kernel,
                    struct tms_data *data, struct pg_arena *arena);

/* Draws the set of a seat: sample i has a uniform feature and a uniform magnitude in [0, 1), both
   functions of (seed, i), so that sets are nested over sample_count. */
int pg_tms_draw(struct tms_data *data, size_t seat, uint32_t seed, uint32_t mix,
                struct pg_error *error) PG_CHECK_RESULT;

/* The empirical loss, or that of the population where there are no samples. */
struct pg_landscape pg_tms_landscape(struct tms_data *data);

/* ---- phases ---- */

extern const char *const pg_tms_phase_names[]; /* NULL-terminated */
enum { TMS_UNCLASSIFIED, TMS_DIVERGED };

/* The phase by hull and signs, unclassified where the population loss is more than .004 from the
   phase's, and where the model has not two hidden dimensions. After pg_tms_solve(). */
int pg_tms_classify(const struct tms *tms, const double *w, double population_loss,
                    struct pg_superposition_phase *ret_phase);

#endif
