/* How connections begin, last and end, against every server. */

#include "harness.h"

#include <stdio.h>

static server_t *server;
static socketio_connection_t client;

static void connect_with(const char *options)
{
    server = variant_start(options);
    begin();
    client = variant_configure(QUICK_RETRY);
    CHECK_STATUS(start(client), SOCKETIO_OK);
}

/* Waits until the connection is on the transport where it stays: both ends say so. */
static void wait_transport(void)
{
    int is_polling = variant_has("polling");
    AWAIT(strcmp(state_of(client).transport, is_polling ? "Polling" : "WebSocket") == 0);
    AWAIT(strcmp(server_command(server, "transports"), is_polling ? JSON(["polling"]) : JSON(["websocket"])) == 0);
}

static void a_connection(void)
{
    connect_with(NULL);
    server_wait(server, "connected {\"nsp\":\"/\"");
    const event_t *event = WAIT_START(client);
    CHECK(!bool_of(event, START_IS_RECONNECT));
    CHECK(text_of(event, START_SESSION_ID)[0] != 0);
    CHECK_TEXT(state_of(client).state, "Connected");
    wait_transport();
    barrier(client);
    if (variant_proxy() != NULL) {
        const char *tunnel = server_wait(variant_proxy(), "tunnel ");
        char host[64];
        snprintf(host, sizeof host, "\"host\":\"server.test\",\"port\":%d", server_port(server));
        CHECK_HAS(tunnel, host);
        CHECK_HAS(tunnel, variant_has("socks5") || variant_has("socks5-password") ? "socks5" : "connect");
    }
}

/* On Automatic, polling comes first, and the upgrade loses nothing of what is said meanwhile. */
static void the_transport_is_as_expected(void)
{
    connect_with(NULL);
    WAIT_START(client);
    wait_transport();
    if (strstr(variant_transport(), "WebSocket") == NULL && (variant_has("npm4") || variant_has("npm3"))) {
        server_expect(server, "transport " JSON({"name":"polling"}));
    }
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void heartbeats(void)
{
    connect_with("\"pingInterval\":100,\"pingTimeout\":300");
    WAIT_START(client);
    /* Twice as long as a connection without answers lasts. */
    listen_for(800);
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
    server_command(server, "numbers");
    CHECK(!server_has(server, "disconnected "));
}

static void back_after_a_cut(void)
{
    connect_with(NULL);
    WAIT_START(client);
    subscribe(client, "news", "/chat");
    WAIT_SUBSCRIBED(client, "news");
    wait_transport();
    for (int round = 0; round < 3; round++) {
        server_command(server, "cut");
        CHECK(bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
        CHECK(bool_of(WAIT_START(client), START_IS_RECONNECT));
        WAIT_SUBSCRIBED(client, "news");
        server_command(server, "emit %s", JSON({"nsp":"/chat","event":"news","args":["again"]}));
        CHECK_TEXT(text_of(WAIT_RECEIVE(client, "news"), RECEIVE_MESSAGE), "again");
    }
    CHECK(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR) >= 3);
}

static void the_server_disconnects(void)
{
    connect_with(NULL);
    WAIT_START(client);
    wait_transport();
    server_command(server, "disconnect");
    const event_t *event = WAIT_STOP(client);
    CHECK_TEXT(text_of(event, STOP_REASON), "io server disconnect");
    CHECK(!bool_of(event, STOP_WILL_RECONNECT));
    WAIT_ERROR_CODE(client, "server_disconnect");
}

static void stop_is_a_clean_disconnect(void)
{
    connect_with(NULL);
    WAIT_START(client);
    wait_transport();
    SEND(client, .event = "last", .message = "words");
    CHECK_STATUS(stop(client), SOCKETIO_OK);
    CHECK(!bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    server_expect(server, "got " JSON({"nsp":"/","event":"last","args":["words"]}));
    server_expect(server, "disconnected " JSON({"nsp":"/","reason":"client namespace disconnect"}));
    AWAIT(strcmp(server_command(server, "transports"), "[]") == 0);
}

TEST_MAIN(
    CASE(a_connection),
    CASE(the_transport_is_as_expected),
    CASE(heartbeats),
    CASE(back_after_a_cut),
    CASE(the_server_disconnects),
    CASE(stop_is_a_clean_disconnect))
