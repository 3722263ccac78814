/* What the studio shows: readable in every state, complete, and the same as plugin.json. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#define KNOWN_FLAGS \
    (SOCKETIO_FIELD_REQUIRED | SOCKETIO_FIELD_SECRET | SOCKETIO_FIELD_ADVANCED | SOCKETIO_FIELD_BYTES_TOO)

typedef const socketio_field_desc_t *const *fields_t;

static void check_is_said(const char *text)
{
    CHECK(text != NULL && text[0] != 0);
}

static void check_field(const socketio_field_desc_t *field)
{
    CHECK(field->struct_size >= sizeof *field);
    CHECK(field->type >= SOCKETIO_TYPE_PULSE && field->type <= SOCKETIO_TYPE_CONNECTION);
    CHECK_INT(field->flags & ~(uint32_t)KNOWN_FLAGS, 0);
    CHECK_INT(field->reserved, 0);
    check_is_said(field->id);
    check_is_said(field->label);
    check_is_said(field->help);
    CHECK(field->minimum <= field->maximum);
    CHECK(field->unit == NULL || field->unit[0] != 0);
    CHECK(field->default_json == NULL || (field->default_json[0] != 0 && !(field->flags & SOCKETIO_FIELD_REQUIRED)));
    if (field->choices != NULL) {
        int has_default = field->default_json == NULL;
        for (const char *const *choice = field->choices; *choice != NULL; choice++) {
            check_is_said(*choice);
            has_default = has_default || strstr(field->default_json, *choice) != NULL;
        }
        CHECK(has_default);
    }
}

static void check_fields(fields_t fields, uint32_t count)
{
    CHECK(count == 0 || fields != NULL);
    for (uint32_t i = 0; i < count; i++) {
        check_field(fields[i]);
        for (uint32_t k = 0; k < i; k++) {
            CHECK(strcmp(fields[i]->id, fields[k]->id) != 0);
        }
    }
}

static void plugin_is_complete(void)
{
    plugin_load();
    const socketio_plugin_desc_t *desc = plugin.plugin_descriptor();
    CHECK(desc->struct_size >= sizeof *desc);
    CHECK_INT(desc->abi_version, plugin.abi_version());
    CHECK_TEXT(desc->id, "socketio");
    CHECK_TEXT(desc->name, "Socket.IO");
    CHECK_TEXT(desc->category, "Communication");
    check_is_said(desc->version);
    check_is_said(desc->vendor);
    check_is_said(desc->license);
    CHECK_INT(desc->capabilities, SOCKETIO_CAPABILITY_RESIDENT | SOCKETIO_CAPABILITY_WAKE_HANDLE);
    CHECK_INT(desc->activated_by_default, 1);
    CHECK(desc->settings_version >= 1);
    CHECK_INT(desc->reserved, 0);

    int paragraphs = 1;
    for (const char *at = desc->description; (at = strstr(at, "\n\n")) != NULL; at += 2) {
        paragraphs++;
    }
    CHECK_INT(paragraphs, 3);

    CHECK(desc->connection_field_count >= 3);
    check_fields(desc->connection_fields, desc->connection_field_count);
    CHECK_TEXT(desc->connection_fields[0]->label, "Name");
    CHECK_TEXT(desc->connection_fields[1]->label, "URL");
    CHECK_TEXT(desc->connection_fields[2]->label, "Port");
}

static void nodes_are_complete(void)
{
    plugin_load();
    const socketio_plugin_desc_t *desc = plugin.plugin_descriptor();
    for (uint32_t i = 0; i < desc->node_count; i++) {
        const socketio_node_desc_t *node = desc->nodes[i];
        CHECK(node->struct_size >= sizeof *node);
        CHECK_INT(node->reserved, 0);
        check_is_said(node->id);
        check_is_said(node->label);
        check_is_said(node->help);
        CHECK_TEXT(node->category, "Communication/Socket.IO");
        CHECK_INT(node->scopes, SOCKETIO_SCOPE_PROJECT | SOCKETIO_SCOPE_SCENE);
        check_fields(node->attributes, node->attribute_count);
        check_fields(node->inputs, node->input_count);
        check_fields(node->outputs, node->output_count);

        CHECK(node->attribute_count >= 1);
        CHECK_TEXT(node->attributes[0]->id, "configuration");
        CHECK_INT(node->attributes[0]->type, SOCKETIO_TYPE_CONNECTION);
        CHECK(node->attributes[0]->flags & SOCKETIO_FIELD_REQUIRED);
        CHECK(node->output_count >= 1);
        CHECK_INT(node->outputs[0]->type, SOCKETIO_TYPE_PULSE);
        if (node->kind == SOCKETIO_KIND_ACTION) {
            CHECK(node->input_count >= 1);
            CHECK_INT(node->inputs[0]->type, SOCKETIO_TYPE_PULSE);
        } else {
            CHECK_INT(node->kind, SOCKETIO_KIND_LISTENER);
            CHECK_INT(node->input_count, 0);
        }
        for (uint32_t k = 0; k < i; k++) {
            CHECK(node->type_id != desc->nodes[k]->type_id);
            CHECK(strcmp(node->id, desc->nodes[k]->id) != 0);
            CHECK(strcmp(node->label, desc->nodes[k]->label) != 0);
        }
    }
}

static void check_labels(fields_t fields, uint32_t count, const char *expected)
{
    char labels[512] = "";
    for (uint32_t i = 0; i < count; i++) {
        size_t len = strlen(labels);
        snprintf(labels + len, sizeof labels - len, "%s%s", i > 0 ? ", " : "", fields[i]->label);
    }
    CHECK_TEXT(labels, expected);
}

/* Existing projects store these positions and names. */
static void pins_stay_where_projects_have_them(void)
{
    static const struct {
        uint32_t type_id;
        const char *label;
        const char *inputs;
        const char *outputs;
    } table[] = {
        {SOCKETIO_NODE_START, "Socket.IO Start", "Pulse", "Pulse"},
        {SOCKETIO_NODE_STOP, "Socket.IO Stop", "Pulse", "Pulse"},
        {SOCKETIO_NODE_SEND, "Socket.IO Send", "Pulse, Event Name, Namespace, Message, Attachments",
         "Pulse, Reply ►, Reply, Timeout ►, Reply Arguments (JSON), Reply Attachments"},
        {SOCKETIO_NODE_SUBSCRIBE, "Socket.IO Subscribe", "Pulse, Event Name, Namespace", "Pulse"},
        {SOCKETIO_NODE_UNSUBSCRIBE, "Socket.IO Unsubscribe", "Pulse, Event Name, Namespace", "Pulse"},
        {SOCKETIO_NODE_REPLY, "Socket.IO Reply", "Pulse, Reply Id, Message, Attachments", "Pulse"},
        {SOCKETIO_NODE_STATE, "Socket.IO State", "Pulse",
         "Pulse, State, Namespace Count, Queued, Dropped, Round Trip (ms), Transport"},
        {SOCKETIO_NODE_TEST, "Socket.IO Test", "Pulse", "Pulse, Result ►, Passed, Report, Report (JSON)"},
        {SOCKETIO_NODE_ON_START, "On Socket.IO Start", "", "Pulse, Session Id, Is Reconnect, Recovered"},
        {SOCKETIO_NODE_ON_STOP, "On Socket.IO Stop", "", "Pulse, Reason, Will Reconnect"},
        {SOCKETIO_NODE_ON_ERROR, "On Socket.IO Error", "",
         "Pulse, Namespace, Message, Code, Remedy, Fatal, Will Retry In (s)"},
        {SOCKETIO_NODE_ON_RECEIVE, "On Socket.IO Receive", "",
         "Pulse, Namespace, Trigger Name, Message, Arguments (JSON), Attachments, Reply Id"},
        {SOCKETIO_NODE_ON_SUBSCRIBE, "On Socket.IO Subscribe", "", "Pulse, Namespace, Event Name"},
        {SOCKETIO_NODE_ON_UNSUBSCRIBE, "On Socket.IO Unsubscribe", "", "Pulse, Namespace, Event Name"},
    };
    plugin_load();
    CHECK_INT(plugin.plugin_descriptor()->node_count, COUNT(table));
    for (size_t i = 0; i < COUNT(table); i++) {
        const socketio_node_desc_t *node = node_desc(table[i].type_id);
        CHECK_TEXT(node->label, table[i].label);
        check_labels(node->inputs, node->input_count, table[i].inputs);
        check_labels(node->outputs, node->output_count, table[i].outputs);
    }
}

static void it_is_the_same_in_every_state(void)
{
    plugin_load();
    const socketio_plugin_desc_t *desc = plugin.plugin_descriptor();
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    CHECK_INT(thread_count(), 1);
    enable();
    CHECK(plugin.plugin_descriptor() == desc);
    disable();
    CHECK(plugin.plugin_descriptor() == desc);
    CHECK_TEXT(desc->name, "Socket.IO");
    CHECK_TEXT(node_desc(SOCKETIO_NODE_SEND)->inputs[2]->default_json, "\"/\"");
}

/* plugin.json lies at the root, two directories above server.js. */
static char *read_manifest(void)
{
    const char *script = environment("SOCKETIO_TEST_SERVER");
    if (script == NULL) {
        skip("SOCKETIO_TEST_SERVER is not set");
    }
    char path[4096];
    const char *name = strrchr(script, '/');
    CHECK(name != NULL);
    snprintf(path, sizeof path, "%.*s/../../plugin.json", (int)(name - script), script);
    FILE *file = file_open(path, "rb");
    CHECK(file != NULL);
    static char text[1 << 18];
    size_t len = fread(text, 1, sizeof text - 1, file);
    CHECK(len > 0 && len < sizeof text - 1);
    fclose(file);
    return text;
}

/* Finds `"key": "value"` behind `at`. */
static const char *find_pair(const char *at, const char *key, const char *value)
{
    char pair[1024];
    snprintf(pair, sizeof pair, "\"%s\": \"%s\"", key, value);
    const char *found = strstr(at, pair);
    if (found == NULL) {
        FAIL("plugin.json lacks %s, or has it elsewhere", pair);
    }
    return found + strlen(pair);
}

static const char *find_fields(const char *at, fields_t fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        at = find_pair(at, "id", fields[i]->id);
        at = find_pair(at, "label", fields[i]->label);
    }
    return at;
}

static void plugin_json_says_the_same(void)
{
    plugin_load();
    const socketio_plugin_desc_t *desc = plugin.plugin_descriptor();
    const char *at = read_manifest();
    at = find_pair(at, "id", desc->id);
    at = find_pair(at, "name", desc->name);
    at = find_pair(at, "category", desc->category);
    at = find_pair(at, "version", desc->version);
    at = find_fields(at, desc->connection_fields, desc->connection_field_count);
    for (uint32_t i = 0; i < desc->node_count; i++) {
        const socketio_node_desc_t *node = desc->nodes[i];
        at = find_pair(at, "id", node->id);
        at = find_pair(at, "label", node->label);
        at = find_fields(at, node->attributes, node->attribute_count);
        at = find_fields(at, node->inputs, node->input_count);
        at = find_fields(at, node->outputs, node->output_count);
    }
    CHECK(strstr(at, "\"type_id\"") == NULL);
}

static void abi_version_is_that_of_the_header(void)
{
    plugin_load();
    CHECK_INT(plugin.abi_version() >> 16, SOCKETIO_ABI_VERSION >> 16);
}

static void every_status_has_a_name(void)
{
#define STATUS(status) { status, #status }
    static const struct {
        socketio_status_t status;
        const char *name;
    } table[] = {
        STATUS(SOCKETIO_OK), STATUS(SOCKETIO_ALREADY), STATUS(SOCKETIO_MORE), STATUS(SOCKETIO_NOTE),
        STATUS(SOCKETIO_TIMED_OUT), STATUS(SOCKETIO_E_INVALID), STATUS(SOCKETIO_E_ABI), STATUS(SOCKETIO_E_STATE),
        STATUS(SOCKETIO_E_NOT_FOUND), STATUS(SOCKETIO_E_STALE), STATUS(SOCKETIO_E_TYPE), STATUS(SOCKETIO_E_SETTINGS),
        STATUS(SOCKETIO_E_UNSUPPORTED), STATUS(SOCKETIO_E_BUSY), STATUS(SOCKETIO_E_QUEUE_FULL),
        STATUS(SOCKETIO_E_TIMEOUT), STATUS(SOCKETIO_E_NOT_CONNECTED), STATUS(SOCKETIO_E_NETWORK),
        STATUS(SOCKETIO_E_PROTOCOL), STATUS(SOCKETIO_E_REFUSED), STATUS(SOCKETIO_E_NO_ANSWER),
        STATUS(SOCKETIO_E_MESSAGE), STATUS(SOCKETIO_E_RESOURCES), STATUS(SOCKETIO_E_PANIC),
    };
    static const socketio_status_t unknown[] = {5, -9, -99, 12345, -12345, INT32_MAX, INT32_MIN};
    plugin_load();
    for (size_t i = 0; i < COUNT(table); i++) {
        CHECK_TEXT(plugin.status_name(table[i].status), table[i].name);
    }
    for (size_t i = 0; i < COUNT(unknown); i++) {
        CHECK_TEXT(plugin.status_name(unknown[i]), "SOCKETIO_UNKNOWN");
    }
}

TEST_MAIN(
    CASE(plugin_is_complete),
    CASE(nodes_are_complete),
    CASE(pins_stay_where_projects_have_them),
    CASE(it_is_the_same_in_every_state),
    CASE(plugin_json_says_the_same),
    CASE(abi_version_is_that_of_the_header),
    CASE(every_status_has_a_name))
