/* A link that looks open and is not: the server is gone, asleep, or takes nothing; or the device slept. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

static server_t *server;
static socketio_connection_t client;

/* Far more than the sockets between the two take. */
static void send_much(int megabytes)
{
    static const uint8_t megabyte[1 << 20];
    for (int i = 0; i < megabytes; i++) {
        SEND(client, .event = "e", .format = "Binary", .bytes = {megabyte, sizeof megabyte});
    }
}

/* Connected to a server that sends its pings when the case says so, and promises one within this time. */
static void begin_pinging(int silence_ms)
{
    char handshake[128];
    snprintf(handshake, sizeof handshake, "0{\"sid\":\"e\",\"upgrades\":[],\"pingInterval\":%d,\"pingTimeout\":%d}",
             silence_ms / 2, silence_ms / 2);
    server = scripted_start();
    begin();
    client = configure(server_port(server), QUICK_RETRY);
    start(client);
    server_wait(server, "opened ");
    script_say(server, handshake);
    script_say(server, "40" JSON({"sid":"s"}));
    WAIT_START(client);
}

static void check_lost(const char *code, const char *reason)
{
    const event_t *error = WAIT_ERROR_CODE(client, code);
    CHECK_INT(error->head.status, SOCKETIO_E_NO_ANSWER);
    CHECK_HAS(text_of(error, ERROR_MESSAGE), "127.0.0.1");
    CHECK(number_of(error, ERROR_WILL_RETRY_IN) > 0);
    const event_t *stopped = WAIT_STOP(client);
    CHECK_TEXT(text_of(stopped, STOP_REASON), reason);
    CHECK(bool_of(stopped, STOP_WILL_RECONNECT));
    ignore_errors();
}

/* The heartbeat is watched also while nothing of what we send is taken. */
static void silence_while_much_is_being_sent(void)
{
    server = server_start(JSON({"pingInterval":300,"pingTimeout":300,"maxHttpBufferSize":100000000}));
    client = connected(server, QUICK_RETRY);
    server_freeze(server);
    int64_t began = now_ms();
    send_much(32);
    check_lost("ping_timeout", "ping timeout");
    CHECK(now_ms() - began < 5000 * slowdown());
    server_thaw(server);
    WAIT_START(client);
}

/* One that lives, sends pings, and takes nothing. */
static void pings_of_a_server_that_takes_nothing(void)
{
    begin_pinging(600);
    server_command(server, "pause");
    send_much(32);
    for (int64_t began = now_ms(); TAKE(.node_type = SOCKETIO_NODE_ON_ERROR, .code = "send_timeout") == NULL;) {
        CHECK(now_ms() - began < PATIENCE_MS);
        script_say(server, "2");
        listen_for(50);
    }
    CHECK_TEXT(text_of(WAIT_STOP(client), STOP_REASON), "transport error");
    CHECK(state_of(client).dropped > 0);
    ignore_errors();
}

/* A request that sends is not answered, while the one that receives is. */
static void a_request_that_nobody_takes(void)
{
    server = server_start(JSON({"mode":"answers",
        "answers":[
            {"parts":["HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n0{\"sid\":\"e\",\"upgrades\":[],\"pingInterval\":300,\"pingTimeout\":300  }"],"end":false},
            {"parts":["HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n40{\"sid\":\"s\"}"],"end":false},
            {"parts":["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"],"drip":2,"end":false}],
        "posts":[
            {"parts":["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],"end":false},
            {"parts":[],"end":false}]}));
    begin();
    client = configure(server_port(server), JSON("transport":"Polling Only","reconnect_delay":60,"reconnect_delay_max":60));
    start(client);
    WAIT_START(client);
    check_lost("send_timeout", "transport error");
}

/* One that is slow, and takes a little now and then, is borne. */
static void a_server_that_takes_little_by_little(void)
{
    begin_pinging(2000);
    for (int i = 0; i < 6; i++) {
        server_command(server, "pause");
        send_much(16);
        script_say(server, "2");
        listen_for(500);
        server_command(server, "resume");
        AWAIT(state_of(client).queued == 0);
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

static void binary_data_that_never_comes(void)
{
    server = scripted_start();
    client = script_connected(server, QUICK_RETRY "," JSON("attachment_timeout":0.3));
    subscribe(client, "*", NULL);
    WAIT_SUBSCRIBED(client, "*");
    script_say(server, "451-" JSON(["e",{"_placeholder":true,"num":0}]));
    for (int64_t began = now_ms(); TAKE(.node_type = SOCKETIO_NODE_ON_STOP) == NULL;) {
        /* Signs of life do not help. */
        CHECK(now_ms() - began < PATIENCE_MS);
        script_say(server, "2");
        listen_for(50);
    }
    CHECK_HAS(text_of(WAIT_ERROR_CODE(client, "attachment_timeout"), ERROR_MESSAGE), "0.3 s");
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
    script_handshake(server);
    script_say(server, "40" JSON({"sid":"again"}));
    WAIT_START(client);
}

/* A device that wakes up knows soon that the server gave it up. Setting the clock is no sleep. */
static void the_device_slept(void)
{
    server = server_start(JSON({"pingInterval":100000,"pingTimeout":20000}));
    client = connected(server, QUICK_RETRY);
    clock_shift(86400);
    listen_for(6000);
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
    int64_t began = now_ms();
    machine_sleeps(7200);
    check_lost("ping_timeout", "ping timeout");
    CHECK(now_ms() - began < 8000);
    WAIT_START(client);
}

/* Whether all connections to the server have the keepalive timer of the system running, a minute at most. */
static int all_kept_alive(void)
{
    char line[512], peer[32];
    int found = 0, kept = 0;
    snprintf(peer, sizeof peer, "0100007F:%04X", server_port(server));
    FILE *table = fopen("/proc/self/net/tcp", "r");
    CHECK(table != NULL);
    while (fgets(line, sizeof line, table) != NULL) {
        char remote[32];
        unsigned state, timer;
        unsigned long expires;
        if (sscanf(line, " %*[^:]: %*s %31s %x %*s %x:%lx", remote, &state, &timer, &expires) == 4 &&
            strcmp(remote, peer) == 0 && state == 1) {
            found++;
            /* 2: keepalive, in hundredths of a second. While something is on its way it is another one. */
            kept += timer == 2 && expires <= 60 * 100;
        }
    }
    fclose(table);
    return found > 0 && kept == found;
}

/* The system asks a silent peer by itself, for the sake of what lies between, and of an end that no heartbeat tells. */
static void keepalive_is_on(void)
{
    client = connected(server = server_start(NULL), NULL);
    AWAIT(all_kept_alive());
}

TEST_MAIN(
    CASE(silence_while_much_is_being_sent),
    CASE_ONCE(pings_of_a_server_that_takes_nothing),
    CASE_ONCE(a_request_that_nobody_takes),
    CASE_ONCE(a_server_that_takes_little_by_little),
    CASE_ONCE(binary_data_that_never_comes),
    CASE_ONCE(the_device_slept),
    CASE(keepalive_is_on))
