/* Lost connections: said, retried, and back as they were. */

#include "harness.h"

#include <stdio.h>

static server_t *server;
static socketio_connection_t client;

static void begin_with(const char *options, const char *extra)
{
    server = server_start(options);
    client = connected(server, extra);
}

static void check_stopped(const char *reason, int will_reconnect)
{
    const event_t *event = WAIT_STOP(client);
    CHECK_TEXT(text_of(event, STOP_REASON), reason);
    CHECK_INT(bool_of(event, STOP_WILL_RECONNECT), will_reconnect);
}

static void check_back(void)
{
    const event_t *event = WAIT_START(client);
    CHECK(bool_of(event, START_IS_RECONNECT));
    CHECK(!bool_of(event, START_RECOVERED));
    CHECK(text_of(event, START_SESSION_ID)[0] != 0);
}

static void a_killed_server_comes_back(void)
{
    begin_with(NULL, QUICK_RETRY);
    subscribe(client, "news", NULL);
    subscribe(client, "talk", "/chat");
    WAIT_SUBSCRIBED(client, "news");
    WAIT_SUBSCRIBED(client, "talk");
    server_kill(server);
    CHECK_HAS("transport close, transport error", text_of(wait_lost(client), STOP_REASON));
    SEND(client, .event = "while away", .message = "1");
    SEND(client, .event = "while away", .nsp = "/chat", .message = "2");
    WAIT_ERROR_CODE(client, "localhost_refused");
    server_restart(server);
    check_back();
    WAIT_SUBSCRIBED(client, "news");
    WAIT_SUBSCRIBED(client, "talk");
    server_expect(server, "got " JSON({"nsp":"/","event":"while away","args":["1"]}));
    server_expect(server, "got " JSON({"nsp":"/chat","event":"while away","args":["2"]}));
    server_command(server, "emit %s", JSON({"event":"news","args":["back"]}));
    server_command(server, "emit %s", JSON({"nsp":"/chat","event":"talk","args":["back"]}));
    WAIT_RECEIVE(client, "news");
    WAIT_RECEIVE(client, "talk");
    barrier(client);
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":1,"/":1,"/chat":1}));
}

static void it_comes_back_again_and_again(void)
{
    begin_with(NULL, QUICK_RETRY);
    for (int round = 0; round < 5; round++) {
        server_command(server, "cut");
        CHECK_TEXT(text_of(wait_lost(client), STOP_REASON), "transport close");
        check_back();
        barrier(client);
    }
}

static void a_server_that_goes_down_in_order_comes_back(void)
{
    begin_with(NULL, QUICK_RETRY);
    server_stop(server);
    wait_lost(client);
    WAIT_ERROR_CODE(client, "localhost_refused");
    server_restart(server);
    check_back();
}

static void an_engine_close_is_a_transport_close(void)
{
    begin_with(NULL, QUICK_RETRY);
    server_command(server, "close");
    CHECK_TEXT(text_of(wait_lost(client), STOP_REASON), "transport close");
    check_back();
}

static void a_server_disconnect_is_final(void)
{
    begin_with(NULL, QUICK_RETRY);
    server_command(server, "disconnect %s", JSON({"close":true}));
    check_stopped("io server disconnect", 0);
    CHECK(bool_of(WAIT_ERROR_CODE(client, "server_disconnect"), ERROR_FATAL));
    CHECK_TEXT(state_of(client).state, "Stopped");
    /* Longer than the retry that must not come. */
    listen_for(300);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_START);
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":0}));
    start(client);
    CHECK(!bool_of(WAIT_START(client), START_IS_RECONNECT));
}

static void a_server_disconnect_of_the_namespace_is_final_too(void)
{
    begin_with(NULL, QUICK_RETRY);
    server_command(server, "disconnect %s", JSON({"close":false}));
    check_stopped("io server disconnect", 0);
    WAIT_ERROR_CODE(client, "server_disconnect");
    /* The socket is of no use any more. */
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":0})) == 0);
}

static void a_server_disconnect_is_retried_if_the_setting_says_so(void)
{
    begin_with(NULL, JSON("reconnect_after_server_disconnect":true,"reconnect_delay":0.05));
    server_command(server, "disconnect %s", JSON({"close":true}));
    check_stopped("io server disconnect", 1);
    check_back();
    server_command(server, "disconnect %s", JSON({"close":false}));
    check_stopped("io server disconnect", 1);
    check_back();
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR);
}

static void silence_is_a_ping_timeout(void)
{
    begin_with(JSON({"pingInterval":200,"pingTimeout":200}), QUICK_RETRY);
    int64_t began = now_ms();
    server_freeze(server);
    check_stopped("ping timeout", 1);
    CHECK(now_ms() - began >= 100 && now_ms() - began < 3000);
    CHECK_INT(WAIT_ERROR_CODE(client, "ping_timeout")->head.status, SOCKETIO_E_NO_ANSWER);
    server_thaw(server);
    check_back();
}

static void heartbeats_keep_it_alive(void)
{
    begin_with(JSON({"pingInterval":150,"pingTimeout":300}), QUICK_RETRY);
    /* Twice the silence that ends a connection. */
    listen_for(900);
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
    server_command(server, "sockets");
    CHECK(!server_has(server, "disconnected "));
}

static void without_automatic_reconnect_a_loss_is_final(void)
{
    begin_with(NULL, JSON("automatic_reconnect":false));
    server_command(server, "cut");
    check_stopped("transport close", 0);
    CHECK(bool_of(WAIT_ERROR_CODE(client, "connection_lost"), ERROR_FATAL));
    CHECK_TEXT(state_of(client).state, "Stopped");
}

static void without_automatic_reconnect_a_failed_start_is_final(void)
{
    begin();
    client = configure(port_reserve(), JSON("automatic_reconnect":false));
    start(client);
    const event_t *event = WAIT_ERROR(client);
    CHECK(bool_of(event, ERROR_FATAL));
    CHECK(number_of(event, ERROR_WILL_RETRY_IN) == 0);
    check_stopped("connect error", 0);
}

static void it_gives_up_after_so_many_attempts(void)
{
    int closing = raw_start("");
    begin();
    client = configure(closing, JSON("reconnect_attempts":3,"reconnect_delay":0.02,"reconnect_jitter":0));
    start(client);
    CHECK(!bool_of(WAIT_ERROR(client), ERROR_FATAL));
    check_stopped("connect error", 0);
    CHECK(bool_of(WAIT_ERROR_CODE(client, "reconnect_failed"), ERROR_FATAL));
    /* The first try is no retry, and after it was looked once whether the server expects TLS. */
    CHECK_INT(raw_accepted(closing), 1 + 1 + 3);
    CHECK_TEXT(state_of(client).state, "Stopped");
}

/* 0.1 s, 0.2 s, 0.4 s, 0.4 s: doubled up to the maximum. Only lower bounds are sure on a loaded machine. */
static void delays_double_up_to_their_maximum(void)
{
    int closing = raw_start("");
    begin();
    client = configure(closing, JSON("reconnect_delay":0.1,"reconnect_delay_max":0.4,"reconnect_jitter":0));
    int64_t began = now_ms();
    start(client);
    /* The second is the look whether the server expects TLS. */
    static const int earliest[] = {0, 0, 100, 300, 700, 1100};
    for (int i = 0; i < (int)COUNT(earliest); i++) {
        AWAIT(raw_accepted(closing) > i);
        CHECK(now_ms() - began >= earliest[i] - 2);
    }
    CHECK(now_ms() - began < 5000);
    ignore_errors();
}

static void jitter_stays_within_its_bounds(void)
{
    begin();
    client = configure(port_reserve(), JSON("reconnect_delay":8,"reconnect_delay_max":8));
    for (int i = 0; i < 10; i++) {
        start(client);
        double retry = number_of(WAIT_ERROR(client), ERROR_WILL_RETRY_IN);
        CHECK(retry >= 4 && retry <= 12);
        stop(client);
        WAIT_STOP(client);
    }
}

/* ---- Connection state recovery ---- */

#define RECOVERY JSON({"connectionStateRecovery":{"maxDisconnectionDuration":60000}})

static void a_recovered_session_brings_what_was_missed(void)
{
    begin_with(RECOVERY, JSON("reconnect_delay":0.3,"reconnect_jitter":0));
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    /* The offset that the client hands in is that of the last event it saw. */
    server_command(server, "emit %s", JSON({"event":"news","args":["seen"]}));
    CHECK_TEXT(text_of(WAIT_RECEIVE(client, "news"), RECEIVE_MESSAGE), "seen");
    server_command(server, "cut");
    wait_lost(client);
    server_wait(server, "disconnected ");
    server_command(server, "emit %s", JSON({"event":"news","args":["missed"]}));
    const event_t *event = WAIT_START(client);
    CHECK(bool_of(event, START_IS_RECONNECT));
    CHECK(bool_of(event, START_RECOVERED));
    const event_t *missed = WAIT_RECEIVE(client, "news");
    CHECK_TEXT(text_of(missed, RECEIVE_MESSAGE), "missed");
    CHECK(missed->head.sequence > event->head.sequence);
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
    char expected[128];
    snprintf(expected, sizeof expected, "connected " JSON({"nsp":"/","sid":"%s","recovered":true}),
             text_of(event, START_SESSION_ID));
    server_expect(server, expected);
}

static void a_session_that_the_server_forgot_is_new(void)
{
    begin_with(RECOVERY, QUICK_RETRY);
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    server_command(server, "emit %s", JSON({"event":"news","args":["seen"]}));
    WAIT_RECEIVE(client, "news");
    server_kill(server);
    wait_lost(client);
    WAIT_ERROR_CODE(client, "localhost_refused");
    server_restart(server);
    check_back();
    WAIT_SUBSCRIBED(client, "news");
}

/* After Stop the user wants a new session, not the old one. */
static void stop_ends_what_could_be_recovered(void)
{
    begin_with(RECOVERY, QUICK_RETRY);
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    server_command(server, "emit %s", JSON({"event":"news","args":["seen"]}));
    WAIT_RECEIVE(client, "news");
    stop(client);
    WAIT_STOP(client);
    start(client);
    CHECK(!bool_of(WAIT_START(client), START_RECOVERED));
}

/* An event that wants an answer carries no offset: its last text is the user's. */
static void a_question_does_not_spoil_recovery(void)
{
    begin_with(RECOVERY, QUICK_RETRY);
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    server_command(server, "emit %s", JSON({"event":"news","args":["seen"]}));
    WAIT_RECEIVE(client, "news");
    server_command(server, "ask %s", JSON({"event":"news","args":["how are you?"]}));
    CHECK_TEXT(text_of(WAIT_RECEIVE(client, "news"), RECEIVE_MESSAGE), "how are you?");
    server_command(server, "cut");
    wait_lost(client);
    CHECK(bool_of(WAIT_START(client), START_RECOVERED));
}

TEST_MAIN(
    CASE(a_killed_server_comes_back),
    CASE(it_comes_back_again_and_again),
    CASE(a_server_that_goes_down_in_order_comes_back),
    CASE(an_engine_close_is_a_transport_close),
    CASE(a_server_disconnect_is_final),
    CASE(a_server_disconnect_of_the_namespace_is_final_too),
    CASE(a_server_disconnect_is_retried_if_the_setting_says_so),
    CASE(silence_is_a_ping_timeout),
    CASE(heartbeats_keep_it_alive),
    CASE(without_automatic_reconnect_a_loss_is_final),
    CASE(without_automatic_reconnect_a_failed_start_is_final),
    CASE(it_gives_up_after_so_many_attempts),
    CASE(delays_double_up_to_their_maximum),
    CASE(jitter_stays_within_its_bounds),
    CASE(a_recovered_session_brings_what_was_missed),
    CASE(a_session_that_the_server_forgot_is_new),
    CASE(stop_ends_what_could_be_recovered),
    CASE(a_question_does_not_spoil_recovery))
