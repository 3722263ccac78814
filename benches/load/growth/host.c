/* The host: its links, the events it gets, each checked, and its questions for the load server. */
#include "growth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An event that does not come for so long is lost. */
#define PATIENCE_MS 20000
/* Digits of the number that an event begins with; fewer if it is shorter. */
#define DIGITS 10
/* More than are sent in any row: the server counts what is missing of these. */
#define AT_MOST 100000000

struct link *links;
size_t link_count;
bool gap_allowed;
uint64_t gap, received, started, subscribed, unsubscribed, floods_done, overflows, dropped;
/* A Send was refused: an On Error about that may come. */
static bool refused;
double poll_ns, longest_poll_ns;

/* What follows the digits in every event, and the event that is sent next. */
static char *content, *outgoing;
static size_t content_size;

/* ---- links ---- */

/* The link of a handle, by a table with open places: a loop over 1,000 links would be measured, too. */
static uint32_t *places;
static size_t place_mask;

static size_t place_of(socketio_connection_t handle)
{
    return (size_t)((handle * 0x9e3779b97f4a7c15ull) >> 32) & place_mask;
}

static struct link *link_of(socketio_connection_t handle)
{
    size_t at;
    for (at = place_of(handle); places[at]; at = (at + 1) & place_mask)
        if (links[places[at] - 1].handle == handle)
            return &links[places[at] - 1];
    fail("an event of a connection that there is not");
    return NULL;
}

static void index_links(void)
{
    size_t i;
    for (place_mask = 1; place_mask < 4 * link_count; place_mask *= 2)
        ;
    free(places);
    places = calloc(place_mask, sizeof *places);
    place_mask--;
    for (i = 0; i < link_count; i++) {
        size_t at = place_of(links[i].handle);
        while (places[at])
            at = (at + 1) & place_mask;
        places[at] = (uint32_t)i + 1;
    }
}

/* ---- calls ---- */

static void must(socketio_status_t status, const char *what)
{
    char text[1000];
    if (status >= 0)
        return;
    socketio_last_error(text, sizeof text);
    fail("%s: %s: %s", what, socketio_status_name(status), text);
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

static socketio_status_t execute(uint32_t node_type, size_t link, const socketio_value_t *attributes,
                                 uint32_t attribute_count, const socketio_value_t *inputs, uint32_t input_count)
{
    socketio_node_call_t call;
    memset(&call, 0, sizeof call);
    call.struct_size = sizeof call;
    call.node_type = node_type;
    call.connection = links[link].handle;
    call.attributes = attributes;
    call.attribute_count = attribute_count;
    call.inputs = inputs;
    call.input_count = input_count;
    return socketio_node_execute(&call, NULL);
}

/* Polls until the queue has room again. */
static void make_room(void)
{
    if (poll_once(0, NULL) == 0)
        pause_ms(1);
}

static void ask(size_t link, const char *event, const char *arguments)
{
    socketio_value_t attributes[2], inputs[4];
    socketio_status_t status;
    memset(attributes, 0, sizeof attributes);
    memset(inputs, 0, sizeof inputs);
    attributes[1] = string("Arguments", 9);
    inputs[1] = string(event, strlen(event));
    inputs[3] = string(arguments, strlen(arguments));
    while ((status = execute(SOCKETIO_NODE_SEND, link, attributes, 2, inputs, 4)) == SOCKETIO_E_QUEUE_FULL)
        make_room();
    must(status, event);
}

static void subscription(uint32_t node_type, size_t link, const char *name)
{
    socketio_value_t inputs[2];
    socketio_status_t status;
    memset(inputs, 0, sizeof inputs);
    inputs[1] = string(name, strlen(name));
    while ((status = execute(node_type, link, NULL, 0, inputs, 2)) == SOCKETIO_E_QUEUE_FULL)
        make_room();
    must(status, name);
}

void subscribe(size_t link, const char *name)
{
    subscription(SOCKETIO_NODE_SUBSCRIBE, link, name);
}

void unsubscribe(size_t link, const char *name)
{
    subscription(SOCKETIO_NODE_UNSUBSCRIBE, link, name);
}

void host_begin(void)
{
    must(socketio_plugin_enable(NULL), "enable");
}

void host_end(void)
{
    must(socketio_plugin_disable(5000), "disable");
}

void host_configure(size_t count, const char *fields)
{
    const size_t room = 200 + strlen(fields);
    char *settings = malloc(40 + count * room), *end = settings, name[20];
    size_t i, before = link_count;
    end += sprintf(end, "{\"connections\":[");
    for (i = 0; i < count; i++)
        end += sprintf(end,
                       "%s{\"name\":\"c%zu\",\"url\":\"http://127.0.0.1:%d\",\"transport\":\"WebSocket Only\","
                       "\"proxy\":\"None\",\"reconnect\":false%s}",
                       i ? "," : "", i, server_port, fields);
    end += sprintf(end, "]}");
    must(socketio_settings_apply(settings, (size_t)(end - settings)), "settings");
    free(settings);
    links = realloc(links, count * sizeof *links);
    link_count = count;
    for (i = before; i < count; i++) {
        memset(&links[i], 0, sizeof links[i]);
        links[i].step = 1;
        must(socketio_connection_find(name, (size_t)sprintf(name, "c%zu", i), &links[i].handle), "find");
    }
    index_links();
}

void host_start(size_t first, uint64_t others)
{
    static const char *const answers[] = {"all", "wrong", "done", "tick"};
    const uint64_t listened = subscribed + others;
    size_t i, j;
    for (i = first; i < link_count; i++) {
        for (j = 0; j < sizeof answers / sizeof *answers; j++)
            subscribe(i, answers[j]);
        must(execute(SOCKETIO_NODE_START, i, NULL, 0, NULL, 0), "start");
    }
    poll_until(&started, link_count, "connections stand");
    poll_until(&subscribed, listened + (link_count - first) * (sizeof answers / sizeof *answers), "subscriptions");
}

void host_stop(size_t link)
{
    must(execute(SOCKETIO_NODE_STOP, link, NULL, 0, NULL, 0), "stop");
    poll_until(&started, started - 1, "connections stand");
}

socketio_connection_info_t link_info(size_t link)
{
    socketio_connection_info_t info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    must(socketio_connection_info(links[link].handle, &info), "info");
    return info;
}

/* ---- events ---- */

static bool is(socketio_string_t text, const char *other)
{
    return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

static void need_content(size_t size)
{
    size_t i;
    if (size <= content_size)
        return;
    content = realloc(content, size);
    outgoing = realloc(outgoing, size);
    for (i = 0; i < size; i++)
        content[i] = outgoing[i] = (char)('a' + i % 26);
    content_size = size;
}

static size_t digits_of(size_t size)
{
    return size < DIGITS ? size : DIGITS;
}

static void write_number(char *text, size_t digits, uint64_t number)
{
    for (; digits > 0; number /= 10)
        text[--digits] = (char)('0' + number % 10);
}

static void take_name(const struct link *link, socketio_string_t name)
{
    char expected[24] = "tick";
    if (link->letter)
        sprintf(expected, "%c%llu", link->letter, (unsigned long long)(link->next % link->names));
    if (!is(name, expected))
        fail("event %llu came as \"%.*s\", not as \"%s\"", (unsigned long long)link->next, (int)name.len, name.ptr,
             expected);
}

/* The number is the due one, and each byte is as it was sent. */
static void take_numbered(struct link *link, socketio_string_t name, socketio_string_t text)
{
    const size_t digits = digits_of(link->size);
    char number[DIGITS];
    if (text.len != link->size)
        fail("event %llu has %zu bytes, not %zu", (unsigned long long)link->next, text.len, link->size);
    write_number(number, digits, link->next);
    if (memcmp(number, text.ptr, digits) != 0) {
        uint64_t came = 0;
        size_t i;
        for (i = 0; i < digits; i++)
            came = came * 10 + (uint64_t)(text.ptr[i] - '0');
        if (!gap_allowed || gap || came <= link->next)
            fail("event %llu came where %llu was due", (unsigned long long)came, (unsigned long long)link->next);
        gap = came - link->next;
        link->next = came;
    }
    take_name(link, name);
    if (memcmp(text.ptr + digits, content + digits, text.len - digits) != 0)
        fail("event %llu is not what was sent", (unsigned long long)link->next);
    link->next += link->step;
    received++;
}

static void take_answer(struct link *link, socketio_string_t answer)
{
    char expected[200];
    sprintf(expected, "{\"right\":%llu,\"missing\":%llu,\"twice\":0,\"out_of_order\":0,\"wrong\":0}",
            (unsigned long long)link->sent, (unsigned long long)(AT_MOST - link->sent));
    if (!is(answer, expected))
        fail("the server got %.*s of %llu events", (int)answer.len, answer.ptr, (unsigned long long)link->sent);
    link->confirmed = true;
}

static void take(const socketio_event_t *event)
{
    struct link *link = link_of(event->connection);
    const socketio_value_t *out = event->outputs;
    switch (event->node_type) {
    case SOCKETIO_NODE_ON_RECEIVE:
        if (is(out[2].as.string, "done")) {
            link->floods_done++;
            floods_done++;
        } else if (is(out[2].as.string, "all")) {
            take_answer(link, out[3].as.string);
        } else if (is(out[2].as.string, "wrong")) {
            fail("the server says: %s", out[3].as.string.ptr);
        } else {
            take_numbered(link, out[2].as.string, out[3].as.string);
        }
        break;
    case SOCKETIO_NODE_ON_START:
        link->started = true;
        started++;
        break;
    case SOCKETIO_NODE_ON_STOP:
        if (!is(out[1].as.string, "io client disconnect"))
            fail("a connection ended: %s", out[1].as.string.ptr);
        link->started = false;
        started--;
        break;
    case SOCKETIO_NODE_ON_SUBSCRIBE:
        link->subscribed++;
        subscribed++;
        break;
    case SOCKETIO_NODE_ON_UNSUBSCRIBE:
        link->unsubscribed++;
        unsubscribed++;
        break;
    case SOCKETIO_NODE_ON_ERROR:
        if (gap_allowed && is(out[3].as.string, "inbound_overflow"))
            overflows++;
        else if (!refused || !is(out[3].as.string, "queue_full"))
            fail("On Socket.IO Error: %s: %s", out[3].as.string.ptr, out[2].as.string.ptr);
        break;
    default:
        fail("an event of node %u", event->node_type);
    }
}

uint32_t poll_once(uint32_t max, bool *more)
{
    socketio_event_batch_t batch;
    socketio_status_t status;
    double begin, took;
    uint32_t i;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    begin = now_ns();
    status = socketio_event_poll(max, &batch);
    took = now_ns() - begin;
    poll_ns += took;
    longest_poll_ns = took > longest_poll_ns ? took : longest_poll_ns;
    must(status, "poll");
    for (i = 0; i < batch.count; i++)
        take(batch.events[i]);
    if (batch.dropped && !gap_allowed)
        fail("%llu events were dropped", (unsigned long long)batch.dropped);
    dropped = batch.dropped;
    if (more)
        *more = status == SOCKETIO_MORE;
    return batch.count;
}

void poll_until(const uint64_t *number, uint64_t reached, const char *what)
{
    double last = now_ns();
    const uint64_t before = *number;
    while (reached > before ? *number < reached : *number > reached) {
        if (poll_once(0, NULL) > 0) {
            last = now_ns();
            continue;
        }
        if (now_ns() - last > PATIENCE_MS * 1e6)
            fail("%s: %llu of %llu, and nothing comes any more", what, (unsigned long long)*number,
                 (unsigned long long)reached);
        must(socketio_event_wait(100), "wait");
    }
    if (*number != reached)
        fail("%s: %llu in place of %llu", what, (unsigned long long)*number, (unsigned long long)reached);
}

/* ---- questions ---- */

void ask_flood(size_t link, struct flood flood)
{
    char arguments[120];
    need_content(flood.size);
    links[link].next = 0;
    links[link].size = flood.size;
    links[link].letter = flood.letter;
    links[link].names = flood.names;
    if (!flood.letter && !flood.per_second && flood.size >= DIGITS) {
        /* The fastest that it has. */
        sprintf(arguments, "[%llu,%zu]", (unsigned long long)flood.count, flood.size);
        ask(link, "receive", arguments);
        return;
    }
    sprintf(arguments, "[%llu,%zu,%llu,%d,%llu]", (unsigned long long)flood.count, flood.size,
            (unsigned long long)flood.per_second, flood.letter, (unsigned long long)flood.names);
    ask(link, "varied", arguments);
}

void ask_deaf(size_t link)
{
    ask(link, "deaf", "[]");
}

void ask_hear(size_t link)
{
    ask(link, "hear", "[]");
}

void ask_check(size_t link, size_t size)
{
    char arguments[60];
    need_content(size);
    links[link].size = size;
    links[link].sent = 0;
    links[link].confirmed = false;
    sprintf(arguments, "[%d,%zu]", AT_MOST, size);
    ask(link, "send", arguments);
}

bool send_tick(size_t link)
{
    socketio_value_t inputs[4];
    socketio_status_t status;
    memset(inputs, 0, sizeof inputs);
    write_number(outgoing, digits_of(links[link].size), links[link].sent);
    inputs[1] = string("tick", 4);
    inputs[3] = string(outgoing, links[link].size);
    status = execute(SOCKETIO_NODE_SEND, link, NULL, 0, inputs, 4);
    if (status == SOCKETIO_E_QUEUE_FULL) {
        refused = true;
        return false;
    }
    must(status, "send");
    links[link].sent++;
    return true;
}

void send_tick_patiently(size_t link)
{
    const double begin = now_ns();
    while (!send_tick(link)) {
        poll_once(0, NULL);
        if (now_ns() - begin > PATIENCE_MS * 1e6)
            fail("the queue stays full");
    }
}

void ask_confirm(size_t link)
{
    ask(link, "end", "[]");
}

void confirm(size_t link)
{
    const double begin = now_ns();
    while (!links[link].confirmed) {
        if (poll_once(0, NULL) == 0)
            must(socketio_event_wait(100), "wait");
        if (now_ns() - begin > PATIENCE_MS * 1e6)
            fail("the server does not say that it got all");
    }
}
