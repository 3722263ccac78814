/*
 * What a host pays in its own frame: each exported call that runs in a frame loop, timed on the host's thread.
 *
 *     cargo xtask performance
 *
 * Prints a Markdown table: nanoseconds, median and percentiles of single calls (less what reading the clock costs), and
 * the mean of calls in a burst. No server is needed: what is measured is the host's side, while the plugin's thread
 * works (it carries out every command) or dials a peer that never answers.
 */
#define _GNU_SOURCE
#include "socketio_plugin.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BURST 1000
#define SINGLES 200000

static socketio_connection_t quiet, busy;
static double clock_cost;
static char large[64 * 1024];

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(socketio_status_t status, const char *what)
{
    char text[512];
    if (status >= 0)
        return;
    socketio_last_error(text, sizeof text);
    fprintf(stderr, "%s: %s: %s\n", what, socketio_status_name(status), text);
    exit(1);
}

static socketio_value_t string(const char *text, size_t len)
{
    socketio_value_t value;
    memset(&value, 0, sizeof value);
    value.type = SOCKETIO_TYPE_STRING;
    value.as.string.ptr = text;
    value.as.string.len = len;
    return value;
}

static socketio_status_t execute(uint32_t node_type, socketio_connection_t connection, const socketio_value_t *inputs,
                                 uint32_t count)
{
    socketio_node_call_t call;
    memset(&call, 0, sizeof call);
    call.struct_size = sizeof call;
    call.node_type = node_type;
    call.connection = connection;
    call.inputs = inputs;
    call.input_count = count;
    return socketio_node_execute(&call, NULL);
}

static socketio_status_t send_bytes(size_t len)
{
    socketio_value_t inputs[4];
    memset(inputs, 0, sizeof inputs);
    inputs[1] = string("tick", 4);
    inputs[3] = string(large, len);
    return execute(SOCKETIO_NODE_SEND, quiet, inputs, 4);
}

static socketio_status_t subscription(uint32_t node_type)
{
    socketio_value_t inputs[2];
    memset(inputs, 0, sizeof inputs);
    inputs[1] = string("tick", 4);
    return execute(node_type, quiet, inputs, 2);
}

static uint32_t poll_events(uint32_t max)
{
    socketio_event_batch_t batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    must(socketio_event_poll(max, &batch), "poll");
    return batch.count;
}

/* Waits until the plugin's thread has carried out what it was told, and takes what came of it. */
static void settle(void)
{
    socketio_connection_info_t info;
    do {
        memset(&info, 0, sizeof info);
        info.struct_size = sizeof info;
        must(socketio_connection_info(quiet, &info), "info");
    } while (info.queued > 0);
    poll_events(0);
}

static void stop_and_settle(void)
{
    must(execute(SOCKETIO_NODE_STOP, quiet, NULL, 0), "stop");
    settle();
}

/* Fills the queue with `count` events: each Unsubscribe of what is subscribed fires one. */
static void make_events(uint32_t count)
{
    uint32_t i;
    for (i = 0; i < count; i++) {
        must(subscription(SOCKETIO_NODE_SUBSCRIBE), "subscribe");
        must(subscription(SOCKETIO_NODE_UNSUBSCRIBE), "unsubscribe");
    }
    must(socketio_event_wait(5000), "wait");
    /* The first is there; the others come with the same turn of the plugin's thread. */
    for (i = 0; i < 200; i++)
        must(socketio_connection_find("quiet", 5, &quiet), "find");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void row(const char *what, double *samples, size_t count, double burst)
{
    size_t i;
    for (i = 0; i < count; i++)
        samples[i] = samples[i] > clock_cost ? samples[i] - clock_cost : 0;
    qsort(samples, count, sizeof *samples, by_value);
    printf("| %s | ", what);
    if (burst > 0)
        printf("%.0f", burst);
    printf(" | %.0f | %.0f | %.0f | %.0f |\n", samples[count / 2], samples[count * 99 / 100],
           samples[count * 999 / 1000], samples[count - 1]);
    fflush(stdout);
}

/* A call in a burst of 1,000, and single calls with a pause in which the plugin's thread falls asleep. */
static void measure(const char *what, socketio_status_t (*call)(size_t), size_t argument, size_t singles)
{
    double *samples = malloc(singles * sizeof *samples), begin, burst = 1e18;
    size_t i, round;
    for (round = 0; round < 20; round++) {
        begin = now_ns();
        for (i = 0; i < BURST; i++)
            must(call(argument), what);
        if ((now_ns() - begin) / BURST < burst)
            burst = (now_ns() - begin) / BURST;
        stop_and_settle();
    }
    for (i = 0; i < singles; i++) {
        begin = now_ns();
        must(call(argument), what);
        samples[i] = now_ns() - begin;
        if (i % 500 == 499)
            stop_and_settle();
    }
    row(what, samples, singles, burst);
    free(samples);
}

static socketio_status_t one_send(size_t len)
{
    return send_bytes(len);
}

static socketio_status_t one_poll(size_t unused)
{
    (void)unused;
    return (socketio_status_t)poll_events(0);
}

static void measure_poll(const char *what, uint32_t events, size_t rounds)
{
    double *samples = malloc(rounds * sizeof *samples), begin;
    size_t i, kept = 0;
    for (i = 0; i < rounds; i++) {
        uint32_t got;
        make_events(events);
        begin = now_ns();
        got = poll_events(events);
        if (got == events)
            samples[kept++] = now_ns() - begin;
        settle();
    }
    if (kept < rounds / 2) {
        fprintf(stderr, "%s: only %zu of %zu polls found %u events\n", what, kept, rounds, events);
        exit(1);
    }
    row(what, samples, kept, 0);
    free(samples);
}

static void measure_settings(void)
{
    static char text[64 * 1024];
    double samples[2000], begin;
    size_t i, len = 0;
    len += (size_t)sprintf(text, "{\"connections\":[");
    for (i = 0; i < 100; i++)
        len += (size_t)sprintf(text + len, "%s{\"name\":\"c%zu\",\"url\":\"http://localhost:3000/socket.io\"}",
                               i ? "," : "", i);
    len += (size_t)sprintf(text + len, "]}");
    for (i = 0; i < 2000; i++) {
        begin = now_ns();
        must(socketio_settings_check(text, len), "check");
        samples[i] = now_ns() - begin;
    }
    row("`settings_check`, 100 connections", samples, 2000, 0);
}

static volatile int restless;

/* Starts and stops a connection to a peer that accepts and never answers. */
static void *start_and_stop(void *unused)
{
    (void)unused;
    while (restless) {
        struct timespec pause = {0, 50000};
        must(execute(SOCKETIO_NODE_START, busy, NULL, 0), "start");
        nanosleep(&pause, NULL);
        must(execute(SOCKETIO_NODE_STOP, busy, NULL, 0), "stop");
    }
    return NULL;
}

static int silent_peer(void)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0
        || getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("socket");
        exit(1);
    }
    return ntohs(address.sin_port);
}

static void measure_life_cycle(void)
{
    double on[200], off[200], begin;
    size_t i;
    for (i = 0; i < 200; i++) {
        begin = now_ns();
        must(socketio_plugin_enable(NULL), "enable");
        on[i] = now_ns() - begin;
        begin = now_ns();
        must(socketio_plugin_disable(1000), "disable");
        off[i] = now_ns() - begin;
    }
    row("`enable`", on, 200, 0);
    row("`disable(1000)`, nothing running", off, 200, 0);
}

int main(void)
{
    char settings[512];
    pthread_t thread;
    int i;

    memset(large, 'x', sizeof large);
    clock_cost = 1e18;
    for (i = 0; i < 1000; i++) {
        double begin = now_ns(), cost = now_ns() - begin;
        clock_cost = cost < clock_cost ? cost : clock_cost;
    }
    printf("| call | in a burst | median | 99 %% | 99.9 %% | worst |\n| --- | --- | --- | --- | --- | --- |\n");
    measure_life_cycle();

    must(socketio_plugin_enable(NULL), "enable");
    sprintf(settings,
            "{\"connections\":[{\"name\":\"quiet\",\"url\":\"127.0.0.1\",\"queue_messages\":1000000,"
            "\"queue_bytes\":1000000000},{\"name\":\"busy\",\"url\":\"127.0.0.1:%d\"}]}",
            silent_peer());
    must(socketio_settings_apply(settings, strlen(settings)), "settings");
    must(socketio_connection_find("quiet", 5, &quiet), "find");
    must(socketio_connection_find("busy", 4, &busy), "find");

    measure("`event_poll`, nothing there", one_poll, 0, SINGLES);
    measure_poll("`event_poll`, 1 event", 1, 2000);
    measure_poll("`event_poll`, 64 events", 64, 2000);
    measure("`node_execute` of Send, 100 B", one_send, 100, SINGLES);
    measure("`node_execute` of Send, 64 KiB", one_send, sizeof large, 20000);
    measure_settings();

    restless = 1;
    if (pthread_create(&thread, NULL, start_and_stop, NULL) != 0)
        return 1;
    measure("Send of 100 B while another thread starts and stops a connection to a silent peer", one_send, 100,
            SINGLES);
    measure("`event_poll` meanwhile", one_poll, 0, SINGLES);
    restless = 0;
    pthread_join(thread, NULL);
    must(socketio_plugin_disable(5000), "disable");
    return 0;
}
