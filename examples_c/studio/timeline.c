#include "timeline.h"

#include <stdio.h>

#include "value.h"

static void add_values(const struct fields *fields, const socketio_value_t *values, uint32_t count, struct text *line)
{
    uint32_t i;

    for (i = 0; i < count && i < fields->count; i++) {
        if (values[i].type != SOCKETIO_TYPE_NONE && values[i].type != SOCKETIO_TYPE_PULSE) {
            text_format(line, "  %s=", fields->items[i].label);
            value_add_shown(&values[i], line);
        }
    }
}

static void begin(struct text *line, double seconds, const char *who, const char *id)
{
    text_format(line, "%7.3f s  %s", seconds, who);
    if (id != NULL) {
        text_format(line, " [%s]", id);
    }
    text_put(line, "  ");
}

static void print(struct text *line)
{
    text_put(line, "\n");
    fputs(line->ptr, stdout);
    text_free(line);
}

void timeline_pulse(double seconds, const struct node_type *type, const char *id, uint32_t output,
                    const socketio_value_t *values, uint32_t count, const socketio_value_t *inputs)
{
    struct text line = {0}, given = {0};

    begin(&line, seconds, type->label, id);
    text_put(&line, output < type->outputs.count ? type->outputs.items[output].label : "?");
    add_values(&type->outputs, values, count, &line);
    if (inputs != NULL) {
        add_values(&type->inputs, inputs, type->inputs.count, &given);
    }
    if (given.len > 0) {
        text_format(&line, "  (%s)", given.ptr + 2);
    }
    text_free(&given);
    print(&line);
}

void timeline_say(double seconds, const char *who, const char *id, const char *what)
{
    struct text line = {0};

    begin(&line, seconds, who, id);
    text_put(&line, what);
    print(&line);
}
