#ifndef ATOMS_H
#define ATOMS_H

/*
 * Pd's atoms and the plugin's values, both ways:
 *
 *     text, JSON     a symbol; inwards also several words, joined by spaces
 *     number, truth  a float; whole numbers that a float can't hold go as a symbol of their digits
 *     choice         its text, or its index
 *     bytes          `bytes 0 255 30`; several byte strings are `bytes 0 255 30 bytes 1 2`
 *     no value       nothing: a bang or an empty list
 */

#include <m_pd.h>

#include "socketio_plugin.h"

/* A value for this field. What it points to lies in `*memory`, to be freed. */
socketio_value_t value_from_atoms(const socketio_field_desc_t *field, int argc, const t_atom *argv, void **memory);

/* Sends a value out of an outlet. */
void value_to_outlet(t_outlet *outlet, const socketio_value_t *value);

#endif
