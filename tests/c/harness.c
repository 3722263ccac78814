#include "harness.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_SKIPPED 77
#define DISABLE_LIMIT_MS 3000

/* A text that grows. */
typedef struct text_t {
    char *ptr;
    size_t len;
    size_t capacity;
} text_t;

/* The sessions of one connection, by what the test called and what was heard. */
typedef struct ledger_t {
    socketio_connection_t connection;
    int begun;
    int stopped;
    int ended;
} ledger_t;

struct server_t {
    int port;
    const char *options;
    /* 0: not running. */
    pid_t pid;
    int commands;
    int reports;
    text_t received;
    text_t answer;
    char *lines[4096];
    size_t line_count;
};

typedef struct raw_t {
    int port;
    int listener;
    const char *answer;
    pthread_t thread;
    int accepted;
    /* Connections that are held open. */
    int held[64];
    int held_count;
} raw_t;

plugin_t plugin;

static const char *case_name = "";
static int fds_before;
static event_t *first_event;
static event_t *last_event;
/* All events before this one are taken; NULL: not looked yet. */
static event_t *oldest_untaken;
static int64_t last_sequence;
static ledger_t ledgers[64];
static size_t ledger_count;
static int errors_ignored;
static text_t log_text;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static int wakes;
static text_t settings_text;
static server_t servers[4];
static size_t server_count;
static raw_t raws[16];
static size_t raw_count;
static int reserved_ports[64];
static size_t reserved_count;

static void print_event(const event_t *event);

/* ---- Text ---- */

static void text_append(text_t *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->capacity) {
        text->capacity = (text->len + len + 1) * 2;
        text->ptr = realloc(text->ptr, text->capacity);
        CHECK(text->ptr != NULL);
    }
    memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
    text->ptr[text->len] = 0;
}

static void text_format_list(text_t *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *line = malloc((size_t)len + 1);
    CHECK(line != NULL);
    vsnprintf(line, (size_t)len + 1, format, arguments);
    text_append(text, line, (size_t)len);
    free(line);
}

static void text_format(text_t *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_format_list(text, format, arguments);
    va_end(arguments);
}

uint32_t checksum(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * 0x01000193;
    }
    return hash;
}

static int is_utf8(const char *text, size_t len)
{
    const uint8_t *at = (const uint8_t *)text;
    const uint8_t *end = at + len;
    while (at < end) {
        size_t more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
        if ((*at >= 0x80 && *at < 0xc2) || *at > 0xf4 || more > (size_t)(end - at - 1)) {
            return 0;
        }
        for (size_t i = 1; i <= more; i++) {
            if ((at[i] & 0xc0) != 0x80) {
                return 0;
            }
        }
        at += 1 + more;
    }
    return 1;
}

/* ---- Checks ---- */

void fail_at(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%s:%d: %s: ", file, line, case_name);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    for (const event_t *event = first_event; event != NULL; event = event->next) {
        if (!event->taken) {
            print_event(event);
        }
    }
    if (log_text.len > 0) {
        size_t skipped = log_text.len > 4000 ? log_text.len - 4000 : 0;
        printf("  log:\n%s", log_text.ptr + skipped);
    }
    fflush(stdout);
    /* Servers end by their closed stdin. */
    _exit(1);
}

void check_int(const char *file, int line, const char *what, long long actual, long long expected)
{
    if (actual != expected) {
        fail_at(file, line, "%s: expected %lld, saw %lld", what, expected, actual);
    }
}

void check_status(const char *file, int line, const char *what, socketio_status_t actual, socketio_status_t expected)
{
    if (actual != expected) {
        fail_at(file, line, "%s: expected %s, saw %s (%d); last error: %s", what, plugin.status_name(expected),
                plugin.status_name(actual), (int)actual, last_error());
    }
}

void check_text(const char *file, int line, const char *what, const char *actual, const char *expected)
{
    if (strcmp(actual, expected) != 0) {
        fail_at(file, line, "%s: expected \"%s\", saw \"%s\"", what, expected, actual);
    }
}

void check_has(const char *file, int line, const char *what, const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_at(file, line, "%s: expected something with \"%s\", saw \"%s\"", what, part, text);
    }
}

void skip(const char *reason)
{
    printf("%s\n", reason);
    fflush(stdout);
    _exit(EXIT_SKIPPED);
}

/* ---- Measures ---- */

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int milliseconds)
{
    poll(NULL, 0, milliseconds);
}

static int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    CHECK(directory != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

int thread_count(void)
{
    return count_entries("/proc/self/task");
}

int fd_count(void)
{
    /* Without the one that lists. */
    return count_entries("/proc/self/fd") - 1;
}

long rss_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    long total = 0;
    long resident = 0;
    CHECK(fscanf(file, "%ld %ld", &total, &resident) == 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

void check_growth(long before_kib, long most_kib)
{
    long growth = rss_kib() - before_kib;
    if (growth > most_kib) {
        FAIL("expected to grow by %ld KiB at most, saw %ld KiB", most_kib, growth);
    }
}

void wait_threads(int count)
{
    for (int64_t limit = now_ms() + 2000; thread_count() != count && now_ms() < limit;) {
        sleep_ms(1);
    }
    CHECK_INT(thread_count(), count);
}

/* ---- The library ---- */

const char *library_path(void)
{
    const char *path = getenv("SOCKETIO_LIBRARY");
    if (path == NULL) {
        FAIL("SOCKETIO_LIBRARY must be the absolute path of the shared library");
    }
    return path;
}

static void *find_symbol(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        FAIL("the library does not export %s", name);
    }
    return symbol;
}

plugin_t plugin_open(const char *path, int flags)
{
    plugin_t opened;
    opened.library = dlopen(path, flags);
    if (opened.library == NULL) {
        FAIL("%s", dlerror());
    }
    /* ISO C has no cast from an object pointer to a function pointer. */
#define PLUGIN_SYMBOL(name)                                                   \
    {                                                                         \
        void *symbol = find_symbol(opened.library, "socketio_" #name);        \
        memcpy(&opened.name, &symbol, sizeof symbol);                         \
    }
    PLUGIN_FUNCTIONS(PLUGIN_SYMBOL)
#undef PLUGIN_SYMBOL
    return opened;
}

void plugin_close(plugin_t *opened)
{
    CHECK_INT(dlclose(opened->library), 0);
    memset(opened, 0, sizeof *opened);
}

void plugin_load(void)
{
    if (plugin.library == NULL) {
        plugin = plugin_open(library_path(), RTLD_NOW | RTLD_LOCAL);
    }
}

static void keep_log(void *context, const socketio_log_record_t *record)
{
    CHECK(context == &log_text);
    CHECK(record->struct_size >= sizeof *record);
    CHECK(record->level >= SOCKETIO_LOG_ERROR && record->level <= SOCKETIO_LOG_TRAFFIC);
    CHECK(is_utf8(record->message.ptr, record->message.len) && record->message.ptr[record->message.len] == 0);
    pthread_mutex_lock(&log_lock);
    text_format(&log_text, "%u %s\n", (unsigned)record->level, record->message.ptr);
    pthread_mutex_unlock(&log_lock);
}

static void count_wake(void *context)
{
    (void)context;
    __sync_fetch_and_add(&wakes, 1);
}

void enable(void)
{
    const socketio_host_t host = {
        .struct_size = sizeof host,
        .abi_version = SOCKETIO_ABI_VERSION,
        .name = "C tests",
        .version = "1",
        .context = &log_text,
        .log = keep_log,
        .wake = count_wake,
    };
    last_sequence = -1;
    CHECK_STATUS(plugin.plugin_enable(&host), SOCKETIO_OK);
}

void begin(void)
{
    plugin_load();
    enable();
}

const char *last_error(void)
{
    static char text[8192 + 1];
    plugin.last_error(text, sizeof text);
    return text;
}

const char *host_log(void)
{
    return log_text.ptr == NULL ? "" : log_text.ptr;
}

int wake_count(void)
{
    return __sync_fetch_and_add(&wakes, 0);
}

const socketio_node_desc_t *node_desc(uint32_t node_type)
{
    const socketio_plugin_desc_t *desc = plugin.plugin_descriptor();
    for (uint32_t i = 0; i < desc->node_count; i++) {
        if (desc->nodes[i]->type_id == node_type) {
            return desc->nodes[i];
        }
    }
    FAIL("no node type %u in the descriptor", (unsigned)node_type);
}

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
static void ledger_start(socketio_connection_t connection)
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

void expect_autostart(socketio_connection_t connection)
{
    ledger_start(connection);
}

void forgive_sessions(void)
{
    ledger_count = 0;
}

/* ---- Events ---- */

static void *copy_bytes(const void *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    copy[len] = 0;
    return copy;
}

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
static void poll_all(void)
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

/* ---- Settings ---- */

socketio_status_t check_settings(const char *format, ...)
{
    text_t text = {0};
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&text, format, arguments);
    va_end(arguments);
    socketio_status_t status = plugin.settings_check(text.ptr, text.len);
    free(text.ptr);
    return status;
}

socketio_status_t apply_settings(const char *format, ...)
{
    text_t text = {0};
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&text, format, arguments);
    va_end(arguments);
    socketio_status_t status = plugin.settings_apply(text.ptr, text.len);
    free(text.ptr);
    return status;
}

void settings_add(const char *name, int port, const char *extra)
{
    text_format(&settings_text, "%s{\"name\":\"%s\",\"url\":\"http://127.0.0.1:%d\"%s%s}",
                settings_text.len == 0 ? "{\"connections\":[" : ",", name, port, extra != NULL ? "," : "",
                extra != NULL ? extra : "");
}

void settings_apply(void)
{
    text_format(&settings_text, "]}");
    CHECK_STATUS(plugin.settings_apply(settings_text.ptr, settings_text.len), SOCKETIO_OK);
    settings_text.len = 0;
}

socketio_connection_t find(const char *name)
{
    socketio_connection_t connection = 0;
    CHECK_STATUS(plugin.connection_find(name, strlen(name), &connection), SOCKETIO_OK);
    CHECK(connection != 0);
    return connection;
}

socketio_connection_t configure(int port, const char *extra)
{
    settings_add("main", port, extra);
    settings_apply();
    return find("main");
}

/* ---- Nodes ---- */

socketio_value_t value_text(const char *text)
{
    socketio_value_t value = {0};
    if (text != NULL) {
        value.type = SOCKETIO_TYPE_STRING;
        value.as.string.ptr = text;
        value.as.string.len = strlen(text);
    }
    return value;
}

socketio_value_t value_bytes(const void *bytes, size_t len)
{
    socketio_value_t value = {.type = SOCKETIO_TYPE_BYTES};
    value.as.bytes.ptr = bytes;
    value.as.bytes.len = len;
    return value;
}

socketio_value_t value_list(const socketio_bytes_t *list, size_t len)
{
    socketio_value_t value = {.type = SOCKETIO_TYPE_BYTES_LIST};
    value.as.bytes_list.ptr = list;
    value.as.bytes_list.len = len;
    return value;
}

socketio_value_t value_int(int64_t integer)
{
    socketio_value_t value = {.type = SOCKETIO_TYPE_INT};
    value.as.integer = integer;
    return value;
}

socketio_value_t value_number(double number)
{
    socketio_value_t value = {.type = SOCKETIO_TYPE_FLOAT};
    value.as.number = number;
    return value;
}

socketio_node_call_t node_call(uint32_t node_type, socketio_connection_t connection)
{
    socketio_node_call_t call = {.struct_size = sizeof call, .node_type = node_type, .connection = connection};
    return call;
}

static socketio_value_t text_or_bytes(const char *text, socketio_bytes_t bytes)
{
    return bytes.ptr != NULL ? value_bytes(bytes.ptr, bytes.len) : value_text(text != NULL ? text : "");
}

uint64_t send_message(const char *file, int line, socketio_connection_t connection, const send_t *message)
{
    const socketio_value_t attributes[] = {
        {0}, value_text(message->format), value_text(message->if_not_connected), value_number(message->reply_timeout),
    };
    const socketio_value_t inputs[] = {
        {0},
        value_text(message->event != NULL ? message->event : ""),
        value_text(message->nsp),
        text_or_bytes(message->message, message->bytes),
        value_list(message->attachments, message->attachment_count),
    };
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, connection);
    call.node = message->node;
    call.attributes = attributes;
    call.attribute_count = COUNT(attributes);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    socketio_node_result_t result = {.struct_size = sizeof result};
    check_status(file, line, "Socket.IO Send", plugin.node_execute(&call, &result), message->expect);
    return result.request;
}

void reply_message(socketio_connection_t connection, int64_t reply_id, const reply_t *reply)
{
    const socketio_value_t attributes[] = {{0}, value_text(reply->format)};
    const socketio_value_t inputs[] = {
        {0}, value_int(reply_id), value_text(reply->message), value_list(reply->attachments, reply->attachment_count),
    };
    socketio_node_call_t call = node_call(SOCKETIO_NODE_REPLY, connection);
    call.attributes = attributes;
    call.attribute_count = COUNT(attributes);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
}

socketio_status_t start(socketio_connection_t connection)
{
    socketio_node_call_t call = node_call(SOCKETIO_NODE_START, connection);
    socketio_status_t status = plugin.node_execute(&call, NULL);
    if (status >= 0) {
        ledger_start(connection);
    }
    return status;
}

socketio_status_t stop(socketio_connection_t connection)
{
    socketio_node_call_t call = node_call(SOCKETIO_NODE_STOP, connection);
    socketio_status_t status = plugin.node_execute(&call, NULL);
    if (status >= 0) {
        ledger_t *ledger = ledger_of(connection);
        ledger->stopped = ledger->begun;
    }
    return status;
}

static void execute_subscribe(uint32_t node_type, socketio_connection_t connection, const char *event, const char *nsp,
                              const char *delivery)
{
    const socketio_value_t attributes[] = {{0}, value_text(delivery)};
    const socketio_value_t inputs[] = {{0}, value_text(event), value_text(nsp)};
    socketio_node_call_t call = node_call(node_type, connection);
    call.attributes = attributes;
    call.attribute_count = delivery != NULL ? 2 : 1;
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
}

void subscribe(socketio_connection_t connection, const char *event, const char *nsp)
{
    execute_subscribe(SOCKETIO_NODE_SUBSCRIBE, connection, event, nsp, NULL);
}

void subscribe_latest(socketio_connection_t connection, const char *event, const char *nsp)
{
    execute_subscribe(SOCKETIO_NODE_SUBSCRIBE, connection, event, nsp, "Latest Per Poll");
}

void unsubscribe(socketio_connection_t connection, const char *event, const char *nsp)
{
    execute_subscribe(SOCKETIO_NODE_UNSUBSCRIBE, connection, event, nsp, NULL);
}

state_t state_of(socketio_connection_t connection)
{
    socketio_value_t outputs[7];
    socketio_node_call_t call = node_call(SOCKETIO_NODE_STATE, connection);
    socketio_node_result_t result = {.struct_size = sizeof result, .outputs = outputs};
    result.output_capacity = COUNT(outputs);
    CHECK_STATUS(plugin.node_execute(&call, &result), SOCKETIO_OK);
    CHECK_INT(result.pulse, 0);
    CHECK_INT(result.request, 0);
    CHECK_INT(result.output_count, COUNT(outputs));
    const socketio_node_desc_t *desc = node_desc(SOCKETIO_NODE_STATE);
    for (uint32_t i = 0; i < COUNT(outputs); i++) {
        CHECK_INT(outputs[i].type, desc->outputs[i]->type);
    }
    state_t state = {
        .namespaces = outputs[2].as.integer,
        .queued = outputs[3].as.integer,
        .dropped = outputs[4].as.integer,
        .round_trip_ms = outputs[5].as.number,
    };
    snprintf(state.state, sizeof state.state, "%s", outputs[1].as.string.ptr);
    snprintf(state.transport, sizeof state.transport, "%s", outputs[6].as.string.ptr);
    return state;
}

socketio_connection_info_t info_of(socketio_connection_t connection)
{
    socketio_connection_info_t info = {.struct_size = sizeof info};
    CHECK_STATUS(plugin.connection_info(connection, &info), SOCKETIO_OK);
    return info;
}

/* ---- Servers ---- */

int port_reserve(void)
{
    /* Bound, not listening: others can't get the port, connecting to it is refused, and a server of ours may bind
       it too because both ends set SO_REUSEADDR. */
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
    CHECK(bind(fd, (struct sockaddr *)&address, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    CHECK(reserved_count < COUNT(reserved_ports));
    reserved_ports[reserved_count++] = fd;
    return ntohs(address.sin_port);
}

static void server_spawn(server_t *server)
{
    const char *node = getenv("SOCKETIO_TEST_NODE");
    const char *script = getenv("SOCKETIO_TEST_SERVER");
    if (node == NULL || script == NULL) {
        skip("SOCKETIO_TEST_NODE and SOCKETIO_TEST_SERVER are not set");
    }
    char port[8];
    snprintf(port, sizeof port, "%d", server->port);
    int commands[2];
    int reports[2];
    CHECK(pipe(commands) == 0 && pipe(reports) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(fcntl(commands[i], F_SETFD, FD_CLOEXEC) == 0 && fcntl(reports[i], F_SETFD, FD_CLOEXEC) == 0);
    }
    fflush(stdout);
    server->pid = fork();
    CHECK(server->pid >= 0);
    if (server->pid == 0) {
        /* A frozen server would not notice that its stdin closed. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(commands[0], STDIN_FILENO);
        dup2(reports[1], STDOUT_FILENO);
        execl(node, node, script, port, server->options, (char *)NULL);
        _exit(127);
    }
    close(commands[0]);
    close(reports[1]);
    server->commands = commands[1];
    server->reports = reports[0];
    server_wait(server, "ready ");
}

server_t *server_start(const char *options)
{
    CHECK(server_count < COUNT(servers));
    server_t *server = &servers[server_count++];
    server->port = port_reserve();
    server->options = options != NULL ? options : "{}";
    server_spawn(server);
    return server;
}

int server_port(const server_t *server)
{
    return server->port;
}

static void server_end(server_t *server, int with_signal)
{
    if (server->pid == 0) {
        return;
    }
    if (with_signal != 0) {
        kill(server->pid, with_signal);
    }
    close(server->commands);
    CHECK(waitpid(server->pid, NULL, 0) == server->pid);
    close(server->reports);
    server->pid = 0;
    server->received.len = 0;
    while (server->line_count > 0) {
        free(server->lines[--server->line_count]);
    }
}

void server_kill(server_t *server)
{
    server_end(server, SIGKILL);
}

void server_stop(server_t *server)
{
    server_command(server, "quit");
    /* Its stdin stays open until it has ended by itself. */
    char rest[4096];
    while (read(server->reports, rest, sizeof rest) > 0) {
    }
    server_end(server, 0);
}

void server_restart(server_t *server)
{
    server_spawn(server);
}

void server_freeze(server_t *server)
{
    CHECK(kill(server->pid, SIGSTOP) == 0);
}

void server_thaw(server_t *server)
{
    CHECK(kill(server->pid, SIGCONT) == 0);
}

/* Moves complete lines out of what was received. */
static void split_lines(server_t *server)
{
    char *start_of_line = server->received.ptr;
    for (char *end; (end = strchr(start_of_line, '\n')) != NULL; start_of_line = end + 1) {
        CHECK(server->line_count < COUNT(server->lines));
        *end = 0;
        server->lines[server->line_count++] = copy_bytes(start_of_line, (size_t)(end - start_of_line));
    }
    server->received.len -= (size_t)(start_of_line - server->received.ptr);
    memmove(server->received.ptr, start_of_line, server->received.len + 1);
}

/* Takes the first line that begins so; NULL if none is here. The caller frees it. */
static char *take_line(server_t *server, const char *beginning)
{
    for (size_t i = 0; i < server->line_count; i++) {
        if (strncmp(server->lines[i], beginning, strlen(beginning)) == 0) {
            char *line = server->lines[i];
            server->line_count--;
            memmove(&server->lines[i], &server->lines[i + 1], (server->line_count - i) * sizeof *server->lines);
            return line;
        }
    }
    return NULL;
}

/* Waits for more of the server's output; `expected` is what the test waits for. */
static void read_reports(server_t *server, const char *expected, int64_t limit)
{
    struct pollfd readable = {.fd = server->reports, .events = POLLIN};
    int64_t left = limit - now_ms();
    char bytes[65536];
    ssize_t len = 0;
    if (left > 0 && poll(&readable, 1, (int)left) == 1) {
        len = read(server->reports, bytes, sizeof bytes);
    }
    if (len <= 0) {
        for (size_t i = 0; i < server->line_count; i++) {
            printf("  server: %.500s\n", server->lines[i]);
        }
        FAIL("expected from the server: %s", expected);
    }
    text_append(&server->received, bytes, (size_t)len);
    split_lines(server);
}

/* Keeps the rest of a line until the next answer. */
static const char *keep_answer(server_t *server, char *line, const char *beginning)
{
    server->answer.len = 0;
    text_format(&server->answer, "%s", line + strlen(beginning));
    free(line);
    return server->answer.ptr;
}

const char *server_wait(server_t *server, const char *beginning)
{
    int64_t limit = now_ms() + PATIENCE_MS;
    char *line;
    while ((line = take_line(server, beginning)) == NULL) {
        read_reports(server, beginning, limit);
    }
    return keep_answer(server, line, beginning);
}

void server_expect(server_t *server, const char *line)
{
    const char *rest = server_wait(server, line);
    CHECK_TEXT(rest, "");
}

int server_has(server_t *server, const char *beginning)
{
    char *line = take_line(server, beginning);
    free(line);
    return line != NULL;
}

const char *server_command(server_t *server, const char *format, ...)
{
    text_t command = {0};
    va_list arguments;
    va_start(arguments, format);
    text_format_list(&command, format, arguments);
    va_end(arguments);
    text_append(&command, "\n", 1);
    CHECK(write(server->commands, command.ptr, command.len) == (ssize_t)command.len);
    int64_t limit = now_ms() + PATIENCE_MS;
    char *line;
    while ((line = take_line(server, "= ")) == NULL) {
        if ((line = take_line(server, "! ")) != NULL) {
            FAIL("the server refused: %s", line + 2);
        }
        read_reports(server, command.ptr, limit);
    }
    free(command.ptr);
    return keep_answer(server, line, "= ");
}

socketio_connection_t connected(server_t *server, const char *extra)
{
    begin();
    socketio_connection_t connection = configure(server->port, extra);
    CHECK_STATUS(start(connection), SOCKETIO_OK);
    WAIT_START(connection);
    return connection;
}

void barrier(socketio_connection_t connection)
{
    const event_t *reply = WAIT_REPLY(SEND(connection, .event = "barrier", .reply_timeout = PATIENCE_MS / 1000));
    CHECK_INT(reply->head.pulse, SEND_REPLY_PULSE);
}

/* ---- Scripted servers ---- */

server_t *scripted_start(void)
{
    return server_start(JSON({"mode":"scripted"}));
}

void script_handshake(server_t *server)
{
    server_wait(server, "opened ");
    script_say(server, "0" JSON({"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}));
}

void script_start(server_t *server, socketio_connection_t connection)
{
    CHECK_STATUS(start(connection), SOCKETIO_OK);
    script_handshake(server);
    script_expect(server, "40");
    script_say(server, "40" JSON({"sid":"s"}));
    WAIT_START(connection);
}

/* A text as JSON. Valid until the next one. */
static const char *quoted(const char *text)
{
    static text_t json;
    json.len = 0;
    text_append(&json, "\"", 1);
    for (; *text != 0; text++) {
        text_format(&json, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    text_append(&json, "\"", 1);
    return json.ptr;
}

void script_say(server_t *server, const char *frame)
{
    server_command(server, "frame {\"parts\":[%s]}", quoted(frame));
}

void script_storm(server_t *server, const char *frame, int times)
{
    server_command(server, "storm {\"text\":%s,\"times\":%d}", quoted(frame), times);
}

void script_expect(server_t *server, const char *frame)
{
    char line[1024];
    snprintf(line, sizeof line, "said %s", quoted(frame));
    server_expect(server, line);
}

/* ---- Raw servers ---- */

static void raw_answer(raw_t *raw, int fd)
{
    struct timeval limit = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char request[4096 + 1] = "";
    size_t len = 0;
    while (strstr(request, "\r\n\r\n") == NULL && len < sizeof request - 1) {
        ssize_t more = recv(fd, request + len, sizeof request - 1 - len, 0);
        if (more <= 0) {
            return;
        }
        len += (size_t)more;
        request[len] = 0;
    }
    send(fd, raw->answer, strlen(raw->answer), MSG_NOSIGNAL);
}

static void *raw_serve(void *argument)
{
    raw_t *raw = argument;
    for (int fd; (fd = accept(raw->listener, NULL, NULL)) >= 0;) {
        __sync_fetch_and_add(&raw->accepted, 1);
        if (raw->answer == NULL && raw->held_count < (int)COUNT(raw->held)) {
            raw->held[raw->held_count++] = fd;
            continue;
        }
        if (raw->answer != NULL) {
            raw_answer(raw, fd);
        }
        close(fd);
    }
    while (raw->held_count > 0) {
        close(raw->held[--raw->held_count]);
    }
    return NULL;
}

int raw_start(const char *answer)
{
    CHECK(raw_count < COUNT(raws));
    raw_t *raw = &raws[raw_count++];
    raw->answer = answer;
    raw->port = port_reserve();
    raw->listener = reserved_ports[--reserved_count];
    CHECK(listen(raw->listener, 16) == 0);
    CHECK(pthread_create(&raw->thread, NULL, raw_serve, raw) == 0);
    return raw->port;
}

int raw_accepted(int port)
{
    for (size_t i = 0; i < raw_count; i++) {
        if (raws[i].port == port) {
            return __sync_fetch_and_add(&raws[i].accepted, 0);
        }
    }
    FAIL("no raw server has port %d", port);
}

static void raw_stop(raw_t *raw)
{
    shutdown(raw->listener, SHUT_RDWR);
    CHECK(pthread_join(raw->thread, NULL) == 0);
    close(raw->listener);
}

/* ---- Running ---- */

void disable(void)
{
    CHECK_STATUS(plugin.plugin_disable(DISABLE_LIMIT_MS), SOCKETIO_OK);
    poll_all();
}

/* What must hold at the end of every case. */
static void finish(void)
{
    if (plugin.library != NULL) {
        if (plugin.plugin_state() != SOCKETIO_PLUGIN_DISABLED) {
            disable();
        }
        poll_all();
        check_ledgers();
        if (!errors_ignored) {
            const wanted_t any_error = {.node_type = SOCKETIO_NODE_ON_ERROR};
            if (find_event(&any_error) != NULL) {
                FAIL("an On Error came that the case did not take");
            }
        }
    }
    for (size_t i = 0; i < server_count; i++) {
        server_end(&servers[i], SIGKILL);
    }
    for (size_t i = 0; i < raw_count; i++) {
        raw_stop(&raws[i]);
    }
    for (size_t i = 0; i < reserved_count; i++) {
        close(reserved_ports[i]);
    }
    wait_threads(1);
    CHECK_INT(fd_count(), fds_before);
    for (event_t *event; (event = first_event) != NULL;) {
        first_event = event->next;
        free_event(event);
    }
}

int run_cases(int argc, char **argv, const test_case_t *cases, size_t count)
{
    const char *wanted = argc == 2 ? argv[1] : "--help";
    int listing = strcmp(wanted, "--list") == 0;
    for (size_t i = 0; i < count; i++) {
        if (listing) {
            printf("%s\n", cases[i].name);
        } else if (strcmp(wanted, cases[i].name) == 0) {
            case_name = cases[i].name;
            fds_before = fd_count();
            cases[i].run();
            finish();
            return 0;
        }
    }
    if (!listing) {
        printf("usage: %s --list | CASE\n", argv[0]);
    }
    return listing ? 0 : 2;
}
