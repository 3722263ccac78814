/* Deactivating, whatever the connections are doing: within its limit, with one final On Stop for each. */

#include "load_ten.h"

#include <signal.h>
#include <stdlib.h>

/* Ten connections to this port, all started. */
static void start_ten(int port, const char *extra)
{
    begin();
    char name[16];
    for (int i = 0; i < CONNECTIONS; i++) {
        snprintf(name, sizeof name, "c%d", i);
        settings_add(name, port, extra);
    }
    start_all();
}

static void ten_connected(void)
{
    server_t *server = server_start(NULL);
    start_ten(server_port(server), NULL);
    for (int i = 0; i < CONNECTIONS; i++) {
        WAIT(.node_type = SOCKETIO_NODE_ON_START);
    }
    check_disable(CONNECTIONS);
    /* Said good-bye, not just cut. */
    for (int i = 0; i < CONNECTIONS; i++) {
        server_expect(server, "disconnected " JSON({"nsp":"/","reason":"client namespace disconnect"}));
    }
}

static void ten_just_started(void)
{
    server_t *server = server_start(NULL);
    start_ten(server_port(server), NULL);
    check_disable(CONNECTIONS);
}

/* wait_threads counts the raw server's threads too, so they are nodes here: a frozen server accepts, says nothing. */
static void ten_connecting(void)
{
    server_t *server = server_start(NULL);
    server_freeze(server);
    start_ten(server_port(server), NULL);
    listen_for(100);
    CHECK_TEXT(state_of(find("c0")).state, "Connecting");
    check_disable(CONNECTIONS);
}

static void ten_waiting(void)
{
    start_ten(port_reserve(), JSON("reconnect_delay":60,"reconnect_delay_max":60));
    for (int i = 0; i < CONNECTIONS; i++) {
        WAIT(.node_type = SOCKETIO_NODE_ON_ERROR);
    }
    check_disable(CONNECTIONS);
}

static void ten_frozen(void)
{
    server_t *server = server_start(NULL);
    start_ten(server_port(server), NULL);
    for (int i = 0; i < CONNECTIONS; i++) {
        WAIT(.node_type = SOCKETIO_NODE_ON_START);
    }
    server_freeze(server);
    check_disable(CONNECTIONS);
}

static void ten_in_a_namespace_that_never_answers(void)
{
    server_t *server = server_start(JSON({"refuse":{"/":{"hold":true}}}));
    start_ten(server_port(server), NULL);
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":10})) == 0);
    check_disable(CONNECTIONS);
}

/* More than the sockets take: most of it still waits in the plugin. */
static void ten_with_unsent_messages(void)
{
    server_t *server = server_start(JSON({"maxHttpBufferSize":100000000}));
    start_ten(server_port(server), NULL);
    for (int i = 0; i < CONNECTIONS; i++) {
        WAIT(.node_type = SOCKETIO_NODE_ON_START);
    }
    server_freeze(server);
    enum { LEN = 1 << 20 };
    uint8_t *bytes = calloc(LEN, 1);
    CHECK(bytes != NULL);
    for (int i = 0; i < CONNECTIONS; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        for (int k = 0; k < 8; k++) {
            SEND(find(name), .event = "e", .format = "Binary", .bytes = {bytes, LEN});
        }
    }
    free(bytes);
    check_disable(CONNECTIONS);
}

static void ten_lost(void)
{
    server_t *server = server_start(NULL);
    start_ten(server_port(server), JSON("reconnect_delay":60,"reconnect_delay_max":60));
    for (int i = 0; i < CONNECTIONS; i++) {
        WAIT(.node_type = SOCKETIO_NODE_ON_START);
    }
    server_kill(server);
    for (int i = 0; i < CONNECTIONS; i++) {
        CHECK(bool_of(WAIT(.node_type = SOCKETIO_NODE_ON_STOP), STOP_WILL_RECONNECT));
    }
    check_disable(CONNECTIONS);
}

static void every_state_at_once(void)
{
    server_t *good = server_start(NULL);
    server_t *frozen = server_start(NULL);
    server_t *holding = server_start(JSON({"refuse":{"/":{"hold":true}}}));
    begin();
    settings_add("idle", server_port(good), NULL);
    settings_add("stopped", server_port(good), NULL);
    settings_add("connected", server_port(good), NULL);
    settings_add("asking", server_port(good), NULL);
    settings_add("frozen", server_port(frozen), NULL);
    settings_add("held", server_port(holding), NULL);
    settings_add("waiting", port_reserve(), NULL);
    settings_add("retrying", port_reserve(), QUICK_RETRY);
    settings_add("queued", port_reserve(), NULL);
    settings_add("starting", server_port(good), NULL);
    settings_apply();
    static const char *const connect[] = {"stopped", "connected", "asking", "frozen"};
    for (size_t i = 0; i < COUNT(connect); i++) {
        start(find(connect[i]));
        WAIT_START(find(connect[i]));
    }
    stop(find("stopped"));
    WAIT_STOP(find("stopped"));
    server_freeze(frozen);
    start(find("held"));
    start(find("waiting"));
    start(find("retrying"));
    start(find("queued"));
    SEND(find("queued"), .event = "e");
    WAIT_ERROR(find("waiting"));
    WAIT_ERROR(find("retrying"));
    SEND(find("asking"), .event = "nobody answers", .reply_timeout = 60);
    start(find("starting"));
    check_disable(8);
}

/* Out of time is no harm: DRAINING until what winds down is gone, and the next call goes on. */
static void without_time_it_drains(void)
{
    server_t *server = server_start(NULL);
    start_ten(server_port(server), NULL);
    for (int i = 0; i < CONNECTIONS; i++) {
        WAIT(.node_type = SOCKETIO_NODE_ON_START);
    }
    server_freeze(server);
    socketio_status_t status = plugin.plugin_disable(0);
    if (status == SOCKETIO_E_TIMEOUT) {
        CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DRAINING);
        uint64_t connection = 0;
        CHECK_STATUS(plugin.connection_find("c0", 2, &connection), SOCKETIO_E_STATE);
        /* It takes no more than a moment: it may be over now. */
        status = plugin.plugin_disable(LIMIT_MS);
    }
    CHECK_STATUS(status, SOCKETIO_OK);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
}

/* SIGPIPE, where there is such a signal, has its default disposition here: a write to the dead server would end this
   process. */
static void a_server_killed_mid_write(void)
{
    server_t *server = server_start(JSON({"maxHttpBufferSize":100000000}));
    socketio_connection_t client = connected(server, JSON("reconnect_delay":0.05,"reconnect_delay_max":0.05));
#ifdef SIGPIPE
    struct sigaction action;
    CHECK(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
#endif
    enum { LEN = 1 << 20 };
    uint8_t *bytes = calloc(LEN, 1);
    CHECK(bytes != NULL);
    for (int round = 0; round < 5; round++) {
        server_command(server, "pause");
        for (int k = 0; k < 8; k++) {
            SEND(client, .event = "e", .format = "Binary", .bytes = {bytes, LEN});
        }
        server_kill(server);
        CHECK(bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
        for (int k = 0; k < 8; k++) {
            SEND(client, .event = "e", .format = "Binary", .bytes = {bytes, 1000}, .if_not_connected = "Keep Latest");
        }
        server_restart(server);
        WAIT_START(client);
    }
    free(bytes);
    ignore_errors();
}

TEST_MAIN(
    CASE(ten_connected),
    CASE(ten_just_started),
    CASE(ten_connecting),
    CASE(ten_waiting),
    CASE(ten_frozen),
    CASE(ten_in_a_namespace_that_never_answers),
    CASE(ten_with_unsent_messages),
    CASE(ten_lost),
    CASE(every_state_at_once),
    CASE(without_time_it_drains),
    CASE(a_server_killed_mid_write))
