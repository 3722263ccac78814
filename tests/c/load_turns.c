/* Who has much to say or to hear, or stops in the middle of it, is no burden for the others. */

#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB 1024L

static server_t *server;
static server_t *other_server;
static socketio_connection_t client;
static socketio_connection_t other;

/* ---- What one connection does to another ---- */

#define WATCHED_MS 1000
/* An answer each 100 ms, and many more when nothing is in the way. */
#define LEAST_ANSWERS (WATCHED_MS / 100)

/* One connection to the given server, and one beside it, both connected. */
static void begin_two(server_t *busy)
{
    server = busy;
    other_server = server_start(NULL);
    begin();
    settings_add("busy", server_port(server), NULL);
    settings_add("quiet", server_port(other_server), NULL);
    settings_apply();
    client = find("busy");
    other = find("quiet");
    start(other);
    WAIT_START(other);
    barrier(other);
}

/* The other connection gets its answers, and the busy one, if it is to be asked as well. */
static void check_answers(int also_busy)
{
    int answers = 0;
    int64_t began = now_ms();
    while (now_ms() - began < WATCHED_MS * slowdown()) {
        barrier(other);
        if (also_busy) {
            barrier(client);
        }
        answers++;
    }
    if (answers < LEAST_ANSWERS) {
        FAIL("%d answers in %d ms", answers, WATCHED_MS);
    }
}

static socketio_node_call_t endless_call;
static int is_over;

static void *call_without_end(void *argument)
{
    (void)argument;
    while (!__sync_fetch_and_add(&is_over, 0)) {
        plugin.node_execute(&endless_call, NULL);
    }
    return NULL;
}

/* Two threads of the host repeat this call as fast as they can. */
static void check_answers_beside(const socketio_node_call_t *call, int also_busy)
{
    pthread_t threads[2];
    endless_call = *call;
    for (size_t i = 0; i < COUNT(threads); i++) {
        CHECK(pthread_create(&threads[i], NULL, call_without_end, NULL) == 0);
    }
    check_answers(also_busy);
    __sync_fetch_and_add(&is_over, 1);
    for (size_t i = 0; i < COUNT(threads); i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    ignore_errors();
}

static void begin_two_connected(void)
{
    begin_two(server_start(NULL));
    start(client);
    WAIT_START(client);
    barrier(client);
}

static void a_host_that_sends_without_end(void)
{
    begin_two_connected();
    const socketio_value_t inputs[] = {{0}, value_text("numbered"), value_text("/"), value_text("x")};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    /* Its own questions may be refused: its queue is full. */
    check_answers_beside(&call, 0);
}

/* Nothing of it becomes a frame that would carry along what was sent before. */
static void a_host_that_subscribes_without_end(void)
{
    begin_two_connected();
    subscribe(client, "e", NULL);
    WAIT_SUBSCRIBED(client, "e");
    const socketio_value_t inputs[] = {{0}, value_text("e"), value_text("/")};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SUBSCRIBE, client);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    check_answers_beside(&call, 1);
}

/* Also while it tries to connect: the attempt goes on. */
static void a_host_that_sends_without_end_where_nobody_answers(void)
{
    begin_two(server_start(NULL));
    settings_add("busy", raw_start(NULL), JSON("connect_timeout":0.5) "," QUICK_RETRY);
    settings_add("quiet", server_port(other_server), NULL);
    settings_apply();
    start(client);
    const socketio_value_t attributes[] = {{0}, {0}, value_text("Drop")};
    const socketio_value_t inputs[] = {{0}, value_text("e"), value_text("/"), value_text("x")};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.attributes = attributes;
    call.attribute_count = COUNT(attributes);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    check_answers_beside(&call, 0);
    WAIT_ERROR_CODE(client, "connect_timeout");
}

/* ---- Floods ---- */

/* A thousand frames in one write, to each of some connections, again and again. */
static void floods_of_many_connections_beside_a_quiet_one(void)
{
    enum { FLOODED = 8, WRITES = 30 };
    server = scripted_start();
    other_server = server_start(NULL);
    begin();
    char name[16];
    for (int i = 0; i < FLOODED; i++) {
        snprintf(name, sizeof name, "c%d", i);
        settings_add(name, server_port(server), NULL);
    }
    settings_add("quiet", server_port(other_server), NULL);
    settings_apply();
    other = find("quiet");
    start(other);
    WAIT_START(other);
    for (int i = 0; i < FLOODED; i++) {
        snprintf(name, sizeof name, "c%d", i);
        subscribe_latest(find(name), "e", NULL);
        start(find(name));
        server_wait(server, "opened ");
    }
    script_say(server, "0" JSON({"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}));
    for (int i = 0; i < FLOODED; i++) {
        script_expect(server, "40");
    }
    script_say(server, "40" JSON({"sid":"s"}));
    for (int i = 0; i < FLOODED; i++) {
        snprintf(name, sizeof name, "c%d", i);
        WAIT_START(find(name));
        WAIT_SUBSCRIBED(find(name), "e");
    }
    barrier(other);
    int64_t quickest = INT64_MAX;
    for (int i = 0; i < WRITES; i++) {
        script_storm(server, "42" JSON(["e",1]), 1000);
        int64_t began = now_ms();
        barrier(other);
        int64_t took = now_ms() - began;
        quickest = took < quickest ? took : quickest;
    }
    if (quickest > 100 * slowdown()) {
        FAIL("beside %d floods an answer took %lld ms at least", FLOODED, (long long)quickest);
    }
    for (int i = 0; i < FLOODED; i++) {
        snprintf(name, sizeof name, "c%d", i);
        WAIT_RECEIVE(find(name), "e");
    }
}

/* ---- Standstill ---- */

#define STALLED 100

static socketio_connection_t stalled[STALLED];

static void begin_stalled(void)
{
    server = scripted_start();
    begin();
    char name[16];
    for (int i = 0; i < STALLED; i++) {
        snprintf(name, sizeof name, "c%d", i);
        settings_add(name, server_port(server), NULL);
    }
    settings_apply();
    for (int i = 0; i < STALLED; i++) {
        snprintf(name, sizeof name, "c%d", i);
        stalled[i] = find(name);
        subscribe(stalled[i], "e", NULL);
        start(stalled[i]);
        server_wait(server, "opened ");
    }
    script_say(server, "0" JSON({"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}));
    for (int i = 0; i < STALLED; i++) {
        script_expect(server, "40");
    }
    script_say(server, "40" JSON({"sid":"s"}));
    for (int i = 0; i < STALLED; i++) {
        WAIT_START(stalled[i]);
        WAIT_SUBSCRIBED(stalled[i], "e");
    }
}

static void take_from_all(const char *message)
{
    for (int i = 0; i < STALLED; i++) {
        CHECK_TEXT(text_of(WAIT_RECEIVE(stalled[i], "e"), RECEIVE_MESSAGE), message);
    }
}

/* Its length comes, a little of it, and then nothing: a hundred of them take no more than what has come. */
static void check_standstill(const char *header, int bytes, int come)
{
    begin_stalled();
    script_say(server, "42" JSON(["e","first"]));
    take_from_all("first");
    long before = rss_kib();
    server_command(server,
                   "bytes {\"parts\":[{\"_bytes\":\"810e\"},\"42[\\\"e\\\",\\\"near\\\"]\",{\"_bytes\":\"%s\"},"
                   "\"42[\\\"e\\\",\\\"\",{\"_repeat\":[\"x\",%d]}]}",
                   header, come);
    take_from_all("near");
    listen_for(20);
    CHECK_GROWTH(before, 8 * MIB);
    server_command(server, "bytes {\"parts\":[{\"_repeat\":[\"x\",%d]},\"\\\"]\"]}", bytes - come - 10);
    for (int i = 0; i < STALLED; i++) {
        const event_t *event = WAIT_RECEIVE(stalled[i], "e");
        const socketio_string_t text = event->outputs[RECEIVE_MESSAGE].as.string;
        CHECK_INT(text.len, bytes - 10);
        CHECK_INT(strspn(text.ptr, "x"), bytes - 10);
    }
    script_say(server, "42" JSON(["e","last"]));
    take_from_all("last");
}

static void a_hundred_stand_still_in_a_message_of_the_buffers_size(void)
{
    check_standstill("817f0000000000030000", 0x30000, 3000);
}

static void a_hundred_stand_still_in_a_large_message(void)
{
    check_standstill("817f0000000000050000", 0x50000, 3000);
}

static void a_hundred_stand_still_in_a_header(void)
{
    begin_stalled();
    /* The answer to the library's own ping has come before it. */
    script_say(server, "42" JSON(["e","first"]));
    take_from_all("first");
    for (int cut = 1; cut < 10; cut += 4) {
        static const char header[] = "817f000000000000000c";
        long before = rss_kib();
        /* Behind a whole frame, in one write. */
        server_command(server, "bytes {\"parts\":[{\"_bytes\":\"810136%.*s\"}]}", 2 * cut, header);
        listen_for(20);
        CHECK_GROWTH(before, 4 * MIB);
        server_command(server, "bytes {\"parts\":[{\"_bytes\":\"%s\"},\"42[\\\"e\\\",\\\"it\\\"]\"]}",
                       header + 2 * cut);
        take_from_all("it");
    }
}

/* ---- A way that takes little at a time ---- */

static int is_narrow;

/* The library's calls of connect end here, because an executable's symbols go before those of libc: its socket keeps
   little, as on a machine or a way with small buffers. */
int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    int size = 24576;
    if (is_narrow) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    return (int)syscall(SYS_connect, fd, address, len);
}

/* There is always more to send than the socket takes: what was sent is forgotten all the same. */
static void what_left_by_a_narrow_way_is_forgotten(void)
{
    enum { LEN = 4000, TOTAL = 1000 };
    static char text[LEN + 1];
    memset(text, 'x', LEN);
    is_narrow = 1;
    server = server_start(NULL);
    client = connected(server, JSON("queue_messages":100));
    char message[LEN + 64];
    long before = rss_kib();
    int64_t limit = now_ms() + PATIENCE_MS;
    for (int i = 0; i < TOTAL; i++) {
        snprintf(message, sizeof message, "[\"k\",%d,\"%s\"]", i, text);
        const socketio_value_t attributes[] = {{0}, value_text("Arguments")};
        const socketio_value_t inputs[] = {{0}, value_text("numbered"), value_text("/"), value_text(message)};
        socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
        call.attributes = attributes;
        call.attribute_count = COUNT(attributes);
        call.inputs = inputs;
        call.input_count = COUNT(inputs);
        while (plugin.node_execute(&call, NULL) == SOCKETIO_E_QUEUE_FULL) {
            if (now_ms() > limit) {
                FAIL("%d of %d left", i, TOTAL);
            }
            usleep(100);
        }
    }
    CHECK_GROWTH(before, 2 * MIB);
    AWAIT(state_of(client).queued == 0);
    barrier(client);
    CHECK_TEXT(server_command(server, "numbers"), JSON({"k":{"count":1000,"ordered":true}}));
    ignore_errors();
}

TEST_MAIN(
    CASE(a_host_that_sends_without_end),
    CASE(a_host_that_subscribes_without_end),
    CASE(a_host_that_sends_without_end_where_nobody_answers),
    CASE(floods_of_many_connections_beside_a_quiet_one),
    CASE(a_hundred_stand_still_in_a_message_of_the_buffers_size),
    CASE(a_hundred_stand_still_in_a_large_message),
    CASE(a_hundred_stand_still_in_a_header),
    CASE(what_left_by_a_narrow_way_is_forgotten))
