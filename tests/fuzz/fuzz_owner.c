/* SPDX-License-Identifier: MIT */
/* An owner file of any bytes: what is read from it fits its texts, and can be told to a user. */
#include <string.h>

#include "fuzz.h"
#include "owner_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char bytes[PG_OWNER_TEXT_MAX] = {0};
    struct pg_owner_text text;
    size_t room = sizeof bytes - 1;
    memset(&text, 0x5a, sizeof text);
    memcpy(bytes, data, size < room ? size : room);
    if (pg_owner_text_parse(bytes, &text) == PG_OWNER_UNKNOWN)
        return 0;
    fuzz_expect(memchr(text.host, '\0', sizeof text.host) != NULL);
    fuzz_expect(memchr(text.boot, '\0', sizeof text.boot) != NULL);
    fuzz_expect(memchr(text.slurm_job, '\0', sizeof text.slurm_job) != NULL);
    char again[PG_OWNER_TEXT_MAX];
    pg_owner_text_print(&text, again);
    fuzz_expect(memchr(again, '\0', sizeof again) != NULL);
    return 0;
}
