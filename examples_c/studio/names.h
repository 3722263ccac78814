#ifndef STUDIO_NAMES_H
#define STUDIO_NAMES_H

/* "Did you mean ...?": the name that comes closest to a mistyped one. */

#include <stddef.h>

#include "text.h"

/* Set `wanted`, leave the rest zero, and offer all names there are. */
struct nearest {
    const char *wanted;
    const char *best;
    size_t distance;
};

void nearest_offer(struct nearest *nearest, const char *name);
/* Adds " Did you mean \"name\"?", or nothing if no name is close. */
void nearest_add(const struct nearest *nearest, struct text *text);

#endif
