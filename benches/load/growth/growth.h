/*
 * What the tables of `cargo xtask bench growth` share: a host that checks each event it gets, the questions it has for
 * the load server, and what the system says of this process.
 */
#ifndef GROWTH_H
#define GROWTH_H

#define _GNU_SOURCE
#include "socketio_plugin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIB (1024.0 * 1024.0)

extern int server_port;

/* One row runs in a process of its own, so that no row finds memory that another one has left. */
struct row {
    double cell[12];
};

/* Ends the row: an event is lost, doubled, out of order or wrong, or a call failed. */
void fail(const char *format, ...);
/* Notes a broken bound; the row goes on, the program ends with 1. */
void bound(bool holds, const char *format, ...);
/* Whether a cost is no more than some times another one. */
bool flat(double cost, double other);
/* Runs the row in a process of its own; false: it failed. */
bool run_row(void (*run)(struct row *, long), long argument, struct row *row);

/* A connection of the host. */
struct link {
    socketio_connection_t handle;
    bool started;
    uint32_t subscribed, unsubscribed, floods_done;
    /* Numbered events: the one that is due, by how much the number grows to the next, bytes of each. */
    uint64_t next, step;
    size_t size;
    /* The names of the flood that comes: a letter and a number below `names`; no letter: "tick". */
    char letter;
    uint64_t names;
    /* Numbered events sent since the server was asked to check, and whether it said that it got these and no others. */
    uint64_t sent;
    bool confirmed;
};

/* The links are numbered from 0. */
extern struct link *links;
extern size_t link_count;
/* The queue was full: the oldest events may be gone, but only these; `gap` says how many. */
extern bool gap_allowed;
extern uint64_t gap;
/* Of all links: numbered events, the links that stand, what is listened to or no longer, floods at their end, On Errors
 * that say that events were dropped. */
extern uint64_t received, started, subscribed, unsubscribed, floods_done, overflows;
/* As the last batch says. */
extern uint64_t dropped;
/* Time inside of the polls, in all and at most of one. */
extern double poll_ns, longest_poll_ns;

/* Enables the plugin. */
void host_begin(void);
/* Disables it. */
void host_end(void);
/* Applies settings with so many connections; those before stay. `fields` begins with a comma or is empty. */
void host_configure(size_t count, const char *fields);
/* Starts the links from this one on and waits until all stand and listen to what the server answers, and to so many
 * other names from before. */
void host_start(size_t first, uint64_t others);
void host_stop(size_t link);
void subscribe(size_t link, const char *name);
void unsubscribe(size_t link, const char *name);

/* One poll: how many events it took, each of them looked at; `*more`, if not NULL: whether there are more. */
uint32_t poll_once(uint32_t max, bool *more);
/* Polls, and waits when there is nothing, until `*number` has come to `reached`. */
void poll_until(const uint64_t *number, uint64_t reached, const char *what);

/* What is asked of the server. */
struct flood {
    uint64_t count;
    size_t size;
    /* 0: as fast as it can. */
    uint64_t per_second;
    /* Names are this letter and a number below `names`, one after the other; no letter: "tick". */
    char letter;
    uint64_t names;
};
void ask_flood(size_t link, struct flood flood);
/* The server stops to read from this link, until it is asked to over another one. */
void ask_deaf(size_t link);
void ask_hear(size_t link);
/* Numbered events of this size follow. */
void ask_check(size_t link, size_t size);
/* Sends the next numbered event; false: the queue is full. */
bool send_tick(size_t link);
/* The same, as often as it takes. */
void send_tick_patiently(size_t link);
/* Asks what has come since `ask_check`; the answer must be: all that was sent, each right. */
void ask_confirm(size_t link);
void confirm(size_t link);
socketio_connection_info_t link_info(size_t link);

/* Nanoseconds: of the clock, of CPU time of this process, of the plugin's thread. */
double now_ns(void);
double cpu_ns(void);
double plugin_ns(void);

struct memory {
    double anon_kib, rss_kib, peak_kib;
    int threads;
};
struct memory memory_now(void);
/* The peak counts from now on. */
void peak_reset(void);
/* After a while of doing nothing. */
struct memory memory_at_rest(void);
void pause_ms(long ms);

/* The tables. */
void connections_table(void);
void sizes_table(void);
void subscriptions_table(void);
void full_table(void);
void seldom_table(void);

#endif
