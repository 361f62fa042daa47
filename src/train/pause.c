/* SPDX-License-Identifier: MIT */
#include "phasegrid/pause.h"

bool pg_pause_saves(enum pg_pause pause)
{
    return pause == PG_PAUSE_SAVE || pause == PG_PAUSE_SAVE_AND_LEAVE;
}

bool pg_pause_leaves(enum pg_pause pause)
{
    return pause == PG_PAUSE_LEAVE || pause == PG_PAUSE_SAVE_AND_LEAVE;
}
