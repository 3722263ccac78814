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
void text_format(text_t *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_format_list(text_t *text, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
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

struct addrinfo;

/* Ends every look-up that hangs. */
void release_names(void);

/* How far the clock of the day is off, and how long the machine has slept, in seconds. */
int64_t clock_is_off(void);
int64_t clock_has_slept(void);

/* What the library gets in place of the system's getaddrinfo. */
int bent_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result);

/* Takes away the folder of the case. */
void remove_temporary_files(void);

/* What the machine that runs the tests says about proxies and certificates is not for the tests. */
void forget_environment(void);

/* ---- The operating system: harness_posix.c, harness_windows.c ---- */

/* Before anything else. */
void system_begin(void);

/* A loaded library. What it asks the machine goes through the harness first. */
void *library_open(const char *path, int is_global);
void *library_symbol(void *library, const char *name);
void library_close(void *library);

typedef int getaddrinfo_t(const char *, const char *, const struct addrinfo *, struct addrinfo **);
getaddrinfo_t *system_getaddrinfo(void);

/* A folder for files that nobody else uses; it exists. */
void make_temporary_folder(char *path, size_t size);
void remove_folder(const char *path);
void remove_file(const char *path);
void rename_over(const char *from, const char *to);

int system_thread_count(void);

/* Checks that as many descriptors are open as before the case. */
void check_fds(int before);

/* A process whose stdin we write and whose stdout we read. */
typedef struct child_t {
    /* 0: it does not run. */
    long id;
    int commands;
    int reports;
} child_t;

typedef enum child_signal_t { CHILD_KILL, CHILD_FREEZE, CHILD_THAW } child_signal_t;

/* `program` is the name of an environment variable that has its path, `script` lies beside server.js, or is NULL; no
   options are an empty text.
   It is killed with us, unless it has processes of its own to end: that one ends by its stdin. */
void child_start(child_t *child, const char *program, const char *script, const char *port, const char *options,
                 int ends_by_itself);
void child_signal(const child_t *child, child_signal_t with_signal);
void child_write(const child_t *child, const char *bytes, size_t len);

/* What it printed, as soon as there is something; 0 at its end, or after so many milliseconds (-1: never). */
size_t child_read(const child_t *child, char *bytes, size_t size, int milliseconds);

/* Closes its stdin and waits until it has ended. */
void child_end(child_t *child);

#endif /* HARNESS_PARTS_H */
