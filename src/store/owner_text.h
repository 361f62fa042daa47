/* SPDX-License-Identifier: MIT */
/* What an owner file says, and whether who wrote it still lives. */
#ifndef PHASEGRID_STORE_OWNER_TEXT_H
#define PHASEGRID_STORE_OWNER_TEXT_H

#include <stdint.h>

#include "phasegrid/error.h"

enum { PG_OWNER_TEXT_MAX = 1024 };

struct pg_owner_text {
    char host[256];
    long long pid;
    unsigned long long start; /* of the process, clock ticks after the boot of its host */
    char boot[64];            /* the kernel's boot id */
    char slurm_job[64];       /* "-": none */
    long long slurm_restart;
    unsigned ompi_job; /* pg_segments_job() */
    long long since;   /* unix seconds */
};

enum pg_owner_state {
    PG_OWNER_ALIVE,   /* its process runs on this host */
    PG_OWNER_DEAD,    /* its process was on this host */
    PG_OWNER_EARLIER, /* an earlier start of the Slurm job that this process belongs to */
    PG_OWNER_ELSEWHERE,
    PG_OWNER_UNKNOWN, /* the text is not one of ours */
};

/* This process. */
void pg_owner_text_describe(struct pg_owner_text *ret_text);

/* bytes (PG_OWNER_TEXT_MAX), NUL-terminated. */
void pg_owner_text_print(const struct pg_owner_text *text, char *ret_bytes);

/* Tells what the bytes say, and the state of who wrote them. */
enum pg_owner_state pg_owner_text_parse(const char *bytes, struct pg_owner_text *ret_text);

/* "host X, pid N, Slurm job J, since 2026-11-23 03:12:05 UTC". */
void pg_owner_text_name(const struct pg_owner_text *text, char ret_name[512]);

#endif
