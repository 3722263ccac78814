/* The server says no: it is not asked again and again, and it is asked at once when there is something new to say. */

#include "harness.h"

/* A server whose default namespace wants the token "secret". */
#define LOCKED JSON({"locked":"/"})
#define TOKEN(text) "\"auth\":{\"token\":\"" text "\"}," QUICK_RETRY
/* How long a reference that changed may take to be noticed. */
#define NOTICED_MS 6000

static server_t *server;
static socketio_connection_t client;
static const char *token_file;

static void write_token(const char *token)
{
    char line[64];
    int len = snprintf(line, sizeof line, "%s\n", token);
    file_write(token_file, line, (size_t)len);
}

/* The fields of a connection whose token lies in a file; `format` has a place for its path. */
static const char *token_from_file(const char *format, const char *token)
{
    static char fields[1024];
    token_file = temporary_path("token");
    write_token(token);
    int len = snprintf(fields, sizeof fields, format, token_file);
    snprintf(fields + len, sizeof fields - (size_t)len, ",%s", QUICK_RETRY);
    return fields;
}

static const event_t *check_refused(void)
{
    const event_t *event = WAIT_ERROR_CODE(client, "ns_rejected");
    CHECK_INT(event->head.status, SOCKETIO_E_REFUSED);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "namespace /: \"invalid token\"");
    CHECK_HAS(text_of(event, ERROR_REMEDY), "Auth");
    return event;
}

static void start_refused(const char *extra)
{
    server = server_start(LOCKED);
    begin();
    client = configure(server_port(server), extra);
    CHECK_STATUS(start(client), SOCKETIO_OK);
    const event_t *event = check_refused();
    CHECK(!bool_of(event, ERROR_FATAL));
    CHECK(number_of(event, ERROR_WILL_RETRY_IN) >= 60);
    server_wait(server, "transport ");
}

static void a_wrong_token_is_not_hammered(void)
{
    start_refused(TOKEN("wrong"));
    AWAIT(strcmp(state_of(client).state, "Waiting") == 0);
    /* Six times the usual wait. */
    listen_for(300);
    server_command(server, "sockets");
    CHECK(!server_has(server, "transport "));
    CHECK_NONE(.node_type = 0);
}

static void another_token_in_the_settings_is_tried_at_once(void)
{
    start_refused(TOKEN("wrong"));
    settings_add("main", server_port(server), TOKEN("secret"));
    settings_apply();
    CHECK(!bool_of(WAIT_START(client), START_IS_RECONNECT));
    barrier(client);
}

static void settings_that_do_not_matter_do_not_ask_again(void)
{
    start_refused(TOKEN("wrong"));
    settings_add("main", server_port(server), TOKEN("wrong") "," JSON("queue_messages":7));
    settings_apply();
    listen_for(300);
    server_command(server, "sockets");
    CHECK(!server_has(server, "transport "));
}

static void a_token_file_that_changes_is_tried_by_itself(void)
{
    start_refused(token_from_file(JSON("auth":{"token":"file:%s"}), "wrong"));
    write_token("secret");
    int64_t began = now_ms();
    WAIT_START(client);
    CHECK(now_ms() - began < NOTICED_MS);
    CHECK(strstr(host_log(), "secret") == NULL);
}

/* When the connection comes back, the token is no longer valid; a script renews the file. */
static void a_token_that_expires_between_two_connections_heals(void)
{
    server = server_start(LOCKED);
    client = connected(server, token_from_file(JSON("auth":{"token":"file:%s"}), "secret"));
    server_command(server, "token %s", JSON({"is":"renewed"}));
    server_command(server, "cut");
    wait_lost(client);
    check_refused();
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
    write_token("renewed");
    CHECK(bool_of(WAIT_START(client), START_IS_RECONNECT));
    barrier(client);
}

/* The same for what an HTTP server refuses. */
static void a_token_file_of_a_header_is_tried_by_itself(void)
{
    server = server_start(JSON({"mode":"answers","answers":[
        {"parts":["HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n"]},
        {"parts":["HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"]}]}));
    begin();
    client = configure(server_port(server), token_from_file(JSON("headers":{"X-Token":"file:%s"}), "token-one"));
    start(client);
    CHECK(number_of(WAIT_ERROR_CODE(client, "http_forbidden"), ERROR_WILL_RETRY_IN) >= 60);
    CHECK_HAS(server_wait(server, "request "), "oken: token-one\"");
    write_token("token-two");
    CHECK_HAS(server_wait(server, "request "), "oken: token-two\"");
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "http_forbidden"), ERROR_MESSAGE), "HTTP 403");
    CHECK(strstr(host_log(), "token-one") == NULL && strstr(host_log(), "token-two") == NULL);
}

static void a_variable_is_read_again_at_start(void)
{
    set_environment("SOCKETIO_TEST_TOKEN", "wrong");
    start_refused(TOKEN("env:SOCKETIO_TEST_TOKEN"));
    stop(client);
    WAIT_STOP(client);
    disable();
    set_environment("SOCKETIO_TEST_TOKEN", "secret");
    enable();
    client = configure(server_port(server), TOKEN("env:SOCKETIO_TEST_TOKEN"));
    start(client);
    WAIT_START(client);
}

static void start_asks_again_at_once(void)
{
    start_refused(TOKEN("wrong"));
    server_command(server, "token %s", JSON({"is":"wrong"}));
    start(client);
    WAIT_START(client);
    CHECK_TEXT(state_of(client).state, "Connected");
}

static void start_against_the_same_refusal_does_not_repeat_it(void)
{
    start_refused(TOKEN("wrong"));
    for (int i = 0; i < 5; i++) {
        start(client);
        server_wait(server, "transport ");
        AWAIT(strcmp(state_of(client).state, "Waiting") == 0);
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
}

static void without_automatic_reconnect_it_ends_the_session(void)
{
    server = server_start(LOCKED);
    begin();
    client = configure(server_port(server), JSON("auth":{"token":"wrong"},"automatic_reconnect":false));
    start(client);
    const event_t *event = check_refused();
    CHECK(bool_of(event, ERROR_FATAL));
    CHECK(number_of(event, ERROR_WILL_RETRY_IN) == 0);
    CHECK(!bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    CHECK_TEXT(state_of(client).state, "Stopped");
}

static void stop_while_it_waits_is_final(void)
{
    start_refused(token_from_file(JSON("auth":{"token":"file:%s"}), "wrong"));
    stop(client);
    CHECK(!bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    write_token("secret");
    CHECK_TEXT(state_of(client).state, "Stopped");
    /* Longer than a changed file takes to be noticed. */
    listen_for(2200);
    CHECK_NONE(.node_type = 0);
    server_command(server, "sockets");
    CHECK(!server_has(server, "transport "));
}

static void what_was_sent_meanwhile_arrives_afterwards(void)
{
    start_refused(TOKEN("wrong"));
    for (int i = 0; i < 100; i++) {
        char message[32];
        snprintf(message, sizeof message, JSON(["a",%d]), i);
        SEND(client, .event = "numbered", .format = "Arguments", .message = message);
    }
    uint64_t question = SEND(client, .event = "ack", .message = "still there?", .reply_timeout = 30);
    CHECK_INT(state_of(client).queued, 101);
    server_command(server, "token %s", JSON({"is":"wrong"}));
    start(client);
    WAIT_START(client);
    CHECK_TEXT(text_of(WAIT_REPLY(question), SEND_REPLY), "still there?");
    CHECK_TEXT(server_command(server, "numbers"), JSON({"a":{"count":100,"ordered":true}}));
}

/* One that is refused must not hold up the others. */
static void another_connection_is_not_held_up(void)
{
    server = server_start(LOCKED);
    begin();
    settings_add("main", server_port(server), TOKEN("wrong"));
    settings_add("good", server_port(server), TOKEN("secret"));
    settings_apply();
    client = find("main");
    start(client);
    start(find("good"));
    check_refused();
    WAIT_START(find("good"));
    barrier(find("good"));
}

TEST_MAIN(
    CASE(a_wrong_token_is_not_hammered),
    CASE(another_token_in_the_settings_is_tried_at_once),
    CASE(settings_that_do_not_matter_do_not_ask_again),
    CASE(a_token_file_that_changes_is_tried_by_itself),
    CASE(a_token_that_expires_between_two_connections_heals),
    CASE(a_token_file_of_a_header_is_tried_by_itself),
    CASE(a_variable_is_read_again_at_start),
    CASE(start_asks_again_at_once),
    CASE(start_against_the_same_refusal_does_not_repeat_it),
    CASE(without_automatic_reconnect_it_ends_the_session),
    CASE(stop_while_it_waits_is_final),
    CASE(what_was_sent_meanwhile_arrives_afterwards),
    CASE(another_connection_is_not_held_up))
