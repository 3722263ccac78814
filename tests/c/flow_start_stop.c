/* Start and Stop, in every state a connection can be in. The end of each case checks that each session had exactly
   one final On Stop. */

#include "harness.h"

#include <stdio.h>

/* How long an On Stop may take after Stop, whatever the other end does. */
#define STOP_LIMIT_MS 1500

static void check_stops(socketio_connection_t connection, const char *reason)
{
    int64_t began = now_ms();
    CHECK_STATUS(stop(connection), SOCKETIO_OK);
    CHECK(now_ms() - began < 100);
    const event_t *event = WAIT_STOP(connection);
    CHECK(now_ms() - began < STOP_LIMIT_MS);
    CHECK(!bool_of(event, STOP_WILL_RECONNECT));
    CHECK_TEXT(text_of(event, STOP_REASON), reason);
    CHECK_TEXT(state_of(connection).state, "Stopped");
}

static void start_fires_on_start_with_the_session_id(void)
{
    server_t *server = server_start(NULL);
    begin();
    socketio_connection_t client = configure(server_port(server), NULL);
    CHECK_STATUS(start(client), SOCKETIO_OK);
    const event_t *event = WAIT_START(client);
    CHECK(!bool_of(event, START_IS_RECONNECT));
    CHECK(!bool_of(event, START_RECOVERED));
    CHECK(text_of(event, START_SESSION_ID)[0] != 0);
    CHECK_HAS(server_wait(server, "connected "), text_of(event, START_SESSION_ID));
}

static void start_twice_is_one_socket(void)
{
    server_t *server = server_start(NULL);
    begin();
    socketio_connection_t client = configure(server_port(server), NULL);
    CHECK(start(client) >= 0);
    CHECK(start(client) >= 0);
    WAIT_START(client);
    CHECK(start(client) >= 0);
    barrier(client);
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":1,"/":1}));
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_START);
}

static void stop_while_connected(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    check_stops(client, "io client disconnect");
    server_expect(server, "disconnected " JSON({"nsp":"/","reason":"client namespace disconnect"}));
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":0})) == 0);
}

static void stop_while_nothing_was_started(void)
{
    server_t *server = server_start(NULL);
    begin();
    settings_add("idle", server_port(server), NULL);
    settings_add("main", server_port(server), NULL);
    settings_apply();
    CHECK(stop(find("idle")) >= 0);
    start(find("main"));
    WAIT_START(find("main"));
    barrier(find("main"));
    CHECK_NONE(.connection = find("idle"));
}

static void stop_while_connecting(void)
{
    int silent = raw_start(NULL);
    begin();
    socketio_connection_t client = configure(silent, NULL);
    start(client);
    AWAIT(raw_accepted(silent) == 1);
    CHECK_TEXT(state_of(client).state, "Connecting");
    check_stops(client, "io client disconnect");
}

static void stop_right_after_start(void)
{
    server_t *server = server_start(NULL);
    begin();
    socketio_connection_t client = configure(server_port(server), NULL);
    start(client);
    CHECK(stop(client) >= 0);
    CHECK(!bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":0})) == 0);
    CHECK_TEXT(state_of(client).state, "Stopped");
}

static void stop_while_waiting_for_the_next_try(void)
{
    begin();
    socketio_connection_t client = configure(port_reserve(), JSON("reconnect_delay":60,"reconnect_delay_max":60));
    start(client);
    WAIT_ERROR(client);
    CHECK_TEXT(state_of(client).state, "Waiting");
    check_stops(client, "io client disconnect");
}

static void stop_while_the_server_is_gone(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, JSON("reconnect_delay":60,"reconnect_delay_max":60));
    server_kill(server);
    CHECK(bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    check_stops(client, "io client disconnect");
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR);
}

/* A server on a breakpoint: the kernel accepts, nobody answers. */
static void stop_while_the_server_is_frozen(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    server_freeze(server);
    check_stops(client, "io client disconnect");
}

static void stop_twice_is_one_on_stop(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    CHECK(stop(client) >= 0);
    CHECK(stop(client) >= 0);
    WAIT_STOP(client);
    CHECK(stop(client) >= 0);
    /* No server can be the barrier: the connection is gone. */
    listen_for(100);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void after_stop_there_is_no_retry(void)
{
    int closing = raw_start("");
    begin();
    socketio_connection_t client = configure(closing, QUICK_RETRY);
    start(client);
    /* The second is the look whether the server expects TLS. */
    AWAIT(raw_accepted(closing) >= 3);
    stop(client);
    WAIT_STOP(client);
    int accepted = raw_accepted(closing);
    /* Longer than the longest delay between two tries. */
    listen_for(300);
    CHECK_INT(raw_accepted(closing), accepted);
    CHECK(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR) >= 1);
}

static void stop_and_start_again(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    for (int round = 0; round < 3; round++) {
        CHECK(stop(client) >= 0);
        CHECK_STATUS(start(client), SOCKETIO_OK);
        CHECK(!bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
        CHECK(!bool_of(WAIT_START(client), START_IS_RECONNECT));
        barrier(client);
    }
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":1,"/":1})) == 0);
}

static void start_stop_start_without_waiting(void)
{
    server_t *server = server_start(NULL);
    begin();
    socketio_connection_t client = configure(server_port(server), NULL);
    for (int i = 0; i < 20; i++) {
        start(client);
        stop(client);
    }
    start(client);
    SEND(client, .event = "at last");
    server_wait(server, "got ");
    barrier(client);
    CHECK_TEXT(state_of(client).state, "Connected");
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":1,"/":1})) == 0);
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR);
}

static void what_follows_start_is_remembered_in_order(void)
{
    server_t *server = server_start(NULL);
    begin();
    socketio_connection_t client = configure(server_port(server), NULL);
    start(client);
    subscribe(client, "echo", NULL);
    SEND(client, .event = "first", .message = "1");
    SEND(client, .event = "echo", .message = "2");
    SEND(client, .event = "third", .message = "3");
    const event_t *started = WAIT_START(client);
    const event_t *received = WAIT_RECEIVE(client, "echo");
    CHECK(started->head.sequence < received->head.sequence);
    CHECK_TEXT(text_of(received, RECEIVE_MESSAGE), "2");
    server_expect(server, "got " JSON({"nsp":"/","event":"first","args":["1"]}));
    server_expect(server, "got " JSON({"nsp":"/","event":"echo","args":["2"]}));
    server_expect(server, "got " JSON({"nsp":"/","event":"third","args":["3"]}));
}

static void sends_before_stop_still_leave(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    for (int i = 0; i < 100; i++) {
        char arguments[32];
        snprintf(arguments, sizeof arguments, "[\"last\",%d]", i);
        SEND(client, .event = "numbered", .format = "Arguments", .message = arguments);
    }
    stop(client);
    server_wait(server, "disconnected ");
    CHECK_TEXT(server_command(server, "numbers"), JSON({"last":{"count":100,"ordered":true}}));
    WAIT_STOP(client);
}

static void several_connections_live_side_by_side(void)
{
    server_t *first = server_start(NULL);
    server_t *second = server_start(NULL);
    begin();
    settings_add("one", server_port(first), NULL);
    settings_add("two", server_port(second), NULL);
    settings_add("three", server_port(second), NULL);
    settings_apply();
    static const char *const names[] = {"one", "two", "three"};
    for (size_t i = 0; i < COUNT(names); i++) {
        start(find(names[i]));
        subscribe(find(names[i]), "echo", NULL);
        SEND(find(names[i]), .event = "echo", .message = names[i]);
    }
    for (size_t i = 0; i < COUNT(names); i++) {
        WAIT_START(find(names[i]));
        CHECK_TEXT(text_of(WAIT_RECEIVE(find(names[i]), "echo"), RECEIVE_MESSAGE), names[i]);
    }
    CHECK_TEXT(server_command(first, "sockets"), JSON({"engine":1,"/":1}));
    CHECK_TEXT(server_command(second, "sockets"), JSON({"engine":2,"/":2}));
    stop(find("two"));
    WAIT_STOP(find("two"));
    barrier(find("one"));
    barrier(find("three"));
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

TEST_MAIN(
    CASE(start_fires_on_start_with_the_session_id),
    CASE(start_twice_is_one_socket),
    CASE(stop_while_connected),
    CASE(stop_while_nothing_was_started),
    CASE(stop_while_connecting),
    CASE(stop_right_after_start),
    CASE(stop_while_waiting_for_the_next_try),
    CASE(stop_while_the_server_is_gone),
    CASE(stop_while_the_server_is_frozen),
    CASE(stop_twice_is_one_on_stop),
    CASE(after_stop_there_is_no_retry),
    CASE(stop_and_start_again),
    CASE(start_stop_start_without_waiting),
    CASE(what_follows_start_is_remembered_in_order),
    CASE(sends_before_stop_still_leave),
    CASE(several_connections_live_side_by_side))
