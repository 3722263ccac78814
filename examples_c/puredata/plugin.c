#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <m_pd.h>
#include <s_stuff.h>

/* Events for each turn of Pd's loop: a flood of them shall not stop the sound. The others come with the next turn. */
#define EVENTS_AT_ONCE 256
/* How long the end of the plugin may keep Pd waiting. Most often it takes a few milliseconds. */
#define END_MS 500

struct plugin plugin;

static unsigned objects;
static int activated, quitting, wake = -1;

void plugin_complain(const void *object, const char *name)
{
    char text[8193], *rest = text, *line;

    plugin.last_error(text, sizeof text);
    /* Several lines are several errors. */
    while ((line = rest) != NULL) {
        rest = strchr(line, '\n');
        if (rest != NULL) {
            *rest++ = 0;
        }
        pd_error(object, "%s: %s", name, line);
    }
}

static void take_events(void *unused, int fd)
{
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    uint32_t i;

    (void)unused, (void)fd;
    if (plugin.event_poll(EVENTS_AT_ONCE, &batch) >= 0) {
        for (i = 0; i < batch.count; i++) {
            objects_fire(batch.events[i]);
        }
    }
}

static void take_log(void *unused, const socketio_log_record_t *record)
{
    (void)unused;
    if (quitting) {
        return;
    }
    if (record->level == SOCKETIO_LOG_ERROR) {
        pd_error(object_of(record->connection), "socketio: %s", record->message.ptr);
    } else {
        post("socketio: %s", record->message.ptr);
    }
}

static void deactivate(void)
{
    if (activated) {
        /* `disable` closes the descriptor. */
        sys_rmpollfn(wake);
        plugin.plugin_disable(END_MS);
        activated = plugin.configured = 0;
    }
}

/* Pd frees no objects when it quits, and its console is gone by then. */
static void quit(void)
{
    quitting = 1;
    deactivate();
}

/* From here on Pd's loop waits for the plugin as it waits for its own sockets: nothing is polled in vain. */
static socketio_status_t activate(void)
{
    socketio_host_t host = {.struct_size = sizeof host, .abi_version = SOCKETIO_ABI_VERSION, .log = take_log};
    socketio_wake_handle_t handle = {.struct_size = sizeof handle};
    socketio_status_t status;

    host.name = "Pure Data";
    status = plugin.plugin_enable(&host);
    if (status >= 0) {
        status = plugin.event_wake_handle(&handle);
    }
    if (status >= 0) {
        activated = 1;
        wake = (int)handle.value;
        sys_addpollfn(wake, take_events, NULL);
    }
    return status;
}

void plugin_enter(const void *object)
{
    objects++;
    if (!activated && activate() < 0) {
        plugin_complain(object, plugin.desc->id);
    }
}

void plugin_leave(void)
{
    if (--objects == 0) {
        deactivate();
    }
}

int plugin_load(const char *folder)
{
    const char *path = getenv("SOCKETIO_LIBRARY");
    char beside[MAXPDSTRING];
    void *library, *symbol;

    snprintf(beside, sizeof beside, "%s/libsocketio_plugin.so", folder);
    library = dlopen(path != NULL ? path : beside, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        pd_error(NULL, "socketio: %s", dlerror());
        return -1;
    }
    /* POSIX gives functions as data pointers; C99 can't convert them, but it can copy them. */
#define FIND(name)                                                                                                     \
    if ((symbol = dlsym(library, "socketio_" #name)) == NULL) {                                                        \
        pd_error(NULL, "socketio: %s", dlerror());                                                                     \
        return -1;                                                                                                     \
    }                                                                                                                  \
    memcpy(&plugin.name, &symbol, sizeof symbol);
    EACH_FUNCTION(FIND)
    if (plugin.abi_version() >> 16 != SOCKETIO_ABI_VERSION >> 16) {
        pd_error(NULL, "socketio: the plugin speaks version %u of its interface, this external %d; build it anew",
                 plugin.abi_version() >> 16, SOCKETIO_ABI_VERSION >> 16);
        return -1;
    }
    plugin.desc = plugin.plugin_descriptor();
    return atexit(quit);
}
