/* Arguments that no careful host hands in: each is refused with a status and a text, none does harm. */

#include "harness.h"


static socketio_connection_t client;

static void begin_configured(void)
{
    begin();
    client = configure(80, NULL);
}

/* ---- NULL ---- */

static void null_where_memory_is_needed(void)
{
    begin_configured();
    socketio_connection_t found = 0;
    CHECK_STATUS(plugin.settings_check(NULL, 1), SOCKETIO_E_INVALID);
    CHECK_STATUS(plugin.settings_apply(NULL, 1), SOCKETIO_E_INVALID);
    CHECK_STATUS(plugin.connection_find(NULL, 1, &found), SOCKETIO_E_INVALID);
    CHECK_STATUS(plugin.connection_find("main", 4, NULL), SOCKETIO_E_INVALID);
    CHECK_STATUS(plugin.connection_info(client, NULL), SOCKETIO_E_INVALID);
    CHECK_STATUS(plugin.node_execute(NULL, NULL), SOCKETIO_E_INVALID);
    CHECK_STATUS(plugin.event_poll(0, NULL), SOCKETIO_E_INVALID);
    CHECK_STATUS(plugin.event_wake_handle(NULL), SOCKETIO_E_INVALID);
    CHECK(last_error()[0] != 0);
    CHECK(find("main") == client);
}

static void null_while_deactivated(void)
{
    plugin_load();
    CHECK(plugin.settings_check(NULL, 1) < 0);
    CHECK(plugin.settings_apply(NULL, 1) < 0);
    CHECK(plugin.connection_find(NULL, 1, NULL) < 0);
    CHECK(plugin.connection_info(0, NULL) < 0);
    CHECK(plugin.node_execute(NULL, NULL) < 0);
    CHECK(plugin.event_poll(0, NULL) < 0);
    CHECK(plugin.event_wait(0) < 0);
    CHECK(plugin.event_wake_handle(NULL) < 0);
    CHECK_INT(plugin.last_error(NULL, 100) > 0, 1);
}

static void null_with_length_zero_is_empty(void)
{
    begin_configured();
    socketio_connection_t found = 0;
    CHECK_STATUS(plugin.connection_find(NULL, 0, &found), SOCKETIO_E_NOT_FOUND);
    CHECK_STATUS(plugin.settings_apply(NULL, 0), SOCKETIO_E_SETTINGS);
    const socketio_value_t empty = {.type = SOCKETIO_TYPE_STRING};
    const socketio_value_t inputs[] = {{0}, value_text("e"), empty, empty, value_list(NULL, 0)};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
    CHECK(find("main") == client);
    /* It was never sent. */
    disable();
    WAIT_ERROR_CODE(client, "not_sent");
}

static void names_that_are_not_utf8(void)
{
    begin_configured();
    socketio_connection_t found = 0;
    CHECK(plugin.connection_find("\xff\xfe", 2, &found) < 0);
    CHECK_INT(found, 0);
}

/* ---- Sizes ---- */

/* Room for a struct and a tail that the library does not know. */
typedef union sized_t {
    socketio_host_t host;
    socketio_connection_info_t info;
    socketio_node_call_t call;
    socketio_event_batch_t batch;
    socketio_wake_handle_t handle;
    uint32_t struct_size;
    unsigned char bytes[512];
} sized_t;

typedef socketio_status_t (*use_t)(sized_t *sized);

static socketio_status_t use_info(sized_t *sized)
{
    return plugin.connection_info(client, &sized->info);
}

static socketio_status_t use_call(sized_t *sized)
{
    sized->call.node_type = SOCKETIO_NODE_STATE;
    sized->call.connection = client;
    return plugin.node_execute(&sized->call, NULL);
}

static socketio_status_t use_result(sized_t *sized)
{
    socketio_node_call_t call = node_call(SOCKETIO_NODE_STATE, client);
    return plugin.node_execute(&call, (socketio_node_result_t *)sized);
}

static socketio_status_t use_batch(sized_t *sized)
{
    return plugin.event_poll(0, &sized->batch);
}

static socketio_status_t use_handle(sized_t *sized)
{
    return plugin.event_wake_handle(&sized->handle);
}

static const struct {
    const char *name;
    use_t use;
    size_t size;
    /* The least that makes sense. */
    size_t least;
    /* The library reads it; else it only fills it. */
    int is_read;
} sized_structs[] = {
    {"call", use_call, sizeof(socketio_node_call_t), offsetof(socketio_node_call_t, attributes), 1},
    {"result", use_result, sizeof(socketio_node_result_t), offsetof(socketio_node_result_t, request), 1},
    {"info", use_info, sizeof(socketio_connection_info_t), offsetof(socketio_connection_info_t, transport), 0},
    {"batch", use_batch, sizeof(socketio_event_batch_t), offsetof(socketio_event_batch_t, dropped), 0},
    {"handle", use_handle, sizeof(socketio_wake_handle_t), sizeof(socketio_wake_handle_t), 0},
};

static void check_size(size_t index, size_t size, size_t poison, socketio_status_t expected)
{
    sized_t sized;
    memset(&sized, 0, sizeof sized);
    sized.struct_size = (uint32_t)size;
    if (poison != 0) {
        sized.bytes[poison] = 1;
    }
    socketio_status_t status = sized_structs[index].use(&sized);
    if (status != expected) {
        FAIL("%s of size %u: expected %s, saw %s", sized_structs[index].name, (unsigned)size,
             plugin.status_name(expected), plugin.status_name(status));
    }
    /* A filled struct says how far it was filled. What the library does not know stays as it was. */
    if (status == SOCKETIO_OK && !sized_structs[index].is_read) {
        CHECK_INT(sized.struct_size, size < sized_structs[index].size ? size : sized_structs[index].size);
        CHECK(poison == 0 || sized.bytes[poison] == 1);
    }
}

static void structs_that_are_too_short_are_refused(void)
{
    begin_configured();
    for (size_t i = 0; i < COUNT(sized_structs); i++) {
        check_size(i, 0, 0, SOCKETIO_E_ABI);
        check_size(i, 3, 0, SOCKETIO_E_ABI);
        check_size(i, 4, 0, SOCKETIO_E_ABI);
    }
}

static void structs_of_older_hosts_are_taken(void)
{
    begin_configured();
    for (size_t i = 0; i < COUNT(sized_structs); i++) {
        check_size(i, sized_structs[i].least, 0, SOCKETIO_OK);
        check_size(i, sized_structs[i].size, 0, SOCKETIO_OK);
    }
}

/* A newer host: fine as long as it asks for nothing that this version does not know. */
static void structs_of_newer_hosts_are_taken_if_they_ask_for_nothing_new(void)
{
    begin_configured();
    for (size_t i = 0; i < COUNT(sized_structs); i++) {
        size_t size = sized_structs[i].size;
        socketio_status_t with_tail = sized_structs[i].is_read ? SOCKETIO_E_ABI : SOCKETIO_OK;
        check_size(i, size + 1, 0, SOCKETIO_OK);
        check_size(i, size + 64, 0, SOCKETIO_OK);
        check_size(i, size + 1, size, with_tail);
        check_size(i, size + 64, size, with_tail);
        check_size(i, size + 64, size + 63, with_tail);
        /* Behind the given size it may look as it likes. */
        check_size(i, size + 8, size + 8, SOCKETIO_OK);
    }
}

static void a_short_batch_is_not_written_over(void)
{
    begin_configured();
    socketio_event_batch_t batch;
    memset(&batch, 0xaa, sizeof batch);
    batch.struct_size = offsetof(socketio_event_batch_t, dropped);
    CHECK_STATUS(plugin.event_poll(0, &batch), SOCKETIO_OK);
    CHECK_INT(batch.count, 0);
    CHECK(batch.dropped == 0xaaaaaaaaaaaaaaaa);
}

/* ---- Node types ---- */

static void listeners_are_never_executed(void)
{
    begin_configured();
    for (uint32_t node_type = SOCKETIO_NODE_ON_START; node_type <= SOCKETIO_NODE_ON_UNSUBSCRIBE; node_type++) {
        socketio_node_call_t call = node_call(node_type, client);
        CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_E_UNSUPPORTED);
        CHECK_HAS(last_error(), node_desc(node_type)->label);
    }
}

static void node_types_that_never_were(void)
{
    static const uint32_t types[] = {0, 9, 99, 100, 107, 100000, UINT32_MAX};
    begin_configured();
    for (size_t i = 0; i < COUNT(types); i++) {
        socketio_node_call_t call = node_call(types[i], client);
        CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_E_NOT_FOUND);
    }
}

/* A status at or below 0 writes nothing of the result. */
static void a_refused_call_writes_no_result(void)
{
    begin_configured();
    socketio_node_call_t call = node_call(99, client);
    socketio_value_t output = value_int(7);
    socketio_node_result_t result = {.struct_size = sizeof result, .pulse = 5, .request = 6, .output_count = 8};
    result.outputs = &output;
    result.output_capacity = 1;
    CHECK_STATUS(plugin.node_execute(&call, &result), SOCKETIO_E_NOT_FOUND);
    CHECK_INT(result.pulse, 5);
    CHECK_INT(result.request, 6);
    CHECK_INT(result.output_count, 8);
    CHECK_INT(output.as.integer, 7);
}

TEST_MAIN(
    CASE(null_where_memory_is_needed),
    CASE(null_while_deactivated),
    CASE(null_with_length_zero_is_empty),
    CASE(names_that_are_not_utf8),
    CASE(structs_that_are_too_short_are_refused),
    CASE(structs_of_older_hosts_are_taken),
    CASE(structs_of_newer_hosts_are_taken_if_they_ask_for_nothing_new),
    CASE(a_short_batch_is_not_written_over),
    CASE(listeners_are_never_executed),
    CASE(node_types_that_never_were),
    CASE(a_refused_call_writes_no_result))
