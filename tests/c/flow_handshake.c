/* What the server is told when a connection is made, and what stays secret. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static server_t *server;

/* Connects with these further fields; gives the handshake as the server saw it. */
static const char *handshake(const char *extra)
{
    server = server_start(NULL);
    connected(server, extra);
    return server_command(server, "handshakes");
}

static void auth_is_sent(void)
{
    CHECK_HAS(handshake(JSON("auth":{"token":"t-1","user":{"id":7,"tags":["a",null]}})),
              JSON("auth":{"token":"t-1","user":{"id":7,"tags":["a",null]}}));
}

static void without_auth_none_is_sent(void)
{
    CHECK_HAS(handshake(NULL), JSON("auth":{}));
}

static void headers_are_sent(void)
{
    const char *seen = handshake(JSON("headers":{"X-Station":"nine","Authorization":"Bearer b-1"}));
    CHECK_HAS(seen, JSON("x-station":"nine"));
    CHECK_HAS(seen, JSON("authorization":"Bearer b-1"));
    char host[32];
    snprintf(host, sizeof host, "\"host\":\"127.0.0.1:%d\"", server_port(server));
    CHECK_HAS(seen, host);
}

static void query_is_sent_and_escaped(void)
{
    const char *seen = handshake(JSON("query":{"room":"7","text":"a b&c=d/é?#+%"}));
    CHECK_HAS(seen, JSON("room":"7"));
    CHECK_HAS(seen, JSON("text":"a b&c=d/é?#+%"));
    CHECK_HAS(seen, JSON("EIO":"4"));
    CHECK_HAS(seen, JSON("transport":"websocket"));
}

static void secrets_may_be_references(void)
{
    const char *file = temporary_path("secret");
    file_write(file, "from-file\n", 10);
    set_environment("SOCKETIO_TEST_TOKEN", "from-env");
    char extra[1024];
    snprintf(extra, sizeof extra,
             JSON("auth":{"token":"env:SOCKETIO_TEST_TOKEN","deep":[{"er":"file:%s"}]},
                  "headers":{"X-Token":"env:SOCKETIO_TEST_TOKEN"},"query":{"q":"env:SOCKETIO_TEST_TOKEN"}), file);
    const char *seen = handshake(extra);
    CHECK_HAS(seen, JSON("auth":{"token":"from-env","deep":[{"er":"from-file"}]}));
    CHECK_HAS(seen, JSON("x-token":"from-env"));
    CHECK_HAS(seen, JSON("q":"from-env"));
}

/* A reference that leads nowhere is said by its name, and is no reason to send the reference itself. */
static void a_reference_that_is_missing_is_an_error(void)
{
    set_environment("SOCKETIO_TEST_MISSING", NULL);
    server = server_start(NULL);
    begin();
    socketio_connection_t client = configure(server_port(server), JSON("auth":{"token":"env:SOCKETIO_TEST_MISSING"}));
    start(client);
    const event_t *event = WAIT_ERROR(client);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "SOCKETIO_TEST_MISSING");
    stop(client);
    WAIT_STOP(client);
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":0})) == 0);
    CHECK(!server_has(server, "connected "));
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR);
}

/* Nothing is read that may block or never end. */
static void references_to_what_is_no_file_are_errors(void)
{
    static const char *const names[] = {"pipe", "device", "directory"};
#ifdef _WIN32
    const char *const paths[] = {"//./pipe/socketio-test", "CON", temporary_folder()};
#else
    const char *const paths[] = {temporary_path("pipe"), "/dev/zero", temporary_folder()};
    CHECK(mkfifo(paths[0], 0600) == 0);
#endif
    server = server_start(NULL);
    begin();
    settings_add("good", server_port(server), NULL);
    for (size_t i = 0; i < COUNT(names); i++) {
        char extra[1024];
        snprintf(extra, sizeof extra, JSON("auth":{"token":"file:%s"}), paths[i]);
        settings_add(names[i], server_port(server), extra);
    }
    settings_apply();
    start(find("good"));
    WAIT_START(find("good"));
    for (size_t i = 0; i < COUNT(names); i++) {
        start(find(names[i]));
        const event_t *event =
            WAIT(.node_type = SOCKETIO_NODE_ON_ERROR, .connection = find(names[i]), .timeout_ms = 2000);
        CHECK_TEXT(text_of(event, ERROR_CODE), "secret_unavailable");
        CHECK_HAS(text_of(event, ERROR_MESSAGE), paths[i]);
        barrier(find("good"));
    }
}

static void a_secret_that_is_no_text_stays_secret(void)
{
    set_environment("SOCKETIO_TEST_TOKEN", "s3cret-\xff");
    plugin_load();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    enable();
    socketio_connection_t client = configure(port_reserve(), JSON("headers":{"X-Token":"env:SOCKETIO_TEST_TOKEN"}));
    start(client);
    const event_t *event = WAIT_ERROR_CODE(client, "secret_unavailable");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "SOCKETIO_TEST_TOKEN");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "UTF-8");
    CHECK(strstr(text_of(event, ERROR_MESSAGE), "s3cret") == NULL);
    disable();
    CHECK_HAS(host_log(), "SOCKETIO_TEST_TOKEN");
    CHECK(strstr(host_log(), "s3cret") == NULL);
}

static void auth_is_read_anew_with_each_connect(void)
{
    set_environment("SOCKETIO_TEST_TOKEN", "first");
    CHECK_HAS(handshake(JSON("auth":{"token":"env:SOCKETIO_TEST_TOKEN"},"reconnect_delay":0.05)), "first");
    set_environment("SOCKETIO_TEST_TOKEN", "second");
    server_command(server, "cut");
    wait_lost(find("main"));
    WAIT_START(find("main"));
    CHECK_HAS(server_command(server, "handshakes"), "second");
}

/* Whatever the log level and whatever goes wrong. */
static void secrets_stay_out_of_log_and_events(void)
{
    set_environment("SOCKETIO_TEST_TOKEN", "s3cret-env");
    plugin_load();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    handshake(JSON("auth":{"token":"s3cret-auth","other":"env:SOCKETIO_TEST_TOKEN"},
                   "headers":{"Authorization":"s3cret-header"},"query":{"key":"s3cret-query"},"reconnect_delay":0.05));
    socketio_connection_t client = find("main");
    SEND(client, .event = "e", .nsp = "/chat");
    server_wait(server, "got ");
    server_kill(server);
    WAIT_STOP(client);
    const event_t *event = WAIT_ERROR(client);
    CHECK(strstr(text_of(event, ERROR_MESSAGE), "s3cret") == NULL);
    disable();
    CHECK_HAS(host_log(), "main");
    CHECK(strstr(host_log(), "s3cret") == NULL);
    CHECK_STATUS(check_settings(JSON({"connections":[{"name":"main","url":"http://user:s3cret@h:99999",
                                                      "headers":{"bad name":"s3cret"},"auth":"s3cret"}]})),
                 SOCKETIO_E_SETTINGS);
    CHECK(strstr(last_error(), "s3cret") == NULL);
}

/* In the first attempt as in all others. */
static void a_secret_that_the_server_repeats_stays_secret(void)
{
    static const char refusal[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 48\r\n\r\n"
                                  "{\"code\":3,\"message\":\"no, Bearer s3cret-header!\"}";
    set_environment("SOCKETIO_TEST_TOKEN", "Bearer s3cret-header");
    begin();
    socketio_connection_t client =
        configure(raw_start(refusal), JSON("headers":{"Authorization":"env:SOCKETIO_TEST_TOKEN"}));
    start(client);
    const event_t *event = WAIT_ERROR(client);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "***");
    CHECK(strstr(text_of(event, ERROR_MESSAGE), "s3cret") == NULL);
    disable();
    CHECK_HAS(host_log(), "***");
    CHECK(strstr(host_log(), "s3cret") == NULL);
}

/* ---- The URL rules, against a server ---- */

/* Connects by these fields; a %d among them is the port. */
#define CHECK_URL(options, ...)                                                                                  \
    server = server_start(options);                                                                              \
    begin();                                                                                                     \
    CHECK(apply_settings("{\"connections\":[{\"name\":\"main\"," #__VA_ARGS__ "}]}", server_port(server)) >= 0);   \
    start(find("main"));                                                                                         \
    WAIT_START(find("main"));

static void port_in_the_port_field(void)
{
    CHECK_URL(NULL, "url":"http://127.0.0.1","port":%d);
}

/* The name has an IPv6 address too, where the server does not listen. */
static void localhost_finds_the_server(void)
{
    CHECK_URL(NULL, "url":"http://localhost","port":%d);
}

static void port_zero_is_not_set(void)
{
    CHECK_URL(NULL, "url":"http://127.0.0.1:%d","port":0);
}

static void the_urls_port_wins(void)
{
    CHECK_URL(NULL, "url":"http://127.0.0.1:%d","port":1);
}

static void a_missing_scheme_means_http(void)
{
    CHECK_URL(NULL, "url":"127.0.0.1:%d");
}

static void ws_is_accepted(void)
{
    CHECK_URL(NULL, "url":"ws://127.0.0.1:%d");
}

static void the_default_path_in_the_url_is_the_engine_path(void)
{
    CHECK_URL(NULL, "url":"http://127.0.0.1:%d/socket.io");
}

static void another_path_in_the_url_is_the_engine_path(void)
{
    CHECK_URL(JSON({"path":"/realtime"}), "url":"http://127.0.0.1:%d/realtime/");
}

static void the_path_field_wins(void)
{
    CHECK_URL(JSON({"path":"/realtime"}), "url":"http://127.0.0.1:%d","path":"/realtime");
}

static void a_query_in_the_url_is_sent(void)
{
    CHECK_URL(NULL, "url":"http://127.0.0.1:%d/?room=7");
    CHECK_HAS(server_command(server, "handshakes"), JSON("room":"7"));
}

TEST_MAIN(
    CASE(auth_is_sent),
    CASE(without_auth_none_is_sent),
    CASE(headers_are_sent),
    CASE_ONCE(query_is_sent_and_escaped),
    CASE(secrets_may_be_references),
    CASE(a_reference_that_is_missing_is_an_error),
    CASE(references_to_what_is_no_file_are_errors),
    CASE(a_secret_that_is_no_text_stays_secret),
    CASE(auth_is_read_anew_with_each_connect),
    CASE(secrets_stay_out_of_log_and_events),
    CASE(a_secret_that_the_server_repeats_stays_secret),
    CASE(port_in_the_port_field),
    CASE(localhost_finds_the_server),
    CASE(port_zero_is_not_set),
    CASE(the_urls_port_wins),
    CASE(a_missing_scheme_means_http),
    CASE(ws_is_accepted),
    CASE(the_default_path_in_the_url_is_the_engine_path),
    CASE(another_path_in_the_url_is_the_engine_path),
    CASE(the_path_field_wins),
    CASE(a_query_in_the_url_is_sent))
