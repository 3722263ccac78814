/* Messages that wait for a connection. */

#include "harness.h"

#include <stdio.h>

static socketio_connection_t client;

/* A connection to where nobody listens yet. */
static server_t *begin_offline(const char *extra)
{
    server_t *server = server_start(NULL);
    server_kill(server);
    begin();
    client = configure(server_port(server), extra);
    return server;
}

static void send_number(const char *key, int number, const char *if_not_connected, socketio_status_t expect)
{
    char arguments[64];
    snprintf(arguments, sizeof arguments, "[\"%s\",%d]", key, number);
    SEND(client, .event = "numbered", .format = "Arguments", .message = arguments,
         .if_not_connected = if_not_connected, .expect = expect);
}

static void connect_now(server_t *server)
{
    server_restart(server);
    start(client);
    WAIT_START(client);
    AWAIT(state_of(client).queued == 0);
    barrier(client);
}

static void messages_wait_in_order(void)
{
    server_t *server = begin_offline(NULL);
    for (int i = 0; i < 1000; i++) {
        send_number("k", i, NULL, SOCKETIO_OK);
    }
    CHECK_INT(state_of(client).queued, 1000);
    connect_now(server);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"k":{"count":1000,"ordered":true}}));
    CHECK_INT(state_of(client).queued, 0);
    CHECK_INT(state_of(client).dropped, 0);
}

static void messages_wait_while_it_tries(void)
{
    server_t *server = begin_offline(QUICK_RETRY);
    start(client);
    WAIT_ERROR(client);
    for (int i = 0; i < 100; i++) {
        send_number("k", i, NULL, SOCKETIO_OK);
    }
    server_restart(server);
    WAIT_START(client);
    barrier(client);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"k":{"count":100,"ordered":true}}));
}

static void of_keep_latest_one_of_each_event_is_left(void)
{
    server_t *server = begin_offline(NULL);
    for (int i = 0; i < 10; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        SEND(client, .event = "slider", .if_not_connected = "Keep Latest", .message = text);
        SEND(client, .event = "knob", .if_not_connected = "Keep Latest", .message = text);
        SEND(client, .event = "slider", .nsp = "/chat", .if_not_connected = "Keep Latest", .message = text);
        SEND(client, .event = "each", .message = text);
    }
    AWAIT(state_of(client).queued == 13);
    connect_now(server);
    for (int i = 0; i < 10; i++) {
        char expected[96];
        snprintf(expected, sizeof expected, "got {\"nsp\":\"/\",\"event\":\"each\",\"args\":[\"%d\"]}", i);
        server_expect(server, expected);
    }
    server_expect(server, "got " JSON({"nsp":"/","event":"slider","args":["9"]}));
    server_expect(server, "got " JSON({"nsp":"/","event":"knob","args":["9"]}));
    server_expect(server, "got " JSON({"nsp":"/chat","event":"slider","args":["9"]}));
    server_command(server, "sockets");
    CHECK(!server_has(server, "got "));
}

static void keep_latest_is_ordinary_while_connected(void)
{
    server_t *server = server_start(NULL);
    client = connected(server, NULL);
    for (int i = 0; i < 100; i++) {
        send_number("k", i, "Keep Latest", SOCKETIO_OK);
    }
    barrier(client);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"k":{"count":100,"ordered":true}}));
}

static void drop_gives_the_message_up(void)
{
    server_t *server = begin_offline(NULL);
    for (int i = 0; i < 5; i++) {
        SEND(client, .event = "dropped", .if_not_connected = "Drop");
    }
    const event_t *event = WAIT_ERROR_CODE(client, "not_connected");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "dropped");
    CHECK_INT(event->head.status, SOCKETIO_E_NOT_CONNECTED);
    AWAIT(state_of(client).dropped == 5);
    CHECK_INT(state_of(client).queued, 0);
    connect_now(server);
    CHECK(!server_has(server, "got "));
    SEND(client, .event = "sent", .if_not_connected = "Drop", .message = "x");
    server_expect(server, "got " JSON({"nsp":"/","event":"sent","args":["x"]}));
}

/* Nothing is silent: the calls over the bound are refused, and the user hears of it once. */
static void a_full_queue_refuses_and_says_so_once(void)
{
    server_t *server = begin_offline(JSON("queue_messages":10));
    for (int i = 0; i < 10; i++) {
        send_number("k", i, NULL, SOCKETIO_OK);
    }
    for (int i = 0; i < 20; i++) {
        send_number("k", 99, NULL, SOCKETIO_E_QUEUE_FULL);
    }
    CHECK_HAS(last_error(), "10");
    CHECK_INT(WAIT_ERROR(client)->head.status, SOCKETIO_E_QUEUE_FULL);
    CHECK_INT(state_of(client).queued, 10);
    CHECK_INT(state_of(client).dropped, 20);
    connect_now(server);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"k":{"count":10,"ordered":true}}));
}

static void a_queue_full_of_bytes_refuses(void)
{
    server_t *server = begin_offline(JSON("queue_bytes":4096));
    char text[1025];
    memset(text, 'x', 1024);
    text[1024] = 0;
    int accepted = 0;
    for (int i = 0; i < 3; i++, accepted++) {
        SEND(client, .event = "e", .message = text);
    }
    SEND(client, .event = "e", .message = text, .expect = SOCKETIO_E_QUEUE_FULL);
    WAIT_ERROR(client);
    connect_now(server);
    for (int i = 0; i < accepted; i++) {
        server_wait(server, "got ");
    }
    CHECK(!server_has(server, "got "));
}

/* One that is larger than the whole queue never fits: trying again would not help. */
static void a_message_larger_than_the_queue_is_invalid(void)
{
    static char text[5000];
    memset(text, 'x', sizeof text - 1);
    begin_offline(JSON("queue_bytes":4096));
    SEND(client, .event = "e", .message = text, .expect = SOCKETIO_E_INVALID);
    CHECK_HAS(last_error(), "4096");
    SEND(client, .event = "e", .message = "short");
    ignore_errors();
}

/* Once drained, it takes messages again, and a new overflow is a new report. */
static void a_queue_that_was_full_recovers(void)
{
    server_t *server = begin_offline(JSON("queue_messages":2,"reconnect_delay":0.05,"reconnect_delay_max":0.1));
    send_number("k", 0, NULL, SOCKETIO_OK);
    send_number("k", 1, NULL, SOCKETIO_OK);
    send_number("k", 9, NULL, SOCKETIO_E_QUEUE_FULL);
    WAIT_ERROR(client);
    connect_now(server);
    send_number("k", 2, NULL, SOCKETIO_OK);
    barrier(client);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"k":{"count":3,"ordered":true}}));
    server_kill(server);
    wait_lost(client);
    send_number("k", 0, NULL, SOCKETIO_OK);
    send_number("k", 1, NULL, SOCKETIO_OK);
    send_number("k", 9, NULL, SOCKETIO_E_QUEUE_FULL);
    AWAIT(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR, .code = "queue_full") == 1);
    ignore_errors();
}

static void a_hundred_thousand_offline(void)
{
    server_t *server = begin_offline(JSON("queue_messages":200000));
    int64_t began = now_ms();
    for (int i = 0; i < 100000; i++) {
        send_number("k", i, NULL, SOCKETIO_OK);
    }
    CHECK(now_ms() - began < 20000);
    CHECK_INT(state_of(client).queued, 100000);
    connect_now(server);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"k":{"count":100000,"ordered":true}}));
}

/* The same with the default bound: 10,000 wait, the rest is refused and counted. */
static void a_hundred_thousand_offline_by_default(void)
{
    begin_offline(NULL);
    int accepted = 0;
    for (int i = 0; i < 100000; i++) {
        const socketio_value_t inputs[] = {{0}, value_text("e"), {0}, value_text("x")};
        socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
        call.inputs = inputs;
        call.input_count = COUNT(inputs);
        socketio_status_t status = plugin.node_execute(&call, NULL);
        CHECK(status == SOCKETIO_OK || status == SOCKETIO_E_QUEUE_FULL);
        accepted += status == SOCKETIO_OK;
    }
    CHECK_INT(accepted, 10000);
    CHECK_INT(state_of(client).dropped, 90000);
    WAIT_ERROR_CODE(client, "queue_full");
    CHECK_NONE(.node_type = 0);
    /* Those that waited are given up in the end, and counted. */
    disable();
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "not_sent"), ERROR_MESSAGE), "10000");
}

/* Stop gives up what still waits, and says how many. */
static void stop_gives_up_what_waits(void)
{
    begin_offline(JSON("reconnect_delay":60,"reconnect_delay_max":60));
    start(client);
    WAIT_ERROR(client);
    for (int i = 0; i < 7; i++) {
        send_number("k", i, NULL, SOCKETIO_OK);
    }
    stop(client);
    WAIT_STOP(client);
    CHECK_HAS(text_of(WAIT_ERROR(client), ERROR_MESSAGE), "7");
    CHECK_INT(state_of(client).queued, 0);
    CHECK_INT(state_of(client).dropped, 7);
}

/* ---- Stop, and a server that reads slowly ---- */

/* More than the network holds, into a server that reads nothing; then Stop. */
static server_t *stop_while_it_is_sent(const char *extra)
{
    enum { MESSAGES = 16 };
    static const uint8_t megabyte[1 << 20];
    server_t *server = server_start(JSON({"maxHttpBufferSize":2000000}));
    client = connected(server, extra);
    server_command(server, "pause");
    for (int i = 0; i < MESSAGES; i++) {
        SEND(client, .event = "e", .format = "Binary", .bytes = {megabyte, sizeof megabyte});
    }
    stop(client);
    WAIT_STOP(client);
    return server;
}

static void what_was_sent_before_stop_still_leaves(void)
{
    server_t *server = stop_while_it_is_sent(NULL);
    /* Longer than a server is waited for by `disable`. */
    listen_for(500);
    server_command(server, "resume");
    for (int i = 0; i < 16; i++) {
        server_wait(server, "got ");
    }
    CHECK_INT(state_of(client).dropped, 0);
}

static void what_could_not_leave_after_stop_is_said(void)
{
    stop_while_it_is_sent(JSON("connect_timeout":0.3));
    const event_t *event = WAIT_ERROR_CODE(client, "not_sent");
    char dropped[32];
    snprintf(dropped, sizeof dropped, "%lld", (long long)state_of(client).dropped);
    CHECK(state_of(client).dropped > 0);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), dropped);
}

TEST_MAIN(
    CASE(messages_wait_in_order),
    CASE(messages_wait_while_it_tries),
    CASE(of_keep_latest_one_of_each_event_is_left),
    CASE(keep_latest_is_ordinary_while_connected),
    CASE(drop_gives_the_message_up),
    CASE(a_full_queue_refuses_and_says_so_once),
    CASE(a_queue_full_of_bytes_refuses),
    CASE(a_message_larger_than_the_queue_is_invalid),
    CASE(a_queue_that_was_full_recovers),
    CASE(a_hundred_thousand_offline),
    CASE(a_hundred_thousand_offline_by_default),
    CASE(stop_gives_up_what_waits),
    CASE(what_was_sent_before_stop_still_leaves),
    CASE(what_could_not_leave_after_stop_is_said))
