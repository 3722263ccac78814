/* The host's side of polling and of callbacks: batches that are held, pollers that share, callbacks that take long. */

#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- A batch that is held ---- */

typedef struct copied_t {
    socketio_event_t head;
    socketio_value_t outputs[8];
    uint8_t *bytes[64];
    size_t lens[64];
    size_t count;
} copied_t;

#define ATTACHMENTS 24
#define ATTACHMENT_LEN (1 << 20)

static socketio_event_batch_t held = {.struct_size = sizeof held};
static copied_t copies[16];

static void keep_bytes(copied_t *copy, const void *bytes, size_t len)
{
    CHECK(copy->count < COUNT(copy->bytes));
    copy->bytes[copy->count] = malloc(len + 1);
    CHECK(copy->bytes[copy->count] != NULL);
    if (len > 0) {
        memcpy(copy->bytes[copy->count], bytes, len);
    }
    copy->lens[copy->count++] = len;
}

/* Calls `each` for all that hangs off an event: texts with their NUL, lists, attachments. */
static void walk(const socketio_event_t *event, copied_t *copy, void (*each)(copied_t *, const void *, size_t))
{
    for (uint32_t i = 0; i < event->output_count; i++) {
        const socketio_value_t *value = &event->outputs[i];
        if (value->type == SOCKETIO_TYPE_STRING || value->type == SOCKETIO_TYPE_JSON) {
            each(copy, value->as.string.ptr, value->as.string.len + 1);
        } else if (value->type == SOCKETIO_TYPE_BYTES_LIST) {
            const socketio_bytes_list_t list = value->as.bytes_list;
            each(copy, list.ptr, list.len * sizeof *list.ptr);
            for (size_t k = 0; k < list.len; k++) {
                each(copy, list.ptr[k].ptr, list.ptr[k].len);
            }
        }
    }
}

static void keep_batch(void)
{
    CHECK(held.count > 0 && held.count <= COUNT(copies));
    for (uint32_t i = 0; i < held.count; i++) {
        copies[i].head = *held.events[i];
        CHECK(held.events[i]->output_count <= COUNT(copies[i].outputs));
        memcpy(copies[i].outputs, held.events[i]->outputs, held.events[i]->output_count * sizeof(socketio_value_t));
        walk(held.events[i], &copies[i], keep_bytes);
    }
}

static void compare_bytes(copied_t *copy, const void *bytes, size_t len)
{
    CHECK_INT(len, copy->lens[copy->count]);
    CHECK(len == 0 || memcmp(bytes, copy->bytes[copy->count], len) == 0);
    copy->count++;
}

/* Byte by byte what it was. */
static void check_batch(void)
{
    for (uint32_t i = 0; i < held.count; i++) {
        const socketio_event_t *event = held.events[i];
        CHECK(memcmp(event, &copies[i].head, sizeof *event) == 0);
        CHECK(memcmp(event->outputs, copies[i].outputs, event->output_count * sizeof(socketio_value_t)) == 0);
        copies[i].count = 0;
        walk(event, &copies[i], compare_bytes);
    }
}

static void await_events(void)
{
    CHECK_STATUS(plugin.event_wait(PATIENCE_MS), SOCKETIO_OK);
}

/* Receives one event with many attachments; its batch is held. */
static void hold_one(server_t *server, socketio_connection_t client)
{
    subscribe(client, "big", NULL);
    WAIT_SUBSCRIBED(client, "big");
    char command[4096] = "emit {\"event\":\"big\",\"args\":[\"text\"";
    for (int i = 0; i < ATTACHMENTS; i++) {
        snprintf(command + strlen(command), 64, ",{\"_fill\":%d}", ATTACHMENT_LEN + i);
    }
    server_command(server, "%s]}", command);
    await_events();
    CHECK_STATUS(plugin.event_poll(0, &held), SOCKETIO_OK);
    CHECK_INT(held.count, 1);
    CHECK_INT(held.events[0]->node_type, SOCKETIO_NODE_ON_RECEIVE);
    keep_batch();
    CHECK_INT(copies[0].count, 5 + ATTACHMENTS);
}

static void a_batch_outlives_disable_and_enable_and_dlclose(void)
{
    server_t *server = server_start(NULL);
    hold_one(server, connected(server, NULL));
    check_batch();
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_OK);
    check_batch();
    /* Another activation, with traffic of its own; nothing of it is polled. */
    enable();
    socketio_connection_t client = configure_url(server_url(server), NULL);
    start(client);
    await_events();
    SEND(client, .event = "ack", .reply_timeout = 10);
    server_wait(server, "got ");
    check_batch();
    /* A poll that is refused frees nothing either. */
    CHECK_STATUS(plugin.event_poll(0, NULL), SOCKETIO_E_INVALID);
    check_batch();
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_OK);
    plugin_close(&plugin);
    check_batch();
    plugin_load();
    long before = rss_kib();
    socketio_event_batch_t next = {.struct_size = sizeof next};
    CHECK(plugin.event_poll(0, &next) >= 0);
    /* A sanitizer keeps what is freed, to see who touches it. */
    CHECK(UNDER_SANITIZER || before - rss_kib() > ATTACHMENTS * 1024 / 2);
    forgive_sessions();
}

/* ---- Pollers that share ---- */

static pthread_mutex_t poll_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t numbers_seen;
static int out_of_order;

/* As the header wants it: one at a time, and whoever polls reads before another one polls. */
static void *poll_in_turn(void *argument)
{
    const int64_t wanted = *(int64_t *)argument;
    for (int done = 0; !done;) {
        pthread_mutex_lock(&poll_lock);
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        socketio_status_t status = plugin.event_poll(7, &batch);
        if (status != SOCKETIO_OK && status != SOCKETIO_MORE) {
            FAIL("expected events, saw %s", plugin.status_name(status));
        }
        for (uint32_t i = 0; i < batch.count; i++) {
            if (batch.events[i]->node_type == SOCKETIO_NODE_ON_RECEIVE) {
                const socketio_string_t text = batch.events[i]->outputs[RECEIVE_MESSAGE].as.string;
                out_of_order += atoll(text.ptr) != numbers_seen;
                numbers_seen++;
            }
        }
        done = numbers_seen >= wanted;
        pthread_mutex_unlock(&poll_lock);
    }
    return NULL;
}

static void two_threads_that_take_turns_lose_and_double_nothing(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    int64_t wanted = 5000;
    pthread_t threads[2];
    for (size_t i = 0; i < COUNT(threads); i++) {
        CHECK(pthread_create(&threads[i], NULL, poll_in_turn, &wanted) == 0);
    }
    server_command(server, "flood %s", JSON({"event":"news","count":5000}));
    for (size_t i = 0; i < COUNT(threads); i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK_INT(numbers_seen, 5000);
    CHECK_INT(out_of_order, 0);
}

/* ---- Callbacks ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moves = PTHREAD_COND_INITIALIZER;
static int is_inside;
static int is_open;

/* A log callback that does not return until it is let go. */
static void stay_inside(void *context, const socketio_log_record_t *record)
{
    (void)context;
    (void)record;
    pthread_mutex_lock(&gate);
    is_inside = 1;
    pthread_cond_broadcast(&gate_moves);
    while (!is_open) {
        pthread_cond_wait(&gate_moves, &gate);
    }
    pthread_mutex_unlock(&gate);
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate);
    is_open = 1;
    pthread_cond_broadcast(&gate_moves);
    pthread_mutex_unlock(&gate);
}

static void *poll_once(void *argument)
{
    (void)argument;
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK(plugin.event_poll(0, &batch) >= 0);
    return NULL;
}

/* Enables with that callback; another thread polls, and is kept in it. */
static void enter_log(pthread_t *thread)
{
    plugin_load();
    socketio_host_t host = {.struct_size = sizeof host, .abi_version = SOCKETIO_ABI_VERSION, .log = stay_inside};
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_OK);
    CHECK(pthread_create(thread, NULL, poll_once, NULL) == 0);
    pthread_mutex_lock(&gate);
    while (!is_inside) {
        pthread_cond_wait(&gate_moves, &gate);
    }
    pthread_mutex_unlock(&gate);
}

static void a_log_callback_that_takes_long_holds_nobody_up(void)
{
    server_t *server = server_start(NULL);
    pthread_t thread;
    enter_log(&thread);
    int64_t began = now_ms();
    socketio_connection_t client = configure_url(server_url(server), NULL);
    start(client);
    server_wait(server, "connected ");
    SEND(client, .event = "hello");
    server_wait(server, "got ");
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK_STATUS(plugin.event_poll(0, &batch), SOCKETIO_E_BUSY);
    CHECK_STATUS(plugin.event_wait(1000), SOCKETIO_E_BUSY);
    CHECK_INT(info_of(client).state, SOCKETIO_CONNECTION_CONNECTED);
    CHECK(now_ms() - began < PATIENCE_MS);
    open_gate();
    CHECK(pthread_join(thread, NULL) == 0);
    barrier(client);
}

/* The callback may still be running: disable may say so, but never later than it is told to. */
static void disable_does_not_wait_for_a_log_callback_for_ever(void)
{
    pthread_t thread;
    enter_log(&thread);
    int64_t began = now_ms();
    CHECK_STATUS(plugin.plugin_disable(300), SOCKETIO_E_TIMEOUT);
    CHECK(now_ms() - began < 1200);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DRAINING);
    CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_E_BUSY);
    open_gate();
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_OK);
    enable();
}

typedef struct asked_t {
    int calls;
    socketio_status_t check;
    uint32_t state;
} asked_t;

static asked_t in_log;
static asked_t in_wake;

/* The first call counts. */
static void ask(asked_t *asked)
{
    if (asked->calls++ == 0) {
        asked->check = plugin.settings_check("{}", 2);
        asked->state = plugin.plugin_state();
    }
}

static void log_asks(void *context, const socketio_log_record_t *record)
{
    (void)context;
    (void)record;
    ask(&in_log);
}

static void wake_asks(void *context)
{
    (void)context;
    ask(&in_wake);
}

/* Every other function is called from both in misuse_callbacks. */
static void a_callback_asks_what_needs_no_lock(void)
{
    server_t *server = server_start(NULL);
    plugin_load();
    socketio_host_t host = {.struct_size = sizeof host, .abi_version = SOCKETIO_ABI_VERSION};
    host.log = log_asks;
    host.wake = wake_asks;
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_OK);
    socketio_connection_t client = configure_url(server_url(server), NULL);
    start(client);
    WAIT_START(client);
    disable();
    CHECK(in_log.calls > 0 && in_wake.calls > 0);
    CHECK_INT(in_log.state, SOCKETIO_PLUGIN_ENABLED);
    /* The first one may have been just before the plugin was deactivated. */
    CHECK(in_wake.state == SOCKETIO_PLUGIN_ENABLED || in_wake.state == SOCKETIO_PLUGIN_DRAINING);
    CHECK_STATUS(in_log.check, SOCKETIO_E_BUSY);
    CHECK_STATUS(in_wake.check, SOCKETIO_E_BUSY);
}

static server_t *left_at_exit;
static socketio_connection_t stopped_at_exit;

/* The variables of the thread are destroyed by now. */
static void calls_at_exit(void)
{
    CHECK_STATUS(stop(stopped_at_exit), SOCKETIO_OK);
    server_expect(left_at_exit, "disconnected " JSON({"nsp":"/","reason":"client namespace disconnect"}));
    CHECK_STATUS(start(stopped_at_exit), SOCKETIO_OK);
    CHECK_STATUS(plugin.plugin_disable(5000), SOCKETIO_OK);
    /* Without the checks of a case: this is where the process ends. */
    _exit(0);
}

/* A host may well deactivate the plugin where its globals are destroyed. */
static void calls_while_the_process_exits(void)
{
    left_at_exit = server_start(NULL);
    stopped_at_exit = connected(left_at_exit, NULL);
    /* A call that wakes the plugin's thread. */
    barrier(stopped_at_exit);
    CHECK(atexit(calls_at_exit) == 0);
    exit(1);
}

TEST_MAIN(
    CASE(calls_while_the_process_exits),
    CASE(a_batch_outlives_disable_and_enable_and_dlclose),
    CASE(two_threads_that_take_turns_lose_and_double_nothing),
    CASE(a_log_callback_that_takes_long_holds_nobody_up),
    CASE(disable_does_not_wait_for_a_log_callback_for_ever),
    CASE(a_callback_asks_what_needs_no_lock))
