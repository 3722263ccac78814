/* From long-polling to WebSocket, and back where WebSocket does not get through. */

#include "harness.h"

#include <stdio.h>

#define AUTOMATIC JSON("transport":"Automatic") "," QUICK_RETRY
/* What can't be answered in time is given up after a second. */
#define IMPATIENT AUTOMATIC "," JSON("connect_timeout":1)
#define WEBSOCKET_REQUEST "request {\"method\":\"GET\",\"url\":\"/socket.io/?EIO=4&transport=websocket"
#define POLLING_REQUEST "request {\"method\":\"GET\",\"url\":\"/socket.io/?EIO=4&transport=polling"
#define NUMBERED JSON(["a",%d])

static server_t *server;
static server_t *proxy;
static socketio_connection_t client;
static int sent;

/* A server behind a proxy that treats upgrades so. */
static void start_behind(const char *mode, const char *options)
{
    static char proxy_options[128];
    server = server_start(options);
    snprintf(proxy_options, sizeof proxy_options, "{\"target\":%d,\"mode\":%s}", server_port(server), mode);
    proxy = proxy_start(proxy_options);
}

static void check_transport(const char *name)
{
    char all[32];
    snprintf(all, sizeof all, "[\"%s\"]", name);
    AWAIT(strcmp(server_command(server, "transports"), all) == 0);
    CHECK_TEXT(state_of(client).transport, strcmp(name, "websocket") == 0 ? "WebSocket" : "Polling");
}

/* Messages both ways, whatever becomes of the transport meanwhile. */
static void exchange(int count)
{
    server_command(server, "flood {\"event\":\"n\",\"count\":%d}", count);
    for (int i = 0; i < count; i++) {
        char message[32];
        snprintf(message, sizeof message, NUMBERED, sent++);
        SEND(client, .event = "numbered", .format = "Arguments", .message = message);
    }
}

/* What the server sent in one `exchange` arrives in order. */
static void check_received(int count)
{
    for (int i = 0; i < count; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%d", i);
        CHECK_TEXT(text_of(WAIT_RECEIVE(client, "n"), RECEIVE_MESSAGE), expected);
    }
}

/* All that was sent has arrived, once and in order. */
static void check_exchanged(int count)
{
    char expected[64];
    barrier(client);
    check_received(count);
    snprintf(expected, sizeof expected, JSON({"a":{"count":%d,"ordered":true}}), sent);
    CHECK_TEXT(server_command(server, "numbers"), expected);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
}

static void connect_to(server_t *where, const char *extra)
{
    begin();
    client = configure(server_port(where), extra);
    subscribe(client, "n", NULL);
    start(client);
    WAIT_START(client);
    WAIT_SUBSCRIBED(client, "n");
}

static void it_moves_to_websocket_and_nothing_is_lost(void)
{
    server = server_start(NULL);
    connect_to(server, AUTOMATIC);
    for (int round = 0; round < 20; round++) {
        exchange(50);
    }
    server_expect(server, "transport " JSON({"name":"polling"}));
    server_expect(server, "upgraded " JSON({"name":"websocket"}));
    for (int round = 0; round < 19; round++) {
        check_received(50);
    }
    check_exchanged(50);
    check_transport("websocket");
    AWAIT(state_of(client).round_trip_ms > 0);
}

/* ---- It does not get through ---- */

/* It works over long-polling, and that WebSocket is blocked is told once, also if the connection is lost meanwhile. */
static void check_stays_on_polling(const char *mode, const char *named)
{
    /* It is told when long-polling has shown that it still works, by a ping for instance. */
    start_behind(mode, JSON({"pingInterval":400}));
    connect_to(proxy, IMPATIENT);
    exchange(200);
    const event_t *event = WAIT_ERROR_CODE(client, "ws_blocked");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), named);
    CHECK_HAS(text_of(event, ERROR_REMEDY), "Polling Only");
    CHECK(!bool_of(event, ERROR_FATAL) && number_of(event, ERROR_WILL_RETRY_IN) == 0);
    check_exchanged(200);
    exchange(50);
    check_exchanged(50);
    check_transport("polling");
    server_wait(proxy, WEBSOCKET_REQUEST);
    server_command(server, "close");
    wait_lost(client);
    WAIT_START(client);
    exchange(50);
    check_exchanged(50);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
    server_command(proxy, "tunnels");
    CHECK(!server_has(proxy, WEBSOCKET_REQUEST));
    CHECK_TEXT(state_of(client).transport, "Polling");
}

static void a_proxy_that_drops_upgrade(void)
{
    check_stays_on_polling(JSON({"upgrade":"drop"}), "Engine.IO code 3");
}

static void a_proxy_that_refuses_upgrade(void)
{
    check_stays_on_polling(JSON({"upgrade":502}), "HTTP 502");
}

static void a_proxy_that_closes_at_upgrade(void)
{
    check_stays_on_polling(JSON({"upgrade":"close"}), "closed the connection");
}

static void a_proxy_where_upgrade_hangs(void)
{
    check_stays_on_polling(JSON({"upgrade":"hang"}), "no answer within 1 s");
}

static void a_proxy_that_swallows_what_follows_the_upgrade(void)
{
    check_stays_on_polling(JSON({"upgrade":"silent"}), "no answer within 1 s");
}

static void a_proxy_that_ends_the_websocket_at_once(void)
{
    check_stays_on_polling(JSON({"upgrade":"break"}), "nothing came through");
}

static void the_next_start_tries_it_again(void)
{
    start_behind(JSON({"upgrade":502}), NULL);
    connect_to(proxy, IMPATIENT);
    WAIT_ERROR_CODE(client, "ws_blocked");
    stop(client);
    WAIT_STOP(client);
    server_command(proxy, "mode {}");
    start(client);
    WAIT_START(client);
    server_wait(server, "upgraded ");
    AWAIT(strcmp(state_of(client).transport, "WebSocket") == 0);
}

/* WebSocket Only behind the same proxies: what is in the way is told, and when it is gone, it connects. */
static void websocket_only_says_what_is_in_the_way(void)
{
    static const struct {
        const char *mode, *code, *named;
    } proxies[] = {
        {JSON({"upgrade":"drop"}), "eio_3", "Bad request"},
        {JSON({"upgrade":502}), "http_status", "HTTP 502"},
        {JSON({"upgrade":"close"}), "not_websocket", "closed the connection without an answer"},
        {JSON({"upgrade":"hang"}), "connect_timeout", "did not answer the WebSocket request"},
        {JSON({"upgrade":"silent"}), "connect_timeout", "sent no Engine.IO handshake"},
        {JSON({"upgrade":"break"}), "not_socketio", "it sent nothing and ended"},
    };
    char options[64];
    server = server_start(NULL);
    snprintf(options, sizeof options, "{\"target\":%d}", server_port(server));
    proxy = proxy_start(options);
    begin();
    client = configure(server_port(proxy), JSON("transport":"WebSocket Only","connect_timeout":0.5) "," QUICK_RETRY);
    for (size_t i = 0; i < COUNT(proxies); i++) {
        server_command(proxy, "mode %s", proxies[i].mode);
        start(client);
        const event_t *event = WAIT_ERROR_CODE(client, proxies[i].code);
        CHECK_HAS(text_of(event, ERROR_MESSAGE), proxies[i].named);
        server_command(proxy, "mode {}");
        WAIT_START(client);
        stop(client);
        WAIT_STOP(client);
    }
}

/* ---- What the server offers ---- */

static void a_server_that_offers_only_polling(void)
{
    server = server_start(JSON({"transports":["polling"]}));
    connect_to(server, AUTOMATIC);
    exchange(50);
    check_exchanged(50);
    check_transport("polling");
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
}

static void a_server_that_offers_only_websocket(void)
{
    server = server_start(JSON({"transports":["websocket"]}));
    connect_to(server, AUTOMATIC);
    exchange(50);
    check_exchanged(50);
    check_transport("websocket");
    server_command(server, "cut");
    wait_lost(client);
    WAIT_START(client);
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
}

/* Something in between answers, or swallows, all but WebSockets: it connects all the same, and next time at once. */
static void check_falls_back_to_websocket(const char *mode)
{
    start_behind(mode, NULL);
    connect_to(proxy, IMPATIENT);
    exchange(50);
    check_exchanged(50);
    check_transport("websocket");
    for (int i = 0; i < 2; i++) {
        server_command(server, "cut");
        wait_lost(client);
        WAIT_START(client);
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
    server_wait(proxy, POLLING_REQUEST);
    server_command(proxy, "tunnels");
    CHECK(!server_has(proxy, POLLING_REQUEST));
}

static void polling_that_is_refused(void)
{
    check_falls_back_to_websocket(JSON({"polling":404}));
}

static void polling_that_hangs(void)
{
    check_falls_back_to_websocket(JSON({"polling":"hang"}));
}

/* ---- Attachments that are too large for long-polling ---- */

static const uint8_t nine_thousand[9000];

static void send_around_an_attachment(void)
{
    SEND(client, .event = "before", .message = "1");
    SEND(client, .event = "large", .format = "Binary", .bytes = {nine_thousand, sizeof nine_thousand});
    SEND(client, .event = "after", .message = "2");
}

static const char *next_got(void)
{
    static char event[16];
    sscanf(server_wait(server, "got "), "{\"nsp\":\"/\",\"event\":\"%15[a-z]", event);
    return event;
}

/* By base64 it has 12001 bytes: it waits for the WebSocket, and what comes after it too. */
static void an_attachment_waits_for_the_websocket(void)
{
    server = server_start(JSON({"maxHttpBufferSize":10000}));
    begin();
    client = configure(server_port(server), AUTOMATIC);
    send_around_an_attachment();
    start(client);
    WAIT_START(client);
    CHECK_TEXT(next_got(), "before");
    CHECK_TEXT(next_got(), "large");
    CHECK_TEXT(next_got(), "after");
    check_transport("websocket");
}

static void an_attachment_that_no_websocket_takes_is_refused(void)
{
    start_behind(JSON({"upgrade":502}), JSON({"maxHttpBufferSize":10000}));
    begin();
    client = configure(server_port(proxy), AUTOMATIC);
    send_around_an_attachment();
    start(client);
    WAIT_START(client);
    WAIT_ERROR_CODE(client, "ws_blocked");
    const event_t *event = WAIT_ERROR_CODE(client, "payload_too_big");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "\"large\" has 9000 bytes, more than the 7497");
    CHECK_INT(event->head.status, SOCKETIO_E_MESSAGE);
    CHECK_TEXT(next_got(), "before");
    CHECK_TEXT(next_got(), "after");
    CHECK_INT(state_of(client).dropped, 1);
}

/* ---- A session that the server does not know any more ---- */

#define SESSION_UNKNOWN "mode " JSON({"session":[400,"{\"code\":1,\"message\":\"Session ID unknown\"}"]})

/* Each request may reach another server: a WebSocket stays with one. */
static void a_balancer_without_sticky_sessions_is_passed_by_websocket(void)
{
    start_behind(JSON({"upgrade":"hang"}), NULL);
    connect_to(proxy, AUTOMATIC);
    server_wait(proxy, WEBSOCKET_REQUEST);
    server_command(proxy, SESSION_UNKNOWN);
    SEND(client, .event = "e", .message = "into the void");
    const event_t *event = WAIT_ERROR_CODE(client, "eio_1");
    CHECK_HAS(text_of(event, ERROR_REMEDY), "sticky sessions");
    CHECK(bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    WAIT_START(client);
    CHECK_TEXT(state_of(client).transport, "WebSocket");
    ignore_errors();
    exchange(50);
    check_exchanged(50);
}

static void polling_alone_comes_back_when_the_balancer_is_put_right(void)
{
    start_behind("{}", NULL);
    connect_to(proxy, JSON("transport":"Polling Only") "," QUICK_RETRY);
    server_command(proxy, SESSION_UNKNOWN);
    SEND(client, .event = "e", .message = "into the void");
    WAIT_ERROR_CODE(client, "eio_1");
    WAIT_STOP(client);
    ignore_errors();
    server_command(proxy, "mode {}");
    WAIT_START(client);
    exchange(50);
    check_exchanged(50);
}

/* ---- Stop ---- */

/* Before, while and after it moves: what was sent before Stop arrives, and nothing is left behind. */
static void stop_in_every_phase_loses_nothing(void)
{
    server = server_start(NULL);
    begin();
    client = configure(server_port(server), AUTOMATIC);
    subscribe(client, "n", NULL);
    for (int round = 0; round < 24; round++) {
        start(client);
        WAIT_START(client);
        /* The reference server lets the last request rest for up to 100 ms. */
        listen_for(round % 12 * 10);
        exchange(10);
        stop(client);
        CHECK(!bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    }
    char expected[64];
    snprintf(expected, sizeof expected, JSON({"a":{"count":%d,"ordered":true}}), sent);
    AWAIT(strcmp(server_command(server, "numbers"), expected) == 0);
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":0})) == 0);
}

static void stop_while_the_probe_hangs_is_quick(void)
{
    start_behind(JSON({"upgrade":"hang"}), NULL);
    connect_to(proxy, AUTOMATIC);
    server_wait(proxy, WEBSOCKET_REQUEST);
    exchange(100);
    int64_t began = now_ms();
    stop(client);
    WAIT_STOP(client);
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":0})) == 0);
    CHECK(now_ms() - began < 3000);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"a":{"count":100,"ordered":true}}));
}

TEST_MAIN(
    CASE_ONCE(it_moves_to_websocket_and_nothing_is_lost),
    CASE_ONCE(a_proxy_that_drops_upgrade),
    CASE_ONCE(a_proxy_that_refuses_upgrade),
    CASE_ONCE(a_proxy_that_closes_at_upgrade),
    CASE_ONCE(a_proxy_where_upgrade_hangs),
    CASE_ONCE(a_proxy_that_swallows_what_follows_the_upgrade),
    CASE_ONCE(a_proxy_that_ends_the_websocket_at_once),
    CASE_ONCE(the_next_start_tries_it_again),
    CASE_ONCE(websocket_only_says_what_is_in_the_way),
    CASE_ONCE(a_server_that_offers_only_polling),
    CASE_ONCE(a_server_that_offers_only_websocket),
    CASE_ONCE(polling_that_is_refused),
    CASE_ONCE(polling_that_hangs),
    CASE_ONCE(an_attachment_waits_for_the_websocket),
    CASE_ONCE(an_attachment_that_no_websocket_takes_is_refused),
    CASE_ONCE(a_balancer_without_sticky_sessions_is_passed_by_websocket),
    CASE_ONCE(polling_alone_comes_back_when_the_balancer_is_put_right),
    CASE_ONCE(stop_in_every_phase_loses_nothing),
    CASE_ONCE(stop_while_the_probe_hangs_is_quick))
