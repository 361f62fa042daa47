/* SPDX-License-Identifier: MIT */
/* A file of faults of any bytes: damaged lines are passed over, and every note can be found. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault_notes.h"
#include "fuzz.h"

static char folder[200], results[220], path[240];

static void end(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static void begin(void)
{
    const char *place = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.100s/phasegrid-fuzz-XXXXXX",
                   place != NULL ? place : "/tmp");
    fuzz_expect(mkdtemp(folder) != NULL);
    (void)snprintf(results, sizeof results, "%s/a.h5", folder);
    (void)snprintf(path, sizeof path, "%s/a.h5.faults", folder);
    fuzz_expect(atexit(end) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pg_fault_notes notes;
    struct pg_error error = {0};
    if (path[0] == '\0')
        begin();
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_expect(file >= 0 && write(file, data, size) == (ssize_t)size && close(file) == 0);
    fuzz_expect(pg_fault_notes_read(results, &notes, &error) == 0);
    for (size_t i = 0; i < notes.count; i++) {
        fuzz_expect(pg_fault_notes_find(&notes, &notes.notes[i].key) == &notes.notes[i]);
        fuzz_expect(i == 0 || pg_run_key_compare(&notes.notes[i - 1].key, &notes.notes[i].key) < 0);
    }
    pg_fault_notes_release(&notes);
    return 0;
}
