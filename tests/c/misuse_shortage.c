/* No memory for a while: calls say SOCKETIO_E_RESOURCES, the library's threads wait; afterwards all is as before. */

#include "misuse_memory.h"

static void without_memory_for(int whose, size_t larger_than, int milliseconds)
{
    if (UNDER_SANITIZER) {
        skip("a sanitizer has allocations of its own");
    }
    server_t *server = server_start(JSON({"maxHttpBufferSize":100000000}));
    write_settings(server);
    plugin_load();
    is_host = 1;
    set_payload(100000);
    activate(settings);
    converse();
    arm(whose, 0, larger_than);
    heard_t heard = {0};
    for (int64_t limit = now_ms() + milliseconds; now_ms() < limit;) {
        in_call = 1;
        socketio_status_t status = send_payload(0.2);
        in_call = 0;
        if (status < 0 && status != SOCKETIO_E_RESOURCES && status != SOCKETIO_E_QUEUE_FULL) {
            FAIL("Send: %s %s", plugin.status_name(status), last_error());
        }
        listen_once(&heard);
    }
    disarm();
    CHECK(failed);
    /* Whatever became of it: there is memory again. */
    if (heard.ended > 0) {
        pulse(SOCKETIO_NODE_START);
    }
    int before = heard.echoed;
    for (int64_t limit = now_ms() + PATIENCE_MS; heard.echoed == before;) {
        CHECK(now_ms() < limit);
        int ended = heard.ended;
        INSIST(send_payload(0));
        listen_once(&heard);
        if (heard.ended > ended) {
            pulse(SOCKETIO_NODE_START);
        }
    }
    end_session();
    /* Its sessions were counted here, not by the harness. */
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_STOP);
    forgive_sessions();
    ignore_errors();
}

static void no_memory_for_a_while(void)
{
    without_memory_for(OF_HOST | OF_LIBRARY, 0, 300);
}

static void no_memory_for_the_threads_for_a_while(void)
{
    without_memory_for(OF_LIBRARY, 0, 300);
}

static void no_memory_for_calls_for_a_while(void)
{
    without_memory_for(OF_HOST, 0, 300);
}

static void no_large_pieces_for_a_while(void)
{
    without_memory_for(OF_HOST | OF_LIBRARY, 16 * 1024, 300);
}

/* Each says so, with a sentence, and does nothing. */
static void each_call_without_memory(void)
{
    if (UNDER_SANITIZER) {
        skip("a sanitizer has allocations of its own");
    }
    server_t *server = server_start(NULL);
    write_settings(server);
    plugin_load();
    is_host = 1;
    set_payload(100000);
    arm(OF_HOST, 0, 0);
    in_call = in_enable = 1;
    socketio_status_t status = plugin.plugin_enable(NULL);
    in_call = in_enable = 0;
    disarm();
    CHECK_STATUS(status, SOCKETIO_E_RESOURCES);
    CHECK_HAS(last_error(), "memory");
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    activate(settings);
    converse();
    socketio_connection_t found = 0;
    socketio_connection_info_t info = {.struct_size = sizeof info};
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    arm(OF_HOST, 0, 0);
    in_call = 1;
    socketio_status_t statuses[] = {
        plugin.settings_check(settings, strlen(settings)),
        plugin.settings_apply(settings, strlen(settings)),
        plugin.connection_find("main", 4, &found),
        plugin.connection_info(client, &info),
        send_payload(0),
        subscribe_to_echo(),
        plugin.event_wait(1),
        plugin.event_poll(0, &batch),
    };
    in_call = 0;
    disarm();
    for (size_t i = 0; i < COUNT(statuses); i++) {
        if (statuses[i] < 0 && statuses[i] != SOCKETIO_E_RESOURCES) {
            FAIL("call %u: %s", (unsigned)i, plugin.status_name(statuses[i]));
        }
    }
    /* Too large for any reserve. */
    CHECK_STATUS(statuses[4], SOCKETIO_E_RESOURCES);
    CHECK_STATUS(plugin.plugin_state(), SOCKETIO_PLUGIN_ENABLED);
    converse();
    end_session();
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_STOP);
    forgive_sessions();
}

TEST_MAIN(
    CASE(each_call_without_memory),
    CASE(no_memory_for_a_while),
    CASE(no_memory_for_the_threads_for_a_while),
    CASE(no_memory_for_calls_for_a_while),
    CASE(no_large_pieces_for_a_while))
