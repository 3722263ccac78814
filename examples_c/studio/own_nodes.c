#include "own_nodes.h"

#include <string.h>

#include "run.h"
#include "timeline.h"

#define FIELD(TYPE, ID, LABEL, HELP) \
    .struct_size = sizeof(socketio_field_desc_t), .type = SOCKETIO_TYPE_##TYPE, .id = ID, .label = LABEL, .help = HELP
#define FIELDS(ARRAY) {ARRAY, sizeof ARRAY / sizeof ARRAY[0]}
#define SCOPES (SOCKETIO_SCOPE_PROJECT | SOCKETIO_SCOPE_SCENE)

static const socketio_field_desc_t pulse_out[] = {{FIELD(PULSE, "pulse", "Pulse", "Leaves when the node has run.")}};

/* Executed once, when the project begins. */
static void start(struct run *run, struct node *node, uint32_t input)
{
    (void)input;
    run_fire(run, node, 0, NULL, 0);
}

static const socketio_field_desc_t timer_attributes[] = {
    {FIELD(FLOAT, "seconds", "Seconds", "How long it waits."), .default_json = "1", .maximum = 86400, .unit = "s"},
    {FIELD(BOOL, "repeat", "Repeat", "Fires again and again, until it is stopped."), .default_json = "false"},
};
static const socketio_field_desc_t timer_inputs[] = {
    {FIELD(PULSE, "pulse", "Pulse", "Begins to wait; if it waits already, it begins anew.")},
    {FIELD(PULSE, "stop", "Stop", "Ends the waiting.")},
};

static void timer(struct run *run, struct node *node, uint32_t input)
{
    /* Never exactly 0, which stands for a timer at rest. */
    node->due = input == 0 ? run_seconds(run) + node->attributes[0].as.as.number + 1e-9 : 0;
}

void own_nodes_frame(struct run *run)
{
    double now = run_seconds(run);
    size_t i;

    for (i = 0; i < run->graph->node_count; i++) {
        struct node *node = &run->graph->nodes[i];

        if (node->due > 0 && node->due <= now) {
            double next = node->due + node->attributes[0].as.as.number;
            int repeats = node->attributes[1].as.as.boolean;

            /* Late frames don't shift it; a frame too late for several fires once. */
            node->due = !repeats ? 0 : next > now ? next : now;
            run_fire(run, node, 0, NULL, 0);
            run_deliver(run);
        }
    }
}

static const socketio_field_desc_t counter_attributes[] = {
    {FIELD(INT, "target", "Target", "Target Reached fires at this count. 0: never."), .default_json = "0"},
};
static const socketio_field_desc_t counter_inputs[] = {
    {FIELD(PULSE, "pulse", "Pulse", "Counts one more.")},
    {FIELD(PULSE, "reset", "Reset", "Counts from 0 again.")},
};
static const socketio_field_desc_t counter_outputs[] = {
    {FIELD(PULSE, "pulse", "Pulse", "Leaves at every count.")},
    {FIELD(INT, "count", "Count", "How many pulses came in.")},
    {FIELD(PULSE, "target_reached", "Target Reached", "Leaves when Count is Target.")},
};

static void counter(struct run *run, struct node *node, uint32_t input)
{
    socketio_value_t values[2] = {{0}};
    int64_t target = node->attributes[0].as.as.integer;

    node->counted = input == 0 ? node->counted + 1 : 0;
    values[1].type = SOCKETIO_TYPE_INT;
    values[1].as.integer = node->counted;
    run_fire(run, node, 0, values, 2);
    if (input == 0 && target != 0 && node->counted == target) {
        run_fire(run, node, 2, NULL, 0);
    }
}

static const socketio_field_desc_t print_inputs[] = {
    {FIELD(PULSE, "pulse", "Pulse", "Runs the node.")},
    {FIELD(NONE, "value", "Value", "What to print.")},
};

static void print(struct run *run, struct node *node, uint32_t input)
{
    struct text text = {0}, line = {0};

    (void)input;
    text_put(&line, "");
    value_add_text(&node->call_inputs[1], &text);
    text_add_visible(&line, text.ptr, text.len);
    timeline_say(run_seconds(run), node->type->label, node->id, line.ptr);
    text_free(&line);
    text_free(&text);
    run_pass_on(run, node, 0);
}

static const socketio_field_desc_t compare_inputs[] = {
    {FIELD(PULSE, "pulse", "Pulse", "Runs the node.")},
    {FIELD(NONE, "a", "A", "One value.")},
    {FIELD(NONE, "b", "B", "The other one.")},
};
static const socketio_field_desc_t compare_outputs[] = {
    {FIELD(PULSE, "equal", "Equal", "Leaves if both are the same text.")},
    {FIELD(PULSE, "different", "Different", "Leaves if they are not.")},
};

static void compare(struct run *run, struct node *node, uint32_t input)
{
    struct text a = {0}, b = {0};
    int equal;

    (void)input;
    value_add_text(&node->call_inputs[1], &a);
    value_add_text(&node->call_inputs[2], &b);
    equal = a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
    text_free(&a);
    text_free(&b);
    run_fire(run, node, equal ? 0 : 1, NULL, 0);
}

static const socketio_field_desc_t branch_inputs[] = {
    {FIELD(PULSE, "pulse", "Pulse", "Runs the node.")},
    {FIELD(BOOL, "condition", "Condition", "Which way to go."), .flags = SOCKETIO_FIELD_REQUIRED},
};
static const socketio_field_desc_t branch_outputs[] = {
    {FIELD(PULSE, "true", "True", "Leaves if Condition is true.")},
    {FIELD(PULSE, "false", "False", "Leaves if it is false.")},
};

static void branch(struct run *run, struct node *node, uint32_t input)
{
    (void)input;
    run_fire(run, node, node->call_inputs[1].as.boolean ? 0 : 1, NULL, 0);
}

static const socketio_field_desc_t end_inputs[] = {
    {FIELD(PULSE, "pulse", "Pulse", "Ends the run.")},
    {FIELD(INT, "code", "Code", "Exit code of the studio; 0 is success."), .default_json = "0", .maximum = 255},
};

static void end(struct run *run, struct node *node, uint32_t input)
{
    struct text why = {0};
    int code = (int)(node->call_inputs[1].as.integer & 255);

    (void)input;
    text_format(&why, "End [%s] with code %d", node->id, code);
    run_end(run, code, why.ptr);
    text_free(&why);
}

const struct node_type own_node_types[] = {
    {.id = "project.start", .label = "Project Start", .category = "Studio", .kind = SOCKETIO_KIND_LISTENER,
     .help = "Fires once, when the project begins.", .scopes = SOCKETIO_SCOPE_PROJECT,
     .outputs = FIELDS(pulse_out), .execute = start},
    {.id = "timer", .label = "Timer", .category = "Studio", .kind = SOCKETIO_KIND_ACTION,
     .help = "Fires some time after a pulse.", .scopes = SCOPES, .attributes = FIELDS(timer_attributes),
     .inputs = FIELDS(timer_inputs), .outputs = FIELDS(pulse_out), .execute = timer},
    {.id = "counter", .label = "Counter", .category = "Studio", .kind = SOCKETIO_KIND_ACTION,
     .help = "Counts pulses.", .scopes = SCOPES, .attributes = FIELDS(counter_attributes),
     .inputs = FIELDS(counter_inputs), .outputs = FIELDS(counter_outputs), .execute = counter},
    {.id = "print", .label = "Print", .category = "Studio", .kind = SOCKETIO_KIND_ACTION,
     .help = "Prints a value.", .scopes = SCOPES, .inputs = FIELDS(print_inputs), .outputs = FIELDS(pulse_out),
     .execute = print},
    {.id = "compare", .label = "Compare", .category = "Studio", .kind = SOCKETIO_KIND_ACTION,
     .help = "Compares two values, as texts.", .scopes = SCOPES, .inputs = FIELDS(compare_inputs),
     .outputs = FIELDS(compare_outputs), .execute = compare},
    {.id = "branch", .label = "Branch", .category = "Studio", .kind = SOCKETIO_KIND_ACTION,
     .help = "Sends the pulse one way or the other.", .scopes = SCOPES, .inputs = FIELDS(branch_inputs),
     .outputs = FIELDS(branch_outputs), .execute = branch},
    {.id = "end", .label = "End", .category = "Studio", .kind = SOCKETIO_KIND_ACTION,
     .help = "Ends the run.", .scopes = SCOPES, .inputs = FIELDS(end_inputs), .execute = end},
};
const size_t own_node_type_count = sizeof own_node_types / sizeof own_node_types[0];
