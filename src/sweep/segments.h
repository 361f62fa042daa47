/* SPDX-License-Identifier: MIT */
/* The dimension "segment": the matrices of the models, and where each cell has them. */
#ifndef PHASEGRID_SWEEP_SEGMENTS_H
#define PHASEGRID_SWEEP_SEGMENTS_H

#include "phasegrid/layout.h"
#include "phasegrid/survey.h"

enum pg_segment_part {
    PG_SEGMENT_OFFSET,
    PG_SEGMENT_ROWS,
    PG_SEGMENT_COLUMNS,
    PG_SEGMENT_PARTS,
};

/* int64 over (grid cells, segment); -1 where a cell lacks the segment. */
extern const struct pg_variable pg_segment_variables[PG_SEGMENT_PARTS];

/* How many names there are at most: the sum over all shapes. */
size_t pg_segments_count(const struct pg_survey *survey);

/* names (pg_segments_count()): those of the largest model in its order, then what only others
   have; returns their number. */
size_t pg_segments_name(const struct pg_survey *survey, const char **names);

/* data (cell_count, name_count): one part of the segments of every cell. */
void pg_segments_describe(const struct pg_survey *survey, const char *const *names,
                          size_t name_count, enum pg_segment_part part, int64_t *data);

#endif
