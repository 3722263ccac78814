/* Applying settings: what changes, what lives on, and what becomes of handles. */

#include "harness.h"

static void it_needs_an_activated_plugin(void)
{
    plugin_load();
    CHECK_STATUS(apply_settings(JSON({"connections":[]})), SOCKETIO_E_STATE);
    CHECK(last_error()[0] != 0);
}

static void an_error_changes_nothing(void)
{
    begin();
    socketio_connection_t client = configure(80, NULL);
    CHECK_STATUS(apply_settings(JSON({"connections":[{"name":"other","url":"http://h"},{"name":"bad","url":""}]})),
                 SOCKETIO_E_SETTINGS);
    CHECK(find("main") == client);
    socketio_connection_t other = 0;
    CHECK_STATUS(plugin.connection_find("other", 5, &other), SOCKETIO_E_NOT_FOUND);
    CHECK_INT(other, 0);
}

static void warnings_do_not_keep_it_from_working(void)
{
    begin();
    CHECK_STATUS(apply_settings(JSON({"connections":[{"name":"main","url":"http://h:3000","port":80}]})),
                 SOCKETIO_NOTE);
    CHECK_HAS(last_error(), "3000");
    find("main");
}

static void a_new_connection_is_stopped(void)
{
    int port = raw_start(NULL);
    begin();
    socketio_connection_t client = configure(port, NULL);
    CHECK_TEXT(state_of(client).state, "Stopped");
    /* Nothing says that it will not dial: a short look. */
    listen_for(100);
    CHECK_INT(raw_accepted(port), 0);
}

static void names_are_compared_byte_by_byte(void)
{
    begin();
    configure(80, NULL);
    socketio_connection_t found = 0;
    CHECK_STATUS(plugin.connection_find("Main", 4, &found), SOCKETIO_E_NOT_FOUND);
    CHECK_STATUS(plugin.connection_find("main ", 5, &found), SOCKETIO_E_NOT_FOUND);
    CHECK_STATUS(plugin.connection_find("main", 3, &found), SOCKETIO_E_NOT_FOUND);
    CHECK_STATUS(plugin.connection_find("mainly", 4, &found), SOCKETIO_OK);
}

static void an_unchanged_connection_lives_on(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    server_wait(server, "connected ");
    settings_add("main", server_port(server), NULL);
    settings_add("second", server_port(server), NULL);
    settings_apply();
    CHECK(find("main") == client);
    barrier(client);
    CHECK_TEXT(state_of(client).state, "Connected");
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":1,"/":1}));
    CHECK(!server_has(server, "disconnected "));
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

/* The same settings, written otherwise: order, defaults that are spelled out. */
static void the_same_in_other_words_is_unchanged(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    static const char settings[] =
        JSON({"connections":[{"transport":"websocket only","port":%d,"url":"ws://127.0.0.1","name":"main"}]});
    CHECK_STATUS(apply_settings(settings, server_port(server)), SOCKETIO_OK);
    barrier(client);
    CHECK_TEXT(server_command(server, "sockets"), JSON({"engine":1,"/":1}));
    CHECK(!server_has(server, "disconnected "));
}

/* What only matters later, or to the plugin alone, cuts no connection. */
static void what_needs_no_new_connection_leaves_it_alone(void)
{
    static const char *const harmless[] = {
        JSON("autostart":true), JSON("reconnect_delay":0.5), JSON("reconnect_after_server_disconnect":true),
        JSON("queue_messages":7), JSON("inbound_messages":7), JSON("unanswered_replies":7),
    };
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    for (size_t i = 0; i < COUNT(harmless); i++) {
        CHECK(configure(server_port(server), harmless[i]) == client);
        barrier(client);
    }
    CHECK(!server_has(server, "disconnected "));
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
}

/* What one server gave for recovery is a secret to another one. */
static void another_address_is_not_told_of_the_old_session(void)
{
    server_t *server = scripted_start();
    begin();
    socketio_connection_t client = configure(server_port(server), QUICK_RETRY);
    start(client);
    script_handshake(server);
    script_expect(server, "40");
    script_say(server, "40" JSON({"sid":"s","pid":"private"}));
    WAIT_START(client);
    configure(server_port(server), QUICK_RETRY "," JSON("path":"/elsewhere"));
    WAIT_STOP(client);
    script_handshake(server);
    script_expect(server, "40");
    script_say(server, "40" JSON({"sid":"t"}));
    WAIT_START(client);
}

static void a_changed_connection_connects_anew(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, JSON("auth":{"token":"first"}));
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    settings_add("main", server_port(server), JSON("auth":{"token":"second"}));
    settings_apply();
    CHECK(find("main") == client);
    WAIT_STOP(client);
    WAIT_START(client);
    WAIT_SUBSCRIBED(client, "news");
    CHECK_HAS(server_command(server, "handshakes"), JSON("auth":{"token":"second"}));
    server_command(server, "emit %s", JSON({"event":"news","args":["still here"]}));
    CHECK_TEXT(text_of(WAIT_RECEIVE(client, "news"), RECEIVE_MESSAGE), "still here");
}

static void a_changed_connection_that_is_stopped_stays_so(void)
{
    begin();
    socketio_connection_t client = configure(raw_start(NULL), NULL);
    int port = raw_start(NULL);
    CHECK(configure(port, NULL) == client);
    CHECK_TEXT(state_of(client).state, "Stopped");
    listen_for(100);
    CHECK_INT(raw_accepted(port), 0);
}

static void check_handle(socketio_connection_t connection, socketio_status_t expected)
{
    socketio_connection_info_t info = {.struct_size = sizeof info};
    CHECK_STATUS(plugin.connection_info(connection, &info), expected);
    for (uint32_t node_type = SOCKETIO_NODE_START; node_type <= SOCKETIO_NODE_STATE; node_type++) {
        socketio_node_call_t call = node_call(node_type, connection);
        const socketio_value_t inputs[] = {{0}, value_text("event")};
        call.inputs = inputs;
        call.input_count = node_type == SOCKETIO_NODE_REPLY ? 0 : node_desc(node_type)->input_count < 2 ? 1 : 2;
        CHECK_STATUS(plugin.node_execute(&call, NULL), expected);
    }
}

static void a_removed_connection_is_stopped_and_its_handle_stale(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    settings_add("other", server_port(server), NULL);
    settings_apply();
    const event_t *event = WAIT_STOP(client);
    CHECK(!bool_of(event, STOP_WILL_RECONNECT));
    check_handle(client, SOCKETIO_E_STALE);
    socketio_connection_t found = 0;
    CHECK_STATUS(plugin.connection_find("main", 4, &found), SOCKETIO_E_NOT_FOUND);
    server_wait(server, "disconnected ");
    AWAIT(strcmp(server_command(server, "sockets"), JSON({"engine":0})) == 0);
}

static void a_name_that_comes_back_has_another_handle(void)
{
    begin();
    socketio_connection_t first = configure(80, NULL);
    CHECK_STATUS(apply_settings(JSON({"connections":[]})), SOCKETIO_OK);
    socketio_connection_t second = configure(80, NULL);
    CHECK(first != second);
    check_handle(first, SOCKETIO_E_STALE);
    CHECK_TEXT(state_of(second).state, "Stopped");
}

static void a_handle_that_never_was_is_not_found(void)
{
    begin();
    socketio_connection_t client = configure(80, NULL);
    check_handle(0, SOCKETIO_E_NOT_FOUND);
    check_handle(client + 1, SOCKETIO_E_NOT_FOUND);
    check_handle(UINT64_MAX, SOCKETIO_E_NOT_FOUND);
}

static void autostart_connects_by_itself(void)
{
    server_t *server = server_start(NULL);
    begin();
    socketio_connection_t client = configure(server_port(server), JSON("autostart":true));
    expect_autostart(client);
    CHECK(!bool_of(WAIT_START(client), START_IS_RECONNECT));
}

/* A studio has connections by name: the attribute finds them, and a name that is gone is said so. */
static void the_configuration_attribute_names_a_connection(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, 0);
    const socketio_value_t inputs[] = {{0}, value_text("hi"), value_text("/"), value_text("there")};
    socketio_value_t configuration = value_text("main");
    call.attributes = &configuration;
    call.attribute_count = 1;
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
    server_expect(server, "got " JSON({"nsp":"/","event":"hi","args":["there"]}));

    configuration.type = SOCKETIO_TYPE_CONNECTION;
    configuration.as.connection = client;
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
    server_expect(server, "got " JSON({"nsp":"/","event":"hi","args":["there"]}));

    configuration = value_text("kitchen");
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_E_NOT_FOUND);
    CHECK_HAS(last_error(), "kitchen");
    call.attribute_count = 0;
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_E_NOT_FOUND);
    CHECK_HAS(last_error(), "Configuration");
}

TEST_MAIN(
    CASE(it_needs_an_activated_plugin),
    CASE(an_error_changes_nothing),
    CASE(warnings_do_not_keep_it_from_working),
    CASE(a_new_connection_is_stopped),
    CASE(names_are_compared_byte_by_byte),
    CASE(an_unchanged_connection_lives_on),
    CASE(the_same_in_other_words_is_unchanged),
    CASE(what_needs_no_new_connection_leaves_it_alone),
    CASE(another_address_is_not_told_of_the_old_session),
    CASE(a_changed_connection_connects_anew),
    CASE(a_changed_connection_that_is_stopped_stays_so),
    CASE(a_removed_connection_is_stopped_and_its_handle_stale),
    CASE(a_name_that_comes_back_has_another_handle),
    CASE(a_handle_that_never_was_is_not_found),
    CASE(autostart_connects_by_itself),
    CASE(the_configuration_attribute_names_a_connection))
