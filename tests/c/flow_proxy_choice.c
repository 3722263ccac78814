/* Which proxy is asked: that of the settings, that of the environment, or none. */

#include "harness_recovery.h"

#include <stdio.h>

#define HOST "server.test"

static server_t *server;
static server_t *proxy;
static socketio_connection_t client;
static char http_proxy[64];
static char socks5_proxy[64];

static const char *url_of(const char *scheme)
{
    static char url[64];
    snprintf(url, sizeof url, "%s://" HOST ":%d", scheme, server_port(server));
    return url;
}

/* The server is found with a proxy and without. */
static void start_both(const char *server_options)
{
    server = server_start(server_options);
    proxy = proxy_start(NULL);
    name_resolves(HOST, "127.0.0.1");
    snprintf(http_proxy, sizeof http_proxy, "http://127.0.0.1:%d", server_port(proxy));
    snprintf(socks5_proxy, sizeof socks5_proxy, "socks5://127.0.0.1:%d", server_port(proxy));
}

/* Connects with this Proxy setting (NULL: none) and these variables; gives whether it went through the proxy. */
static int goes_through(const char *url, const char *setting, const char *const variables[][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        set_environment(variables[i][0], variables[i][1]);
    }
    char extra[2048];
    snprintf(extra, sizeof extra, QUICK_RETRY "%s", setting != NULL ? setting : "");
    begin();
    client = configure_url(url, strncmp(url, "https", 5) == 0 ? trusting("ca.pem", extra) : extra);
    start(client);
    WAIT_START(client);
    disable();
    for (size_t i = 0; i < count; i++) {
        set_environment(variables[i][0], NULL);
    }
    server_command(proxy, "tunnels");
    int through_it = 0;
    while (server_has(proxy, "tunnel ")) {
        through_it = 1;
    }
    return through_it;
}

#define GOES_THROUGH(url, setting, ...)                                              \
    goes_through(url, setting, (const char *const[][2]){__VA_ARGS__},                \
                 sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

static void the_environment_names_a_proxy_for_http(void)
{
    start_both(NULL);
    static const char *const names[] = {"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"};
    for (size_t i = 0; i < COUNT(names); i++) {
        CHECK(GOES_THROUGH(url_of("http"), NULL, {names[i], i % 2 == 0 ? socks5_proxy : http_proxy}));
    }
    CHECK(!GOES_THROUGH(url_of("http"), NULL, {"HTTPS_PROXY", "http://127.0.0.1:1"}));
}

static void the_environment_names_a_proxy_for_https(void)
{
    start_both(JSON({"tls":"good"}));
    static const char *const names[] = {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"};
    for (size_t i = 0; i < COUNT(names); i++) {
        CHECK(GOES_THROUGH(url_of("https"), NULL, {names[i], i % 2 == 0 ? http_proxy : socks5_proxy}));
    }
    CHECK(!GOES_THROUGH(url_of("https"), NULL, {"HTTP_PROXY", "http://127.0.0.1:1"}));
}

/* No thread of the library reads it while the host may change it: what counts is what `enable` found. */
static void the_environment_is_that_of_the_activation(void)
{
    start_both(NULL);
    set_environment("HTTP_PROXY", http_proxy);
    for (int through_it = 1; through_it >= 0; through_it--) {
        begin();
        set_environment("HTTP_PROXY", NULL);
        client = configure_url(url_of("http"), QUICK_RETRY);
        start(client);
        WAIT_START(client);
        server_command(proxy, "tunnels");
        CHECK_INT(server_has(proxy, "tunnel "), through_it);
        disable();
        while (server_has(proxy, "tunnel ")) {
        }
    }
}

static void no_proxy_and_none_go_straight(void)
{
    start_both(NULL);
    const char *url = url_of("http");
    CHECK(!GOES_THROUGH(url, NULL, {"HTTP_PROXY", http_proxy}, {"NO_PROXY", "other.test, " HOST}));
    CHECK(!GOES_THROUGH(url, NULL, {"ALL_PROXY", http_proxy}, {"no_proxy", ".test"}));
    CHECK(GOES_THROUGH(url, NULL, {"ALL_PROXY", http_proxy}, {"NO_PROXY", "other.test"}));
    CHECK(!GOES_THROUGH(url, "," JSON("proxy":"None"), {"HTTP_PROXY", http_proxy}, {"ALL_PROXY", http_proxy}));
    CHECK(GOES_THROUGH(url, "," JSON("proxy":"automatic"), {"HTTP_PROXY", http_proxy}));
    CHECK(GOES_THROUGH(url, "," JSON("proxy":"env:SOCKETIO_TEST_PROXY"), {"SOCKETIO_TEST_PROXY", http_proxy}));
}

static void this_device_is_reached_without_the_environments_proxy(void)
{
    start_both(NULL);
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < COUNT(hosts); i++) {
        char url[64];
        snprintf(url, sizeof url, "http://%s:%d", hosts[i], server_port(server));
        CHECK(!GOES_THROUGH(url, NULL, {"HTTP_PROXY", http_proxy}, {"ALL_PROXY", http_proxy}));
    }
}

static void a_variable_that_names_no_proxy(void)
{
    start_both(NULL);
    set_environment("HTTP_PROXY", "https://me:s3cret@127.0.0.1:1");
    begin();
    client = configure_url(url_of("http"), QUICK_RETRY);
    start(client);
    const event_t *event = WAIT_FAILURE(client, "proxy_invalid", "of the environment variable HTTP_PROXY");
    CHECK(strstr(text_of(event, ERROR_MESSAGE), "s3cret") == NULL);
    configure_url(url_of("http"), JSON("proxy":"None") "," QUICK_RETRY);
    WAIT_RECOVERY(client, server);
}

TEST_MAIN(
    CASE(the_environment_names_a_proxy_for_http),
    CASE(the_environment_names_a_proxy_for_https),
    CASE(the_environment_is_that_of_the_activation),
    CASE(no_proxy_and_none_go_straight),
    CASE(this_device_is_reached_without_the_environments_proxy),
    CASE(a_variable_that_names_no_proxy))
