#ifndef STUDIO_JSON_H
#define STUDIO_JSON_H

/*
 * A JSON reader. Numbers stay as they are written, so that nothing of them is lost; every value knows its place in
 * the source, so that a part of it can be handed on or replaced word by word.
 */

#include <stddef.h>

#include "text.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    /* A string without quotes and escapes, with a final NUL; of any other type: as in the source, without one. */
    const char *text;
    size_t len;
    /* As in the source, quotes and brackets included. */
    const char *raw;
    size_t raw_len;
    /* Its name within an object, with a final NUL; NULL elsewhere. */
    const char *key;
    /* Of an array or an object: the first element or member, and how many there are. */
    struct json *first;
    size_t count;
    /* The next one in the same array or object. */
    struct json *next;
};

struct json_document {
    char *source;
    size_t len;
    struct json *root;
    /* Decoded strings, one after the other. Decoding never makes one longer, so the source's size is enough. */
    char *strings;
    /* All values in a chain: freeing needs no walk through the tree. */
    struct json_entry *newest;
};

/* Reads a text, which is copied. NULL with a reason (line, column, what is wrong) in `why`. */
struct json_document *json_read(const char *text, size_t len, struct text *why);
struct json_document *json_read_file(const char *path, struct text *why);
void json_free(struct json_document *document);

/* The member of an object; of several with one name the last. NULL if there is none, or it is no object. */
const struct json *json_get(const struct json *object, const char *key);
/* A string that can serve as a name: not empty, without a NUL in it. Else NULL. `value` may be NULL. */
const char *json_name(const struct json *value);
int json_is_true(const struct json *value);

/* The document's source with one member of `object` set to `value` (JSON text): replaced if it is there, else added. */
void json_with_member(const struct json_document *document, const struct json *object, const char *key,
                      const char *value, struct text *out);

#endif
