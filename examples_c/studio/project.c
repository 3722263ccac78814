#include "project.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void project_problem(struct project *project, const struct nearest *nearest, const char *format, ...)
{
    struct text problem = {0}, line = {0};
    va_list list;

    va_start(list, format);
    text_format(&problem, "%s: ", project->path);
    text_format_list(&problem, format, list);
    va_end(list);
    if (nearest != NULL) {
        nearest_add(nearest, &problem);
    }
    text_add_visible(&line, problem.ptr, problem.len);
    fprintf(stderr, "%s\n", line.ptr);
    text_free(&line);
    text_free(&problem);
    project->problems++;
}

void project_check_members(struct project *project, const char *where, const struct json *object,
                           const char *const *known)
{
    const struct json *member;

    for (member = object->first; member != NULL; member = member->next) {
        struct nearest nearest = {0};
        const char *const *name = known;

        nearest.wanted = member->key;
        while (*name != NULL && strcmp(*name, member->key) != 0) {
            nearest_offer(&nearest, *name++);
        }
        if (*name == NULL) {
            project_problem(project, &nearest, "%s has no \"%s\".", where, member->key);
        }
    }
}

const struct json *project_connection(const struct json *connections, const char *name, struct nearest *nearest)
{
    const struct json *connection;

    for (connection = connections != NULL ? connections->first : NULL; connection != NULL;
         connection = connection->next) {
        const char *its_name = json_name(json_get(connection, "name"));

        if (its_name != NULL && strcmp(its_name, name) == 0) {
            return connection;
        }
        if (its_name != NULL) {
            nearest_offer(nearest, its_name);
        }
    }
    return NULL;
}

/* Nodes that are gone because their plugin is deactivated. Returns how many. */
static size_t name_missing_nodes(const struct project *project, const struct plugin *plugin,
                                 const struct toolbox *toolbox)
{
    const struct json *nodes = json_get(project->document->root, "nodes");
    const struct json *node;
    size_t missing = 0;

    for (node = nodes != NULL ? nodes->first : NULL; node != NULL; node = node->next) {
        const char *type = json_name(json_get(node, "type"));
        const char *id = json_name(json_get(node, "id"));

        if (type != NULL && toolbox_find(toolbox, type) == NULL && plugin_owns(plugin, type)) {
            fprintf(stderr, "%s: node \"%s\" is missing: %s is a node of the plugin %s, which is deactivated.\n",
                    project->path, id != NULL ? id : "", type, plugin->name);
            missing++;
        }
    }
    if (missing > 0) {
        fprintf(stderr, "Activate the plugin (studio activate %s) and restart the studio to bring them back.\n",
                plugin->id);
    }
    return missing;
}

/* The override's value as JSON text of its field's type. */
static int add_override_value(struct text *out, const socketio_field_desc_t *field, const char *value)
{
    struct text ignored = {0};
    struct json_document *json;

    if (field->type == SOCKETIO_TYPE_STRING) {
        text_put(out, "\"");
        text_add_escaped(out, value, strlen(value));
        text_put(out, "\"");
        return 0;
    }
    json = json_read(value, strlen(value), &ignored);
    text_free(&ignored);
    if (json == NULL) {
        return -1;
    }
    json_free(json);
    text_put(out, value);
    return 0;
}

/* Puts the value in the place of the field's, in the text of the project. */
static void replace_field(struct project *project, const struct json *connection, const socketio_field_desc_t *field,
                          const char *value)
{
    struct text json = {0}, source = {0}, why = {0};

    if (add_override_value(&json, field, value) != 0) {
        project_problem(project, NULL, "--set: %s must be a JSON value, not %s.", field->id, value);
    } else {
        json_with_member(project->document, connection, field->id, json.ptr, &source);
        json_free(project->document);
        project->document = json_read(source.ptr, source.len, &why);
        if (project->document == NULL) {
            project_problem(project, NULL, "--set %s: %s", field->id, why.ptr);
        }
    }
    text_free(&why);
    text_free(&source);
    text_free(&json);
}

/* "connection.field=value". A name may hold points, a field has none. */
static void apply_override(struct project *project, const struct plugin *plugin, const char *override)
{
    struct fields fields = fields_copy(plugin->descriptor.connection_fields, plugin->descriptor.connection_field_count);
    const char *equals = strchr(override, '=');
    char *name = copy_of(override, equals != NULL ? (size_t)(equals - override) : 0);
    char *dot = strrchr(name, '.');
    struct nearest name_nearest = {0}, field_nearest = {0};
    const struct json *connection;
    long field;

    if (dot == NULL) {
        project_problem(project, NULL, "--set needs CONNECTION.FIELD=VALUE, not \"%s\".", override);
    } else {
        *dot = '\0';
        name_nearest.wanted = name;
        field_nearest.wanted = dot + 1;
        connection = project_connection(json_get(project->document->root, plugin->settings_key), name, &name_nearest);
        field = fields_find(&fields, dot + 1);
        if (connection == NULL) {
            project_problem(project, &name_nearest, "--set: there is no connection \"%s\".", name);
        } else if (field < 0) {
            fields_offer(&fields, &field_nearest);
            project_problem(project, &field_nearest, "--set: a connection has no field \"%s\".", dot + 1);
        } else {
            replace_field(project, connection, &fields.items[field], equals + 1);
        }
    }
    free(name);
    free((void *)fields.items);
}

/* The plugin looks at the connections; every line of what it says is one problem or one warning. */
static void check_settings(struct project *project, const struct plugin *plugin, const struct json *connections)
{
    struct text said = {0};
    socketio_status_t status;
    char *line;

    text_format(&project->settings, "{\"%s\":", plugin->settings_key);
    text_add(&project->settings, connections != NULL ? connections->raw : "[]",
             connections != NULL ? connections->raw_len : 2);
    text_put(&project->settings, "}");
    status = plugin->call.settings_check(project->settings.ptr, project->settings.len);
    if (status != SOCKETIO_OK) {
        plugin_add_last_error(plugin, &said);
        for (line = strtok(said.ptr, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            fprintf(stderr, "%s: %s\n", project->path, line);
        }
    }
    project->problems += status < 0;
    text_free(&said);
}

static void read_root(struct project *project, const struct plugin *plugin, int activated,
                      const struct toolbox *toolbox)
{
    const char *const known[] = {"name", "description", plugin->settings_key, "nodes", "wires", NULL};
    const struct json *connections = json_get(project->document->root, plugin->settings_key);

    project_check_members(project, "A project", project->document->root, known);
    project_read_graph(project, toolbox, connections);
    if (activated) {
        check_settings(project, plugin, connections);
    }
}

int project_read(struct project *project, const char *path, const struct plugin *plugin, int activated,
                 const struct toolbox *toolbox, const char *const *overrides)
{
    struct text why = {0};

    memset(project, 0, sizeof *project);
    project->path = path;
    project->document = json_read_file(path, &why);
    if (project->document == NULL) {
        fprintf(stderr, "studio: %s\n", why.ptr);
        text_free(&why);
        return PROJECT_WRONG;
    }
    if (project->document->root->type != JSON_OBJECT) {
        project_problem(project, NULL, "a project must be a JSON object.");
    } else if (name_missing_nodes(project, plugin, toolbox) > 0) {
        return PROJECT_NEEDS_PLUGIN;
    }
    for (; *overrides != NULL && project->problems == 0; overrides++) {
        if (activated) {
            apply_override(project, plugin, *overrides);
        } else {
            project_problem(project, NULL, "--set %s: %s is deactivated.", *overrides, plugin->name);
        }
    }
    if (project->problems == 0) {
        read_root(project, plugin, activated, toolbox);
    }
    return project->problems > 0 ? PROJECT_WRONG : 0;
}

void project_free(struct project *project)
{
    graph_free(&project->graph);
    text_free(&project->settings);
    json_free(project->document);
    memset(project, 0, sizeof *project);
}
