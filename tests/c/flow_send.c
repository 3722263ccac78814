/* What a Send arrives as. The server reports events as JSON, and packets as they stood on the wire. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

static server_t *server;
static socketio_connection_t client;

static void begin_connected(void)
{
    server = server_start(NULL);
    client = connected(server, NULL);
}

static void check_arrives(const char *format, const char *message, const char *arguments)
{
    char expected[1024];
    snprintf(expected, sizeof expected, "got {\"nsp\":\"/\",\"event\":\"e\",\"args\":%s}", arguments);
    SEND(client, .event = "e", .format = format, .message = message);
    server_expect(server, expected);
}

static void text_is_one_string(void)
{
    begin_connected();
    check_arrives(NULL, "hello", JSON(["hello"]));
    check_arrives("Text", "", JSON([""]));
    check_arrives("Text", "42", JSON(["42"]));
    check_arrives("Text", "{\"a\":1}", "[\"{\\\"a\\\":1}\"]");
    check_arrives("Text", "tab\t, line\n", "[\"tab\\t, line\\n\"]");
    check_arrives("Text", "\"quotes\", back\\slash", "[\"\\\"quotes\\\", back\\\\slash\"]");
    check_arrives("Text", "Größe, 日本, 🚀", JSON(["Größe, 日本, 🚀"]));
    check_arrives("Text", "{\"_placeholder\":true,\"num\":0}", "[\"{\\\"_placeholder\\\":true,\\\"num\\\":0}\"]");
}

static void json_is_one_value(void)
{
    begin_connected();
    static const char *const values[] = {
        "null", "true", "false", "0", "-1.5", "\"text\"", "[]", "{}", JSON([1,[2,[3]],{"a":[null]}]),
        JSON({"name":"Größe","list":[1,2,3],"deep":{"er":{"still":true}}}),
    };
    for (size_t i = 0; i < COUNT(values); i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "[%s]", values[i]);
        check_arrives("JSON", values[i], expected);
    }
    check_arrives("JSON", " { \"a\" :\n 1 } ", JSON([{"a":1}]));
}

static void arguments_are_several_values(void)
{
    begin_connected();
    check_arrives("Arguments", "[]", "[]");
    check_arrives("Arguments", JSON(["one"]), JSON(["one"]));
    check_arrives("Arguments", JSON([1,"two",{"three":3},[4],null,true]), JSON([1,"two",{"three":3},[4],null,true]));
}

/* JavaScript would round them: the packet tells. */
static void numbers_are_sent_as_they_were_written(void)
{
    begin_connected();
    server_command(server, "packets %s", JSON({"on":true}));
    SEND(client, .event = "e", .format = "JSON", .message = "9007199254740993");
    server_expect(server, "packet \"2[\\\"e\\\",9007199254740993]\"");
    SEND(client, .event = "e", .format = "JSON", .message = "[123456789012345678901234567890,1.0,1E2,1e400]");
    server_expect(server, "packet \"2[\\\"e\\\",[123456789012345678901234567890,1.0,1E2,1e400]]\"");
    SEND(client, .event = "e", .format = "Arguments", .message = "[18446744073709551616,-0.0]");
    server_expect(server, "packet \"2[\\\"e\\\",18446744073709551616,-0.0]\"");
}

static void the_order_of_keys_is_kept(void)
{
    begin_connected();
    server_command(server, "packets %s", JSON({"on":true}));
    SEND(client, .event = "e", .format = "JSON", .message = JSON({"z":1,"a":2,"m":3}));
    server_expect(server, "packet \"2[\\\"e\\\",{\\\"z\\\":1,\\\"a\\\":2,\\\"m\\\":3}]\"");
}

static void event_names_are_any_text(void)
{
    static const char *const names[] = {
        "message", "open", "close", "error", "ping", "pong", "data", "packet", "*", "a b", "a/b", "0", "2[", "größe",
        "🚀", "__proto__", "constructor", "a,b", "[1]", "-",
    };
    begin_connected();
    for (size_t i = 0; i < COUNT(names); i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "got {\"nsp\":\"/\",\"event\":\"%s\",\"args\":[\"x\"]}", names[i]);
        SEND(client, .event = names[i], .message = "x");
        server_expect(server, expected);
    }
    SEND(client, .event = "with \"quotes\" and \\ and \n", .message = "x");
    server_expect(server, "got {\"nsp\":\"/\",\"event\":\"with \\\"quotes\\\" and \\\\ and \\n\",\"args\":[\"x\"]}");
}

/* Text may hold NUL, and need not end with one. */
static void text_has_a_length(void)
{
    begin_connected();
    socketio_value_t inputs[] = {{0}, value_text("event-and-more"), value_text("/"), value_text("a\0b, not this")};
    inputs[1].as.string.len = 5;
    inputs[3].type = SOCKETIO_TYPE_STRING;
    inputs[3].as.string.len = 3;
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
    server_expect(server, "got {\"nsp\":\"/\",\"event\":\"event\",\"args\":[\"a\\u0000b\"]}");
}

/* What is not given has the descriptor's default. */
static void values_that_are_missing_have_defaults(void)
{
    begin_connected();
    const socketio_value_t inputs[] = {{0}, value_text("bare")};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
    server_expect(server, "got " JSON({"nsp":"/","event":"bare","args":[""]}));
}

static void choices_may_be_given_by_index(void)
{
    begin_connected();
    const socketio_value_t attributes[] = {{0}, value_int(1), value_int(0), value_int(0)};
    const socketio_value_t inputs[] = {{0}, value_text("e"), {0}, value_text("[1]")};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.attributes = attributes;
    call.attribute_count = COUNT(attributes);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
    server_expect(server, "got " JSON({"nsp":"/","event":"e","args":[[1]]}));
}

static void big_text_arrives_whole(void)
{
    begin_connected();
    enum { LEN = 900 * 1024 };
    char *text = malloc(LEN + 1);
    CHECK(text != NULL);
    for (int i = 0; i < LEN; i++) {
        text[i] = (char)('a' + i % 26);
    }
    text[LEN] = 0;
    SEND(client, .event = "e", .message = text);
    char expected[128];
    snprintf(expected, sizeof expected, "got " JSON({"nsp":"/","event":"e","args":[{"_text":%d,"_checksum":%u}]}), LEN,
             (unsigned)checksum(text, LEN));
    server_expect(server, expected);
    free(text);
}

/* ---- What can't be sent ---- */

/* The Send is refused at once or by an On Error, nothing leaves, and the connection lives on. */
static void check_refused(const send_t *message, const char *code, const char *part)
{
    send_message(__FILE__, __LINE__, client, message);
    const event_t *event = WAIT_ERROR(client);
    CHECK_TEXT(text_of(event, ERROR_CODE), code);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), part);
    CHECK(!bool_of(event, ERROR_FATAL));
    CHECK_INT(event->head.status, SOCKETIO_E_MESSAGE);
    barrier(client);
    CHECK(!server_has(server, "got "));
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void bad_json_is_an_error_with_its_place(void)
{
    begin_connected();
    check_refused(&(send_t){.event = "e", .format = "JSON", .message = "{\n  \"a\": nonsense\n}"}, "json_invalid",
                  "line 2 column");
    check_refused(&(send_t){.event = "other", .format = "JSON", .message = ""}, "json_invalid", "other");
    check_refused(&(send_t){.event = "third", .format = "JSON", .message = "1 2"}, "json_invalid", "line 1 column 3");
}

static void arguments_that_are_no_array_are_an_error(void)
{
    begin_connected();
    check_refused(&(send_t){.event = "e", .format = "Arguments", .message = "{\"a\":1}"}, "json_invalid", "array");
}

static void reserved_event_names_are_an_error(void)
{
    static const char *const names[] = {
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    };
    begin_connected();
    for (size_t i = 0; i < COUNT(names); i++) {
        check_refused(&(send_t){.event = names[i], .message = "x"}, "reserved_event", names[i]);
    }
}

/* The default limit of the server is 1 MB, which it tells in its handshake: over it, it would cut the connection. */
static void a_message_over_the_servers_limit_is_an_error(void)
{
    begin_connected();
    enum { LEN = 1100 * 1000 };
    char *text = malloc(LEN + 1);
    CHECK(text != NULL);
    memset(text, 'x', LEN);
    text[LEN] = 0;
    check_refused(&(send_t){.event = "too big", .message = text}, "payload_too_big", "too big");
    const socketio_bytes_t one = {(const uint8_t *)text, LEN};
    check_refused(&(send_t){.event = "as big", .message = "x", .attachments = &one, .attachment_count = 1},
                  "payload_too_big", "as big");
    free(text);
}

static void ten_thousand_arrive_in_order(void)
{
    begin_connected();
    for (int i = 0; i < 10000; i++) {
        char arguments[32];
        snprintf(arguments, sizeof arguments, "[\"k\",%d]", i);
        SEND(client, .event = "numbered", .format = "Arguments", .message = arguments);
    }
    /* The queue has 10,000 places. */
    AWAIT(state_of(client).queued < 10000);
    barrier(client);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"k":{"count":10000,"ordered":true}}));
}

TEST_MAIN(
    CASE(text_is_one_string),
    CASE(json_is_one_value),
    CASE(arguments_are_several_values),
    CASE(numbers_are_sent_as_they_were_written),
    CASE(the_order_of_keys_is_kept),
    CASE(event_names_are_any_text),
    CASE(text_has_a_length),
    CASE(values_that_are_missing_have_defaults),
    CASE(choices_may_be_given_by_index),
    CASE(big_text_arrives_whole),
    CASE(bad_json_is_an_error_with_its_place),
    CASE(arguments_that_are_no_array_are_an_error),
    CASE(reserved_event_names_are_an_error),
    CASE(a_message_over_the_servers_limit_is_an_error),
    CASE(ten_thousand_arrive_in_order))
