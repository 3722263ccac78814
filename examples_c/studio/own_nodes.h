#ifndef STUDIO_OWN_NODES_H
#define STUDIO_OWN_NODES_H

/* The nodes of the studio itself: without a plugin a project can still begin, count, print and end. */

#include "run.h"

extern const struct node_type own_node_types[];
extern const size_t own_node_type_count;

/* Once a frame: timers that are due fire. */
void own_nodes_frame(struct run *run);

#endif
