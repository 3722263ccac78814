#ifndef STUDIO_VALUE_H
#define STUDIO_VALUE_H

/* Values of pins and attributes: kept, converted, read from a project, shown. */

#include "json.h"
#include "socketio_plugin.h"
#include "text.h"

/* A value with memory of its own; all zero is no value. A field of type NONE, as the studio has some, takes any. */
struct value {
    socketio_value_t as;
    void *block;
};

/* A deep copy: what a poll hands out is borrowed until the next one. */
void value_set(struct value *value, const socketio_value_t *from);
void value_set_string(struct value *value, socketio_type_t type, const char *bytes, size_t len);
void value_set_int(struct value *value, int64_t number);
void value_free(struct value *value);

/*
 * A constant of a project. Bytes are written {"bytes_hex":"00ff"}, a list of them {"bytes_hex":["00ff","1e"]}. Where
 * a field takes text, a number, an object or an array stands for its JSON text. 0, or -1 with a reason in `why`.
 */
int value_from_json(struct value *value, const struct json *json, const socketio_field_desc_t *field, struct text *why);

/* Can an output of this type be wired to this input? */
int value_fits(socketio_type_t from, const socketio_field_desc_t *to);
/* What an input of type `to` gets: the value itself, or its text, which is kept in `converted`. */
const socketio_value_t *value_converted(const socketio_value_t *from, socketio_type_t to, struct value *converted);

/* The bare text, as Print prints it and Compare compares it. */
void value_add_text(const socketio_value_t *value, struct text *out);
/* For the timeline: one line, texts in quotes, long ones cut. */
void value_add_shown(const socketio_value_t *value, struct text *out);

const char *type_name(socketio_type_t type);

#endif
