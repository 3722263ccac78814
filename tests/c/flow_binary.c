/* Bytes, anywhere in the arguments, both ways. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#define BYTES(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

/* The attachments of a Send or a Reply: the first `count` of a list. */
#define ATTACH(list, count) .attachments = (list), .attachment_count = (count)

/* What stands in JSON for an attachment. */
#define FIRST "{\"_placeholder\":true,\"num\":0}"
#define SECOND "{\"_placeholder\":true,\"num\":1}"
#define THIRD "{\"_placeholder\":true,\"num\":2}"

static server_t *server;
static socketio_connection_t client;

static void begin_listening(void)
{
    server = server_start(NULL);
    client = connected(server, NULL);
    subscribe(client, "e", NULL);
    WAIT_SUBSCRIBED(client, "e");
}

static void expect_arguments(const char *arguments)
{
    char expected[1024];
    snprintf(expected, sizeof expected, "got {\"nsp\":\"/\",\"event\":\"e\",\"args\":%s}", arguments);
    server_expect(server, expected);
}

/* 0, 1, ... 255, as server.js fills it. */
static const uint8_t *every_byte(void)
{
    static uint8_t bytes[256];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    return bytes;
}

/* ---- Send ---- */

static void binary_sends_the_message_as_it_is(void)
{
    begin_listening();
    SEND(client, .event = "e", .format = "Binary", .bytes = {(const uint8_t *)"\x00\xff\x1e", 3});
    expect_arguments(JSON([{"_bytes":"00ff1e"}]));
    SEND(client, .event = "e", .format = "Binary", .message = "text");
    expect_arguments(JSON([{"_bytes":"74657874"}]));
    SEND(client, .event = "e", .format = "Binary", .bytes = {(const uint8_t *)"", 0});
    expect_arguments(JSON([{"_bytes":""}]));
    /* Without a Message, the attachments are all there is. */
    SEND(client, .event = "e", .format = "Binary", .message = "");
    expect_arguments("[]");
}

static void every_byte_value_is_sent(void)
{
    begin_listening();
    SEND(client, .event = "e", .format = "Binary", .bytes = {every_byte(), 256});
    char hex[513];
    for (int i = 0; i < 256; i++) {
        sprintf(hex + i * 2, "%02x", (unsigned)i);
    }
    char arguments[600];
    snprintf(arguments, sizeof arguments, "[{\"_bytes\":\"%s\"}]", hex);
    expect_arguments(arguments);
}

static void attachments_take_their_places(void)
{
    static const socketio_bytes_t two[] = {BYTES("\x01"), BYTES("\x02\x03")};
    begin_listening();
    static const char nested[] = "{\"deep\":[{\"b\":" SECOND "}],\"a\":" FIRST "}";
    SEND(client, .event = "e", .format = "JSON", .message = nested, ATTACH(two, 2));
    expect_arguments(JSON([{"deep":[{"b":{"_bytes":"0203"}}],"a":{"_bytes":"01"}}]));
    SEND(client, .event = "e", .format = "Arguments", .message = "[" SECOND ",\"between\"," FIRST "]", ATTACH(two, 2));
    expect_arguments(JSON([{"_bytes":"0203"},"between",{"_bytes":"01"}]));
}

static void other_attachments_follow_as_arguments(void)
{
    static const socketio_bytes_t three[] = {BYTES("\x01"), {NULL, 0}, BYTES("\x03")};
    begin_listening();
    SEND(client, .event = "e", .message = "text", ATTACH(three, 3));
    expect_arguments(JSON(["text",{"_bytes":"01"},{"_bytes":""},{"_bytes":"03"}]));
    SEND(client, .event = "e", .format = "JSON", .message = "{\"b\":" SECOND "}", ATTACH(three, 3));
    expect_arguments(JSON([{"b":{"_bytes":""}},{"_bytes":"01"},{"_bytes":"03"}]));
    SEND(client, .event = "e", .format = "Arguments", .message = "[]", ATTACH(three, 1));
    expect_arguments(JSON([{"_bytes":"01"}]));
    SEND(client, .event = "e", .format = "Binary", .message = "m", ATTACH(three, 1));
    expect_arguments(JSON([{"_bytes":"6d"},{"_bytes":"01"}]));
}

static void a_placeholder_without_attachment_is_an_error(void)
{
    static const socketio_bytes_t one[] = {BYTES("\x01")};
    begin_listening();
    SEND(client, .event = "e", .format = "JSON", .message = SECOND, ATTACH(one, 1));
    CHECK_INT(WAIT_ERROR_CODE(client, "placeholder_invalid")->head.status, SOCKETIO_E_MESSAGE);
    barrier(client);
    CHECK(!server_has(server, "got "));
}

/* The server would close the connection for it. */
static void a_placeholder_without_a_number_is_an_error(void)
{
    static const socketio_bytes_t one[] = {BYTES("\x01")};
    static const char *const wrong[] = {
        JSON({"_placeholder":true}), JSON([{"_placeholder":true,"num":-1}]),
        JSON({"a":{"_placeholder":true,"num":0.5}}),
        JSON({"_placeholder":true,"num":"0"}), JSON({"_placeholder":true,"num":null}),
    };
    begin_listening();
    for (size_t i = 0; i < COUNT(wrong); i++) {
        uint64_t request =
            SEND(client, .event = "e", .format = "JSON", .message = wrong[i], .reply_timeout = 60, ATTACH(one, 1));
        CHECK_INT(WAIT_REPLY(request)->head.pulse, SEND_TIMEOUT_PULSE);
    }
    barrier(client);
    CHECK(!server_has(server, "got "));
    CHECK_INT(WAIT_ERROR(client)->head.status, SOCKETIO_E_MESSAGE);
    /* The same sentence for all, or one for each. */
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

/* However deep it stands: in its place and nowhere else, or not at all. */
static void deep_placeholders_are_found(void)
{
    enum { DEPTH = 200 };
    static const socketio_bytes_t one[] = {BYTES("\x01")};
    char message[DEPTH * 2 + sizeof FIRST];
    memset(message, '[', DEPTH);
    memcpy(message + DEPTH, FIRST, sizeof FIRST - 1);
    memset(message + DEPTH + sizeof FIRST - 1, ']', DEPTH);
    message[sizeof message - 1] = 0;
    begin_listening();
    SEND(client, .event = "e", .format = "JSON", .message = message, ATTACH(one, 1));
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
    int errors = TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR);
    CHECK_INT(errors + server_has(server, "got "), 1);
}

static void an_ack_may_hold_bytes_both_ways(void)
{
    static const socketio_bytes_t one[] = {BYTES("\xca\xfe")};
    begin_listening();
    uint64_t request = SEND(client, .event = "ack", .message = "x", .reply_timeout = 10, ATTACH(one, 1));
    const event_t *reply = WAIT_REPLY(request);
    CHECK_TEXT(text_of(reply, SEND_REPLY_ARGUMENTS), "[\"x\"," FIRST "]");
    socketio_bytes_list_t list = attachments_of(reply, SEND_REPLY_ATTACHMENTS);
    CHECK_INT(list.len, 1);
    CHECK(list.ptr[0].len == 2 && memcmp(list.ptr[0].ptr, "\xca\xfe", 2) == 0);

    server_command(server, "ask %s", JSON({"event":"e","args":[{"_bytes":"be"}]}));
    const event_t *asked = WAIT_RECEIVE(client, "e");
    CHECK_INT(attachments_of(asked, RECEIVE_ATTACHMENTS).len, 1);
    REPLY(client, int_of(asked, RECEIVE_REPLY_ID), .format = "JSON", .message = "{\"b\":" FIRST "}", ATTACH(one, 1));
    server_expect(server, "answer " JSON({"nsp":"/","event":"e","args":[{"b":{"_bytes":"cafe"}}]}));
}

static void megabytes_are_sent_and_received(void)
{
    server = server_start(JSON({"maxHttpBufferSize":20000000}));
    client = connected(server, NULL);
    subscribe(client, "echo", NULL);
    WAIT_SUBSCRIBED(client, "echo");
    enum { LEN = 5 * 1024 * 1024 };
    uint8_t *bytes = malloc(LEN);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < LEN; i++) {
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    }
    SEND(client, .event = "echo", .format = "Binary", .bytes = {bytes, LEN});
    socketio_bytes_list_t list = attachments_of(WAIT_RECEIVE(client, "echo"), RECEIVE_ATTACHMENTS);
    CHECK_INT(list.len, 1);
    CHECK_INT(list.ptr[0].len, LEN);
    CHECK(memcmp(list.ptr[0].ptr, bytes, LEN) == 0);
    free(bytes);
}

/* ---- Receive ---- */

static const event_t *received(const char *arguments, const char *message, const char *expected_arguments, size_t count)
{
    server_command(server, "emit {\"event\":\"e\",\"args\":%s}", arguments);
    const event_t *event = WAIT_RECEIVE(client, "e");
    CHECK_TEXT(text_of(event, RECEIVE_MESSAGE), message);
    CHECK_TEXT(text_of(event, RECEIVE_ARGUMENTS), expected_arguments);
    CHECK_INT(attachments_of(event, RECEIVE_ATTACHMENTS).len, count);
    return event;
}

static void check_attachment(const event_t *event, size_t index, const char *bytes, size_t len)
{
    const socketio_bytes_t attachment = attachments_of(event, RECEIVE_ATTACHMENTS).ptr[index];
    CHECK_INT(attachment.len, len);
    CHECK(len == 0 || memcmp(attachment.ptr, bytes, len) == 0);
}

static void bytes_are_received_anywhere(void)
{
    begin_listening();
    const event_t *event = received(JSON([{"_bytes":"01ff"}]), FIRST, "[" FIRST "]", 1);
    check_attachment(event, 0, "\x01\xff", 2);

    static const char several[] = "[\"text\"," FIRST ",[{\"deep\":" SECOND "}]," THIRD "]";
    event = received(JSON(["text",{"_bytes":"01"},[{"deep":{"_bytes":"02"}}],{"_bytes":"03"}]), several, several, 3);
    check_attachment(event, 0, "\x01", 1);
    check_attachment(event, 1, "\x02", 1);
    check_attachment(event, 2, "\x03", 1);
}

static void empty_bytes_are_received(void)
{
    begin_listening();
    static const char three[] = "[" FIRST "," SECOND "," THIRD "]";
    const event_t *event = received(JSON([{"_bytes":""},{"_bytes":"07"},{"_bytes":""}]), three, three, 3);
    check_attachment(event, 0, "", 0);
    check_attachment(event, 1, "\x07", 1);
    check_attachment(event, 2, "", 0);
}

/* Byte 0x1e separates packets in long-polling: it must not split anything here. */
static void every_byte_value_is_received(void)
{
    begin_listening();
    const event_t *event = received(JSON([{"_fill":256}]), FIRST, "[" FIRST "]", 1);
    check_attachment(event, 0, (const char *)every_byte(), 256);
}

/* A user's own data may look like a placeholder. In an event without bytes it is just data. */
static void data_that_looks_like_a_placeholder_is_data(void)
{
    begin_listening();
    received("[" FIRST "]", FIRST, "[" FIRST "]", 0);
}

static void many_attachments_are_bounded(void)
{
    server = server_start(NULL);
    client = connected(server, JSON("message_attachments":3,"reconnect_delay":0.05));
    subscribe(client, "e", NULL);
    WAIT_SUBSCRIBED(client, "e");
    server_command(server, "emit %s", JSON({"event":"e","args":[{"_bytes":"01"},{"_bytes":"02"},{"_bytes":"03"}]}));
    CHECK_INT(attachments_of(WAIT_RECEIVE(client, "e"), RECEIVE_ATTACHMENTS).len, 3);
    server_command(server, "raw %s", "{\"parts\":[\"54-[\\\"e\\\"]\"]}");
    WAIT_STOP(client);
    CHECK_HAS(text_of(WAIT_ERROR(client), ERROR_MESSAGE), "3");
    WAIT_START(client);
}

/* Events without bytes must not overtake, or be mixed into, one with bytes. */
static void events_with_and_without_bytes_keep_their_order(void)
{
    begin_listening();
    for (int i = 0; i < 50; i++) {
        server_command(server, "emit {\"event\":\"e\",\"args\":[%d]}", i * 2);
        server_command(server, "emit {\"event\":\"e\",\"args\":[%d,{\"_bytes\":\"%02x\"}]}", i * 2 + 1, (unsigned)i);
    }
    for (int i = 0; i < 50; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "[%d]", i * 2);
        CHECK_TEXT(text_of(WAIT_RECEIVE(client, "e"), RECEIVE_ARGUMENTS), expected);
        snprintf(expected, sizeof expected, "[%d," FIRST "]", i * 2 + 1);
        const event_t *event = WAIT_RECEIVE(client, "e");
        CHECK_TEXT(text_of(event, RECEIVE_ARGUMENTS), expected);
        const char byte = (char)i;
        check_attachment(event, 0, &byte, 1);
    }
}

TEST_MAIN(
    CASE(binary_sends_the_message_as_it_is),
    CASE(every_byte_value_is_sent),
    CASE(attachments_take_their_places),
    CASE(other_attachments_follow_as_arguments),
    CASE(a_placeholder_without_attachment_is_an_error),
    CASE(a_placeholder_without_a_number_is_an_error),
    CASE(deep_placeholders_are_found),
    CASE(an_ack_may_hold_bytes_both_ways),
    CASE(megabytes_are_sent_and_received),
    CASE(bytes_are_received_anywhere),
    CASE(empty_bytes_are_received),
    CASE(every_byte_value_is_received),
    CASE(data_that_looks_like_a_placeholder_is_data),
    CASE(many_attachments_are_bounded),
    CASE(events_with_and_without_bytes_keep_their_order))
