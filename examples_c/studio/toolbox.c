#include "toolbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "own_nodes.h"
#include "value.h"

void copy_growable(void *to, size_t size, const void *from)
{
    uint32_t theirs;

    memcpy(&theirs, from, sizeof theirs);
    memset(to, 0, size);
    memcpy(to, from, theirs < size ? theirs : size);
}

struct fields fields_copy(const socketio_field_desc_t *const *fields, uint32_t count)
{
    socketio_field_desc_t *items = memory(count, sizeof *items);
    struct fields copied;
    uint32_t i;

    for (i = 0; i < count; i++) {
        copy_growable(&items[i], sizeof items[i], fields[i]);
    }
    copied.items = items;
    copied.count = count;
    return copied;
}

long fields_find(const struct fields *fields, const char *id)
{
    uint32_t i;

    for (i = 0; i < fields->count; i++) {
        if (strcmp(fields->items[i].id, id) == 0) {
            return (long)i;
        }
    }
    return -1;
}

void fields_offer(const struct fields *fields, struct nearest *nearest)
{
    uint32_t i;

    for (i = 0; i < fields->count; i++) {
        nearest_offer(nearest, fields->items[i].id);
    }
}

static struct node_type from_descriptor(const socketio_node_desc_t *shared)
{
    socketio_node_desc_t node;
    struct node_type type = {0};

    copy_growable(&node, sizeof node, shared);
    type.id = node.id;
    type.label = node.label;
    type.category = node.category;
    type.help = node.help;
    type.kind = node.kind;
    type.scopes = node.scopes;
    type.attributes = fields_copy(node.attributes, node.attribute_count);
    type.inputs = fields_copy(node.inputs, node.input_count);
    type.outputs = fields_copy(node.outputs, node.output_count);
    type.type_id = node.type_id;
    return type;
}

void toolbox_fill(struct toolbox *toolbox, const socketio_plugin_desc_t *plugin)
{
    size_t of_plugin = plugin != NULL ? plugin->node_count : 0;
    size_t i;

    toolbox->count = own_node_type_count + of_plugin;
    toolbox->types = memory(toolbox->count, sizeof *toolbox->types);
    for (i = 0; i < own_node_type_count; i++) {
        toolbox->types[i] = own_node_types[i];
    }
    for (i = 0; i < of_plugin; i++) {
        toolbox->types[own_node_type_count + i] = from_descriptor(plugin->nodes[i]);
    }
}

void toolbox_free(struct toolbox *toolbox)
{
    size_t i;

    for (i = own_node_type_count; i < toolbox->count; i++) {
        free((void *)toolbox->types[i].attributes.items);
        free((void *)toolbox->types[i].inputs.items);
        free((void *)toolbox->types[i].outputs.items);
    }
    free(toolbox->types);
    memset(toolbox, 0, sizeof *toolbox);
}

const struct node_type *toolbox_find(const struct toolbox *toolbox, const char *id)
{
    size_t i;

    for (i = 0; i < toolbox->count; i++) {
        if (strcmp(toolbox->types[i].id, id) == 0) {
            return &toolbox->types[i];
        }
    }
    return NULL;
}

/* Such as "Int, 0 to 65535 s, default 20". */
static void add_field_type(const socketio_field_desc_t *field, struct text *out)
{
    const char *const *choice;

    text_put(out, type_name(field->type));
    for (choice = field->choices; choice != NULL && *choice != NULL; choice++) {
        text_format(out, "%s%s", choice == field->choices ? ": " : ", ", *choice);
    }
    if (field->minimum < field->maximum) {
        text_format(out, ", %.15g to %.15g", field->minimum, field->maximum);
    }
    text_format(out, "%s%s", field->unit != NULL ? " " : "", field->unit != NULL ? field->unit : "");
    if (field->default_json != NULL && strcmp(field->default_json, "\"\"") != 0) {
        text_format(out, ", default %s", field->default_json);
    }
    text_put(out, (field->flags & SOCKETIO_FIELD_REQUIRED) != 0 ? ", must be given" : "");
    text_put(out, (field->flags & SOCKETIO_FIELD_ADVANCED) != 0 ? ", advanced" : "");
    text_put(out, (field->flags & SOCKETIO_FIELD_SECRET) != 0 ? ", hidden while typing" : "");
}

void fields_print(const struct fields *fields)
{
    struct text out = {0};
    uint32_t i;

    for (i = 0; i < fields->count; i++) {
        const socketio_field_desc_t *field = &fields->items[i];

        text_format(&out, "  %s [%s]  ", field->label, field->id);
        add_field_type(field, &out);
        text_put(&out, "\n");
        text_add_wrapped(&out, field->help, 6, 100);
    }
    fputs(out.ptr != NULL ? out.ptr : "", stdout);
    text_free(&out);
}

static void add_pins(const char *title, const struct fields *fields, struct text *out)
{
    uint32_t i;

    for (i = 0; i < fields->count; i++) {
        const socketio_field_desc_t *field = &fields->items[i];
        size_t line = out->len;

        text_format(out, "      %s", i == 0 ? title : "");
        text_pad(out, line, 18);
        text_format(out, "%s [%s]", field->label, field->id);
        text_pad(out, line, 60);
        text_put(out, "  ");
        add_field_type(field, out);
        text_put(out, "\n");
    }
}

void toolbox_print(const struct toolbox *toolbox)
{
    const char *category = NULL;
    struct text out = {0};
    size_t i;

    for (i = 0; i < toolbox->count; i++) {
        const struct node_type *type = &toolbox->types[i];

        if (category == NULL || strcmp(category, type->category) != 0) {
            category = type->category;
            text_format(&out, "%s%s\n", i > 0 ? "\n" : "", category);
        }
        text_format(&out, "\n  %s [%s]  %s%s%s\n", type->label, type->id,
                    type->kind == SOCKETIO_KIND_LISTENER ? "event" : "action",
                    (type->scopes & SOCKETIO_SCOPE_PROJECT) != 0 ? ", Project" : "",
                    (type->scopes & SOCKETIO_SCOPE_SCENE) != 0 ? ", Scene" : "");
        text_add_wrapped(&out, type->help, 6, 100);
        add_pins("attributes", &type->attributes, &out);
        add_pins("inputs", &type->inputs, &out);
        add_pins("outputs", &type->outputs, &out);
    }
    fputs(out.ptr, stdout);
    text_free(&out);
}
