/* The text of the last failure, and the log. */

#include "harness.h"

#include <pthread.h>
#include <stdio.h>

/* Fails with a text that holds characters of two, three and four bytes. */
static size_t fail_with_wide_text(void)
{
    CHECK_STATUS(check_settings(JSON({"connections":[{"name":"Größe 日本 🚀","url":"","port":70000}]})),
                 SOCKETIO_E_SETTINGS);
    size_t len = plugin.last_error(NULL, 0);
    CHECK(len > 20);
    return len;
}

static void it_is_copied_as_snprintf_does(void)
{
    plugin_load();
    size_t len = fail_with_wide_text();
    char whole[8192 + 1];
    CHECK_INT(plugin.last_error(whole, sizeof whole), len);
    CHECK_INT(strlen(whole), len);
    CHECK_HAS(whole, "Größe 日本 🚀");
    char exact[8192 + 1];
    CHECK_INT(plugin.last_error(exact, len + 1), len);
    CHECK_TEXT(exact, whole);
    CHECK_INT(plugin.last_error(NULL, 1000), len);
}

static void capacity_zero_writes_nothing(void)
{
    plugin_load();
    size_t len = fail_with_wide_text();
    char untouched[1] = {'x'};
    CHECK_INT(plugin.last_error(untouched, 0), len);
    CHECK_INT(untouched[0], 'x');
}

static void it_is_cut_between_characters(void)
{
    plugin_load();
    size_t len = fail_with_wide_text();
    char whole[8192 + 1];
    plugin.last_error(whole, sizeof whole);
    for (size_t cap = 1; cap <= len; cap++) {
        char cut[8192 + 1];
        memset(cut, 'x', sizeof cut);
        CHECK_INT(plugin.last_error(cut, cap), len);
        size_t kept = strlen(cut);
        CHECK(kept < cap && kept + 4 >= cap);
        CHECK(memcmp(cut, whole, kept) == 0);
        /* The next byte begins a character, and nothing behind the capacity was touched. */
        CHECK(((unsigned char)whole[kept] & 0xc0) != 0x80);
        CHECK_INT(cut[cap], 'x');
    }
}

static void successful_calls_leave_it(void)
{
    plugin_load();
    size_t len = fail_with_wide_text();
    CHECK_STATUS(check_settings(JSON({"connections":[]})), SOCKETIO_OK);
    enable();
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_ENABLED);
    CHECK_INT(plugin.last_error(NULL, 0), len);
}

static void *another_thread(void *argument)
{
    char text[256] = "x";
    CHECK_INT(plugin.last_error(text, sizeof text), 0);
    CHECK_TEXT(text, "");
    CHECK_STATUS(plugin.settings_check(NULL, 1), SOCKETIO_E_INVALID);
    CHECK(plugin.last_error(NULL, 0) > 0);
    return argument;
}

static void each_thread_has_its_own(void)
{
    plugin_load();
    fail_with_wide_text();
    char before[8192 + 1];
    plugin.last_error(before, sizeof before);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, another_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_TEXT(last_error(), before);
}

static void at_most_8_kib_are_kept(void)
{
    plugin_load();
    static char settings[1 << 17];
    size_t len = (size_t)sprintf(settings, "{\"connections\":[");
    for (int i = 0; i < 1000; i++) {
        len += (size_t)sprintf(settings + len, i > 0 ? "," : "");
        len += (size_t)sprintf(settings + len, JSON({"name":"números %d","url":"","port":70000}), i);
    }
    len += (size_t)sprintf(settings + len, "]}");
    CHECK_STATUS(plugin.settings_check(settings, len), SOCKETIO_E_SETTINGS);
    char text[16384];
    size_t kept = plugin.last_error(text, sizeof text);
    CHECK(kept > 4096 && kept <= 8192);
    CHECK_INT(strlen(text), kept);
}

static void failures_in_every_state_have_a_text(void)
{
    plugin_load();
    uint64_t connection = 0;
    CHECK_STATUS(plugin.connection_find("main", 4, &connection), SOCKETIO_E_STATE);
    CHECK_HAS(last_error(), ".");
    enable();
    CHECK_STATUS(plugin.connection_find("näme", strlen("näme"), &connection), SOCKETIO_E_NOT_FOUND);
    CHECK_HAS(last_error(), "näme");
    CHECK_INT(connection, 0);
}

static void log_levels_have_a_range(void)
{
    plugin_load();
    for (uint32_t level = SOCKETIO_LOG_OFF; level <= SOCKETIO_LOG_TRAFFIC; level++) {
        CHECK_STATUS(plugin.set_log_level(level), SOCKETIO_OK);
    }
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC + 1), SOCKETIO_E_INVALID);
    CHECK_STATUS(plugin.set_log_level(UINT32_MAX), SOCKETIO_E_INVALID);
}

static void traffic_is_logged_on_demand(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    SEND(client, .event = "quiet-event", .message = "1");
    barrier(client);
    CHECK(strstr(host_log(), "quiet-event") == NULL);
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    SEND(client, .event = "loud-event", .nsp = "chat", .format = "JSON", .message = JSON({"x":1,"password":"hunter2"}));
    subscribe(client, "news", "/chat");
    WAIT_SUBSCRIBED(client, "news");
    server_command(server, "emit %s", JSON({"nsp":"/chat","event":"news","args":["a",{"_bytes":"00ff"}]}));
    WAIT_RECEIVE(client, "news");
    barrier(client);
    CHECK_HAS(host_log(), "main /chat -> \"loud-event\" [{\"x\":1,\"password\":\"***\"}] 43 B\n");
    CHECK_HAS(host_log(), "main /chat <- \"news\" [\"a\",{\"_placeholder\":true,\"num\":0}] 42 B +2 B\n");
    CHECK_HAS(host_log(), "main / -> \"barrier\" [");
    CHECK(strstr(host_log(), "hunter2") == NULL);
}

/* Neither what a reference stands for, nor a token that the server repeats, nor a session's id gets into the log. */
static void secrets_are_masked_in_the_log(void)
{
    server_t *server = server_start(JSON({"token":"t0k3n-of-the-file","refuse":{"/chat":{"message":"t0k3n-of-the-file is wrong"}}}));
    set_environment("SOCKETIO_TEST_TOKEN", "t0k3n-of-the-file");
    begin();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    socketio_connection_t client = configure(server_port(server),
        JSON("auth":{"token":"env:SOCKETIO_TEST_TOKEN"},"headers":{"Authorization":"Bearer abcdef-123456"}));
    subscribe(client, "news", "/chat");
    start(client);
    char id[64];
    snprintf(id, sizeof id, "%s", text_of(WAIT_START(client), START_SESSION_ID));
    CHECK_HAS(text_of(WAIT_ERROR(client), ERROR_MESSAGE), "is wrong");
    SEND(client, .event = "echo", .message = "Bearer abcdef-123456");
    barrier(client);
    CHECK_HAS(host_log(), "main / -> CONNECT {\"token\":\"***\"}");
    CHECK_HAS(host_log(), "main / <- CONNECT {\"sid\":\"***\"");
    CHECK_HAS(host_log(), "*** is wrong");
    CHECK(strstr(host_log(), "t0k3n") == NULL);
    CHECK(strstr(host_log(), "abcdef-123456") == NULL);
    CHECK(strstr(host_log(), id) == NULL);
}

static void level_off_logs_nothing(void)
{
    plugin_load();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_OFF), SOCKETIO_OK);
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, QUICK_RETRY);
    server_kill(server);
    WAIT_STOP(client);
    WAIT_ERROR(client);
    disable();
    CHECK_TEXT(host_log(), "");
}

static void default_level_tells_the_life_of_a_connection(void)
{
    server_t *server = server_start(NULL);
    connected(server, NULL);
    disable();
    CHECK_HAS(host_log(), "main");
}

TEST_MAIN(
    CASE(it_is_copied_as_snprintf_does),
    CASE(capacity_zero_writes_nothing),
    CASE(it_is_cut_between_characters),
    CASE(successful_calls_leave_it),
    CASE(each_thread_has_its_own),
    CASE(at_most_8_kib_are_kept),
    CASE(failures_in_every_state_have_a_text),
    CASE(log_levels_have_a_range),
    CASE(traffic_is_logged_on_demand),
    CASE(secrets_are_masked_in_the_log),
    CASE(level_off_logs_nothing),
    CASE(default_level_tells_the_life_of_a_connection))
