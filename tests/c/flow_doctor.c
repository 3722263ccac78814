/* Socket.IO Test: the connection test. */

#include "harness.h"

#include <ctype.h>
#include <stdio.h>

enum { RESULT_PULSE = 1, PASSED, REPORT, REPORT_JSON };

/* At the same time, of all connections. */
#define PLACES 8

static server_t *server;
static socketio_connection_t client;

/* Pulses the node with this tag; gives the number of the request. */
static uint64_t begin_test(socketio_connection_t connection, uint64_t node)
{
    socketio_node_call_t call = node_call(SOCKETIO_NODE_TEST, connection);
    socketio_node_result_t result = {.struct_size = sizeof result};
    call.node = node;
    CHECK_STATUS(plugin.node_execute(&call, &result), SOCKETIO_OK);
    CHECK(result.request != 0);
    return result.request;
}

static const event_t *wait_result(uint64_t request)
{
    const event_t *event = WAIT(.node_type = SOCKETIO_NODE_TEST, .request = request);
    CHECK_INT(event->head.pulse, RESULT_PULSE);
    return event;
}

static const event_t *test(void)
{
    const event_t *event = wait_result(begin_test(client, 42));
    CHECK_INT(event->head.node, 42);
    CHECK(event->head.connection == client);
    return event;
}

static const char *check_passed(const event_t *result)
{
    if (!bool_of(result, PASSED)) {
        FAIL("the test failed:\n%s", text_of(result, REPORT));
    }
    CHECK_STATUS(result->head.status, SOCKETIO_OK);
    CHECK_HAS(text_of(result, REPORT_JSON), JSON("passed":true));
    CHECK_HAS(text_of(result, REPORT_JSON), JSON("problem":null));
    return text_of(result, REPORT);
}

/* The test failed in this part, by this error. */
static const char *check_failed(const event_t *result, const char *label, const char *code)
{
    char first[100], problem[100];
    snprintf(first, sizeof first, "Socket.IO connection test of \"main\": failed at %s\n", label);
    snprintf(problem, sizeof problem, "\"problem\":{\"code\":\"%s\",", code);
    CHECK(!bool_of(result, PASSED) && result->head.status < 0);
    CHECK_HAS(text_of(result, REPORT), first);
    CHECK_HAS(text_of(result, REPORT), code);
    CHECK_HAS(text_of(result, REPORT), "\nWhat to do: ");
    CHECK_HAS(text_of(result, REPORT_JSON), problem);
    return text_of(result, REPORT);
}

static void check_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        FAIL("\"%s\" is in:\n%s", part, text);
    }
}

/* The steps of the JSON, such as "name:ok ", are in this order and have these verdicts. */
static void check_steps(const event_t *result, const char *expected)
{
    static const char step[] = "{\"step\":\"", verdict[] = "\"verdict\":\"";
    char seen[1024] = "";
    const char *at = text_of(result, REPORT_JSON);
    while ((at = strstr(at, step)) != NULL) {
        at += sizeof step - 1;
        const char *how = strstr(at, verdict) + sizeof verdict - 1;
        size_t len = strlen(seen);
        snprintf(seen + len, sizeof seen - len, "%s%.*s:%.*s", len > 0 ? " " : "", (int)strcspn(at, "\""), at,
                 (int)strcspn(how, "\""), how);
    }
    CHECK_TEXT(seen, expected);
}

/* "main", stopped, to a server of its own. */
static void begin_stopped(const char *options, const char *extra)
{
    server = server_start(options);
    begin();
    client = configure_url(server_url(server), extra);
}

/* ---- It passes ---- */

static void a_good_server_passes_each_step(void)
{
    begin_stopped(NULL, JSON("transport":"Automatic"));
    const event_t *result = test();
    const char *report = check_passed(result);
    CHECK_HAS(report, "Socket.IO connection test of \"main\": passed\nPlugin ");
    CHECK_HAS(report, "127.0.0.1 is this device itself");
    CHECK_HAS(report, " answered\n");
    CHECK_HAS(report, "a ping every 25 s, to be answered within 20 s");
    CHECK_HAS(report, "moved from long-polling");
    CHECK_HAS(report, "the server takes messages of up to 1000000 bytes");
    check_steps(result, "settings:ok references:skipped name:ok tcp:ok proxy:skipped tls:skipped handshake:ok "
                        "websocket:ok namespace:ok round_trip:ok limits:ok");
    CHECK_HAS(text_of(result, REPORT_JSON), JSON({"version":1,"connection":"main","passed":true,"outcome":"passed"));
    /* The server saw somebody who came and went politely. */
    server_expect(server, "transport " JSON({"name":"polling"}));
    server_expect(server, "upgraded " JSON({"name":"websocket"}));
    server_wait(server, "connected ");
    server_expect(server, "disconnected " JSON({"nsp":"/","reason":"client namespace disconnect"}));
    CHECK_TEXT(state_of(client).state, "Stopped");
}

static void the_json_can_be_read(void)
{
    begin_stopped(NULL, NULL);
    const event_t *result = test();
    start(client);
    WAIT_START(client);
    SEND(client, .event = "report", .format = "JSON", .message = text_of(result, REPORT_JSON));
    const char *got = server_wait(server, "got " JSON({"nsp":"/","event":"report","args":));
    CHECK_HAS(got, JSON([{"version":1,"connection":"main","passed":true,));
    CHECK_HAS(got, JSON("warnings":[],"problem":null}]));
}

static void each_transport_has_its_steps(void)
{
    begin_stopped(NULL, JSON("transport":"WebSocket Only"));
    const event_t *result = test();
    check_passed(result);
    check_steps(result, "settings:ok references:skipped name:ok tcp:ok proxy:skipped tls:skipped websocket:ok "
                        "handshake:ok namespace:ok round_trip:ok limits:ok");
    client = configure_url(server_url(server), JSON("transport":"Polling Only"));
    result = test();
    CHECK_HAS(check_passed(result), "a request over long-polling");
    check_steps(result, "settings:ok references:skipped name:ok tcp:ok proxy:skipped tls:skipped handshake:ok "
                        "websocket:skipped namespace:ok round_trip:ok limits:ok");
}

static void a_server_without_one_of_the_transports_passes(void)
{
    begin_stopped(JSON({"transports":["polling"]}), JSON("transport":"Automatic"));
    CHECK_HAS(check_passed(test()), "the server does not offer it");
    server_t *other = server_start(JSON({"transports":["websocket"]}));
    client = configure_url(server_url(other), JSON("transport":"Automatic"));
    const event_t *result = test();
    CHECK_HAS(check_passed(result), "opened directly, since the server does not offer long-polling");
    check_steps(result, "settings:ok references:skipped name:ok tcp:ok proxy:skipped tls:skipped websocket:ok "
                        "handshake:ok namespace:ok round_trip:ok limits:ok");
}

static void encryption_shows_the_chain(void)
{
    begin_stopped(JSON({"tls":"good"}), trusting("ca.pem", JSON("transport":"Automatic")));
    const event_t *result = test();
    const char *report = check_passed(result);
    CHECK_HAS(report, "References ok");
    CHECK_HAS(report, "CA File");
    CHECK_HAS(report, "TLS 1.3, TLS13_");
    CHECK_HAS(report, "  certificate: ");
    CHECK_HAS(report, "  sent along: ");
    /* As other tools print it. */
    char printed[97] = "";
    const char *hex = fingerprint("good");
    for (size_t i = 0; i < 32; i++) {
        snprintf(printed + 3 * i, sizeof printed - 3 * i, "%c%c:", toupper(hex[2 * i]), toupper(hex[2 * i + 1]));
    }
    printed[95] = '\0';
    CHECK_HAS(report, printed);
}

static void a_proxy_is_a_step(void)
{
    server_t *proxy = proxy_start(JSON({"user":"doctor","password":"pr0xy-secret"}));
    char extra[256];
    snprintf(extra, sizeof extra,
             JSON("transport":"Automatic","proxy":"http://127.0.0.1:%d","proxy_user":"doctor","proxy_password":"%s"),
             server_port(proxy), "pr0xy-secret");
    begin_stopped(NULL, extra);
    const event_t *result = test();
    const char *report = check_passed(result);
    CHECK_HAS(report, "through the proxy http://127.0.0.1:");
    CHECK_HAS(report, "it opened the way to 127.0.0.1:");
    check_steps(result, "settings:ok references:skipped name:ok tcp:ok proxy:ok tls:skipped handshake:ok "
                        "websocket:ok namespace:ok round_trip:ok limits:ok");
    check_has_not(report, "pr0xy-secret");

    snprintf(extra, sizeof extra, JSON("transport":"Automatic","proxy":"http://127.0.0.1:%d","proxy_password":"%s"),
             server_port(proxy), "wrong-secret");
    client = configure_url(server_url(server), extra);
    check_has_not(check_failed(test(), "Proxy", "proxy_auth"), "wrong-secret");
}

static void a_websocket_that_does_not_get_through_is_a_warning(void)
{
    server = server_start(NULL);
    char options[64];
    snprintf(options, sizeof options, JSON({"target":%d,"mode":{"upgrade":502}}), server_port(server));
    server_t *proxy = proxy_start(options);
    begin();
    client = configure_url(server_url(proxy), JSON("transport":"Automatic"));
    const event_t *result = test();
    const char *report = check_passed(result);
    CHECK_HAS(report, "Socket.IO connection test of \"main\": passed with a warning\n");
    CHECK_HAS(report, "WebSocket does not get through to 127.0.0.1:");
    CHECK_HAS(report, "502");
    CHECK_HAS(report, "\nWhat to do: Let proxies in between pass WebSocket");
    CHECK_HAS(text_of(result, REPORT_JSON), JSON("warnings":[{"code":"ws_blocked","message":));
    check_steps(result, "settings:ok references:skipped name:ok tcp:ok proxy:skipped tls:skipped handshake:ok "
                        "websocket:warning namespace:ok round_trip:ok limits:ok");
}

/* The server answers nothing of its own accord here: the reason must not wait for its next ping. */
static void an_upgrade_that_hangs_is_a_warning_in_time(void)
{
    server = server_start(NULL);
    char options[64];
    snprintf(options, sizeof options, JSON({"target":%d,"mode":{"upgrade":"hang"}}), server_port(server));
    server_t *proxy = proxy_start(options);
    begin();
    client = configure_url(server_url(proxy), JSON("transport":"Automatic","connect_timeout":1));
    int64_t began = now_ms();
    CHECK_HAS(check_passed(test()), "ws_blocked");
    CHECK(now_ms() - began < 5000);
}

static void a_clock_that_differs_is_told(void)
{
    begin_stopped(NULL, JSON("transport":"Automatic"));
    check_has_not(check_passed(test()), "Clock");
    clock_shift(7200);
    const event_t *result = test();
    CHECK_HAS(check_passed(result), "\nClock      warning");
    CHECK_HAS(text_of(result, REPORT_JSON), JSON("step":"clock"));
    CHECK_HAS(text_of(result, REPORT_JSON), "the server's clock reads ");
    /* A clock that no date can say is told as well. */
    clock_shift(-100LL * 365 * 86400);
    CHECK_HAS(check_passed(test()), "this device's a time before 1970");
}

/* ---- It fails, and says where and why ---- */

static void nothing_listens(void)
{
    begin();
    client = configure(port_reserve(), JSON("transport":"Automatic"));
    const event_t *result = test();
    CHECK_HAS(check_failed(result, "TCP", "localhost_refused"), "\nNothing is listening at 127.0.0.1:");
    check_steps(result, "settings:ok references:skipped name:ok tcp:failed proxy:not reached tls:not reached "
                        "handshake:not reached websocket:not reached namespace:not reached round_trip:not reached "
                        "limits:not reached");
    /* The connection itself has no error: nobody started it. */
    CHECK_INT(info_of(client).last_error, 0);
}

static void a_name_that_nobody_knows(void)
{
    name_resolves("server.test", NULL);
    begin();
    client = configure_url("http://server.test:3000", NULL);
    CHECK_HAS(check_failed(test(), "Name", "dns_failed"), "The name server.test was not found");
}

static void a_reference_that_is_missing(void)
{
    begin();
    client = configure(port_reserve(), JSON("auth":{"token":"env:SOCKETIO_NOT_SET"}));
    CHECK_HAS(check_failed(test(), "References", "secret_unavailable"), "env:SOCKETIO_NOT_SET");
}

static void a_certificate_that_nobody_vouches_for(void)
{
    begin_stopped(JSON({"tls":"good"}), trusting("other_ca.pem", NULL));
    const event_t *result = test();
    const char *report = check_failed(result, "TLS", "tls_unknown_issuer");
    CHECK_HAS(report, "  certificate: ");
    CHECK_HAS(report, "SHA-256 ");
}

static void a_page_is_no_server(void)
{
    static const char page[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>";
    begin();
    client = configure(raw_start(page), JSON("transport":"Automatic"));
    const event_t *result = test();
    CHECK_HAS(check_failed(result, "Handshake", "http_html"), "HTTP 200");
}

static void a_silent_server_is_a_timeout(void)
{
    begin();
    client = configure(raw_start(NULL), JSON("transport":"WebSocket Only","connect_timeout":0.3));
    int64_t began = now_ms();
    check_failed(test(), "WebSocket", "connect_timeout");
    CHECK(now_ms() - began >= 300 && now_ms() - began < 3000);
}

static void a_server_that_is_silent_over_both_is_one_failure(void)
{
    begin();
    client = configure(raw_start(NULL), JSON("transport":"Automatic","connect_timeout":0.4));
    const event_t *result = test();
    CHECK_HAS(check_failed(result, "Handshake", "connect_timeout"), "no answer over long-polling");
    check_steps(result, "settings:ok references:skipped name:ok tcp:ok proxy:skipped tls:skipped handshake:failed "
                        "websocket:failed namespace:not reached round_trip:not reached limits:not reached");
}

static void a_namespace_that_is_never_answered(void)
{
    begin_stopped(JSON({"refuse":{"/":{"hold":true}}}), JSON("transport":"WebSocket Only","connect_timeout":0.5));
    const event_t *result = test();
    check_failed(result, "Namespace", "ns_timeout");
    check_steps(result, "settings:ok references:skipped name:ok tcp:ok proxy:skipped tls:skipped websocket:ok "
                        "handshake:ok namespace:failed round_trip:not reached limits:ok");
}

static void a_server_of_version_2(void)
{
    begin_stopped(JSON({"version":2}), JSON("transport":"Automatic"));
    CHECK_HAS(check_failed(test(), "Handshake", "proto_v2"), "\nWebSocket  not reached\n");
}

static void what_is_not_asked_for_is_passed_over(void)
{
    server = scripted_start();
    begin();
    client = configure_url(server_url(server), JSON("transport":"WebSocket Only"));
    uint64_t request = begin_test(client, 0);
    script_handshake(server);
    script_expect(server, "40");
    script_storm(server, "2", 10);
    script_storm(server, JSON(42["x"]), 10000);
    script_say(server, JSON(451-["x",{"_placeholder":true,"num":0}]));
    script_say(server, JSON(40{"sid":"abcdefgh"}));
    const char *report = check_passed(wait_result(request));
    CHECK_HAS(report, "joined /, session abcd…");
    check_has_not(report, "abcde");
}

static void a_server_that_leaves_is_a_failure_of_its_step(void)
{
    server = scripted_start();
    begin();
    client = configure_url(server_url(server), JSON("transport":"WebSocket Only"));
    uint64_t request = begin_test(client, 0);
    script_handshake(server);
    script_expect(server, "40");
    script_say(server, "1");
    CHECK_HAS(check_failed(wait_result(request), "Namespace", "connection_lost"), "the server closed it");
}

/* What the server repeats of a secret is hidden as well. */
static void a_refused_token_is_no_secret_told(void)
{
    set_environment("SOCKETIO_TOKEN", "t0ken-of-the-environment");
    begin_stopped(JSON({"refuse":{"/":{"message":"t0ken-of-the-environment is wrong","data":{"header":"h3ader-value"}}}}),
                  JSON("transport":"Automatic","auth":{"token":"env:SOCKETIO_TOKEN"},
                       "headers":{"X-Key":"h3ader-value"},"query":{"key":"qu3ry-value"}));
    const event_t *result = test();
    const char *report = check_failed(result, "Namespace", "ns_rejected");
    CHECK_HAS(report, "The server refused namespace /: \"*** is wrong\"");
    CHECK_HAS(report, "Auth token");
    CHECK_HAS(report, "Headers: 1 (X-Key)");
    CHECK_HAS(report, "Query: 1 (key)");
    for (int i = 0; i < 2; i++) {
        const char *told = i == 0 ? report : text_of(result, REPORT_JSON);
        check_has_not(told, "t0ken");
        check_has_not(told, "h3ader");
        check_has_not(told, "qu3ry");
        check_has_not(host_log(), "t0ken");
    }
}

/* ---- Beside the connection ---- */

static void a_connection_that_stands_does_not_notice(void)
{
    server = server_start(NULL);
    client = connected(server, QUICK_RETRY);
    uint64_t requests[4];
    for (size_t i = 0; i < COUNT(requests); i++) {
        requests[i] = begin_test(client, i + 1);
    }
    for (size_t i = 0; i < COUNT(requests); i++) {
        const event_t *result = wait_result(requests[i]);
        CHECK_INT(result->head.node, i + 1);
        check_passed(result);
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_START);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
    CHECK_TEXT(state_of(client).state, "Connected");
    CHECK_NONE(.node_type = SOCKETIO_NODE_TEST);
}

static void a_connection_that_waits_for_its_next_try_can_be_tested(void)
{
    begin();
    client = configure(port_reserve(), JSON("reconnect_delay":60,"reconnect_delay_max":60));
    start(client);
    WAIT_ERROR_CODE(client, "localhost_refused");
    check_failed(test(), "TCP", "localhost_refused");
    CHECK_TEXT(state_of(client).state, "Waiting");
    stop(client);
    WAIT_STOP(client);
}

static void stop_does_not_end_it(void)
{
    server = server_start(NULL);
    client = connected(server, QUICK_RETRY);
    server_freeze(server);
    uint64_t request = begin_test(client, 0);
    stop(client);
    WAIT_STOP(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_TEST);
    server_thaw(server);
    check_passed(wait_result(request));
}

static void check_given_up(const event_t *result, const char *why)
{
    CHECK(!bool_of(result, PASSED));
    CHECK_STATUS(result->head.status, SOCKETIO_E_NOT_CONNECTED);
    CHECK_HAS(text_of(result, REPORT), "Socket.IO connection test of \"main\": given up\n");
    CHECK_HAS(text_of(result, REPORT), why);
    CHECK_HAS(text_of(result, REPORT_JSON), JSON("problem":{"code":"given_up",));
}

static void disable_gives_each_test_its_end(void)
{
    begin();
    client = configure(raw_start(NULL), NULL);
    uint64_t requests[PLACES];
    for (size_t i = 0; i < PLACES; i++) {
        requests[i] = begin_test(client, 7);
    }
    int64_t began = now_ms();
    disable();
    CHECK(now_ms() - began < 1000);
    for (size_t i = 0; i < PLACES; i++) {
        check_given_up(wait_result(requests[i]), "the plugin was deactivated");
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_TEST);

    /* They gave their places back. */
    enable();
    client = configure(port_reserve(), NULL);
    check_failed(test(), "TCP", "localhost_refused");
}

static void a_removed_connection_gives_its_tests_up(void)
{
    begin();
    client = configure(raw_start(NULL), NULL);
    uint64_t request = begin_test(client, 0);
    CHECK_STATUS(apply_settings(JSON({"connections":[]})), SOCKETIO_OK);
    check_given_up(wait_result(request), "the connection was taken out of Project Settings");
}

/* A look-up that hangs keeps its thread, not the Result. */
static void a_name_that_hangs_does_not_keep_the_result(void)
{
    name_hangs("server.test");
    begin();
    client = configure_url("http://server.test:3000", NULL);
    uint64_t request = begin_test(client, 0);
    AWAIT(name_lookups("server.test") == 1);
    CHECK_STATUS(plugin.plugin_disable(50), SOCKETIO_E_TIMEOUT);
    check_given_up(wait_result(request), "the plugin was deactivated");
    name_resolves("server.test", NULL);
    disable();
}

static void there_are_only_so_many_at_the_same_time(void)
{
    int silent = raw_start(NULL);
    begin();
    client = configure(silent, JSON("transport":"WebSocket Only","connect_timeout":1));
    uint64_t requests[PLACES];
    for (size_t i = 0; i < PLACES; i++) {
        requests[i] = begin_test(client, 0);
    }
    socketio_node_call_t call = node_call(SOCKETIO_NODE_TEST, client);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_E_BUSY);
    CHECK_HAS(last_error(), "connection tests are running");
    /* Whoever has seen a Result may begin the next one. */
    CHECK(!bool_of(wait_result(requests[0]), PASSED));
    requests[0] = begin_test(client, 0);
    for (size_t i = 0; i < PLACES; i++) {
        CHECK(!bool_of(wait_result(requests[i]), PASSED));
    }
}

static void a_hundred_tests_leak_nothing(void)
{
    static const struct {
        const char *transport;
        int times;
    } kinds[] = {
        {JSON("transport":"Automatic"), 10},
        {JSON("transport":"Automatic"), 10},
        {JSON("transport":"Polling Only"), 30},
        {JSON("transport":"WebSocket Only"), 60},
    };
    int threads = 0, files = 0;
    long memory = 0;
    server = server_start(NULL);
    begin();
    for (size_t kind = 0; kind < COUNT(kinds); kind++) {
        /* What is needed once is there after the first ones. */
        if (kind == 1) {
            threads = thread_count(), files = fd_count();
            memory = rss_kib();
        }
        client = configure_url(server_url(server), kinds[kind].transport);
        for (int i = 0; i < kinds[kind].times; i++) {
            check_passed(test());
        }
    }
    CHECK_INT(thread_count(), threads);
    AWAIT(fd_count() <= files);
    CHECK_GROWTH(memory, 4096);
}

TEST_MAIN(
    CASE_ONCE(a_good_server_passes_each_step),
    CASE(the_json_can_be_read),
    CASE_ONCE(each_transport_has_its_steps),
    CASE_ONCE(a_server_without_one_of_the_transports_passes),
    CASE_ONCE(encryption_shows_the_chain),
    CASE_ONCE(a_proxy_is_a_step),
    CASE_ONCE(a_websocket_that_does_not_get_through_is_a_warning),
    CASE_ONCE(an_upgrade_that_hangs_is_a_warning_in_time),
    CASE_ONCE(a_clock_that_differs_is_told),
    CASE_ONCE(nothing_listens),
    CASE(a_name_that_nobody_knows),
    CASE(a_reference_that_is_missing),
    CASE(a_certificate_that_nobody_vouches_for),
    CASE_ONCE(a_page_is_no_server),
    CASE_ONCE(a_silent_server_is_a_timeout),
    CASE_ONCE(a_server_that_is_silent_over_both_is_one_failure),
    CASE_ONCE(a_namespace_that_is_never_answered),
    CASE_ONCE(a_server_of_version_2),
    CASE_ONCE(what_is_not_asked_for_is_passed_over),
    CASE_ONCE(a_server_that_leaves_is_a_failure_of_its_step),
    CASE_ONCE(a_refused_token_is_no_secret_told),
    CASE(a_connection_that_stands_does_not_notice),
    CASE(a_connection_that_waits_for_its_next_try_can_be_tested),
    CASE(stop_does_not_end_it),
    CASE(disable_gives_each_test_its_end),
    CASE(a_removed_connection_gives_its_tests_up),
    CASE(a_name_that_hangs_does_not_keep_the_result),
    CASE_ONCE(there_are_only_so_many_at_the_same_time),
    CASE_ONCE(a_hundred_tests_leak_nothing))
