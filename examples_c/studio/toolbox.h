#ifndef STUDIO_TOOLBOX_H
#define STUDIO_TOOLBOX_H

/* The node types a project can use: the studio's own, and those of an activated plugin's descriptor. */

#include "names.h"
#include "socketio_plugin.h"

struct node;
struct run;

struct fields {
    const socketio_field_desc_t *items;
    uint32_t count;
};

/* A node of the studio does its work here when a pulse reaches one of its inputs. */
typedef void own_node(struct run *run, struct node *node, uint32_t input);

struct node_type {
    const char *id;
    const char *label;
    const char *category;
    const char *help;
    uint32_t kind;
    uint32_t scopes;
    struct fields attributes;
    struct fields inputs;
    struct fields outputs;
    /* NULL: a node of the plugin, which knows it by this number. */
    own_node *execute;
    uint32_t type_id;
};

struct toolbox {
    struct node_type *types;
    size_t count;
};

/* `plugin` may be NULL: then only the nodes of the studio are there. */
void toolbox_fill(struct toolbox *toolbox, const socketio_plugin_desc_t *plugin);
void toolbox_free(struct toolbox *toolbox);
const struct node_type *toolbox_find(const struct toolbox *toolbox, const char *id);
void toolbox_print(const struct toolbox *toolbox);

/* Fields of the plugin, copied into an array. The caller frees `items`. */
struct fields fields_copy(const socketio_field_desc_t *const *fields, uint32_t count);
/* Position of a field by its id, or -1. */
long fields_find(const struct fields *fields, const char *id);
void fields_offer(const struct fields *fields, struct nearest *nearest);
void fields_print(const struct fields *fields);

/* Copies a struct that may grow: what the other side doesn't have is 0, what this side doesn't know is left out. */
void copy_growable(void *to, size_t size, const void *from);

#endif
