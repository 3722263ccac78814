#include "graph.h"

#include <stdlib.h>
#include <string.h>

void node_init(struct node *node, const char *id, const struct node_type *type, uint64_t tag)
{
    node->id = id;
    node->type = type;
    node->tag = tag;
    node->attributes = memory(type->attributes.count, sizeof *node->attributes);
    node->inputs = memory(type->inputs.count, sizeof *node->inputs);
    node->outputs = memory(type->outputs.count, sizeof *node->outputs);
    node->call_attributes = memory(type->attributes.count, sizeof *node->call_attributes);
    node->call_inputs = memory(type->inputs.count, sizeof *node->call_inputs);
    node->call_outputs = memory(type->outputs.count, sizeof *node->call_outputs);
}

void node_read_inputs(struct node *node, uint32_t pulse)
{
    uint32_t i;

    for (i = 0; i < node->type->inputs.count; i++) {
        struct input *input = &node->inputs[i];
        const socketio_value_t *wired = input->from != NULL ? &input->from->outputs[input->from_pin].as : NULL;
        socketio_type_t type = node->type->inputs.items[i].type;

        if (wired != NULL && wired->type != SOCKETIO_TYPE_NONE) {
            node->call_inputs[i] = *value_converted(wired, type, &input->converted);
        } else {
            node->call_inputs[i] = input->constant.as;
        }
        if (type == SOCKETIO_TYPE_PULSE) {
            node->call_inputs[i].type = SOCKETIO_TYPE_PULSE;
            node->call_inputs[i].as.boolean = i == pulse;
        }
    }
}

struct node *graph_find(const struct graph *graph, const char *id)
{
    size_t i;

    for (i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].id != NULL && strcmp(graph->nodes[i].id, id) == 0) {
            return &graph->nodes[i];
        }
    }
    return NULL;
}

static void node_free(struct node *node)
{
    uint32_t i;

    for (i = 0; i < node->type->attributes.count; i++) {
        value_free(&node->attributes[i]);
    }
    for (i = 0; i < node->type->inputs.count; i++) {
        value_free(&node->inputs[i].constant);
        value_free(&node->inputs[i].converted);
    }
    for (i = 0; i < node->type->outputs.count; i++) {
        value_free(&node->outputs[i]);
    }
    free(node->attributes);
    free(node->inputs);
    free(node->outputs);
    free(node->call_attributes);
    free(node->call_inputs);
    free(node->call_outputs);
}

void graph_free(struct graph *graph)
{
    size_t i;

    for (i = 0; i < graph->node_count; i++) {
        /* A node of a project with problems may have no type. */
        if (graph->nodes[i].type != NULL) {
            node_free(&graph->nodes[i]);
        }
    }
    free(graph->nodes);
    free(graph->wires);
    memset(graph, 0, sizeof *graph);
}
