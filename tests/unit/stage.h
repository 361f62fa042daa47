/* SPDX-License-Identifier: MIT */
/*
 * A source of runs that pauses as a test says, and sees to it that every run in training is saved
 * when it asked for that, and no other.
 */
#ifndef PHASEGRID_TESTS_STAGE_H
#define PHASEGRID_TESTS_STAGE_H

#include "phasegrid/kernel.h"
#include "row.h"

enum { STAGE_RUNS = 40, STAGE_STATE_MAX = 192 * 1024 };

/* A run between two steps. */
struct saved {
    unsigned char bytes[STAGE_STATE_MAX];
    size_t size; /* 0: it is not saved */
    int64_t step;
};

struct stage {
    struct row *rows;    /* [run], prepared */
    const size_t *order; /* (count) runs, in which they are given */
    size_t count;
    bool waits; /* drawing data may take pauses */
    enum pg_pause (*says)(const struct stage *stage);
    void (*keep)(size_t run, const struct saved *saved); /* may be NULL */
    /* What it sees. */
    size_t given, finished;
    long pauses;
    bool is_asked; /* the last pause asked for states */
    size_t newest; /* the run given last before it */
    bool is_expected[STAGE_RUNS], is_kept[STAGE_RUNS];
    int64_t first_step[STAGE_RUNS]; /* of the first state of each run; -1: none */
    size_t waited;                  /* pauses in which a run without a state waited for its data */
    struct saved saved;
    struct pg_error error;
};

/* Trains the stage's runs in a layout (PHASEGRID_LAYOUT's name), on a kernel. */
int stage_play(struct stage *stage, const char *layout, const struct pg_kernel *kernel);

/* The kernels of this CPU, in turn, the fastest first. */
const struct pg_kernel *stage_kernel(size_t turn);

#endif
