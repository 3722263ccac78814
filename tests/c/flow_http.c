/* What an HTTP server, or something before it, may answer instead of Socket.IO: the code says what it is, and when it
   is gone, the connection comes about by itself. On every transport. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#define EMPTY "Content-Length: 0\r\n\r\n"
#define HTML "Content-Type: text/html\r\nContent-Length: 34\r\n\r\n<html><body>Welcome!</body></html>"
/* What the reference server says of an error. */
#define ENGINE_ERROR(number, message)                                                  \
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" \
    "{\"code\":" number ",\"message\":\"" message "\"}"

static socketio_connection_t client;

typedef struct foreign_t {
    const char *answer;
    const char *code;
    /* What the sentence names, besides the address. */
    const char *named;
    /* It said no: it is asked again only after a minute. */
    int refuses;
} foreign_t;

static void check_told(socketio_connection_t connection, int port, const foreign_t *expected)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    const event_t *event = WAIT_ERROR(connection);
    CHECK_TEXT(text_of(event, ERROR_CODE), expected->code);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), address);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), expected->named);
    CHECK(text_of(event, ERROR_REMEDY)[0] != 0);
    CHECK(!bool_of(event, ERROR_FATAL));
    double retry = number_of(event, ERROR_WILL_RETRY_IN);
    CHECK(expected->refuses ? retry >= 60 : retry > 0 && retry < 1);
}

/* One connection to a server that answers so, for each of them. */
static void check_all(const foreign_t *foreign, size_t count)
{
    int ports[16];
    char name[32];
    begin();
    for (size_t i = 0; i < count; i++) {
        ports[i] = raw_start(foreign[i].answer);
        snprintf(name, sizeof name, "server %zu", i);
        settings_add(name, ports[i], QUICK_RETRY);
    }
    settings_apply();
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "server %zu", i);
        CHECK_STATUS(start(find(name)), SOCKETIO_OK);
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "server %zu", i);
        check_told(find(name), ports[i], &foreign[i]);
    }
    CHECK_NONE(.node_type = 0);
}

static void statuses_are_told_apart(void)
{
    static const foreign_t foreign[] = {
        {"HTTP/1.1 401 Unauthorized\r\n" EMPTY, "http_forbidden", "HTTP 401 Unauthorized", 1},
        {"HTTP/1.1 403 Forbidden\r\n" HTML, "http_forbidden", "HTTP 403 Forbidden", 1},
        {"HTTP/1.1 404 Not Found\r\n" EMPTY, "http_404", "path /socket.io/", 0},
        {"HTTP/1.1 200 OK\r\n" HTML, "http_html", "HTTP 200", 0},
        {"HTTP/1.1 400 Bad Request\r\n" EMPTY, "http_status", "HTTP 400 Bad Request", 0},
        {"HTTP/1.1 500 Internal Server Error\r\n" HTML, "http_status", "HTTP 500", 0},
        {"HTTP/1.1 502 Bad Gateway\r\n" HTML, "http_status", "HTTP 502 Bad Gateway", 0},
        {"HTTP/1.1 426 Upgrade Required\r\n" EMPTY, "not_socketio", "plain WebSocket server", 0},
        {"HTTP/1.1 200 OK\r\n" EMPTY, "not_socketio", "an empty answer", 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "not_socketio", "\"hello\"", 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n96:0{\"sid\":\"a\"", "proto_v2", "Socket.IO 2", 0},
        {"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
         "<html>The plain HTTP request was sent to HTTPS port</html>", "plain_tls_server", "encrypted", 0},
    };
    check_all(foreign, COUNT(foreign));
}

static void engine_errors_have_their_own_codes(void)
{
    static const foreign_t foreign[] = {
        {ENGINE_ERROR("0", "Transport unknown"), "eio_0", "Transport unknown", 0},
        {ENGINE_ERROR("1", "Session ID unknown"), "eio_1", "Session ID unknown", 0},
        {ENGINE_ERROR("2", "Bad handshake method"), "eio_2", "Bad handshake method", 0},
        {ENGINE_ERROR("3", "Bad request"), "eio_3", "Bad request", 0},
        {ENGINE_ERROR("4", "origin not allowed"), "eio_4", "origin not allowed", 1},
        {ENGINE_ERROR("5", "Unsupported protocol version"), "eio_5", "Unsupported protocol version", 0},
        {ENGINE_ERROR("9", "come back tomorrow"), "engine_refused", "come back tomorrow (Engine.IO code 9)", 0},
        {ENGINE_ERROR("\"1\"", "Session ID unknown"), "eio_1", "Session ID unknown", 0},
        /* In its own words, as it says them where a WebSocket was asked for. */
        {"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 18\r\n\r\nSession ID unknown", "eio_1",
         "Session ID unknown", 0},
        {"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n"
         "1d\r\n{\"code\":3,\"message\":\"chunks\"}\r\n0\r\n\r\n", "eio_3", "chunks", 0},
        /* That is somebody else's error. */
        {ENGINE_ERROR("-1", "no"), "http_status", "HTTP 400", 0},
    };
    check_all(foreign, COUNT(foreign));
}

/* ---- Redirects ---- */

static void redirects_are_bounded_and_stay_on_the_host(void)
{
    static const foreign_t foreign[] = {
        {"HTTP/1.1 302 Found\r\nLocation: /socket.io/?again\r\n" EMPTY, "http_redirect_loop", "/socket.io/", 0},
        /* Each leads somewhere else: a hundred of them would be followed to no end. */
        {"HTTP/1.1 307 Temporary Redirect\r\nLocation: deeper/\r\n" EMPTY, "http_redirect_loop", "/deeper/", 0},
        {"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login?session=S3CRET#S3CRET\r\n" EMPTY,
         "http_redirect", "http://portal.example/login, which is not followed: that is another host", 0},
        {"HTTP/1.1 301 Moved Permanently\r\nLocation: //portal.example:81/\r\n" EMPTY, "http_redirect",
         "another host", 0},
        {"HTTP/1.1 302 Found\r\nLocation: http://[\r\n" EMPTY, "http_redirect", "can't be read", 0},
        /* It leads nowhere. */
        {"HTTP/1.1 302 Found\r\n" EMPTY, "http_status", "HTTP 302", 0},
    };
    check_all(foreign, COUNT(foreign));
    CHECK(strstr(host_log(), "S3CRET") == NULL);
}

static void a_redirect_loop_is_left_soon(void)
{
    int loops = raw_start("HTTP/1.1 302 Found\r\nLocation: further/\r\n" EMPTY);
    begin();
    client = configure(loops, JSON("automatic_reconnect":false));
    start(client);
    WAIT_ERROR_CODE(client, "http_redirect_loop");
    WAIT_STOP(client);
    CHECK_INT(raw_accepted(loops), 6);
}

/* An answer that redirects there. Lives until the case ends. */
static const char *redirect_to(const char *scheme, const char *host, int port)
{
    char *answer = malloc(256);
    snprintf(answer, 256, "HTTP/1.1 302 Found\r\nLocation: %s://%s:%d/socket.io/?x=1\r\n" EMPTY, scheme, host, port);
    return answer;
}

/* Somebody else may stand behind it, who would get headers and credentials. */
static void a_redirect_to_another_port_is_not_followed(void)
{
    int other = raw_start("HTTP/1.1 404 Not Found\r\n" EMPTY);
    begin();
    client = configure(raw_start(redirect_to("http", "127.0.0.1", other)), QUICK_RETRY);
    start(client);
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "http_redirect"), ERROR_MESSAGE), "that is another port");
    CHECK_INT(raw_accepted(other), 0);
}

/* The usual ports are behind a proxy here, which is asked for them. */
static void a_redirect_to_encryption_is_followed(void)
{
    char fields[256];
    server_t *server = server_start(JSON({"tls":"good"}));
    snprintf(fields, sizeof fields, "{\"ports\":{\"80\":%d,\"443\":%d}}",
             raw_start(redirect_to("https", "server.test", 443)), server_port(server));
    server_t *proxy = proxy_start(fields);
    snprintf(fields, sizeof fields, "\"proxy\":\"http://127.0.0.1:%d\"", server_port(proxy));
    set_environment("SSL_CERT_FILE", certificate("ca.pem"));
    begin();
    client = configure_url("http://server.test", fields);
    start(client);
    WAIT_START(client);
    barrier(client);
}

static void a_redirect_out_of_encryption_is_not_followed(void)
{
    int plain = raw_start("HTTP/1.1 404 Not Found\r\n" EMPTY);
    char options[512];
    snprintf(options, sizeof options,
             "{\"mode\":\"answers\",\"tls\":\"good\",\"answers\":[{\"parts\":[\"HTTP/1.1 302 Found\\r\\nLocation: "
             "http://127.0.0.1:%d/socket.io/\\r\\nContent-Length: 0\\r\\n\\r\\n\"]}]}", plain);
    server_t *server = server_start(options);
    begin();
    client = configure_url(server_url(server), trusting("ca.pem", QUICK_RETRY));
    start(client);
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "http_redirect"), ERROR_MESSAGE), "that is not encrypted");
    CHECK_INT(raw_accepted(plain), 0);
}

static void a_redirect_to_a_login_page_is_what_is_told(void)
{
    server_t *server = server_start(JSON({"mode":"answers","answers":[
        {"parts":["HTTP/1.1 302 Found\r\nLocation: login/?x=1\r\nContent-Length: 0\r\n\r\n"]},
        {"parts":["HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"]}]}));
    begin();
    client = configure(server_port(server), QUICK_RETRY);
    start(client);
    const event_t *event = WAIT_ERROR_CODE(client, "http_redirect");
    char location[64];
    snprintf(location, sizeof location, "http://127.0.0.1:%d/socket.io/login/", server_port(server));
    CHECK_HAS(text_of(event, ERROR_MESSAGE), location);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "no Socket.IO server answers there");
}

/* ---- Real servers ---- */

static void an_old_server_is_recognised(void)
{
    server_t *server = server_start(JSON({"version":2}));
    begin();
    client = configure(server_port(server), QUICK_RETRY);
    start(client);
    const event_t *event = WAIT_ERROR_CODE(client, "proto_v2");
    CHECK_HAS(text_of(event, ERROR_REMEDY), "Socket.IO 3 or 4");
    CHECK(!bool_of(event, ERROR_FATAL));
}

static void a_server_that_only_speaks_websocket_says_so(void)
{
    server_t *server = server_start(JSON({"transports":["websocket"]}));
    begin();
    client = configure(server_port(server), JSON("transport":"Polling Only","reconnect_delay":0.05));
    start(client);
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "eio_0"), ERROR_REMEDY), "Automatic");
}

static void a_server_that_only_speaks_polling_says_so(void)
{
    server_t *server = server_start(JSON({"transports":["polling"]}));
    begin();
    client = configure(server_port(server), JSON("transport":"WebSocket Only","reconnect_delay":0.05));
    start(client);
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "eio_0"), ERROR_REMEDY), "Automatic");
}

/* It opens WebSockets and says nothing there; some of them say 426 to all else. */
static void a_plain_websocket_server_is_recognised(void)
{
    server_t *silent = server_start(JSON({"mode":"websocket"}));
    server_t *speaks = server_start(JSON({"mode":"answers","upgrades":[{"end":false}],"answers":[
        {"parts":["HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"]}]}));
    begin();
    settings_add("silent", server_port(silent), JSON("transport":"Automatic","connect_timeout":0.6));
    settings_add("speaks", server_port(speaks), JSON("transport":"Automatic","connect_timeout":0.6));
    settings_apply();
    start(find("silent"));
    start(find("speaks"));
    CHECK_HAS(text_of(WAIT_ERROR_CODE(find("silent"), "connect_timeout"), ERROR_MESSAGE), "plain WebSocket server");
    CHECK_HAS(text_of(WAIT_ERROR_CODE(find("speaks"), "not_socketio"), ERROR_MESSAGE), "plain WebSocket server");
}

/* ---- Once the cause is gone ---- */

/* A reverse proxy whose server is down, and comes. */
static void it_connects_when_the_server_behind_a_proxy_is_there(void)
{
    char options[64];
    server_t *server = server_start(NULL);
    snprintf(options, sizeof options, "{\"target\":%d}", server_port(server));
    server_t *proxy = proxy_start(options);
    server_kill(server);
    begin();
    client = configure(server_port(proxy), QUICK_RETRY);
    SEND(client, .event = "queued", .message = "kept");
    start(client);
    WAIT_ERROR(client);
    ignore_errors();
    server_restart(server);
    WAIT_START(client);
    server_expect(server, "got " JSON({"nsp":"/","event":"queued","args":["kept"]}));
}

/* The path is wrong at first: other settings are tried at once. */
static void it_connects_when_the_settings_are_put_right(void)
{
    server_t *server = server_start(JSON({"path":"/elsewhere","destroyUpgradeTimeout":50}));
    begin();
    client = configure(server_port(server), JSON("connect_timeout":2,"reconnect_delay":5,"reconnect_jitter":0));
    start(client);
    WAIT_ERROR(client);
    int64_t began = now_ms();
    settings_add("main", server_port(server), JSON("path":"/elsewhere"));
    settings_apply();
    WAIT_START(client);
    CHECK(now_ms() - began < 4000);
}

/* ---- Headers of ours ---- */

static void a_line_break_in_a_header_is_refused(void)
{
    server_t *server = server_start(NULL);
    begin();
    CHECK(check_settings("{\"connections\":[{\"name\":\"main\",\"url\":\"http://127.0.0.1:%d\",\"headers\":"
                         "{\"X-Token\":\"a\\r\\nX-Admin: 1\"}}]}", server_port(server)) != SOCKETIO_OK);
    CHECK_HAS(last_error(), "X-Token");
    CHECK(strstr(last_error(), "X-Admin") == NULL);
    /* What a reference leads to is only seen at Start. */
    set_environment("SOCKETIO_TEST_TOKEN", "b\r\nX-Admin: 1");
    client = configure(server_port(server), JSON("headers":{"X-Token":"env:SOCKETIO_TEST_TOKEN"}));
    start(client);
    const event_t *event = WAIT_ERROR_CODE(client, "header_invalid");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "Header X-Token of connection main");
    CHECK_INT(event->head.status, SOCKETIO_E_SETTINGS);
    CHECK(strstr(host_log(), "X-Admin") == NULL);
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":0}));
}

TEST_MAIN(
    CASE(statuses_are_told_apart),
    CASE(engine_errors_have_their_own_codes),
    CASE(redirects_are_bounded_and_stay_on_the_host),
    CASE(a_redirect_loop_is_left_soon),
    CASE(a_redirect_to_another_port_is_not_followed),
    CASE(a_redirect_to_encryption_is_followed),
    CASE(a_redirect_out_of_encryption_is_not_followed),
    CASE(a_redirect_to_a_login_page_is_what_is_told),
    CASE(an_old_server_is_recognised),
    CASE_ONCE(a_server_that_only_speaks_websocket_says_so),
    CASE_ONCE(a_server_that_only_speaks_polling_says_so),
    CASE_ONCE(a_plain_websocket_server_is_recognised),
    CASE(it_connects_when_the_server_behind_a_proxy_is_there),
    CASE(it_connects_when_the_settings_are_put_right),
    CASE(a_line_break_in_a_header_is_refused))
