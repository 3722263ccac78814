/* The host: sends, polls at irregular rates, changes its mind, and holds each event to the rules. */

#include "soak.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define DISABLE_MS 1000
#define DISABLE_LIMIT_MS 1200
#define CALM_LIMIT_MS 30000
#define VOLLEY 100

client_t clients[CLIENT_COUNT];
uint32_t most_numbers;
int host_over;
host_figures_t host_figures;

static dice_t dice;
static uint8_t filler[65536 + 256];
static uint64_t last_sequence;
/* A connection to nobody, which comes and goes with the settings. */
static socketio_connection_t spare;
static uint32_t spare_started;
static uint32_t spare_ended;
static int spare_port;
static int header_version;

/* ---- Errors ---- */

/* What is told when servers die and networks break. Anything else would be a fault of ours. */
static const char *const explained[] = {
    "connection_lost", "ping_timeout", "tcp_refused", "localhost_refused", "connect_timeout", "not_sent", "reply_stale",
    "server_disconnect", "eio_1", "proxy_unreachable", "proxy_refused", "proxy_invalid", "tls_failed", "not_websocket",
};
static struct {
    char code[32];
    uint32_t count;
} errors[64];

static void take_error(const client_t *client, const socketio_event_t *event)
{
    const char *code = event->outputs[ERROR_CODE].as.string.ptr;
    int is_explained = 0;
    for (size_t i = 0; i < COUNT(explained); i++) {
        is_explained = is_explained || strcmp(explained[i], code) == 0;
    }
    if (!is_explained) {
        broken(ERRORS, "%s: %s: %s", client != NULL ? client->name : "spare", code,
               event->outputs[ERROR_MESSAGE].as.string.ptr);
    }
    for (size_t i = 0; i < COUNT(errors); i++) {
        if (errors[i].count == 0) {
            snprintf(errors[i].code, sizeof errors[i].code, "%s", code);
        }
        if (strcmp(errors[i].code, code) == 0) {
            errors[i].count++;
            return;
        }
    }
}

const char *host_errors(void)
{
    static text_t text;
    text_format(&text, "%s", "");
    for (size_t i = 0; i < COUNT(errors) && errors[i].count > 0; i++) {
        text_format(&text, "%s%s %u", i > 0 ? ", " : "", errors[i].code, errors[i].count);
    }
    return text.ptr;
}

/* ---- To the server ---- */

static void send_number(client_t *client, int stream, double reply_timeout)
{
    static const char *const events[] = {"ask", "tell", "pose"};
    uint32_t number = client->next[stream];
    if (number >= most_numbers) {
        return;
    }
    size_t len = roll(&dice, 20) == 0 ? roll(&dice, 60000) : roll(&dice, 2000);
    socketio_bytes_t attachment = {.ptr = filler + (number & 0xff), .len = len};
    int has_attachment = stream != POSE && roll(&dice, 5) == 0;
    char message[64];
    snprintf(message, sizeof message, has_attachment ? "[%u,{\"_placeholder\":true,\"num\":0}]" : "[%u]", number);
    if (stream == ASK) {
        client->asks[number] = ASK_OPEN;
        client->open_asks++;
    }
    SEND(client->handle, .event = events[stream], .format = "Arguments", .message = message,
         .attachments = &attachment, .attachment_count = (size_t)has_attachment, .reply_timeout = reply_timeout,
         .if_not_connected = stream == POSE ? "Keep Latest" : "Queue",
         .node = (uint64_t)(client - clients) << 32 | number);
    client->next[stream]++;
}

static void take_end_of_ask(const socketio_event_t *event)
{
    client_t *client = &clients[event->node >> 32];
    uint32_t number = (uint32_t)event->node;
    CHECK(event->node >> 32 < CLIENT_COUNT && number < client->next[ASK]);
    if (client->asks[number] != ASK_OPEN) {
        broken(REQUEST_ENDS, "%s: request %u ended again", client->name, number);
        return;
    }
    client->open_asks--;
    if (event->pulse == SEND_TIMEOUT_PULSE) {
        client->asks[number] = ASK_TIMED_OUT;
        client->seen.timed_out++;
        if (client->calm[ASK] > 0 && number >= client->calm[ASK]) {
            broken(CALM, "%s: request %u had no reply (%s)", client->name, number, plugin.status_name(event->status));
        }
        return;
    }
    client->asks[number] = ASK_REPLIED;
    client->seen.replied++;
    char expected[16];
    snprintf(expected, sizeof expected, "%u", number);
    if (event->pulse != SEND_REPLY_PULSE || strcmp(event->outputs[SEND_REPLY].as.string.ptr, expected) != 0) {
        broken(CONTENT, "%s: request %u was answered by %s", client->name, number,
               event->outputs[SEND_REPLY].as.string.ptr);
    }
}

/* ---- From the server ---- */

static void take_number(const client_t *client, const char *what, uint32_t number, uint32_t *next, int may_skip)
{
    if (number < *next) {
        broken(number + 1 == *next ? TWICE : ORDER, "%s: %s %u came after %u", client->name, what, number, *next - 1);
    } else if (number > *next && !may_skip) {
        broken(LOST_IN_SESSION, "%s: %s %u came, %u was next", client->name, what, number, *next);
    }
    if (number >= *next) {
        *next = number + 1;
    }
}

static void take_received(client_t *client, const socketio_event_t *event)
{
    const char *name = event->outputs[RECEIVE_NAME].as.string.ptr;
    const char *arguments = event->outputs[RECEIVE_ARGUMENTS].as.string.ptr;
    socketio_bytes_list_t attachments = event->outputs[RECEIVE_ATTACHMENTS].as.bytes_list;
    char sid[SID_SIZE];
    unsigned number = 0;
    if (sscanf(arguments, "[\"%31[^\"]\",%u", sid, &number) != 2) {
        broken(CONTENT, "%s: %s with %s", client->name, name, arguments);
        return;
    }
    if (strcmp(sid, client->sid) != 0) {
        broken(ORDER, "%s: %s %u of session %s in session \"%s\"", client->name, name, number, sid, client->sid);
        return;
    }
    for (size_t i = 0; i < attachments.len; i++) {
        socketio_bytes_t bytes = attachments.ptr[i];
        client->seen.attachments++;
        if (bytes.len > 65536 || memcmp(bytes.ptr, filler + (number & 0xff), bytes.len) != 0) {
            broken(CONTENT, "%s: the attachment of %s %u is another one", client->name, name, number);
        }
    }
    if (strcmp(name, "news") == 0) {
        take_number(client, name, number, &client->news, 0);
        client->seen.news++;
    } else if (strcmp(name, "question") == 0) {
        take_number(client, name, number, &client->questions, 0);
        client->seen.questions++;
        char answer[16];
        snprintf(answer, sizeof answer, "%u", number);
        if (plugin.plugin_state() == SOCKETIO_PLUGIN_ENABLED) {
            REPLY(client->handle, event->outputs[RECEIVE_REPLY_ID].as.integer, .format = "JSON", .message = answer);
        }
    } else {
        take_number(client, name, number, &client->positions, 1);
        client->seen.positions++;
        if (client->position_poll == host_figures.polls) {
            broken(LATEST, "%s: two positions in one poll", client->name);
        }
        client->position_poll = host_figures.polls;
    }
}

static void take_start(client_t *client, const socketio_event_t *event)
{
    if (client->sid[0] != 0) {
        broken(FINAL_STOP, "%s: On Start without an On Stop between", client->name);
    }
    snprintf(client->sid, sizeof client->sid, "%s", event->outputs[START_SESSION_ID].as.string.ptr);
    client->news = client->questions = client->positions = 0;
    client->seen.sessions++;
    int64_t down = now_ms() - client->down_since;
    client->seen.down_ms += (uint32_t)down;
    if (down > client->seen.longest_down_ms) {
        client->seen.longest_down_ms = (uint32_t)down;
    }
    record_session(client);
}

static void take_stop(client_t *client, const socketio_event_t *event)
{
    client->sid[0] = 0;
    client->waiting_from = client->next[TELL];
    client->down_since = now_ms();
    record_stop(client, !event->outputs[STOP_WILL_RECONNECT].as.boolean);
    if (event->outputs[STOP_WILL_RECONNECT].as.boolean) {
        return;
    }
    client->ended++;
    client->seen.stops++;
    if (client->ended > client->started) {
        broken(FINAL_STOP, "%s: %u sessions were started, %u final On Stops came", client->name, client->started,
               client->ended);
    }
    if (client->ended == client->started && client->running) {
        /* It ended by itself. */
        client->running = 0;
        client->start_again_at = now_ms() + between(&dice, 0, 500);
    }
}

static void take_one(const socketio_event_t *event)
{
    if (event->sequence <= last_sequence) {
        broken(ORDER, "sequence %llu came after %llu", (unsigned long long)event->sequence,
               (unsigned long long)last_sequence);
    }
    last_sequence = event->sequence;
    client_t *client = NULL;
    for (int i = 0; i < CLIENT_COUNT; i++) {
        if (clients[i].handle == event->connection) {
            client = &clients[i];
        }
    }
    if (event->node_type == SOCKETIO_NODE_ON_ERROR) {
        take_error(client, event);
    } else if (client == NULL) {
        spare_ended += event->node_type == SOCKETIO_NODE_ON_STOP && !event->outputs[STOP_WILL_RECONNECT].as.boolean;
    } else if (event->node_type == SOCKETIO_NODE_ON_START) {
        take_start(client, event);
    } else if (event->node_type == SOCKETIO_NODE_ON_STOP) {
        take_stop(client, event);
    } else if (event->node_type == SOCKETIO_NODE_ON_RECEIVE) {
        take_received(client, event);
    } else if (event->node_type == SOCKETIO_NODE_SEND) {
        take_end_of_ask(event);
    }
}

/* Polls once; the status. */
static socketio_status_t take_some(uint32_t max)
{
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    socketio_status_t status = plugin.event_poll(max, &batch);
    if (status < 0) {
        return status;
    }
    host_figures.polls++;
    host_figures.dropped = batch.dropped;
    for (uint32_t i = 0; i < batch.count; i++) {
        take_one(batch.events[i]);
    }
    return status;
}

/* ---- What the host does ---- */

static socketio_status_t pulse(uint32_t node_type, const client_t *client)
{
    socketio_node_call_t call = node_call(node_type, client->handle);
    return plugin.node_execute(&call, NULL);
}

static void start_client(client_t *client)
{
    if (!client->running) {
        client->started++;
        client->running = 1;
        client->down_since = now_ms();
    }
    CHECK_STATUS(pulse(SOCKETIO_NODE_START, client), SOCKETIO_OK);
}

static void stop_client(client_t *client)
{
    client->running = 0;
    client->start_again_at = now_ms() + (roll(&dice, 3) == 0 ? 0 : between(&dice, 1, 800));
    CHECK_STATUS(pulse(SOCKETIO_NODE_STOP, client), SOCKETIO_OK);
}

/* All settings, with waits that differ each time: that changes connections without cutting them. */
static void apply(int with_spare)
{
    for (int i = 0; i < CLIENT_COUNT; i++) {
        char fields[sizeof clients[i].fields + 256];
        char header[64] = "";
        if (strcmp(clients[i].name, "automatic") == 0) {
            snprintf(header, sizeof header, ",\"headers\":{\"x-soak\":\"%d\"}", header_version);
        }
        snprintf(fields, sizeof fields, "%s,\"reconnect_delay_max\":%.2f%s", clients[i].fields,
                 between(&dice, 10, 60) / 100.0, header);
        settings_add_url(clients[i].name, server_url(clients[i].server), fields);
    }
    if (with_spare) {
        char fields[128];
        snprintf(fields, sizeof fields, "\"autostart\":true,\"reconnect_delay\":0.0%d", between(&dice, 1, 9));
        settings_add("spare", spare_port, fields);
    }
    settings_apply();
    host_figures.applied++;
    if (with_spare && spare == 0) {
        spare_started++;
        spare = find("spare");
    } else if (!with_spare) {
        spare = 0;
    }
}

static void keep_quiet(void *context, const socketio_log_record_t *record)
{
    /* Log lines are made and handed over, but not kept: the host's memory must stay flat. */
    CHECK(context == &host_figures && record->message.ptr[record->message.len] == 0);
}

static void activate(void)
{
    const socketio_host_t host = {
        .struct_size = sizeof host,
        .abi_version = SOCKETIO_ABI_VERSION,
        .name = "soak",
        .version = "1",
        .context = &host_figures,
        .log = keep_quiet,
    };
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_OK);
    last_sequence = 0;
    spare = 0;
    apply(0);
    for (int i = 0; i < CLIENT_COUNT; i++) {
        client_t *client = &clients[i];
        client->handle = find(client->name);
        client->waiting_from = client->next[TELL];
        subscribe(client->handle, "news", NULL);
        subscribe(client->handle, "question", NULL);
        subscribe_latest(client->handle, "position", NULL);
        start_client(client);
    }
}

static void deactivate(int other_threads)
{
    int64_t begin = now_ms();
    socketio_status_t status = plugin.plugin_disable(DISABLE_MS);
    int64_t took = now_ms() - begin;
    if (took > host_figures.longest_disable_ms) {
        host_figures.longest_disable_ms = took;
    }
    if (status != SOCKETIO_OK || took > DISABLE_LIMIT_MS) {
        broken(DISABLE, "disable took %lld ms and returned %s", (long long)took, plugin.status_name(status));
    }
    CHECK_STATUS(status, SOCKETIO_OK);
    wait_threads(1 + other_threads);
    while (take_some(roll(&dice, 50)) >= 0) {
    }
    host_figures.disabled++;
    for (int i = 0; i < CLIENT_COUNT; i++) {
        client_t *client = &clients[i];
        client->running = 0;
        if (client->ended != client->started) {
            broken(FINAL_STOP, "%s: %u sessions were started, %u final On Stops came until disable", client->name,
                   client->started, client->ended);
            client->ended = client->started;
        }
        if (client->open_asks > 0) {
            broken(REQUEST_ENDS, "%s: %u requests had no end until disable", client->name, client->open_asks);
            client->open_asks = 0;
            for (uint32_t n = 0; n < client->next[ASK]; n++) {
                client->asks[n] = client->asks[n] == ASK_OPEN ? ASK_UNUSED : client->asks[n];
            }
        }
    }
    if (spare_started != spare_ended) {
        broken(FINAL_STOP, "spare: %u sessions were started, %u final On Stops came", spare_started, spare_ended);
    }
}

static void start_what_is_due(void)
{
    for (int i = 0; i < CLIENT_COUNT; i++) {
        if (!clients[i].running && now_ms() >= clients[i].start_again_at) {
            start_client(&clients[i]);
        }
    }
}

/* One frame of the host. */
static void act(void)
{
    if (roll(&dice, 1400) == 0) {
        deactivate(1);
        activate();
    }
    if (roll(&dice, 100) == 0) {
        if (roll(&dice, 10) == 0) {
            header_version++;
            host_figures.cutting_settings++;
        }
        apply((int)roll(&dice, 2));
    }
    start_what_is_due();
    for (int i = 0; i < CLIENT_COUNT; i++) {
        client_t *client = &clients[i];
        if (client->running && roll(&dice, 700) == 0) {
            stop_client(client);
        } else if (client->running && client->stays && roll(&dice, 300) == 0) {
            /* It runs: that is nothing, or the next try at once. */
            start_client(client);
        }
        for (uint32_t count = roll(&dice, 3); count > 0; count--) {
            send_number(client, ASK, between(&dice, 500, 3000) / 1000.0);
        }
        for (uint32_t count = roll(&dice, 4); count > 0; count--) {
            send_number(client, TELL, 0);
        }
        for (uint32_t count = roll(&dice, 2); count > 0; count--) {
            send_number(client, POSE, 0);
        }
    }
}

/* 0 to 200 ms, most of them short. */
static int irregular_pause(void)
{
    uint32_t kind = roll(&dice, 10);
    return kind < 5 ? between(&dice, 0, 5) : kind < 9 ? between(&dice, 5, 40) : between(&dice, 40, 200);
}

void host_prepare(uint64_t seed)
{
    dice.state = seed;
    for (size_t i = 0; i < sizeof filler; i++) {
        filler[i] = (uint8_t)i;
    }
    for (int i = 0; i < CLIENT_COUNT; i++) {
        /* Written now, so that it does not look like growth later. */
        clients[i].asks = malloc(most_numbers);
        CHECK(clients[i].asks != NULL);
        memset(clients[i].asks, 0xff, most_numbers);
        memset(clients[i].asks, ASK_UNUSED, most_numbers);
    }
    spare_port = port_reserve();
}

void host_begin(void)
{
    activate();
}

void *host_run(void *unused)
{
    while (!__atomic_load_n(&host_over, __ATOMIC_SEQ_CST)) {
        act();
        int pause = irregular_pause();
        if (roll(&dice, 2) == 0) {
            plugin.event_wait((uint32_t)pause);
        } else {
            sleep_ms(pause);
        }
        take_some(roll(&dice, 10) < 6 ? 0 : roll(&dice, 2) == 0 ? (uint32_t)between(&dice, 1, 20) : 1000);
    }
    return unused;
}

/* ---- The calm ---- */

int host_take_until(int (*done)(void), int limit_ms)
{
    int64_t limit = now_ms() + limit_ms;
    while (!done()) {
        if (now_ms() > limit) {
            return 0;
        }
        plugin.event_wait(20);
        take_some(0);
        start_what_is_due();
    }
    return 1;
}

static int all_connected(void)
{
    int count = 0;
    for (int i = 0; i < CLIENT_COUNT; i++) {
        count += clients[i].sid[0] != 0 && clients[i].open_asks == 0 && info_of(clients[i].handle).queued == 0;
    }
    return count == CLIENT_COUNT;
}

static int all_asks_ended(void)
{
    int open = 0;
    for (int i = 0; i < CLIENT_COUNT; i++) {
        open += clients[i].open_asks > 0;
    }
    return open == 0;
}

/* What the servers sent in the sessions that stand. */
static uint32_t sent_news[CLIENT_COUNT], sent_questions[CLIENT_COUNT], sent_positions[CLIENT_COUNT];

static int all_received(void)
{
    int missing = 0;
    for (int i = 0; i < CLIENT_COUNT; i++) {
        const client_t *client = &clients[i];
        missing += client->news != sent_news[i] || client->questions != sent_questions[i]
                   || client->positions != sent_positions[i];
    }
    return missing == 0;
}

/* The servers' lists, an entry "KEY SID NUMBER..." for each client; calls `take` for each. */
static void ask_servers(const char *command, void (*take)(client_t *client, const char *numbers))
{
    for (int i = 0; i < CLIENT_COUNT; i++) {
        int is_first = 1;
        for (int k = 0; k < i; k++) {
            is_first = is_first && clients[k].server != clients[i].server;
        }
        if (!is_first) {
            continue;
        }
        for (const char *entry = server_command(clients[i].server, "%s", command);
             (entry = strchr(entry, '"')) != NULL; entry = strchr(entry + 1, '"') + 1) {
            int key = 0, len = 0;
            char sid[SID_SIZE];
            CHECK(sscanf(entry, "\"%d %31s%n", &key, sid, &len) == 2 && key >= 0 && key < CLIENT_COUNT);
            if (strcmp(sid, clients[key].sid) == 0) {
                take(&clients[key], entry + len);
            }
        }
    }
}

static void take_sent(client_t *client, const char *numbers)
{
    size_t i = (size_t)(client - clients);
    CHECK(sscanf(numbers, "%u %u %u", &sent_news[i], &sent_questions[i], &sent_positions[i]) == 3);
}

static int unanswered;

static void take_answered(client_t *client, const char *numbers)
{
    unsigned answered = 0;
    CHECK(sscanf(numbers, "%u", &answered) == 1);
    unanswered += answered != client->questions;
}

static int all_answered(void)
{
    unanswered = 0;
    ask_servers("answered", take_answered);
    return unanswered == 0;
}

void host_calm(void)
{
    if (!host_take_until(all_connected, CALM_LIMIT_MS)) {
        for (int i = 0; i < CLIENT_COUNT; i++) {
            state_t state = state_of(clients[i].handle);
            if (clients[i].sid[0] == 0 || clients[i].open_asks > 0 || state.queued > 0) {
                broken(CALM, "%s: %s, %u requests and %lld messages under way", clients[i].name, state.state,
                       clients[i].open_asks, (long long)state.queued);
            }
        }
        return;
    }
    for (int i = 0; i < CLIENT_COUNT; i++) {
        client_t *client = &clients[i];
        memcpy(client->calm, client->next, sizeof client->calm);
        for (int k = 0; k < VOLLEY; k++) {
            send_number(client, TELL, 0);
            send_number(client, POSE, 0);
            send_number(client, ASK, CALM_LIMIT_MS / 1000);
        }
    }
    if (!host_take_until(all_asks_ended, 2 * CALM_LIMIT_MS)) {
        broken(CALM, "requests of the last volley have no end");
    }
    ask_servers("quiet", take_sent);
    if (!host_take_until(all_received, CALM_LIMIT_MS)) {
        for (int i = 0; i < CLIENT_COUNT; i++) {
            broken(CALM, "%s: %u of %u news, %u of %u questions, %u of %u positions came", clients[i].name,
                   clients[i].news, sent_news[i], clients[i].questions, sent_questions[i], clients[i].positions,
                   sent_positions[i]);
        }
    }
    if (!host_take_until(all_answered, CALM_LIMIT_MS)) {
        broken(CALM, "answers to questions did not arrive");
    }
}

static int never(void)
{
    return 0;
}

static double processor_ms(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000
           + (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

double host_idle(int milliseconds)
{
    struct rusage before, after;
    host_take_until(never, 500);
    CHECK(getrusage(RUSAGE_SELF, &before) == 0);
    int64_t begin = now_ms();
    for (int64_t left; (left = begin + milliseconds - now_ms()) > 0;) {
        plugin.event_wait((uint32_t)left);
        take_some(0);
    }
    CHECK(getrusage(RUSAGE_SELF, &after) == 0);
    return (processor_ms(&after) - processor_ms(&before)) * 100 / milliseconds;
}

static int all_ended(void)
{
    int ended = 0;
    for (int i = 0; i < CLIENT_COUNT; i++) {
        ended += clients[i].ended == clients[i].started;
    }
    return ended == CLIENT_COUNT;
}

void host_end(void)
{
    for (int i = 0; i < CLIENT_COUNT; i++) {
        stop_client(&clients[i]);
        clients[i].start_again_at = INT64_MAX;
    }
    if (!host_take_until(all_ended, CALM_LIMIT_MS)) {
        broken(FINAL_STOP, "the last sessions did not end");
    }
    deactivate(0);
    for (int i = 0; i < CLIENT_COUNT; i++) {
        for (uint32_t n = 0; n < clients[i].next[ASK]; n++) {
            if (clients[i].asks[n] != ASK_REPLIED && clients[i].asks[n] != ASK_TIMED_OUT) {
                broken(REQUEST_ENDS, "%s: request %u had no end", clients[i].name, n);
            }
        }
    }
}
