/* Many Sends in one frame of the host, and single ones: each arrives once, in its order, and none waits for
   the next. */

#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static server_t *server;
static socketio_connection_t client;

/* ---- What a server hears of a burst ---- */

/* What the server has to hear next, one report line after the other. */
static char *expected;
static size_t expected_len;
static size_t expected_capacity;

static void expect_bytes(const char *bytes, size_t len)
{
    if (expected_len + len + 1 > expected_capacity) {
        expected_capacity = 2 * (expected_len + len + 1);
        expected = realloc(expected, expected_capacity);
        CHECK(expected != NULL);
    }
    memcpy(expected + expected_len, bytes, len);
    expected_len += len;
    expected[expected_len] = 0;
}

/* A text frame, as server.js reports it: what has more than 1,024 characters, as JavaScript counts them, by its sum. */
static void expect_frame(const char *frame)
{
    size_t len = strlen(frame);
    size_t characters = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)frame[i];
        characters += (byte & 0xc0) != 0x80 ? byte >= 0xf0 ? 2 : 1 : 0;
    }
    if (characters > 1024) {
        char sum[64];
        snprintf(sum, sizeof sum, "{\"_text\":%u,\"_checksum\":%u}\n", (unsigned)len, (unsigned)checksum(frame, len));
        expect_bytes(sum, strlen(sum));
        return;
    }
    expect_bytes("\"", 1);
    for (; *frame != 0; frame++) {
        if (*frame == '"' || *frame == '\\') {
            expect_bytes("\\", 1);
        }
        expect_bytes(frame, 1);
    }
    expect_bytes("\"\n", 2);
}

/* A binary frame, in hex. */
static void expect_binary(const char *hex)
{
    char line[64];
    snprintf(line, sizeof line, "{\"_bytes\":\"%s\"}\n", hex);
    expect_bytes(line, strlen(line));
}

/* The server has heard exactly this since the last time, and nothing else. */
static void check_heard(void)
{
    CHECK(expected != NULL);
    char *line = expected;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        CHECK_TEXT(server_wait(server, "said "), line);
    }
    server_command(server, "numbers");
    CHECK(!server_has(server, "said "));
    free(expected);
    expected = NULL;
    expected_len = expected_capacity = 0;
}

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* ---- Twenty thousand ---- */

/* Bytes of texts, around those where the library changes how it keeps a Send: event, namespace and message together. */
static const size_t BORDERS[] = {0, 1, 2, 100, 1018, 1019, 1020, 1021, 1022, 1023, 1024, 1025, 1026, 4096};

/* A text of so many bytes whose characters have up to four: one of them lies across each border. */
static const char *text_of_bytes(size_t bytes, unsigned seed)
{
    static const char *const characters[] = {"x", "é", "€", "🚀"};
    static char text[8192];
    size_t len = 0;
    while (len < bytes) {
        const char *next = characters[(seed + len) % COUNT(characters)];
        next = len + strlen(next) <= bytes ? next : "y";
        memcpy(text + len, next, strlen(next));
        len += strlen(next);
    }
    text[len] = 0;
    return text;
}

static void send_text(const char *event, const char *text, const char *nsp)
{
    static char frame[9000];
    snprintf(frame, sizeof frame, "42[\"%s\",\"%s\"]", event, text);
    SEND(client, .event = event, .message = text, .nsp = nsp);
    expect_frame(frame);
}

/* One of all that a host may ask for between two Sends. Gives the number of replies it waits for. */
static int send_one_of_each(unsigned i)
{
    static const uint8_t bytes[] = {0x00, 0xff, 0x1e};
    static const socketio_bytes_t list[] = {{bytes, 3}, {bytes, 0}};
    char text[64];
    char frame[128];
    uint64_t request;
    snprintf(text, sizeof text, "{\"n\":%u}", i);
    switch (i % 8) {
    case 0:
        snprintf(frame, sizeof frame, "42[\"json\",%s]", text);
        SEND(client, .event = "json", .format = "JSON", .message = text);
        expect_frame(frame);
        return 0;
    case 1:
        snprintf(frame, sizeof frame, "42[\"list\",%u,\"é\"]", i);
        snprintf(text, sizeof text, "[%u,\"é\"]", i);
        SEND(client, .event = "list", .format = "Arguments", .message = text);
        expect_frame(frame);
        return 0;
    case 2:
        SEND(client, .event = "bin", .format = "Binary", .bytes = list[0]);
        expect_frame("451-[\"bin\",{\"_placeholder\":true,\"num\":0}]");
        expect_binary("00ff1e");
        return 0;
    case 3:
        SEND(client, .event = "two", .message = "é", .attachments = list, .attachment_count = 2);
        expect_frame("452-[\"two\",\"é\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
        expect_binary("00ff1e");
        expect_binary("");
        return 0;
    case 4:
        /* An empty list is as good as none. */
        SEND(client, .event = "none", .message = "é", .attachments = list, .attachment_count = 0);
        expect_frame("42[\"none\",\"é\"]");
        return 0;
    case 5:
        snprintf(text, sizeof text, "s%u", i);
        subscribe(client, text, NULL);
        return 0;
    case 6:
        request = SEND(client, .event = "question", .message = "?", .reply_timeout = 3600);
        snprintf(frame, sizeof frame, "42%llu[\"question\",\"?\"]", (unsigned long long)request);
        expect_frame(frame);
        return 1;
    default:
        SEND(client, .event = "wrong", .format = "JSON", .message = "{");
        return 0;
    }
}

static int send_burst(unsigned from, unsigned count)
{
    static const char *const policies[] = {NULL, "Keep Latest", "Drop"};
    unsigned state = from + 1;
    int questions = 0;
    for (unsigned i = from; i < from + count; i++) {
        unsigned random = next_random(&state);
        if (i % 50 == 0) {
            questions += send_one_of_each(i / 50);
        } else if (i % 50 == 1) {
            send_text("e", text_of_bytes(BORDERS[random % COUNT(BORDERS)], random), random % 2 == 0 ? NULL : "/");
        } else {
            char number[16];
            char frame[64];
            snprintf(number, sizeof number, "%u", i);
            snprintf(frame, sizeof frame, "42[\"n\",\"%u\"]", i);
            SEND(client, .event = "n", .message = number, .if_not_connected = policies[random % 3]);
            expect_frame(frame);
        }
    }
    return questions;
}

/* A connection that is asked something and has an answer to give; its queue has room for all of a burst. */
static int64_t begin_burst(void)
{
    server = scripted_start();
    client = script_connected(server, JSON("queue_messages":30000,"connect_timeout":60));
    subscribe(client, "ask", NULL);
    WAIT_SUBSCRIBED(client, "ask");
    script_say(server, "427" JSON(["ask"]));
    return int_of(WAIT_RECEIVE(client, "ask"), RECEIVE_REPLY_ID);
}

static void a_frame_of_twenty_thousand_of_all_kinds(void)
{
    int64_t reply_id = begin_burst();
    int questions = send_burst(0, 10000);
    REPLY(client, reply_id, .message = "here");
    expect_frame("437" JSON(["here"]));
    questions += send_burst(10000, 10000);
    SEND(client, .event = "last");
    expect_frame("42" JSON(["last",""]));
    check_heard();
    CHECK_INT(state_of(client).queued, 0);
    CHECK_INT(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_SUBSCRIBE), 50);
    /* Said once, however often. */
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "json_invalid"), ERROR_MESSAGE), "wrong");
    CHECK_NONE(.node_type = SOCKETIO_NODE_SEND);
    CHECK_INT(questions, 50);
    CHECK_STATUS(stop(client), SOCKETIO_OK);
    WAIT_STOP(client);
    CHECK_INT(TAKE_ALL(.node_type = SOCKETIO_NODE_SEND), questions);
}

/* What was sent before Stop leaves; what comes behind Start waits for the next connection, each by its own rule. */
static void a_stop_and_a_start_in_the_middle_of_a_frame(void)
{
    begin_burst();
    send_burst(2, 5000);
    stop(client);
    expect_frame("41");
    start(client);
    char number[16];
    char frame[64];
    for (int i = 0; i < 3000; i++) {
        snprintf(number, sizeof number, "%d", i);
        SEND(client, .event = "each", .message = number);
        SEND(client, .event = "latest", .message = number, .if_not_connected = "Keep Latest");
        SEND(client, .event = "dropped", .message = number, .if_not_connected = "Drop");
    }
    /* The questions of the first half are over; the other errors have been told. */
    WAIT_ERROR_CODE(client, "not_connected");
    ignore_errors();
    check_heard();
    WAIT_STOP(client);
    script_handshake(server);
    script_expect(server, "40");
    /* It connects while it still takes what was sent meanwhile. */
    AWAIT(state_of(client).queued == 3001);
    script_say(server, "40" JSON({"sid":"second"}));
    for (int i = 0; i < 3000; i++) {
        snprintf(frame, sizeof frame, "42[\"each\",\"%d\"]", i);
        expect_frame(frame);
        if (i == 0) {
            expect_frame("42" JSON(["latest","2999"]));
        }
    }
    SEND(client, .event = "last");
    expect_frame("42" JSON(["last",""]));
    check_heard();
    CHECK_INT(state_of(client).dropped, 3000);
    WAIT_START(client);
}

/* ---- Several threads ---- */

#define THREADS 4
#define PER_THREAD 2000

/* Short ones and such as are longer than what is kept side by side, in turn. */
static void *send_numbers(void *argument)
{
    static char filler[2001];
    memset(filler, 'f', sizeof filler - 1);
    int thread = *(const int *)argument;
    char text[3000];
    for (int i = 0; i < PER_THREAD; i++) {
        int length = i % 7 == 0 ? 990 + i % 50 : i % 41 == 0 ? 2000 : i % 30;
        snprintf(text, sizeof text, "[\"t%d\",%d,\"%.*s\"]", thread, i, length, filler);
        SEND(client, .event = "numbered", .format = "Arguments", .message = text);
    }
    return NULL;
}

static void threads_that_send_at_once_keep_their_order(void)
{
    server = server_start(NULL);
    client = connected(server, NULL);
    pthread_t threads[THREADS];
    static int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, send_numbers, &numbers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    barrier(client);
    CHECK_TEXT(server_command(server, "numbers"),
               "{\"t0\":{\"count\":2000,\"ordered\":true},\"t1\":{\"count\":2000,\"ordered\":true},"
               "\"t2\":{\"count\":2000,\"ordered\":true},\"t3\":{\"count\":2000,\"ordered\":true}}");
}

/* ---- Nothing waits for what comes next ---- */

/* How long a message may take through this machine, and what else it does meanwhile. */
#define AT_ONCE_MS (100 * slowdown())

static int64_t echo_takes(void)
{
    int64_t began = now_ms();
    SEND(client, .event = "echo", .message = "x");
    WAIT_RECEIVE(client, "echo");
    return now_ms() - began;
}

static void begin_echo(void)
{
    server = server_start(NULL);
    client = connected(server, NULL);
    subscribe(client, "echo", NULL);
    WAIT_SUBSCRIBED(client, "echo");
    barrier(client);
}

/* The quickest of a few: a busy machine may be late, a Send that waits for another is never in time. */
static void a_single_send_leaves_at_once(void)
{
    begin_echo();
    int64_t quickest = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        listen_for(50);
        int64_t took = echo_takes();
        quickest = took < quickest ? took : quickest;
    }
    if (quickest > AT_ONCE_MS) {
        FAIL("an echo took %lld ms at least", (long long)quickest);
    }
}

/* While another thread sends all the time, but not fast. */
static int trickle_ends;

static void *trickle(void *argument)
{
    int *sent = argument;
    char text[64];
    for (; !__sync_fetch_and_add(&trickle_ends, 0); (*sent)++) {
        snprintf(text, sizeof text, "[\"k\",%d]", *sent);
        SEND(client, .event = "numbered", .format = "Arguments", .message = text);
        sleep_ms(1);
    }
    return NULL;
}

static void a_send_in_a_steady_trickle_leaves_at_once(void)
{
    begin_echo();
    pthread_t thread;
    int sent = 0;
    CHECK(pthread_create(&thread, NULL, trickle, &sent) == 0);
    int64_t quickest = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        listen_for(50);
        int64_t took = echo_takes();
        quickest = took < quickest ? took : quickest;
    }
    __sync_fetch_and_add(&trickle_ends, 1);
    CHECK(pthread_join(thread, NULL) == 0);
    if (quickest > AT_ONCE_MS) {
        FAIL("an echo took %lld ms at least", (long long)quickest);
    }
    char expected_numbers[64];
    snprintf(expected_numbers, sizeof expected_numbers, "{\"k\":{\"count\":%d,\"ordered\":true}}", sent);
    barrier(client);
    CHECK_TEXT(server_command(server, "numbers"), expected_numbers);
}

/* After its last message a host says nothing more to the library, and looks at nothing: all of it arrives. */
static void the_last_of_a_burst_leaves_without_a_further_call(void)
{
    enum { ROUNDS = 60 };
    server = server_start(NULL);
    client = connected(server, NULL);
    barrier(client);
    unsigned state = 7;
    int sent = 0;
    for (int round = 0; round < ROUNDS; round++) {
        unsigned most = round % 3 == 0 ? 1000 : 20;
        for (unsigned count = 1 + next_random(&state) % most; count > 0; count--, sent++) {
            char text[64];
            snprintf(text, sizeof text, "[\"k\",%d]", sent);
            SEND(client, .event = "numbered", .format = "Arguments", .message = text);
        }
        char line[64];
        snprintf(line, sizeof line, "{\"k\":{\"count\":%d,\"ordered\":true}}", sent);
        AWAIT(strcmp(server_command(server, "numbers"), line) == 0);
    }
}

TEST_MAIN(
    CASE_ONCE(a_frame_of_twenty_thousand_of_all_kinds),
    CASE_ONCE(a_stop_and_a_start_in_the_middle_of_a_frame),
    CASE(threads_that_send_at_once_keep_their_order),
    CASE(a_single_send_leaves_at_once),
    CASE(a_send_in_a_steady_trickle_leaves_at_once),
    CASE(the_last_of_a_burst_leaves_without_a_further_call))
