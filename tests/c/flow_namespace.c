/* Several namespaces on one connection: each is joined when first used, and fails alone. */

#include "harness.h"

static server_t *server;
static socketio_connection_t client;

static void begin_with(const char *options, const char *extra)
{
    server = server_start(options);
    client = connected(server, extra);
}

static void check_received(const char *nsp, const char *name, const char *message)
{
    const event_t *event = WAIT(.node_type = SOCKETIO_NODE_ON_RECEIVE, .nsp = nsp, .name = name);
    CHECK_TEXT(text_of(event, RECEIVE_MESSAGE), message);
}

static void namespaces_share_one_connection(void)
{
    begin_with(NULL, NULL);
    CHECK_INT(state_of(client).namespaces, 1);
    subscribe(client, "echo", "/chat");
    SEND(client, .event = "echo", .nsp = "/chat", .message = "in chat");
    SEND(client, .event = "hello", .nsp = "/dynamic-1", .message = "x");
    check_received("/chat", "echo", "in chat");
    server_expect(server, "got " JSON({"nsp":"/dynamic-1","event":"hello","args":["x"]}));
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":1,"/":1,"/chat":1,"/dynamic-1":1}));
    CHECK_INT(state_of(client).namespaces, 3);
    CHECK(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_SUBSCRIBE) == 1);
}

static void a_slash_in_front_may_be_missing(void)
{
    begin_with(NULL, NULL);
    subscribe(client, "echo", "chat");
    SEND(client, .event = "echo", .nsp = "/chat", .message = "1");
    check_received("/chat", "echo", "1");
    SEND(client, .event = "echo", .nsp = "chat", .message = "2");
    check_received("/chat", "echo", "2");
    unsubscribe(client, "echo", "/chat");
    WAIT(.node_type = SOCKETIO_NODE_ON_UNSUBSCRIBE, .nsp = "/chat");
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":1,"/":1,"/chat":1}));
}

static void an_empty_namespace_is_the_default_one(void)
{
    begin_with(NULL, NULL);
    SEND(client, .event = "e", .nsp = "", .message = "x");
    server_expect(server, "got " JSON({"nsp":"/","event":"e","args":["x"]}));
}

static void namespaces_used_before_start_are_joined(void)
{
    server = server_start(NULL);
    begin();
    client = configure(server_port(server), NULL);
    subscribe(client, "news", "/chat");
    SEND(client, .event = "queued", .nsp = "/chat", .message = "x");
    start(client);
    WAIT_START(client);
    CHECK_TEXT(text_of(WAIT_SUBSCRIBED(client, "news"), SUBSCRIBED_NAMESPACE), "/chat");
    server_expect(server, "got " JSON({"nsp":"/chat","event":"queued","args":["x"]}));
}

static void namespaces_are_rejoined_after_a_reconnect(void)
{
    begin_with(NULL, QUICK_RETRY);
    subscribe(client, "news", "/chat");
    WAIT_SUBSCRIBED(client, "news");
    server_command(server, "cut");
    wait_lost(client);
    WAIT_START(client);
    WAIT_SUBSCRIBED(client, "news");
    server_command(server, "emit %s", JSON({"nsp":"/chat","event":"news","args":["again"]}));
    check_received("/chat", "news", "again");
}

static void a_refused_namespace_fails_alone(void)
{
    begin_with(NULL, NULL);
    subscribe(client, "echo", "/chat");
    subscribe(client, "secret", "/admin");
    const event_t *event = WAIT_ERROR_CODE(client, "ns_rejected");
    CHECK_TEXT(text_of(event, ERROR_NAMESPACE), "/admin");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "invalid token");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "42");
    CHECK(bool_of(event, ERROR_FATAL));
    CHECK_INT(event->head.status, SOCKETIO_E_REFUSED);
    SEND(client, .event = "echo", .nsp = "/chat", .message = "still here");
    check_received("/chat", "echo", "still here");
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_SUBSCRIBE, .nsp = "/admin");
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":1,"/":1,"/chat":1}));
}

static void a_namespace_that_does_not_exist_fails_alone(void)
{
    begin_with(NULL, NULL);
    SEND(client, .event = "e", .nsp = "/nowhere", .message = "x");
    const event_t *event = WAIT_ERROR_CODE(client, "ns_invalid");
    CHECK_TEXT(text_of(event, ERROR_NAMESPACE), "/nowhere");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "/nowhere");
    /* The message that asked for it is lost, and that is said too. */
    CHECK_TEXT(text_of(WAIT_ERROR_CODE(client, "not_sent"), ERROR_NAMESPACE), "/nowhere");
    barrier(client);
}

static void the_token_opens_a_namespace(void)
{
    begin_with(NULL, JSON("auth":{"token":"secret"}));
    SEND(client, .event = "e", .nsp = "/admin", .message = "x");
    server_expect(server, "got " JSON({"nsp":"/admin","event":"e","args":["x"]}));
}

/* A refusal may be over some time: the next Start asks again. */
static void a_refused_namespace_is_asked_again_after_start(void)
{
    begin_with(JSON({"refuse":{"/chat":{"message":"not yet"}}}), NULL);
    subscribe(client, "echo", "/chat");
    CHECK_HAS(text_of(WAIT_ERROR(client), ERROR_MESSAGE), "not yet");
    server_command(server, "admit %s", JSON({"nsp":"/chat"}));
    stop(client);
    WAIT_STOP(client);
    start(client);
    WAIT_START(client);
    CHECK_TEXT(text_of(WAIT_SUBSCRIBED(client, "echo"), SUBSCRIBED_NAMESPACE), "/chat");
}

/* It is no fault of the network: the same credentials are not tried again and again, but a Start tries at once. */
static void a_refused_default_namespace_is_not_hammered(void)
{
    server = server_start(JSON({"refuse":{"/":{"message":"closed on Mondays","data":{"until":"Tuesday"}}}}));
    begin();
    client = configure(server_port(server), QUICK_RETRY);
    start(client);
    const event_t *event = WAIT_ERROR(client);
    CHECK_TEXT(text_of(event, ERROR_NAMESPACE), "/");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "closed on Mondays");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "Tuesday");
    CHECK(!bool_of(event, ERROR_FATAL));
    CHECK(number_of(event, ERROR_WILL_RETRY_IN) >= 60);
    CHECK_TEXT(state_of(client).state, "Waiting");
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":0})) == 0);
    /* Longer than the quick retry that must not come. */
    listen_for(300);
    CHECK_NONE(.node_type = 0);
    start(client);
    AWAIT(info_of(client).attempts >= 2);
    CHECK_NONE(.node_type = 0);
    server_command(server, "admit %s", JSON({"nsp":"/"}));
    start(client);
    WAIT_START(client);
}

/* The server takes one namespace away: the others stay. */
static void a_namespace_that_the_server_ends_is_said(void)
{
    begin_with(NULL, QUICK_RETRY);
    subscribe(client, "talk", "/chat");
    WAIT_SUBSCRIBED(client, "talk");
    server_command(server, "disconnect %s", JSON({"nsp":"/chat"}));
    const event_t *event = WAIT_ERROR(client);
    CHECK_TEXT(text_of(event, ERROR_NAMESPACE), "/chat");
    barrier(client);
    CHECK_INT(state_of(client).namespaces, 1);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void auth_goes_to_every_namespace(void)
{
    static const char auth[] = JSON("auth":{"token":"secret","list":[1,{"a":null}]});
    begin_with(NULL, auth);
    SEND(client, .event = "e", .nsp = "/chat");
    server_wait(server, "got ");
    CHECK_HAS(server_command(server, "handshakes %s", JSON({"nsp":"/chat"})), auth);
    CHECK_HAS(server_command(server, "handshakes"), auth);
}

/* A comma ends a name on the wire, a question mark what the server makes of it. */
static void names_that_no_namespace_can_have_are_refused(void)
{
    static const char *const names[] = {"/a,b", "/a?b=c", "/a\nb"};
    begin_with(NULL, NULL);
    subscribe(client, "echo", "/chat");
    WAIT_SUBSCRIBED(client, "echo");
    for (size_t i = 0; i < COUNT(names); i++) {
        subscribe(client, "e", names[i]);
        CHECK_TEXT(text_of(WAIT_ERROR_CODE(client, "ns_name"), ERROR_NAMESPACE), names[i]);
        uint64_t request = SEND(client, .event = "e", .nsp = names[i], .reply_timeout = 60);
        CHECK_INT(WAIT_REPLY(request)->head.pulse, SEND_TIMEOUT_PULSE);
    }
    SEND(client, .event = "echo", .nsp = "/chat", .message = "still here");
    check_received("/chat", "echo", "still here");
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void start_asks_again_for_a_refused_namespace(void)
{
    begin_with(JSON({"refuse":{"/chat":{"message":"not yet"}}}), NULL);
    subscribe(client, "echo", "/chat");
    WAIT_ERROR_CODE(client, "ns_rejected");
    server_command(server, "admit %s", JSON({"nsp":"/chat"}));
    start(client);
    WAIT_SUBSCRIBED(client, "echo");
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void start_asks_again_for_a_namespace_that_the_server_ended(void)
{
    begin_with(NULL, NULL);
    subscribe(client, "talk", "/chat");
    WAIT_SUBSCRIBED(client, "talk");
    server_command(server, "disconnect %s", JSON({"nsp":"/chat"}));
    WAIT_ERROR_CODE(client, "server_disconnect");
    start(client);
    WAIT_SUBSCRIBED(client, "talk");
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void it_is_joined_again_by_itself_if_the_setting_says_so(void)
{
    begin_with(NULL, JSON("reconnect_after_server_disconnect":true,"reconnect_delay":0.05));
    subscribe(client, "talk", "/chat");
    WAIT_SUBSCRIBED(client, "talk");
    server_command(server, "disconnect %s", JSON({"nsp":"/chat"}));
    CHECK(number_of(WAIT_ERROR_CODE(client, "server_disconnect"), ERROR_WILL_RETRY_IN) > 0);
    WAIT_SUBSCRIBED(client, "talk");
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

/* A server that is still at work on the first request would make two sockets of two. */
static void a_silent_namespace_is_not_asked_twice_and_may_answer_late(void)
{
    server = scripted_start();
    client = script_connected(server, JSON("connect_timeout":0.3));
    subscribe(client, "talk", "/chat");
    script_expect(server, "40/chat,");
    WAIT_ERROR_CODE(client, "ns_timeout");
    start(client);
    SEND(client, .event = "ready");
    script_expect(server, "42" JSON(["ready",""]));
    CHECK(!server_has(server, "said \"40/chat"));
    script_say(server, "40/chat," JSON({"sid":"c"}));
    WAIT_SUBSCRIBED(client, "talk");
}

static void a_namespace_that_nobody_uses_any_more_is_not_joined(void)
{
    server = server_start(NULL);
    begin();
    client = configure(server_port(server), NULL);
    subscribe(client, "talk", "/chat");
    unsubscribe(client, "talk", "/chat");
    start(client);
    WAIT_START(client);
    barrier(client);
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":1,"/":1}));
}

/* Without the default namespace there is no On Start; the connection stands all the same. */
static void a_connection_may_stand_without_the_default_namespace(void)
{
    server = server_start(JSON({"refuse":{"/":{"message":"not here"}}}));
    begin();
    client = configure(server_port(server), QUICK_RETRY);
    subscribe(client, "talk", "/chat");
    start(client);
    CHECK_TEXT(text_of(WAIT_ERROR_CODE(client, "ns_rejected"), ERROR_NAMESPACE), "/");
    WAIT_SUBSCRIBED(client, "talk");
    CHECK_INT(info_of(client).state, SOCKETIO_CONNECTION_CONNECTED);
    CHECK_INT(info_of(client).transport, SOCKETIO_TRANSPORT_WEBSOCKET);
    CHECK_INT(info_of(client).namespaces, 1);
    server_command(server, "cut");
    wait_lost(client);
    WAIT_SUBSCRIBED(client, "talk");
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_START);
    ignore_errors();
}

TEST_MAIN(
    CASE(namespaces_share_one_connection),
    CASE(a_slash_in_front_may_be_missing),
    CASE(an_empty_namespace_is_the_default_one),
    CASE(namespaces_used_before_start_are_joined),
    CASE(namespaces_are_rejoined_after_a_reconnect),
    CASE(a_refused_namespace_fails_alone),
    CASE(a_namespace_that_does_not_exist_fails_alone),
    CASE(the_token_opens_a_namespace),
    CASE(a_refused_namespace_is_asked_again_after_start),
    CASE(a_refused_default_namespace_is_not_hammered),
    CASE(a_namespace_that_the_server_ends_is_said),
    CASE(auth_goes_to_every_namespace),
    CASE(names_that_no_namespace_can_have_are_refused),
    CASE(start_asks_again_for_a_refused_namespace),
    CASE(start_asks_again_for_a_namespace_that_the_server_ended),
    CASE(it_is_joined_again_by_itself_if_the_setting_says_so),
    CASE_ONCE(a_silent_namespace_is_not_asked_twice_and_may_answer_late),
    CASE(a_namespace_that_nobody_uses_any_more_is_not_joined),
    CASE_ONCE(a_connection_may_stand_without_the_default_namespace))
