/* Values and calls of nodes. */

#include "harness_parts.h"

#include <stdio.h>

socketio_value_t value_text(const char *text)
{
    socketio_value_t value = {0};
    if (text != NULL) {
        value.type = SOCKETIO_TYPE_STRING;
        value.as.string.ptr = text;
        value.as.string.len = strlen(text);
    }
    return value;
}

socketio_value_t value_bytes(const void *bytes, size_t len)
{
    socketio_value_t value = {.type = SOCKETIO_TYPE_BYTES};
    value.as.bytes.ptr = bytes;
    value.as.bytes.len = len;
    return value;
}

socketio_value_t value_list(const socketio_bytes_t *list, size_t len)
{
    socketio_value_t value = {.type = SOCKETIO_TYPE_BYTES_LIST};
    value.as.bytes_list.ptr = list;
    value.as.bytes_list.len = len;
    return value;
}

socketio_value_t value_int(int64_t integer)
{
    socketio_value_t value = {.type = SOCKETIO_TYPE_INT};
    value.as.integer = integer;
    return value;
}

socketio_value_t value_number(double number)
{
    socketio_value_t value = {.type = SOCKETIO_TYPE_FLOAT};
    value.as.number = number;
    return value;
}

socketio_node_call_t node_call(uint32_t node_type, socketio_connection_t connection)
{
    socketio_node_call_t call = {.struct_size = sizeof call, .node_type = node_type, .connection = connection};
    return call;
}

static socketio_value_t text_or_bytes(const char *text, socketio_bytes_t bytes)
{
    return bytes.ptr != NULL ? value_bytes(bytes.ptr, bytes.len) : value_text(text != NULL ? text : "");
}

uint64_t send_message(const char *file, int line, socketio_connection_t connection, const send_t *message)
{
    const socketio_value_t attributes[] = {
        {0}, value_text(message->format), value_text(message->if_not_connected), value_number(message->reply_timeout),
    };
    /* Not given is not the same as an empty list: the library keeps such a Send in another way. */
    socketio_value_t attachments = {0};
    if (message->attachments != NULL) {
        attachments = value_list(message->attachments, message->attachment_count);
    }
    const socketio_value_t inputs[] = {
        {0},
        value_text(message->event != NULL ? message->event : ""),
        value_text(message->nsp),
        text_or_bytes(message->message, message->bytes),
        attachments,
    };
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, connection);
    call.node = message->node;
    call.attributes = attributes;
    call.attribute_count = COUNT(attributes);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    socketio_node_result_t result = {.struct_size = sizeof result};
    check_status(file, line, "Socket.IO Send", plugin.node_execute(&call, &result), message->expect);
    return result.request;
}

void reply_message(socketio_connection_t connection, int64_t reply_id, const reply_t *reply)
{
    const socketio_value_t attributes[] = {{0}, value_text(reply->format)};
    const socketio_value_t inputs[] = {
        {0}, value_int(reply_id), value_text(reply->message), value_list(reply->attachments, reply->attachment_count),
    };
    socketio_node_call_t call = node_call(SOCKETIO_NODE_REPLY, connection);
    call.attributes = attributes;
    call.attribute_count = COUNT(attributes);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
}

socketio_status_t start(socketio_connection_t connection)
{
    socketio_node_call_t call = node_call(SOCKETIO_NODE_START, connection);
    socketio_status_t status = plugin.node_execute(&call, NULL);
    if (status >= 0) {
        ledger_start(connection);
    }
    return status;
}

socketio_status_t stop(socketio_connection_t connection)
{
    socketio_node_call_t call = node_call(SOCKETIO_NODE_STOP, connection);
    socketio_status_t status = plugin.node_execute(&call, NULL);
    if (status >= 0) {
        ledger_stop(connection);
    }
    return status;
}

static void execute_subscribe(uint32_t node_type, socketio_connection_t connection, const char *event, const char *nsp,
                              const char *delivery)
{
    const socketio_value_t attributes[] = {{0}, value_text(delivery)};
    const socketio_value_t inputs[] = {{0}, value_text(event), value_text(nsp)};
    socketio_node_call_t call = node_call(node_type, connection);
    call.attributes = attributes;
    call.attribute_count = delivery != NULL ? 2 : 1;
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
}

void subscribe(socketio_connection_t connection, const char *event, const char *nsp)
{
    execute_subscribe(SOCKETIO_NODE_SUBSCRIBE, connection, event, nsp, NULL);
}

void subscribe_latest(socketio_connection_t connection, const char *event, const char *nsp)
{
    execute_subscribe(SOCKETIO_NODE_SUBSCRIBE, connection, event, nsp, "Latest Per Poll");
}

void unsubscribe(socketio_connection_t connection, const char *event, const char *nsp)
{
    execute_subscribe(SOCKETIO_NODE_UNSUBSCRIBE, connection, event, nsp, NULL);
}

state_t state_of(socketio_connection_t connection)
{
    socketio_value_t outputs[7];
    socketio_node_call_t call = node_call(SOCKETIO_NODE_STATE, connection);
    socketio_node_result_t result = {.struct_size = sizeof result, .outputs = outputs};
    result.output_capacity = COUNT(outputs);
    CHECK_STATUS(plugin.node_execute(&call, &result), SOCKETIO_OK);
    CHECK_INT(result.pulse, 0);
    CHECK_INT(result.request, 0);
    CHECK_INT(result.output_count, COUNT(outputs));
    const socketio_node_desc_t *desc = node_desc(SOCKETIO_NODE_STATE);
    for (uint32_t i = 0; i < COUNT(outputs); i++) {
        CHECK_INT(outputs[i].type, desc->outputs[i]->type);
    }
    state_t state = {
        .namespaces = outputs[2].as.integer,
        .queued = outputs[3].as.integer,
        .dropped = outputs[4].as.integer,
        .round_trip_ms = outputs[5].as.number,
    };
    snprintf(state.state, sizeof state.state, "%s", outputs[1].as.string.ptr);
    snprintf(state.transport, sizeof state.transport, "%s", outputs[6].as.string.ptr);
    return state;
}

socketio_connection_info_t info_of(socketio_connection_t connection)
{
    socketio_connection_info_t info = {.struct_size = sizeof info};
    CHECK_STATUS(plugin.connection_info(connection, &info), SOCKETIO_OK);
    return info;
}
