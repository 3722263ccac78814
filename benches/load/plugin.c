/*
 * The driver of the plugin: a host in C that knows include/socketio_plugin.h and nothing else of the library.
 *
 *     plugin WORK PORT COUNT SIZE
 *
 * README.md says what the works are. BENCH_HOST says how the host gets its events: `wait` polls, and waits when a poll
 * gives nothing; `poll` never waits; `wake` waits with poll(2) on the wake handle, beside whatever else it had.
 */
#define _GNU_SOURCE
#include "socketio_plugin.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Nothing comes for so long: something was lost. */
#define STALL_MS 5000
/* How long nothing is done before memory is looked at. */
#define QUIET_SECONDS 2
#define TEXT_DIGITS 10
#define ATTACHMENT_DIGITS 8
#define CONNECTIONS_MAX 10000

/* Outputs of On Socket.IO Receive. */
enum { TRIGGER_NAME = 2, MESSAGE = 3, ATTACHMENTS = 5 };

static enum { HOST_WAITS, HOST_POLLS, HOST_WAKES } host;
static int wake_fd = -1;
static socketio_connection_t connections[CONNECTIONS_MAX];
/* What the server said at the end of Send. */
static char answer[256];
static uint64_t started, stopped, subscribed, received;
static int is_done, may_stop;
/* What an event of the work is given to. */
static void (*on_event)(const socketio_event_t *event);

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "plugin: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

static void must(socketio_status_t status, const char *what)
{
    char text[1024];
    if (status >= 0)
        return;
    socketio_last_error(text, sizeof text);
    fail("%s: %s: %s", what, socketio_status_name(status), text);
}

/* ---- What is measured ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* A line of /proc/self/status. getrusage's peak may be that of the program that started this one. */
static long status_of_process(const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && value < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = strtol(line + strlen(name) + 1, NULL, 10);
    }
    if (value < 0)
        fail("/proc/self/status has no %s", name);
    fclose(file);
    return value;
}

static double began, cpu_began;

static void begin(void)
{
    cpu_began = cpu_seconds();
    began = now();
}

/* The first part of the line of JSON; the work adds its own fields and ends it. */
static void end(uint64_t events)
{
    double seconds = now() - began;
    double cpu = cpu_seconds() - cpu_began;
    printf("{\"events\":%" PRIu64 ",\"seconds\":%.9f,\"cpu_seconds\":%.6f,\"peak_rss_kib\":%ld", events, seconds, cpu,
           status_of_process("VmHWM"));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double part(const double *sorted, uint64_t count, double share)
{
    uint64_t at = (uint64_t)((double)count * share);
    return sorted[at < count ? at : count - 1];
}

/* ---- Numbered content ---- */

static char *content;
static size_t content_len, content_digits;

static void make_content(size_t size, size_t digits, int with_1e, int is_text)
{
    size_t i;
    content_len = size < digits ? digits : size;
    content_digits = digits;
    content = malloc(content_len + 1);
    memset(content, '0', digits);
    for (i = digits; i < content_len; i++) {
        if (is_text)
            content[i] = (char)('a' + i % 26);
        else
            content[i] = (char)(i % 256 == 0x1e && !with_1e ? 0x1f : i % 256);
    }
}

/* The content of the next event: one number more. */
static void count_up(void)
{
    size_t i = content_digits;
    while (i > 0 && content[i - 1] == '9')
        content[--i] = '0';
    if (i > 0)
        content[i - 1]++;
}

/* The number in what came, or what is there in its place. */
static long number_in(const char *bytes, size_t len)
{
    char digits[TEXT_DIGITS + 1] = {0};
    memcpy(digits, bytes, len < content_digits ? len : content_digits);
    return strtol(digits, NULL, 10);
}

/* Compares what came with what is due: number, length and every byte. */
static void check(const char *bytes, size_t len)
{
    size_t at = 0;
    if (len == content_len && memcmp(bytes, content, len) == 0)
        return;
    if (len != content_len)
        fail("event %" PRIu64 ": %zu bytes in place of %zu", received, len, content_len);
    if (memcmp(bytes, content, content_digits) != 0)
        fail("event %ld came in place of %" PRIu64, number_in(bytes, len), received);
    while (bytes[at] == content[at])
        at++;
    fail("event %" PRIu64 ": byte %zu is another one", received, at);
}

/* ---- The host ---- */

static socketio_value_t string(const char *text, size_t len)
{
    socketio_value_t value;
    memset(&value, 0, sizeof value);
    value.type = SOCKETIO_TYPE_STRING;
    value.as.string.ptr = text;
    value.as.string.len = len;
    return value;
}

static socketio_status_t execute(uint32_t node_type, socketio_connection_t connection,
                                 const socketio_value_t *attributes, uint32_t attribute_count,
                                 const socketio_value_t *inputs, uint32_t input_count)
{
    socketio_node_call_t call;
    memset(&call, 0, sizeof call);
    call.struct_size = sizeof call;
    call.node_type = node_type;
    call.connection = connection;
    call.attributes = attributes;
    call.attribute_count = attribute_count;
    call.inputs = inputs;
    call.input_count = input_count;
    return socketio_node_execute(&call, NULL);
}

static void take(const socketio_event_t *event)
{
    const socketio_value_t *outputs = event->outputs;
    const char *name;
    switch (event->node_type) {
    case SOCKETIO_NODE_ON_RECEIVE:
        name = outputs[TRIGGER_NAME].as.string.ptr;
        if (strcmp(name, "done") == 0)
            is_done = 1;
        else if (strcmp(name, "all") == 0)
            snprintf(answer, sizeof answer, "%s", outputs[MESSAGE].as.string.ptr);
        else if (strcmp(name, "wrong") == 0 || on_event == NULL || is_done)
            fail("%s: %.200s", name, outputs[MESSAGE].as.string.ptr);
        else
            on_event(event);
        break;
    case SOCKETIO_NODE_ON_START:
        started++;
        break;
    case SOCKETIO_NODE_ON_SUBSCRIBE:
        subscribed++;
        break;
    case SOCKETIO_NODE_ON_STOP:
        stopped++;
        if (!may_stop)
            fail("the connection was lost: %s", outputs[1].as.string.ptr);
        break;
    case SOCKETIO_NODE_ON_ERROR:
        /* Send said so itself, and was tried again. */
        if (strcmp(outputs[3].as.string.ptr, "queue_full") == 0)
            break;
        fail("%s: %s", outputs[3].as.string.ptr, outputs[2].as.string.ptr);
        break;
    default:
        fail("an event of node type %" PRIu32, event->node_type);
    }
}

/* Hands out what is there; says how much that was. */
static uint32_t take_events(void)
{
    socketio_event_batch_t batch;
    uint32_t i;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    must(socketio_event_poll(0, &batch), "poll");
    for (i = 0; i < batch.count; i++)
        take(batch.events[i]);
    if (batch.dropped > 0)
        fail("%" PRIu64 " events were dropped, for the host polled too late", batch.dropped);
    return batch.count;
}

/* One turn of the host's loop: hands out what is there, or waits for it as the host does. */
static void turn(void)
{
    static double last;
    static unsigned empty;
    if (take_events() > 0) {
        empty = 0;
        return;
    }
    if (host == HOST_WAITS) {
        socketio_status_t status = socketio_event_wait(STALL_MS);
        must(status, "wait");
        if (status == SOCKETIO_TIMED_OUT)
            fail("nothing comes any more, after %" PRIu64 " events", received);
    } else if (host == HOST_WAKES) {
        struct pollfd handle = {.fd = wake_fd, .events = POLLIN};
        if (poll(&handle, 1, STALL_MS) == 0)
            fail("nothing comes any more, after %" PRIu64 " events", received);
    } else if (empty++ % 100000 == 0) {
        if (empty == 1)
            last = now();
        else if (now() - last > STALL_MS / 1e3)
            fail("nothing comes any more, after %" PRIu64 " events", received);
    }
}

/* Settings of as many connections as are wanted by now. One that was there stays as it is. */
static void apply_settings(const char *port, uint64_t count)
{
    char *text = malloc(256 * count + 64), name[32];
    size_t len = (size_t)sprintf(text, "{\"connections\":[");
    uint64_t i;
    for (i = 0; i < count; i++)
        /* No message may be dropped here, however late this host is put on a processor. */
        len += (size_t)sprintf(text + len,
                               "%s{\"name\":\"c%" PRIu64 "\",\"url\":\"http://127.0.0.1:%s\","
                               "\"transport\":\"WebSocket Only\",\"inbound_messages\":10000000,"
                               "\"inbound_bytes\":4294967296}",
                               i > 0 ? "," : "", i, port);
    len += (size_t)sprintf(text + len, "]}");
    must(socketio_settings_apply(text, len), "settings");
    for (i = 0; i < count; i++) {
        int name_len = sprintf(name, "c%" PRIu64, i);
        must(socketio_connection_find(name, (size_t)name_len, &connections[i]), "find");
    }
    free(text);
}

static void enable(void)
{
    socketio_wake_handle_t handle;
    must(socketio_plugin_enable(NULL), "enable");
    if (host != HOST_WAKES)
        return;
    memset(&handle, 0, sizeof handle);
    handle.struct_size = sizeof handle;
    must(socketio_event_wake_handle(&handle), "wake handle");
    if (handle.kind != SOCKETIO_WAKE_FD)
        fail("the wake handle is no file descriptor");
    wake_fd = (int)handle.value;
}

static void start(uint64_t first, uint64_t count)
{
    uint64_t until = started + count, i;
    for (i = first; i < first + count; i++)
        must(execute(SOCKETIO_NODE_START, connections[i], NULL, 0, NULL, 0), "start");
    while (started < until)
        turn();
}

/* Connected, and listening to these events, a NULL behind the last. */
static void connect_and_listen(const char *port, const char *const *events)
{
    uint64_t count = 0;
    enable();
    apply_settings(port, 1);
    for (; events[count] != NULL; count++) {
        socketio_value_t inputs[2];
        memset(inputs, 0, sizeof inputs);
        inputs[1] = string(events[count], strlen(events[count]));
        must(execute(SOCKETIO_NODE_SUBSCRIBE, connections[0], NULL, 0, inputs, 2), "subscribe");
    }
    start(0, 1);
    while (subscribed < count)
        turn();
}

static socketio_status_t send_as(const char *format, const char *name, const char *message, size_t len)
{
    socketio_value_t attributes[2], inputs[4];
    memset(attributes, 0, sizeof attributes);
    memset(inputs, 0, sizeof inputs);
    attributes[1] = string(format, strlen(format));
    inputs[1] = string(name, strlen(name));
    inputs[3] = string(message, len);
    return execute(SOCKETIO_NODE_SEND, connections[0], attributes, 2, inputs, 4);
}

static void emit(const char *name)
{
    must(send_as("Text", name, content, content_len), "send");
}

/* The same. As long as the plugin's queue is full, the host gives it time, and takes what comes. */
static void emit_patiently(const char *format, const char *name, const char *message, size_t len)
{
    static const struct timespec pause = {0, 100000};
    socketio_status_t status;
    double since = 0;
    while ((status = send_as(format, name, message, len)) == SOCKETIO_E_QUEUE_FULL) {
        since = since > 0 ? since : now();
        if (now() - since > STALL_MS / 1e3)
            fail("nothing is sent any more");
        nanosleep(&pause, NULL);
        take_events();
    }
    must(status, "send");
}

/* An event with a count and a size: what the server is asked for. */
static void ask_for(const char *work, uint64_t count, size_t size)
{
    char arguments[64];
    int len = sprintf(arguments, "[%" PRIu64 ",%zu]", count, size);
    must(send_as("Arguments", work, arguments, (size_t)len), "send");
}

/* ---- The works ---- */

static uint64_t wanted;

static void on_tick(const socketio_event_t *event)
{
    const socketio_value_t *outputs = event->outputs;
    if (strcmp(outputs[TRIGGER_NAME].as.string.ptr, "tick") != 0)
        fail("an event %s", outputs[TRIGGER_NAME].as.string.ptr);
    if (received == wanted)
        fail("an event more than the %" PRIu64 " that were asked for", wanted);
    check(outputs[MESSAGE].as.string.ptr, outputs[MESSAGE].as.string.len);
    received++;
    count_up();
}

static void on_bin(const socketio_event_t *event)
{
    const socketio_bytes_list_t attachments = event->outputs[ATTACHMENTS].as.bytes_list;
    if (received == wanted)
        fail("an event more than the %" PRIu64 " that were asked for", wanted);
    if (attachments.len != 1)
        fail("event %" PRIu64 " has %zu attachments", received, attachments.len);
    check((const char *)attachments.ptr[0].ptr, attachments.ptr[0].len);
    received++;
    count_up();
}

static void receive(const char *work, const char *port, uint64_t count, size_t size)
{
    static const char *const ticks[] = {"tick", "done", "wrong", NULL}, *const bins[] = {"bin", "done", "wrong", NULL};
    int is_binary = strncmp(work, "binary", 6) == 0;
    make_content(size, is_binary ? ATTACHMENT_DIGITS : TEXT_DIGITS, strcmp(work, "binary") == 0, !is_binary);
    connect_and_listen(port, is_binary ? bins : ticks);
    on_event = is_binary ? on_bin : on_tick;
    wanted = count;
    begin();
    ask_for(work, count, size);
    while (received < count && !is_done)
        turn();
    if (received < count)
        fail("only %" PRIu64 " of %" PRIu64 " events came", received, count);
    end(received);
    while (!is_done)
        turn();
    printf("}\n");
}

static void send_all(const char *port, uint64_t count, size_t size)
{
    static const char *const events[] = {"all", "wrong", NULL};
    char right[256];
    double returned;
    uint64_t i;
    make_content(size, TEXT_DIGITS, 0, 1);
    connect_and_listen(port, events);
    ask_for("send", count, size);
    begin();
    for (i = 0; i < count; i++) {
        emit_patiently("Text", "tick", content, content_len);
        count_up();
    }
    returned = now() - began;
    emit_patiently("Arguments", "end", "[]", 2);
    while (answer[0] == 0)
        turn();
    sprintf(right, "{\"right\":%" PRIu64 ",\"missing\":0,\"twice\":0,\"out_of_order\":0,\"wrong\":0}", count);
    if (strcmp(answer, right) != 0)
        fail("the server got %s", answer);
    end(count);
    printf(",\"returned_seconds\":%.9f}\n", returned);
}

/* Round trips: each is asked for from inside the handler of the one before. */
static double *trips, trip_began;
static int is_pair;

static void next_trip(void)
{
    trip_began = now();
    if (is_pair)
        emit("first");
    emit(is_pair ? "second" : "echo");
}

static void on_echo(const socketio_event_t *event)
{
    double came = now();
    if (received == wanted)
        fail("an echo more than the %" PRIu64 " that were asked for", wanted);
    trips[received] = (came - trip_began) * 1e6;
    check(event->outputs[MESSAGE].as.string.ptr, event->outputs[MESSAGE].as.string.len);
    count_up();
    if (++received < wanted)
        next_trip();
}

static void trip(const char *work, const char *port, uint64_t count, size_t size)
{
    static const char *const events[] = {"echo", "second", "wrong", NULL};
    double sum = 0;
    uint64_t i;
    make_content(size, TEXT_DIGITS, 0, 1);
    connect_and_listen(port, events);
    is_pair = strcmp(work, "pair") == 0;
    trips = malloc(count * sizeof *trips);
    on_event = on_echo;
    wanted = count;
    begin();
    next_trip();
    while (received < count)
        turn();
    end(received);
    for (i = 0; i < count; i++)
        sum += trips[i];
    qsort(trips, count, sizeof *trips, by_value);
    printf(",\"p50_us\":%.3f,\"p99_us\":%.3f,\"max_us\":%.3f,\"mean_us\":%.3f}\n", part(trips, count, 0.5),
           part(trips, count, 0.99), trips[count - 1], sum / (double)count);
}

static void connect_often(const char *port, uint64_t count)
{
    double *times = malloc(count * sizeof *times), first;
    uint64_t i;
    enable();
    apply_settings(port, 1);
    begin();
    for (i = 0; i < count; i++) {
        double start_at = now();
        start(0, 1);
        times[i] = (now() - start_at) * 1e6;
        may_stop = 1;
        must(execute(SOCKETIO_NODE_STOP, connections[0], NULL, 0, NULL, 0), "stop");
        while (stopped <= i)
            turn();
        may_stop = 0;
    }
    end(count);
    first = times[0];
    qsort(times, count, sizeof *times, by_value);
    printf(",\"first_us\":%.3f,\"median_us\":%.3f,\"max_us\":%.3f}\n", first, part(times, count, 0.5),
           times[count - 1]);
}

static void rest(void)
{
    struct timespec quiet = {QUIET_SECONDS, 0};
    nanosleep(&quiet, NULL);
}

static void idle(const char *port, uint64_t count)
{
    struct rlimit files;
    long rss_0, rss_1, anon_1, threads_1;
    double cpu;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    begin();
    enable();
    rest();
    rss_0 = status_of_process("VmRSS");
    apply_settings(port, 1);
    start(0, 1);
    rest();
    rss_1 = status_of_process("VmRSS");
    anon_1 = status_of_process("RssAnon");
    threads_1 = status_of_process("Threads");
    apply_settings(port, count);
    start(1, count - 1);
    rest();
    end(count);
    printf(",\"rss_kib_0\":%ld,\"rss_kib_1\":%ld,\"rss_kib_n\":%ld,\"anon_kib_1\":%ld,\"anon_kib_n\":%ld,"
           "\"threads_1\":%ld,\"threads_n\":%ld",
           rss_0, rss_1, status_of_process("VmRSS"), anon_1, status_of_process("RssAnon"), threads_1,
           status_of_process("Threads"));
    cpu = cpu_seconds();
    rest();
    printf(",\"idle_cpu_us_per_s\":%.3f}\n", (cpu_seconds() - cpu) * 1e6 / QUIET_SECONDS);
}

int main(int argc, char **argv)
{
    const char *kind = getenv("BENCH_HOST");
    const char *work = argc == 5 ? argv[1] : "", *port = argc == 5 ? argv[2] : "";
    uint64_t count = argc == 5 ? strtoull(argv[3], NULL, 10) : 0;
    size_t size = argc == 5 ? (size_t)strtoull(argv[4], NULL, 10) : 0;

    if (kind == NULL || strcmp(kind, "wait") == 0)
        host = HOST_WAITS;
    else if (strcmp(kind, "poll") == 0)
        host = HOST_POLLS;
    else if (strcmp(kind, "wake") == 0)
        host = HOST_WAKES;
    else
        fail("BENCH_HOST is %s, not wait, poll or wake", kind);
    if (count == 0 || count > 100000000 || (strcmp(work, "idle") == 0 && count > CONNECTIONS_MAX))
        fail("usage: plugin WORK PORT COUNT SIZE");
    if (strcmp(work, "receive") == 0 || strcmp(work, "large") == 0 || strncmp(work, "binary", 6) == 0)
        receive(work, port, count, size);
    else if (strcmp(work, "send") == 0)
        send_all(port, count, size);
    else if (strcmp(work, "trip") == 0 || strcmp(work, "pair") == 0)
        trip(work, port, count, size);
    else if (strcmp(work, "connect") == 0)
        connect_often(port, count);
    else if (strcmp(work, "idle") == 0)
        idle(port, count);
    else
        fail("no such work: %s", work);
    may_stop = 1;
    must(socketio_plugin_disable(5000), "disable");
    return 0;
}
