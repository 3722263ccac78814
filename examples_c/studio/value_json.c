#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

/* The text of a number in the source is followed by something, so strtod and strtoll need a copy with an end. */
static int read_int(const struct json *json, int64_t *number)
{
    char *digits = copy_of(json->text, json->len);
    char *end;

    errno = 0;
    *number = strtoll(digits, &end, 10);
    end = errno == 0 && *end == '\0' ? NULL : end;
    free(digits);
    return end == NULL;
}

static double read_float(const struct json *json)
{
    char *digits = copy_of(json->text, json->len);
    double number = strtod(digits, NULL);

    free(digits);
    return number;
}

static int in_range(double number, const socketio_field_desc_t *field, struct text *why)
{
    if (field->minimum < field->maximum && !(number >= field->minimum && number <= field->maximum)) {
        text_format(why, "must be from %.15g to %.15g.", field->minimum, field->maximum);
        return 0;
    }
    return 1;
}

static int wrong(struct text *why, const char *expected)
{
    text_format(why, "must be %s.", expected);
    return -1;
}

static int from_number(struct value *value, const struct json *json, const socketio_field_desc_t *field,
                       struct text *why)
{
    socketio_value_t number = {0};

    if (json->type != JSON_NUMBER) {
        return wrong(why, "a number");
    }
    number.type = field->type;
    if (field->type == SOCKETIO_TYPE_FLOAT) {
        number.as.number = read_float(json);
    } else if (!read_int(json, &number.as.integer)) {
        return wrong(why, "a whole number of at most 64 bits");
    }
    if (!in_range(read_float(json), field, why)) {
        return -1;
    }
    value_set(value, &number);
    return 0;
}

static int from_bool(struct value *value, const struct json *json, struct text *why)
{
    socketio_value_t boolean = {0};

    if (json->type != JSON_BOOL) {
        return wrong(why, "true or false");
    }
    boolean.type = SOCKETIO_TYPE_BOOL;
    boolean.as.boolean = (uint8_t)json_is_true(json);
    value_set(value, &boolean);
    return 0;
}

/* Writes behind `bytes`, which has room for it. 0, or -1 if it is no text of hexadecimal digits. */
static int add_hex(const struct json *json, uint8_t *bytes, size_t *len)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    size_t i;

    if (json->type != JSON_STRING || json->len % 2 != 0) {
        return -1;
    }
    for (i = 0; i < json->len; i += 2) {
        const char *high = memchr(digits, json->text[i], sizeof digits - 1);
        const char *low = memchr(digits, json->text[i + 1], sizeof digits - 1);

        if (high == NULL || low == NULL) {
            return -1;
        }
        bytes[(*len)++] = (uint8_t)((high - digits) % 16 << 4 | (low - digits) % 16);
    }
    return 0;
}

static int from_bytes(struct value *value, const struct json *hex, struct text *why)
{
    uint8_t *bytes = memory(hex->len / 2, 1);
    socketio_value_t one = {0};
    int status = add_hex(hex, bytes, &one.as.bytes.len);

    one.type = SOCKETIO_TYPE_BYTES;
    one.as.bytes.ptr = bytes;
    if (status == 0) {
        value_set(value, &one);
    }
    free(bytes);
    return status == 0 ? 0 : wrong(why, "pairs of hexadecimal digits in quotes");
}

static int from_bytes_list(struct value *value, const struct json *list, struct text *why)
{
    /* What the digits stand for is shorter than the digits. */
    uint8_t *bytes = memory(list->raw_len, 1);
    socketio_bytes_t *items = memory(list->count, sizeof *items);
    socketio_value_t all = {0};
    const struct json *hex;
    size_t used = 0, i = 0;
    int status = list->type == JSON_ARRAY ? 0 : -1;

    for (hex = list->first; status == 0 && hex != NULL; hex = hex->next, i++) {
        size_t first = used;

        status = add_hex(hex, bytes, &used);
        items[i].ptr = bytes + first;
        items[i].len = used - first;
    }
    all.type = SOCKETIO_TYPE_BYTES_LIST;
    all.as.bytes_list.ptr = items;
    all.as.bytes_list.len = i;
    if (status == 0) {
        value_set(value, &all);
    }
    free(items);
    free(bytes);
    return status == 0 ? 0 : wrong(why, "a list of pairs of hexadecimal digits, each item in quotes");
}

static int is_choice(const struct json *json, const socketio_field_desc_t *field, struct text *why)
{
    const char *const *choice;
    struct nearest nearest = {0};

    nearest.wanted = json->text;
    for (choice = field->choices; *choice != NULL; choice++) {
        if (strcmp(*choice, json->text) == 0) {
            return 1;
        }
        nearest_offer(&nearest, *choice);
    }
    text_format(why, "has no choice \"%s\".", json->text);
    nearest_add(&nearest, why);
    return 0;
}

/* Texts are taken as they are; any other JSON value stands for its text, so that numbers and objects need no quotes. */
static int from_text(struct value *value, const struct json *json, const socketio_field_desc_t *field,
                     struct text *why)
{
    if (json->type != JSON_STRING) {
        if (field->choices != NULL) {
            return wrong(why, "one of its choices, in quotes");
        }
        value_set_string(value, SOCKETIO_TYPE_JSON, json->raw, json->raw_len);
        return 0;
    }
    if (field->choices != NULL && !is_choice(json, field, why)) {
        return -1;
    }
    value_set_string(value, SOCKETIO_TYPE_STRING, json->text, json->len);
    return 0;
}

int value_from_json(struct value *value, const struct json *json, const socketio_field_desc_t *field, struct text *why)
{
    const struct json *hex = json->count == 1 ? json_get(json, "bytes_hex") : NULL;
    int takes_bytes = field->type == SOCKETIO_TYPE_NONE || (field->flags & SOCKETIO_FIELD_BYTES_TOO) != 0;

    switch (field->type) {
    case SOCKETIO_TYPE_PULSE:
        return wrong(why, "wired: a pulse has no value");
    case SOCKETIO_TYPE_BOOL:
        return from_bool(value, json, why);
    case SOCKETIO_TYPE_INT:
    case SOCKETIO_TYPE_FLOAT:
        return from_number(value, json, field, why);
    case SOCKETIO_TYPE_BYTES:
        return hex != NULL ? from_bytes(value, hex, why) : wrong(why, "bytes, such as {\"bytes_hex\":\"00ff\"}");
    case SOCKETIO_TYPE_BYTES_LIST:
        return hex != NULL ? from_bytes_list(value, hex, why)
                           : wrong(why, "a list of bytes, such as {\"bytes_hex\":[\"00ff\",\"1e\"]}");
    case SOCKETIO_TYPE_JSON:
        value_set_string(value, SOCKETIO_TYPE_JSON, json->raw, json->raw_len);
        return 0;
    case SOCKETIO_TYPE_CONNECTION:
        return json_name(json) != NULL ? from_text(value, json, field, why) : wrong(why, "the name of a connection");
    default:
        return hex != NULL && takes_bytes ? from_bytes(value, hex, why) : from_text(value, json, field, why);
    }
}
