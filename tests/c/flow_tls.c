/* Encryption: whom a connection trusts, how it shows who it is, and servers that encrypt badly or not at all. */

#include "harness_recovery.h"
#include "harness_tls.h"

static server_t *server;
static socketio_connection_t client;

static void begin_tls(const char *tls, const char *extra)
{
    client = tls_begin(&server, tls, extra);
}

static void change_settings(const char *extra)
{
    configure_url(server_url(server), extra);
}

/* ---- Trust ---- */

/* The fields with this CA File, which may be a reference. */
static const char *ca_file(const char *check, const char *value)
{
    static char fields[4096];
    snprintf(fields, sizeof fields, "\"certificate_check\":\"%s\",\"ca_file\":\"%s\"," QUICK_RETRY, check, value);
    return fields;
}

static size_t read_file(const char *path, char *bytes, size_t capacity)
{
    FILE *file = file_open(path, "rb");
    CHECK(file != NULL);
    size_t len = fread(bytes, 1, capacity - 1, file);
    fclose(file);
    bytes[len] = 0;
    return len;
}

static void copy_file(const char *from, const char *to)
{
    char bytes[16384];
    file_write(to, bytes, read_file(from, bytes, sizeof bytes));
}

static void a_ca_file_is_pem_or_der_or_a_bundle_or_a_reference(void)
{
    static const char *const names[] = {"pem", "der", "bundle", "file", "env_path", "env_text", "wss"};
    char text[16384];
    char reference[1100];
    read_file(certificate("ca.pem"), text, sizeof text);
    set_environment("SOCKETIO_TEST_CA_TEXT", text);
    set_environment("SOCKETIO_TEST_CA_PATH", certificate("ca.pem"));
    snprintf(reference, sizeof reference, "file:%s", certificate("ca.pem"));
    const char *const values[] = {
        certificate("ca.pem"),      certificate("ca.der"),       certificate("bundle.pem"), reference,
        "env:SOCKETIO_TEST_CA_PATH", "env:SOCKETIO_TEST_CA_TEXT", certificate("ca.pem"),
    };
    server = tls_start("good");
    begin();
    for (size_t i = 0; i < COUNT(names); i++) {
        char url[64];
        snprintf(url, sizeof url, "%s://127.0.0.1:%d", i == 6 ? "wss" : "https", server_port(server));
        settings_add_url(names[i], url, ca_file(i % 2 == 0 ? "CA File Only" : "Roots", values[i]));
    }
    settings_apply();
    for (size_t i = 0; i < COUNT(names); i++) {
        start(find(names[i]));
    }
    for (size_t i = 0; i < COUNT(names); i++) {
        WAIT_START(find(names[i]));
        barrier(find(names[i]));
    }
}

static void the_systems_store_is_a_file_that_the_environment_names(void)
{
    set_environment("SSL_CERT_FILE", certificate("ca.pem"));
    begin_tls("good", NULL);
    WAIT_START(client);
}

static void the_systems_store_is_a_folder_that_the_environment_names(void)
{
    copy_file(certificate("ca.pem"), temporary_path("0a1b2c3d.0"));
    set_environment("SSL_CERT_DIR", temporary_folder());
    begin_tls("good", NULL);
    WAIT_START(client);
}

static void a_system_without_roots_is_no_error(void)
{
    const char *path = temporary_path("empty.pem");
    file_write(path, "", 0);
    set_environment("SSL_CERT_FILE", path);
    set_environment("SSL_CERT_DIR", temporary_folder());
    begin_tls("good", ca_file("Roots", certificate("ca.pem")));
    WAIT_START(client);
}

static void the_intermediate_may_come_from_the_ca_file(void)
{
    char text[16384];
    size_t len = read_file(certificate("ca.pem"), text, sizeof text);
    begin_tls("no_intermediate", trusting("ca.pem", QUICK_RETRY));
    WAIT_FAILURE(client, "tls_chain_incomplete", "Socket.IO tests intermediate");
    read_file(certificate("intermediate.pem"), text + len, sizeof text - len);
    const char *file = temporary_path("both.pem");
    file_write(file, text, strlen(text));
    change_settings(ca_file("CA File Only", file));
    WAIT_RECOVERY(client, server);
}

static int times_in(const char *text, const char *part)
{
    int times = 0;
    while ((text = strstr(text, part)) != NULL) {
        times++;
        text++;
    }
    return times;
}

static void off_takes_every_certificate_and_warns_at_each_start(void)
{
    static const char *const names[] = {"self_signed_ca", "expired", "wrong_name"};
    begin();
    for (int i = 0; i < (int)COUNT(names); i++) {
        server = tls_start(names[i]);
        CHECK(apply_settings(JSON({"connections":[{"name":"main","url":"%s","certificate_check":"Off",
                                                   "transport":"Automatic"}]}), server_url(server)) >= 0);
        client = find("main");
        start(client);
        WAIT_START(client);
        CHECK_INT(times_in(host_log(), "Connection main does not check who the server is"), i + 1);
        stop(client);
        WAIT_STOP(client);
    }
}

/* ---- The certificate of this device ---- */

/* Trusts the tests' authority, and shows these. */
static const char *showing(const char *certificate_file, const char *key)
{
    static char fields[4096];
    char own[2200];
    snprintf(own, sizeof own, JSON("client_certificate":"%s","client_key":"%s") "," QUICK_RETRY, certificate_file, key);
    snprintf(fields, sizeof fields, "%s", trusting("ca.pem", own));
    return fields;
}

/* A server that wants a certificate of the tests' authority. */
static void check_client_certificate(const char *version)
{
    char tls[128];
    snprintf(tls, sizeof tls, JSON({"certificate":"good","client_ca":"ca","minVersion":"%s","maxVersion":"%s"}),
             version, version);
    begin_tls(tls, trusting("ca.pem", QUICK_RETRY));
    WAIT_FAILURE(client, "tls_client_cert_required", "wants a certificate of this device");
    change_settings(showing(certificate("other_client.pem"), certificate("other_client.key.pem")));
    WAIT_FAILURE(client, "tls_client_cert_refused", "does not accept the certificate of this device");
    change_settings(showing(certificate("client.pem"), certificate("client.key.der")));
    WAIT_RECOVERY(client, server);
    server_command(server, "cut");
    WAIT_START(client);
}

static void a_certificate_of_this_device_under_tls_1_2(void)
{
    check_client_certificate("TLSv1.2");
}

static void a_certificate_of_this_device_under_tls_1_3(void)
{
    check_client_certificate("TLSv1.3");
}

/* ---- Files ---- */

static void a_ca_file_that_is_not_there_yet(void)
{
    const char *path = temporary_path("file");
    begin_tls("good", ca_file("CA File Only", path));
    const event_t *event = WAIT_FAILURE(client, "tls_file_invalid", path);
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "CA File of connection main");
    copy_file(certificate("ca.pem"), path);
    WAIT_RECOVERY(client, server);
}

/* Each wrong content is told as it comes. */
static void a_ca_file_without_a_certificate(void)
{
    static const char *const contents[][2] = {
        {"", "it is empty"},
        {"hello", "no certificate in PEM or DER form"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "as a certificate is none"},
        {"-----BEGIN CERTIFICATE-----\n!\n", "damaged"},
        {"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n", "PKCS #7"},
    };
    const char *path = temporary_path("file");
    server = tls_start("good");
    begin();
    for (size_t i = 0; i < COUNT(contents); i++) {
        file_write(path, contents[i][0], strlen(contents[i][0]));
        if (i == 0) {
            client = configure_url(server_url(server), ca_file("Roots", path));
            start(client);
        }
        WAIT_FAILURE(client, "tls_file_invalid", contents[i][1]);
    }
    copy_file(certificate("client.key.pem"), path);
    WAIT_FAILURE(client, "tls_file_invalid", "a private key, but no certificate");
    copy_file(certificate("ca.der"), path);
    WAIT_RECOVERY(client, server);
}

static void a_key_that_can_not_be_used(void)
{
    /* In pieces: nobody shall take it for a real one. */
    static const char protected[] = "-----BEGIN ENCRYPTED " "PRIVATE KEY-----\nAAAA\n"
                                    "-----END ENCRYPTED " "PRIVATE KEY-----\n";
    const char *path = temporary_path("file");
    copy_file(certificate("other_client.key.pem"), path);
    begin_tls(JSON({"certificate":"good","client_ca":"ca"}), showing(certificate("client.pem"), path));
    WAIT_FAILURE(client, "tls_file_invalid", "Client Key of connection main can't be used: it does not belong");
    file_write(path, protected, strlen(protected));
    WAIT_FAILURE(client, "tls_file_invalid", "protected by a password");
    copy_file(certificate("client.pem"), path);
    WAIT_FAILURE(client, "tls_file_invalid", "no private key in it");
    copy_file(certificate("client.key.pem"), path);
    WAIT_RECOVERY(client, server);
}

/* ---- No encryption, or one that fails ---- */

static void only_old_versions(void)
{
    begin_tls(JSON({"certificate":"good","minVersion":"TLSv1","maxVersion":"TLSv1.1","ciphers":"DEFAULT@SECLEVEL=0"}),
              trusting("ca.pem", QUICK_RETRY));
    WAIT_FAILURE(client, "tls_version", "offers no version of TLS that is safe");
    tls_renew(server, "good");
    WAIT_RECOVERY(client, server);
}

static void https_to_a_plain_server(void)
{
    server = tls_start("");
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d", server_port(server));
    begin();
    client = configure_url(url, trusting("ca.pem", QUICK_RETRY));
    start(client);
    WAIT_FAILURE(client, "tls_plain_server", "answers without encryption");
    tls_renew(server, "good");
    WAIT_RECOVERY(client, server);
}

static void http_to_a_tls_server(void)
{
    server = tls_start("good");
    begin();
    client = configure(server_port(server), QUICK_RETRY);
    start(client);
    WAIT_FAILURE(client, "plain_tls_server", "expects an encrypted connection");
    change_settings(trusting("ca.pem", QUICK_RETRY));
    WAIT_RECOVERY(client, server);
}

static void a_handshake_that_is_never_answered(void)
{
    server = tls_start("good");
    server_freeze(server);
    begin();
    client = configure_url(server_url(server), trusting("ca.pem", JSON("connect_timeout":0.5) "," QUICK_RETRY));
    start(client);
    const event_t *event = WAIT_ERROR(client);
    CHECK_TEXT(text_of(event, ERROR_CODE), "connect_timeout");
    CHECK_HAS(text_of(event, ERROR_MESSAGE), "did not complete the encryption");
    SEND(client, .event = "meanwhile");
    server_thaw(server);
    WAIT_RECOVERY(client, server);
}

static void a_handshake_that_is_cut(void)
{
    server = tls_start("good");
    server_t *proxy = proxy_start(JSON({"mode":{"silent_tunnel":true}}));
    begin();
    char extra[128];
    snprintf(extra, sizeof extra, "\"proxy\":\"http://127.0.0.1:%d\"," QUICK_RETRY, server_port(proxy));
    client = configure_url(server_url(server), trusting("ca.pem", extra));
    start(client);
    server_wait(proxy, "tunnel ");
    server_command(proxy, "cut");
    WAIT_FAILURE(client, "tls_failed", "during the handshake");
    server_command(proxy, "mode {}");
    server_command(proxy, "cut");
    WAIT_RECOVERY(client, server);
}

static void a_lost_connection_is_told_in_plain_words(void)
{
    begin_tls("good", trusting("ca.pem", QUICK_RETRY));
    WAIT_START(client);
    server_command(server, "cut");
    const event_t *event = WAIT_ERROR_CODE(client, "connection_lost");
    CHECK(strstr(text_of(event, ERROR_MESSAGE), "docs.rs") == NULL);
    WAIT_START(client);
}

TEST_MAIN(
    CASE(a_ca_file_is_pem_or_der_or_a_bundle_or_a_reference),
    CASE(the_systems_store_is_a_file_that_the_environment_names),
    CASE(the_systems_store_is_a_folder_that_the_environment_names),
    CASE(a_system_without_roots_is_no_error),
    CASE(the_intermediate_may_come_from_the_ca_file),
    CASE_ONCE(off_takes_every_certificate_and_warns_at_each_start),
    CASE(a_certificate_of_this_device_under_tls_1_2),
    CASE(a_certificate_of_this_device_under_tls_1_3),
    CASE(a_ca_file_that_is_not_there_yet),
    CASE(a_ca_file_without_a_certificate),
    CASE(a_key_that_can_not_be_used),
    CASE(only_old_versions),
    CASE(https_to_a_plain_server),
    CASE(http_to_a_tls_server),
    CASE(a_handshake_that_is_never_answered),
    CASE(a_handshake_that_is_cut),
    CASE(a_lost_connection_is_told_in_plain_words))
