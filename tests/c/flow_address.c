/* Names and addresses: which of several answers, what is told if none does, and that it is found once it is there. */

#include "harness_recovery.h"
#include "harness_sockets.h"

#define HOST "server.test"

static server_t *server;
static socketio_connection_t client;

/* "main" to this host at the server's port, started. */
static void begin_at(const char *host, const char *extra)
{
    char url[64];
    snprintf(url, sizeof url, "http://%s:%d", host, server_port(server));
    begin();
    client = configure_url(url, extra != NULL ? extra : QUICK_RETRY);
    start(client);
}

/* A server that listens at this address alone. */
static void start_server(const char *address)
{
    if (strcmp(address, "::1") == 0) {
        struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        int fd = (int)socket(AF_INET6, SOCK_STREAM, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&loopback, sizeof loopback) != 0) {
            skip("this machine has no IPv6");
        }
        close_socket(fd);
    }
    static char options[64];
    snprintf(options, sizeof options, JSON({"host":"%s"}), address);
    server = server_start(options);
}

static void check_found(const char *listening, const char *host)
{
    start_server(listening);
    begin_at(host, NULL);
    WAIT_START(client);
    barrier(client);
}

/* ---- Several addresses ---- */

static void localhost_with_a_server_on_ipv4_alone(void)
{
    check_found("127.0.0.1", "localhost");
}

static void localhost_with_a_server_on_ipv6_alone(void)
{
    check_found("::1", "localhost");
}

static void an_ipv6_address(void)
{
    check_found("::1", "[::1]");
}

static void a_name_whose_first_address_is_ipv6(void)
{
    name_resolves(HOST, "::1 127.0.0.1");
    check_found("127.0.0.1", HOST);
    CHECK(name_lookups(HOST) >= 1);
}

static void a_name_whose_last_address_is_ipv6(void)
{
    name_resolves(HOST, "127.0.0.1 ::1");
    check_found("::1", HOST);
}

static void a_name_whose_first_addresses_refuse(void)
{
    name_resolves(HOST, "127.0.0.2 ::1 127.0.0.3 127.0.0.1");
    check_found("127.0.0.1", HOST);
}

/* Whoever connects there gets no answer, not even a refusal: its queue is full. */
typedef struct silent_t {
    int listener;
    int waiting[8];
} silent_t;

static silent_t silent_open(const char *address, int port)
{
    silent_t silent = {.listener = (int)socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    CHECK(inet_pton(AF_INET, address, &place.sin_addr) == 1);
    CHECK(silent.listener >= 0 && bind(silent.listener, (struct sockaddr *)&place, sizeof place) == 0);
    CHECK(listen(silent.listener, 0) == 0);
    for (size_t i = 0; i < COUNT(silent.waiting); i++) {
        silent.waiting[i] = (int)socket(AF_INET, SOCK_STREAM, 0);
        keep_from_blocking(silent.waiting[i]);
        connect(silent.waiting[i], (struct sockaddr *)&place, sizeof place);
    }
    return silent;
}

static void silent_close(silent_t *silent)
{
    for (size_t i = 0; i < COUNT(silent->waiting); i++) {
        close_socket(silent->waiting[i]);
    }
    close_socket(silent->listener);
}

/* The next address is tried long before the limit. */
static void a_name_whose_first_address_is_silent(void)
{
    start_server("127.0.0.1");
    silent_t silent = silent_open("127.0.0.2", server_port(server));
    name_resolves(HOST, "127.0.0.2 127.0.0.1");
    int64_t began = now_ms();
    begin_at(HOST, NULL);
    WAIT_START(client);
    /* RFC 8305: a quarter of a second, each time that it connects. */
    CHECK(now_ms() - began >= 200 && now_ms() - began < 5000);
    silent_close(&silent);
}

static void an_address_that_is_silent(void)
{
    start_server("127.0.0.1");
    silent_t silent = silent_open("127.0.0.2", server_port(server));
    name_resolves(HOST, "127.0.0.2");
    begin_at(HOST, JSON("connect_timeout":0.5) "," QUICK_RETRY);
    const event_t *event = WAIT_FAILURE(client, "connect_timeout", "not even to the first packet");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "server.test:");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "within 0.5 s");
    name_resolves(HOST, "127.0.0.1");
    WAIT_RECOVERY(client, server);
    silent_close(&silent);
}

/* ---- Addresses that refuse, or can't be reached ---- */

static void nothing_is_listening_on_this_device(void)
{
    start_server("127.0.0.1");
    name_resolves(HOST, "127.0.0.2 127.0.0.3");
    begin_at(HOST, NULL);
    WAIT_FAILURE(client, "localhost_refused", "Nothing is listening at server.test:");
    name_resolves(HOST, "127.0.0.2 127.0.0.1");
    WAIT_RECOVERY(client, server);
}

/* An address of a link without the link: the system refuses before a packet leaves. */
static void an_address_that_can_not_be_reached(void)
{
    start_server("127.0.0.1");
    name_resolves(HOST, "fe80::1");
    begin_at(HOST, NULL);
    WAIT_FAILURE(client, "tcp_unreachable", "There is no way to server.test:");
    name_resolves(HOST, "127.0.0.1");
    WAIT_RECOVERY(client, server);
}

/* ---- Names ---- */

static void a_name_that_appears_later(void)
{
    start_server("127.0.0.1");
    name_resolves(HOST, NULL);
    begin_at(HOST, NULL);
    WAIT_FAILURE(client, "dns_failed", "The name server.test was not found: ");
    /* Asked for again and again, told once. */
    int lookups = name_lookups(HOST);
    AWAIT(name_lookups(HOST) >= lookups + 3);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
    name_resolves(HOST, "127.0.0.1");
    WAIT_RECOVERY(client, server);
}

/* A server that moves: each attempt looks the name up anew. */
static void a_name_that_means_another_address_later(void)
{
    start_server("127.0.0.1");
    name_resolves(HOST, "127.0.0.1");
    begin_at(HOST, NULL);
    WAIT_START(client);
    name_resolves(HOST, "127.0.0.2");
    server_command(server, "cut");
    wait_lost(client);
    WAIT_FAILURE(client, "localhost_refused", HOST);
    name_resolves(HOST, "127.0.0.1");
    WAIT_RECOVERY(client, server);
}

static void a_name_whose_look_up_hangs(void)
{
    start_server("127.0.0.1");
    name_hangs(HOST);
    begin_at(HOST, JSON("connect_timeout":0.3) "," QUICK_RETRY);
    WAIT_FAILURE(client, "connect_timeout", "its name was still being looked up");
    name_resolves(HOST, "127.0.0.1");
    WAIT_RECOVERY(client, server);
}

/* Other connections go on meanwhile, also those with names, however often it is tried. */
static void a_look_up_that_hangs_holds_nobody_up(void)
{
    start_server("127.0.0.1");
    name_hangs("hanging.test");
    name_resolves(HOST, "127.0.0.1");
    begin();
    char urls[2][64];
    snprintf(urls[0], sizeof urls[0], "http://hanging.test:%d", server_port(server));
    snprintf(urls[1], sizeof urls[1], "http://" HOST ":%d", server_port(server));
    settings_add_url("hanging", urls[0], JSON("connect_timeout":0.1) "," QUICK_RETRY);
    settings_add_url("good", urls[1], QUICK_RETRY);
    settings_apply();
    start(find("hanging"));
    WAIT_ERROR_CODE(find("hanging"), "connect_timeout");
    int lookups = name_lookups("hanging.test");
    CHECK(lookups >= 1);
    start(find("good"));
    WAIT_START(find("good"));
    barrier(find("good"));
    int64_t began = now_ms();
    stop(find("hanging"));
    WAIT_STOP(find("hanging"));
    CHECK(now_ms() - began < 1000);
    name_resolves("hanging.test", NULL);
    ignore_errors();
}

/* Three connections ask for a dead name again and again: there is one look-up of it, and room for other names. */
static void a_dead_name_leaves_room_for_others(void)
{
    enum { DEAD = 3 };
    char name[16];
    start_server("127.0.0.1");
    name_hangs("hanging.test");
    name_resolves(HOST, "127.0.0.1");
    begin();
    for (int i = 0; i < DEAD; i++) {
        snprintf(name, sizeof name, "dead %d", i);
        settings_add_url(name, "http://hanging.test", JSON("connect_timeout":0.1) "," QUICK_RETRY);
    }
    char url[64];
    snprintf(url, sizeof url, "http://" HOST ":%d", server_port(server));
    settings_add_url("good", url, JSON("connect_timeout":2) "," QUICK_RETRY);
    settings_apply();
    for (int i = 0; i < DEAD; i++) {
        snprintf(name, sizeof name, "dead %d", i);
        start(find(name));
    }
    for (int i = 0; i < DEAD; i++) {
        snprintf(name, sizeof name, "dead %d", i);
        AWAIT(info_of(find(name)).attempts >= 4);
    }
    CHECK_INT(name_lookups("hanging.test"), 1);
    start(find("good"));
    WAIT_START(find("good"));
    barrier(find("good"));
    name_resolves("hanging.test", NULL);
    for (int i = 0; i < DEAD; i++) {
        snprintf(name, sizeof name, "dead %d", i);
        WAIT_ERROR_CODE(find(name), "dns_failed");
    }
    ignore_errors();
}

/* The system's call can't be ended: disable says so in time, and succeeds once the call has returned. */
static void disable_while_a_look_up_hangs(void)
{
    start_server("127.0.0.1");
    name_hangs(HOST);
    begin_at(HOST, NULL);
    AWAIT(name_lookups(HOST) == 1);
    int64_t began = now_ms();
    CHECK_STATUS(plugin.plugin_disable(200), SOCKETIO_E_TIMEOUT);
    CHECK(now_ms() - began < 1500);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DRAINING);
    CHECK_TEXT(text_of(WAIT_STOP(client), STOP_REASON), "plugin disabled");
    name_resolves(HOST, NULL);
    disable();
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    ignore_errors();
}

/* ---- What stands in a URL ---- */

static void a_url_with_a_password_is_refused_and_not_repeated(void)
{
    static const char *const urls[] = {
        "http://me:s3cret@127.0.0.1:1", "https://s3cret@h",      "me:s3cret@h:3000",  "ws://me:s3cret@[::1]:3000/p?q#f",
        "http://me:s3cret@h@127.0.0.1", "ftp://me:s3cret@h",     "s3cret@",           "http://me:s3cret@h:99999",
        "http:/me:s3cret@h/",           "http:///me:s3cret@h/",  "/me:s3cret@h",      "http//me:s3cret@h",
    };
    plugin_load();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    enable();
    for (size_t i = 0; i < COUNT(urls); i++) {
        CHECK_STATUS(check_settings(JSON({"connections":[{"name":"main","url":"%s"}]}), urls[i]), SOCKETIO_E_SETTINGS);
        CHECK_HAS(last_error(), "URL");
        if (strstr(last_error(), "s3cret") != NULL) {
            FAIL("%s: %s", urls[i], last_error());
        }
        CHECK_STATUS(apply_settings(JSON({"connections":[{"name":"main","url":"%s"}]}), urls[i]), SOCKETIO_E_SETTINGS);
    }
    disable();
    CHECK_HAS(host_log(), "C tests");
    CHECK(strstr(host_log(), "s3cret") == NULL);
}

TEST_MAIN(
    CASE(localhost_with_a_server_on_ipv4_alone),
    CASE(localhost_with_a_server_on_ipv6_alone),
    CASE(an_ipv6_address),
    CASE(a_name_whose_first_address_is_ipv6),
    CASE(a_name_whose_last_address_is_ipv6),
    CASE(a_name_whose_first_addresses_refuse),
    CASE(a_name_whose_first_address_is_silent),
    CASE(an_address_that_is_silent),
    CASE(nothing_is_listening_on_this_device),
    CASE(an_address_that_can_not_be_reached),
    CASE(a_name_that_appears_later),
    CASE(a_name_that_means_another_address_later),
    CASE(a_name_whose_look_up_hangs),
    CASE(a_look_up_that_hangs_holds_nobody_up),
    CASE(a_dead_name_leaves_room_for_others),
    CASE_ONCE(disable_while_a_look_up_hangs),
    CASE_ONCE(a_url_with_a_password_is_refused_and_not_repeated))
