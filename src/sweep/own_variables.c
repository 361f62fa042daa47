/* SPDX-License-Identifier: MIT */
/* What every sweep says of a run: how it ended, and, outside the digest, what it cost where. */
#include "own_variables.h"

#include <signal.h>

#include "phasegrid/kernel.h"

static const char *const status_meanings[] = {"todo", "done", "diverged", "failed", NULL};
static const char *const failure_meanings[] = {
    [PG_FAILURE_NONE] = "none",
    [PG_FAILURE_MEMORY] = "out_of_memory",
    [PG_FAILURE_REFUSED] = "settings_refused",
    [PG_FAILURE_SEGV] = "segmentation_fault",
    [PG_FAILURE_BUS] = "bus_error",
    [PG_FAILURE_ILL] = "illegal_instruction",
    [PG_FAILURE_FPE] = "arithmetic_error",
    [PG_FAILURE_ABRT] = "aborted",
    [PG_FAILURE_COUNT] = NULL,
};

const struct pg_variable pg_status_variable = {
    .name = "status", .long_name = "state of the run", .type = PG_U8, .meanings = status_meanings};
const struct pg_variable pg_crc_variable = {
    .name = "row_crc", .long_name = "CRC-32 of the run's payload", .type = PG_I64, .fill = -1};

const struct pg_variable pg_own_variables[PG_OWN_COUNT] = {
    [PG_OWN_FAILURE] = {.name = "failure",
                        .long_name = "why the run failed",
                        .type = PG_U8,
                        .fill = 255,
                        .meanings = failure_meanings,
                        .unwritten_meaning = "not_run"},
    [PG_OWN_LAST_STEP] = {.name = "last_step",
                          .long_name = "steps trained when the run ended",
                          .units = "steps",
                          .type = PG_I64,
                          .fill = -1},
    [PG_OWN_WALL_SECONDS] = {.name = "wall_seconds",
                             .long_name =
                                 "time that the run took, its share of what runs side by side took",
                             .units = "s",
                             .type = PG_F64,
                             .fill = PG_NAN,
                             .is_volatile = true},
    [PG_OWN_RANK] = {.name = "rank",
                     .long_name = "MPI rank that trained the run",
                     .type = PG_I32,
                     .fill = -1,
                     .is_volatile = true},
    [PG_OWN_KERNEL] = {.name = "kernel",
                       .long_name = "instruction set of the inner loops",
                       .type = PG_U8,
                       .fill = 255,
                       .meanings = pg_kernel_names,
                       .unwritten_meaning = "not_run",
                       .is_volatile = true},
    [PG_OWN_BLAS_CORE] = {.name = "blas_core",
                          .long_name = "core of OpenBLAS that multiplied very wide layers",
                          .type = PG_U8,
                          .fill = 255,
                          .meanings = pg_blas_core_names,
                          .unwritten_meaning = "not_run",
                          .is_volatile = true},
    [PG_OWN_NUMERICS] = {.name = "numerics",
                         .long_name = "numerics of the program that trained the run",
                         .type = PG_I32,
                         .fill = -1,
                         .is_volatile = true},
    [PG_OWN_FINISHED_AT] = {.name = "finished_at",
                            .long_name = "moment at which the run ended",
                            .units = "seconds since 1970-01-01 00:00:00",
                            .type = PG_F64,
                            .fill = PG_NAN,
                            .is_volatile = true},
    [PG_OWN_ATTEMPTS] = {.name = "attempts",
                         .long_name = "times that the run was tried to its end",
                         .type = PG_I32,
                         .is_volatile = true},
};

enum pg_failure pg_failure_of_signal(int number)
{
    switch (number) {
    case SIGSEGV:
        return PG_FAILURE_SEGV;
    case SIGBUS:
        return PG_FAILURE_BUS;
    case SIGILL:
        return PG_FAILURE_ILL;
    case SIGFPE:
        return PG_FAILURE_FPE;
    default:
        return PG_FAILURE_ABRT;
    }
}
