/* Polling, waiting, waking, and what a connection says about itself. */

#include "harness.h"

#include <stdio.h>

static socketio_wake_handle_t wake_handle(void)
{
    socketio_wake_handle_t handle = {.struct_size = sizeof handle};
    CHECK_STATUS(plugin.event_wake_handle(&handle), SOCKETIO_OK);
    return handle;
}

static int is_readable(void)
{
    socketio_wake_handle_t handle = wake_handle();
    return wait_handle(&handle, 0);
}

/* A server, and a connection with nothing under way. */
static socketio_connection_t idle(server_t **server)
{
    *server = server_start(NULL);
    socketio_connection_t client = connected(*server, NULL);
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    barrier(client);
    return client;
}

static void the_wake_handle_is_readable_while_events_wait(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    CHECK(!is_readable());
    for (int round = 0; round < 3; round++) {
        server_command(server, "emit %s", JSON({"event":"news","args":[1]}));
        CHECK_STATUS(plugin.event_wait(PATIENCE_MS), SOCKETIO_OK);
        /* The event is there a moment before the handle says so. */
        AWAIT(is_readable());
        /* Looking takes nothing away. */
        CHECK(is_readable());
        WAIT_RECEIVE(client, "news");
        AWAIT(!is_readable());
    }
}

static void it_stays_readable_until_the_last_event(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    for (int i = 0; i < 3; i++) {
        SEND(client, .event = "ack", .reply_timeout = 10);
    }
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    for (uint32_t seen = 0; seen < 3; seen += batch.count) {
        CHECK_STATUS(plugin.event_wait(PATIENCE_MS), SOCKETIO_OK);
        socketio_status_t status = plugin.event_poll(1, &batch);
        CHECK(batch.count <= 1);
        if (status == SOCKETIO_MORE) {
            AWAIT(is_readable());
        }
    }
    AWAIT(!is_readable());
}

/* Wakes come a moment after their events; how many is settled a little later. */
static int settled_wakes(void)
{
    sleep_ms(50);
    return wake_count();
}

/* The plugin's thread is not in the way of the host that it wakes: else the host would spin on a readable handle. */
static void a_woken_host_finds_the_events(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    socketio_wake_handle_t handle = wake_handle();
    int in_vain = 0;
    for (int round = 0; round < 500; round++) {
        SEND(client, .event = "ack", .reply_timeout = 10);
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        do {
            CHECK(wait_handle(&handle, PATIENCE_MS));
            CHECK(plugin.event_poll(0, &batch) >= 0);
            in_vain += batch.count == 0;
        } while (batch.count == 0);
    }
    CHECK(in_vain < 10);
}

static void one_wake_for_each_time_the_queue_fills(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    int before = settled_wakes();
    server_command(server, "emit %s", JSON({"event":"news","args":[1]}));
    AWAIT(wake_count() == before + 1);
    /* Nobody polls: all that comes now waits behind the same wake. */
    server_command(server, "flood %s", JSON({"event":"news","count":50}));
    CHECK_INT(settled_wakes(), before + 1);
    for (int i = 0; i < 51; i++) {
        WAIT_RECEIVE(client, "news");
    }
    barrier(client);
    before = settled_wakes();
    server_command(server, "emit %s", JSON({"event":"news","args":[2]}));
    AWAIT(wake_count() == before + 1);
    CHECK_INT(settled_wakes(), before + 1);
}

static void waiting_ends_in_time(void)
{
    server_t *server;
    idle(&server);
    int64_t began = now_ms();
    CHECK_STATUS(plugin.event_wait(0), SOCKETIO_TIMED_OUT);
    CHECK(now_ms() - began < 100);
    began = now_ms();
    CHECK_STATUS(plugin.event_wait(120), SOCKETIO_TIMED_OUT);
    CHECK(now_ms() - began >= 119 && now_ms() - began < 1000);
}

static void waiting_takes_nothing_out(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    server_command(server, "emit %s", JSON({"event":"news","args":[1]}));
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(plugin.event_wait(PATIENCE_MS), SOCKETIO_OK);
    }
    WAIT_RECEIVE(client, "news");
    CHECK_STATUS(plugin.event_wait(0), SOCKETIO_TIMED_OUT);
}

static void a_poll_takes_as_many_as_it_is_told(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    server_command(server, "flood %s", JSON({"event":"news","count":100}));
    uint64_t last_sequence = 0;
    for (int number = 0; number < 100;) {
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        CHECK_STATUS(plugin.event_wait(PATIENCE_MS), SOCKETIO_OK);
        CHECK(plugin.event_poll(7, &batch) >= 0);
        CHECK(batch.count <= 7);
        CHECK_INT(batch.dropped, 0);
        for (uint32_t i = 0; i < batch.count; i++, number++) {
            const socketio_event_t *event = batch.events[i];
            char expected[16];
            snprintf(expected, sizeof expected, "%d", number);
            CHECK_TEXT(event->outputs[RECEIVE_MESSAGE].as.string.ptr, expected);
            CHECK(number == 0 || event->sequence == last_sequence + 1);
            last_sequence = event->sequence;
        }
    }
    barrier(client);
}

static void times_and_sequence_go_up(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    server_command(server, "flood %s", JSON({"event":"news","count":20}));
    const event_t *before = WAIT_RECEIVE(client, "news");
    for (int i = 1; i < 20; i++) {
        const event_t *event = WAIT_RECEIVE(client, "news");
        CHECK_INT(event->head.sequence, before->head.sequence + 1);
        CHECK(event->head.time_us >= before->head.time_us);
        before = event;
    }
}

/* Over the bound the oldest are dropped, counted and reported once. */
static void events_that_nobody_polls_are_dropped_and_counted(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, JSON("inbound_messages":100));
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    server_command(server, "flood %s", JSON({"event":"news","count":1000}));
    AWAIT(state_of(client).dropped > 0);
    server_command(server, "emit %s", JSON({"event":"news","args":["last"]}));
    const event_t *event;
    int received = 0;
    do {
        event = WAIT_RECEIVE(client, "news");
        received++;
    } while (strcmp(text_of(event, RECEIVE_MESSAGE), "last") != 0);
    WAIT_ERROR(client);
    CHECK_INT(state_of(client).dropped, 1001 - received);
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK_STATUS(plugin.event_poll(0, &batch), SOCKETIO_OK);
    CHECK_INT(batch.dropped, 1001 - received);
}

static void info_tells_how_a_connection_is(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    socketio_connection_info_t info = info_of(client);
    CHECK_INT(info.state, SOCKETIO_CONNECTION_CONNECTED);
    CHECK_INT(info.transport, SOCKETIO_TRANSPORT_WEBSOCKET);
    CHECK_INT(info.last_error, SOCKETIO_OK);
    CHECK_INT(info.namespaces, 1);
    CHECK_INT(info.attempts, 0);
    CHECK_INT(info.queued, 0);
    CHECK_INT(info.dropped, 0);
    subscribe(client, "talk", "/chat");
    WAIT_SUBSCRIBED(client, "talk");
    CHECK_INT(info_of(client).namespaces, 2);
}

static void info_counts_failed_tries(void)
{
    begin();
    socketio_connection_t client = configure(port_reserve(), QUICK_RETRY);
    socketio_connection_info_t info = info_of(client);
    CHECK_INT(info.state, SOCKETIO_CONNECTION_STOPPED);
    CHECK_INT(info.transport, SOCKETIO_TRANSPORT_NONE);
    CHECK_INT(info.attempts, 0);
    CHECK_STATUS(start(client), SOCKETIO_OK);
    WAIT_ERROR(client);
    AWAIT(info_of(client).attempts >= 3);
    CHECK_INT(info_of(client).last_error, SOCKETIO_E_NETWORK);
}

static void info_writes_no_more_than_its_size(void)
{
    begin();
    socketio_connection_t client = configure(80, NULL);
    const uint32_t least = offsetof(socketio_connection_info_t, transport);
    for (uint32_t size = least; size < sizeof(socketio_connection_info_t); size += 4) {
        socketio_connection_info_t info;
        memset(&info, 0xaa, sizeof info);
        info.struct_size = size;
        CHECK_STATUS(plugin.connection_info(client, &info), SOCKETIO_OK);
        CHECK_INT(info.struct_size, size);
        CHECK_INT(info.state, SOCKETIO_CONNECTION_STOPPED);
        const unsigned char *bytes = (const unsigned char *)&info;
        for (size_t i = size; i < sizeof info; i++) {
            CHECK_INT(bytes[i], 0xaa);
        }
    }
}

static void state_follows_the_connection(void)
{
    int silent = raw_start(NULL);
    server_t *server = server_start(NULL);
    begin();
    settings_add("silent", silent, NULL);
    settings_add("nobody", port_reserve(), JSON("reconnect_delay":60,"reconnect_delay_max":60));
    settings_add("main", server_port(server), NULL);
    settings_apply();
    socketio_connection_t client = find("main");
    CHECK_TEXT(state_of(client).state, "Stopped");
    CHECK_TEXT(state_of(client).transport, "None");
    CHECK_INT(state_of(client).namespaces, 0);

    start(find("silent"));
    start(find("nobody"));
    start(client);
    WAIT_START(client);
    WAIT_ERROR(find("nobody"));
    SEND(find("nobody"), .event = "later");
    CHECK_TEXT(state_of(find("silent")).state, "Connecting");
    CHECK_TEXT(state_of(find("nobody")).state, "Waiting");
    CHECK_INT(state_of(find("nobody")).queued, 1);
    CHECK_TEXT(state_of(client).state, "Connected");
    CHECK_TEXT(state_of(client).transport, "WebSocket");
    CHECK_INT(state_of(client).namespaces, 1);
    CHECK_INT(state_of(client).queued, 0);
    stop(client);
    WAIT_STOP(client);
    CHECK_TEXT(state_of(client).state, "Stopped");
    CHECK_TEXT(state_of(client).transport, "None");
    ignore_errors();
}

static void a_reply_measures_the_round_trip(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    CHECK(state_of(client).round_trip_ms > 0);
    CHECK(state_of(client).round_trip_ms < PATIENCE_MS);
}

static void results_are_written_up_to_their_capacity(void)
{
    begin();
    socketio_connection_t client = configure(80, NULL);
    for (uint32_t capacity = 0; capacity <= 9; capacity++) {
        socketio_value_t outputs[10];
        memset(outputs, 0xaa, sizeof outputs);
        socketio_node_call_t call = node_call(SOCKETIO_NODE_STATE, client);
        socketio_node_result_t result = {.struct_size = sizeof result, .output_capacity = capacity};
        result.outputs = capacity > 0 ? outputs : NULL;
        CHECK_STATUS(plugin.node_execute(&call, &result), SOCKETIO_OK);
        CHECK_INT(result.output_count, capacity < 7 ? capacity : 7);
        CHECK_INT(outputs[result.output_count].type, 0xaaaaaaaa);
        if (capacity > 1) {
            CHECK_TEXT(outputs[1].as.string.ptr, "Stopped");
        }
    }
    socketio_node_call_t call = node_call(SOCKETIO_NODE_STATE, client);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
}

static void the_pulse_of_an_action_leaves_at_once(void)
{
    server_t *server;
    socketio_connection_t client = idle(&server);
    const socketio_value_t inputs[] = {{0}, value_text("news")};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    socketio_value_t outputs[6];
    socketio_node_result_t result = {.struct_size = sizeof result, .pulse = 99, .request = 99, .output_count = 99};
    result.outputs = outputs;
    result.output_capacity = COUNT(outputs);
    CHECK_STATUS(plugin.node_execute(&call, &result), SOCKETIO_OK);
    CHECK_INT(result.pulse, 0);
    CHECK_INT(result.request, 0);
    CHECK_INT(result.output_count, 0);
}

/* However much waits, a frame is not held up by it. */
static void a_poll_that_does_not_say_how_many(void)
{
    enum { EVENTS = 5000 };
    begin();
    socketio_connection_t client = configure(port_reserve(), NULL);
    for (int i = 0; i < EVENTS; i++) {
        subscribe(client, "e", NULL);
        unsubscribe(client, "e", NULL);
    }
    /* What was told before the second one is in the queue. */
    for (int i = 1; i <= 2; i++) {
        SEND(client, .event = "e", .if_not_connected = "Drop");
        AWAIT(state_of(client).dropped == i);
    }
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK_STATUS(plugin.event_poll(0, &batch), SOCKETIO_MORE);
    CHECK_INT(batch.count, 4096);
    CHECK(plugin.event_poll(100000, &batch) >= 0);
    CHECK(batch.count >= EVENTS - 4096);
    ignore_errors();
}

TEST_MAIN(
    CASE(a_poll_that_does_not_say_how_many),
    CASE(the_wake_handle_is_readable_while_events_wait),
    CASE(it_stays_readable_until_the_last_event),
    CASE(a_woken_host_finds_the_events),
    CASE(one_wake_for_each_time_the_queue_fills),
    CASE(waiting_ends_in_time),
    CASE(waiting_takes_nothing_out),
    CASE(a_poll_takes_as_many_as_it_is_told),
    CASE(times_and_sequence_go_up),
    CASE(events_that_nobody_polls_are_dropped_and_counted),
    CASE(info_tells_how_a_connection_is),
    CASE(info_counts_failed_tries),
    CASE(info_writes_no_more_than_its_size),
    CASE(state_follows_the_connection),
    CASE(a_reply_measures_the_round_trip),
    CASE(results_are_written_up_to_their_capacity),
    CASE(the_pulse_of_an_action_leaves_at_once))
