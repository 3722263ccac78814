/* Project Settings are checked as a whole: every problem at once, each with what to do about it. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

/* Checks a settings text and what is said about it: up to four parts that must stand in the text. */
typedef struct verdict_t {
    const char *settings;
    socketio_status_t status;
    const char *parts[4];
} verdict_t;

static void check_verdicts(const verdict_t *verdicts, size_t count)
{
    plugin_load();
    for (size_t i = 0; i < count; i++) {
        const verdict_t *verdict = &verdicts[i];
        socketio_status_t status = plugin.settings_check(verdict->settings, strlen(verdict->settings));
        if (status != verdict->status) {
            FAIL("%s: expected %s, saw %s: %s", verdict->settings, plugin.status_name(verdict->status),
                 plugin.status_name(status), last_error());
        }
        for (size_t k = 0; k < COUNT(verdict->parts) && verdict->parts[k] != NULL; k++) {
            if (strstr(last_error(), verdict->parts[k]) == NULL) {
                FAIL("%s: expected something with \"%s\", saw \"%s\"", verdict->settings, verdict->parts[k],
                     last_error());
            }
        }
    }
}

/* A settings text with one connection named "main". */
#define MAIN(...) "{\"connections\":[{\"name\":\"main\"," #__VA_ARGS__ "}]}"

static void good_settings_pass(void)
{
    static const verdict_t verdicts[] = {
        {JSON({"connections":[]}), SOCKETIO_OK, {NULL}},
        {MAIN("url":"http://localhost:3000"), SOCKETIO_OK, {NULL}},
        {MAIN("url":"http://localhost","port":3000), SOCKETIO_OK, {NULL}},
        {MAIN("url":"http://localhost:3000","port":0), SOCKETIO_OK, {NULL}},
        {MAIN("url":"http://localhost:3000","port":3000), SOCKETIO_OK, {NULL}},
        {MAIN("url":"http://example.com:3000/socket.io","port":0), SOCKETIO_OK, {NULL}},
        {MAIN("url":"http://example.com:3000/socket.io/"), SOCKETIO_OK, {NULL}},
        {MAIN("url":"example.com"), SOCKETIO_OK, {NULL}},
        {MAIN("url":"example.com:3000"), SOCKETIO_OK, {NULL}},
        {MAIN("url":"localhost:3000/socket.io"), SOCKETIO_OK, {NULL}},
        {MAIN("url":"ws://example.com"), SOCKETIO_OK, {NULL}},
        {MAIN("url":"http://[::1]:3000"), SOCKETIO_OK, {NULL}},
        {MAIN("url":"http://127.0.0.1:3000","query":{"room":"7"},"headers":{"X-Station":"9"}), SOCKETIO_OK, {NULL}},
        {MAIN("url":"http://127.0.0.1:3000","auth":{"token":"env:TOKEN","list":[1,null]}), SOCKETIO_OK, {NULL}},
        {JSON({"connections":[{"name":"a","url":"http://h"},{"name":"A","url":"http://h"}]}), SOCKETIO_OK, {NULL}},
    };
    check_verdicts(verdicts, COUNT(verdicts));
}

static void what_may_be_meant_otherwise_is_noted_once(void)
{
    static const verdict_t verdicts[] = {
        {MAIN("url":"http://example.com:3000","port":80), SOCKETIO_NOTE, {"main", "3000", "80"}},
        {MAIN("url":"http://example.com:3000/socket.io","port":80), SOCKETIO_NOTE, {"main", "3000", "80"}},
        {MAIN("url":"http://example.com/chat"), SOCKETIO_NOTE, {"main", "URL", "/chat", "namespace"}},
    };
    check_verdicts(verdicts, COUNT(verdicts));
    CHECK(strchr(last_error(), '\n') == NULL || strchr(last_error(), '\n')[1] == 0);
}

static void bad_urls_and_ports_are_errors(void)
{
    static const verdict_t verdicts[] = {
        {MAIN("url":""), SOCKETIO_E_SETTINGS, {"main", "URL"}},
        {MAIN("port":3000), SOCKETIO_E_SETTINGS, {"main", "URL"}},
        {MAIN("url":"/socket.io"), SOCKETIO_E_SETTINGS, {"main", "URL", "/socket.io"}},
        {MAIN("url":"http://"), SOCKETIO_E_SETTINGS, {"main", "URL"}},
        {MAIN("url":"http://example.com:99999"), SOCKETIO_E_SETTINGS, {"main", "99999"}},
        {MAIN("url":"http://exam ple.com"), SOCKETIO_E_SETTINGS, {"main", "URL"}},
        {MAIN("url":"ftp://example.com"), SOCKETIO_E_SETTINGS, {"main", "URL", "ftp"}},
        {MAIN("url":"http://h","port":70000), SOCKETIO_E_SETTINGS, {"main", "Port", "70000"}},
        {MAIN("url":"http://h","port":-1), SOCKETIO_E_SETTINGS, {"main", "Port", "-1"}},
        {MAIN("url":"http://h","port":80.5), SOCKETIO_E_SETTINGS, {"main", "Port", "whole number"}},
        {MAIN("url":"http://h","port":"eighty"), SOCKETIO_E_SETTINGS, {"main", "Port", "whole number"}},
        {MAIN("url":7), SOCKETIO_E_SETTINGS, {"main", "URL"}},
        {MAIN("url":"http:/host"), SOCKETIO_E_SETTINGS, {"main", "URL", "http:/host"}},
    };
    check_verdicts(verdicts, COUNT(verdicts));
}

static void names_must_be_there_and_unique(void)
{
    static const verdict_t verdicts[] = {
        {JSON({"connections":[{"url":"http://h"}]}), SOCKETIO_E_SETTINGS, {"Name"}},
        {JSON({"connections":[{"name":"","url":"http://h"}]}), SOCKETIO_E_SETTINGS, {"Name"}},
        {JSON({"connections":[{"name":5,"url":"http://h"}]}), SOCKETIO_E_SETTINGS, {"Name"}},
        {JSON({"connections":[{"name":"two\nlines","url":"http://h"}]}), SOCKETIO_E_SETTINGS, {"Name"}},
        {JSON({"connections":[{"name":"twin","url":"http://h"},{"name":"twin","url":"http://g"}]}), SOCKETIO_E_SETTINGS,
         {"twin", "Name"}},
    };
    check_verdicts(verdicts, COUNT(verdicts));
}

static void text_that_is_no_settings_is_refused(void)
{
    static const verdict_t verdicts[] = {
        {"nonsense", SOCKETIO_E_SETTINGS, {"line 1"}},
        {"{\"connections\":[\n{\"name\":}]}", SOCKETIO_E_SETTINGS, {"line 2"}},
        {"", SOCKETIO_E_SETTINGS, {NULL}},
        {"[]", SOCKETIO_E_SETTINGS, {NULL}},
        {"null", SOCKETIO_E_SETTINGS, {NULL}},
        {"\"connections\"", SOCKETIO_E_SETTINGS, {NULL}},
        {JSON({"connections":{}}), SOCKETIO_E_SETTINGS, {"connections"}},
        {JSON({"connections":[7]}), SOCKETIO_E_SETTINGS, {NULL}},
        {JSON({"connections":[]}) "trailing", SOCKETIO_E_SETTINGS, {NULL}},
    };
    check_verdicts(verdicts, COUNT(verdicts));
    CHECK_STATUS(plugin.settings_check(NULL, 0), SOCKETIO_E_SETTINGS);
    CHECK_STATUS(plugin.settings_check(NULL, 5), SOCKETIO_E_INVALID);
    CHECK_STATUS(plugin.settings_check("{\"\xff\":1}", 7), SOCKETIO_E_SETTINGS);
    CHECK_HAS(last_error(), "UTF-8");
}

/* Projects may come from a newer version of the plugin: a field that is not known is noted, with what was meant. */
static void unknown_fields_are_noted_with_a_suggestion(void)
{
    static const verdict_t verdicts[] = {
        {MAIN("url":"http://h","autostrat":true), SOCKETIO_NOTE, {"main", "autostrat", "autostart"}},
        {MAIN("url":"http://h","quantum":1), SOCKETIO_NOTE, {"main", "quantum"}},
    };
    check_verdicts(verdicts, COUNT(verdicts));
}

static void values_of_the_wrong_type_are_errors(void)
{
    static const verdict_t verdicts[] = {
        {MAIN("url":"http://h","headers":[]), SOCKETIO_E_SETTINGS, {"main", "Headers"}},
        {MAIN("url":"http://h","headers":{"X-A":{}}), SOCKETIO_E_SETTINGS, {"main", "Headers", "X-A"}},
        {MAIN("url":"http://h","headers":{"bad header":"1"}), SOCKETIO_E_SETTINGS, {"main", "Headers", "bad header"}},
        {MAIN("url":"http://h","headers":{"X-A":"1\r\nX-B: 2"}), SOCKETIO_E_SETTINGS, {"main", "Headers", "X-A"}},
        {MAIN("url":"http://h","query":"a=b"), SOCKETIO_E_SETTINGS, {"main", "Query"}},
        {MAIN("url":"http://h","auth":"token"), SOCKETIO_E_SETTINGS, {"main", "Auth"}},
        {MAIN("url":"http://h","path":3), SOCKETIO_E_SETTINGS, {"main", "Path"}},
        {MAIN("url":"http://h","reconnect_delay":2,"reconnect_delay_max":1), SOCKETIO_NOTE,
         {"main", "Reconnect Delay"}},
    };
    check_verdicts(verdicts, COUNT(verdicts));
}

static void check_one(const char *id, const char *value, socketio_status_t expected, const char *label)
{
    char settings[512];
    int len = snprintf(settings, sizeof settings, MAIN("url":"http://h","%s":%s), id, value);
    socketio_status_t status = plugin.settings_check(settings, (size_t)len);
    if (status != expected || (label != NULL && strstr(last_error(), label) == NULL)) {
        FAIL("%s: expected %s with \"%s\", saw %s: %s", settings, plugin.status_name(expected),
             label != NULL ? label : "", plugin.status_name(status), last_error());
    }
}

static void check_number(const char *id, double value, socketio_status_t expected, const char *label)
{
    char text[64];
    snprintf(text, sizeof text, "%.17g", value);
    check_one(id, text, expected, label);
}

/* Every field of the descriptor keeps what the descriptor promises. */
static void ranges_and_types_are_those_of_the_descriptor(void)
{
    plugin_load();
    const socketio_plugin_desc_t *desc = plugin.plugin_descriptor();
    for (uint32_t i = 2; i < desc->connection_field_count; i++) {
        const socketio_field_desc_t *field = desc->connection_fields[i];
        check_one(field->id, field->default_json, SOCKETIO_OK, NULL);
        /* NULL stands for: not given. */
        check_one(field->id, "null", SOCKETIO_OK, NULL);
        if (field->minimum != field->maximum) {
            check_number(field->id, field->minimum - 1, SOCKETIO_E_SETTINGS, field->label);
            check_number(field->id, field->maximum + 1, SOCKETIO_E_SETTINGS, field->label);
            check_one(field->id, "true", SOCKETIO_E_SETTINGS, field->label);
            check_one(field->id, "{}", SOCKETIO_E_SETTINGS, field->label);
        }
        if (field->type == SOCKETIO_TYPE_BOOL) {
            check_one(field->id, "\"yes\"", SOCKETIO_E_SETTINGS, field->label);
            check_one(field->id, "2", SOCKETIO_E_SETTINGS, field->label);
        }
        if (field->type == SOCKETIO_TYPE_INT) {
            check_number(field->id, field->minimum + 1.5, SOCKETIO_E_SETTINGS, field->label);
        }
    }
}

static int count_lines(const char *text)
{
    int lines = text[0] != 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL && at[1] != 0; at++) {
        lines++;
    }
    return lines;
}

static void all_problems_come_at_once(void)
{
    plugin_load();
    CHECK_STATUS(check_settings(JSON({"connections":[
        {"name":"kitchen","url":"/socket.io","port":70000},
        {"name":"hall","url":"http://h:3000","port":80,"autostart":"yes"},
        {"name":"hall","url":""}
    ]})), SOCKETIO_E_SETTINGS);
    const char *text = last_error();
    CHECK(count_lines(text) >= 6);
    static const char *const parts[] = {"kitchen", "hall", "URL", "Port", "70000", "Autostart", "3000", "Name"};
    for (size_t i = 0; i < COUNT(parts); i++) {
        CHECK_HAS(text, parts[i]);
    }
}

static void check_big(char *settings, size_t len, socketio_status_t expected)
{
    int64_t began = now_ms();
    CHECK_STATUS(plugin.settings_check(settings, len), expected);
    CHECK(now_ms() - began < 20000);
}

#define FIFTY_MB (50u * 1024 * 1024)

static void fifty_megabytes_are_survived(void)
{
    plugin_load();
    char *settings = malloc(FIFTY_MB);
    CHECK(settings != NULL);
    static const char before[] = "{\"connections\":[{\"name\":\"main\",\"url\":\"http://h\",\"path\":\"/";
    memset(settings, 'x', FIFTY_MB);
    memcpy(settings, before, sizeof before - 1);
    memcpy(settings + FIFTY_MB - 4, "\"}]}", 4);
    check_big(settings, FIFTY_MB, SOCKETIO_E_SETTINGS);
    CHECK(strlen(last_error()) > 10);

    memset(settings, '[', FIFTY_MB);
    check_big(settings, FIFTY_MB, SOCKETIO_E_SETTINGS);
    free(settings);
}

/* A key that is not known is compared with those that are: that must not take long. */
static void a_long_key_is_checked_quickly(void)
{
    enum { LEN = 1 << 20 };
    static char settings[LEN + 64];
    plugin_load();
    size_t len = (size_t)sprintf(settings, "{\"connections\":[{\"name\":\"main\",\"url\":\"http://h\",\"");
    memset(settings + len, 'k', LEN);
    memcpy(settings + len + LEN, "\":1}]}", 6);
    int64_t began = now_ms();
    CHECK_STATUS(plugin.settings_check(settings, len + LEN + 6), SOCKETIO_NOTE);
    CHECK(now_ms() - began < 2000);
}

static void checking_changes_nothing(void)
{
    begin();
    int fds = fd_count();
    CHECK_STATUS(check_settings(MAIN("url":"http://h","autostart":true)), SOCKETIO_OK);
    socketio_connection_t connection = 0;
    CHECK_STATUS(plugin.connection_find("main", 4, &connection), SOCKETIO_E_NOT_FOUND);
    CHECK_INT(fd_count(), fds);
    CHECK_NONE(.node_type = 0);
}

TEST_MAIN(
    CASE(good_settings_pass),
    CASE(what_may_be_meant_otherwise_is_noted_once),
    CASE(bad_urls_and_ports_are_errors),
    CASE(names_must_be_there_and_unique),
    CASE(text_that_is_no_settings_is_refused),
    CASE(unknown_fields_are_noted_with_a_suggestion),
    CASE(values_of_the_wrong_type_are_errors),
    CASE(ranges_and_types_are_those_of_the_descriptor),
    CASE(all_problems_come_at_once),
    CASE(fifty_megabytes_are_survived),
    CASE(a_long_key_is_checked_quickly),
    CASE(checking_changes_nothing))
