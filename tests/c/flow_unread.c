/* A host that does not poll while the server does its worst: what is never dropped has an end, too. */

#include "harness.h"

#include <stdio.h>

static server_t *server;
static socketio_connection_t client;

#define QUESTIONS 30

/* Replies are never dropped. Once too many bytes of them wait, the connection ends, and is not tried again before the
   host polls. Each question still has exactly one end. */
static void replies_that_nobody_polls(void)
{
    static char answer[300000];
    uint64_t requests[QUESTIONS];
    char expected[64];
    server = scripted_start();
    client = script_connected(server, QUICK_RETRY "," JSON("inbound_bytes":1000000));
    for (int i = 0; i < QUESTIONS; i++) {
        requests[i] = SEND(client, .event = "ask", .reply_timeout = 60);
    }
    for (int i = 0; i < QUESTIONS; i++) {
        snprintf(expected, sizeof expected, "42%llu[\"ask\",\"\"]", (unsigned long long)requests[i]);
        script_expect(server, expected);
    }
    long before = rss_kib();
    for (int i = 0; i < QUESTIONS; i++) {
        int len = snprintf(answer, sizeof answer, "43%llu[\"", (unsigned long long)requests[i]);
        memset(answer + len, 'x', sizeof answer - (size_t)len - 3);
        memcpy(answer + sizeof answer - 3, "\"]", 3);
        script_say(server, answer);
    }
    AWAIT(strcmp(state_of(client).state, "Waiting") == 0);
    CHECK_GROWTH(before, 8 * 1024);
    sleep_ms(500);
    CHECK_TEXT(state_of(client).state, "Waiting");
    CHECK(!server_has(server, "opened "));
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "limit_exceeded"), ERROR_MESSAGE), "replies");
    int replies = 0;
    for (int i = 0; i < QUESTIONS; i++) {
        replies += WAIT_REPLY(requests[i])->head.pulse == SEND_REPLY_PULSE;
    }
    CHECK(replies > 0 && replies < QUESTIONS);
    CHECK(bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    script_handshake(server);
    script_say(server, "40" JSON({"sid":"again"}));
    WAIT_START(client);
}

/* Questions that a server never answers have an end, too: what is over the limit is not sent. */
static void questions_that_nobody_answers(void)
{
    enum { LIMIT = 100000, OVER = 10 };
    server = scripted_start();
    client = script_connected(server, JSON("queue_messages":200000));
    uint64_t last = 0;
    for (int i = 0; i < LIMIT + OVER; i++) {
        last = SEND(client, .event = "ask", .reply_timeout = 3600);
    }
    for (int i = 0; i < OVER; i++) {
        const event_t *over = WAIT_REPLY(last - (uint64_t)(OVER - 1 - i));
        CHECK_INT(over->head.pulse, SEND_TIMEOUT_PULSE);
        CHECK_INT(over->head.status, SOCKETIO_E_QUEUE_FULL);
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_SEND);
    CHECK_INT(state_of(client).dropped, OVER);
    stop(client);
    WAIT_STOP(client);
    CHECK_INT(TAKE_ALL(.node_type = SOCKETIO_NODE_SEND), LIMIT);
    ignore_errors();
}

/* A namespace that the server ends and lets in, again and again: each round is told, so the rounds wait for the host. */
static void a_namespace_that_comes_and_goes(void)
{
    char name[16];
    server = scripted_start();
    client = script_connected(server, JSON("reconnect_after_server_disconnect":true,"reconnect_delay":0.01,
                                           "reconnect_delay_max":0.02,"reconnect_jitter":0));
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "event %d", i);
        subscribe(client, name, "/n");
    }
    int rounds = 0;
    for (int64_t quiet = now_ms(); now_ms() - quiet < 600;) {
        if (server_has(server, "said \"40/n,\"")) {
            script_say(server, "40/n," JSON({"sid":"n"}));
            script_say(server, "41/n,");
            rounds++;
            quiet = now_ms();
        }
        CHECK(rounds < 20);
        /* Its answer comes after all reports before it. */
        server_command(server, "resume");
    }
    CHECK(rounds >= 3);
    /* The other namespace lives. */
    SEND(client, .event = "alive");
    script_expect(server, "42" JSON(["alive",""]));
    CHECK(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_SUBSCRIBE) >= 1000);
    script_expect(server, "40/n,");
    ignore_errors();
}

/* A server that comes and goes: nothing more is tried once enough of it waits for the host. */
static void a_server_that_comes_and_goes(void)
{
    char name[16];
    server = server_start(NULL);
    /* Long enough to be seen between two looks. */
    client = connected(server, JSON("reconnect_delay":0.1,"reconnect_delay_max":0.1,"reconnect_jitter":0));
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "event %d", i);
        subscribe(client, name, NULL);
    }
    int rounds = 0;
    for (int64_t quiet = now_ms(); now_ms() - quiet < 600;) {
        if (strcmp(state_of(client).state, "Connected") == 0) {
            server_command(server, "cut");
            AWAIT(strcmp(state_of(client).state, "Connected") != 0);
            rounds++;
            quiet = now_ms();
        }
        CHECK(rounds < 20);
        sleep_ms(1);
    }
    CHECK(rounds >= 3);
    CHECK_TEXT(state_of(client).state, "Waiting");
    listen_for(1);
    CHECK_HAS(host_log(), "the host does not poll");
    AWAIT(strcmp(state_of(client).state, "Connected") == 0);
    ignore_errors();
}

TEST_MAIN(
    CASE_ONCE(replies_that_nobody_polls),
    CASE_ONCE(questions_that_nobody_answers),
    CASE_ONCE(a_namespace_that_comes_and_goes),
    CASE(a_server_that_comes_and_goes))
