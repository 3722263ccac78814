/* What a server's event fires as. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

static server_t *server;
static socketio_connection_t client;

/* Connected and listening to "e". */
static void begin_with(const char *extra)
{
    server = server_start(NULL);
    client = connected(server, extra);
    subscribe(client, "e", NULL);
    WAIT_SUBSCRIBED(client, "e");
}

static void begin_listening(void)
{
    begin_with(NULL);
}

static void check_received(const char *message, const char *arguments)
{
    const event_t *event = WAIT_RECEIVE(client, "e");
    CHECK_TEXT(text_of(event, RECEIVE_NAMESPACE), "/");
    CHECK_TEXT(text_of(event, RECEIVE_MESSAGE), message);
    CHECK_TEXT(text_of(event, RECEIVE_ARGUMENTS), arguments);
    CHECK_INT(attachments_of(event, RECEIVE_ATTACHMENTS).len, 0);
    CHECK_INT(int_of(event, RECEIVE_REPLY_ID), 0);
    CHECK_INT(event->head.node, 0);
}

/* Emits these arguments and checks the Message; Arguments is the array itself. */
static void check_emitted(const char *arguments, const char *message)
{
    server_command(server, "emit {\"event\":\"e\",\"args\":%s}", arguments);
    check_received(message, arguments);
}

static void one_string_is_that_string(void)
{
    begin_listening();
    check_emitted(JSON(["hello"]), "hello");
    check_emitted(JSON([""]), "");
    check_emitted("[\"\\\"quoted\\\", \\\\, line\\n\"]", "\"quoted\", \\, line\n");
    check_emitted(JSON(["Größe, 日本, 🚀"]), "Größe, 日本, 🚀");
    check_emitted("[\"[1,2]\"]", "[1,2]");
}

static void one_value_is_its_json(void)
{
    begin_listening();
    check_emitted("[null]", "null");
    check_emitted("[true]", "true");
    check_emitted("[false]", "false");
    check_emitted("[0]", "0");
    check_emitted("[-1.5]", "-1.5");
    check_emitted("[[]]", "[]");
    check_emitted("[{}]", "{}");
    check_emitted(JSON([[1,[2,[3]],"x"]]), JSON([1,[2,[3]],"x"]));
    check_emitted(JSON([{"z":1,"a":{"b":[null,true]}}]), JSON({"z":1,"a":{"b":[null,true]}}));
}

static void several_values_are_an_array(void)
{
    begin_listening();
    check_emitted(JSON(["a","b"]), JSON(["a","b"]));
    check_emitted(JSON([1,null,{"x":[]},"y"]), JSON([1,null,{"x":[]},"y"]));
    check_emitted("[[1],[2]]", "[[1],[2]]");
}

static void no_arguments_are_the_empty_text(void)
{
    begin_listening();
    check_emitted("[]", "");
}

static void check_raw(const char *packet, const char *message, const char *arguments)
{
    server_command(server, "raw {\"parts\":[\"%s\"]}", packet);
    check_received(message, arguments);
}

/* Not one digit, no order and no escape is changed on the way. */
static void json_comes_exactly_as_it_was_sent(void)
{
    begin_listening();
    check_raw("2[\\\"e\\\",9007199254740993]", "9007199254740993", "[9007199254740993]");
    check_raw("2[\\\"e\\\",12345678901234567890123]", "12345678901234567890123", "[12345678901234567890123]");
    check_raw("2[\\\"e\\\",1.0]", "1.0", "[1.0]");
    check_raw("2[\\\"e\\\",-0.0,1E2,1e400]", "[-0.0,1E2,1e400]", "[-0.0,1E2,1e400]");
    check_raw("2[\\\"e\\\",{\\\"a\\\":1,\\\"a\\\":2}]", "{\"a\":1,\"a\":2}", "[{\"a\":1,\"a\":2}]");
    check_raw("2[\\\"e\\\",\\\"\\\\u00e9\\\\/\\\"]", "é/", "[\"\\u00e9\\/\"]");
    check_raw("2[\\\"e\\\",[\\\"\\\\ud83d\\\\ude80\\\"]]", "[\"\\ud83d\\ude80\"]", "[[\"\\ud83d\\ude80\"]]");
}

/* NUL has no place in a C string, but in one with a length. */
static void text_may_hold_nul(void)
{
    begin_listening();
    server_command(server, "emit %s", "{\"event\":\"e\",\"args\":[\"a\\u0000b\"]}");
    const event_t *event = WAIT_RECEIVE(client, "e");
    CHECK_INT(event->outputs[RECEIVE_MESSAGE].as.string.len, 3);
    CHECK(memcmp(event->outputs[RECEIVE_MESSAGE].as.string.ptr, "a\0b", 3) == 0);
}

/* A lone surrogate is legal JSON and no legal UTF-8. Whatever comes of it, it is UTF-8 and the connection lives. */
static void a_lone_surrogate_is_survived(void)
{
    begin_listening();
    server_command(server, "raw %s", "{\"parts\":[\"2[\\\"e\\\",\\\"\\\\ud800\\\"]\"]}");
    WAIT_RECEIVE(client, "e");
    check_emitted(JSON(["after"]), "after");
}

static void event_names_are_any_text(void)
{
    static const char *const names[] = {
        "", "message", "open", "close", "error", "ping", "data", "größe", "🚀", "a b", "/", "0", "__proto__", "On Start",
    };
    begin_listening();
    for (size_t i = 0; i < COUNT(names); i++) {
        if (names[i][0] != 0) {
            subscribe(client, names[i], NULL);
            WAIT_SUBSCRIBED(client, names[i]);
        }
    }
    subscribe(client, "*", NULL);
    WAIT_SUBSCRIBED(client, "*");
    for (size_t i = 0; i < COUNT(names); i++) {
        server_command(server, "emit {\"event\":\"%s\",\"args\":[%d]}", names[i], (int)i);
        char number[16];
        snprintf(number, sizeof number, "%d", (int)i);
        CHECK_TEXT(text_of(WAIT_RECEIVE(client, names[i]), RECEIVE_MESSAGE), number);
    }
}

static void names_with_quotes_are_unescaped(void)
{
    begin_listening();
    subscribe(client, "say \"hi\"\n", NULL);
    WAIT_SUBSCRIBED(client, "say \"hi\"\n");
    server_command(server, "emit %s", "{\"event\":\"say \\\"hi\\\"\\n\",\"args\":[1]}");
    WAIT_RECEIVE(client, "say \"hi\"\n");
}

static void big_text_arrives_whole(void)
{
    begin_listening();
    server_command(server, "emit %s", JSON({"event":"e","args":[{"_repeat":["0123456789",300000]}]}));
    const event_t *event = WAIT_RECEIVE(client, "e");
    const socketio_string_t text = event->outputs[RECEIVE_MESSAGE].as.string;
    CHECK_INT(text.len, 3000000);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != (char)('0' + i % 10)) {
            FAIL("byte %u is %d", (unsigned)i, text.ptr[i]);
        }
    }
}

static void a_flood_arrives_in_order(void)
{
    begin_listening();
    server_command(server, "flood %s", JSON({"event":"e","count":20000}));
    for (int i = 0; i < 20000; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        CHECK_TEXT(text_of(WAIT_RECEIVE(client, "e"), RECEIVE_MESSAGE), number);
    }
}

/* ---- What breaks the rules ends the connection, says so, and comes back ---- */

/* `reason` is in the words of the reference client: what is no Engine.IO packet is a transport error, what is no
   Socket.IO packet a parse error. */
static void check_ends(const char *reason)
{
    const event_t *stopped = WAIT_STOP(client);
    CHECK_TEXT(text_of(stopped, STOP_REASON), reason);
    CHECK(bool_of(stopped, STOP_WILL_RECONNECT));
    CHECK_INT(WAIT_ERROR(client)->head.status, SOCKETIO_E_PROTOCOL);
    CHECK(bool_of(WAIT_START(client), START_IS_RECONNECT));
    WAIT_SUBSCRIBED(client, "e");
}

static void packets_that_break_the_rules_end_the_connection(void)
{
    static const char *const packets[] = {"9", "2", "2[", "2{}", "2[]", "2[null]", "2[\\\"e\\\",nonsense]", "51-"};
    begin_with(QUICK_RETRY);
    for (size_t i = 0; i < COUNT(packets); i++) {
        server_command(server, "raw {\"parts\":[\"%s\"]}", packets[i]);
        check_ends("parse error");
    }
}

static void engine_packets_that_break_the_rules_end_the_connection(void)
{
    begin_with(QUICK_RETRY);
    server_command(server, "frame %s", JSON({"parts":["zzz"]}));
    check_ends("transport error");
}

static void a_message_over_our_limit_ends_the_connection(void)
{
    begin_with(JSON("message_bytes":2048,"reconnect_delay":0.05));
    check_emitted(JSON(["small"]), "small");
    server_command(server, "emit %s", JSON({"event":"e","args":[{"_repeat":["x",4096]}]}));
    WAIT_STOP(client);
    CHECK_HAS(text_of(WAIT_ERROR(client), ERROR_MESSAGE), "2048");
    WAIT_START(client);
}

static void json_that_is_too_deep_ends_the_connection(void)
{
    begin_with(JSON("json_depth":5,"reconnect_delay":0.05));
    check_emitted("[[[[[]]]]]", "[[[[]]]]");
    server_command(server, "raw %s", "{\"parts\":[\"2[\\\"e\\\",[[[[[[]]]]]]]\"]}");
    WAIT_STOP(client);
    CHECK_HAS(text_of(WAIT_ERROR(client), ERROR_MESSAGE), "5");
    WAIT_START(client);
}

/* A hostile server: half a million brackets. The default bound holds, and the stack does too. */
static void the_deepest_json_is_survived(void)
{
    begin_with(QUICK_RETRY);
    char *command = malloc(1100000);
    CHECK(command != NULL);
    size_t len = (size_t)sprintf(command, "{\"parts\":[\"2[\\\"e\\\",");
    memset(command + len, '[', 500000);
    memset(command + len + 500000, ']', 500000);
    strcpy(command + len + 1000000, "]\"]}");
    server_command(server, "raw %s", command);
    free(command);
    WAIT_STOP(client);
    WAIT_ERROR(client);
    WAIT_START(client);
}

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Packets with a few characters changed, always the same ones: whatever they do to the connection, it comes back. */
static void spoilt_packets_are_survived(void)
{
    static const char *const packets[] = {
        "2['e',{'a':[1,null]}]", "2/chat,7['e','x']", "0{'sid':'x'}", "4{'message':'no'}", "31['x']", "1/chat,",
        "52-['e',{'_placeholder':true,'num':0},{'_placeholder':true,'num':1}]", "61-3[{'_placeholder':true,'num':0}]",
    };
    static const char letters[] = "0123456789-,/[]{}':.enu ";
    begin_with(JSON("reconnect_delay":0.01,"reconnect_delay_max":0.01,"reconnect_jitter":0));
    unsigned state = 1;
    for (int i = 0; i < 200; i++) {
        char packet[128];
        snprintf(packet, sizeof packet, "%s", packets[next_random(&state) % COUNT(packets)]);
        for (unsigned changes = 1 + next_random(&state) % 3; changes > 0; changes--) {
            packet[next_random(&state) % strlen(packet)] = letters[next_random(&state) % (sizeof letters - 1)];
        }
        char escaped[256];
        size_t len = 0;
        for (const char *at = packet; *at != 0; at++) {
            len += (size_t)snprintf(escaped + len, sizeof escaped - len, *at == '\'' ? "\\\"" : "%c", *at);
        }
        server_command(server, "raw {\"parts\":[\"%s\",{\"_bytes\":\"00ff\"}]}", escaped);
        /* Answered, or given up with the connection: either way the packet was read. */
        WAIT_REPLY(SEND(client, .event = "barrier", .reply_timeout = 10));
    }
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_RECEIVE);
    AWAIT(strcmp(state_of(client).state, "Connected") == 0);
    check_emitted(JSON(["still here"]), "still here");
    ignore_errors();
}

TEST_MAIN(
    CASE(one_string_is_that_string),
    CASE(one_value_is_its_json),
    CASE(several_values_are_an_array),
    CASE(no_arguments_are_the_empty_text),
    CASE(json_comes_exactly_as_it_was_sent),
    CASE(text_may_hold_nul),
    CASE(a_lone_surrogate_is_survived),
    CASE(event_names_are_any_text),
    CASE(names_with_quotes_are_unescaped),
    CASE(big_text_arrives_whole),
    CASE(a_flood_arrives_in_order),
    CASE(packets_that_break_the_rules_end_the_connection),
    CASE_ONCE(engine_packets_that_break_the_rules_end_the_connection),
    CASE(a_message_over_our_limit_ends_the_connection),
    CASE(json_that_is_too_deep_ends_the_connection),
    CASE(the_deepest_json_is_survived),
    CASE(spoilt_packets_are_survived))
