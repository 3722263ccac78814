#ifndef STUDIO_GRAPH_H
#define STUDIO_GRAPH_H

/* The node graph of a project: nodes, the values of their pins, and the wires between them. */

#include "toolbox.h"
#include "value.h"

struct input {
    struct value constant;
    /* The output it is wired to; NULL: none. Until that output had a value, the constant counts. */
    const struct node *from;
    uint32_t from_pin;
    /* The text of a wired number, where text is wanted. */
    struct value converted;
};

struct node {
    const char *id;
    const struct node_type *type;
    /* Comes back in events that belong to a call of this node. Never 0. */
    uint64_t tag;
    struct value *attributes;
    struct input *inputs;
    /* The last value that each output had. */
    struct value *outputs;
    /* Of the pulse that is being handled: what it goes in with, and what comes out at once. */
    socketio_value_t *call_attributes;
    socketio_value_t *call_inputs;
    socketio_value_t *call_outputs;
    /* The connection that its Configuration names; 0: none. */
    socketio_connection_t connection;
    /* State of the studio's own nodes: when a timer fires (0: it rests), and what a counter has counted. */
    double due;
    int64_t counted;
};

/* A wire for pulses. Those for values are the `from` of inputs. */
struct wire {
    const struct node *from;
    uint32_t from_pin;
    struct node *to;
    uint32_t to_pin;
};

struct graph {
    struct node *nodes;
    size_t node_count;
    struct wire *wires;
    size_t wire_count;
};

/* Gives the node its type, and its pins their memory. */
void node_init(struct node *node, const char *id, const struct node_type *type, uint64_t tag);
/* Sets `call_inputs` to what the inputs have now; `pulse` is the input that the pulse came in by. */
void node_read_inputs(struct node *node, uint32_t pulse);
struct node *graph_find(const struct graph *graph, const char *id);
void graph_free(struct graph *graph);

#endif
