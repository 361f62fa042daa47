/* SPDX-License-Identifier: MIT */
/* Which kernel runs: chosen once, from the CPU or from PHASEGRID_KERNEL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

extern const struct pg_kernel pg_kernel_scalar;
#if defined(__x86_64__)
extern const struct pg_kernel pg_kernel_avx2, pg_kernel_avx512;
#endif

const struct pg_kernel *const pg_kernels[] = {
    &pg_kernel_scalar,
#if defined(__x86_64__)
    &pg_kernel_avx2,
    &pg_kernel_avx512,
#endif
    NULL,
};

int pg_kernel_is_supported(const struct pg_kernel *kernel)
{
#if defined(__x86_64__)
    if (strcmp(kernel->name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    if (strcmp(kernel->name, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return strcmp(kernel->name, "scalar") == 0;
}

static void list_supported(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; pg_kernels[i] != NULL; i++)
        if (pg_kernel_is_supported(pg_kernels[i]) && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                                     pg_kernels[i]->name);
}

int pg_kernel_choose(const struct pg_kernel **ret_kernel, struct pg_error *error)
{
    const char *wanted = getenv("PHASEGRID_KERNEL");
    char supported[128];
    *ret_kernel = NULL;
    for (size_t i = 0; pg_kernels[i] != NULL; i++) {
        int is_wanted =
            wanted == NULL || wanted[0] == '\0' || strcmp(wanted, pg_kernels[i]->name) == 0;
        if (is_wanted && pg_kernel_is_supported(pg_kernels[i]))
            *ret_kernel = pg_kernels[i];
    }
    if (*ret_kernel != NULL)
        return 0;
    list_supported(supported, sizeof supported);
    return pg_error_set(error, PG_EINPUT,
                        "PHASEGRID_KERNEL=%s: no such kernel on this CPU; it has: %s",
                        wanted != NULL ? wanted : "", supported);
}

unsigned pg_kernel_enter(void)
{
#if defined(__x86_64__)
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040u); /* flush to zero, denormals are zero */
    return before;
#else
    return 0;
#endif
}

void pg_kernel_leave(unsigned before)
{
#if defined(__x86_64__)
    _mm_setcsr(before);
#else
    (void)before;
#endif
}
