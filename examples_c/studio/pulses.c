#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "timeline.h"

/* More pulses than this from one cause: the wires go round in circles. */
#define PULSE_LIMIT 100000

void run_pass_on(struct run *run, const struct node *node, uint32_t output)
{
    size_t i;

    for (i = 0; i < run->graph->wire_count && !run->ended; i++) {
        const struct wire *wire = &run->graph->wires[i];

        if (wire->from != node || wire->from_pin != output) {
            continue;
        }
        if (run->pulse_count == run->pulse_capacity) {
            run->pulse_capacity = run->pulse_capacity * 2 + 16;
            run->pulses = memory_grow(run->pulses, run->pulse_capacity, sizeof *run->pulses);
        }
        run->pulses[run->pulse_count++] = wire;
    }
}

void run_fire(struct run *run, struct node *node, uint32_t output, const socketio_value_t *values, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count && i < node->type->outputs.count; i++) {
        if (values[i].type != SOCKETIO_TYPE_NONE) {
            value_set(&node->outputs[i], &values[i]);
        }
    }
    timeline_pulse(run_seconds(run), node->type, node->id, output, values, count,
                   run->executing == node ? node->call_inputs : NULL);
    run_pass_on(run, node, output);
}

/* A pulse into a node of the plugin. */
static void call_plugin(struct run *run, struct node *node)
{
    const struct node_type *type = node->type;
    socketio_node_call_t call = {0};
    socketio_node_result_t result = {0};
    socketio_status_t status;
    struct text why = {0};
    uint32_t i;

    for (i = 0; i < type->attributes.count; i++) {
        node->call_attributes[i] = node->attributes[i].as;
    }
    call.struct_size = sizeof call;
    call.node_type = type->type_id;
    call.node = node->tag;
    call.attributes = node->call_attributes;
    call.attribute_count = type->attributes.count;
    call.inputs = node->call_inputs;
    call.input_count = type->inputs.count;
    result.struct_size = sizeof result;
    result.outputs = node->call_outputs;
    result.output_capacity = type->outputs.count;
    status = run->plugin->call.node_execute(&call, &result);
    if (status >= 0) {
        run_fire(run, node, result.pulse, node->call_outputs, result.output_count);
        return;
    }
    run->failures++;
    text_format(&why, "failed: %s: ", run->plugin->call.status_name(status));
    plugin_add_last_error(run->plugin, &why);
    timeline_say(run_seconds(run), type->label, node->id, why.ptr);
    text_free(&why);
}

void run_deliver(struct run *run)
{
    size_t i;

    for (i = 0; i < run->pulse_count && !run->ended; i++) {
        struct node *node = run->pulses[i]->to;
        uint32_t input = run->pulses[i]->to_pin;

        node_read_inputs(node, input);
        run->executing = node;
        if (node->type->execute != NULL) {
            node->type->execute(run, node, input);
        } else {
            call_plugin(run, node);
        }
        run->executing = NULL;
        if (run->pulse_count > PULSE_LIMIT) {
            struct text why = {0};

            text_format(&why, "the wires go round in circles at \"%s\"", node->id);
            run_end(run, 1, why.ptr);
            text_free(&why);
        }
    }
    run->pulse_count = 0;
}

/* A listener fires for its connection; a later pulse of an action belongs to the node that was called. */
static int belongs_to(const socketio_event_t *event, const struct node *node)
{
    if (node->type->execute != NULL || node->type->type_id != event->node_type) {
        return 0;
    }
    if (node->type->kind == SOCKETIO_KIND_LISTENER) {
        return node->connection == event->connection;
    }
    return node->tag == event->node;
}

/* Nothing that happened is kept from the reader, also if the project has no node for it. */
static void show_unclaimed(const struct run *run, const socketio_event_t *event)
{
    size_t i;

    for (i = 0; i < run->toolbox->count; i++) {
        const struct node_type *type = &run->toolbox->types[i];

        if (type->execute == NULL && type->type_id == event->node_type) {
            timeline_pulse(run_seconds(run), type, "-", event->pulse, event->outputs, event->output_count, NULL);
        }
    }
}

void run_event(struct run *run, const socketio_event_t *event)
{
    int claimed = 0;
    size_t i;

    for (i = 0; i < run->graph->node_count; i++) {
        struct node *node = &run->graph->nodes[i];

        if (belongs_to(event, node)) {
            claimed = 1;
            run_fire(run, node, event->pulse, event->outputs, event->output_count);
            run_deliver(run);
        }
    }
    if (!claimed) {
        show_unclaimed(run, event);
    }
}

void run_end(struct run *run, int exit_code, const char *why)
{
    struct text line = {0};

    if (run->ended) {
        return;
    }
    run->ended = 1;
    run->exit_code = exit_code;
    text_format(&line, "ends: %s", why);
    timeline_say(run_seconds(run), "Run", NULL, line.ptr);
    text_free(&line);
}
