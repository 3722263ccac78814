/* Several threads at once: refused or in order, never harmful. */

#include "harness.h"

#include <pthread.h>
#include <stdio.h>

#define THREADS 8
#define PER_THREAD 1000

static socketio_connection_t client;
static int finished;

static int is_finished(void)
{
    return __sync_fetch_and_add(&finished, 0);
}

/* For calls that others may be in the way of: each of these is an honest answer. */
static int is_any(socketio_status_t status, const socketio_status_t *allowed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (status == allowed[i]) {
            return 1;
        }
    }
    return 0;
}

#define CHECK_ANY(status, ...)                                                       \
    do {                                                                             \
        const socketio_status_t allowed_[] = {__VA_ARGS__};                          \
        socketio_status_t status_ = (status);                                        \
        if (!is_any(status_, allowed_, COUNT(allowed_))) {                           \
            FAIL("%s: expected one of %s, saw %s", #status, #__VA_ARGS__, plugin.status_name(status_)); \
        }                                                                            \
    } while (0)

static void finish_threads(pthread_t *threads, size_t count)
{
    __sync_fetch_and_add(&finished, 1);
    for (size_t i = 0; i < count; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static void start_threads(pthread_t *threads, size_t count, void *(*run)(void *), int *numbers)
{
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (int)i;
        CHECK(pthread_create(&threads[i], NULL, run, &numbers[i]) == 0);
    }
}

/* ---- Sending ---- */

static void *emit_numbers(void *argument)
{
    int thread = *(int *)argument;
    for (int i = 0; i < PER_THREAD; i++) {
        char arguments[32];
        snprintf(arguments, sizeof arguments, "[\"thread %d\",%d]", thread, i);
        SEND(client, .event = "numbered", .format = "Arguments", .message = arguments);
    }
    return NULL;
}

static void eight_threads_emit_at_once(void)
{
    server_t *server = server_start(NULL);
    client = connected(server, NULL);
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    server_command(server, "flood %s", JSON({"event":"news","count":2000}));
    pthread_t threads[THREADS];
    int numbers[THREADS];
    start_threads(threads, THREADS, emit_numbers, numbers);
    for (int i = 0; i < 2000; i++) {
        WAIT_RECEIVE(client, "news");
    }
    finish_threads(threads, THREADS);
    barrier(client);
    char expected[1024] = "{";
    for (int i = 0; i < THREADS; i++) {
        size_t len = strlen(expected);
        snprintf(expected + len, sizeof expected - len, "%s" JSON("thread %d":{"count":%d,"ordered":true}),
                 i > 0 ? "," : "", i, PER_THREAD);
    }
    strcat(expected, "}");
    CHECK_TEXT(server_command(server, "numbers"), expected);
}

/* ---- Polling ---- */

static void *wait_long(void *argument)
{
    socketio_status_t *status = argument;
    /* Until the other thread is not just polling itself. */
    do {
        *status = plugin.event_wait(PATIENCE_MS);
    } while (*status == SOCKETIO_E_BUSY);
    return NULL;
}

static void a_second_poller_is_refused(void)
{
    server_t *server = server_start(NULL);
    client = connected(server, NULL);
    barrier(client);
    socketio_status_t waited = SOCKETIO_OK;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_long, &waited) == 0);
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    /* As soon as the other thread waits, this one may not. */
    AWAIT(plugin.event_poll(0, &batch) == SOCKETIO_E_BUSY);
    CHECK_STATUS(plugin.event_wait(0), SOCKETIO_E_BUSY);
    CHECK(last_error()[0] != 0);
    SEND(client, .event = "ack", .reply_timeout = 10);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_STATUS(waited, SOCKETIO_OK);
    WAIT(.node_type = SOCKETIO_NODE_SEND);
}

static uint32_t polled;

static void *poll_along(void *argument)
{
    (void)argument;
    while (!is_finished()) {
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        socketio_status_t status = plugin.event_poll(3, &batch);
        CHECK_ANY(status, SOCKETIO_OK, SOCKETIO_MORE, SOCKETIO_E_BUSY);
        /* The batch itself may be another thread's poll away from gone: only its count is looked at. */
        if (status >= 0) {
            __sync_fetch_and_add(&polled, batch.count);
        }
        CHECK_ANY(plugin.event_wait(1), SOCKETIO_OK, SOCKETIO_TIMED_OUT, SOCKETIO_E_BUSY);
    }
    return NULL;
}

static void many_pollers_share_all_events(void)
{
    server_t *server = server_start(NULL);
    client = connected(server, NULL);
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    pthread_t threads[4];
    int numbers[4];
    start_threads(threads, COUNT(threads), poll_along, numbers);
    server_command(server, "flood %s", JSON({"event":"news","count":3000}));
    AWAIT(__sync_fetch_and_add(&polled, 0) >= 3000);
    finish_threads(threads, COUNT(threads));
    CHECK_INT(polled, 3000);
}

/* ---- Control ---- */

static void *control_along(void *argument)
{
    static const char settings[] = JSON({"connections":[{"name":"main","url":"http://127.0.0.1:9","autostart":true}]});
    int number = *(int *)argument;
    while (!is_finished()) {
        socketio_status_t status = number % 3 == 0   ? plugin.plugin_enable(NULL)
                                   : number % 3 == 1 ? plugin.plugin_disable(500)
                                                     : plugin.settings_apply(settings, sizeof settings - 1);
        CHECK_ANY(status, SOCKETIO_OK, SOCKETIO_ALREADY, SOCKETIO_E_BUSY, SOCKETIO_E_STATE, SOCKETIO_E_TIMEOUT);
        number++;
    }
    return NULL;
}

static void *use_along(void *argument)
{
    (void)argument;
    while (!is_finished()) {
        socketio_connection_t connection = 0;
        if (plugin.connection_find("main", 4, &connection) == SOCKETIO_OK) {
            socketio_connection_info_t info = {.struct_size = sizeof info};
            const socketio_value_t inputs[] = {{0}, value_text("event")};
            socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, connection);
            call.inputs = inputs;
            call.input_count = COUNT(inputs);
            CHECK_ANY(plugin.connection_info(connection, &info), SOCKETIO_OK, SOCKETIO_E_STATE, SOCKETIO_E_STALE);
            CHECK_ANY(plugin.node_execute(&call, NULL), SOCKETIO_OK, SOCKETIO_E_STATE, SOCKETIO_E_STALE,
                      SOCKETIO_E_QUEUE_FULL);
        }
    }
    return NULL;
}

static void control_calls_exclude_each_other(void)
{
    plugin_load();
    pthread_t controls[4];
    pthread_t users[2];
    int numbers[4];
    int user_numbers[2];
    start_threads(controls, COUNT(controls), control_along, numbers);
    start_threads(users, COUNT(users), use_along, user_numbers);
    for (int64_t limit = now_ms() + 1500; now_ms() < limit;) {
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        CHECK_ANY(plugin.event_poll(0, &batch), SOCKETIO_OK, SOCKETIO_MORE, SOCKETIO_E_STATE, SOCKETIO_E_BUSY);
    }
    finish_threads(controls, COUNT(controls));
    finish_threads(users, COUNT(users));
    CHECK(plugin.plugin_disable(2000) >= 0);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    /* Taken without the harness: the sessions of many activations. */
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    while (plugin.event_poll(0, &batch) >= 0) {
    }
    forgive_sessions();
}

static void *disable_once(void *argument)
{
    socketio_status_t *status = argument;
    *status = plugin.plugin_disable(3000);
    return NULL;
}

static void two_disables_at_once(void)
{
    server_t *server = server_start(NULL);
    connected(server, NULL);
    server_freeze(server);
    socketio_status_t statuses[2];
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        CHECK(pthread_create(&threads[i], NULL, disable_once, &statuses[i]) == 0);
    }
    finish_threads(threads, 2);
    CHECK(statuses[0] == SOCKETIO_OK || statuses[1] == SOCKETIO_OK);
    CHECK(statuses[0] != statuses[1]);
    for (size_t i = 0; i < 2; i++) {
        CHECK_ANY(statuses[i], SOCKETIO_OK, SOCKETIO_ALREADY, SOCKETIO_E_BUSY);
    }
}

/* ---- Calls that race with disable ---- */

static int accepted;
static int begun;

static int is_over(socketio_status_t status)
{
    return status == SOCKETIO_E_STATE || status == SOCKETIO_E_STALE;
}

static void *ask_until_the_end(void *argument)
{
    (void)argument;
    const socketio_value_t attributes[] = {{0}, {0}, {0}, value_number(60)};
    const socketio_value_t inputs[] = {{0}, value_text("event")};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.attributes = attributes;
    call.attribute_count = COUNT(attributes);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    for (socketio_status_t status = SOCKETIO_OK; !is_over(status);) {
        status = plugin.node_execute(&call, NULL);
        CHECK_ANY(status, SOCKETIO_OK, SOCKETIO_E_QUEUE_FULL, SOCKETIO_E_STATE, SOCKETIO_E_STALE);
        __sync_fetch_and_add(&accepted, status == SOCKETIO_OK);
    }
    return NULL;
}

static void *start_and_stop_until_the_end(void *argument)
{
    (void)argument;
    const socketio_node_call_t start_call = node_call(SOCKETIO_NODE_START, client);
    const socketio_node_call_t stop_call = node_call(SOCKETIO_NODE_STOP, client);
    for (socketio_status_t status = SOCKETIO_OK; !is_over(status);) {
        status = plugin.node_execute(&start_call, NULL);
        CHECK_ANY(status, SOCKETIO_OK, SOCKETIO_E_STATE, SOCKETIO_E_STALE);
        __sync_fetch_and_add(&begun, status == SOCKETIO_OK);
        if (status == SOCKETIO_OK) {
            status = plugin.node_execute(&stop_call, NULL);
        }
    }
    return NULL;
}

/* What was accepted comes to its end: a Reply or a Timeout for each question, a final On Stop for each Start. */
static void what_disable_races_with_is_ended_or_refused(void)
{
    plugin_load();
    int port = port_reserve();
    for (int round = 0; round < 30; round++) {
        enable();
        client = configure(port, NULL);
        accepted = begun = 0;
        pthread_t askers[3];
        pthread_t starter[1];
        int numbers[3];
        start_threads(askers, COUNT(askers), ask_until_the_end, numbers);
        start_threads(starter, COUNT(starter), start_and_stop_until_the_end, numbers);
        AWAIT(__sync_fetch_and_add(&accepted, 0) > 100 && __sync_fetch_and_add(&begun, 0) > 0);
        CHECK_STATUS(plugin.plugin_disable(3000), SOCKETIO_OK);
        finish_threads(askers, COUNT(askers));
        finish_threads(starter, COUNT(starter));
        int answered = 0;
        int ended = 0;
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        while (plugin.event_poll(0, &batch) >= 0) {
            for (uint32_t i = 0; i < batch.count; i++) {
                answered += batch.events[i]->node_type == SOCKETIO_NODE_SEND;
                ended += batch.events[i]->node_type == SOCKETIO_NODE_ON_STOP;
            }
        }
        CHECK_INT(answered, accepted);
        CHECK_INT(ended, begun);
    }
}

TEST_MAIN(
    CASE(eight_threads_emit_at_once),
    CASE(a_second_poller_is_refused),
    CASE(many_pollers_share_all_events),
    CASE(control_calls_exclude_each_other),
    CASE(two_disables_at_once),
    CASE(what_disable_races_with_is_ended_or_refused))
