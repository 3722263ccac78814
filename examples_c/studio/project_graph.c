#include <stdlib.h>
#include <string.h>

#include "project.h"

/* Attributes or inputs of one node, as the project gives them. */
struct given {
    struct project *project;
    const char *node;
    /* "attribute" or "input", and the fields there are. */
    const char *what;
    const struct fields *fields;
    const struct json *connections;
};

/* The position of the field that `member` is for, or -1 with the problem told. */
static long find_field(const struct given *given, const char *key)
{
    struct nearest nearest = {0};
    long field = fields_find(given->fields, key);

    if (field < 0) {
        nearest.wanted = key;
        fields_offer(given->fields, &nearest);
        project_problem(given->project, &nearest, "node \"%s\" has no %s \"%s\".", given->node, given->what, key);
    }
    return field;
}

static void read_value(const struct given *given, const struct json *json, const socketio_field_desc_t *field,
                       struct value *value)
{
    struct nearest nearest = {0};
    struct text why = {0};

    if (value_from_json(value, json, field, &why) != 0) {
        project_problem(given->project, NULL, "node \"%s\": %s \"%s\" %s", given->node, given->what, field->id,
                        why.ptr);
    } else if (field->type == SOCKETIO_TYPE_CONNECTION) {
        nearest.wanted = json->text;
        if (project_connection(given->connections, json->text, &nearest) == NULL) {
            project_problem(given->project, &nearest, "node \"%s\": there is no connection \"%s\".", given->node,
                            json->text);
        }
    }
    text_free(&why);
}

/* The plugin knows its own defaults; the studio's nodes get theirs here. */
static void set_default(const struct node_type *type, const socketio_field_desc_t *field, struct value *value)
{
    struct text ignored = {0};
    struct json_document *json;

    if (type->execute == NULL || field->default_json == NULL || value->as.type != SOCKETIO_TYPE_NONE) {
        return;
    }
    json = json_read(field->default_json, strlen(field->default_json), &ignored);
    if (json != NULL) {
        value_from_json(value, json->root, field, &ignored);
    }
    json_free(json);
    text_free(&ignored);
}

static void read_attributes(struct given *given, struct node *node, const struct json *object)
{
    const struct json *member;
    uint32_t i;

    given->what = "attribute";
    given->fields = &node->type->attributes;
    for (member = object != NULL ? object->first : NULL; member != NULL; member = member->next) {
        long field = find_field(given, member->key);

        if (field >= 0) {
            read_value(given, member, &given->fields->items[field], &node->attributes[field]);
        }
    }
    for (i = 0; i < given->fields->count; i++) {
        const socketio_field_desc_t *field = &given->fields->items[i];

        set_default(node->type, field, &node->attributes[i]);
        if ((field->flags & SOCKETIO_FIELD_REQUIRED) != 0 && json_get(object, field->id) == NULL) {
            project_problem(given->project, NULL, "node \"%s\": attribute \"%s\" must be given.", node->id, field->id);
        }
    }
}

static void read_inputs(struct given *given, struct node *node, const struct json *object)
{
    const struct json *member;
    uint32_t i;

    given->what = "input";
    given->fields = &node->type->inputs;
    for (member = object != NULL ? object->first : NULL; member != NULL; member = member->next) {
        long field = find_field(given, member->key);

        if (field >= 0) {
            read_value(given, member, &given->fields->items[field], &node->inputs[field].constant);
        }
    }
    for (i = 0; i < given->fields->count; i++) {
        set_default(node->type, &given->fields->items[i], &node->inputs[i].constant);
    }
}

/* The object under this key, or NULL; anything else there is a problem. */
static const struct json *object_of(struct project *project, const struct json *node, const char *key)
{
    const struct json *value = json_get(node, key);

    if (value != NULL && value->type != JSON_OBJECT) {
        project_problem(project, NULL, "node \"%s\": \"%s\" must be a JSON object.", json_name(json_get(node, "id")),
                        key);
        return NULL;
    }
    return value;
}

static void read_node(struct project *project, const struct toolbox *toolbox, const struct json *connections,
                      const struct json *json, struct node *node)
{
    static const char *const known[] = {"id", "type", "attributes", "inputs", NULL};
    const char *id = json_name(json_get(json, "id"));
    const char *type_id = json_name(json_get(json, "type"));
    const struct node_type *type;
    struct nearest nearest = {0};
    struct text where = {0};
    struct given given = {0};
    size_t i;

    if (id == NULL || type_id == NULL) {
        project_problem(project, NULL, "every node needs an \"id\" and a \"type\": %.*s",
                        json->raw_len < 80 ? (int)json->raw_len : 80, json->raw);
        return;
    }
    text_format(&where, "node \"%s\"", id);
    project_check_members(project, where.ptr, json, known);
    text_free(&where);
    if (graph_find(&project->graph, id) != NULL) {
        project_problem(project, NULL, "there are two nodes \"%s\".", id);
    }
    type = toolbox_find(toolbox, type_id);
    if (type == NULL) {
        nearest.wanted = type_id;
        for (i = 0; i < toolbox->count; i++) {
            nearest_offer(&nearest, toolbox->types[i].id);
        }
        project_problem(project, &nearest, "node \"%s\": there is no node type \"%s\".", id, type_id);
        return;
    }
    node_init(node, id, type, (uint64_t)(node - project->graph.nodes) + 1);
    given.project = project;
    given.node = id;
    given.connections = connections;
    read_attributes(&given, node, object_of(project, json, "attributes"));
    read_inputs(&given, node, object_of(project, json, "inputs"));
}

/* One end of a wire, "node.pin". */
struct wire_end {
    struct node *node;
    uint32_t pin;
    const socketio_field_desc_t *field;
};

/* 0, or -1 with the problem told. A node's id may hold points, a pin's has none. */
static int find_end(struct project *project, const struct json *json, int is_output, struct wire_end *end)
{
    const char *name = json_name(json);
    const char *dot = name != NULL ? strrchr(name, '.') : NULL;
    struct nearest nearest = {0};
    const struct fields *pins;
    char *node;
    long pin = -1;
    size_t i;

    if (dot == NULL) {
        project_problem(project, NULL, "every wire needs \"from\" and \"to\", each as \"node.pin\"%s%s.",
                        name != NULL ? ", not as " : "", name != NULL ? name : "");
        return -1;
    }
    node = copy_of(name, (size_t)(dot - name));
    end->node = graph_find(&project->graph, node);
    nearest.wanted = node;
    if (end->node == NULL) {
        for (i = 0; i < project->graph.node_count; i++) {
            nearest_offer(&nearest, project->graph.nodes[i].id);
        }
        project_problem(project, &nearest, "wire %s \"%s\": there is no node \"%s\".", is_output ? "from" : "to", name,
                        node);
    } else {
        pins = is_output ? &end->node->type->outputs : &end->node->type->inputs;
        pin = fields_find(pins, dot + 1);
        nearest.wanted = dot + 1;
        if (pin < 0) {
            fields_offer(pins, &nearest);
            project_problem(project, &nearest, "node \"%s\" has no %s \"%s\".", node, is_output ? "output" : "input",
                            dot + 1);
        } else {
            end->pin = (uint32_t)pin;
            end->field = &pins->items[pin];
        }
    }
    free(node);
    return pin >= 0 ? 0 : -1;
}

static void read_wire(struct project *project, const struct json *json)
{
    static const char *const known[] = {"from", "to", NULL};
    struct wire_end from = {0}, to = {0};
    struct input *input;
    struct wire *wire;
    int from_status = find_end(project, json_get(json, "from"), 1, &from);
    int to_status = find_end(project, json_get(json, "to"), 0, &to);

    project_check_members(project, "a wire", json, known);
    if (from_status != 0 || to_status != 0) {
        return;
    }
    input = &to.node->inputs[to.pin];
    if (!value_fits(from.field->type, to.field)) {
        project_problem(project, NULL, "wire from \"%s.%s\" (%s) to \"%s.%s\" (%s): these types don't fit.",
                        from.node->id, from.field->id, type_name(from.field->type), to.node->id, to.field->id,
                        type_name(to.field->type));
    } else if (to.field->type == SOCKETIO_TYPE_PULSE) {
        wire = &project->graph.wires[project->graph.wire_count++];
        wire->from = from.node;
        wire->from_pin = from.pin;
        wire->to = to.node;
        wire->to_pin = to.pin;
    } else if (input->from != NULL) {
        project_problem(project, NULL, "input \"%s.%s\" has two wires: it can have only one value.", to.node->id,
                        to.field->id);
    } else {
        input->from = from.node;
        input->from_pin = from.pin;
    }
}

static void check_required_inputs(struct project *project, const struct node *node)
{
    uint32_t i;

    for (i = 0; i < node->type->inputs.count; i++) {
        const socketio_field_desc_t *field = &node->type->inputs.items[i];
        const struct input *input = &node->inputs[i];

        if ((field->flags & SOCKETIO_FIELD_REQUIRED) != 0 && input->from == NULL &&
            input->constant.as.type == SOCKETIO_TYPE_NONE) {
            project_problem(project, NULL, "node \"%s\": input \"%s\" must be given or wired.", node->id, field->id);
        }
    }
}

void project_read_graph(struct project *project, const struct toolbox *toolbox, const struct json *connections)
{
    const struct json *nodes = json_get(project->document->root, "nodes");
    const struct json *wires = json_get(project->document->root, "wires");
    struct graph *graph = &project->graph;
    const struct json *json;
    size_t i;

    if (nodes == NULL || nodes->type != JSON_ARRAY || (wires != NULL && wires->type != JSON_ARRAY)) {
        project_problem(project, NULL, "a project needs \"nodes\" and \"wires\", both lists.");
        return;
    }
    graph->nodes = memory(nodes->count, sizeof *graph->nodes);
    graph->wires = memory(wires != NULL ? wires->count : 0, sizeof *graph->wires);
    for (json = nodes->first; json != NULL; json = json->next) {
        read_node(project, toolbox, connections, json, &graph->nodes[graph->node_count++]);
    }
    /* A mistyped node makes every wire to it look wrong: one message for one mistake. */
    for (i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].type == NULL) {
            return;
        }
    }
    for (json = wires != NULL ? wires->first : NULL; json != NULL; json = json->next) {
        read_wire(project, json);
    }
    for (i = 0; i < graph->node_count; i++) {
        check_required_inputs(project, &graph->nodes[i]);
    }
}
