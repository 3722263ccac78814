#ifndef STUDIO_FILE_H
#define STUDIO_FILE_H

/* Whole files, read and written. */

#include <stddef.h>

#include "text.h"

/* NULL with a reason in `why`. The caller frees it. */
char *file_read(const char *path, size_t *len, struct text *why);
/* Replaces a file as a whole: a crash leaves the old one or the new one. 0, or -1 with a reason in `why`. */
int file_write(const char *path, const char *bytes, size_t len, struct text *why);

#endif
