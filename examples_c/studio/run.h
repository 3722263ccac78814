#ifndef STUDIO_RUN_H
#define STUDIO_RUN_H

/* A running project: pulses go along the wires, events of the plugin come in, every one is a line of the timeline. */

#include "graph.h"
#include "plugin.h"
#include "project.h"

struct run {
    struct graph *graph;
    /* NULL: deactivated. */
    const struct plugin *plugin;
    const struct toolbox *toolbox;
    /* On the monotonic clock, in seconds. */
    double begin;
    /* Pulses on their way, in order. */
    const struct wire **pulses;
    size_t pulse_count;
    size_t pulse_capacity;
    /* The node whose pulse is being handled. */
    const struct node *executing;
    /* Calls that the plugin refused. */
    size_t failures;
    int ended;
    int exit_code;
};

struct run_options {
    /* 0: no limit. */
    double seconds;
    /* SOCKETIO_LOG_*. */
    uint32_t log_level;
};

/* Names of the log levels, by number. */
#define LOG_LEVELS 6
extern const char *const log_levels[LOG_LEVELS];

/* Runs the project until a node, the time or the user ends it. Returns the exit code. */
int run_project(struct project *project, const struct plugin *plugin, const struct toolbox *toolbox,
                const struct run_options *options);

/* Seconds since the run began. */
double run_seconds(const struct run *run);
/* A pulse leaves by an output, with values for the outputs (those without are NONE): remembered, shown, passed on. */
void run_fire(struct run *run, struct node *node, uint32_t output, const socketio_value_t *values, uint32_t count);
/* Only the passing on. */
void run_pass_on(struct run *run, const struct node *node, uint32_t output);
/* Brings all pulses on their way to their nodes, until there are none. */
void run_deliver(struct run *run);
/* An event of the plugin: the nodes that it belongs to fire. */
void run_event(struct run *run, const socketio_event_t *event);
/* Ends the run; the first call counts. `why` is for the reader. */
void run_end(struct run *run, int exit_code, const char *why);

#endif
