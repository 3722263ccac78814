/* Functions of our names that are not ours: a host that has some, a second build of the library. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

/* Hosts have functions of any name. No part of the library may call these. */
static const char *called;
#define OF_OUR_NAME(name)                                          \
    void hosts_own_##name(void) __asm__("socketio_" #name);        \
    void hosts_own_##name(void) { called = "socketio_" #name; }
PLUGIN_FUNCTIONS(OF_OUR_NAME)

/* The library is loaded so that all names of the process are one heap, in which those of the host come first. */
static void a_host_with_functions_of_our_names(void)
{
    server_t *server = server_start(NULL);
    plugin_t among_all = plugin_open(library_path(), 1);
    socketio_connection_t client = connected(server, NULL);
    subscribe(client, "echo", NULL);
    WAIT_SUBSCRIBED(client, "echo");
    SEND(client, .event = "echo", .message = "still ours");
    CHECK_TEXT(text_of(WAIT_RECEIVE(client, "echo"), RECEIVE_MESSAGE), "still ours");
    CHECK_STATUS(among_all.settings_check("{", 1), SOCKETIO_E_SETTINGS);
    CHECK_HAS(last_error(), "JSON");
    CHECK_TEXT(among_all.status_name(SOCKETIO_OK), "SOCKETIO_OK");
    disable();
    if (called != NULL) {
        FAIL("expected the library's own functions, the host's %s was called", called);
    }
    hosts_own_plugin_state();
    CHECK_TEXT(called, "socketio_plugin_state");
}

/* Copies the library, so that the loader takes it for another one. */
static void copy_library(const char *path)
{
    FILE *from = file_open(library_path(), "rb");
    FILE *to = file_open(path, "wb");
    CHECK(from != NULL && to != NULL);
    static char bytes[1 << 16];
    for (size_t len; (len = fread(bytes, 1, sizeof bytes, from)) > 0;) {
        CHECK(fwrite(bytes, 1, len, to) == len);
    }
    CHECK(fclose(from) == 0 && fclose(to) == 0);
}

/* Another build of the plugin, loaded before and visible to all: each keeps its own state. SOCKETIO_OTHER_LIBRARY is one
   that was built in another way; otherwise a copy is another one. */
static void two_builds_do_not_mix(void)
{
    server_t *server = server_start(NULL);
    const char *path = environment("SOCKETIO_OTHER_LIBRARY");
    if (path == NULL) {
        path = temporary_path("another.dll");
        copy_library(path);
    }
    plugin_t other = plugin_open(path, 1);
    CHECK_STATUS(other.plugin_enable(NULL), SOCKETIO_OK);
    plugin_load();
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    CHECK(plugin.plugin_descriptor() != other.plugin_descriptor());
    socketio_connection_t client = connected(server, NULL);
    socketio_connection_t connection = 0;
    CHECK_STATUS(other.connection_find("main", 4, &connection), SOCKETIO_E_NOT_FOUND);
    char settings[256];
    int len = snprintf(settings, sizeof settings, JSON({"connections":[{"name":"main","url":"%s"}]}), server_url(server));
    CHECK_STATUS(other.settings_apply(settings, (size_t)len), SOCKETIO_OK);
    CHECK_STATUS(other.connection_find("main", 4, &connection), SOCKETIO_OK);
    socketio_node_call_t call = node_call(SOCKETIO_NODE_START, connection);
    CHECK_STATUS(other.node_execute(&call, NULL), SOCKETIO_OK);
    CHECK_STATUS(other.event_wait((uint32_t)PATIENCE_MS), SOCKETIO_OK);
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK_STATUS(other.event_poll(0, &batch), SOCKETIO_OK);
    CHECK(batch.count == 1 && batch.events[0]->node_type == SOCKETIO_NODE_ON_START);
    CHECK_STATUS(other.plugin_disable(2000), SOCKETIO_OK);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_ENABLED);
    barrier(client);
}

TEST_MAIN(
    CASE(a_host_with_functions_of_our_names),
    CASE(two_builds_do_not_mix))
