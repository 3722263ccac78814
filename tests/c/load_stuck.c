/* Deactivating while something hangs or floods: back in time; whatever can't be ended leaves the plugin DRAINING. */

#include "load_ten.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

/* ---- Whatever hangs ---- */

static void ten_in_a_tls_handshake_that_never_ends(void)
{
    server_t *server = server_start(JSON({"tls":"good"}));
    server_freeze(server);
    begin();
    char name[16];
    for (int i = 0; i < CONNECTIONS; i++) {
        snprintf(name, sizeof name, "c%d", i);
        settings_add_url(name, server_url(server), trusting("ca.pem", NULL));
    }
    start_all();
    listen_for(100);
    CHECK_TEXT(state_of(find("c0")).state, "Connecting");
    check_disable(CONNECTIONS);
}

static void ten_at_proxies_that_never_answer(void)
{
    server_t *proxy = proxy_start(NULL);
    server_freeze(proxy);
    begin();
    char name[16];
    char fields[128];
    for (int i = 0; i < CONNECTIONS; i++) {
        snprintf(name, sizeof name, "c%d", i);
        snprintf(fields, sizeof fields, JSON("proxy":"%s://127.0.0.1:%d"), i % 2 == 0 ? "http" : "socks5",
                 server_port(proxy));
        settings_add_url(name, i % 3 == 0 ? "https://192.0.2.1" : "http://192.0.2.1", fields);
    }
    start_all();
    listen_for(100);
    check_disable(CONNECTIONS);
}

/* What the system offers only as a call that can't be ended keeps its thread. The host waits no longer than it wants to,
   the plugin drains, and goes on from there. */
static void check_draining(int sessions, void (*release)(void))
{
    disable_in_time(SOCKETIO_E_TIMEOUT);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DRAINING);
    /* The sessions are over all the same. */
    take_final_stops(sessions);
    uint64_t connection = 0;
    CHECK_STATUS(plugin.connection_find("c0", 2, &connection), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.settings_apply("{}", 2), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_E_BUSY);
    disable_in_time(SOCKETIO_E_TIMEOUT);
    release();
    disable_in_time(SOCKETIO_OK);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    wait_threads(1);
    server_t *server = server_start(NULL);
    connected(server, NULL);
    ignore_errors();
}

static void look_up_answers(void)
{
    name_resolves("stuck.test", NULL);
}

static void ten_whose_name_is_never_found(void)
{
    name_hangs("stuck.test");
    begin();
    char name[16];
    for (int i = 0; i < CONNECTIONS; i++) {
        snprintf(name, sizeof name, "c%d", i);
        settings_add_url(name, "http://stuck.test", NULL);
    }
    start_all();
    AWAIT(name_lookups("stuck.test") >= 1);
    check_draining(CONNECTIONS, look_up_answers);
}

/* A file on a network that is gone: whoever opens it waits. The library's calls end here, because an executable's
   symbols go before those of libc. */
static const char *stuck_file;
static int file_is_stuck = 1;
static int openers;

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? (mode_t)va_arg(arguments, int) : 0;
    va_end(arguments);
    if (stuck_file != NULL && strcmp(path, stuck_file) == 0) {
        __sync_fetch_and_add(&openers, 1);
        while (__sync_fetch_and_add(&file_is_stuck, 0)) {
            sleep_ms(1);
        }
    }
    return open(path, flags, mode);
}

static void file_answers(void)
{
    __sync_fetch_and_sub(&file_is_stuck, 1);
}

static void ten_whose_secret_is_never_read(void)
{
    stuck_file = "/proc/version";
    begin();
    char name[16];
    for (int i = 0; i < CONNECTIONS; i++) {
        snprintf(name, sizeof name, "c%d", i);
        settings_add(name, port_reserve(), JSON("auth":{"token":"file:/proc/version"}));
    }
    start_all();
    AWAIT(__sync_fetch_and_add(&openers, 0) >= 8);
    check_draining(CONNECTIONS, file_answers);
}

/* ---- Whatever is going on ---- */

static void ten_with_full_queues(void)
{
    server_t *server = server_start(NULL);
    begin();
    char name[16];
    for (int i = 0; i < CONNECTIONS; i++) {
        snprintf(name, sizeof name, "c%d", i);
        settings_add(name, server_port(server), JSON("queue_messages":50));
    }
    start_all();
    for (int i = 0; i < CONNECTIONS; i++) {
        WAIT(.node_type = SOCKETIO_NODE_ON_START);
    }
    server_freeze(server);
    static const char large[100000 + 1];
    for (int i = 0; i < CONNECTIONS; i++) {
        snprintf(name, sizeof name, "c%d", i);
        const socketio_value_t attributes[] = {{0}, value_text("Binary")};
        const socketio_value_t inputs[] = {{0}, value_text("e"), {0}, value_bytes(large, sizeof large)};
        socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, find(name));
        call.attributes = attributes;
        call.attribute_count = COUNT(attributes);
        call.inputs = inputs;
        call.input_count = COUNT(inputs);
        socketio_status_t status = SOCKETIO_OK;
        for (int k = 0; status == SOCKETIO_OK; k++) {
            CHECK(k < 1000);
            status = plugin.node_execute(&call, NULL);
        }
        CHECK_STATUS(status, SOCKETIO_E_QUEUE_FULL);
    }
    check_disable(CONNECTIONS);
}

static void a_host_that_does_not_poll(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, JSON("inbound_messages":1000));
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    server_command(server, "flood %s", JSON({"event":"news","count":20000}));
    AWAIT(info_of(client).dropped > 10000);
    check_disable(1);
    CHECK_INT(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_RECEIVE), 1000);
}

/* Events of life-cycle and errors are never dropped: so nothing more is tried while a thousand of them are unread. */
static void a_host_that_never_polls_while_a_server_flaps(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, JSON("reconnect_delay":0.01,"reconnect_delay_max":0.01));
    /* Each is told again after each reconnect. */
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "news %d", i);
        subscribe(client, name, NULL);
    }
    barrier(client);
    TAKE_ALL(.connection = client);
    server_wait(server, "connected ");
    int comes_back = 1;
    for (int cycle = 0; comes_back; cycle++) {
        CHECK(cycle < 100);
        server_command(server, "cut");
        server_wait(server, "disconnected ");
        comes_back = 0;
        for (int64_t limit = now_ms() + 1000; !comes_back && now_ms() < limit; sleep_ms(1)) {
            server_command(server, "sockets");
            comes_back = server_has(server, "connected ");
        }
    }
    CHECK_INT(info_of(client).state, SOCKETIO_CONNECTION_WAITING);
    /* Heartbeats and calls go on, and once the host polls, so does everything. */
    int unread = TAKE_ALL(.connection = client);
    CHECK(unread > 900 && unread < 1100);
    WAIT_START(client);
    barrier(client);
    check_disable(1);
}

static void a_hundred_that_come_and_go(void)
{
    enum { MANY = 100 };
    server_t *server = server_start(NULL);
    int nobody = port_reserve();
    begin();
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c%d", i);
        settings_add(name, i % 2 == 0 ? server_port(server) : nobody,
                     JSON("reconnect_delay":0.01,"reconnect_delay_max":0.02,"reconnect_after_server_disconnect":true));
    }
    settings_apply();
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c%d", i);
        start(find(name));
    }
    for (int i = 0; i < 5; i++) {
        WAIT(.node_type = SOCKETIO_NODE_ON_START);
        server_command(server, "cut");
    }
    server_command(server, "cut");
    disable_in_time(SOCKETIO_OK);
    wait_threads(1);
    /* That each had one final On Stop is looked at where each case ends. */
    ignore_errors();
}

static void tests_that_run(void)
{
    server_t *server = server_start(NULL);
    server_freeze(server);
    begin();
    configure(server_port(server), NULL);
    socketio_node_call_t call = node_call(SOCKETIO_NODE_TEST, find("main"));
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
    }
    listen_for(100);
    check_disable(0);
    CHECK_INT(TAKE_ALL(.node_type = SOCKETIO_NODE_TEST), 3);
}

static void *wait_for_an_hour(void *argument)
{
    socketio_status_t *status = argument;
    /* The main thread's own look may have come in between. */
    do {
        *status = plugin.event_wait(3600 * 1000);
    } while (*status == SOCKETIO_E_BUSY);
    return NULL;
}

static void a_thread_that_waits(void)
{
    begin();
    socketio_status_t status = SOCKETIO_OK;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_for_an_hour, &status) == 0);
    AWAIT(plugin.event_wait(0) == SOCKETIO_E_BUSY);
    disable_in_time(SOCKETIO_OK);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_STATUS(status, SOCKETIO_E_STATE);
}

TEST_MAIN(
    CASE(ten_in_a_tls_handshake_that_never_ends),
    CASE(ten_at_proxies_that_never_answer),
    CASE(ten_whose_name_is_never_found),
    CASE(ten_whose_secret_is_never_read),
    CASE(ten_with_full_queues),
    CASE(a_host_that_does_not_poll),
    CASE(a_host_that_never_polls_while_a_server_flaps),
    CASE(a_hundred_that_come_and_go),
    CASE(tests_that_run),
    CASE(a_thread_that_waits))
