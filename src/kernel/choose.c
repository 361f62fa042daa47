/* SPDX-License-Identifier: MIT */
/* Which kernel runs: chosen once, from the CPU or from PHASEGRID_KERNEL. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instruction_sets.h"
#include "phasegrid/kernel.h"

#define DECLARE(name) extern const struct pg_kernel pg_kernel_##name;
BUILT_INSTRUCTION_SETS(DECLARE)

#define ADDRESS(name) &pg_kernel_##name,
const struct pg_kernel *const pg_kernels[] = {BUILT_INSTRUCTION_SETS(ADDRESS) NULL};

#define NAME(name) #name,
const char *const pg_kernel_names[] = {KNOWN_INSTRUCTION_SETS(NAME) NULL};

int pg_kernel_is_supported(const struct pg_kernel *kernel)
{
    return kernel->is_supported();
}

static void list_supported(char *text, size_t size)
{
    size_t used = 0;
    (void)snprintf(text, size, "none");
    for (size_t i = 0; pg_kernels[i] != NULL; i++)
        if (pg_kernel_is_supported(pg_kernels[i]) && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                                     pg_kernels[i]->name);
}

int pg_kernel_choose(const struct pg_kernel **ret_kernel, struct pg_error *error)
{
    const char *wanted = getenv("PHASEGRID_KERNEL");
    char supported[128];
    bool is_free = wanted == NULL || wanted[0] == '\0';
    *ret_kernel = NULL;
    for (size_t i = 0; pg_kernels[i] != NULL; i++)
        if ((is_free || strcmp(wanted, pg_kernels[i]->name) == 0) &&
            pg_kernel_is_supported(pg_kernels[i]))
            *ret_kernel = pg_kernels[i];
    if (*ret_kernel != NULL)
        return 0;
    if (is_free)
        return pg_error_set(error, PG_EMACHINE,
                            "this CPU has no fused multiply-add, which every kernel needs");
    list_supported(supported, sizeof supported);
    return pg_error_set(error, PG_EINPUT,
                        "PHASEGRID_KERNEL=%s: no such kernel on this CPU; it has: %s", wanted,
                        supported);
}
