/*
 * A frame loop of 60 Hz, as a studio or a game has it: each frame polls at most 64 events, so that a flood never
 * stops the picture. Several connections at once; a status line for each at every change and every second.
 *
 *     03_frame_loop SECONDS URL [URL ...]
 *
 * It sends "echo" to each once a second, and fails if one of them never connected.
 */

#include "example.h"

#define EVENTS_PER_FRAME 64
#define FRAMES_PER_SECOND 60
#define CONNECTIONS_MAX 16

struct watched {
    const char *url;
    socketio_connection_t connection;
    uint32_t state;
    int was_connected;
    unsigned long received;
};

static struct watched watched[CONNECTIONS_MAX];
static int watched_count;

/* All connections in one settings text. */
static void apply_settings(void)
{
    char settings[CONNECTIONS_MAX * 512] = "{\"connections\":[";
    size_t len = strlen(settings);
    int i;

    for (i = 0; i < watched_count; i++) {
        len += (size_t)snprintf(settings + len, 500, "%s{\"name\":\"%d\",\"url\":\"%.400s\"}", i > 0 ? "," : "", i,
                                watched[i].url);
    }
    len += (size_t)snprintf(settings + len, sizeof settings - len, "]}");
    require(socketio_settings_apply(settings, len), "socketio_settings_apply");
}

static void start_all(void)
{
    char name[16];
    int i;

    for (i = 0; i < watched_count; i++) {
        int len = snprintf(name, sizeof name, "%d", i);

        require(socketio_connection_find(name, (size_t)len, &watched[i].connection), "socketio_connection_find");
        pulse_into(SOCKETIO_NODE_SUBSCRIBE, watched[i].connection, (socketio_value_t[]){{0}, text("*")}, 2);
        pulse_into(SOCKETIO_NODE_START, watched[i].connection, NULL, 0);
    }
}

static struct watched *find(socketio_connection_t connection)
{
    int i = 0;

    while (i < watched_count - 1 && watched[i].connection != connection) {
        i++;
    }
    return &watched[i];
}

/* Takes what came since the last frame, within the budget. What is left comes with the next frame. */
static void poll_events(void)
{
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    uint32_t i;

    require(socketio_event_poll(EVENTS_PER_FRAME, &batch), "socketio_event_poll");
    for (i = 0; i < batch.count; i++) {
        const socketio_event_t *event = batch.events[i];
        struct watched *it = find(event->connection);

        if (event->node_type == SOCKETIO_NODE_ON_RECEIVE) {
            it->received++;
        } else if (event->node_type == SOCKETIO_NODE_ON_ERROR) {
            printf("%s  %s %s\n", it->url, event->outputs[2].as.string.ptr, event->outputs[4].as.string.ptr);
        }
    }
}

/* Draws the line of a connection if it has changed, or if it is time. */
static void draw_status(struct watched *it, int frame, int is_time)
{
    static const char *const states[] = {"stopped", "connecting", "connected", "waiting"};
    socketio_connection_info_t info = {.struct_size = sizeof info};

    require(socketio_connection_info(it->connection, &info), "socketio_connection_info");
    if (info.state == it->state && !is_time) {
        return;
    }
    it->state = info.state;
    it->was_connected |= info.state == SOCKETIO_CONNECTION_CONNECTED;
    printf("frame %5d  %s  %s, received %lu, queued %lu, tries failed %u\n", frame, it->url, states[info.state & 3],
           it->received, (unsigned long)info.queued, info.attempts);
}

int main(int argc, char **argv)
{
    struct timespec beat = {0};
    int frames = argc > 1 ? (int)(atof(argv[1]) * FRAMES_PER_SECOND) : 0;
    int frame, i, failed = 0;

    if (frames <= 0 || argc < 3 || argc - 2 > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: %s SECONDS URL [URL ...] (up to %d)\n", argv[0], CONNECTIONS_MAX);
        return 2;
    }
    watched_count = argc - 2;
    for (i = 0; i < watched_count; i++) {
        watched[i].url = argv[i + 2];
    }
    require(socketio_plugin_enable(NULL), "socketio_plugin_enable");
    apply_settings();
    start_all();

    for (frame = 1; frame <= frames; frame++) {
        int is_time = frame % FRAMES_PER_SECOND == 0;

        poll_events();
        for (i = 0; i < watched_count; i++) {
            draw_status(&watched[i], frame, is_time);
            if (is_time) {
                pulse_into(SOCKETIO_NODE_SEND, watched[i].connection,
                           (socketio_value_t[]){{0}, text("echo"), text("/"), text("tick")}, 4);
            }
        }
        wait_for_frame(&beat);
    }

    require(socketio_plugin_disable(1000), "socketio_plugin_disable");
    for (i = 0; i < watched_count; i++) {
        failed |= !watched[i].was_connected;
    }
    return failed;
}
