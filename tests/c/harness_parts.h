/* What the parts of the harness share, and the tests need not know. */

#ifndef HARNESS_PARTS_H
#define HARNESS_PARTS_H

#include "harness.h"

#include <stdarg.h>

/* ---- Text ---- */

/* A text that grows. */
typedef struct text_t {
    char *ptr;
    size_t len;
    size_t capacity;
} text_t;

void text_append(text_t *text, const char *bytes, size_t len);
void text_format(text_t *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_format_list(text_t *text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
int is_utf8(const char *text, size_t len);

/* With a NUL behind them. The caller frees it. */
void *copy_bytes(const void *bytes, size_t len);

/* ---- Sessions ---- */

/* A Start, or a Stop, was accepted. */
void ledger_start(socketio_connection_t connection);
void ledger_stop(socketio_connection_t connection);

/* ---- Events ---- */

/* Polls until the queue is empty. */
void poll_all(void);

/* Each activation counts its events from the beginning. */
void expect_new_sequence(void);

/* What must hold of the events of every case. */
void check_events(void);
void free_events(void);

/* ---- For the report of a failure ---- */

void print_untaken_events(void);
void print_log(void);

/* ---- Servers ---- */

void end_servers(void);

/* ---- The machine ---- */

/* Ends every look-up that hangs. */
void release_names(void);

/* What the machine that runs the tests says about proxies and certificates is not for the tests. */
void forget_environment(void);

#endif /* HARNESS_PARTS_H */
