/* SPDX-License-Identifier: MIT */
/* What the targets share: libFuzzer's entry, and an expectation that stands in every build. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Traps when the program does not keep a promise; libFuzzer then keeps the input. */
#define fuzz_expect(promise) ((promise) ? (void)0 : __builtin_trap())

#endif
