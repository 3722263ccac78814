#ifndef STUDIO_TIMELINE_H
#define STUDIO_TIMELINE_H

/*
 * What happens, a line each:
 *
 *       0.132 s  On Something [node id]  Pulse  First Output="text"  Second Output=7  (First Input="text")
 */

#include "toolbox.h"

/* `values` are of the outputs; `inputs` may be NULL. Values without a type and pulses are left out. */
void timeline_pulse(double seconds, const struct node_type *type, const char *id, uint32_t output,
                    const socketio_value_t *values, uint32_t count, const socketio_value_t *inputs);
/* A line in words. `id` may be NULL. */
void timeline_say(double seconds, const char *who, const char *id, const char *what);

#endif
