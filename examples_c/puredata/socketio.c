/*
 * Socket.IO for Pure Data. Every object, with its inlets, outlets and texts, is made of what the plugin's descriptor
 * says. No node is named here: one that a later plugin brings appears by itself.
 *
 * An object's name is the id of its node. The left inlet takes the pulse (`bang`), `help`, and attributes by their ids;
 * the other inputs are the cold inlets behind it. The outputs are outlets. atoms.h says what values look like in Pd,
 * plugin.c is how a host deals with the plugin, and README.md is for those who make patches.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <m_pd.h>

#include "atoms.h"
#include "plugin.h"

/* A cold inlet. Pd hands what reaches it to an object of its own. */
struct pin {
    t_pd pd;
    struct node *node;
    uint32_t field;
};

struct node {
    t_object object;
    const socketio_node_desc_t *desc;
    struct node *next;
    /* Comes back in events that belong to this object's calls. */
    uint64_t tag;
    socketio_connection_t connection;
    /* Of each field: the attributes, then the inputs. What a value points to lies in its memory. */
    socketio_value_t *values;
    void **memory;
    struct pin *pins;
    t_outlet **outlets;
};

struct settings {
    t_object object;
    t_canvas *patch;
    t_symbol *file;
};

static t_class *pin_class, *settings_class, **node_classes;
static struct node *nodes, *next_node;

static uint32_t field_count(const struct node *x)
{
    return x->desc->attribute_count + x->desc->input_count;
}

static const socketio_field_desc_t *field(const struct node *x, uint32_t i)
{
    return i < x->desc->attribute_count ? x->desc->attributes[i] : x->desc->inputs[i - x->desc->attribute_count];
}

static int is_pulse(const struct node *x, uint32_t i)
{
    return i < field_count(x) && field(x, i)->type == SOCKETIO_TYPE_PULSE;
}

/* Listeners fire for one connection, so they have to know it before anything happens. */
static void find_connection(struct node *x)
{
    uint32_t i = 0;

    while (i < x->desc->attribute_count && field(x, i)->type != SOCKETIO_TYPE_CONNECTION) {
        i++;
    }
    /* One that is wrong is not the one before. */
    x->connection = 0;
    if (plugin.configured && x->desc->kind == SOCKETIO_KIND_LISTENER && i < x->desc->attribute_count
        && plugin.connection_find(x->values[i].as.string.ptr, x->values[i].as.string.len, &x->connection) < 0) {
        plugin_complain(x, x->desc->id);
    }
}

/* ---- What comes in ---- */

static void set(struct node *x, uint32_t i, int argc, const t_atom *argv)
{
    free(x->memory[i]);
    x->values[i] = value_from_atoms(field(x, i), argc, argv, &x->memory[i]);
    if (field(x, i)->type == SOCKETIO_TYPE_CONNECTION) {
        find_connection(x);
    }
}

static void set_by_id(struct node *x, const char *id, int argc, const t_atom *argv)
{
    uint32_t i = 0;

    while (i < field_count(x) && (is_pulse(x, i) || strcmp(field(x, i)->id, id) != 0)) {
        i++;
    }
    if (i < field_count(x)) {
        set(x, i, argc, argv);
    } else {
        pd_error(x, "%s: it has no attribute or input \"%s\"; the message help shows them", x->desc->id, id);
    }
}

/* Values leave from right to left, as everywhere in Pd; then the pulse. */
static void fire(struct node *x, const socketio_value_t *values, uint32_t count, uint32_t pulse)
{
    uint32_t i = count < x->desc->output_count ? count : x->desc->output_count;

    while (i-- > 0) {
        value_to_outlet(x->outlets[i], &values[i]);
    }
    if (pulse < x->desc->output_count) {
        outlet_bang(x->outlets[pulse]);
    }
}

static void execute(struct node *x, uint32_t pulse)
{
    uint32_t attributes = x->desc->attribute_count, outputs = x->desc->output_count;
    socketio_value_t values[outputs + 1];
    socketio_node_call_t call = {.struct_size = sizeof call, .node_type = x->desc->type_id, .node = x->tag};
    socketio_node_result_t result = {.struct_size = sizeof result, .outputs = values, .output_capacity = outputs};
    socketio_status_t status;

    call.attributes = x->values;
    call.attribute_count = attributes;
    call.inputs = x->values + attributes;
    call.input_count = x->desc->input_count;
    x->values[pulse] = (socketio_value_t){.type = SOCKETIO_TYPE_PULSE, .as.boolean = 1};
    status = plugin.node_execute(&call, &result);
    x->values[pulse] = (socketio_value_t){.type = SOCKETIO_TYPE_NONE};
    if (status < 0) {
        plugin_complain(x, x->desc->id);
    } else {
        fire(x, values, result.output_count, result.pulse);
    }
}

/* The left inlet. */
static void node_bang(struct node *x)
{
    if (is_pulse(x, x->desc->attribute_count)) {
        execute(x, x->desc->attribute_count);
    } else {
        pd_error(x, "%s: it takes no bang, it fires by itself", x->desc->id);
    }
}

static void node_anything(struct node *x, t_symbol *selector, int argc, t_atom *argv)
{
    set_by_id(x, selector->s_name, argc, argv);
}

static void post_fields(const char *kind, uint32_t count, const socketio_field_desc_t *const *fields)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        const char *standard = fields[i]->default_json != NULL ? fields[i]->default_json : "";

        post("  %s %u: %s. %s%s%s", kind, i, fields[i]->id, fields[i]->help, *standard ? " Default: " : "", standard);
    }
}

/* What the studio shows as tooltips. */
static void node_help(struct node *x)
{
    post("%s: %s", x->desc->id, x->desc->help);
    post_fields("attribute", x->desc->attribute_count, x->desc->attributes);
    post_fields("inlet", x->desc->input_count, x->desc->inputs);
    post_fields("outlet", x->desc->output_count, x->desc->outputs);
}

/* A cold inlet. The selector of `hello world` and `bytes 1 2` is a part of the value, that of `list 1 2` is not. */
static void pin_anything(struct pin *pin, t_symbol *selector, int argc, t_atom *argv)
{
    int words = selector != &s_list && selector != &s_symbol && selector != &s_float && selector != &s_bang;
    t_atom *all = malloc((size_t)(argc + 1) * sizeof *all);

    if (is_pulse(pin->node, pin->field)) {
        execute(pin->node, pin->field);
    } else if (all != NULL) {
        SETSYMBOL(all, selector);
        memcpy(all + words, argv, (size_t)argc * sizeof *argv);
        set(pin->node, pin->field, words + argc, all);
    }
    free(all);
}

/* ---- What goes out ---- */

/* An action's later pulse is for the object that was pulsed, all else for the listeners of the connection. */
void objects_fire(const socketio_event_t *event)
{
    struct node *x;

    /* What an object causes may delete others: `node_free` takes care that `next_node` stays good. */
    for (x = nodes; x != NULL; x = next_node) {
        int is_its_own = x->desc->kind == SOCKETIO_KIND_LISTENER ? x->connection == event->connection
                                                                 : x->tag == event->node;

        next_node = x->next;
        if (is_its_own && x->desc->type_id == event->node_type) {
            fire(x, event->outputs, event->output_count, event->pulse);
        }
    }
}

const void *object_of(socketio_connection_t connection)
{
    const struct node *x = connection != 0 ? nodes : NULL;

    while (x != NULL && x->connection != connection) {
        x = x->next;
    }
    return x;
}

/* ---- Objects come and go ---- */

static int is_id(const t_atom *atom)
{
    return atom->a_type == A_SYMBOL && *atom->a_w.w_symbol->s_name == '-';
}

/* `main -message_format JSON -event_name chat`: words before the first id are for the first attribute. */
static void read_arguments(struct node *x, int argc, const t_atom *argv)
{
    while (argc > 0) {
        const char *id = is_id(argv) ? argv->a_w.w_symbol->s_name + 1 : field(x, 0)->id;
        int begin = is_id(argv), end = begin;

        while (end < argc && !is_id(&argv[end])) {
            end++;
        }
        set_by_id(x, id, end - begin, argv + begin);
        argc -= end;
        argv += end;
    }
}

static void *node_new(t_symbol *name, int argc, t_atom *argv)
{
    static uint64_t tags;
    struct node **link = &nodes, *x;
    uint32_t i = 0;

    while (strcmp(plugin.desc->nodes[i]->id, name->s_name) != 0) {
        i++;
    }
    x = (struct node *)pd_new(node_classes[i]);
    x->desc = plugin.desc->nodes[i];
    x->tag = ++tags;
    x->values = getzbytes(field_count(x) * sizeof *x->values);
    x->memory = getzbytes(field_count(x) * sizeof *x->memory);
    x->pins = getzbytes(field_count(x) * sizeof *x->pins);
    x->outlets = getzbytes(x->desc->output_count * sizeof *x->outlets);
    /* The first input is the left inlet, which every object has. */
    for (i = x->desc->attribute_count + 1; i < field_count(x); i++) {
        x->pins[i] = (struct pin){.pd = pin_class, .node = x, .field = i};
        inlet_new(&x->object, &x->pins[i].pd, NULL, NULL);
    }
    for (i = 0; i < x->desc->output_count; i++) {
        x->outlets[i] = outlet_new(&x->object, NULL);
    }
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = x;
    plugin_enter(x);
    read_arguments(x, argc, argv);
    return x;
}

static void node_free(struct node *x)
{
    struct node **link = &nodes;
    uint32_t i;

    while (*link != x) {
        link = &(*link)->next;
    }
    *link = x->next;
    if (next_node == x) {
        next_node = x->next;
    }
    for (i = 0; i < field_count(x); i++) {
        free(x->memory[i]);
    }
    freebytes(x->values, field_count(x) * sizeof *x->values);
    freebytes(x->memory, field_count(x) * sizeof *x->memory);
    freebytes(x->pins, field_count(x) * sizeof *x->pins);
    freebytes(x->outlets, x->desc->output_count * sizeof *x->outlets);
    plugin_leave();
}

/* ---- [socketio.settings FILE]: the Project Settings, a file beside the patch ---- */

static void settings_bang(struct settings *x)
{
    char folder[MAXPDSTRING], *name, *text = NULL;
    int file = canvas_open(x->patch, x->file->s_name, "", folder, &name, sizeof folder, 1);
    off_t len = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    socketio_status_t status;
    struct node *node;

    if (len >= 0 && lseek(file, 0, SEEK_SET) == 0 && (text = malloc((size_t)len + 1)) != NULL) {
        len = read(file, text, (size_t)len);
    }
    if (file >= 0) {
        sys_close(file);
    }
    if (text == NULL || len < 0) {
        pd_error(x, "%s.settings: the file \"%s\" can't be read", plugin.desc->id, x->file->s_name);
        free(text);
        return;
    }
    status = plugin.settings_apply(text, (size_t)len);
    free(text);
    if (status < 0 || status == SOCKETIO_NOTE) {
        plugin_complain(x, x->file->s_name);
    }
    plugin.configured |= status >= 0;
    for (node = status >= 0 ? nodes : NULL; node != NULL; node = node->next) {
        find_connection(node);
    }
}

static void settings_read(struct settings *x, t_symbol *file)
{
    x->file = file;
    settings_bang(x);
}

static void *settings_new(t_symbol *file)
{
    struct settings *x = (struct settings *)pd_new(settings_class);

    x->patch = canvas_getcurrent();
    plugin_enter(x);
    settings_read(x, file);
    return x;
}

/* ---- Pd loads the external ---- */

void socketio_setup(void) __attribute__((visibility("default")));

void socketio_setup(void)
{
    const socketio_node_desc_t *const *desc;
    char name[MAXPDSTRING];
    t_class *class;
    uint32_t i;

    pin_class = class_new(gensym("socketio pin"), NULL, NULL, sizeof(struct pin), CLASS_PD, A_NULL);
    class_addanything(pin_class, pin_anything);
    if (plugin_load(class_gethelpdir(pin_class)) != 0) {
        return;
    }
    desc = plugin.desc->nodes;
    startpost("%s %s:", plugin.desc->name, plugin.desc->version);
    node_classes = getbytes(plugin.desc->node_count * sizeof *node_classes);
    for (i = 0; i < plugin.desc->node_count; i++) {
        class = class_new(gensym(desc[i]->id), (t_newmethod)node_new, (t_method)node_free, sizeof(struct node), 0,
                          A_GIMME, A_NULL);
        class_addbang(class, node_bang);
        class_addmethod(class, (t_method)node_help, gensym("help"), A_NULL);
        class_addanything(class, node_anything);
        class_sethelpsymbol(class, gensym("socketio"));
        node_classes[i] = class;
        startpost(" %s", desc[i]->id);
    }
    snprintf(name, sizeof name, "%s.settings", plugin.desc->id);
    settings_class = class_new(gensym(name), (t_newmethod)settings_new, (t_method)plugin_leave, sizeof(struct settings),
                               0, A_DEFSYM, A_NULL);
    class_addbang(settings_class, settings_bang);
    class_addmethod(settings_class, (t_method)settings_read, gensym("read"), A_SYMBOL, A_NULL);
    class_sethelpsymbol(settings_class, gensym("socketio"));
    startpost(" %s", name);
    endpost();
}
