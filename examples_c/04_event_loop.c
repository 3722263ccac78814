/*
 * An event loop that waits on the plugin's wake handle beside its own sources: by epoll on Linux, on Windows by
 * WaitForMultipleObjects, in whose place a program with windows has MsgWaitForMultipleObjects. While nothing happens,
 * nothing runs: the loop wakes for events and for its own timer, and counts how often.
 *
 *     04_event_loop URL [SECONDS]
 *
 * It sends "echo" once a second, and fails if it never connected.
 */

#ifndef _WIN32
#  include <sys/epoll.h>
#  include <sys/timerfd.h>
#  include <unistd.h>
#endif

#include "example.h"

struct counts {
    unsigned long wakes;
    unsigned long events;
    unsigned long wakes_for_nothing;
    int connected;
};

/* The handle stays set while events wait, so one poll per wake would do as well. */
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

/* What the loop waits for: the plugin, and a source of the host's own, a timer that fires once a second. */
enum source { FROM_PLUGIN, FROM_TIMER, NOTHING };

#ifdef _WIN32

struct loop {
    HANDLE handles[2];
};

static int loop_open(struct loop *loop, const socketio_wake_handle_t *wake)
{
    LARGE_INTEGER begin = {.QuadPart = -10000000};

    loop->handles[FROM_PLUGIN] = (HANDLE)(intptr_t)wake->value;
    loop->handles[FROM_TIMER] = CreateWaitableTimerW(NULL, FALSE, NULL);
    return wake->kind == SOCKETIO_WAKE_WIN32_EVENT && loop->handles[FROM_TIMER] != NULL
           && SetWaitableTimer(loop->handles[FROM_TIMER], &begin, 1000, NULL, NULL, FALSE);
}

static enum source loop_wait(struct loop *loop)
{
    DWORD ready = WaitForMultipleObjects(2, loop->handles, FALSE, INFINITE);

    return ready == WAIT_OBJECT_0 ? FROM_PLUGIN : ready == WAIT_OBJECT_0 + 1 ? FROM_TIMER : NOTHING;
}

static void loop_close(struct loop *loop)
{
    CloseHandle(loop->handles[FROM_TIMER]);
}

#else

struct loop {
    int epoll;
    int plugin;
    int timer;
};

static int watch(const struct loop *loop, int fd, enum source source)
{
    struct epoll_event interest = {.events = EPOLLIN};

    interest.data.u32 = source;
    return fd >= 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &interest) == 0;
}

static int loop_open(struct loop *loop, const socketio_wake_handle_t *wake)
{
    const struct itimerspec every_second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};

    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->plugin = (int)wake->value;
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    return wake->kind == SOCKETIO_WAKE_FD && watch(loop, loop->plugin, FROM_PLUGIN)
           && watch(loop, loop->timer, FROM_TIMER) && timerfd_settime(loop->timer, 0, &every_second, NULL) == 0;
}

static enum source loop_wait(struct loop *loop)
{
    struct epoll_event ready;
    uint64_t ticks;

    if (epoll_wait(loop->epoll, &ready, 1, -1) != 1) {
        return NOTHING;
    }
    if (ready.data.u32 == FROM_TIMER && read(loop->timer, &ticks, sizeof ticks) != sizeof ticks) {
        return NOTHING;
    }
    return (enum source)ready.data.u32;
}

/* Before `disable`, which closes the plugin's handle. */
static void loop_close(struct loop *loop)
{
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, loop->plugin, NULL);
    close(loop->timer);
    close(loop->epoll);
}

#endif

int main(int argc, char **argv)
{
    int seconds = argc > 2 ? atoi(argv[2]) : 3;
    socketio_wake_handle_t wake = {.struct_size = sizeof wake};
    struct counts counts = {0};
    socketio_connection_t connection;
    struct loop loop;

    if (argc < 2 || seconds <= 0) {
        fprintf(stderr, "usage: %s URL [SECONDS]\n", argv[0]);
        return 2;
    }
    require(socketio_plugin_enable(NULL), "socketio_plugin_enable");
    connection = connection_to(argv[1]);
    require(socketio_event_wake_handle(&wake), "socketio_event_wake_handle");
    require(loop_open(&loop, &wake) ? SOCKETIO_OK : SOCKETIO_E_UNSUPPORTED, "the loop can't wait on the wake handle");
    pulse_into(SOCKETIO_NODE_SUBSCRIBE, connection, (socketio_value_t[]){{0}, text("*")}, 2);
    pulse_into(SOCKETIO_NODE_START, connection, NULL, 0);

    while (seconds > 0) {
        switch (loop_wait(&loop)) {
        case FROM_PLUGIN:
            take_events(&counts);
            break;
        case FROM_TIMER:
            seconds--;
            pulse_into(SOCKETIO_NODE_SEND, connection, (socketio_value_t[]){{0}, text("echo"), text("/"), text("tick")},
                       4);
            break;
        case NOTHING:
            break;
        }
    }
    printf("the plugin woke the loop %lu times for %lu events, %lu times for nothing\n", counts.wakes, counts.events,
           counts.wakes_for_nothing);
    loop_close(&loop);
    require(socketio_plugin_disable(1000), "socketio_plugin_disable");
    return counts.connected ? 0 : 1;
}
