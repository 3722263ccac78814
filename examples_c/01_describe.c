/*
 * What a studio shows of the plugin - Plugins Editor, Project Settings, Toolbox - from the descriptor alone. The
 * plugin is never activated: no thread, no socket.
 *
 *     01_describe
 */

#include <stdio.h>
#include <string.h>

#include "socketio_plugin.h"

static const char *type_name(socketio_type_t type)
{
    switch (type) {
    case SOCKETIO_TYPE_PULSE: return "Pulse";
    case SOCKETIO_TYPE_BOOL: return "Bool";
    case SOCKETIO_TYPE_INT: return "Int";
    case SOCKETIO_TYPE_FLOAT: return "Float";
    case SOCKETIO_TYPE_STRING: return "String";
    case SOCKETIO_TYPE_JSON: return "JSON";
    case SOCKETIO_TYPE_BYTES: return "Bytes";
    case SOCKETIO_TYPE_BYTES_LIST: return "Bytes List";
    case SOCKETIO_TYPE_CONNECTION: return "Connection";
    default: return "?";
    }
}

static void print_field(const socketio_field_desc_t *field)
{
    const char *const *choice;

    printf("%s (%s", field->label, type_name(field->type));
    for (choice = field->choices; choice != NULL && *choice != NULL; choice++) {
        printf("%s%s", choice == field->choices ? ": " : " | ", *choice);
    }
    if (field->minimum < field->maximum) {
        printf(", %.15g to %.15g", field->minimum, field->maximum);
    }
    if (field->unit != NULL) {
        printf(" %s", field->unit);
    }
    if (field->default_json != NULL) {
        printf(", default %s", field->default_json);
    }
    printf("%s)\n", (field->flags & SOCKETIO_FIELD_REQUIRED) != 0 ? ", must be given" : "");
}

static void print_fields(const char *title, const socketio_field_desc_t *const *fields, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        printf("    %-10s ", i == 0 ? title : "");
        print_field(fields[i]);
    }
}

static void print_plugins_editor(const socketio_plugin_desc_t *plugin)
{
    printf("PLUGINS EDITOR\n\n%s\n  %s %s  [%s]\n  by %s, %s\n\n%s\n", plugin->category, plugin->name,
           plugin->version, plugin->activated_by_default ? "Activated" : "Deactivated", plugin->vendor,
           plugin->license, plugin->description);
}

static void print_project_settings(const socketio_plugin_desc_t *plugin)
{
    uint32_t i;

    printf("\n\nPROJECT SETTINGS\n\n%s: fields of each connection\n", plugin->name);
    for (i = 0; i < plugin->connection_field_count; i++) {
        const socketio_field_desc_t *field = plugin->connection_fields[i];

        printf("\n  ");
        print_field(field);
        printf("    %s\n", field->help);
    }
}

static void print_toolbox(const socketio_plugin_desc_t *plugin)
{
    const char *category = "";
    uint32_t i;

    printf("\n\nTOOLBOX\n");
    for (i = 0; i < plugin->node_count; i++) {
        const socketio_node_desc_t *node = plugin->nodes[i];

        if (strcmp(node->category, category) != 0) {
            category = node->category;
            printf("\n%s\n", category);
        }
        printf("\n  %s  [%s]%s%s\n    %s\n", node->label, node->kind == SOCKETIO_KIND_LISTENER ? "event" : "action",
               (node->scopes & SOCKETIO_SCOPE_PROJECT) != 0 ? " Project" : "",
               (node->scopes & SOCKETIO_SCOPE_SCENE) != 0 ? " Scene" : "", node->help);
        print_fields("attributes", node->attributes, node->attribute_count);
        print_fields("inputs", node->inputs, node->input_count);
        print_fields("outputs", node->outputs, node->output_count);
    }
}

int main(void)
{
    const socketio_plugin_desc_t *plugin;

    /* Before anything else: a library of another major version must not be touched further. */
    if (socketio_abi_version() >> 16 != SOCKETIO_ABI_VERSION >> 16) {
        fprintf(stderr, "The library's interface has another major version than this program.\n");
        return 1;
    }
    plugin = socketio_plugin_descriptor();
    print_plugins_editor(plugin);
    print_project_settings(plugin);
    print_toolbox(plugin);
    /* Looking at it has started nothing. */
    return socketio_plugin_state() == SOCKETIO_PLUGIN_DISABLED ? 0 : 1;
}
