#ifndef PLUGIN_H
#define PLUGIN_H

/* The plugin's library: found, activated while there are objects, and polled when it has something to tell. */

#include "socketio_plugin.h"

/* Its functions that are used here, without their prefix. */
#define EACH_FUNCTION(DO)                                                                                              \
    DO(abi_version) DO(plugin_descriptor) DO(plugin_enable) DO(plugin_disable) DO(settings_apply) DO(connection_find)  \
    DO(node_execute) DO(event_poll) DO(event_wake_handle) DO(last_error)

extern struct plugin {
    const socketio_plugin_desc_t *desc;
    /* Whether it has settings. Before, no name of a connection can be told to be wrong. */
    int configured;
#define DECLARE(name) __typeof__(socketio_##name) *name;
    EACH_FUNCTION(DECLARE)
#undef DECLARE
} plugin;

/* Loads the library that lies in this folder, or where SOCKETIO_LIBRARY says. Not 0: Pd's window says why it can't. */
int plugin_load(const char *folder);

/* An object comes: with the first one the plugin is activated. */
void plugin_enter(const void *object);

/* An object goes: with the last one the plugin is deactivated. */
void plugin_leave(void);

/* Says why a call has failed. Pd's "Find last error" leads to the object. */
void plugin_complain(const void *object, const char *name);

/* These are the objects' part: what an event fires, and an object of a connection to which an error leads. */
void objects_fire(const socketio_event_t *event);
const void *object_of(socketio_connection_t connection);

#endif
