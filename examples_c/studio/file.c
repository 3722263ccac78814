#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system.h"

/* No project or preferences file is larger; a device or a wrong path may be. */
#define FILE_LIMIT ((size_t)16 << 20)

char *file_read(const char *path, size_t *len, struct text *why)
{
    FILE *file = system_open(path, "rb");
    struct text content = {0};
    char chunk[4096];
    size_t got;

    if (file == NULL) {
        text_format(why, "%s: %s", path, strerror(errno));
        return NULL;
    }
    text_put(&content, "");
    while (content.len <= FILE_LIMIT && (got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        text_add(&content, chunk, got);
    }
    if (ferror(file) || content.len > FILE_LIMIT) {
        text_format(why, "%s: %s", path, content.len > FILE_LIMIT ? "the file is larger than 16 MiB" : strerror(errno));
        text_free(&content);
    }
    fclose(file);
    *len = content.len;
    return content.ptr;
}

int file_write(const char *path, const char *bytes, size_t len, struct text *why)
{
    struct text beside = {0};
    FILE *file;
    int done;

    text_format(&beside, "%s.new", path);
    file = system_open(beside.ptr, "wb");
    done = file != NULL && fwrite(bytes, 1, len, file) == len;
    if (file != NULL) {
        done = fclose(file) == 0 && done;
    }
    done = done && system_replace(beside.ptr, path) == 0;
    if (!done) {
        text_format(why, "%s: %s", path, strerror(errno));
        if (file != NULL) {
            system_remove(beside.ptr);
        }
    }
    text_free(&beside);
    return done ? 0 : -1;
}
