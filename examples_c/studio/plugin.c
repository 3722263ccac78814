#include "plugin.h"

#include <stdlib.h>
#include <string.h>

#include "system.h"
#include "toolbox.h"

/* A number of the manifest; -1 if there is none. */
static long number_of(const struct json *value)
{
    return value != NULL && value->type == JSON_NUMBER ? strtol(value->raw, NULL, 10) : -1;
}

/* A library named without a folder would be searched for in the system's folders. */
static char *library_path(const char *folder, const char *name, const char *override)
{
    struct text path = {0};

    if (override == NULL) {
        text_format(&path, "%s/%s", folder, name);
    } else {
        text_format(&path, "%s%s", system_has_folder(override) ? "" : "./", override);
    }
    return path.ptr;
}

static int read_manifest(struct plugin *plugin, const char *folder, const char *library, struct text *why)
{
    const struct json *root = plugin->manifest->root;
    const struct json *abi = json_get(root, "abi");
    const struct json *settings = json_get(root, "settings");
    const char *file = json_name(json_get(json_get(root, "library"), system_name));
    long major = number_of(json_get(abi, "major"));
    long minor = number_of(json_get(abi, "minor"));
    struct { const char *name; const char **to; const struct json *from; } texts[] = {
        {"id", &plugin->id, root},
        {"name", &plugin->name, root},
        {"version", &plugin->version, root},
        {"category", &plugin->category, root},
        {"page", &plugin->page, settings},
        {"list", &plugin->list, settings},
        {"key", &plugin->settings_key, settings},
    };
    size_t i;

    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i].to = json_name(json_get(texts[i].from, texts[i].name));
        if (*texts[i].to == NULL) {
            text_format(why, "\"%s%s\" is missing", texts[i].from == root ? "" : "settings.", texts[i].name);
            return -1;
        }
    }
    if (major < 0 || major > 0xffff || minor < 0 || minor > 0xffff) {
        text_put(why, "\"abi\" needs a major and a minor number");
        return -1;
    }
    if (file == NULL && library == NULL) {
        text_put(why, "\"library\" names no file for this system");
        return -1;
    }
    plugin->abi = (uint32_t)(major << 16 | minor);
    plugin->library = library_path(folder, file, library);
    plugin->activated_by_default = json_is_true(json_get(root, "activated_by_default"));
    return 0;
}

int plugin_read(struct plugin *plugin, const char *folder, const char *library, struct text *why)
{
    struct text path = {0}, problem = {0};
    int status = -1;

    memset(plugin, 0, sizeof *plugin);
    text_format(&path, "%s/plugin.json", folder);
    plugin->manifest = json_read_file(path.ptr, why);
    if (plugin->manifest != NULL) {
        status = read_manifest(plugin, folder, library, &problem);
    }
    if (problem.ptr != NULL) {
        text_format(why, "%s: %s", path.ptr, problem.ptr);
    }
    text_free(&problem);
    text_free(&path);
    return status;
}

static int find_functions(struct plugin *plugin, struct text *why)
{
    struct plugin_functions *call = &plugin->call;
    struct { const char *name; void *to; } functions[] = {
        {"socketio_abi_version", &call->abi_version},
        {"socketio_plugin_descriptor", &call->descriptor},
        {"socketio_status_name", &call->status_name},
        {"socketio_plugin_enable", &call->enable},
        {"socketio_plugin_disable", &call->disable},
        {"socketio_settings_check", &call->settings_check},
        {"socketio_settings_apply", &call->settings_apply},
        {"socketio_connection_find", &call->connection_find},
        {"socketio_node_execute", &call->node_execute},
        {"socketio_event_poll", &call->event_poll},
        {"socketio_last_error", &call->last_error},
        {"socketio_set_log_level", &call->set_log_level},
    };
    size_t i;

    for (i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *symbol = system_function(plugin->handle, functions[i].name);

        if (symbol == NULL) {
            text_format(why, "%s: it has no function %s, so it is no plugin of this studio", plugin->library,
                        functions[i].name);
            return -1;
        }
        /* Systems give functions as data pointers; C99 can't convert them, but it can copy them. */
        memcpy(functions[i].to, &symbol, sizeof symbol);
    }
    return 0;
}

static int compare_versions(const struct plugin *plugin, struct text *why)
{
    uint32_t theirs = plugin->call.abi_version();

    if (theirs >> 16 != SOCKETIO_ABI_VERSION >> 16) {
        text_format(why, "%s has interface version %u.%u, but this studio speaks %d. Install a matching version.",
                    plugin->library, theirs >> 16, theirs & 0xffff, SOCKETIO_ABI_VERSION >> 16);
        return -1;
    }
    if (theirs != plugin->abi) {
        text_format(why, "%s has interface version %u.%u, but plugin.json says %u.%u. Install both files anew.",
                    plugin->library, theirs >> 16, theirs & 0xffff, plugin->abi >> 16, plugin->abi & 0xffff);
        return -1;
    }
    return 0;
}

int plugin_load(struct plugin *plugin, struct text *why)
{
    struct text problem = {0};

    plugin->handle = system_load(plugin->library, &problem);
    if (plugin->handle == NULL) {
        text_format(why, "The library of %s can't be loaded: %s", plugin->name, problem.ptr);
        text_free(&problem);
        return -1;
    }
    if (find_functions(plugin, why) != 0 || compare_versions(plugin, why) != 0) {
        return -1;
    }
    copy_growable(&plugin->descriptor, sizeof plugin->descriptor, plugin->call.descriptor());
    return 0;
}

void plugin_close(struct plugin *plugin)
{
    if (plugin->handle != NULL) {
        system_unload(plugin->handle);
    }
    free(plugin->library);
    json_free(plugin->manifest);
    memset(plugin, 0, sizeof *plugin);
}

int plugin_owns(const struct plugin *plugin, const char *node_type)
{
    const struct json *nodes = json_get(plugin->manifest->root, "nodes");
    const struct json *node;

    for (node = nodes != NULL ? nodes->first : NULL; node != NULL; node = node->next) {
        const char *id = json_name(json_get(node, "id"));

        if (id != NULL && strcmp(id, node_type) == 0) {
            return 1;
        }
    }
    return 0;
}

void plugin_add_description(const struct plugin *plugin, struct text *out)
{
    const struct json *description = json_get(plugin->manifest->root, "description");
    const struct json *paragraph;

    for (paragraph = description != NULL ? description->first : NULL; paragraph != NULL; paragraph = paragraph->next) {
        if (json_name(paragraph) != NULL) {
            text_put(out, "\n");
            text_add_wrapped(out, paragraph->text, 4, 96);
        }
    }
}

void plugin_add_last_error(const struct plugin *plugin, struct text *out)
{
    size_t len = plugin->call.last_error(NULL, 0);
    char *sentence = memory(len + 1, 1);

    plugin->call.last_error(sentence, len + 1);
    text_put(out, sentence);
    free(sentence);
}
