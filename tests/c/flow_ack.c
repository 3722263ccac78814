/* Questions and answers, both ways. */

#include "harness.h"

#include <stdio.h>

static server_t *server;
static socketio_connection_t client;

static void begin_connected(void)
{
    server = server_start(NULL);
    client = connected(server, QUICK_RETRY);
}

/* ---- We ask ---- */

/* Asks for these arguments to be sent back. */
static uint64_t ask(const char *arguments)
{
    uint64_t request =
        SEND(client, .event = "ack", .format = "Arguments", .message = arguments, .reply_timeout = 10, .node = 77);
    CHECK(request != 0);
    return request;
}

static void check_reply(const char *arguments, const char *reply, const char *reply_arguments)
{
    uint64_t request = ask(arguments);
    const event_t *event = WAIT_REPLY(request);
    CHECK_INT(event->head.pulse, SEND_REPLY_PULSE);
    CHECK_INT(event->head.node, 77);
    CHECK(event->head.connection == client);
    CHECK_TEXT(text_of(event, SEND_REPLY), reply);
    CHECK_TEXT(text_of(event, SEND_REPLY_ARGUMENTS), reply_arguments);
    CHECK_INT(attachments_of(event, SEND_REPLY_ATTACHMENTS).len, 0);
}

static void a_reply_follows_the_rules_of_a_message(void)
{
    begin_connected();
    check_reply("[]", "", "[]");
    check_reply(JSON(["yes"]), "yes", JSON(["yes"]));
    check_reply("[42]", "42", "[42]");
    check_reply("[null]", "null", "[null]");
    check_reply(JSON([{"ok":true}]), JSON({"ok":true}), JSON([{"ok":true}]));
    check_reply(JSON(["a",1,[2]]), JSON(["a",1,[2]]), JSON(["a",1,[2]]));
}

static void without_a_timeout_no_reply_is_asked_for(void)
{
    begin_connected();
    CHECK_INT(SEND(client, .event = "ack", .message = "x"), 0);
    server_expect(server, "got " JSON({"nsp":"/","event":"ack","args":["x"]}));
    SEND(client, .event = "ack", .message = "x", .reply_timeout = 10);
    server_expect(server, "got " JSON({"nsp":"/","event":"ack","args":["x"],"ack":true}));
    WAIT(.node_type = SOCKETIO_NODE_SEND);
}

static void replies_find_their_questions(void)
{
    begin_connected();
    uint64_t requests[100];
    for (int i = 0; i < 100; i++) {
        char arguments[16];
        snprintf(arguments, sizeof arguments, "[%d]", i);
        requests[i] = ask(arguments);
    }
    for (int i = 99; i >= 0; i--) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        CHECK_TEXT(text_of(WAIT_REPLY(requests[i]), SEND_REPLY), number);
    }
}

static void no_reply_in_time_is_a_timeout(void)
{
    begin_connected();
    int64_t began = now_ms();
    uint64_t request = SEND(client, .event = "nobody answers", .reply_timeout = 0.2, .node = 5);
    const event_t *event = WAIT_REPLY(request);
    CHECK_INT(event->head.pulse, SEND_TIMEOUT_PULSE);
    CHECK_INT(event->head.node, 5);
    CHECK(now_ms() - began >= 199 && now_ms() - began < 3000);
}

static void a_reply_after_the_timeout_is_nothing(void)
{
    begin_connected();
    uint64_t request =
        SEND(client, .event = "ack_late", .format = "JSON", .message = "300", .reply_timeout = 0.1);
    CHECK_INT(WAIT_REPLY(request)->head.pulse, SEND_TIMEOUT_PULSE);
    /* The server answers these in order: the late one has come when this one has. */
    uint64_t later = SEND(client, .event = "ack_late", .format = "JSON", .message = "400", .reply_timeout = 10);
    CHECK_TEXT(text_of(WAIT_REPLY(later), SEND_REPLY), "late");
    CHECK_NONE(.node_type = SOCKETIO_NODE_SEND);
}

static void a_lost_connection_is_a_timeout(void)
{
    begin_connected();
    uint64_t request = SEND(client, .event = "nobody answers", .reply_timeout = 60);
    server_wait(server, "got ");
    server_command(server, "cut");
    CHECK_INT(WAIT_REPLY(request)->head.pulse, SEND_TIMEOUT_PULSE);
    wait_lost(client);
    WAIT_START(client);
}

static void a_stopped_connection_is_a_timeout(void)
{
    begin_connected();
    uint64_t request = SEND(client, .event = "nobody answers", .reply_timeout = 60);
    server_wait(server, "got ");
    stop(client);
    CHECK_INT(WAIT_REPLY(request)->head.pulse, SEND_TIMEOUT_PULSE);
    WAIT_STOP(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_SEND);
}

static void disable_is_a_timeout(void)
{
    begin_connected();
    uint64_t request = SEND(client, .event = "nobody answers", .reply_timeout = 60);
    server_wait(server, "got ");
    disable();
    CHECK_INT(WAIT_REPLY(request)->head.pulse, SEND_TIMEOUT_PULSE);
}

/* The time runs from the pulse on: a question that waits in the queue too long is a timeout as well. */
static void a_question_in_the_queue_times_out(void)
{
    begin();
    client = configure(port_reserve(), QUICK_RETRY);
    start(client);
    uint64_t request = SEND(client, .event = "ack", .reply_timeout = 0.2);
    const event_t *event = WAIT_REPLY(request);
    CHECK_INT(event->head.pulse, SEND_TIMEOUT_PULSE);
    /* Nobody was silent: it never left. */
    CHECK_INT(event->head.status, SOCKETIO_E_NOT_CONNECTED);
    CHECK_INT(state_of(client).queued, 0);
    CHECK_INT(state_of(client).dropped, 1);
    ignore_errors();
}

static void a_question_in_the_queue_is_answered_later(void)
{
    server = server_start(NULL);
    begin();
    client = configure(server_port(server), NULL);
    uint64_t request = SEND(client, .event = "ack", .message = "early", .reply_timeout = 60);
    start(client);
    CHECK_TEXT(text_of(WAIT_REPLY(request), SEND_REPLY), "early");
}

static void questions_in_namespaces(void)
{
    begin_connected();
    uint64_t in_chat = SEND(client, .event = "ack", .nsp = "/chat", .message = "chat", .reply_timeout = 10);
    uint64_t in_default = SEND(client, .event = "ack", .message = "default", .reply_timeout = 10);
    CHECK_TEXT(text_of(WAIT_REPLY(in_chat), SEND_REPLY), "chat");
    CHECK_TEXT(text_of(WAIT_REPLY(in_default), SEND_REPLY), "default");
}

/* ---- We are asked ---- */

static int64_t asked(void)
{
    subscribe(client, "question", NULL);
    WAIT_SUBSCRIBED(client, "question");
    server_command(server, "ask %s", JSON({"event":"question","args":["how are you?"]}));
    const event_t *event = WAIT_RECEIVE(client, "question");
    CHECK_TEXT(text_of(event, RECEIVE_MESSAGE), "how are you?");
    CHECK(int_of(event, RECEIVE_REPLY_ID) != 0);
    return int_of(event, RECEIVE_REPLY_ID);
}

static void check_answer(const char *format, const char *message, const char *arguments)
{
    server_command(server, "ask %s", JSON({"event":"question"}));
    int64_t reply_id = int_of(WAIT_RECEIVE(client, "question"), RECEIVE_REPLY_ID);
    REPLY(client, reply_id, .format = format, .message = message);
    char expected[256];
    snprintf(expected, sizeof expected, "answer {\"nsp\":\"/\",\"event\":\"question\",\"args\":%s}", arguments);
    server_expect(server, expected);
}

static void an_answer_has_every_format(void)
{
    begin_connected();
    subscribe(client, "question", NULL);
    WAIT_SUBSCRIBED(client, "question");
    check_answer(NULL, "fine", JSON(["fine"]));
    check_answer("Text", "", JSON([""]));
    check_answer("JSON", JSON({"mood":"fine"}), JSON([{"mood":"fine"}]));
    check_answer("Arguments", "[]", "[]");
    check_answer("Arguments", JSON([1,"two",null]), JSON([1,"two",null]));
    check_answer("Binary", "\x01\x02", JSON([{"_bytes":"0102"}]));
}

static void answers_may_come_later_and_in_any_order(void)
{
    begin_connected();
    int64_t first = asked();
    server_command(server, "ask %s", JSON({"event":"question","args":[2]}));
    int64_t second = int_of(WAIT_RECEIVE(client, "question"), RECEIVE_REPLY_ID);
    CHECK(first != second);
    barrier(client);
    REPLY(client, second, .message = "second");
    REPLY(client, first, .message = "first");
    server_expect(server, "answer " JSON({"nsp":"/","event":"question","args":["second"]}));
    server_expect(server, "answer " JSON({"nsp":"/","event":"question","args":["first"]}));
}

static void check_reply_fails(int64_t reply_id)
{
    REPLY(client, reply_id, .message = "again");
    const event_t *event = WAIT_ERROR(client);
    CHECK_TEXT(text_of(event, ERROR_CODE), "reply_stale");
    CHECK(!bool_of(event, ERROR_FATAL));
}

static void answering_twice_is_an_error(void)
{
    begin_connected();
    int64_t reply_id = asked();
    REPLY(client, reply_id, .message = "once");
    server_expect(server, "answer " JSON({"nsp":"/","event":"question","args":["once"]}));
    check_reply_fails(reply_id);
    barrier(client);
    CHECK(!server_has(server, "answer "));
}

static void answering_what_was_never_asked_is_an_error(void)
{
    begin_connected();
    check_reply_fails(123456);
}

static void answering_after_a_reconnect_is_an_error(void)
{
    begin_connected();
    int64_t reply_id = asked();
    server_command(server, "cut");
    wait_lost(client);
    WAIT_START(client);
    check_reply_fails(reply_id);
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void a_bad_answer_is_an_error_and_leaves_nothing(void)
{
    begin_connected();
    int64_t reply_id = asked();
    REPLY(client, reply_id, .format = "JSON", .message = "nonsense");
    CHECK_HAS(text_of(WAIT_ERROR(client), ERROR_MESSAGE), "line 1");
    barrier(client);
    CHECK(!server_has(server, "answer "));
}

/* Nobody listens: nothing fires, nothing is answered, and the connection lives. */
static void a_question_that_nobody_subscribed_to_is_left_alone(void)
{
    begin_connected();
    server_command(server, "ask %s", JSON({"event":"unheard","timeout":100}));
    server_expect(server, "answer " JSON({"nsp":"/","event":"unheard","error":"operation has timed out"}));
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
}

/* Over the bound, the oldest can no longer be answered. */
static void unanswered_questions_are_bounded(void)
{
    server = server_start(NULL);
    client = connected(server, JSON("unanswered_replies":2));
    int64_t first = asked();
    server_command(server, "ask %s", JSON({"event":"question"}));
    WAIT_RECEIVE(client, "question");
    server_command(server, "ask %s", JSON({"event":"question"}));
    int64_t third = int_of(WAIT_RECEIVE(client, "question"), RECEIVE_REPLY_ID);
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR);
    check_reply_fails(first);
    REPLY(client, third, .message = "third");
    server_expect(server, "answer " JSON({"nsp":"/","event":"question","args":["third"]}));
}

/* Then there is no answer, and the event does not pretend that there were. */
static void without_room_for_questions_there_is_no_reply_id(void)
{
    server = server_start(NULL);
    client = connected(server, JSON("unanswered_replies":0));
    subscribe(client, "question", NULL);
    WAIT_SUBSCRIBED(client, "question");
    server_command(server, "ask %s", JSON({"event":"question"}));
    CHECK_INT(int_of(WAIT_RECEIVE(client, "question"), RECEIVE_REPLY_ID), 0);
}

/* ---- What may go wrong between the two ---- */

/* A server can't answer what has not reached it. */
static void an_answer_to_what_has_not_left_is_nothing(void)
{
    server = scripted_start();
    client = script_connected(server, NULL);
    uint64_t request = SEND(client, .event = "question", .nsp = "/chat", .reply_timeout = 10);
    unsigned long long id = request;
    char frame[64];
    script_expect(server, "40/chat,");
    snprintf(frame, sizeof frame, "43/chat,%llu[\"early\"]", id);
    script_say(server, frame);
    script_say(server, "40/chat," JSON({"sid":"c"}));
    snprintf(frame, sizeof frame, "42/chat,%llu[\"question\",\"\"]", id);
    script_expect(server, frame);
    snprintf(frame, sizeof frame, "43/chat,%llu[\"in time\"]", id);
    script_say(server, frame);
    CHECK_TEXT(text_of(WAIT_REPLY(request), SEND_REPLY), "in time");
    /* Nor twice. */
    script_say(server, frame);
    script_say(server, "1");
    wait_lost(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_SEND);
}

static void answering_into_a_namespace_that_was_left_is_an_error(void)
{
    begin_connected();
    subscribe(client, "question", "/chat");
    WAIT_SUBSCRIBED(client, "question");
    server_command(server, "ask %s", JSON({"nsp":"/chat","event":"question"}));
    int64_t reply_id = int_of(WAIT_RECEIVE(client, "question"), RECEIVE_REPLY_ID);
    server_command(server, "disconnect %s", JSON({"nsp":"/chat"}));
    WAIT_ERROR_CODE(client, "server_disconnect");
    check_reply_fails(reply_id);
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void a_bad_answer_can_be_corrected(void)
{
    begin_connected();
    int64_t reply_id = asked();
    REPLY(client, reply_id, .format = "JSON", .message = "nonsense");
    WAIT_ERROR_CODE(client, "json_invalid");
    REPLY(client, reply_id, .format = "JSON", .message = "{}");
    server_expect(server, "answer " JSON({"nsp":"/","event":"question","args":[{}]}));
}

/* The plugin's thread does not stand still for thousands of questions whose time passes together. */
static void many_timeouts_at_once_hold_nobody_up(void)
{
    enum { QUESTIONS = 10000 };
    server = server_start(NULL);
    begin();
    settings_add("main", server_port(server), NULL);
    settings_add("away", port_reserve(), NULL);
    settings_apply();
    client = find("main");
    start(client);
    WAIT_START(client);
    for (int i = 0; i < QUESTIONS; i++) {
        SEND(find("away"), .event = "e", .reply_timeout = 1);
    }
    int64_t longest = 0;
    for (int timeouts = 0; timeouts < QUESTIONS;) {
        int64_t began = now_ms();
        barrier(client);
        longest = now_ms() - began > longest ? now_ms() - began : longest;
        timeouts += TAKE_ALL(.node_type = SOCKETIO_NODE_SEND, .connection = find("away"));
    }
    CHECK(longest < 1000 * slowdown());
}

TEST_MAIN(
    CASE(a_reply_follows_the_rules_of_a_message),
    CASE(without_a_timeout_no_reply_is_asked_for),
    CASE(replies_find_their_questions),
    CASE(no_reply_in_time_is_a_timeout),
    CASE(a_reply_after_the_timeout_is_nothing),
    CASE(a_lost_connection_is_a_timeout),
    CASE(a_stopped_connection_is_a_timeout),
    CASE(disable_is_a_timeout),
    CASE(a_question_in_the_queue_times_out),
    CASE(a_question_in_the_queue_is_answered_later),
    CASE(questions_in_namespaces),
    CASE(an_answer_has_every_format),
    CASE(answers_may_come_later_and_in_any_order),
    CASE(answering_twice_is_an_error),
    CASE(answering_what_was_never_asked_is_an_error),
    CASE(answering_after_a_reconnect_is_an_error),
    CASE(a_bad_answer_is_an_error_and_leaves_nothing),
    CASE(a_question_that_nobody_subscribed_to_is_left_alone),
    CASE(unanswered_questions_are_bounded),
    CASE(without_room_for_questions_there_is_no_reply_id),
    CASE_ONCE(an_answer_to_what_has_not_left_is_nothing),
    CASE(answering_into_a_namespace_that_was_left_is_an_error),
    CASE(a_bad_answer_can_be_corrected),
    CASE(many_timeouts_at_once_hold_nobody_up))
