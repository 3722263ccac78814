/* Events as they are polled: held to the descriptor, kept, found again; and the account of sessions. */

#include "harness_parts.h"

#include <stdio.h>
#include <stdlib.h>

/* The sessions of one connection, by what the test called and what was heard. */
typedef struct ledger_t {
    socketio_connection_t connection;
    int begun;
    int stopped;
    int ended;
} ledger_t;

static event_t *first_event;
static event_t *last_event;
/* All events before this one are taken; NULL: not looked yet. */
static event_t *oldest_untaken;
static int64_t last_sequence;
static ledger_t ledgers[128];
static size_t ledger_count;
static int errors_ignored;

/* ---- Sessions ---- */

static ledger_t *ledger_of(socketio_connection_t connection)
{
    for (size_t i = 0; i < ledger_count; i++) {
        if (ledgers[i].connection == connection) {
            return &ledgers[i];
        }
    }
    CHECK(ledger_count < COUNT(ledgers));
    ledgers[ledger_count] = (ledger_t){.connection = connection};
    return &ledgers[ledger_count++];
}

/* A Start begins a session unless one is under way: begun, not stopped by us, not ended by itself. */
void ledger_start(socketio_connection_t connection)
{
    ledger_t *ledger = ledger_of(connection);
    if (ledger->begun <= ledger->stopped || ledger->begun <= ledger->ended) {
        ledger->begun++;
    }
}

static void ledger_event(const event_t *event)
{
    if (event->head.node_type == SOCKETIO_NODE_ON_STOP && !bool_of(event, STOP_WILL_RECONNECT)) {
        ledger_of(event->head.connection)->ended++;
    }
}

static void check_ledgers(void)
{
    for (size_t i = 0; i < ledger_count; i++) {
        if (ledgers[i].ended != ledgers[i].begun) {
            FAIL("connection %llx: %d sessions were started, %d final On Stops came",
                 (unsigned long long)ledgers[i].connection, ledgers[i].begun, ledgers[i].ended);
        }
    }
}

void ledger_stop(socketio_connection_t connection)
{
    ledger_t *ledger = ledger_of(connection);
    ledger->stopped = ledger->begun;
}

void expect_autostart(socketio_connection_t connection)
{
    ledger_start(connection);
}

void forgive_sessions(void)
{
    ledger_count = 0;
}

/* ---- Events ---- */

static void copy_value(socketio_value_t *value)
{
    if (value->type == SOCKETIO_TYPE_STRING || value->type == SOCKETIO_TYPE_JSON) {
        CHECK(value->as.string.ptr != NULL && value->as.string.ptr[value->as.string.len] == 0);
        CHECK(is_utf8(value->as.string.ptr, value->as.string.len));
        value->as.string.ptr = copy_bytes(value->as.string.ptr, value->as.string.len);
    } else if (value->type == SOCKETIO_TYPE_BYTES_LIST) {
        size_t len = value->as.bytes_list.len;
        socketio_bytes_t *list = copy_bytes(value->as.bytes_list.ptr, len * sizeof *list);
        for (size_t i = 0; i < len; i++) {
            list[i].ptr = copy_bytes(list[i].ptr, list[i].len);
        }
        value->as.bytes_list.ptr = list;
    }
}

static void free_event(event_t *event)
{
    for (uint32_t i = 0; i < event->head.output_count; i++) {
        const socketio_value_t *value = &event->outputs[i];
        if (value->type == SOCKETIO_TYPE_STRING || value->type == SOCKETIO_TYPE_JSON) {
            free((void *)value->as.string.ptr);
        } else if (value->type == SOCKETIO_TYPE_BYTES_LIST) {
            for (size_t k = 0; k < value->as.bytes_list.len; k++) {
                free((void *)value->as.bytes_list.ptr[k].ptr);
            }
            free((void *)value->as.bytes_list.ptr);
        }
    }
    free(event);
}

/* Holds an event to the descriptor. */
static void check_event(const socketio_event_t *event)
{
    CHECK(event->struct_size >= sizeof *event);
    CHECK_INT(event->reserved, 0);
    CHECK(event->connection != 0);
    CHECK((int64_t)event->sequence > last_sequence);
    last_sequence = (int64_t)event->sequence;

    const socketio_node_desc_t *desc = node_desc(event->node_type);
    int is_listener = desc->kind == SOCKETIO_KIND_LISTENER;
    CHECK_INT(event->output_count, desc->output_count);
    for (uint32_t i = 0; i < event->output_count; i++) {
        const socketio_value_t *value = &event->outputs[i];
        CHECK_INT(value->reserved, 0);
        /* A later pulse of an action fills the outputs that belong to it. */
        if (is_listener || value->type != SOCKETIO_TYPE_NONE) {
            CHECK_INT(value->type, desc->outputs[i]->type);
        }
        if (value->type == SOCKETIO_TYPE_PULSE) {
            CHECK_INT(value->as.boolean, i == event->pulse);
        }
    }
    CHECK(event->pulse < event->output_count && desc->outputs[event->pulse]->type == SOCKETIO_TYPE_PULSE);
    if (is_listener) {
        CHECK_INT(event->request, 0);
        CHECK(event->node_type == SOCKETIO_NODE_ON_ERROR ? event->status < 0 : event->status == SOCKETIO_OK);
    }
}

/* An error says what happened and what to do, each in a sentence. */
static void check_error(const event_t *event)
{
    const char *message = text_of(event, ERROR_MESSAGE);
    const char *remedy = text_of(event, ERROR_REMEDY);
    CHECK(text_of(event, ERROR_CODE)[0] != 0);
    CHECK(strlen(message) > 10 && message[strlen(message) - 1] == '.');
    CHECK(strlen(remedy) > 10 && remedy[strlen(remedy) - 1] == '.');
    if (bool_of(event, ERROR_FATAL)) {
        CHECK(number_of(event, ERROR_WILL_RETRY_IN) == 0);
    }
}

static void take_in(const socketio_event_t *event)
{
    check_event(event);
    event_t *copy = calloc(1, sizeof *copy);
    CHECK(copy != NULL && event->output_count <= COUNT(copy->outputs));
    copy->head = *event;
    copy->head.outputs = copy->outputs;
    for (uint32_t i = 0; i < event->output_count; i++) {
        copy->outputs[i] = event->outputs[i];
        copy_value(&copy->outputs[i]);
    }
    if (copy->head.node_type == SOCKETIO_NODE_ON_ERROR) {
        check_error(copy);
    }
    ledger_event(copy);
    *(last_event == NULL ? &first_event : &last_event->next) = copy;
    last_event = copy;
}

/* Polls until the queue is empty. */
void poll_all(void)
{
    socketio_status_t status;
    do {
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        status = plugin.event_poll(0, &batch);
        if (status == SOCKETIO_E_STATE) {
            return;
        }
        CHECK(status == SOCKETIO_OK || status == SOCKETIO_MORE);
        for (uint32_t i = 0; i < batch.count; i++) {
            take_in(batch.events[i]);
        }
    } while (status == SOCKETIO_MORE);
}

static int equals(const event_t *event, uint32_t output, const char *wanted)
{
    return wanted == NULL || strcmp(text_of(event, output), wanted) == 0;
}

static int matches(const event_t *event, const wanted_t *wanted)
{
    const socketio_event_t *head = &event->head;
    if ((wanted->node_type != 0 && head->node_type != wanted->node_type)
        || (wanted->connection != 0 && head->connection != wanted->connection)
        || (wanted->request != 0 && head->request != wanted->request)) {
        return 0;
    }
    switch (head->node_type) {
    case SOCKETIO_NODE_ON_RECEIVE:
    case SOCKETIO_NODE_ON_SUBSCRIBE:
    case SOCKETIO_NODE_ON_UNSUBSCRIBE:
        return equals(event, RECEIVE_NAMESPACE, wanted->nsp) && equals(event, RECEIVE_NAME, wanted->name);
    case SOCKETIO_NODE_ON_ERROR:
        return equals(event, ERROR_NAMESPACE, wanted->nsp) && equals(event, ERROR_CODE, wanted->code);
    default:
        return wanted->nsp == NULL && wanted->name == NULL && wanted->code == NULL;
    }
}

static event_t *find_event(const wanted_t *wanted)
{
    if (oldest_untaken == NULL) {
        oldest_untaken = first_event;
    }
    while (oldest_untaken != NULL && oldest_untaken->taken && oldest_untaken->next != NULL) {
        oldest_untaken = oldest_untaken->next;
    }
    for (event_t *event = oldest_untaken; event != NULL; event = event->next) {
        if (!event->taken && matches(event, wanted)) {
            return event;
        }
    }
    return NULL;
}

static const char *wanted_label(const wanted_t *wanted)
{
    return wanted->node_type == 0 ? "event" : node_desc(wanted->node_type)->label;
}

const event_t *wait_event(const char *file, int line, const wanted_t *wanted)
{
    int64_t limit = now_ms() + (wanted->timeout_ms > 0 ? wanted->timeout_ms : PATIENCE_MS);
    for (;;) {
        poll_all();
        event_t *event = find_event(wanted);
        if (event != NULL) {
            event->taken = 1;
            return event;
        }
        int64_t left = limit - now_ms();
        if (left <= 0 || plugin.plugin_state() != SOCKETIO_PLUGIN_ENABLED) {
            fail_at(file, line, "expected %s of \"%s\", it did not come", wanted_label(wanted),
                    wanted->name != NULL ? wanted->name : wanted->code != NULL ? wanted->code : "");
        }
        socketio_status_t status = plugin.event_wait((uint32_t)left);
        CHECK(status == SOCKETIO_OK || status == SOCKETIO_TIMED_OUT);
    }
}

const event_t *wait_lost(socketio_connection_t connection)
{
    const event_t *event = WAIT_STOP(connection);
    CHECK(bool_of(event, STOP_WILL_RECONNECT));
    WAIT_ERROR_CODE(connection, "connection_lost");
    return event;
}

void check_none(const char *file, int line, const wanted_t *wanted)
{
    poll_all();
    const event_t *event = find_event(wanted);
    if (event != NULL) {
        fail_at(file, line, "expected no %s, one came", wanted_label(wanted));
    }
}

const event_t *take_event(const wanted_t *wanted)
{
    poll_all();
    event_t *event = find_event(wanted);
    if (event != NULL) {
        event->taken = 1;
    }
    return event;
}

int take_all(const wanted_t *wanted)
{
    poll_all();
    int count = 0;
    for (event_t *event; (event = find_event(wanted)) != NULL; count++) {
        event->taken = 1;
    }
    return count;
}

void listen_for(int milliseconds)
{
    int64_t limit = now_ms() + milliseconds;
    for (int64_t left; (left = limit - now_ms()) > 0;) {
        if (plugin.event_wait((uint32_t)left) < 0) {
            sleep_ms((int)left);
        }
        poll_all();
    }
}

void ignore_errors(void)
{
    errors_ignored = 1;
}

static const socketio_value_t *output_of(const event_t *event, uint32_t output, socketio_type_t type)
{
    CHECK(output < event->head.output_count);
    const socketio_value_t *value = &event->outputs[output];
    if (value->type != type && !(type == SOCKETIO_TYPE_STRING && value->type == SOCKETIO_TYPE_JSON)) {
        FAIL("output %u of %s: expected type %u, saw %u", (unsigned)output, node_desc(event->head.node_type)->label,
             (unsigned)type, (unsigned)value->type);
    }
    return value;
}

const char *text_of(const event_t *event, uint32_t output)
{
    return output_of(event, output, SOCKETIO_TYPE_STRING)->as.string.ptr;
}

int64_t int_of(const event_t *event, uint32_t output)
{
    return output_of(event, output, SOCKETIO_TYPE_INT)->as.integer;
}

int bool_of(const event_t *event, uint32_t output)
{
    return output_of(event, output, SOCKETIO_TYPE_BOOL)->as.boolean;
}

double number_of(const event_t *event, uint32_t output)
{
    return output_of(event, output, SOCKETIO_TYPE_FLOAT)->as.number;
}

socketio_bytes_list_t attachments_of(const event_t *event, uint32_t output)
{
    return output_of(event, output, SOCKETIO_TYPE_BYTES_LIST)->as.bytes_list;
}

static void print_event(const event_t *event)
{
    const socketio_node_desc_t *desc = node_desc(event->head.node_type);
    printf("  untaken: %s", desc->label);
    for (uint32_t i = 0; i < event->head.output_count; i++) {
        const socketio_value_t *value = &event->outputs[i];
        const char *label = desc->outputs[i]->label;
        if (value->type == SOCKETIO_TYPE_STRING || value->type == SOCKETIO_TYPE_JSON) {
            printf(", %s: %.300s", label, value->as.string.ptr);
        } else if (value->type == SOCKETIO_TYPE_BOOL) {
            printf(", %s: %s", label, value->as.boolean ? "true" : "false");
        } else if (value->type == SOCKETIO_TYPE_INT) {
            printf(", %s: %lld", label, (long long)value->as.integer);
        } else if (value->type == SOCKETIO_TYPE_FLOAT) {
            printf(", %s: %g", label, value->as.number);
        }
    }
    printf("\n");
}

void expect_new_sequence(void)
{
    last_sequence = -1;
}

void print_untaken_events(void)
{
    for (const event_t *event = first_event; event != NULL; event = event->next) {
        if (!event->taken) {
            print_event(event);
        }
    }
}

void check_events(void)
{
    poll_all();
    check_ledgers();
    const wanted_t any_error = {.node_type = SOCKETIO_NODE_ON_ERROR};
    if (!errors_ignored && find_event(&any_error) != NULL) {
        FAIL("an On Error came that the case did not take");
    }
}

void free_events(void)
{
    for (event_t *event; (event = first_event) != NULL;) {
        first_event = event->next;
        free_event(event);
    }
}
