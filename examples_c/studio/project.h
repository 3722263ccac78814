#ifndef STUDIO_PROJECT_H
#define STUDIO_PROJECT_H

/*
 * A project file: the connections of Project Settings, and the node graph.
 *
 *     {
 *       "connections": [{"name": "main", "url": "http://127.0.0.1:3000"}],
 *       "nodes": [
 *         {"id": "begin", "type": "project.start"},
 *         {"id": "say", "type": "print", "attributes": {}, "inputs": {"value": "hello"}}
 *       ],
 *       "wires": [{"from": "begin.pulse", "to": "say.pulse"}]
 *     }
 *
 * Types, pins and attributes are named by their ids. Everything is checked before anything is started, and every
 * problem is printed, a line each.
 */

#include "graph.h"
#include "plugin.h"

/* Exit codes of a project that can't run. */
#define PROJECT_WRONG 2
#define PROJECT_NEEDS_PLUGIN 3

struct project {
    const char *path;
    struct json_document *document;
    struct graph graph;
    /* What `settings_apply` gets: the list of connections as it stands in the project, under its key. */
    struct text settings;
    size_t problems;
};

/*
 * `overrides` are texts such as "main.url=http://127.0.0.1:3000", ended by NULL. `activated` says whether the plugin
 * is; then it must be loaded. 0, PROJECT_WRONG or PROJECT_NEEDS_PLUGIN.
 */
int project_read(struct project *project, const char *path, const struct plugin *plugin, int activated,
                 const struct toolbox *toolbox, const char *const *overrides);
void project_free(struct project *project);

/* Prints and counts a problem. `nearest` may be NULL. */
void project_problem(struct project *project, const struct nearest *nearest, const char *format, ...) TEXT_FORMAT(3, 4);
/* Every member must be one of `known` (names, ended by NULL): a mistyped one would have no effect. */
void project_check_members(struct project *project, const char *where, const struct json *object,
                           const char *const *known);

/* Makes the graph of "nodes" and "wires". `connections` may be NULL. */
void project_read_graph(struct project *project, const struct toolbox *toolbox, const struct json *connections);
/* The connection with this name, or NULL; then the names there are were offered to `nearest`. */
const struct json *project_connection(const struct json *connections, const char *name, struct nearest *nearest);

#endif
