#include "names.h"

#include <ctype.h>
#include <string.h>

#define LONGEST_NAME 64

/* A label typed instead of an id is no mistake worth counting: "Event Name" is "event_name". */
static int folded(char c)
{
    return c == ' ' || c == '-' ? '_' : tolower((unsigned char)c);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters were left out, added, changed or swapped with the next one. */
static size_t edit_distance(const char *a, const char *b)
{
    /* distance[i][k]: of the first i letters of a and the first k of b. */
    size_t distance[LONGEST_NAME + 1][LONGEST_NAME + 1];
    size_t a_len = strlen(a), b_len = strlen(b), i, k;

    for (i = 0; i <= a_len; i++) {
        distance[i][0] = i;
    }
    for (k = 0; k <= b_len; k++) {
        distance[0][k] = k;
    }
    for (i = 1; i <= a_len; i++) {
        for (k = 1; k <= b_len; k++) {
            int same = folded(a[i - 1]) == folded(b[k - 1]);
            size_t best = smaller(distance[i - 1][k], distance[i][k - 1]) + 1;

            best = smaller(best, distance[i - 1][k - 1] + !same);
            if (i > 1 && k > 1 && folded(a[i - 1]) == folded(b[k - 2]) && folded(a[i - 2]) == folded(b[k - 1])) {
                best = smaller(best, distance[i - 2][k - 2] + 1);
            }
            distance[i][k] = best;
        }
    }
    return distance[a_len][b_len];
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t wanted = strlen(nearest->wanted);
    size_t distance;

    if (wanted > LONGEST_NAME || strlen(name) > LONGEST_NAME) {
        return;
    }
    distance = edit_distance(nearest->wanted, name);
    if (distance < wanted && distance <= 1 + wanted / 3 && (nearest->best == NULL || distance < nearest->distance)) {
        nearest->best = name;
        nearest->distance = distance;
    }
}

void nearest_add(const struct nearest *nearest, struct text *text)
{
    if (nearest->best != NULL) {
        text_format(text, " Did you mean \"%s\"?", nearest->best);
    }
}
