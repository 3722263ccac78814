/* The same again and again: threads, descriptors and memory stay flat. */

#include "harness.h"

#include <pthread.h>
#include <stdio.h>

/* Allocators keep a little; a leak of one session, times the rounds below, is far more. */
#define RSS_LIMIT_KIB 6144

static long rss_then;
static int fds_then;

/* Measured after the first rounds, when every cache is filled. */
static void remember(void)
{
    rss_then = rss_kib();
    fds_then = fd_count();
}

static void check_flat(void)
{
    wait_threads(1);
    CHECK_INT(fd_count(), fds_then);
    CHECK_GROWTH(rss_then, RSS_LIMIT_KIB);
}

/* Events are dropped, not kept: the harness itself must stay flat too. */
static void drop_events(void)
{
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    while (plugin.event_poll(0, &batch) >= 0) {
    }
}

static void load_and_close(void)
{
    int port = port_reserve();
    for (int round = 0; round < 200; round++) {
        if (round == 50) {
            remember();
        }
        plugin = plugin_open(library_path(), 0);
        CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_OK);
        start(configure(port, NULL));
        CHECK_STATUS(plugin.plugin_disable(2000), SOCKETIO_OK);
        drop_events();
        forgive_sessions();
        plugin_close(&plugin);
    }
    check_flat();
}

/* ---- What a device does in months ---- */

/* The contract: memory after all cycles is within this of what it was after the first hundred. */
#define CYCLES_LIMIT_KIB 1024
#define FIRST_CYCLES 100

/* Takes events until one of this node type comes; gives how many final On Stops came. */
static int stops_until(uint32_t node_type)
{
    int stops = 0;
    for (int64_t limit = now_ms() + PATIENCE_MS;;) {
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        CHECK(now_ms() < limit && plugin.event_wait(1000) >= 0);
        CHECK(plugin.event_poll(1, &batch) >= 0);
        if (batch.count == 1) {
            const socketio_event_t *event = batch.events[0];
            stops += event->node_type == SOCKETIO_NODE_ON_STOP && !event->outputs[STOP_WILL_RECONNECT].as.boolean;
            if (event->node_type == node_type) {
                return stops;
            }
        }
    }
}

/* One connection of each transport, and what the server reported so far let go. */
static void configure_each(server_t *server, socketio_connection_t clients[3])
{
    static const char *const transports[] = {"WebSocket Only", "Polling Only", "Automatic"};
    for (int i = 0; i < 3; i++) {
        char fields[64];
        snprintf(fields, sizeof fields, "\"transport\":\"%s\"", transports[i]);
        settings_add_url(transports[i], server_url(server), fields);
    }
    settings_apply();
    for (int i = 0; i < 3; i++) {
        clients[i] = find(transports[i]);
    }
}

static void drop_reports(server_t *server)
{
    server_command(server, "sockets");
    while (server_has(server, "transport ") || server_has(server, "upgraded ") || server_has(server, "connected ")
           || server_has(server, "disconnected ")) {
    }
}

/* Each tenth Start waits until it is connected; the others are stopped wherever they have come to. */
static void start_and_stop_ten_thousand_times(void)
{
    server_t *server = server_start(NULL);
    plugin_load();
    CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_OK);
    socketio_connection_t clients[3];
    configure_each(server, clients);
    int stops = 0;
    for (int cycle = 0; cycle < 10000; cycle++) {
        if (cycle == FIRST_CYCLES) {
            remember();
        }
        socketio_connection_t client = clients[cycle % 3];
        start(client);
        if (cycle % 10 == 0) {
            stops += stops_until(SOCKETIO_NODE_ON_START);
            drop_reports(server);
        }
        stop(client);
        stops += stops_until(SOCKETIO_NODE_ON_STOP);
        CHECK_INT(stops, cycle + 1);
    }
    CHECK_GROWTH(rss_then, CYCLES_LIMIT_KIB);
    CHECK_INT(thread_count(), 2);
    AWAIT(fd_count() <= fds_then);
    CHECK_STATUS(plugin.plugin_disable(2000), SOCKETIO_OK);
    drop_events();
    forgive_sessions();
}

/* Each tenth one when a connection stands, the others wherever it has come to. */
static void enable_and_disable_a_thousand_times(void)
{
    server_t *server = server_start(NULL);
    plugin_load();
    for (int cycle = 0; cycle < 1000; cycle++) {
        if (cycle == FIRST_CYCLES) {
            remember();
        }
        CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_OK);
        socketio_connection_t clients[3];
        configure_each(server, clients);
        socketio_connection_t client = clients[cycle % 3];
        start(client);
        if (cycle % 10 == 0) {
            stops_until(SOCKETIO_NODE_ON_START);
            drop_reports(server);
        } else if (cycle % 2 == 0) {
            stop(client);
        }
        CHECK_STATUS(plugin.plugin_disable(2000), SOCKETIO_OK);
        drop_events();
        forgive_sessions();
    }
    CHECK_GROWTH(rss_then, CYCLES_LIMIT_KIB);
    wait_threads(1);
    CHECK_INT(fd_count(), fds_then);
}

static void connect_and_disconnect(void)
{
    server_t *server = server_start(NULL);
    begin();
    socketio_connection_t client = configure(server_port(server), NULL);
    for (int round = 0; round < 200; round++) {
        if (round == 50) {
            rss_then = rss_kib();
        }
        start(client);
        WAIT_START(client);
        stop(client);
        WAIT_STOP(client);
    }
    CHECK_GROWTH(rss_then, RSS_LIMIT_KIB);
    CHECK_INT(thread_count(), 2);
}

static void settings_that_come_and_go(void)
{
    plugin_load();
    CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_OK);
    socketio_connection_t first = 0;
    for (int round = 0; round < 2000; round++) {
        if (round == 200) {
            rss_then = rss_kib();
        }
        char name[32];
        snprintf(name, sizeof name, "connection %d", round);
        settings_add(name, 9, NULL);
        settings_apply();
        if (round == 0) {
            first = find(name);
        }
        CHECK(round == 0 || find(name) != first);
    }
    CHECK_GROWTH(rss_then, RSS_LIMIT_KIB);
    socketio_connection_info_t info = {.struct_size = sizeof info};
    CHECK_STATUS(plugin.connection_info(first, &info), SOCKETIO_E_STALE);
}

static void messages_that_come_and_go(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    subscribe(client, "echo", NULL);
    WAIT_SUBSCRIBED(client, "echo");
    for (int round = 0; round < 40; round++) {
        if (round == 10) {
            rss_then = rss_kib();
        }
        server_command(server, "flood %s", JSON({"event":"echo","count":1000}));
        for (int received = 0; received < 1000;) {
            socketio_event_batch_t batch = {.struct_size = sizeof batch};
            CHECK_STATUS(plugin.event_wait(PATIENCE_MS), SOCKETIO_OK);
            CHECK(plugin.event_poll(0, &batch) >= 0);
            received += (int)batch.count;
        }
    }
    CHECK_GROWTH(rss_then, RSS_LIMIT_KIB);
}

/* ---- A host thread that called in, and outlives the library ---- */

#define PACKET(packet) "{\"parts\":[\"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n" packet "\"]},"
#define SILENCE "{\"parts\":[],\"end\":false},"
#define SESSIONS 60

/* Copies a text; gives its end. */
static char *append(char *end, const char *text)
{
    size_t len = strlen(text);
    memcpy(end, text, len + 1);
    return end + len;
}

/* Each Stop leaves messages behind that the server does not take. Only few of them may be waited for. */
static void stops_that_nobody_answers(void)
{
    static const char session[] = PACKET("0{\\\"sid\\\":\\\"s\\\",\\\"pingInterval\\\":25000,\\\"pingTimeout\\\":20000}")
        PACKET("40{\\\"sid\\\":\\\"n\\\"}") SILENCE;
    static const char posts[] = PACKET("ok") SILENCE;
    static char options[SESSIONS * (sizeof session + sizeof posts) + 100];
    char *end = options + snprintf(options, sizeof options, "{\"mode\":\"answers\",\"answers\":[");
    for (int i = 0; i < SESSIONS; i++) {
        end = append(end, session);
    }
    end = append(end - 1, "],\"posts\":[");
    for (int i = 0; i < SESSIONS; i++) {
        end = append(end, posts);
    }
    append(end - 1, "]}");
    server_t *server = server_start(options);
    begin();
    socketio_connection_t client = configure(server_port(server), JSON("transport":"Polling Only","connect_timeout":60));
    fds_then = fd_count();
    for (int i = 0; i < SESSIONS; i++) {
        start(client);
        WAIT_START(client);
        SEND(client, .event = "under way");
        /* The handshake, CONNECT and its answer, the wait for more, the first message. */
        for (int request = 0; request < 5; request++) {
            server_wait(server, "request ");
        }
        SEND(client, .event = "behind it");
        stop(client);
        WAIT_STOP(client);
    }
    /* Two sockets for each of the 32 that may take their time. */
    AWAIT(fd_count() <= fds_then + 2 * 32 + 8);
    ignore_errors();
}

static pthread_barrier_t called_in;
static pthread_barrier_t closed;

static void *call_in(void *argument)
{
    CHECK_STATUS(plugin.settings_check("nonsense", 8), SOCKETIO_E_SETTINGS);
    CHECK(plugin.last_error(NULL, 0) > 0);
    uint64_t connection = 0;
    CHECK(plugin.connection_find("main", 4, &connection) < 0);
    pthread_barrier_wait(&called_in);
    pthread_barrier_wait(&closed);
    return argument;
}

static void a_thread_that_called_in_ends_after_the_library_is_closed(void)
{
    for (int round = 0; round < 30; round++) {
        begin();
        pthread_t thread;
        CHECK(pthread_barrier_init(&called_in, NULL, 2) == 0 && pthread_barrier_init(&closed, NULL, 2) == 0);
        CHECK(pthread_create(&thread, NULL, call_in, NULL) == 0);
        pthread_barrier_wait(&called_in);
        disable();
        plugin_close(&plugin);
        pthread_barrier_wait(&closed);
        CHECK(pthread_join(thread, NULL) == 0);
        pthread_barrier_destroy(&called_in);
        pthread_barrier_destroy(&closed);
    }
}

TEST_MAIN(
    CASE(load_and_close),
    CASE(start_and_stop_ten_thousand_times),
    CASE(enable_and_disable_a_thousand_times),
    CASE(connect_and_disconnect),
    CASE(settings_that_come_and_go),
    CASE(messages_that_come_and_go),
    CASE(stops_that_nobody_answers),
    CASE(a_thread_that_called_in_ends_after_the_library_is_closed))
