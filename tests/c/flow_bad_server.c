/* The other end is not what it should be: one On Error within its time, with a code, a sentence and a remedy, and
   retries going on. */

#include "harness.h"

#include <stdio.h>

static socketio_connection_t client;

/* `named` must stand in the sentence. */
static void check_fails_naming(int port, const char *code, socketio_status_t range, const char *named)
{
    begin();
    client = configure(port, JSON("connect_timeout":0.3,"reconnect_delay":0.05,"reconnect_delay_max":0.1));
    int64_t began = now_ms();
    CHECK_STATUS(start(client), SOCKETIO_OK);
    const event_t *event = WAIT_ERROR(client);
    CHECK(now_ms() - began < 3000);
    CHECK_TEXT(text_of(event, ERROR_CODE), code);
    CHECK_INT(event->head.status, range);
    CHECK_TEXT(text_of(event, ERROR_NAMESPACE), "/");
    CHECK(!bool_of(event, ERROR_FATAL));
    CHECK(number_of(event, ERROR_WILL_RETRY_IN) > 0);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), named);
    /* It goes on trying, and does not repeat itself. */
    AWAIT(info_of(client).attempts >= 4);
    CHECK_NONE(.node_type = 0);
    stop(client);
    CHECK(!bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
}

/* The sentence names what the user typed. */
static void check_fails(int port, const char *code, socketio_status_t range)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    check_fails_naming(port, code, range, address);
}

static void nobody_listens(void)
{
    check_fails(port_reserve(), "localhost_refused", SOCKETIO_E_NETWORK);
}

/* 0.0.0.0 is no loopback address, and what is sent there does not leave this machine. */
static void nobody_listens_at_another_device(void)
{
    char url[64];
    name_resolves("device.test", "0.0.0.0");
    begin();
    snprintf(url, sizeof url, "http://device.test:%d", port_reserve());
    client = configure_url(url, QUICK_RETRY);
    start(client);
    const event_t *event = WAIT_ERROR_CODE(client, "tcp_refused");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "Nothing is listening at device.test:");
    CHECK_HAS(text_of(event, ERROR_REMEDY), "not only on 127.0.0.1");
}

static void a_server_that_never_answers(void)
{
    check_fails(raw_start(NULL), "connect_timeout", SOCKETIO_E_NO_ANSWER);
}

static void a_server_that_closes_at_once(void)
{
    check_fails(raw_start(""), "not_websocket", SOCKETIO_E_PROTOCOL);
}

static void a_web_page(void)
{
    check_fails(raw_start("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 34\r\n\r\n"
                          "<html><body>Welcome!</body></html>"),
                "http_html", SOCKETIO_E_PROTOCOL);
}

static void a_page_that_is_not_found(void)
{
    int port = raw_start("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found");
    check_fails(port, "http_404", SOCKETIO_E_PROTOCOL);
}

/* A refusal is not hammered: it is tried again only after a minute. */
static void a_server_that_forbids(void)
{
    int forbids = raw_start("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    begin();
    client = configure(forbids, QUICK_RETRY);
    start(client);
    const event_t *event = WAIT_ERROR_CODE(client, "http_forbidden");
    CHECK_INT(event->head.status, SOCKETIO_E_REFUSED);
    CHECK(number_of(event, ERROR_WILL_RETRY_IN) >= 60);
    listen_for(300);
    CHECK_INT(raw_accepted(forbids), 1);
    CHECK_TEXT(state_of(client).state, "Waiting");
}

static void garbage_instead_of_http(void)
{
    check_fails(raw_start("220 mail.example.com ESMTP\r\n\r\n"), "not_websocket", SOCKETIO_E_PROTOCOL);
}

static void an_answer_that_never_ends(void)
{
    static char answer[200000];
    int len = snprintf(answer, sizeof answer, "HTTP/1.1 101 Switching Protocols\r\nX-Padding: ");
    memset(answer + len, 'x', sizeof answer - 1 - (size_t)len);
    check_fails(raw_start(answer), "limit_exceeded", SOCKETIO_E_PROTOCOL);
}

static void a_plain_websocket_server(void)
{
    check_fails(server_port(server_start(JSON({"mode":"websocket"}))), "connect_timeout", SOCKETIO_E_NO_ANSWER);
}

static void a_websocket_server_that_says_something_else(void)
{
    check_fails(server_port(server_start(JSON({"mode":"chatter"}))), "not_socketio", SOCKETIO_E_PROTOCOL);
}

/* Engine.IO is there, the namespace never answers: the time counts up to the default namespace. */
static void a_namespace_that_never_answers(void)
{
    server_t *server = server_start(JSON({"refuse":{"/":{"hold":true}}}));
    check_fails_naming(server_port(server), "ns_timeout", SOCKETIO_E_NO_ANSWER, "namespace /");
}

/* The official server says nothing to a path that is not its own, and closes after a while. */
static void a_wrong_path(void)
{
    server_t *server = server_start(JSON({"path":"/elsewhere","destroyUpgradeTimeout":50}));
    check_fails(server_port(server), "not_websocket", SOCKETIO_E_PROTOCOL);
}

static void a_name_that_does_not_exist(void)
{
    begin();
    CHECK_STATUS(apply_settings(JSON({"connections":[{"name":"main","url":"http://nowhere.invalid:3000"}]})),
                 SOCKETIO_OK);
    client = find("main");
    start(client);
    const event_t *event = WAIT_ERROR(client);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "nowhere.invalid");
    CHECK_INT(event->head.status, SOCKETIO_E_NETWORK);
    CHECK(number_of(event, ERROR_WILL_RETRY_IN) > 0);
    stop(client);
    WAIT_STOP(client);
}

/* Another failure is news, and so is the same one after the connection stood again. */
static void what_changes_is_said_again(void)
{
    server_t *server = server_start(NULL);
    client = connected(server, QUICK_RETRY);
    for (int round = 0; round < 2; round++) {
        server_kill(server);
        wait_lost(client);
        CHECK_TEXT(text_of(WAIT_ERROR(client), ERROR_CODE), "localhost_refused");
        AWAIT(info_of(client).attempts >= 3);
        CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
        server_restart(server);
        WAIT_START(client);
    }
}

/* A Start for each frame must not make a report of each. */
static void further_starts_do_not_repeat_it(void)
{
    begin();
    client = configure(port_reserve(), QUICK_RETRY);
    start(client);
    WAIT_ERROR_CODE(client, "localhost_refused");
    for (int i = 0; i < 5; i++) {
        uint32_t before = info_of(client).attempts;
        start(client);
        AWAIT(info_of(client).attempts != before);
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
}

/* One that fails must not hold up the others. */
static void bad_servers_leave_good_connections_alone(void)
{
    server_t *server = server_start(NULL);
    begin();
    settings_add("silent", raw_start(NULL), NULL);
    settings_add("page", raw_start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), QUICK_RETRY);
    settings_add("nobody", port_reserve(), QUICK_RETRY);
    settings_add("main", server_port(server), NULL);
    settings_apply();
    start(find("silent"));
    start(find("page"));
    start(find("nobody"));
    start(find("main"));
    WAIT_START(find("main"));
    int64_t began = now_ms();
    for (int i = 0; i < 50; i++) {
        barrier(find("main"));
    }
    CHECK(now_ms() - began < 5000);
    WAIT_ERROR(find("page"));
    WAIT_ERROR(find("nobody"));
}

TEST_MAIN(
    CASE(nobody_listens),
    CASE(nobody_listens_at_another_device),
    CASE(a_server_that_never_answers),
    CASE(a_server_that_closes_at_once),
    CASE(a_web_page),
    CASE(a_page_that_is_not_found),
    CASE(a_server_that_forbids),
    CASE(garbage_instead_of_http),
    CASE(an_answer_that_never_ends),
    CASE(a_plain_websocket_server),
    CASE_ONCE(a_websocket_server_that_says_something_else),
    CASE(a_namespace_that_never_answers),
    CASE_ONCE(a_wrong_path),
    CASE(a_name_that_does_not_exist),
    CASE(what_changes_is_said_again),
    CASE(further_starts_do_not_repeat_it),
    CASE(bad_servers_leave_good_connections_alone))
