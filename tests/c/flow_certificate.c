/* The server's certificate: which ones are refused, what is told, and that it connects once the cause is gone. */

#include "harness_recovery.h"
#include "harness_tls.h"

#include <ctype.h>
#include <stdio.h>

#define DAY ((int64_t)86400)

static server_t *server;
static socketio_connection_t client;

static void begin_with(const char *name, const char *extra)
{
    client = tls_begin(&server, name, extra);
}

static void change_settings(const char *extra)
{
    configure_url(server_url(server), extra);
}

/* ---- Certificates that are refused ---- */

/* A server with this certificate is refused so, and taken once it has a good one. */
static void check_refused(const char *name, const char *code, const char *says)
{
    begin_with(name, trusting("ca.pem", QUICK_RETRY));
    WAIT_FAILURE(client, code, says);
    /* It is tried again and again, and told once. */
    for (int i = 0; i < 3; i++) {
        server_wait(server, "tls_error ");
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
    CHECK(!server_has(server, "transport "));
    tls_renew(server, "good");
    WAIT_RECOVERY(client, server);
}

static void expired(void)
{
    check_refused("expired", "tls_expired", "expired on 20");
}

static void for_another_name(void)
{
    check_refused("wrong_name", "tls_name_mismatch", "is for other.test, not for 127.0.0.1");
}

static void without_its_intermediate(void)
{
    check_refused("no_intermediate", "tls_chain_incomplete", "the certificate of Socket.IO tests intermediate, which");
}

/* Whether it is a CA or not: it is told so, and can be trusted as it is. */
static void check_self_signed(const char *name)
{
    char file[32];
    snprintf(file, sizeof file, "%s.pem", name);
    begin_with(name, QUICK_RETRY);
    WAIT_FAILURE(client, "tls_self_signed", "a server of the tests");
    change_settings(trusting(file, QUICK_RETRY));
    WAIT_RECOVERY(client, server);
    /* Its name is checked all the same. */
    char url[64];
    snprintf(url, sizeof url, "https://elsewhere.test:%d", server_port(server));
    name_resolves("elsewhere.test", "127.0.0.1");
    configure_url(url, trusting(file, QUICK_RETRY));
    const event_t *event = WAIT_ERROR_CODE(client, "tls_name_mismatch");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "localhost, server.test, 127.0.0.1, ::1, not for elsewhere.test");
}

static void self_signed(void)
{
    check_self_signed("self_signed");
}

static void self_signed_as_an_authority(void)
{
    check_self_signed("self_signed_ca");
}

static void of_an_unknown_issuer(void)
{
    begin_with("other", QUICK_RETRY);
    WAIT_FAILURE(client, "tls_unknown_issuer", "issued by Socket.IO tests other root");
    change_settings(trusting("bundle.pem", QUICK_RETRY));
    WAIT_RECOVERY(client, server);
}

static void of_another_issuer_than_the_ca_file(void)
{
    begin_with("good", trusting("other_ca.pem", QUICK_RETRY));
    WAIT_FAILURE(client, "tls_unknown_issuer", "issued by Socket.IO tests intermediate under Socket.IO tests root");
    change_settings(trusting("ca.pem", QUICK_RETRY));
    WAIT_RECOVERY(client, server);
}

static void server_name_is_the_name_that_counts(void)
{
    begin_with("wrong_name", trusting("ca.pem", QUICK_RETRY));
    WAIT_FAILURE(client, "tls_name_mismatch", "other.test");
    change_settings(trusting("ca.pem", JSON("server_name":"other.test") "," QUICK_RETRY));
    WAIT_RECOVERY(client, server);
}

static void refusals_leave_nothing_behind(void)
{
    begin_with("expired", trusting("ca.pem", JSON("reconnect_delay":0.01,"reconnect_delay_max":0.01)));
    WAIT_FAILURE(client, "tls_expired", "expired on 20");
    for (int i = 0; i < 10; i++) {
        server_wait(server, "tls_error ");
    }
    long before = rss_kib();
    for (int i = 0; i < 30; i++) {
        server_wait(server, "tls_error ");
    }
    CHECK_GROWTH(before, 512);
    tls_renew(server, "good");
    WAIT_RECOVERY(client, server);
}

/* ---- Time ---- */

static void a_certificate_of_tomorrow_is_good_when_the_day_has_come(void)
{
    begin_with("not_yet_valid", trusting("ca.pem", QUICK_RETRY));
    WAIT_FAILURE(client, "tls_not_yet_valid", "is valid only from 20");
    clock_shift(20 * DAY);
    WAIT_RECOVERY(client, server);
}

static void a_clock_that_runs_ahead_is_told(void)
{
    clock_shift(4000 * DAY);
    begin_with("good", trusting("ca.pem", QUICK_RETRY));
    const event_t *event = WAIT_FAILURE(client, "tls_expired", "this device's clock reads 20");
    CHECK_HAS(text_of(event, ERROR_REMEDY), "set the clock");
    clock_shift(0);
    WAIT_RECOVERY(client, server);
}

static void a_clock_before_the_plugin_was_built_is_told(void)
{
    /* What a clock without a battery reads. */
    clock_shift(-now_ms() / 1000 - 50 * 365 * DAY);
    begin_with("good", trusting("ca.pem", QUICK_RETRY));
    WAIT_FAILURE(client, "clock_wrong", "which is before this plugin was built");
    clock_shift(0);
    WAIT_RECOVERY(client, server);
}

/* Linux does not let a clock be set so, other systems do. */
static void a_clock_before_1970(void)
{
    clock_shift(-100 * 365 * DAY);
    begin_with("good", trusting("ca.pem", QUICK_RETRY));
    WAIT_FAILURE(client, "clock_wrong", "which is before this plugin was built");
    clock_shift(0);
    WAIT_RECOVERY(client, server);
}

/* The first thing that a device without a battery does when it has a network. Only certificates care. */
static void a_clock_that_is_set_while_the_connection_stands(void)
{
    clock_shift(-20 * DAY);
    server = server_start(JSON({"tls":"good","pingInterval":200,"pingTimeout":2000}));
    client = connected(server, trusting("ca.pem", QUICK_RETRY));
    clock_shift(0);
    /* Over two heartbeats. */
    listen_for(500);
    barrier(client);
    clock_shift(-DAY);
    barrier(client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR);
}

/* ---- Fingerprints ---- */

static const char *pinned(const char *value)
{
    static char fields[1536];
    snprintf(fields, sizeof fields, JSON("certificate_check":"Fingerprint","fingerprint":"%s") "," QUICK_RETRY, value);
    return fields;
}

/* As most tools print them: AA:BB:... */
static const char *with_colons(const char *hex)
{
    static char text[3 * 32 + 1];
    for (size_t i = 0; i < 32; i++) {
        snprintf(text + 3 * i, 4, "%c%c:", toupper(hex[2 * i]), toupper(hex[2 * i + 1]));
    }
    text[sizeof text - 2] = 0;
    return text;
}

static void fingerprints_as_tools_print_them(void)
{
    static const char *const names[] = {"hex", "colons", "openssl", "ssh", "list"};
    char values[5][256];
    char other[65];
    snprintf(other, sizeof other, "%s", fingerprint("good"));
    const char *hex = fingerprint("self_signed");
    const char *colons = with_colons(hex);
    snprintf(values[0], sizeof values[0], "%s", hex);
    snprintf(values[1], sizeof values[1], "%s", colons);
    snprintf(values[2], sizeof values[2], "sha256 Fingerprint=%s", colons);
    snprintf(values[3], sizeof values[3], "SHA256:%s", hex);
    snprintf(values[4], sizeof values[4], "%s, %s", other, colons);
    server = tls_start("self_signed");
    begin();
    for (size_t i = 0; i < COUNT(names); i++) {
        settings_add_url(names[i], server_url(server), pinned(values[i]));
    }
    settings_apply();
    for (size_t i = 0; i < COUNT(names); i++) {
        start(find(names[i]));
        WAIT_START(find(names[i]));
    }
}

/* The one that the error tells can be entered as it stands there. */
static void another_fingerprint_is_refused_and_told(void)
{
    begin_with("good", pinned(fingerprint("other")));
    const event_t *event = WAIT_FAILURE(client, "tls_fingerprint", with_colons(fingerprint("good")));
    char told[3 * 32];
    snprintf(told, sizeof told, "%s", strstr(text_of(event, ERROR_MESSAGE), "fingerprint ") + strlen("fingerprint "));
    change_settings(pinned(told));
    WAIT_RECOVERY(client, server);
}

static void a_server_that_changes_its_certificate_between_reconnects(void)
{
    begin_with("good", pinned(fingerprint("good")));
    WAIT_START(client);
    tls_renew(server, "direct");
    wait_lost(client);
    WAIT_ERROR_CODE(client, "tls_fingerprint");
    CHECK(!server_has(server, "connected "));
    SEND(client, .event = "meanwhile");
    tls_renew(server, "good");
    WAIT_RECOVERY(client, server);
}

TEST_MAIN(
    CASE(expired),
    CASE(for_another_name),
    CASE(without_its_intermediate),
    CASE(self_signed),
    CASE(self_signed_as_an_authority),
    CASE(of_an_unknown_issuer),
    CASE(of_another_issuer_than_the_ca_file),
    CASE(server_name_is_the_name_that_counts),
    CASE(refusals_leave_nothing_behind),
    CASE(a_certificate_of_tomorrow_is_good_when_the_day_has_come),
    CASE(a_clock_that_runs_ahead_is_told),
    CASE(a_clock_before_the_plugin_was_built_is_told),
    CASE(a_clock_before_1970),
    CASE(a_clock_that_is_set_while_the_connection_stands),
    CASE(fingerprints_as_tools_print_them),
    CASE(another_fingerprint_is_refused_and_told),
    CASE(a_server_that_changes_its_certificate_between_reconnects))
