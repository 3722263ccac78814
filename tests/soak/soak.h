/*
 * The soak: a host with several connections, for minutes or days, while servers are killed, stopped and frozen and the
 * network is cut. What it holds the library to is in RULES; a breach of one ends the run with exit code 1.
 *
 *     soak SECONDS SEED FOLDER       (cargo xtask soak sets it up)
 *
 * One thread is the host (host.c), the other one the world around it (world.c). Each connection carries numbered
 * messages both ways. What arrives at a server is written down there (tests/server/soak.js) before it is answered; at
 * the end, both sides are compared (record.c). The choices are those of the seed, their moments those of the machine.
 *
 * Socket.IO delivers at most once, and in order within a session. So a message without reply may be lost when its
 * connection breaks, and a request whose answer did not come may have arrived. But a message that waits for a
 * connection is not lost, unless the host gives it up by Stop or disable, and within a session none is missing.
 */

#ifndef SOAK_H
#define SOAK_H

#include "harness_parts.h"

#define RULES(X)                                                                          \
    X(LOST_ACKNOWLEDGED, "what was acknowledged had arrived")                             \
    X(LOST_WAITING, "what waited for a connection was sent by it")                        \
    X(LOST_IN_SESSION, "within a session nothing was missing, either way")                \
    X(TWICE, "nothing was delivered twice")                                               \
    X(ORDER, "the order was kept, per connection and direction")                          \
    X(CONTENT, "all arrived as it was sent")                                              \
    X(LATEST, "Latest Per Poll gave one event a poll")                                    \
    X(REQUEST_ENDS, "each request had one end, Reply or Timeout")                         \
    X(FINAL_STOP, "each session had one final On Stop")                                   \
    X(ERRORS, "only errors were told that the world explains")                            \
    X(DISABLE, "`disable(1000)` took 1.2 s at most and left no thread")                   \
    X(CALM, "when the world was calm, all connected and all arrived")                     \
    X(MEMORY, "memory stayed within its bound")                                           \
    X(LEFTOVERS, "threads and descriptors came back")                                     \
    X(IDLE, "an idle plugin needed next to no processor")

enum {
#define RULE_NUMBER(name, text) name,
    RULES(RULE_NUMBER)
#undef RULE_NUMBER
    RULE_COUNT
};

/* A rule does not hold: counted, and told at the end. */
void broken(int rule, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- Choices ---- */

typedef struct dice_t {
    uint64_t state;
} dice_t;

uint32_t roll(dice_t *dice, uint32_t sides);
int between(dice_t *dice, int lowest, int highest);

/* ---- Clients ---- */

/* What a client sends: requests; messages without reply; messages of which only the latest waits for a connection. */
enum { ASK, TELL, POSE, STREAM_COUNT };

/* What became of a request. */
enum { ASK_UNUSED, ASK_OPEN, ASK_REPLIED, ASK_TIMED_OUT };

#define CLIENT_COUNT 5
#define SID_SIZE 32

typedef struct client_t {
    const char *name;
    server_t *server;
    /* Fields of its settings that never change. */
    char fields[2048];
    /* It connects again when the server ended the connection on purpose. */
    int stays;
    socketio_connection_t handle;
    /* The host has started it and not stopped it. */
    int running;
    int64_t start_again_at;
    uint32_t started;
    uint32_t ended;
    /* The session that stands, or "". */
    char sid[SID_SIZE];
    /* Since when there is none, although there should be one. */
    int64_t down_since;

    /* To the server: the next number of each stream; what became of each request. */
    uint32_t next[STREAM_COUNT];
    uint8_t *asks;
    uint32_t open_asks;
    /* Requests and messages from these numbers on were sent in the calm at the end. */
    uint32_t calm[STREAM_COUNT];
    /* The next message when the last session was known to be over: from it on, they waited. */
    uint32_t waiting_from;

    /* From the server, in the session that stands: the next number of each. */
    uint32_t news;
    uint32_t questions;
    uint32_t positions;
    /* The poll that brought the last position. */
    uint64_t position_poll;

    struct {
        uint32_t replied, timed_out, news, questions, positions, attachments, sessions, stops;
        /* From the record: */
        uint32_t asked_and_arrived, arrived_without_reply, told_and_arrived, lost_at_breaks, given_up;
        uint32_t posed_and_arrived, answered;
        /* On the way to a session. */
        uint32_t down_ms, longest_down_ms;
    } seen;
} client_t;

extern client_t clients[CLIENT_COUNT];

/* The most numbers of a stream that a run can use. */
extern uint32_t most_numbers;

/* ---- The host ---- */

/* Takes what memory it will need. */
void host_prepare(uint64_t seed);

/* Enables, configures and starts all. */
void host_begin(void);

/* Works until `host_over`. */
void *host_run(void *unused);
extern int host_over;

/* Takes what comes, and does nothing else, until `done` says so; 0 if that took too long. */
int host_take_until(int (*done)(void), int limit_ms);

/* The calm at the end: all connected, nothing under way, one more volley, all that the servers sent. */
void host_calm(void);

/* Processor time while nothing happens, in percent. */
double host_idle(int milliseconds);
void host_end(void);

typedef struct host_figures_t {
    uint32_t polls, applied, cutting_settings, disabled;
    int64_t longest_disable_ms;
    uint64_t dropped;
} host_figures_t;

extern host_figures_t host_figures;

/* The errors told, as "code count, code count". */
const char *host_errors(void);

/* ---- The world ---- */

void world_begin(uint64_t seed, const char *folder);

/* What is due. Returns after a short while. */
void world_turn(void);

/* All servers run again. */
void world_heals(void);

typedef struct world_figures_t {
    uint32_t kills, stops, short_freezes, long_freezes, cuts, disconnects;
} world_figures_t;

extern world_figures_t world_figures;

/* ---- The record ---- */

/* The servers keep their records in this folder. */
void record_begin(const char *folder, int seconds);

/* A session as the host saw it begin, and its On Stop. */
void record_session(const client_t *client);
void record_stop(const client_t *client, int is_final);

/* Compares what the servers wrote down with what the host knows. */
void record_check(void);

#endif /* SOAK_H */
