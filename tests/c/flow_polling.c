/* Long-polling alone: what its requests and answers may look like, and how much of them there may be. */

#include "harness.h"

#include <stdio.h>

#define POLLING JSON("transport":"Polling Only") "," QUICK_RETRY

/* Answers of the scripted HTTP server. Each connection ends with its answer. */
#define HEAD "\"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n\""
#define BODY(...) "{\"parts\":[" HEAD "," #__VA_ARGS__ "]}"
#define GZIP(...)                                                                                       \
    "{\"parts\":[\"HTTP/1.1 200 OK\\r\\nContent-Encoding: gzip\\r\\nConnection: close\\r\\n\\r\\n\"],\"gzip\":[" \
    #__VA_ARGS__ "]}"
/* Opens Engine.IO and the default namespace: a part as JSON has it, and the whole answer. */
#define SESSION(upgrades, interval, timeout)                                                       \
    "\"0{\\\"sid\\\":\\\"e\\\",\\\"upgrades\\\":[" upgrades "],\\\"pingInterval\\\":" interval "," \
    "\\\"pingTimeout\\\":" timeout "}\\u001e40{\\\"sid\\\":\\\"s\\\"}\""
#define OPENED(upgrades, interval, timeout) "{\"parts\":[" HEAD "," SESSION(upgrades, interval, timeout) "]}"
#define OPEN OPENED("", "25000", "20000")
#define NEVER "{\"end\":false}"
#define DONE BODY("ok")
#define ANSWERS(answers, posts) "{\"mode\":\"answers\",\"answers\":[" answers "],\"posts\":[" posts "]}"

/* How its reports of requests begin. */
#define GET "request {\"head\":[\"GET "
#define POST "request {\"head\":[\"POST "

static server_t *server;
static socketio_connection_t client;

/* Starts a client of the scripted server that subscribes to n and b. */
static void start_scripted(const char *options, const char *extra)
{
    server = server_start(options);
    begin();
    client = configure(server_port(server), extra);
    subscribe(client, "n", NULL);
    subscribe(client, "b", NULL);
    start(client);
}

static void check_n(const char *message)
{
    CHECK_TEXT(text_of(WAIT_RECEIVE(client, "n"), RECEIVE_MESSAGE), message);
}

/* ---- Forms of an answer ---- */

static void a_payload_holds_many_packets(void)
{
    start_scripted(ANSWERS(OPEN "," BODY("2", {"_repeat":["\u001e42[\"n\",7]",3000]},
                                         "\u001e451-[\"b\",{\"_placeholder\":true,\"num\":0}]\u001ebAQI",
                                         "\u001e451-[\"b\",{\"_placeholder\":true,\"num\":0}]\u001ebAQI=") "," NEVER,
                           DONE), POLLING);
    WAIT_START(client);
    for (int i = 0; i < 3000; i++) {
        check_n("7");
    }
    /* Base64 without and with its padding. */
    for (int i = 0; i < 2; i++) {
        socketio_bytes_list_t attachments = attachments_of(WAIT_RECEIVE(client, "b"), RECEIVE_ATTACHMENTS);
        CHECK_INT(attachments.len, 1);
        CHECK_INT(attachments.ptr[0].len, 2);
        CHECK(memcmp(attachments.ptr[0].ptr, "\x01\x02", 2) == 0);
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
}

/* A server that always answers at once, with nothing to say, is not asked thousands of times a second: 16 such answers
   take more than a second, pings and packets that say nothing alike. */
static void answers_at_once_without_a_message_are_asked_for_slowly(void)
{
#define FOUR BODY("6") "," BODY("3") "," BODY("2") "," BODY("6", "\u001e2") ","
    int64_t began = now_ms();
    start_scripted(ANSWERS(OPEN "," FOUR FOUR FOUR FOUR BODY("42[\"n\",1]") "," BODY("42[\"n\",2]") "," NEVER, DONE),
                   POLLING);
    check_n("1");
    CHECK(now_ms() - began > 1200);
    began = now_ms();
    check_n("2");
    CHECK(now_ms() - began < 1000 * slowdown());
}

static void bodies_may_be_cut_packed_and_slow(void)
{
    start_scripted(
        ANSWERS(
            /* Byte by byte. */
            "{\"drip\":1,\"parts\":[" HEAD "," SESSION("", "25000", "20000") "]},"
            /* Chunks, with an extension, and trailers behind the last one. */
            JSON({"parts":["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n","3;x=y\r\n42[\r\n6\r\n\"n\",0]\r\n",
                           "1\r\n\u001e\r\n9\r\n42[\"n\",1]\r\n0\r\nX-Trailer: 1\r\n\r\n"],"end":false}) ","
            GZIP("42[\"n\",2]", {"_repeat":["\u001e42[\"n\",3]",1000]}) ","
            /* A body without a byte is no packet. */
            JSON({"parts":["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],"end":false}) ","
            BODY("42[\"n\",4]") "," NEVER, DONE), POLLING);
    WAIT_START(client);
    check_n("0");
    check_n("1");
    check_n("2");
    for (int i = 0; i < 1000; i++) {
        check_n("3");
    }
    check_n("4");
}

static void a_large_message_comes_compressed(void)
{
    server = server_start(NULL);
    client = connected(server, POLLING);
    CHECK_HAS(server_command(server, "handshakes"), JSON("accept-encoding":"gzip"));
    subscribe(client, "n", NULL);
    WAIT_SUBSCRIBED(client, "n");
    server_command(server, "emit %s", JSON({"event":"n","args":[{"_repeat":["large ",500000]}]}));
    CHECK_INT(strlen(text_of(WAIT_RECEIVE(client, "n"), RECEIVE_MESSAGE)), 3000000);
}

/* ---- Wrong answers ---- */

typedef struct wrong_t {
    const char *options;
    const char *code;
    const char *named;
} wrong_t;

static void check_wrong(const wrong_t *wrong, const char *extra, size_t count)
{
    char name[32];
    begin();
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "server %zu", i);
        settings_add(name, server_port(server_start(wrong[i].options)), extra);
    }
    settings_apply();
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "server %zu", i);
        start(find(name));
        const event_t *event = WAIT_ERROR(find(name));
        CHECK_TEXT(text_of(event, ERROR_CODE), wrong[i].code);
        CHECK_HAS(text_of(event, ERROR_MESSAGE), wrong[i].named);
        CHECK(!bool_of(event, ERROR_FATAL) && number_of(event, ERROR_WILL_RETRY_IN) > 0);
    }
}

/* The first session fails, the second one stands. */
#define MIDDLE(answer) ANSWERS(OPEN "," answer "," OPEN "," NEVER, DONE)

static void wrong_payloads_end_the_session_and_it_comes_back(void)
{
    static const wrong_t wrong[] = {
        {MIDDLE(BODY("451-[\"b\",{\"_placeholder\":true,\"num\":0}]\u001eb!!")), "protocol_error", "not base64"},
        {MIDDLE(BODY("42[\"n\",\"", {"_bytes":"ff"}, "\"]")), "protocol_error", "not UTF-8"},
        {MIDDLE(BODY("<html>Log in!</html>")), "protocol_error", "begins with '<'"},
        {MIDDLE(JSON({"parts":["HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nx"]})), "protocol_error",
         "packed as br"},
        {MIDDLE(JSON({"parts":["HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nx not gzip"]})), "protocol_error",
         "can't be unpacked"},
        {MIDDLE(JSON({"parts":["HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"]})), "http_status", "HTTP 503"},
        {MIDDLE(JSON({"parts":["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n42"]})), "connection_lost", "127.0.0.1"},
    };
    check_wrong(wrong, POLLING, COUNT(wrong));
    for (size_t i = 0; i < 2 * COUNT(wrong); i++) {
        WAIT(.node_type = SOCKETIO_NODE_ON_START);
    }
}

static void a_post_that_fails_ends_the_session_and_it_comes_back(void)
{
    start_scripted(ANSWERS(OPEN "," NEVER "," OPEN "," NEVER, DONE ","
                           JSON({"parts":["HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"]}) "," DONE), POLLING);
    WAIT_START(client);
    server_wait(server, POST);
    SEND(client, .event = "e", .message = "lost");
    WAIT_ERROR_CODE(client, "http_status");
    CHECK(bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    WAIT_START(client);
    ignore_errors();
}

/* A server of version 2 opens the default namespace without being asked. */
static void a_namespace_that_nobody_asked_for(void)
{
    static const wrong_t wrong[] = {
        {ANSWERS(BODY("0{\"sid\":\"e\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}\u001e40"), DONE),
         "proto_v2", "Socket.IO 2"},
        {ANSWERS(BODY("0{\"sid\":\"e\"}"), DONE), "not_socketio", "pingInterval"},
    };
    check_wrong(wrong, POLLING, COUNT(wrong));
}

/* ---- Bounds ---- */

#define SMALL POLLING "," JSON("message_bytes":100000,"connect_timeout":2)
#define ENDLESS(...) "{\"endless\":true,\"parts\":[" HEAD "," #__VA_ARGS__ "]}"

static void answers_without_an_end_are_bounded(void)
{
    static const wrong_t wrong[] = {
        {ANSWERS(ENDLESS("0", {"_repeat":["0",65536]}), DONE), "limit_exceeded", "a handshake of more than"},
        {ANSWERS(ENDLESS({"_repeat":["x",65536]}), DONE), "not_socketio", "\"xxxxx"},
        {ANSWERS(GZIP("0", {"_repeat":["0",20000000]}), DONE), "limit_exceeded", "a handshake of more than"},
        {ANSWERS(JSON({"endless":true,"parts":["HTTP/1.1 200 OK\r\nX-Padding: ",{"_repeat":["x",65536]}]}), DONE),
         "limit_exceeded", "64 KiB"},
        {MIDDLE(ENDLESS("4", {"_repeat":["x",65536]})), "limit_exceeded", "a packet of more than 100000 bytes"},
        {MIDDLE(ENDLESS("b", {"_repeat":["x",65536]})), "limit_exceeded", "a packet of more than 100000 bytes"},
        {MIDDLE(GZIP("4", {"_repeat":["x",20000000]})), "limit_exceeded", "a packet of more than 100000 bytes"},
    };
    begin();
    long before = rss_kib();
    disable();
    check_wrong(wrong, SMALL, COUNT(wrong));
    CHECK_GROWTH(before, 8L * 1024);
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_START);
    ignore_errors();
}

static void a_handshake_that_stays_unfinished_takes_no_longer_than_its_time(void)
{
    static const wrong_t wrong[] = {
        {ANSWERS(JSON({"end":false,"parts":["HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n0{"]}), DONE),
         "connect_timeout", "127.0.0.1"},
        {ANSWERS(JSON({"end":false,"parts":["HTTP/1.1 200 OK\r\nX-Begin: "]}), DONE), "connect_timeout",
         "did not answer the first request"},
        {ANSWERS(NEVER, DONE), "connect_timeout", "did not answer the first request"},
    };
    int64_t began = now_ms();
    check_wrong(wrong, JSON("transport":"Polling Only","connect_timeout":0.4), COUNT(wrong));
    CHECK(now_ms() - began < 6000);
}

static void an_answer_that_stays_unfinished_is_silence(void)
{
    start_scripted(ANSWERS(OPENED("", "150", "150") ","
                           JSON({"end":false,"parts":["HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n42["]}) ","
                           OPEN "," NEVER, DONE), POLLING);
    WAIT_START(client);
    WAIT_ERROR_CODE(client, "ping_timeout");
    CHECK_TEXT(text_of(WAIT_STOP(client), STOP_REASON), "ping timeout");
    WAIT_START(client);
}

/* What the server takes at most in one request is kept to: more would end the session. */
static void the_servers_limit_is_respected(void)
{
    static char message[10000];
    server = server_start(JSON({"maxHttpBufferSize":10000}));
    client = connected(server, POLLING);
    for (int i = 0; i < 500; i++) {
        int len = snprintf(message, sizeof message, "[\"a\",%d,\"", i);
        memset(message + len, 'x', 700);
        memcpy(message + len + 700, "\"]", 3);
        SEND(client, .event = "numbered", .format = "Arguments", .message = message);
    }
    barrier(client);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"a":{"count":500,"ordered":true}}));
    memset(message, 'y', sizeof message - 1);
    message[sizeof message - 1] = 0;
    SEND(client, .event = "e", .message = message);
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "payload_too_big"), ERROR_MESSAGE), "more than the 10000");
    message[9900] = 0;
    SEND(client, .event = "e", .message = message);
    CHECK_HAS(server_wait(server, "got "), "9900");
    /* Base64 makes it a third larger. */
    SEND(client, .event = "e", .format = "Binary", .bytes = {(const uint8_t *)message, 7498});
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "payload_too_big"), ERROR_MESSAGE), "7498 bytes, more than the 7497");
    SEND(client, .event = "e", .format = "Binary", .bytes = {(const uint8_t *)message, 7497});
    CHECK_HAS(server_wait(server, "got "), "7497");
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

/* ---- Requests ---- */

static void cookies_are_kept_and_sent_with_every_request(void)
{
    start_scripted(
        "{\"mode\":\"answers\",\"upgrades\":[" NEVER "],\"answers\":[{\"parts\":[\"HTTP/1.1 200 OK\\r\\n"
        "Connection: close\\r\\nSet-Cookie: a=1; Path=/; HttpOnly\\r\\nSet-Cookie: b=2\\r\\n"
        "Set-Cookie: old=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT\\r\\n\\r\\n\","
        SESSION("\\\"websocket\\\"", "25000", "20000") "]},"
        NEVER "],\"posts\":[" DONE ","
        JSON({"parts":["HTTP/1.1 200 OK\r\nSet-Cookie: a=x; Max-Age=0\r\nContent-Length: 2\r\n\r\nok"],"end":false})
        "]}", JSON("transport":"Automatic","headers":{"Cookie":"mine=0"}));
    WAIT_START(client);
    CHECK_HAS(server_wait(server, GET), "ookie: mine=0\"");
    CHECK_HAS(server_wait(server, GET "/socket.io/?EIO=4&transport=polling"), "mine=0; a=1; b=2\"");
    CHECK_HAS(server_wait(server, GET "/socket.io/?EIO=4&transport=websocket"), "mine=0; a=1; b=2\"");
    CHECK_HAS(server_wait(server, POST), "mine=0; a=1; b=2\"");
    SEND(client, .event = "e");
    CHECK_HAS(server_wait(server, POST), "mine=0; a=1; b=2\"");
    /* The answer to that one has taken a cookie back. */
    SEND(client, .event = "e");
    CHECK_HAS(server_wait(server, POST), "mine=0; b=2\"");
}

/* Some servers compare the id as it stands: only what must be is escaped. */
static void a_session_id_goes_back_as_it_came(void)
{
    start_scripted(
        ANSWERS(BODY("0{\"sid\":\"a-b_c&d\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}") "," NEVER,
                DONE), POLLING);
    CHECK_HAS(server_wait(server, POST), "&sid=a-b_c%26d&t=");
}

/* A server may close a connection that nobody uses: the next request takes a new one, nothing is lost or doubled. */
static void idle_connections_may_be_closed(void)
{
#ifdef _WIN32
    skip("a process on Windows has handles for much more than sockets");
#endif
    server = server_start(ANSWERS(OPEN "," NEVER, DONE));
    begin();
    client = configure(server_port(server), POLLING);
    int before = fd_count();
    start(client);
    WAIT_START(client);
    server_wait(server, GET);
    server_wait(server, GET);
    CHECK_HAS(server_wait(server, POST), JSON("body":"40"));
    for (int i = 0; i < 10; i++) {
        char message[16];
        char expected[64];
        /* The one that waits for packets is left. */
        AWAIT(fd_count() == before + 1);
        snprintf(message, sizeof message, "%d", i);
        snprintf(expected, sizeof expected, "\"body\":\"42[\\\"e\\\",\\\"%d\\\"]\"}", i);
        SEND(client, .event = "e", .message = message);
        CHECK_HAS(server_wait(server, POST), expected);
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void sessions_do_not_mix(void)
{
    server = server_start(NULL);
    begin();
    settings_add("one", server_port(server), POLLING);
    settings_add("two", server_port(server), POLLING);
    settings_apply();
    socketio_connection_t clients[] = {find("one"), find("two")};
    for (int i = 0; i < 2; i++) {
        subscribe(clients[i], "echo", NULL);
        start(clients[i]);
    }
    for (int i = 0; i < 200; i++) {
        char message[16];
        snprintf(message, sizeof message, "%d of %d", i, i % 2);
        SEND(clients[i % 2], .event = "echo", .message = message);
    }
    for (int i = 0; i < 200; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%d of %d", i, i % 2);
        CHECK_TEXT(text_of(WAIT_RECEIVE(clients[i % 2], "echo"), RECEIVE_MESSAGE), expected);
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
}

TEST_MAIN(
    CASE_ONCE(a_payload_holds_many_packets),
    CASE_ONCE(answers_at_once_without_a_message_are_asked_for_slowly),
    CASE_ONCE(bodies_may_be_cut_packed_and_slow),
    CASE_ONCE(a_large_message_comes_compressed),
    CASE_ONCE(wrong_payloads_end_the_session_and_it_comes_back),
    CASE_ONCE(a_post_that_fails_ends_the_session_and_it_comes_back),
    CASE_ONCE(a_namespace_that_nobody_asked_for),
    CASE_ONCE(answers_without_an_end_are_bounded),
    CASE_ONCE(a_handshake_that_stays_unfinished_takes_no_longer_than_its_time),
    CASE_ONCE(an_answer_that_stays_unfinished_is_silence),
    CASE_ONCE(the_servers_limit_is_respected),
    CASE_ONCE(cookies_are_kept_and_sent_with_every_request),
    CASE_ONCE(a_session_id_goes_back_as_it_came),
    CASE_ONCE(idle_connections_may_be_closed),
    CASE_ONCE(sessions_do_not_mix))
