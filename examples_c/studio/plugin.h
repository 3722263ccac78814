#ifndef STUDIO_PLUGIN_H
#define STUDIO_PLUGIN_H

/* A plugin: plugin.json tells what it is; the library is loaded only if the plugin is activated. */

#include "json.h"
#include "socketio_plugin.h"

/* The functions of the library that the studio calls. */
struct plugin_functions {
    uint32_t (SOCKETIO_CALL *abi_version)(void);
    const socketio_plugin_desc_t *(SOCKETIO_CALL *descriptor)(void);
    const char *(SOCKETIO_CALL *status_name)(socketio_status_t status);
    socketio_status_t (SOCKETIO_CALL *enable)(const socketio_host_t *host);
    socketio_status_t (SOCKETIO_CALL *disable)(uint32_t timeout_ms);
    socketio_status_t (SOCKETIO_CALL *settings_check)(const char *json, size_t len);
    socketio_status_t (SOCKETIO_CALL *settings_apply)(const char *json, size_t len);
    socketio_status_t (SOCKETIO_CALL *connection_find)(const char *name, size_t len, socketio_connection_t *out);
    socketio_status_t (SOCKETIO_CALL *node_execute)(const socketio_node_call_t *node_call,
                                                    socketio_node_result_t *result);
    socketio_status_t (SOCKETIO_CALL *event_poll)(uint32_t max, socketio_event_batch_t *batch);
    size_t (SOCKETIO_CALL *last_error)(char *buf, size_t cap);
    socketio_status_t (SOCKETIO_CALL *set_log_level)(uint32_t level);
};

struct plugin {
    /* From plugin.json. The texts live in `manifest`. */
    struct json_document *manifest;
    const char *id;
    const char *name;
    const char *version;
    const char *category;
    int activated_by_default;
    uint32_t abi;
    char *library;
    /* Project Settings: title of the page, title of the list on it, and its key in project files. */
    const char *page;
    const char *list;
    const char *settings_key;

    /* From the library; zero until it is loaded. */
    void *handle;
    struct plugin_functions call;
    socketio_plugin_desc_t descriptor;
};

/* Reads `folder`/plugin.json. `library`: where the library is, if not beside it. 0, or -1 with a reason in `why`. */
int plugin_read(struct plugin *plugin, const char *folder, const char *library, struct text *why);
/* Loads the library and compares the versions of its interface. 0, or -1 with a reason in `why`. */
int plugin_load(struct plugin *plugin, struct text *why);
void plugin_close(struct plugin *plugin);

/* Does plugin.json list this node type? Known without loading, so that a deactivated plugin's nodes have an owner. */
int plugin_owns(const struct plugin *plugin, const char *node_type);
void plugin_add_description(const struct plugin *plugin, struct text *out);
/* The text of the last failure of a call on this thread. */
void plugin_add_last_error(const struct plugin *plugin, struct text *out);

#endif
