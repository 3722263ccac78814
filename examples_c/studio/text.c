#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_grow(void *old, size_t count, size_t size)
{
    void *block;

    if (count == 0 || size == 0) {
        count = size = 1;
    }
    block = count > (size_t)-1 / size ? NULL : realloc(old, count * size);
    if (block == NULL) {
        fputs("studio: out of memory\n", stderr);
        exit(1);
    }
    return block;
}

void *memory(size_t count, size_t size)
{
    void *block = memory_grow(NULL, count, size);

    return memset(block, 0, count * size);
}

char *copy_of(const char *bytes, size_t len)
{
    char *copy = memory(len + 1, 1);

    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

static void reserve(struct text *text, size_t more)
{
    size_t needed = text->len + more + 1;

    if (needed > text->capacity) {
        text->capacity = needed < 64 ? 64 : needed * 2;
        text->ptr = memory_grow(text->ptr, text->capacity, 1);
    }
}

void text_add(struct text *text, const char *bytes, size_t len)
{
    reserve(text, len);
    if (len > 0) {
        memcpy(text->ptr + text->len, bytes, len);
    }
    text->len += len;
    text->ptr[text->len] = '\0';
}

void text_put(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_format_list(struct text *text, const char *format, va_list list)
{
    va_list again;
    size_t room;
    int len;

    /* Most pieces are short: the first try fits. */
    va_copy(again, list);
    reserve(text, 80);
    room = text->capacity - text->len;
    len = vsnprintf(text->ptr + text->len, room, format, list);
    if (len > 0 && (size_t)len >= room) {
        reserve(text, (size_t)len);
        vsnprintf(text->ptr + text->len, (size_t)len + 1, format, again);
    }
    va_end(again);
    text->len += len > 0 ? (size_t)len : 0;
}

void text_format(struct text *text, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    text_format_list(text, format, list);
    va_end(list);
}

static void add_safely(struct text *text, const char *bytes, size_t len, int quoted)
{
    size_t i;

    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (quoted && (c == '"' || c == '\\')) {
            text_format(text, "\\%c", c);
        } else if (c == '\n') {
            text_put(text, "\\n");
        } else if (c == '\t') {
            text_put(text, "\\t");
        } else if (c < 0x20 || c == 0x7f) {
            text_format(text, "\\u%04x", c);
        } else if (c == 0xc2 && i + 1 < len && (unsigned char)bytes[i + 1] < 0xa0) {
            /* U+0080 to U+009F: some terminals obey them. */
            i++;
            text_format(text, "\\u%04x", (unsigned char)bytes[i]);
        } else {
            text_add(text, bytes + i, 1);
        }
    }
}

void text_add_escaped(struct text *text, const char *bytes, size_t len)
{
    add_safely(text, bytes, len, 1);
}

void text_add_visible(struct text *text, const char *bytes, size_t len)
{
    add_safely(text, bytes, len, 0);
}

static size_t characters(const char *bytes, size_t len)
{
    size_t count = 0;

    while (len-- > 0) {
        count += ((unsigned char)bytes[len] & 0xc0) != 0x80;
    }
    return count;
}

void text_add_wrapped(struct text *text, const char *string, size_t indent, size_t width)
{
    size_t column = 0;

    while (*string != '\0') {
        size_t bytes = strcspn(string, " \n");
        size_t word = characters(string, bytes);
        int paragraph = string[bytes] == '\n';

        if (column > 0 && column + 1 + word > width) {
            text_put(text, "\n");
            column = 0;
        }
        if (column == 0 && bytes > 0) {
            text_format(text, "%*s", (int)indent, "");
        } else if (bytes > 0) {
            text_put(text, " ");
            column++;
        }
        text_add(text, string, bytes);
        column += word;
        string += bytes + (string[bytes] != '\0');
        if (paragraph) {
            text_put(text, "\n");
            column = 0;
        }
    }
    text_put(text, "\n");
}

void text_pad(struct text *text, size_t from, size_t column)
{
    size_t now = characters(text->ptr + from, text->len - from);

    text_format(text, "%*s", now < column ? (int)(column - now) : 0, "");
}

void text_free(struct text *text)
{
    free(text->ptr);
    memset(text, 0, sizeof *text);
}

size_t utf8_length(const char *bytes, size_t len)
{
    const unsigned char *b = (const unsigned char *)bytes;
    size_t size, i;

    if (len == 0) {
        return 0;
    }
    if (b[0] < 0x80) {
        return 1;
    }
    size = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (b[0] < 0xc2 || b[0] > 0xf4 || size > len) {
        return 0;
    }
    for (i = 1; i < size; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Too long for what it says, a surrogate, or beyond U+10FFFF. */
    if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] >= 0xa0) || (b[0] == 0xf0 && b[1] < 0x90) ||
        (b[0] == 0xf4 && b[1] >= 0x90)) {
        return 0;
    }
    return size;
}
