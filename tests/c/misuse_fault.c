/* Faults inside the library, on purpose (src/diagnostics/failpoint.rs): what they come to for the host. Debug builds
   only. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

static socketio_connection_t faulty;
static socketio_connection_t other;

/* Activates with a fault that is to happen once. */
static void begin_with(const char *place)
{
    if (!is_debug_library()) {
        skip("a release build has no failpoints");
    }
    set_environment("SOCKETIO_FAILPOINT", place);
    begin();
    set_environment("SOCKETIO_FAILPOINT", NULL);
}

/* Two connections to one server: "main" and, connected, "other". */
static void configure_both(server_t *server, const char *extra)
{
    settings_add_url("main", server_url(server), extra);
    settings_add_url("other", server_url(server), NULL);
    settings_apply();
    faulty = find("main");
    other = find("other");
    start(other);
    WAIT_START(other);
}

/* The fault is told, in a sentence that says where; the other connection is none the wiser. */
static void check_told(const char *place)
{
    const event_t *error = WAIT_ERROR_CODE(faulty, "internal");
    CHECK_INT(error->head.status, SOCKETIO_E_PANIC);
    CHECK_HAS(text_of(error, ERROR_MESSAGE), "main");
    CHECK_HAS(text_of(error, ERROR_MESSAGE), place);
    CHECK(bool_of(error, ERROR_FATAL));
    barrier(other);
    CHECK_HAS(host_log(), "Fault inside the plugin");
}

/* That session is over, and the next one is as any. */
static void check_over_and_again(void)
{
    CHECK(!bool_of(WAIT_STOP(faulty), STOP_WILL_RECONNECT));
    CHECK_TEXT(state_of(faulty).state, "Stopped");
    start(faulty);
    WAIT_START(faulty);
    barrier(faulty);
    barrier(other);
}

static void a_fault_in(const char *place)
{
    server_t *server = server_start(NULL);
    char of_main[32];
    snprintf(of_main, sizeof of_main, "%s:main", place);
    begin_with(of_main);
    configure_both(server, NULL);
    start(faulty);
    check_told(place);
    check_over_and_again();
}

static void while_connecting(void)
{
    a_fault_in("connect");
}

static void while_receiving(void)
{
    a_fault_in("receive");
}

static void while_writing(void)
{
    a_fault_in("write");
}

static void while_receiving_over_polling(void)
{
    set_environment("SOCKETIO_TEST_TRANSPORT", "Polling Only");
    a_fault_in("receive");
}

static void while_closing(void)
{
    server_t *server = server_start(NULL);
    begin_with("close:main");
    configure_both(server, NULL);
    start(faulty);
    WAIT_START(faulty);
    stop(faulty);
    check_over_and_again();
}

/* The command itself is lost; what it owed is not. */
static void while_obeying(void)
{
    server_t *server = server_start(NULL);
    begin_with("command:main");
    configure_both(server, NULL);
    uint64_t request = SEND(faulty, .event = "ack", .reply_timeout = 10);
    check_told("command");
    const event_t *end = WAIT_REPLY(request);
    CHECK_INT(end->head.pulse, SEND_TIMEOUT_PULSE);
    CHECK_INT(state_of(faulty).queued, 0);
    start(faulty);
    WAIT_START(faulty);
    barrier(faulty);
}

static void while_starting(void)
{
    server_t *server = server_start(NULL);
    begin_with("command:main");
    configure_both(server, NULL);
    start(faulty);
    check_told("command");
    check_over_and_again();
}

static void while_testing(void)
{
    server_t *server = server_start(NULL);
    begin_with("test:main");
    configure_both(server, NULL);
    socketio_node_call_t call = node_call(SOCKETIO_NODE_TEST, faulty);
    socketio_node_result_t result = {.struct_size = sizeof result};
    CHECK_STATUS(plugin.node_execute(&call, &result), SOCKETIO_OK);
    const event_t *event = WAIT(.node_type = SOCKETIO_NODE_TEST, .request = result.request);
    CHECK_INT(bool_of(event, 2), 0);
    barrier(other);
}

/* A fault on the short-lived thread of a look-up: the attempt failed. */
static void while_looking_up(void)
{
    server_t *server = server_start(NULL);
    name_resolves("server.test", "127.0.0.1");
    begin_with("socketio-lookup");
    char url[64];
    snprintf(url, sizeof url, "http://server.test:%d", server_port(server));
    settings_add_url("main", url, QUICK_RETRY);
    settings_apply();
    faulty = find("main");
    start(faulty);
    WAIT_ERROR_CODE(faulty, "dns_failed");
    WAIT_START(faulty);
    barrier(faulty);
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void while_executing(void)
{
    server_t *server = server_start(NULL);
    begin_with("execute:main");
    configure_both(server, NULL);
    start(faulty);
    WAIT_START(faulty);
    SEND(faulty, .event = "lost", .expect = SOCKETIO_E_PANIC);
    CHECK_HAS(last_error(), "execute");
    CHECK_INT(state_of(faulty).queued, 0);
    barrier(faulty);
    barrier(other);
    CHECK(!server_has(server, "got " JSON({"nsp":"/","event":"lost")));
}

static void while_polling(void)
{
    server_t *server = server_start(NULL);
    begin_with("poll");
    socketio_connection_t client = configure_url(server_url(server), NULL);
    start(client);
    CHECK_STATUS(plugin.event_wait(PATIENCE_MS), SOCKETIO_OK);
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK_STATUS(plugin.event_poll(0, &batch), SOCKETIO_E_PANIC);
    CHECK_HAS(last_error(), "poll");
    /* Nothing of it was handed out: it comes now. */
    WAIT_START(client);
    barrier(client);
}

/* The thread of all connections is gone. The host has its events and its statuses, and may activate anew. */
static void of_the_thread_itself(void)
{
    server_t *server = server_start(NULL);
    begin_with("thread:main");
    settings_add_url("other", server_url(server), NULL);
    settings_apply();
    other = find("other");
    start(other);
    WAIT_START(other);
    uint64_t request = SEND(other, .event = "nobody answers", .reply_timeout = 60);
    settings_add_url("other", server_url(server), NULL);
    settings_add_url("main", server_url(server), NULL);
    settings_apply();
    /* What nobody would carry out is refused; what was told can still be waited for. */
    socketio_connection_t found = 0;
    AWAIT(plugin.connection_find("main", 4, &found) == SOCKETIO_E_STATE);
    CHECK_HAS(last_error(), "fault");
    CHECK_STATUS(plugin.event_wait(0), SOCKETIO_OK);
    CHECK_INT(WAIT_ERROR_CODE(other, "internal")->head.status, SOCKETIO_E_PANIC);
    CHECK(!bool_of(WAIT_STOP(other), STOP_WILL_RECONNECT));
    CHECK_INT(WAIT_REPLY(request)->head.pulse, SEND_TIMEOUT_PULSE);
    ignore_errors();
    CHECK_STATUS(plugin.event_wait(0), SOCKETIO_E_STATE);
    CHECK_STATUS(start(other), SOCKETIO_E_STATE);
    SEND(other, .event = "e", .expect = SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.settings_apply("{}", 2), SOCKETIO_E_STATE);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_ENABLED);
    int64_t began = now_ms();
    disable();
    CHECK(now_ms() - began < 1200);
    begin();
    socketio_connection_t again = configure_url(server_url(server), NULL);
    start(again);
    WAIT_START(again);
    barrier(again);
    ignore_errors();
}

TEST_MAIN(
    CASE(while_connecting),
    CASE(while_receiving),
    CASE(while_writing),
    CASE(while_receiving_over_polling),
    CASE(while_closing),
    CASE(while_obeying),
    CASE(while_starting),
    CASE(while_testing),
    CASE(while_looking_up),
    CASE(while_executing),
    CASE(while_polling),
    CASE(of_the_thread_itself))
