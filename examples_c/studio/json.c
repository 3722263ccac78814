#include "json.h"

#include <stdlib.h>
#include <string.h>

/* Deeper nesting is no project but an attack on the stack. */
#define DEPTH_LIMIT 100

struct json_entry {
    struct json json;
    struct json_entry *older;
};

struct reader {
    struct json_document *document;
    const char *at;
    const char *end;
    char *strings;
    /* What is wrong at `at`; NULL as long as all is well. */
    const char *problem;
};

static struct json *read_value(struct reader *reader, int depth);

static void *fail(struct reader *reader, const char *problem)
{
    if (reader->problem == NULL) {
        reader->problem = problem;
    }
    return NULL;
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4) != NULL) {
        reader->at++;
    }
}

/* Takes the character if it is the next one. */
static int take(struct reader *reader, char c)
{
    if (reader->at < reader->end && *reader->at == c) {
        reader->at++;
        return 1;
    }
    return 0;
}

static size_t take_digits(struct reader *reader)
{
    const char *first = reader->at;

    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
        reader->at++;
    }
    return (size_t)(reader->at - first);
}

/* Four hexadecimal digits; -1 if there are none. */
static long take_hex4(struct reader *reader)
{
    long code = 0;
    int i;

    for (i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = reader->at < reader->end ? memchr(digits, *reader->at, 32) : NULL;

        if (digit == NULL) {
            return -1;
        }
        code = code * 16 + (digit - digits) % 16;
        reader->at++;
    }
    return code;
}

static void put_utf8(struct reader *reader, long code)
{
    if (code < 0x80) {
        *reader->strings++ = (char)code;
        return;
    }
    if (code < 0x800) {
        *reader->strings++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *reader->strings++ = (char)(0xe0 | code >> 12);
        } else {
            *reader->strings++ = (char)(0xf0 | code >> 18);
            *reader->strings++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *reader->strings++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *reader->strings++ = (char)(0x80 | (code & 0x3f));
}

static void *read_unicode_escape(struct reader *reader)
{
    long code = take_hex4(reader);

    if (code < 0) {
        return fail(reader, "\\u needs four hexadecimal digits");
    }
    if (code >= 0xd800 && code < 0xdc00 && take(reader, '\\') && take(reader, 'u')) {
        long low = take_hex4(reader);

        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : -1;
    }
    if (code < 0 || (code >= 0xd800 && code < 0xe000)) {
        return fail(reader, "half of a surrogate pair is no character");
    }
    put_utf8(reader, code);
    return reader;
}

/* One character after a backslash. */
static void *read_escape(struct reader *reader)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *name;

    if (take(reader, 'u')) {
        return read_unicode_escape(reader);
    }
    name = reader->at < reader->end ? memchr(names, *reader->at, sizeof names - 1) : NULL;
    if (name == NULL) {
        return fail(reader, "there is no such escape");
    }
    *reader->strings++ = meanings[name - names];
    reader->at++;
    return reader;
}

/* Decodes a string behind its opening quote. */
static const char *read_string(struct reader *reader, size_t *len)
{
    const char *string = reader->strings;

    while (!take(reader, '"')) {
        size_t size = utf8_length(reader->at, (size_t)(reader->end - reader->at));

        if (reader->at == reader->end) {
            return fail(reader, "the string has no end");
        }
        if (size == 0) {
            return fail(reader, "this is not UTF-8");
        }
        if ((unsigned char)*reader->at < 0x20) {
            return fail(reader, "a control character in a string must be escaped");
        }
        if (take(reader, '\\')) {
            if (read_escape(reader) == NULL) {
                return NULL;
            }
            continue;
        }
        memcpy(reader->strings, reader->at, size);
        reader->strings += size;
        reader->at += size;
    }
    *len = (size_t)(reader->strings - string);
    *reader->strings++ = '\0';
    return string;
}

static void *read_number(struct reader *reader)
{
    take(reader, '-');
    if (!take(reader, '0') && take_digits(reader) == 0) {
        return fail(reader, "a digit is missing");
    }
    if (take(reader, '.') && take_digits(reader) == 0) {
        return fail(reader, "a digit is missing behind the point");
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '+')) {
            take(reader, '-');
        }
        if (take_digits(reader) == 0) {
            return fail(reader, "a digit is missing in the exponent");
        }
    }
    return reader;
}

/* The elements of an array or the members of an object, behind the opening bracket. */
static void *read_children(struct reader *reader, struct json *parent, int depth)
{
    char close = parent->type == JSON_OBJECT ? '}' : ']';
    struct json **last = &parent->first;

    skip_space(reader);
    if (take(reader, close)) {
        return reader;
    }
    do {
        const char *key = NULL;
        size_t key_len;

        if (parent->type == JSON_OBJECT) {
            skip_space(reader);
            key = take(reader, '"') ? read_string(reader, &key_len) : fail(reader, "a name in quotes is missing");
            if (key == NULL) {
                return NULL;
            }
            skip_space(reader);
            if (!take(reader, ':')) {
                return fail(reader, "a colon is missing");
            }
        }
        *last = read_value(reader, depth);
        if (*last == NULL) {
            return NULL;
        }
        (*last)->key = key;
        last = &(*last)->next;
        parent->count++;
        skip_space(reader);
    } while (take(reader, ','));
    if (!take(reader, close)) {
        return fail(reader, close == '}' ? "a comma or } is missing" : "a comma or ] is missing");
    }
    return reader;
}

static void *read_word(struct reader *reader, const char *word)
{
    while (*word != '\0') {
        if (!take(reader, *word++)) {
            return fail(reader, "there is no such word in JSON");
        }
    }
    return reader;
}

static struct json *read_value(struct reader *reader, int depth)
{
    struct json_entry *entry = memory(1, sizeof *entry);
    struct json *json = &entry->json;
    void *good;

    entry->older = reader->document->newest;
    reader->document->newest = entry;
    if (depth == 0) {
        return fail(reader, "the nesting is too deep");
    }
    skip_space(reader);
    json->raw = reader->at;
    switch (reader->at < reader->end ? *reader->at : '\0') {
    case '{':
    case '[':
        json->type = *reader->at++ == '{' ? JSON_OBJECT : JSON_ARRAY;
        good = read_children(reader, json, depth - 1);
        break;
    case '"':
        json->type = JSON_STRING;
        reader->at++;
        json->text = read_string(reader, &json->len);
        good = (void *)json->text;
        break;
    case 't':
    case 'f':
        json->type = JSON_BOOL;
        good = read_word(reader, *reader->at == 't' ? "true" : "false");
        break;
    case 'n':
        good = read_word(reader, "null");
        break;
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        json->type = JSON_NUMBER;
        good = read_number(reader);
        break;
    default:
        good = fail(reader, "a value is missing");
    }
    if (good == NULL) {
        return NULL;
    }
    json->raw_len = (size_t)(reader->at - json->raw);
    if (json->type != JSON_STRING) {
        json->text = json->raw;
        json->len = json->raw_len;
    }
    return json;
}

static void say_where(const struct reader *reader, struct text *why)
{
    const char *at = reader->document->source;
    unsigned long line = 1, column = 1;

    for (; at < reader->at; at++) {
        column = *at == '\n' ? 1 : column + (((unsigned char)*at & 0xc0) != 0x80);
        line += *at == '\n';
    }
    text_format(why, "line %lu, column %lu: %s", line, column, reader->problem);
}

struct json_document *json_read(const char *text, size_t len, struct text *why)
{
    struct json_document *document = memory(1, sizeof *document);
    struct reader reader = {0};

    document->source = copy_of(text, len);
    document->len = len;
    document->strings = memory(len + 1, 1);
    reader.document = document;
    reader.at = document->source;
    reader.end = document->source + len;
    reader.strings = document->strings;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        /* Some editors begin a file with a byte order mark. */
        reader.at += 3;
    }
    document->root = read_value(&reader, DEPTH_LIMIT);
    if (document->root != NULL) {
        skip_space(&reader);
        if (reader.at < reader.end) {
            fail(&reader, "something follows the end");
        }
    }
    if (reader.problem != NULL) {
        say_where(&reader, why);
        json_free(document);
        return NULL;
    }
    return document;
}

void json_free(struct json_document *document)
{
    if (document == NULL) {
        return;
    }
    while (document->newest != NULL) {
        struct json_entry *entry = document->newest;

        document->newest = entry->older;
        free(entry);
    }
    free(document->strings);
    free(document->source);
    free(document);
}
