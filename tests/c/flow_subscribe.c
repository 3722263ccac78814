/* Which events are heard, and for how long. */

#include "harness.h"

#include <stdio.h>

static server_t *server;
static socketio_connection_t client;

static void begin_connected(void)
{
    server = server_start(NULL);
    client = connected(server, QUICK_RETRY);
}

static void listen_to(const char *event, const char *nsp)
{
    subscribe(client, event, nsp);
    WAIT_SUBSCRIBED(client, event);
}

static void emit(const char *event)
{
    server_command(server, "emit {\"event\":\"%s\",\"args\":[\"x\"]}", event);
}

static void events_that_are_not_subscribed_to_do_not_fire(void)
{
    begin_connected();
    listen_to("heard", NULL);
    emit("unheard");
    emit("Heard");
    emit("heard");
    WAIT_RECEIVE(client, "heard");
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
}

static void a_star_hears_everything(void)
{
    begin_connected();
    listen_to("*", NULL);
    emit("one");
    emit("two");
    emit("*");
    WAIT_RECEIVE(client, "one");
    WAIT_RECEIVE(client, "two");
    WAIT_RECEIVE(client, "*");
    server_command(server, "emit %s", JSON({"nsp":"/chat","event":"elsewhere"}));
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
}

static void a_star_and_a_name_are_one_event(void)
{
    begin_connected();
    listen_to("*", NULL);
    listen_to("one", NULL);
    emit("one");
    WAIT_RECEIVE(client, "one");
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
    unsubscribe(client, "*", NULL);
    WAIT(.node_type = SOCKETIO_NODE_ON_UNSUBSCRIBE, .name = "*");
    emit("two");
    emit("one");
    WAIT_RECEIVE(client, "one");
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
}

static void subscribing_twice_is_once(void)
{
    begin_connected();
    listen_to("one", NULL);
    subscribe(client, "one", NULL);
    subscribe(client, "one", "/");
    subscribe(client, "one", "");
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_SUBSCRIBE);
    emit("one");
    WAIT_RECEIVE(client, "one");
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
    /* And once is enough to end it. */
    unsubscribe(client, "one", NULL);
    WAIT(.node_type = SOCKETIO_NODE_ON_UNSUBSCRIBE, .name = "one");
    emit("one");
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
}

static void on_subscribe_and_on_unsubscribe_say_what(void)
{
    begin_connected();
    subscribe(client, "talk", "chat");
    const event_t *event = WAIT_SUBSCRIBED(client, "talk");
    CHECK_TEXT(text_of(event, SUBSCRIBED_NAMESPACE), "/chat");
    unsubscribe(client, "talk", "/chat");
    event = WAIT(.node_type = SOCKETIO_NODE_ON_UNSUBSCRIBE);
    CHECK_TEXT(text_of(event, SUBSCRIBED_NAMESPACE), "/chat");
    CHECK_TEXT(text_of(event, SUBSCRIBED_NAME), "talk");
}

static void unsubscribing_what_was_not_subscribed_is_quiet(void)
{
    begin_connected();
    unsubscribe(client, "never", NULL);
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_UNSUBSCRIBE);
}

/* On Subscribe means that the event is really being listened to: not before the namespace is connected. */
static void on_subscribe_waits_for_the_connection(void)
{
    server = server_start(NULL);
    begin();
    client = configure(server_port(server), NULL);
    subscribe(client, "early", NULL);
    listen_for(50);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_SUBSCRIBE);
    start(client);
    const event_t *started = WAIT_START(client);
    CHECK(WAIT_SUBSCRIBED(client, "early")->head.sequence > started->head.sequence);
    emit("early");
    WAIT_RECEIVE(client, "early");
}

static void subscriptions_outlive_stop_and_start(void)
{
    begin_connected();
    listen_to("news", NULL);
    listen_to("talk", "/chat");
    stop(client);
    WAIT_STOP(client);
    start(client);
    WAIT_START(client);
    WAIT_SUBSCRIBED(client, "news");
    WAIT_SUBSCRIBED(client, "talk");
    emit("news");
    server_command(server, "emit %s", JSON({"nsp":"/chat","event":"talk","args":[1]}));
    WAIT_RECEIVE(client, "news");
    WAIT_RECEIVE(client, "talk");
}

static void unsubscribed_while_stopped_stays_so(void)
{
    begin_connected();
    listen_to("news", NULL);
    stop(client);
    WAIT_STOP(client);
    unsubscribe(client, "news", NULL);
    start(client);
    WAIT_START(client);
    emit("news");
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_SUBSCRIBE);
}

/* Whether the plugin has read this packet: waiting hands over the log, and takes no event out of the queue. */
static int was_read(const char *text)
{
    plugin.event_wait(0);
    return strstr(host_log(), text) != NULL;
}

/* Emits "slider" and returns when its event is in the queue: at the latest when the next packet has been read. */
static void emit_last(const char *text)
{
    server_command(server, "emit {\"event\":\"slider\",\"args\":[\"%s\"]}", text);
    AWAIT(was_read(text));
    server_command(server, "emit {\"event\":\"after %s\"}", text);
    char after[64];
    snprintf(after, sizeof after, "after %s", text);
    AWAIT(was_read(after));
}

/* Of several within one frame, only the latest fires. */
static void latest_per_poll_keeps_one(void)
{
    begin_connected();
    listen_to("each", NULL);
    subscribe_latest(client, "slider", NULL);
    WAIT_SUBSCRIBED(client, "slider");
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    for (int frame = 0; frame < 2; frame++) {
        char last[32];
        snprintf(last, sizeof last, "last of %d", frame);
        server_command(server, "flood %s", JSON({"event":"slider","count":50}));
        emit("each");
        emit("each");
        emit_last(last);
        CHECK_TEXT(text_of(WAIT_RECEIVE(client, "slider"), RECEIVE_MESSAGE), last);
        WAIT_RECEIVE(client, "each");
        WAIT_RECEIVE(client, "each");
        CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
    }
    CHECK_INT(state_of(client).dropped, 0);
}

static void delivery_may_change(void)
{
    begin_connected();
    subscribe_latest(client, "e", NULL);
    WAIT_SUBSCRIBED(client, "e");
    subscribe(client, "e", NULL);
    barrier(client);
    server_command(server, "flood %s", JSON({"event":"e","count":50}));
    for (int i = 0; i < 50; i++) {
        WAIT_RECEIVE(client, "e");
    }
}

/* A barrier by namespace: what is unsubscribed in one goes on in the other. */
static void the_same_name_in_two_namespaces_is_two_events(void)
{
    begin_connected();
    listen_to("e", NULL);
    listen_to("e", "/chat");
    emit("e");
    server_command(server, "emit %s", JSON({"nsp":"/chat","event":"e","args":["in chat"]}));
    CHECK_TEXT(text_of(WAIT(.node_type = SOCKETIO_NODE_ON_RECEIVE, .nsp = "/"), RECEIVE_MESSAGE), "x");
    CHECK_TEXT(text_of(WAIT(.node_type = SOCKETIO_NODE_ON_RECEIVE, .nsp = "/chat"), RECEIVE_MESSAGE), "in chat");
    unsubscribe(client, "e", "/");
    WAIT(.node_type = SOCKETIO_NODE_ON_UNSUBSCRIBE, .nsp = "/");
    emit("e");
    server_command(server, "emit %s", JSON({"nsp":"/chat","event":"e","args":["still"]}));
    WAIT(.node_type = SOCKETIO_NODE_ON_RECEIVE, .nsp = "/chat");
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
}

/* "Why does my node not fire?" Once for each name, with the name that may have been meant. */
static void an_event_that_nobody_subscribes_to_is_hinted_at(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    subscribe(client, "positionUpdate", NULL);
    WAIT_SUBSCRIBED(client, "positionUpdate");
    for (int i = 0; i < 3; i++) {
        server_command(server, "emit %s", JSON({"event":"positionUpdte","args":[1]}));
    }
    server_command(server, "flood %s", JSON({"event":"other","count":100}));
    barrier(client);
    static const char hint[] = "main: Event \"positionUpdte\" arrives in /, but no node subscribes to it "
                               "(one subscribes to \"positionUpdate\")";
    const char *first = strstr(host_log(), hint);
    CHECK(first != NULL && strstr(first + strlen(hint), "positionUpdte") == NULL);
    static const char other[] = "main: Event \"other\" arrives in /, but no node subscribes to it\n";
    first = strstr(host_log(), other);
    CHECK(first != NULL && strstr(first + strlen(other), "Event \"other\"") == NULL);
}

TEST_MAIN(
    CASE(events_that_are_not_subscribed_to_do_not_fire),
    CASE(a_star_hears_everything),
    CASE(a_star_and_a_name_are_one_event),
    CASE(subscribing_twice_is_once),
    CASE(on_subscribe_and_on_unsubscribe_say_what),
    CASE(unsubscribing_what_was_not_subscribed_is_quiet),
    CASE(on_subscribe_waits_for_the_connection),
    CASE(subscriptions_outlive_stop_and_start),
    CASE(unsubscribed_while_stopped_stays_so),
    CASE(latest_per_poll_keeps_one),
    CASE(delivery_may_change),
    CASE(the_same_name_in_two_namespaces_is_two_events),
    CASE(an_event_that_nobody_subscribes_to_is_hinted_at))
