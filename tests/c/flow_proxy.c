/* Proxies: the ways they open, what is told if they do not, and that nothing of a password gets out. */

#include "harness_recovery.h"

#include <stdio.h>
#include <stdlib.h>

/* Only the proxy finds this name, unless a case says otherwise. */
#define HOST "server.test"

static server_t *server;
static server_t *proxy;
static socketio_connection_t client;

static const char *url_of(const char *scheme)
{
    static char url[64];
    snprintf(url, sizeof url, "%s://" HOST ":%d", scheme, server_port(server));
    return url;
}

/* The fields of a connection that uses the proxy by this scheme, and `extra`. */
static const char *through(const char *scheme, const char *extra)
{
    static char fields[2048];
    snprintf(fields, sizeof fields, "\"proxy\":\"%s://127.0.0.1:%d\"," QUICK_RETRY "%s%s", scheme, server_port(proxy),
             extra != NULL ? "," : "", extra != NULL ? extra : "");
    return fields;
}

static void start_both(const char *server_options, const char *proxy_options)
{
    server = server_start(server_options);
    proxy = proxy_start(proxy_options);
    name_resolves(HOST, NULL);
}

/* "main" through such a proxy, started. */
static void begin_through(const char *scheme, const char *proxy_options, const char *extra)
{
    start_both(NULL, proxy_options);
    begin();
    client = configure_url(url_of("http"), through(scheme, extra));
    start(client);
}

static void set_mode(const char *mode)
{
    server_command(proxy, "mode %s", mode);
}

/* ---- The way ---- */

static void check_way(const char *scheme, int with_password, int secure)
{
    start_both(secure ? JSON({"tls":"good"}) : NULL, with_password ? JSON({"user":"me","password":"p:w ü"}) : NULL);
    begin();
    const char *fields =
        through(scheme, with_password ? JSON("proxy_user":"me","proxy_password":"p:w ü") : NULL);
    client = configure_url(url_of(secure ? "https" : "http"), secure ? trusting("ca.pem", fields) : fields);
    subscribe(client, "echo", NULL);
    start(client);
    WAIT_START(client);
    WAIT_SUBSCRIBED(client, "echo");
    SEND(client, .event = "echo", .message = "there and back");
    CHECK_TEXT(text_of(WAIT_RECEIVE(client, "echo"), RECEIVE_MESSAGE), "there and back");
    CHECK_HAS(server_wait(proxy, "tunnel "), JSON("host":"server.test"));
    CHECK_INT(name_lookups(HOST), 0);
    /* What breaks is opened anew. */
    server_command(proxy, "cut");
    WAIT_START(client);
    barrier(client);
    ignore_errors();
}

static void http_connect(void)
{
    check_way("http", 0, 0);
}

static void http_connect_with_a_password_and_encryption(void)
{
    check_way("http", 1, 1);
}

static void socks5(void)
{
    check_way("socks5", 0, 0);
}

static void socks5_with_a_password_and_encryption(void)
{
    check_way("socks5", 1, 1);
}

static void an_ipv6_address_behind_each_kind(void)
{
    start_both(JSON({"host":"::1"}), NULL);
    begin();
    settings_add_url("connect", server_url(server), through("http", NULL));
    settings_add_url("socks5", server_url(server), through("socks5", NULL));
    settings_apply();
    start(find("connect"));
    WAIT_START(find("connect"));
    CHECK_HAS(server_wait(proxy, "tunnel {\"kind\":\"connect\""), "\"::1\"");
    start(find("socks5"));
    WAIT_START(find("socks5"));
    CHECK_HAS(server_wait(proxy, "tunnel {\"kind\":\"socks5\""), "\"::1\"");
}

static void an_answer_byte_by_byte(void)
{
    begin_through("http", JSON({"mode":{"slow":5}}), NULL);
    WAIT_START(client);
    barrier(client);
}

/* ---- Passwords ---- */

/* How many the proxy has refused, of those that were not counted yet. */
static int refusals(void)
{
    server_command(proxy, "tunnels");
    int count = 0;
    while (server_has(proxy, "refused ")) {
        count++;
    }
    return count;
}

static void check_password(const char *scheme, const char *when_wrong)
{
    begin_through(scheme, JSON({"user":"me","password":"right"}), JSON("proxy_user":"me","proxy_password":"wrong"));
    const event_t *event = WAIT_FAILURE(client, "proxy_auth", when_wrong);
    char address[64];
    snprintf(address, sizeof address, "The proxy %s://127.0.0.1:%d wants", scheme, server_port(proxy));
    CHECK_HAS(text_of(event, ERROR_MESSAGE), address);
    /* The account may be locked by more: not hammered. */
    CHECK(number_of(event, ERROR_WILL_RETRY_IN) >= 60);
    listen_for(300);
    CHECK_INT(refusals(), 1);
    configure_url(url_of("http"), through(scheme, NULL));
    WAIT_FAILURE(client, "proxy_auth", "none were given");
    configure_url(url_of("http"), through(scheme, JSON("proxy_user":"me","proxy_password":"right")));
    WAIT_RECOVERY(client, server);
}

static void a_wrong_password_for_http_connect(void)
{
    check_password("http", "it does not accept those that were given; it offers Basic");
}

static void a_wrong_password_for_socks5(void)
{
    check_password("socks5", "it does not accept those that were given");
}

/* RFC 1929 has one byte for the length. */
static void a_password_too_long_for_socks5(void)
{
    char extra[512];
    snprintf(extra, sizeof extra, JSON("proxy_user":"me","proxy_password":"%0300d"), 0);
    begin_through("socks5", JSON({"user":"me","password":"right"}), extra);
    WAIT_FAILURE(client, "proxy_invalid", "1 to 255 bytes");
    configure_url(url_of("http"), through("socks5", JSON("proxy_user":"me","proxy_password":"right")));
    WAIT_RECOVERY(client, server);
}

static void a_password_that_changes_in_its_file(void)
{
    const char *file = temporary_path("password");
    file_write(file, "wrong\n", 6);
    set_environment("SOCKETIO_TEST_USER", "me");
    char extra[1024];
    snprintf(extra, sizeof extra, JSON("proxy_user":"env:SOCKETIO_TEST_USER","proxy_password":"file:%s"), file);
    begin_through("http", JSON({"user":"me","password":"right"}), extra);
    WAIT_FAILURE(client, "proxy_auth", "not accept");
    file_write(file, "right\n", 6);
    WAIT_RECOVERY(client, server);
}

static void check_hidden(const char *text)
{
    /* As they are, as they stand in an address, and as a request holds them (the beginning of "me:s3cret"). */
    static const char *const parts[] = {"s3cret", "s3%63ret", "bWU6czNjcmV0"};
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (strstr(text, parts[i]) != NULL) {
            FAIL("a password stands in: %s", text);
        }
    }
}

/* Wherever it comes from, whatever goes wrong, and at every level. */
static void passwords_stay_out_of_log_and_events(void)
{
    static const char *const proxies[] = {
        "http://me:s3%63ret@",
        "http://me:s3cret%40%3a@",
        "env:SOCKETIO_TEST_PROXY",
        "Automatic",
    };
    char environment[64];
    start_both(NULL, JSON({"user":"me","password":"s3cret@:"}));
    snprintf(environment, sizeof environment, "http://me:s3cret-old@127.0.0.1:%d", server_port(proxy));
    set_environment("SOCKETIO_TEST_PROXY", environment);
    set_environment("HTTP_PROXY", environment);
    plugin_load();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    enable();
    for (size_t i = 0; i < COUNT(proxies); i++) {
        char address[64] = "";
        char extra[256];
        if (i < 2) {
            snprintf(address, sizeof address, "127.0.0.1:%d", server_port(proxy));
        }
        snprintf(extra, sizeof extra, JSON("proxy":"%s%s") "," QUICK_RETRY, proxies[i], address);
        client = configure_url(url_of("http"), extra);
        start(client);
        if (i == 1) {
            WAIT_START(client);
            barrier(client);
            CHECK_HAS(server_wait(proxy, "tunnel "), JSON("user":"me"));
            server_command(proxy, "cut");
            wait_lost(client);
            WAIT_START(client);
        } else {
            const event_t *event = WAIT_ERROR_CODE(client, "proxy_auth");
            check_hidden(text_of(event, ERROR_MESSAGE));
            CHECK_HAS(text_of(event, ERROR_MESSAGE), "http://127.0.0.1:");
        }
        stop(client);
        WAIT_STOP(client);
    }
    disable();
    CHECK_HAS(host_log(), "main");
    check_hidden(host_log());
    static const char *const wrong[] = {"https://me:s3cret@p", "ftp://me:s3cret@p", "me:s3cret@", "me:s3cret@p:99999"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CHECK_STATUS(check_settings(JSON({"connections":[{"name":"main","url":"http://h","proxy":"%s"}]}), wrong[i]),
                     SOCKETIO_E_SETTINGS);
        CHECK_HAS(last_error(), "Proxy");
        check_hidden(last_error());
    }
}

/* ---- A proxy that does not open the way ---- */

/* Each of these is told as it comes, and when it is over, the connection stands. */
static void check_misbehaving(const char *scheme, const char *refusal, const char *no_proxy)
{
    begin_through(scheme, JSON({"mode":{"status":503,"reason":"Not today"}}), NULL);
    const event_t *event = WAIT_FAILURE(client, "proxy_refused", refusal);
    char address[64];
    snprintf(address, sizeof address, "to connect to " HOST ":%d", server_port(server));
    CHECK_HAS(text_of(event, ERROR_MESSAGE), address);
    set_mode(JSON({"garbage":true}));
    WAIT_FAILURE(client, "proxy_invalid", no_proxy);
    set_mode(JSON({"close":true}));
    WAIT_FAILURE(client, "proxy_invalid", "closed the connection without an answer");
    CHECK(!server_has(server, "transport "));
    set_mode("{}");
    WAIT_RECOVERY(client, server);
}

static void http_connect_that_goes_wrong(void)
{
    check_misbehaving("http", "HTTP 503 Not today", "its answer is not HTTP");
}

static void socks5_that_goes_wrong(void)
{
    check_misbehaving("socks5", "SOCKS: ", "its answer is not SOCKS5");
}

/* It can be stopped meanwhile. */
static void check_silent(const char *scheme)
{
    begin_through(scheme, JSON({"mode":{"silent":true}}), JSON("connect_timeout":0.5));
    WAIT_FAILURE(client, "connect_timeout", "accepted the connection but did not open the way");
    int64_t began = now_ms();
    stop(client);
    WAIT_STOP(client);
    CHECK(now_ms() - began < 400);
    WAIT_ERROR_CODE(client, "not_sent");
    set_mode(JSON({"silent_tunnel":true}));
    start(client);
    WAIT_FAILURE(client, "connect_timeout", "it accepted the connection but did not answer the ");
    CHECK_HAS(server_wait(proxy, "tunnel "), HOST);
    set_mode("{}");
    WAIT_RECOVERY(client, server);
}

static void http_connect_that_is_never_answered(void)
{
    check_silent("http");
}

static void socks5_that_is_never_answered(void)
{
    check_silent("socks5");
}

static void a_proxy_that_goes_away_and_comes_back(void)
{
    begin_through("http", NULL, NULL);
    WAIT_START(client);
    server_kill(proxy);
    wait_lost(client);
    char says[128];
    snprintf(says, sizeof says, "http://127.0.0.1:%d can't be reached: nothing is listening there", server_port(proxy));
    WAIT_FAILURE(client, "proxy_unreachable", says);
    server_restart(proxy);
    WAIT_RECOVERY(client, server);
}

static void a_proxy_whose_name_is_unknown(void)
{
    start_both(NULL, NULL);
    name_resolves("proxy.test", NULL);
    char extra[128];
    snprintf(extra, sizeof extra, "\"proxy\":\"http://proxy.test:%d\"," QUICK_RETRY, server_port(proxy));
    begin();
    client = configure_url(url_of("http"), extra);
    start(client);
    WAIT_FAILURE(client, "proxy_unreachable", "proxy.test");
    name_resolves("proxy.test", "::1 127.0.0.1");
    WAIT_RECOVERY(client, server);
}

/* It is not the server that is slow. */
static void a_proxy_whose_look_up_hangs(void)
{
    start_both(NULL, NULL);
    name_hangs("proxy.test");
    char extra[128];
    snprintf(extra, sizeof extra, JSON("proxy":"http://proxy.test:%d","connect_timeout":0.5) "," QUICK_RETRY,
             server_port(proxy));
    begin();
    client = configure_url(url_of("http"), extra);
    start(client);
    WAIT_FAILURE(client, "proxy_unreachable", "The proxy http://proxy.test:");
    name_resolves("proxy.test", "127.0.0.1");
    WAIT_RECOVERY(client, server);
}

TEST_MAIN(
    CASE(http_connect),
    CASE(http_connect_with_a_password_and_encryption),
    CASE(socks5),
    CASE(socks5_with_a_password_and_encryption),
    CASE(an_ipv6_address_behind_each_kind),
    CASE(an_answer_byte_by_byte),
    CASE(a_wrong_password_for_http_connect),
    CASE(a_wrong_password_for_socks5),
    CASE(a_password_too_long_for_socks5),
    CASE(a_password_that_changes_in_its_file),
    CASE(passwords_stay_out_of_log_and_events),
    CASE(http_connect_that_goes_wrong),
    CASE(socks5_that_goes_wrong),
    CASE(http_connect_that_is_never_answered),
    CASE(socks5_that_is_never_answered),
    CASE(a_proxy_that_goes_away_and_comes_back),
    CASE(a_proxy_whose_name_is_unknown),
    CASE(a_proxy_whose_look_up_hangs))
