#ifndef STUDIO_TEXT_H
#define STUDIO_TEXT_H

/* Memory, and texts that grow. */

#include <stdarg.h>
#include <stddef.h>

#if defined(__GNUC__)
#  define TEXT_FORMAT(position, first) __attribute__((format(printf, position, first)))
#else
#  define TEXT_FORMAT(position, first)
#endif

/* Zeroed memory. Out of memory ends the program with a message, so the result is never NULL. */
void *memory(size_t count, size_t size);
void *memory_grow(void *old, size_t count, size_t size);
char *copy_of(const char *bytes, size_t len);

/* All zero is the empty text. `ptr` is NULL or has a final NUL at `len`. */
struct text {
    char *ptr;
    size_t len;
    size_t capacity;
};

void text_add(struct text *text, const char *bytes, size_t len);
void text_put(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...) TEXT_FORMAT(2, 3);
void text_format_list(struct text *text, const char *format, va_list list) TEXT_FORMAT(2, 0);
/* As JSON would write it, without the quotes: a control character from the network can't play with the terminal. */
void text_add_escaped(struct text *text, const char *bytes, size_t len);
/* The same, but quotes and backslashes stay as they are. */
void text_add_visible(struct text *text, const char *bytes, size_t len);
/* Lines of at most `width` characters, each after `indent` spaces. */
void text_add_wrapped(struct text *text, const char *string, size_t indent, size_t width);
/* Adds spaces until the text has `column` characters since `from`. */
void text_pad(struct text *text, size_t from, size_t column);
void text_free(struct text *text);

/* Bytes of the valid UTF-8 character at the beginning of `bytes`; 0 if there is none. */
size_t utf8_length(const char *bytes, size_t len);

#endif
