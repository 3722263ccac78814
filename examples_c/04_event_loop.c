/*
 * An event loop (Linux, epoll) that waits on the plugin's wake handle beside its own sources. While nothing happens,
 * nothing runs: the loop wakes for events and for its own timer, and counts how often.
 *
 *     04_event_loop URL [SECONDS]
 *
 * It sends "echo" once a second, and fails if it never connected.
 */

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "example.h"

struct counts {
    unsigned long wakes;
    unsigned long events;
    unsigned long wakes_for_nothing;
    int connected;
};

/* The handle stays readable while events wait, so one poll per wake would do as well. */
static void take_events(struct counts *counts)
{
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    unsigned long before = counts->events;
    socketio_status_t status;
    uint32_t i;

    do {
        status = socketio_event_poll(0, &batch);
        require(status, "socketio_event_poll");
        counts->events += batch.count;
        for (i = 0; i < batch.count; i++) {
            const socketio_event_t *event = batch.events[i];

            if (event->node_type == SOCKETIO_NODE_ON_START) {
                counts->connected = 1;
                printf("connected, session %s\n", event->outputs[1].as.string.ptr);
            } else if (event->node_type == SOCKETIO_NODE_ON_RECEIVE) {
                printf("%s: %s\n", event->outputs[2].as.string.ptr, event->outputs[3].as.string.ptr);
            } else if (event->node_type == SOCKETIO_NODE_ON_ERROR) {
                printf("%s %s\n", event->outputs[2].as.string.ptr, event->outputs[4].as.string.ptr);
            }
        }
    } while (status == SOCKETIO_MORE && batch.count > 0);
    counts->wakes++;
    counts->wakes_for_nothing += counts->events == before;
}

static void watch(int loop, int fd)
{
    struct epoll_event interest = {.events = EPOLLIN};

    interest.data.fd = fd;
    if (fd < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &interest) != 0) {
        perror("epoll");
        exit(1);
    }
}

/* A source of the host's own: a timer that is readable once a second. */
static int seconds_timer(void)
{
    struct itimerspec every_second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

    if (timer >= 0) {
        timerfd_settime(timer, 0, &every_second, NULL);
    }
    return timer;
}

int main(int argc, char **argv)
{
    int seconds = argc > 2 ? atoi(argv[2]) : 3;
    socketio_wake_handle_t wake = {.struct_size = sizeof wake};
    struct counts counts = {0};
    socketio_connection_t connection;
    int loop = epoll_create1(EPOLL_CLOEXEC);
    int timer = seconds_timer();
    int plugin;

    if (argc < 2 || seconds <= 0) {
        fprintf(stderr, "usage: %s URL [SECONDS]\n", argv[0]);
        return 2;
    }
    require(socketio_plugin_enable(NULL), "socketio_plugin_enable");
    connection = connection_to(argv[1]);
    require(socketio_event_wake_handle(&wake), "socketio_event_wake_handle");
    require(wake.kind == SOCKETIO_WAKE_FD ? SOCKETIO_OK : SOCKETIO_E_UNSUPPORTED, "the wake handle is no descriptor");
    plugin = (int)wake.value;
    watch(loop, plugin);
    watch(loop, timer);
    pulse_into(SOCKETIO_NODE_SUBSCRIBE, connection, (socketio_value_t[]){{0}, text("*")}, 2);
    pulse_into(SOCKETIO_NODE_START, connection, NULL, 0);

    while (seconds > 0) {
        struct epoll_event ready;
        uint64_t ticks;

        if (epoll_wait(loop, &ready, 1, -1) != 1) {
            continue;
        }
        if (ready.data.fd == plugin) {
            take_events(&counts);
        } else if (read(timer, &ticks, sizeof ticks) == sizeof ticks) {
            seconds -= (int)ticks;
            pulse_into(SOCKETIO_NODE_SEND, connection, (socketio_value_t[]){{0}, text("echo"), text("/"), text("tick")},
                       4);
        }
    }
    printf("the plugin woke the loop %lu times for %lu events, %lu times for nothing\n", counts.wakes, counts.events,
           counts.wakes_for_nothing);

    /* `disable` closes the handle: it leaves the loop before. */
    epoll_ctl(loop, EPOLL_CTL_DEL, plugin, NULL);
    require(socketio_plugin_disable(1000), "socketio_plugin_disable");
    close(timer);
    close(loop);
    return counts.connected ? 0 : 1;
}
