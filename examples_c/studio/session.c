#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "own_nodes.h"
#include "run.h"
#include "system.h"
#include "timeline.h"

#define FRAMES_PER_SECOND 60
/* Events taken in one frame. More wait for the next: a flood must not stop the picture. */
#define EVENTS_PER_FRAME 64
#define DISABLE_LIMIT_MS 2000

const char *const log_levels[LOG_LEVELS] = {"off", "error", "warning", "info", "debug", "traffic"};

static volatile sig_atomic_t interrupted;

/* The first Ctrl-C ends the run in order; the second one ends the studio at once. */
static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

double run_seconds(const struct run *run)
{
    return system_seconds() - run->begin;
}

static void SOCKETIO_CALL on_log(void *context, const socketio_log_record_t *record)
{
    const struct run *run = context;
    struct text line = {0};

    text_put(&line, "");
    text_add_visible(&line, record->message.ptr, record->message.len);
    timeline_say(run_seconds(run), "Log", record->level < LOG_LEVELS ? log_levels[record->level] : "?", line.ptr);
    text_free(&line);
}

static int refused(const struct plugin *plugin, const char *what, socketio_status_t status)
{
    struct text why = {0};

    if (status >= 0) {
        return 0;
    }
    plugin_add_last_error(plugin, &why);
    fprintf(stderr, "studio: %s: %s: %s\n", what, plugin->call.status_name(status), why.ptr);
    text_free(&why);
    return 1;
}

/* Names of connections become handles, once: an event tells its connection by the handle. */
static int find_connections(struct run *run)
{
    size_t i;
    uint32_t k;

    for (i = 0; i < run->graph->node_count; i++) {
        struct node *node = &run->graph->nodes[i];

        for (k = 0; k < node->type->attributes.count; k++) {
            struct value *value = &node->attributes[k];
            socketio_value_t handle = {0};
            socketio_status_t status;

            if (node->type->attributes.items[k].type != SOCKETIO_TYPE_CONNECTION ||
                value->as.type != SOCKETIO_TYPE_STRING) {
                continue;
            }
            handle.type = SOCKETIO_TYPE_CONNECTION;
            status = run->plugin->call.connection_find(value->as.as.string.ptr, value->as.as.string.len,
                                                       &handle.as.connection);
            if (refused(run->plugin, value->as.as.string.ptr, status)) {
                return -1;
            }
            value_set(value, &handle);
            node->connection = handle.as.connection;
        }
    }
    return 0;
}

static int begin_session(struct run *run, const struct project *project, const struct run_options *options)
{
    const struct plugin *plugin = run->plugin;
    socketio_host_t host = {0};

    host.struct_size = sizeof host;
    host.abi_version = SOCKETIO_ABI_VERSION;
    host.name = "studio";
    host.version = "1.0";
    host.context = run;
    host.log = on_log;
    if (refused(plugin, "log level", plugin->call.set_log_level(options->log_level)) ||
        refused(plugin, plugin->name, plugin->call.enable(&host)) ||
        refused(plugin, "settings", plugin->call.settings_apply(project->settings.ptr, project->settings.len))) {
        return -1;
    }
    return find_connections(run);
}

static socketio_status_t poll_events(struct run *run, uint32_t limit, uint64_t *dropped)
{
    socketio_event_batch_t batch = {0};
    socketio_status_t status;
    uint32_t i;

    batch.struct_size = sizeof batch;
    status = run->plugin->call.event_poll(limit, &batch);
    for (i = 0; status >= 0 && i < batch.count; i++) {
        run_event(run, batch.events[i]);
    }
    if (status >= 0 && batch.dropped != *dropped) {
        struct text line = {0};

        text_format(&line, "%llu events were dropped: this frame loop is too slow for them",
                    (unsigned long long)(batch.dropped - *dropped));
        timeline_say(run_seconds(run), "Run", NULL, line.ptr);
        text_free(&line);
        *dropped = batch.dropped;
    }
    return status;
}

static int has_end_node(const struct graph *graph)
{
    size_t i;

    for (i = 0; i < graph->node_count; i++) {
        if (strcmp(graph->nodes[i].type->id, "end") == 0) {
            return 1;
        }
    }
    return 0;
}

static void end_by_time(struct run *run, double seconds)
{
    int missed = has_end_node(run->graph);
    struct text why = {0};

    text_format(&why, "%g s are over%s", seconds, missed ? ", and no End was reached" : "");
    run_end(run, missed || run->failures > 0 ? 1 : 0, why.ptr);
    text_free(&why);
}

static void frame_loop(struct run *run, double seconds, uint64_t *dropped)
{
    double frame = run->begin;
    size_t i;

    for (i = 0; i < run->graph->node_count; i++) {
        struct node *node = &run->graph->nodes[i];

        /* An event node of the studio's own: the project's start. */
        if (node->type->execute != NULL && node->type->kind == SOCKETIO_KIND_LISTENER) {
            node->type->execute(run, node, 0);
            run_deliver(run);
        }
    }
    while (!run->ended) {
        if (run->plugin != NULL && refused(run->plugin, "poll", poll_events(run, EVENTS_PER_FRAME, dropped))) {
            run_end(run, 1, "the plugin can't be polled");
        }
        own_nodes_frame(run);
        if (interrupted) {
            run_end(run, run->failures > 0, "Ctrl-C");
        } else if (seconds > 0 && run_seconds(run) >= seconds) {
            end_by_time(run, seconds);
        }
        /* After a late frame the beat goes on from now. */
        frame += 1.0 / FRAMES_PER_SECOND;
        frame = frame < system_seconds() ? system_seconds() : frame;
        if (!run->ended) {
            system_sleep_until(frame);
        }
    }
}

/* Events that are left are shown; their pulses go nowhere any more. */
static void end_session(struct run *run, uint64_t *dropped)
{
    socketio_status_t status = run->plugin->call.disable(DISABLE_LIMIT_MS);

    if (refused(run->plugin, run->plugin->name, status) && run->exit_code == 0) {
        run->exit_code = 1;
    }
    run->ended = 1;
    while (poll_events(run, 0, dropped) == SOCKETIO_MORE) {
    }
}

int run_project(struct project *project, const struct plugin *plugin, const struct toolbox *toolbox,
                const struct run_options *options)
{
    struct run run = {0};
    uint64_t dropped = 0;

    run.graph = &project->graph;
    run.plugin = plugin;
    run.toolbox = toolbox;
    run.begin = system_seconds();
    system_catch_signals(on_signal);
    if (plugin == NULL || begin_session(&run, project, options) == 0) {
        frame_loop(&run, options->seconds, &dropped);
    } else {
        run.exit_code = 1;
    }
    if (plugin != NULL) {
        end_session(&run, &dropped);
    }
    free(run.pulses);
    return run.exit_code;
}
