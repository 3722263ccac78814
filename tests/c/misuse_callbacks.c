/* Calls from inside the host's own callbacks: refused, but for those of identity and diagnostics. */

#include "harness.h"

#include <pthread.h>

/* What a callback saw when it called the library. */
typedef struct seen_t {
    pthread_mutex_t lock;
    int calls;
    pthread_t thread;
    socketio_status_t statuses[9];
    int identity_works;
} seen_t;

static seen_t in_log = {.lock = PTHREAD_MUTEX_INITIALIZER};
static seen_t in_wake = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void call_everything(seen_t *seen)
{
    socketio_connection_t connection = 0;
    socketio_connection_info_t info = {.struct_size = sizeof info};
    socketio_wake_handle_t handle = {.struct_size = sizeof handle};
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_START, 1);
    pthread_mutex_lock(&seen->lock);
    seen->calls++;
    seen->thread = pthread_self();
    seen->statuses[0] = plugin.plugin_enable(NULL);
    seen->statuses[1] = plugin.plugin_disable(10);
    seen->statuses[2] = plugin.settings_apply("{}", 2);
    seen->statuses[3] = plugin.connection_find("main", 4, &connection);
    seen->statuses[4] = plugin.connection_info(1, &info);
    seen->statuses[5] = plugin.node_execute(&call, NULL);
    seen->statuses[6] = plugin.event_poll(0, &batch);
    seen->statuses[7] = plugin.event_wait(10);
    seen->statuses[8] = plugin.event_wake_handle(&handle);
    seen->identity_works = plugin.abi_version() != 0 && plugin.plugin_descriptor() != NULL
                           && strcmp(plugin.status_name(SOCKETIO_OK), "SOCKETIO_OK") == 0
                           && plugin.set_log_level(SOCKETIO_LOG_DEBUG) == SOCKETIO_OK && plugin.last_error(NULL, 0) > 0;
    pthread_mutex_unlock(&seen->lock);
}

static void on_log(void *context, const socketio_log_record_t *record)
{
    (void)context;
    (void)record;
    call_everything(&in_log);
}

static void on_wake(void *context)
{
    (void)context;
    call_everything(&in_wake);
}

static void check_refused(seen_t *seen)
{
    pthread_mutex_lock(&seen->lock);
    CHECK(seen->calls > 0);
    for (size_t i = 0; i < COUNT(seen->statuses); i++) {
        if (seen->statuses[i] != SOCKETIO_E_BUSY) {
            FAIL("call %u: expected SOCKETIO_E_BUSY, saw %s", (unsigned)i, plugin.status_name(seen->statuses[i]));
        }
    }
    CHECK(seen->identity_works);
    pthread_mutex_unlock(&seen->lock);
}

/* A session with these callbacks, ended by disable. */
static void run_session(void (*log)(void *, const socketio_log_record_t *), void (*wake)(void *))
{
    server_t *server = server_start(NULL);
    plugin_load();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_DEBUG), SOCKETIO_OK);
    socketio_host_t host = {.struct_size = sizeof host, .abi_version = SOCKETIO_ABI_VERSION};
    host.log = log;
    host.wake = wake;
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_OK);
    socketio_connection_t client = configure(server_port(server), NULL);
    start(client);
    WAIT_START(client);
    barrier(client);
    disable();
}

static void from_inside_log(void)
{
    run_session(on_log, NULL);
    check_refused(&in_log);
    /* Logs are handed over on the host's own threads: there is only this one. */
    CHECK(pthread_equal(in_log.thread, pthread_self()));
}

static void from_inside_wake(void)
{
    run_session(NULL, on_wake);
    check_refused(&in_wake);
    CHECK(!pthread_equal(in_wake.thread, pthread_self()));
}

static void no_wake_after_disable(void)
{
    run_session(NULL, on_wake);
    pthread_mutex_lock(&in_wake.lock);
    int calls = in_wake.calls;
    pthread_mutex_unlock(&in_wake.lock);
    /* Nothing runs any more that could call. */
    sleep_ms(50);
    CHECK_INT(in_wake.calls, calls);
}

TEST_MAIN(
    CASE(from_inside_log),
    CASE(from_inside_wake),
    CASE(no_wake_after_disable))
