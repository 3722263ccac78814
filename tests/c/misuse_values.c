/* Values that don't fit their pin: the descriptor says what fits, and every pin is held to it. */

#include "harness.h"

#include <math.h>

#define MOST_VALUES 16

static socketio_connection_t client;

static void begin_configured(void)
{
    begin();
    client = configure(80, NULL);
}

/* A call of which every value that must be given is given. */
typedef struct filled_t {
    socketio_node_call_t call;
    socketio_value_t attributes[MOST_VALUES];
    socketio_value_t inputs[MOST_VALUES];
} filled_t;

static void fill(filled_t *filled, const socketio_node_desc_t *node)
{
    memset(filled, 0, sizeof *filled);
    filled->call = node_call(node->type_id, client);
    filled->call.attributes = filled->attributes;
    filled->call.attribute_count = node->attribute_count;
    filled->call.inputs = filled->inputs;
    filled->call.input_count = node->input_count;
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i]->flags & SOCKETIO_FIELD_REQUIRED) {
            filled->inputs[i] = node->inputs[i]->type == SOCKETIO_TYPE_INT ? value_int(1) : value_text("event");
        }
    }
}

static socketio_status_t execute(const filled_t *filled)
{
    return plugin.node_execute(&filled->call, NULL);
}

/* Whether the header lets a pin take a value of this type. */
static int fits(const socketio_field_desc_t *field, socketio_type_t type)
{
    int is_text = type == SOCKETIO_TYPE_STRING || type == SOCKETIO_TYPE_JSON;
    switch (field->type) {
    case SOCKETIO_TYPE_STRING:
    case SOCKETIO_TYPE_JSON:
        return is_text || (type == SOCKETIO_TYPE_BYTES && (field->flags & SOCKETIO_FIELD_BYTES_TOO))
               || (type == SOCKETIO_TYPE_INT && field->choices != NULL);
    case SOCKETIO_TYPE_INT:
    case SOCKETIO_TYPE_FLOAT:
        return type == SOCKETIO_TYPE_INT || type == SOCKETIO_TYPE_FLOAT;
    case SOCKETIO_TYPE_CONNECTION:
        return type == SOCKETIO_TYPE_CONNECTION || type == SOCKETIO_TYPE_STRING;
    case SOCKETIO_TYPE_PULSE:
        return type == SOCKETIO_TYPE_PULSE || type == SOCKETIO_TYPE_BOOL;
    case SOCKETIO_TYPE_BYTES_LIST:
        return type == SOCKETIO_TYPE_BYTES_LIST || type == SOCKETIO_TYPE_BYTES;
    default:
        return type == field->type;
    }
}

static void check_types(filled_t *filled, socketio_value_t *value, const socketio_field_desc_t *field, const char *node)
{
    static const socketio_type_t beyond[] = {10, 99, UINT32_MAX};
    socketio_value_t before = *value;
    for (socketio_type_t type = SOCKETIO_TYPE_PULSE; type < SOCKETIO_TYPE_CONNECTION + 1 + COUNT(beyond); type++) {
        memset(value, 0, sizeof *value);
        value->type = type <= SOCKETIO_TYPE_CONNECTION ? type : beyond[type - SOCKETIO_TYPE_CONNECTION - 1];
        socketio_status_t status = execute(filled);
        if ((status == SOCKETIO_E_TYPE) == fits(field, value->type)) {
            FAIL("%s, %s: a value of type %u gives %s: %s", node, field->label, (unsigned)value->type,
                 plugin.status_name(status), last_error());
        }
        if (status == SOCKETIO_E_TYPE) {
            CHECK_HAS(last_error(), field->label);
        }
    }
    *value = before;
}

static void every_pin_takes_its_types_and_no_others(void)
{
    begin_configured();
    for (uint32_t node_type = SOCKETIO_NODE_START; node_type <= SOCKETIO_NODE_STATE; node_type++) {
        const socketio_node_desc_t *node = node_desc(node_type);
        filled_t filled;
        fill(&filled, node);
        for (uint32_t i = 0; i < node->attribute_count; i++) {
            check_types(&filled, &filled.attributes[i], node->attributes[i], node->label);
        }
        for (uint32_t i = 0; i < node->input_count; i++) {
            check_types(&filled, &filled.inputs[i], node->inputs[i], node->label);
        }
    }
    /* Among them were Start and Stop; how often a session began is of no matter here. */
    forgive_sessions();
    disable();
    forgive_sessions();
    ignore_errors();
}

/* What the user forgot is an error of the project, not of the host: the call is taken, On Error says what it lacks. */
static void an_event_name_that_is_missing_is_said(void)
{
    static const uint32_t nodes[] = {SOCKETIO_NODE_SEND, SOCKETIO_NODE_SUBSCRIBE, SOCKETIO_NODE_UNSUBSCRIBE};
    server_t *server = server_start(NULL);
    client = connected(server, NULL);
    for (size_t i = 0; i < COUNT(nodes); i++) {
        socketio_node_call_t call = node_call(nodes[i], client);
        CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
        const event_t *event = WAIT_ERROR_CODE(client, "event_name_missing");
        CHECK_HAS(text_of(event, ERROR_MESSAGE), node_desc(nodes[i])->label);
    }
    socketio_node_call_t call = node_call(SOCKETIO_NODE_REPLY, client);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
    WAIT_ERROR_CODE(client, "reply_stale");
}

/* A filled Send, ready to be spoilt. */
static filled_t *send_call(void)
{
    static filled_t filled;
    fill(&filled, node_desc(SOCKETIO_NODE_SEND));
    return &filled;
}

static void check_attribute(uint32_t index, socketio_value_t value, socketio_status_t expected)
{
    filled_t *filled = send_call();
    filled->attributes[index] = value;
    CHECK_STATUS(execute(filled), expected);
    if (expected < 0) {
        CHECK_HAS(last_error(), node_desc(SOCKETIO_NODE_SEND)->attributes[index]->label);
    }
}

static void numbers_have_ranges(void)
{
    enum { REPLY_TIMEOUT = 3 };
    begin_configured();
    check_attribute(REPLY_TIMEOUT, value_number(86400), SOCKETIO_OK);
    check_attribute(REPLY_TIMEOUT, value_int(86400), SOCKETIO_OK);
    check_attribute(REPLY_TIMEOUT, value_number(86401), SOCKETIO_E_INVALID);
    check_attribute(REPLY_TIMEOUT, value_number(-0.001), SOCKETIO_E_INVALID);
    check_attribute(REPLY_TIMEOUT, value_int(INT64_MAX), SOCKETIO_E_INVALID);
    check_attribute(REPLY_TIMEOUT, value_int(INT64_MIN), SOCKETIO_E_INVALID);
    check_attribute(REPLY_TIMEOUT, value_number(NAN), SOCKETIO_E_INVALID);
    check_attribute(REPLY_TIMEOUT, value_number(INFINITY), SOCKETIO_E_INVALID);
    check_attribute(REPLY_TIMEOUT, value_number(-INFINITY), SOCKETIO_E_INVALID);
    ignore_errors();
}

static void choices_are_those_of_the_descriptor(void)
{
    begin_configured();
    for (uint32_t i = 1; i <= 2; i++) {
        const char *const *choices = node_desc(SOCKETIO_NODE_SEND)->attributes[i]->choices;
        int64_t count = 0;
        for (; choices[count] != NULL; count++) {
            /* What becomes of the message is another matter. */
            check_attribute(i, value_text(choices[count]), SOCKETIO_OK);
        }
        check_attribute(i, value_int(0), SOCKETIO_OK);
        check_attribute(i, value_int(count), SOCKETIO_E_INVALID);
        check_attribute(i, value_int(-1), SOCKETIO_E_INVALID);
        check_attribute(i, value_text("nonsense"), SOCKETIO_E_INVALID);
        CHECK_HAS(last_error(), choices[0]);
        CHECK_HAS(last_error(), "nonsense");
    }
    ignore_errors();
}

static void integers_have_no_fraction(void)
{
    enum { REPLY_ID = 1 };
    begin_configured();
    filled_t filled;
    fill(&filled, node_desc(SOCKETIO_NODE_REPLY));
    filled.inputs[REPLY_ID] = value_number(1.5);
    CHECK(execute(&filled) < 0);
    filled.inputs[REPLY_ID] = value_number(NAN);
    CHECK(execute(&filled) < 0);
    filled.inputs[REPLY_ID] = value_number(1e300);
    CHECK(execute(&filled) < 0);
}

static void check_input(uint32_t index, socketio_value_t value, socketio_status_t expected)
{
    filled_t *filled = send_call();
    filled->inputs[index] = value;
    CHECK_STATUS(execute(filled), expected);
    CHECK_HAS(last_error(), node_desc(SOCKETIO_NODE_SEND)->inputs[index]->label);
}

static void text_must_be_utf8(void)
{
    static const char *const bad[] = {"\xff", "a\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"};
    begin_configured();
    for (size_t i = 0; i < COUNT(bad); i++) {
        for (uint32_t input = 1; input <= 3; input++) {
            check_input(input, value_text(bad[i]), SOCKETIO_E_INVALID);
        }
    }
}

/* Bytes may be given as a Message; as text they must be text. */
static void bytes_are_text_unless_the_format_is_binary(void)
{
    static const char *const formats[] = {NULL, "Text", "JSON", "Arguments"};
    static const socketio_bytes_t bytes = {(const uint8_t *)"a\xff" "b", 3};
    begin_configured();
    for (size_t i = 0; i < COUNT(formats); i++) {
        SEND(client, .event = "e", .format = formats[i], .bytes = bytes, .expect = SOCKETIO_E_INVALID);
        CHECK_HAS(last_error(), "Message");
        CHECK_HAS(last_error(), "UTF-8");
    }
    SEND(client, .event = "e", .format = "Binary", .bytes = bytes);
    ignore_errors();
}

static void null_with_a_length_is_refused(void)
{
    begin_configured();
    socketio_value_t text = {.type = SOCKETIO_TYPE_STRING};
    text.as.string.len = 1;
    for (uint32_t input = 1; input <= 3; input++) {
        check_input(input, text, SOCKETIO_E_INVALID);
    }
    check_input(3, value_bytes(NULL, 1), SOCKETIO_E_INVALID);
    check_input(4, value_list(NULL, 1), SOCKETIO_E_INVALID);
    const socketio_bytes_t hole = {NULL, 1};
    check_input(4, value_list(&hole, 1), SOCKETIO_E_INVALID);

    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.input_count = 2;
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_E_INVALID);
    call.input_count = 0;
    call.attribute_count = 2;
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_E_INVALID);
    socketio_node_result_t result = {.struct_size = sizeof result, .output_capacity = 3};
    call = node_call(SOCKETIO_NODE_STATE, client);
    CHECK_STATUS(plugin.node_execute(&call, &result), SOCKETIO_E_INVALID);
}

static void reserved_fields_must_be_zero(void)
{
    begin_configured();
    filled_t *filled = send_call();
    filled->inputs[1].reserved = 1;
    CHECK_STATUS(execute(filled), SOCKETIO_E_INVALID);
    CHECK_HAS(last_error(), "reserved");
}

static void there_are_not_more_values_than_pins(void)
{
    begin_configured();
    filled_t *filled = send_call();
    filled->call.input_count = MOST_VALUES;
    filled->inputs[MOST_VALUES - 1] = value_int(1);
    CHECK_STATUS(execute(filled), SOCKETIO_E_INVALID);
    filled = send_call();
    filled->call.attribute_count = MOST_VALUES;
    filled->attributes[MOST_VALUES - 1] = value_int(1);
    CHECK_STATUS(execute(filled), SOCKETIO_E_INVALID);
}

/* Lengths that no memory has must be refused before anything is copied. */
static void absurd_lengths_are_refused(void)
{
    begin_configured();
    static const uint8_t byte = 0;
    socketio_value_t text = value_text("x");
    text.as.string.len = SIZE_MAX;
    check_input(3, text, SOCKETIO_E_INVALID);
    check_input(3, value_bytes(&byte, SIZE_MAX), SOCKETIO_E_INVALID);
    const socketio_bytes_t bytes = {&byte, SIZE_MAX};
    check_input(4, value_list(&bytes, 1), SOCKETIO_E_INVALID);
    check_input(4, value_list(&bytes, SIZE_MAX), SOCKETIO_E_INVALID);
}

TEST_MAIN(
    CASE(every_pin_takes_its_types_and_no_others),
    CASE(an_event_name_that_is_missing_is_said),
    CASE(numbers_have_ranges),
    CASE(choices_are_those_of_the_descriptor),
    CASE(integers_have_no_fraction),
    CASE(text_must_be_utf8),
    CASE(bytes_are_text_unless_the_format_is_binary),
    CASE(null_with_a_length_is_refused),
    CASE(reserved_fields_must_be_zero),
    CASE(there_are_not_more_values_than_pins),
    CASE(absurd_lengths_are_refused))
