/* SPDX-License-Identifier: MIT */
/*
 * Denormals as zero, as operands and as results: they cost a hundred cycles each on some CPUs, and
 * nothing here is meant to be that small. x86 tells a tiny result after rounding, Arm before: a
 * result that would round up to the smallest normal number is that number on x86, zero on Arm.
 * Other families keep denormals.
 */
#include "phasegrid/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

unsigned pg_kernel_enter(void)
{
    const unsigned flush_to_zero = 0x8000u, denormals_are_zero = 0x0040u;
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | flush_to_zero | denormals_are_zero);
    return before;
}

void pg_kernel_leave(unsigned before)
{
    _mm_setcsr(before);
}

#elif defined(__aarch64__)

unsigned pg_kernel_enter(void)
{
    const uint64_t flush_to_zero = UINT64_C(1) << 24; /* FPCR.FZ: operands and results */
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before) : : "memory");
    __asm__ volatile("msr fpcr, %0" : : "r"(before | flush_to_zero) : "memory");
    return (unsigned)before; /* the upper half is reserved */
}

void pg_kernel_leave(unsigned before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)before) : "memory");
}

#else

unsigned pg_kernel_enter(void)
{
    return 0;
}

void pg_kernel_leave(unsigned before)
{
    (void)before;
}

#endif
