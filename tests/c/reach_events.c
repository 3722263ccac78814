/* What events carry, both ways, against every server: text, JSON, numbers, bytes, much of it, in order, with answers. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#define BYTES(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }
#define FIRST "{\"_placeholder\":true,\"num\":0}"
#define SECOND "{\"_placeholder\":true,\"num\":1}"
#define THIRD "{\"_placeholder\":true,\"num\":2}"

/* More than 100 KB, and in base64 still less than a server takes at once. */
#define LARGE 200000

static server_t *server;
static socketio_connection_t client;

static void connect_and_listen(const char *event)
{
    server = variant_start(NULL);
    begin();
    client = variant_configure(NULL);
    subscribe(client, event, NULL);
    CHECK_STATUS(start(client), SOCKETIO_OK);
    WAIT_START(client);
    WAIT_SUBSCRIBED(client, event);
}

/* `seen` is what the server reports as arguments. */
static void check_echo(const char *format, const char *message, const char *seen)
{
    SEND(client, .event = "echo", .format = format, .message = message);
    char expected[512];
    snprintf(expected, sizeof expected, "got {\"nsp\":\"/\",\"event\":\"echo\",\"args\":%s}", seen);
    server_expect(server, expected);
    CHECK_TEXT(text_of(WAIT_RECEIVE(client, "echo"), RECEIVE_MESSAGE), message);
}

static void text(void)
{
    connect_and_listen("echo");
    check_echo("Text", "hello", JSON(["hello"]));
    check_echo("Text", "", JSON([""]));
    check_echo("Text", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x1e b",
               "[\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\u001e b\"]");
}

static void json(void)
{
    connect_and_listen("echo");
    check_echo("JSON", JSON({"z":[1,-2.5,null,true],"a":{"deep":[[],{}]}}),
               JSON([{"z":[1,-2.5,null,true],"a":{"deep":[[],{}]}}]));
    check_echo("Arguments", JSON(["a",2,[3]]), JSON(["a",2,[3]]));
    SEND(client, .event = "echo", .format = "Arguments", .message = "[]");
    CHECK_TEXT(text_of(WAIT_RECEIVE(client, "echo"), RECEIVE_ARGUMENTS), "[]");
}

static void numbers_beyond_2_to_the_53(void)
{
    connect_and_listen("large");
    SEND(client, .event = "exact", .format = "JSON", .message = "9007199254740993");
    server_expect(server, "exact 9007199254740993");
    server_command(server, "emit_exact %s", JSON({"event":"large","json":"[9007199254740993,-9007199254740995]"}));
    CHECK_TEXT(text_of(WAIT_RECEIVE(client, "large"), RECEIVE_MESSAGE), "[9007199254740993,-9007199254740995]");
}

static void several_attachments(void)
{
    /* 0x1e separates packets where they travel together. */
    static const socketio_bytes_t three[] = {BYTES("\x1e"), BYTES("\x00\x1e\xff"), BYTES("b4\x1e" "2[]")};
    static const char arguments[] = "[{\"b\":" FIRST "},\"t\"," SECOND "," THIRD "]";
    connect_and_listen("echo");
    SEND(client, .event = "echo", .format = "Arguments", .message = arguments, .attachments = three,
         .attachment_count = COUNT(three));
    server_expect(server, "got {\"nsp\":\"/\",\"event\":\"echo\",\"args\":"
                          JSON([{"b":{"_bytes":"1e"}},"t",{"_bytes":"001eff"},{"_bytes":"62341e325b5d"}]) "}");
    const event_t *event = WAIT_RECEIVE(client, "echo");
    CHECK_TEXT(text_of(event, RECEIVE_ARGUMENTS), arguments);
    socketio_bytes_list_t list = attachments_of(event, RECEIVE_ATTACHMENTS);
    CHECK_INT(list.len, COUNT(three));
    for (size_t i = 0; i < COUNT(three); i++) {
        CHECK(list.ptr[i].len == three[i].len && memcmp(list.ptr[i].ptr, three[i].ptr, three[i].len) == 0);
    }
}

static void large_text(void)
{
    static char large[LARGE + 1];
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = (char)(' ' + i % 90);
    }
    connect_and_listen("echo");
    SEND(client, .event = "echo", .message = large);
    char expected[160];
    snprintf(expected, sizeof expected, "got " JSON({"nsp":"/","event":"echo","args":[{"_text":%d,"_checksum":%u}]}),
             LARGE, (unsigned)checksum(large, LARGE));
    server_expect(server, expected);
    CHECK(strcmp(text_of(WAIT_RECEIVE(client, "echo"), RECEIVE_MESSAGE), large) == 0);
}

static void large_binary(void)
{
    static uint8_t large[LARGE];
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = (uint8_t)(i * 7);
    }
    connect_and_listen("echo");
    SEND(client, .event = "echo", .format = "Binary", .bytes = {large, LARGE});
    char expected[160];
    snprintf(expected, sizeof expected, "got " JSON({"nsp":"/","event":"echo","args":[{"_bytes":%d,"_checksum":%u}]}),
             LARGE, (unsigned)checksum(large, LARGE));
    server_expect(server, expected);
    socketio_bytes_list_t list = attachments_of(WAIT_RECEIVE(client, "echo"), RECEIVE_ATTACHMENTS);
    CHECK_INT(list.len, 1);
    CHECK(list.ptr[0].len == LARGE && memcmp(list.ptr[0].ptr, large, LARGE) == 0);
}

static void the_server_answers(void)
{
    static const socketio_bytes_t one[] = {BYTES("\x1e\x00")};
    connect_and_listen("e");
    uint64_t request = SEND(client, .event = "ack", .format = "Arguments", .message = "[\"yes\"," FIRST "]",
                            .attachments = one, .attachment_count = 1, .reply_timeout = 10);
    server_wait(server, "got {\"nsp\":\"/\",\"event\":\"ack\",\"args\":[\"yes\",{\"_bytes\":\"1e00\"}]");
    const event_t *event = WAIT_REPLY(request);
    CHECK_INT(event->head.pulse, SEND_REPLY_PULSE);
    CHECK_TEXT(text_of(event, SEND_REPLY_ARGUMENTS), "[\"yes\"," FIRST "]");
    socketio_bytes_list_t list = attachments_of(event, SEND_REPLY_ATTACHMENTS);
    CHECK(list.len == 1 && list.ptr[0].len == 2 && memcmp(list.ptr[0].ptr, "\x1e", 2) == 0);
}

static void the_server_is_answered(void)
{
    static const socketio_bytes_t one[] = {BYTES("\x1e\x00")};
    connect_and_listen("question");
    server_command(server, "ask %s", JSON({"event":"question","args":["how are you?",{"_bytes":"001e"}]}));
    const event_t *event = WAIT_RECEIVE(client, "question");
    CHECK_TEXT(text_of(event, RECEIVE_ARGUMENTS), "[\"how are you?\"," FIRST "]");
    REPLY(client, int_of(event, RECEIVE_REPLY_ID), .format = "Arguments", .message = "[\"fine\"," FIRST "]",
          .attachments = one, .attachment_count = 1);
    server_expect(server, "answer " JSON({"nsp":"/","event":"question","args":["fine",{"_bytes":"1e00"}]}));
}

static void two_namespaces(void)
{
    connect_and_listen("news");
    subscribe(client, "news", "/chat");
    WAIT_SUBSCRIBED(client, "news");
    SEND(client, .event = "e", .message = "here");
    SEND(client, .event = "e", .nsp = "/chat", .message = "there");
    server_expect(server, "got " JSON({"nsp":"/","event":"e","args":["here"]}));
    server_expect(server, "got " JSON({"nsp":"/chat","event":"e","args":["there"]}));
    server_command(server, "emit %s", JSON({"nsp":"/chat","event":"news","args":["for chat"]}));
    server_command(server, "emit %s", JSON({"event":"news","args":["for all"]}));
    CHECK_TEXT(text_of(WAIT(.node_type = SOCKETIO_NODE_ON_RECEIVE, .nsp = "/"), RECEIVE_MESSAGE), "for all");
    CHECK_TEXT(text_of(WAIT(.node_type = SOCKETIO_NODE_ON_RECEIVE, .nsp = "/chat"), RECEIVE_MESSAGE), "for chat");
}

static void a_refused_namespace(void)
{
    connect_and_listen("e");
    SEND(client, .event = "e", .nsp = "/admin", .message = "x");
    const event_t *event = WAIT_ERROR(client);
    CHECK_TEXT(text_of(event, ERROR_NAMESPACE), "/admin");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "invalid token");
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR);
    barrier(client);
}

/* Both ways at once, from the first moment on: on Automatic, the upgrade comes in between. */
static void a_thousand_messages_in_order(void)
{
    server = variant_start(NULL);
    begin();
    client = variant_configure(NULL);
    subscribe(client, "count", NULL);
    CHECK_STATUS(start(client), SOCKETIO_OK);
    server_wait(server, "connected ");
    for (int i = 0; i < 1000; i++) {
        char arguments[32];
        snprintf(arguments, sizeof arguments, "[\"k\",%d]", i);
        SEND(client, .event = "numbered", .format = "Arguments", .message = arguments);
        if (i % 100 == 0) {
            server_command(server, "flood %s", JSON({"event":"count","count":100}));
        }
    }
    WAIT_START(client);
    for (int i = 0; i < 1000; i++) {
        char expected[8];
        snprintf(expected, sizeof expected, "%d", i % 100);
        CHECK_TEXT(text_of(WAIT_RECEIVE(client, "count"), RECEIVE_MESSAGE), expected);
    }
    barrier(client);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"k":{"count":1000,"ordered":true}}));
}

TEST_MAIN(
    CASE(text),
    CASE(json),
    CASE(numbers_beyond_2_to_the_53),
    CASE(several_attachments),
    CASE(large_text),
    CASE(large_binary),
    CASE(the_server_answers),
    CASE(the_server_is_answered),
    CASE(two_namespaces),
    CASE(a_refused_namespace),
    CASE(a_thousand_messages_in_order))
