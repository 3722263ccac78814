/* A server that floods, lies or breaks the rules: what it can do to the host is bounded. */

#include "harness.h"

#include <stdio.h>

#define MIB 1024L

static server_t *server;
static socketio_connection_t client;

static void begin_scripted(const char *extra)
{
    server = scripted_start();
    client = script_connected(server, extra);
}

static void listen_to(const char *event)
{
    subscribe(client, event, NULL);
    WAIT_SUBSCRIBED(client, event);
}

/* All that the server said before has been received when this returns. */
static void hear_the_end(void)
{
    script_say(server, "42" JSON(["end"]));
    WAIT_RECEIVE(client, "end");
}

/* ---- Memory ---- */

/* A server that reads nothing, and takes nothing more from us. */
static void begin_blocked(void)
{
    static const uint8_t megabyte[1 << 20];
    begin_scripted(NULL);
    listen_to("end");
    server_command(server, "pause");
    for (int i = 0; i < 16; i++) {
        SEND(client, .event = "e", .format = "Binary", .bytes = {megabyte, sizeof megabyte});
    }
    hear_the_end();
    CHECK(state_of(client).queued > 0);
    ignore_errors();
}

static void pings_that_nobody_reads_the_answers_of(void)
{
    begin_blocked();
    long before = rss_kib();
    script_storm(server, "2", 200000);
    hear_the_end();
    CHECK_GROWTH(before, 8 * MIB);
}

/* Pings of WebSocket itself: the connection may end, the memory is bounded. */
static void websocket_pings_that_nobody_reads_the_answers_of(void)
{
    static char payload[125 + 1];
    memset(payload, 'p', sizeof payload - 1);
    begin_blocked();
    long before = rss_kib();
    server_command(server, "storm {\"opcode\":9,\"text\":\"%s\",\"times\":200000}", payload);
    script_say(server, "42" JSON(["end"]));
    WAIT(.connection = client);
    CHECK_GROWTH(before, 8 * MIB);
}

/* What a large message takes is given back with it, not kept for the next one. */
static void a_large_message_leaves_no_memory_behind(void)
{
    begin_scripted(NULL);
    listen_to("end");
    hear_the_end();
    long before = rss_kib();
    server_command(server, "frame " JSON({"parts":[{"_repeat":["6",40000000]}]}));
    hear_the_end();
    CHECK_GROWTH(before, 4 * MIB);
}

/* Events that the host does not take: no more of them are kept than the limit, and no trace of the others. */
static void check_unpolled(void (*subscribe_so)(socketio_connection_t, const char *, const char *), int kept)
{
    begin_scripted(JSON("inbound_messages":1000) "," QUICK_RETRY);
    subscribe_so(client, "e", NULL);
    SEND(client, .event = "ready");
    script_expect(server, "42" JSON(["ready",""]));
    long before = rss_kib();
    script_storm(server, "42" JSON(["e",1]), 200000);
    script_say(server, "1");
    /* When it comes back, all that came before is in the queue. */
    server_wait(server, "opened ");
    CHECK_GROWTH(before, 4 * MIB);
    /* Life-cycle events are all there. */
    WAIT_SUBSCRIBED(client, "e");
    wait_lost(client);
    CHECK_INT(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_RECEIVE), kept);
}

static void events_that_nobody_polls(void)
{
    check_unpolled(subscribe, 1000);
    CHECK_INT(state_of(client).dropped, 199000);
    WAIT_ERROR_CODE(client, "inbound_overflow");
}

static void latest_events_that_nobody_polls(void)
{
    check_unpolled(subscribe_latest, 1);
    CHECK_INT(state_of(client).dropped, 0);
}

/* An attachment without a byte takes memory too. */
static void empty_attachments_count_in_the_limit(void)
{
    enum { EVENTS = 500, ATTACHMENTS = 100 };
    static char event[64 + ATTACHMENTS * 16];
    size_t len = (size_t)sprintf(event, "{\"parts\":[\"45%d-[\\\"e\\\"]\"", ATTACHMENTS);
    for (int i = 0; i < ATTACHMENTS; i++) {
        len += (size_t)sprintf(event + len, ",{\"_bytes\":\"\"}");
    }
    sprintf(event + len, "]}");
    begin_scripted(JSON("inbound_bytes":1000000));
    listen_to("e");
    for (int i = 0; i < EVENTS; i++) {
        server_command(server, "frame %s", event);
    }
    AWAIT(state_of(client).dropped > 0);
    WAIT_ERROR_CODE(client, "inbound_overflow");
}

/* ---- Words ---- */

static void long_words_of_the_server_are_cut(void)
{
    server = server_start(NULL);
    client = connected(server, NULL);
    server_command(server, "refuse %s", JSON({"nsp":"/chat","message":{"_repeat":["no ",350000]}}));
    subscribe(client, "e", "/chat");
    const event_t *event = WAIT_ERROR_CODE(client, "ns_rejected");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "no no no");
    CHECK(strlen(text_of(event, ERROR_MESSAGE)) < 2000);
}

static void log_lines_of_large_packets_are_short(void)
{
    server = server_start(NULL);
    client = connected(server, NULL);
    listen_to("e");
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    server_command(server, "emit %s", JSON({"event":"e","args":[{"_repeat":["x",1000000]}]}));
    WAIT_RECEIVE(client, "e");
    barrier(client);
    CHECK_HAS(host_log(), "xxx");
    CHECK(strlen(host_log()) < 20000);
}

/* ---- Time ---- */

static void events_before_connect_wait_for_it(void)
{
    server = scripted_start();
    begin();
    client = configure(server_port(server), NULL);
    subscribe(client, "e", NULL);
    start(client);
    script_handshake(server);
    script_expect(server, "40");
    int64_t began = now_ms();
    script_storm(server, "42" JSON(["e"]), 60000);
    script_say(server, "40" JSON({"sid":"s"}));
    const event_t *started = WAIT_START(client);
    CHECK(now_ms() - began < 5000);
    listen_to("e");
    CHECK(WAIT_RECEIVE(client, "e")->head.sequence > started->head.sequence);
    listen_to("end");
    hear_the_end();
    CHECK_INT(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_RECEIVE, .name = "e"), 59999);
}

/* One that can't be delivered ends the connection, and takes nothing of ours with it. */
static void a_wrong_event_before_connect_loses_no_message(void)
{
    server = scripted_start();
    begin();
    client = configure(server_port(server), QUICK_RETRY);
    subscribe(client, "*", NULL);
    SEND(client, .event = "queued", .message = "kept");
    start(client);
    for (int round = 0; round < 2; round++) {
        script_handshake(server);
        script_expect(server, "40");
        if (round == 0) {
            script_say(server, "42" JSON(["connect"]));
        }
        script_say(server, "40" JSON({"sid":"s"}));
    }
    script_expect(server, "42" JSON(["queued","kept"]));
    WAIT_ERROR_CODE(client, "protocol_error");
    CHECK_INT(state_of(client).dropped, 0);
}

/* While the flood is received, the other connection gets its answers: one that has to wait gets a few dozen. */
static void a_flooded_connection_leaves_the_others_their_turns(void)
{
    server = scripted_start();
    server_t *good = server_start(NULL);
    begin();
    settings_add("flooded", server_port(server), NULL);
    settings_add("good", server_port(good), NULL);
    settings_apply();
    start(find("good"));
    WAIT_START(find("good"));
    client = find("flooded");
    script_start(server, client);
    listen_to("end");
    script_storm(server, "42" JSON(["unheard"]), 500000);
    script_say(server, "42" JSON(["end"]));
    int answers = 0;
    while (TAKE_ALL(.node_type = SOCKETIO_NODE_ON_RECEIVE, .name = "end") == 0) {
        barrier(find("good"));
        answers++;
    }
    CHECK(answers >= 60);
}

TEST_MAIN(
    CASE_ONCE(pings_that_nobody_reads_the_answers_of),
    CASE_ONCE(websocket_pings_that_nobody_reads_the_answers_of),
    CASE_ONCE(a_large_message_leaves_no_memory_behind),
    CASE_ONCE(events_that_nobody_polls),
    CASE_ONCE(latest_events_that_nobody_polls),
    CASE_ONCE(empty_attachments_count_in_the_limit),
    CASE(long_words_of_the_server_are_cut),
    CASE(log_lines_of_large_packets_are_short),
    CASE_ONCE(events_before_connect_wait_for_it),
    CASE_ONCE(a_wrong_event_before_connect_loses_no_message),
    CASE_ONCE(a_flooded_connection_leaves_the_others_their_turns))
