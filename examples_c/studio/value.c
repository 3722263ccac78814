#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest text and the most bytes that one value takes on a line of the timeline. */
#define SHOWN_TEXT 300
#define SHOWN_BYTES 24

const char *type_name(socketio_type_t type)
{
    static const char *const names[] = {
        "Any", "Pulse", "Bool", "Int", "Float", "String", "JSON", "Bytes", "Bytes List", "Connection",
    };

    return type < sizeof names / sizeof names[0] ? names[type] : "?";
}

void value_free(struct value *value)
{
    free(value->block);
    memset(value, 0, sizeof *value);
}

void value_set_string(struct value *value, socketio_type_t type, const char *bytes, size_t len)
{
    char *copy = copy_of(bytes, len);

    value_free(value);
    value->block = copy;
    value->as.type = type;
    value->as.as.string.ptr = copy;
    value->as.as.string.len = len;
}

void value_set_int(struct value *value, int64_t number)
{
    value_free(value);
    value->as.type = SOCKETIO_TYPE_INT;
    value->as.as.integer = number;
}

static void set_bytes(struct value *value, const socketio_bytes_t *bytes)
{
    char *copy = copy_of((const char *)bytes->ptr, bytes->len);

    value_free(value);
    value->block = copy;
    value->as.type = SOCKETIO_TYPE_BYTES;
    value->as.as.bytes.ptr = (const uint8_t *)copy;
    value->as.as.bytes.len = bytes->len;
}

/* One block: the list first, behind it the bytes of all. */
static void set_bytes_list(struct value *value, const socketio_bytes_list_t *list)
{
    size_t size = list->len * sizeof *list->ptr;
    socketio_bytes_t *items;
    uint8_t *next;
    size_t i;

    for (i = 0; i < list->len; i++) {
        size += list->ptr[i].len;
    }
    items = memory(size, 1);
    next = (uint8_t *)(items + list->len);
    for (i = 0; i < list->len; i++) {
        items[i].ptr = next;
        items[i].len = list->ptr[i].len;
        if (items[i].len > 0) {
            memcpy(next, list->ptr[i].ptr, items[i].len);
        }
        next += items[i].len;
    }
    value_free(value);
    value->block = items;
    value->as.type = SOCKETIO_TYPE_BYTES_LIST;
    value->as.as.bytes_list.ptr = items;
    value->as.as.bytes_list.len = list->len;
}

void value_set(struct value *value, const socketio_value_t *from)
{
    socketio_value_t plain = *from;

    switch (from->type) {
    case SOCKETIO_TYPE_STRING:
    case SOCKETIO_TYPE_JSON:
        value_set_string(value, from->type, from->as.string.ptr, from->as.string.len);
        break;
    case SOCKETIO_TYPE_BYTES:
        set_bytes(value, &from->as.bytes);
        break;
    case SOCKETIO_TYPE_BYTES_LIST:
        set_bytes_list(value, &from->as.bytes_list);
        break;
    default:
        value_free(value);
        value->as = plain;
    }
}

int value_fits(socketio_type_t from, const socketio_field_desc_t *to)
{
    int scalar = from == SOCKETIO_TYPE_BOOL || from == SOCKETIO_TYPE_INT || from == SOCKETIO_TYPE_FLOAT;

    if (from == SOCKETIO_TYPE_PULSE || to->type == SOCKETIO_TYPE_PULSE) {
        return from == to->type;
    }
    switch (to->type) {
    case SOCKETIO_TYPE_NONE:
        return 1;
    case SOCKETIO_TYPE_INT:
    case SOCKETIO_TYPE_FLOAT:
        return from == SOCKETIO_TYPE_INT || from == SOCKETIO_TYPE_FLOAT;
    case SOCKETIO_TYPE_STRING:
        return scalar || from == SOCKETIO_TYPE_STRING || from == SOCKETIO_TYPE_JSON ||
               (from == SOCKETIO_TYPE_BYTES && (to->flags & SOCKETIO_FIELD_BYTES_TOO) != 0);
    case SOCKETIO_TYPE_JSON:
        return scalar || from == SOCKETIO_TYPE_STRING || from == SOCKETIO_TYPE_JSON;
    default:
        return from == to->type;
    }
}

const socketio_value_t *value_converted(const socketio_value_t *from, socketio_type_t to, struct value *converted)
{
    struct text text = {0};
    int scalar =
        from->type == SOCKETIO_TYPE_BOOL || from->type == SOCKETIO_TYPE_INT || from->type == SOCKETIO_TYPE_FLOAT;

    if (!scalar || (to != SOCKETIO_TYPE_STRING && to != SOCKETIO_TYPE_JSON)) {
        return from;
    }
    value_add_text(from, &text);
    value_set_string(converted, to, text.ptr, text.len);
    text_free(&text);
    return &converted->as;
}

static void add_number(double number, struct text *out)
{
    char digits[40];

    /* The shorter form if it reads back as the same number. */
    snprintf(digits, sizeof digits, "%.15g", number);
    if (strtod(digits, NULL) != number) {
        snprintf(digits, sizeof digits, "%.17g", number);
    }
    text_put(out, digits);
}

static void add_bytes(const socketio_bytes_t *bytes, struct text *out)
{
    size_t shown = bytes->len < SHOWN_BYTES ? bytes->len : SHOWN_BYTES;
    size_t i;

    text_format(out, "<%lu bytes%s", (unsigned long)bytes->len, shown > 0 ? " " : "");
    for (i = 0; i < shown; i++) {
        text_format(out, "%02x", bytes->ptr[i]);
    }
    text_put(out, shown < bytes->len ? "...>" : ">");
}

static void add_bytes_list(const socketio_bytes_list_t *list, struct text *out)
{
    size_t i;

    text_put(out, "[");
    for (i = 0; i < list->len; i++) {
        text_put(out, i > 0 ? ", " : "");
        add_bytes(&list->ptr[i], out);
    }
    text_put(out, "]");
}

void value_add_text(const socketio_value_t *value, struct text *out)
{
    switch (value->type) {
    case SOCKETIO_TYPE_PULSE:
    case SOCKETIO_TYPE_BOOL:
        text_put(out, value->as.boolean ? "true" : "false");
        break;
    case SOCKETIO_TYPE_INT:
        text_format(out, "%" PRId64, value->as.integer);
        break;
    case SOCKETIO_TYPE_FLOAT:
        add_number(value->as.number, out);
        break;
    case SOCKETIO_TYPE_STRING:
    case SOCKETIO_TYPE_JSON:
        text_add(out, value->as.string.ptr, value->as.string.len);
        break;
    case SOCKETIO_TYPE_BYTES:
        add_bytes(&value->as.bytes, out);
        break;
    case SOCKETIO_TYPE_BYTES_LIST:
        add_bytes_list(&value->as.bytes_list, out);
        break;
    case SOCKETIO_TYPE_CONNECTION:
        text_format(out, "#%" PRIu64, value->as.connection);
        break;
    default:
        text_put(out, "");
    }
}

void value_add_shown(const socketio_value_t *value, struct text *out)
{
    const socketio_string_t *string = &value->as.string;
    size_t shown = 0;

    if (value->type != SOCKETIO_TYPE_STRING && value->type != SOCKETIO_TYPE_JSON) {
        value_add_text(value, out);
        return;
    }
    /* Cut between characters. */
    while (shown < string->len && shown < SHOWN_TEXT) {
        size_t size = utf8_length(string->ptr + shown, string->len - shown);

        shown += size > 0 ? size : 1;
    }
    if (value->type == SOCKETIO_TYPE_JSON) {
        text_add_visible(out, string->ptr, shown);
    } else {
        text_put(out, "\"");
        text_add_escaped(out, string->ptr, shown);
        text_put(out, "\"");
    }
    if (shown < string->len) {
        text_format(out, "... (%lu bytes)", (unsigned long)string->len);
    }
}
