/* SPDX-License-Identifier: MIT */
/*
 * One idiom for failure: a fallible function returns 0 or a negative status and leaves one clear
 * text in the caller's struct. pg_error_set() sets both and returns the status, so that failing is
 * one statement: return pg_error_set(error, PG_EINPUT, "...").
 */
#ifndef PHASEGRID_ERROR_H
#define PHASEGRID_ERROR_H

enum pg_status {
    PG_OK = 0,
    PG_EINPUT = -1,    /* wrong use or wrong job file (exit 1) */
    PG_EMACHINE = -2,  /* the machine refused: disk, I/O, memory (exit 1) */
    PG_EMISMATCH = -3, /* file and job do not match, or the file is damaged (exit 3) */
    PG_ESTOPPED = -4,  /* asked to leave with work left (exit 85) */
};

struct pg_error {
    int status;      /* enum pg_status */
    char text[2000]; /* one message, no newline at its end; may hold several lines */
};

#define PG_CHECK_RESULT __attribute__((warn_unused_result))
#define PG_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Sets status and text; returns status. `error` may be NULL (the text is then lost). */
int pg_error_set(struct pg_error *error, int status, const char *format, ...) PG_PRINTF(3, 4);

/* Puts "text: " before what is there already; returns error->status. */
int pg_error_prefix(struct pg_error *error, const char *format, ...) PG_PRINTF(2, 3);

#endif
