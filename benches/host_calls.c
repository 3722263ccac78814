/*
 * What a host pays in its own frame: each exported call that runs in a frame loop, timed on the host's thread.
 *
 *     cargo xtask performance
 *
 * Prints two Markdown tables: nanoseconds, median and percentiles of single calls (less what reading the clock costs),
 * and the mean of calls in a burst. No server is needed: what is measured is the host's side, while the plugin's thread
 * works (it carries out every command) or has to do with a peer that is frozen.
 */
#define _GNU_SOURCE
#include "socketio_plugin.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static int listen_here(int *port)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0
        || getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("socket");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

/* ---- A peer that freezes ---- */

static void answer(int fd, const char *body)
{
    char text[512];
    int len = sprintf(text, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
                      strlen(body), body);
    if (write(fd, text, (size_t)len) != len)
        _exit(1);
}

/* Opens one session over long-polling, joins it to the default namespace, and freezes: from then on the system takes
   connections and bytes for it, as long as it has room, and nobody reads them. */
static void serve_and_freeze(int listener)
{
    struct pollfd fds[8];
    nfds_t count = 1, i;
    int posted = 0, waiting = -1;
    fds[0].fd = listener;
    fds[0].events = POLLIN;
    for (;;) {
        poll(fds, count, -1);
        for (i = 1; i < count; i++) {
            char request[4096];
            /* Requests this small come in one piece. */
            ssize_t len = fds[i].revents != 0 ? read(fds[i].fd, request, sizeof request - 1) : 0;
            if (fds[i].revents != 0 && len <= 0)
                fds[i].fd = -1;
            if (len <= 0)
                continue;
            request[len] = 0;
            if (strncmp(request, "POST", 4) == 0) {
                posted = 1;
                answer(fds[i].fd, "ok");
            } else if (strstr(request, "sid=") != NULL) {
                waiting = fds[i].fd;
            } else {
                answer(fds[i].fd, "0{\"sid\":\"e\",\"upgrades\":[],\"pingInterval\":300000,\"pingTimeout\":300000}");
            }
        }
        if (fds[0].revents != 0 && count < 8) {
            fds[count].fd = accept(listener, NULL, NULL);
            fds[count].revents = 0;
            fds[count++].events = POLLIN;
        }
        if (posted && waiting >= 0) {
            answer(waiting, "40{\"sid\":\"s\"}");
            raise(SIGSTOP);
        }
    }
}

/* A process of its own, which does not outlive this one. */
static pid_t freezing_peer(int *port)
{
    int listener = listen_here(port);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve_and_freeze(listener);
    }
    close(listener);
    return pid;
}

/* ---- The worst case ---- */

/* What one call took, and what the system did to its thread meanwhile. */
typedef struct sample_t {
    double took;
    /* It was put aside for somebody else; it gave way by itself, to wait for something. */
    long put_aside, waited;
} sample_t;

static int by_time(const void *a, const void *b)
{
    return by_value(&((const sample_t *)a)->took, &((const sample_t *)b)->took);
}

static void hard_row(const char *what, socketio_status_t (*call)(void), size_t count)
{
    sample_t *samples = malloc(count * sizeof *samples);
    size_t i, slow = 0, put_aside = 0, waited = 0;
    memset(samples, 0, count * sizeof *samples);
    for (i = 0; i < count; i++) {
        struct rusage before, after;
        socketio_status_t status;
        double begin, took;
        getrusage(RUSAGE_THREAD, &before);
        begin = now_ns();
        status = call();
        took = now_ns() - begin;
        getrusage(RUSAGE_THREAD, &after);
        samples[i].took = took > clock_cost ? took - clock_cost : 0;
        samples[i].put_aside = after.ru_nivcsw - before.ru_nivcsw;
        samples[i].waited = after.ru_nvcsw - before.ru_nvcsw;
        if (status != SOCKETIO_E_QUEUE_FULL)
            must(status, what);
        if (i % 32 == 31) {
            /* The end of a frame: what came is taken, and others get the processor. */
            struct timespec pause = {0, 20000};
            poll_events(0);
            nanosleep(&pause, NULL);
        }
    }
    qsort(samples, count, sizeof *samples, by_time);
    for (i = count; i > 0 && samples[i - 1].took > 50000; i--) {
        slow++;
        put_aside += samples[i - 1].put_aside > 0;
        waited += samples[i - 1].waited > 0;
    }
    printf("| %s | %.0f | %.0f | %.0f | %.0f | %zu | %zu | %zu |\n", what, samples[count / 2].took,
           samples[count * 99 / 100].took, samples[count * 999 / 1000].took, samples[count - 1].took, slow, put_aside,
           waited);
    fflush(stdout);
    free(samples);
}

static char small_settings[512];

static socketio_status_t no_call(void)
{
    return SOCKETIO_OK;
}

static socketio_status_t send_it(void)
{
    return send_bytes(100);
}

static socketio_status_t start_it(void)
{
    return execute(SOCKETIO_NODE_START, busy, NULL, 0);
}

static socketio_status_t stop_it(void)
{
    return execute(SOCKETIO_NODE_STOP, busy, NULL, 0);
}

static socketio_status_t subscribe_it(void)
{
    return subscription(SOCKETIO_NODE_SUBSCRIBE);
}

static socketio_status_t unsubscribe_it(void)
{
    return subscription(SOCKETIO_NODE_UNSUBSCRIBE);
}

static socketio_status_t look_at_it(void)
{
    return execute(SOCKETIO_NODE_STATE, quiet, NULL, 0);
}

static socketio_status_t poll_it(void)
{
    return one_poll(0);
}

static socketio_status_t wait_for_nothing(void)
{
    return socketio_event_wait(0);
}

static socketio_status_t find_it(void)
{
    return socketio_connection_find("quiet", 5, &quiet);
}

static socketio_status_t ask_about_it(void)
{
    socketio_connection_info_t info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    return socketio_connection_info(quiet, &info);
}

static socketio_status_t check_small(void)
{
    return socketio_settings_check(small_settings, strlen(small_settings));
}

static socketio_status_t apply_small(void)
{
    return socketio_settings_apply(small_settings, strlen(small_settings));
}

static socketio_status_t read_last_error(void)
{
    char text[512];
    socketio_last_error(text, sizeof text);
    return SOCKETIO_OK;
}

/* Fills the queue of the connection to the frozen peer, until nothing more is taken. */
static void fill_queue(void)
{
    int refused = 0;
    while (refused < 1000) {
        struct timespec pause = {0, 100000};
        socketio_status_t status = send_bytes(100);
        if (status == SOCKETIO_E_QUEUE_FULL) {
            refused++;
            nanosleep(&pause, NULL);
        } else {
            must(status, "send");
            refused = 0;
        }
    }
}

static void measure_worst_case(void)
{
    pthread_t thread;
    socketio_connection_info_t info;
    cpu_set_t one;
    int port;
    pid_t peer = freezing_peer(&port);
    must(socketio_plugin_enable(NULL), "enable");
    sprintf(small_settings,
            "{\"connections\":[{\"name\":\"quiet\",\"url\":\"127.0.0.1:%d\",\"transport\":\"Polling Only\"},"
            "{\"name\":\"busy\",\"url\":\"127.0.0.1:%d\"}]}",
            port, port);
    must(apply_small(), "settings");
    must(socketio_connection_find("quiet", 5, &quiet), "find");
    must(socketio_connection_find("busy", 4, &busy), "find");
    must(execute(SOCKETIO_NODE_START, quiet, NULL, 0), "start");
    do {
        must(socketio_event_wait(5000), "wait");
        poll_events(0);
        memset(&info, 0, sizeof info);
        info.struct_size = sizeof info;
        must(socketio_connection_info(quiet, &info), "info");
    } while (info.state != SOCKETIO_CONNECTION_CONNECTED);
    waitpid(peer, NULL, WUNTRACED);
    fill_queue();

    restless = 1;
    if (pthread_create(&thread, NULL, start_and_stop, NULL) != 0)
        exit(1);
    /* The threads that are there already stay free to choose. */
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    printf("\n| call in the worst case | median | 99 %% | 99.9 %% | worst | above 50,000 | put aside | waited |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    hard_row("none: the machine itself", no_call, SINGLES);
    hard_row("`node_execute` of Send, refused by the full queue", send_it, SINGLES);
    hard_row("`node_execute` of Start", start_it, SINGLES);
    hard_row("`node_execute` of Stop", stop_it, SINGLES);
    hard_row("`node_execute` of Subscribe", subscribe_it, SINGLES);
    hard_row("`node_execute` of Unsubscribe", unsubscribe_it, SINGLES);
    hard_row("`node_execute` of State", look_at_it, SINGLES);
    hard_row("`event_poll`", poll_it, SINGLES);
    hard_row("`event_wait(0)`", wait_for_nothing, SINGLES);
    hard_row("`settings_check`, 2 connections", check_small, SINGLES);
    hard_row("`settings_apply`, 2 connections", apply_small, SINGLES);
    hard_row("`connection_find`", find_it, SINGLES);
    hard_row("`connection_info`", ask_about_it, SINGLES);
    hard_row("`last_error`", read_last_error, SINGLES);
    hard_row("none, once more", no_call, SINGLES);
    if (send_it() != SOCKETIO_E_QUEUE_FULL) {
        fprintf(stderr, "the queue is not full\n");
        exit(1);
    }
    restless = 0;
    pthread_join(thread, NULL);
    must(socketio_plugin_disable(5000), "disable");
    kill(peer, SIGKILL);
    waitpid(peer, NULL, 0);
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
    int i, silent;

    memset(large, 'x', sizeof large);
    clock_cost = 1e18;
    for (i = 0; i < 1000; i++) {
        double begin = now_ns(), cost = now_ns() - begin;
        clock_cost = cost < clock_cost ? cost : clock_cost;
    }
    printf("| call | in a burst | median | 99 %% | 99.9 %% | worst |\n| --- | --- | --- | --- | --- | --- |\n");
    measure_life_cycle();

    listen_here(&silent);
    must(socketio_plugin_enable(NULL), "enable");
    sprintf(settings,
            "{\"connections\":[{\"name\":\"quiet\",\"url\":\"127.0.0.1\",\"queue_messages\":1000000,"
            "\"queue_bytes\":1000000000},{\"name\":\"busy\",\"url\":\"127.0.0.1:%d\"}]}",
            silent);
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
    measure_worst_case();
    return 0;
}
