/* Enable, disable and what is left between them. */

#include "harness.h"

#include <pthread.h>

static void enable_and_disable_change_the_state(void)
{
    plugin_load();
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_ALREADY);
    enable();
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_ENABLED);
    CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_ALREADY);
    /* Calls are not counted: one disable is enough. */
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_OK);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_ALREADY);
    CHECK_STATUS(plugin.plugin_disable(0), SOCKETIO_ALREADY);
}

static void a_host_is_not_needed(void)
{
    plugin_load();
    CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_OK);
    socketio_connection_t client = configure(port_reserve(), QUICK_RETRY);
    CHECK_STATUS(start(client), SOCKETIO_OK);
    WAIT_ERROR(client);
}

static void enable_is_quick(void)
{
    plugin_load();
    int64_t began = now_ms();
    enable();
    /* The promise is 5 ms; a loaded machine may take longer. */
    CHECK(now_ms() - began < 250 * slowdown());
}

static void disable_without_connections_is_quick(void)
{
    begin();
    int64_t began = now_ms();
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_OK);
    CHECK(now_ms() - began < 250 * slowdown());
}

/* The struct of an older host is shorter, that of a newer one longer. */
static void hosts_of_other_sizes(void)
{
    plugin_load();
    struct {
        socketio_host_t host;
        uint64_t tail;
    } longer = {.host = {.struct_size = sizeof longer, .abi_version = SOCKETIO_ABI_VERSION}};
    CHECK_STATUS(plugin.plugin_enable(&longer.host), SOCKETIO_OK);
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_OK);
    longer.tail = 1;
    CHECK_STATUS(plugin.plugin_enable(&longer.host), SOCKETIO_E_ABI);

    socketio_host_t host = {.struct_size = offsetof(socketio_host_t, context), .abi_version = SOCKETIO_ABI_VERSION};
    /* Behind the given size: not looked at. */
    memset((char *)&host + host.struct_size, 0xaa, sizeof host - host.struct_size);
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_OK);
    listen_for(10);
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_OK);

    host.struct_size = 0;
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_E_ABI);
    host.struct_size = sizeof(uint32_t);
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_E_ABI);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
}

static void another_abi_major_is_refused(void)
{
    plugin_load();
    socketio_host_t host = {.struct_size = sizeof host, .abi_version = SOCKETIO_ABI_VERSION + 0x10000};
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_E_ABI);
    host.abi_version = SOCKETIO_ABI_VERSION + 1;
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_OK);
}

static void disable_forgets_settings_and_handles(void)
{
    begin();
    socketio_connection_t before = configure(80, NULL);
    disable();
    enable();
    socketio_connection_t found = 0;
    CHECK_STATUS(plugin.connection_find("main", 4, &found), SOCKETIO_E_NOT_FOUND);
    socketio_connection_info_t info = {.struct_size = sizeof info};
    CHECK_STATUS(plugin.connection_info(before, &info), SOCKETIO_E_STALE);
    socketio_connection_t after = configure(80, NULL);
    CHECK(after != before);
    CHECK_STATUS(plugin.connection_info(before, &info), SOCKETIO_E_STALE);
    for (uint32_t node_type = SOCKETIO_NODE_START; node_type <= SOCKETIO_NODE_STATE; node_type++) {
        socketio_node_call_t call = node_call(node_type, before);
        CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_E_STALE);
    }
}

/* The last On Stop is only heard by those who poll once more. */
static void events_outlive_disable(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    CHECK_STATUS(plugin.plugin_disable(2000), SOCKETIO_OK);
    CHECK_STATUS(plugin.event_wait(0), SOCKETIO_E_STATE);
    const event_t *event = WAIT_STOP(client);
    CHECK_TEXT(text_of(event, STOP_REASON), "plugin disabled");
    CHECK(!bool_of(event, STOP_WILL_RECONNECT));
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK_STATUS(plugin.event_poll(0, &batch), SOCKETIO_E_STATE);
}

/* Counts final On Stops until there is nothing left to poll. */
static void *poll_to_the_end(void *argument)
{
    int *stops = argument;
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    while (plugin.event_poll(0, &batch) >= 0) {
        for (uint32_t i = 0; i < batch.count; i++) {
            const socketio_event_t *event = batch.events[i];
            *stops += event->node_type == SOCKETIO_NODE_ON_STOP && !event->outputs[STOP_WILL_RECONNECT].as.boolean;
        }
    }
    return NULL;
}

/* E_STATE means that nothing more comes: not before the last On Stop. */
static void a_poller_beside_disable_misses_nothing(void)
{
    enum { CONNECTIONS = 10, ROUNDS = 10 };
    server_t *server = server_start(NULL);
    plugin_load();
    for (int round = 0; round < ROUNDS; round++) {
        enable();
        for (int i = 0; i < CONNECTIONS; i++) {
            settings_add((const char[]){(char)('a' + i), 0}, server_port(server), NULL);
        }
        settings_apply();
        for (int i = 0; i < CONNECTIONS; i++) {
            socketio_connection_t client = find((const char[]){(char)('a' + i), 0});
            start(client);
            WAIT_START(client);
        }
        int stops = 0;
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, poll_to_the_end, &stops) == 0);
        CHECK_STATUS(plugin.plugin_disable(3000), SOCKETIO_OK);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK_INT(stops, CONNECTIONS);
        forgive_sessions();
    }
}

/* Lines that wait are handed over from inside disable; after it the host's callback may be gone. */
static void the_log_ends_with_disable(void)
{
    enum { LINES = 500 };
    server_t *server = server_start(NULL);
    plugin_load();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    socketio_connection_t client = connected(server, NULL);
    for (int i = 0; i < LINES; i++) {
        SEND(client, .event = i == 0 ? "first" : i == LINES - 1 ? "last" : "e");
    }
    server_wait(server, "got " "{\"nsp\":\"/\",\"event\":\"last\"");
    CHECK(strstr(host_log(), "first") == NULL);
    CHECK_STATUS(plugin.plugin_disable(3000), SOCKETIO_OK);
    CHECK_HAS(host_log(), "first");
    CHECK_HAS(host_log(), "last");
    size_t len = strlen(host_log());
    WAIT_STOP(client);
    CHECK_STATUS(plugin.plugin_disable(0), SOCKETIO_ALREADY);
    CHECK_INT(strlen(host_log()), len);
}

static void the_next_enable_drops_them(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    stop(client);
    server_wait(server, "disconnected ");
    CHECK_STATUS(plugin.plugin_disable(2000), SOCKETIO_OK);
    /* On Stop is in the queue, unheard. */
    CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_OK);
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK_STATUS(plugin.event_poll(0, &batch), SOCKETIO_OK);
    CHECK_INT(batch.count, 0);
    CHECK_INT(batch.dropped, 0);
    forgive_sessions();
}

static void a_batch_outlives_disable_and_enable(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    subscribe(client, "kept", NULL);
    WAIT_SUBSCRIBED(client, "kept");
    server_command(server, "emit %s", JSON({"event":"kept","args":["a text that stays"]}));
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK_STATUS(plugin.event_wait(PATIENCE_MS), SOCKETIO_OK);
    /* MORE with nothing: the plugin's thread held the queue just then. */
    while (plugin.event_poll(1, &batch) == SOCKETIO_MORE && batch.count == 0) {
    }
    CHECK_INT(batch.count, 1);
    const socketio_event_t *event = batch.events[0];
    CHECK_STATUS(plugin.plugin_disable(2000), SOCKETIO_OK);
    CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_OK);
    CHECK_INT(event->node_type, SOCKETIO_NODE_ON_RECEIVE);
    CHECK_TEXT(event->outputs[RECEIVE_MESSAGE].as.string.ptr, "a text that stays");
    CHECK(event->connection == client);
    forgive_sessions();
}

static void *disable_soon(void *argument)
{
    /* The main thread is in event_wait by then, or about to be: both must end. */
    sleep_ms(50);
    CHECK_STATUS(plugin.plugin_disable(2000), SOCKETIO_OK);
    return argument;
}

static void disable_ends_a_wait(void)
{
    begin();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, disable_soon, NULL) == 0);
    int64_t began = now_ms();
    CHECK_STATUS(plugin.event_wait(PATIENCE_MS), SOCKETIO_E_STATE);
    CHECK(now_ms() - began < PATIENCE_MS / 2);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void calls_are_refused_while_deactivated(void)
{
    plugin_load();
    for (int round = 0; round < 2; round++) {
        uint64_t connection = 0;
        socketio_connection_info_t info = {.struct_size = sizeof info};
        socketio_wake_handle_t handle = {.struct_size = sizeof handle};
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        CHECK_STATUS(plugin.settings_apply("{}", 2), SOCKETIO_E_STATE);
        CHECK_STATUS(plugin.connection_find("main", 4, &connection), SOCKETIO_E_STATE);
        CHECK_STATUS(plugin.connection_info(1, &info), SOCKETIO_E_STATE);
        CHECK_STATUS(plugin.event_poll(0, &batch), SOCKETIO_E_STATE);
        CHECK_STATUS(plugin.event_wait(0), SOCKETIO_E_STATE);
        CHECK_STATUS(plugin.event_wake_handle(&handle), SOCKETIO_E_STATE);
        for (uint32_t node_type = SOCKETIO_NODE_START; node_type <= SOCKETIO_NODE_STATE; node_type++) {
            socketio_node_call_t call = node_call(node_type, 1);
            CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_E_STATE);
            CHECK_HAS(last_error(), "activated");
        }
        enable();
        disable();
    }
}

TEST_MAIN(
    CASE(enable_and_disable_change_the_state),
    CASE(a_host_is_not_needed),
    CASE(enable_is_quick),
    CASE(disable_without_connections_is_quick),
    CASE(hosts_of_other_sizes),
    CASE(another_abi_major_is_refused),
    CASE(disable_forgets_settings_and_handles),
    CASE(events_outlive_disable),
    CASE(a_poller_beside_disable_misses_nothing),
    CASE(the_log_ends_with_disable),
    CASE(the_next_enable_drops_them),
    CASE(a_batch_outlives_disable_and_enable),
    CASE(disable_ends_a_wait),
    CASE(calls_are_refused_while_deactivated))
