/* Servers that break the rules: each case of tests/hostile/ is a case here. One connection meets that server, another
   one beside it goes on getting its answers; after the end, memory, threads and descriptors are back. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#define MIB 1024L

/* What a case may cost: in the end, while it lasts, and the good connection, for one answer. */
#define KEPT_KIB (8 * MIB)
#define PEAK_KIB (16 * MIB)
#define ANSWER_MS 2000

#define MOST_CASES 1000

/* A line of `hostile-server --list`. */
typedef struct hostile_t {
    char name[128];
    /* What the client must do, and a code or the names of events. */
    char expect[16];
    char details[128];
    char settings[512];
    char joins[16];
} hostile_t;

static hostile_t cases[MOST_CASES];
static size_t case_count;
static const hostile_t *current;

static server_t *server;
static socketio_connection_t client;
static socketio_connection_t good;
static int64_t slowest_answer;

/* ---- Beside it ---- */

/* The good connection gets an answer, whatever the other one goes through. */
static void ask_good(void)
{
    int64_t began = now_ms();
    barrier(good);
    int64_t took = now_ms() - began;
    slowest_answer = took > slowest_answer ? took : slowest_answer;
    if (took > ANSWER_MS * slowdown()) {
        FAIL("the good connection got its answer after %lld ms, expected %d at most", (long long)took, ANSWER_MS);
    }
}

#define AWAIT_EVENT(...) await_event(__LINE__, &(wanted_t){.connection = client, __VA_ARGS__})

/* Waits for an event of the hostile connection while the good one is asked again and again. */
static const event_t *await_event(int line, const wanted_t *wanted)
{
    int64_t limit = now_ms() + PATIENCE_MS;
    const event_t *event;
    while ((event = take_event(wanted)) == NULL) {
        if (now_ms() > limit) {
            fail_at(__FILE__, line, "expected %s, it did not come",
                    wanted->node_type != 0 ? node_desc(wanted->node_type)->label : "an answer");
        }
        ask_good();
        listen_for(2);
    }
    return event;
}

/* ---- What the client must do ---- */

static void check_error_told(const event_t *event)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", server_port(server));
    /* A namespace's error names that. */
    const char *named = event->outputs[ERROR_CODE].as.string.ptr;
    int of_namespace = strncmp(named, "ns_", 3) == 0 || strcmp(named, "server_disconnect") == 0;
    CHECK_HAS(text_of(event, ERROR_MESSAGE), of_namespace ? "namespace /" : address);
    CHECK(strlen(text_of(event, ERROR_MESSAGE)) < 2000);
}

static uint64_t ask(void)
{
    return SEND(client, .event = "question", .reply_timeout = PATIENCE_MS / 1000);
}

/* A session stands and works, and nothing else was told. */
static void check_works(void)
{
    CHECK_INT(AWAIT_EVENT(.request = ask())->head.pulse, SEND_REPLY_PULSE);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_ERROR, .connection = client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP, .connection = client);
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_START, .connection = client);
}

/* Exactly the events of this list come before the end: names between spaces, "name*3" for three. */
static void check_events_are(const char *list)
{
    char expected[128];
    snprintf(expected, sizeof expected, "%s", list);
    for (char *name = strtok(expected, " "); name != NULL; name = strtok(NULL, " ")) {
        char *star = strchr(name, '*');
        int times = star != NULL ? atoi(star + 1) : 1;
        if (star != NULL) {
            *star = 0;
        }
        for (; times > 0; times--) {
            const event_t *event = AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_RECEIVE);
            CHECK_TEXT(text_of(event, RECEIVE_NAME), strcmp(name, "(empty)") == 0 ? "" : name);
        }
    }
    CHECK_TEXT(text_of(AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_RECEIVE), RECEIVE_NAME), "end");
}

static void lives(const char *events)
{
    AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_START);
    uint64_t question = ask();
    check_events_are(events);
    CHECK_INT(AWAIT_EVENT(.request = question)->head.pulse, SEND_REPLY_PULSE);
    check_works();
}

static void told(const char *code)
{
    AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_START);
    check_events_are("");
    const event_t *event;
    do {
        /* That a WebSocket does not get through is told when long-polling has shown that it does. */
        CHECK_INT(AWAIT_EVENT(.request = ask())->head.pulse, SEND_REPLY_PULSE);
    } while ((event = TAKE(.node_type = SOCKETIO_NODE_ON_ERROR, .connection = client)) == NULL);
    CHECK_TEXT(text_of(event, ERROR_CODE), code);
    check_error_told(event);
    check_works();
}

static void lost(const char *code)
{
    AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_START);
    uint64_t question = ask();
    CHECK(bool_of(AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_STOP), STOP_WILL_RECONNECT));
    const event_t *event = AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_ERROR);
    if (strcmp(text_of(event, ERROR_CODE), "not_sent") == 0) {
        /* The question was about to leave. */
        event = AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_ERROR);
    }
    CHECK_TEXT(text_of(event, ERROR_CODE), code);
    CHECK(!bool_of(event, ERROR_FATAL));
    check_error_told(event);
    /* Answered before, or given up. */
    AWAIT_EVENT(.request = question);
    CHECK(bool_of(AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_START), START_IS_RECONNECT));
    check_works();
}

static void refused(const char *code)
{
    const event_t *event = AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_ERROR);
    CHECK_TEXT(text_of(event, ERROR_CODE), code);
    check_error_told(event);
    /* It goes on trying and does not repeat itself; what refuses us is left alone for a while. */
    for (int tried_soon = number_of(event, ERROR_WILL_RETRY_IN) < 1; tried_soon && info_of(client).attempts < 2;) {
        ask_good();
        listen_for(2);
    }
    CHECK_NONE(.connection = client);
    server_command(server, "good");
    start(client);
    AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_START);
    check_works();
}

static void ended(const char *code)
{
    AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_START);
    CHECK(!bool_of(AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_STOP), STOP_WILL_RECONNECT));
    const event_t *event = AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_ERROR);
    CHECK_TEXT(text_of(event, ERROR_CODE), code);
    CHECK(bool_of(event, ERROR_FATAL));
    check_error_told(event);
    start(client);
    AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_START);
    check_works();
}

/* What comes before it is lost or refused in many ways; each is told once until the state changes. */
static void survives(const char *nothing)
{
    (void)nothing;
    AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_RECEIVE);
    server_command(server, "good");
    CHECK(atoi(server_command(server, "sessions")) > 300);
    stop(client);
    int stops = 0;
    while (bool_of(AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_STOP), STOP_WILL_RECONNECT)) {
        stops++;
    }
    int starts = TAKE_ALL(.node_type = SOCKETIO_NODE_ON_START, .connection = client);
    int errors = TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR, .connection = client);
    /* The last one may be lost before its Stop. */
    CHECK(starts == stops + 1 || starts == stops);
    printf("%d sessions stood, %d errors were told\n", starts, errors);
    /* Each way to end is told once while none stands; there are fewer than a dozen. */
    CHECK(errors >= 1 && errors <= 12 * (stops + 1));
    start(client);
    AWAIT_EVENT(.node_type = SOCKETIO_NODE_ON_START);
    check_works();
}

static const struct {
    const char *expect;
    void (*check)(const char *details);
} checks[] = {
    {"lives", lives}, {"told", told}, {"lost", lost}, {"refused", refused}, {"ended", ended}, {"survives", survives},
};

/* ---- A case ---- */

static void check_memory(long before)
{
    long kept = rss_kib() - before;
    long peak = peak_kib() - before;
    printf("memory: %ld KiB before, %ld more after, %ld more at most; slowest answer of the good connection: %lld ms\n",
           before, kept, peak, (long long)slowest_answer);
    /* Tools that watch the process keep what was freed. */
    if (slowdown() == 1 && (kept > KEPT_KIB || peak > PEAK_KIB)) {
        FAIL("expected %ld KiB more after, and %ld KiB more at most", KEPT_KIB, PEAK_KIB);
    }
}

static void run(void)
{
    server = hostile_start(current->name);
    begin();
    settings_add("main", server_port(server), current->settings);
    settings_add("good", atoi(server_command(server, "good-port")), JSON("transport":"WebSocket Only"));
    settings_apply();
    client = find("main");
    good = find("good");
    start(good);
    WAIT_START(good);
    ask_good();
    subscribe(client, "*", NULL);
    if (strcmp(current->joins, "joins") == 0) {
        subscribe(client, "*", "/n");
    }
    long before = rss_kib();
    start(client);
    for (size_t i = 0; i < COUNT(checks); i++) {
        if (strcmp(checks[i].expect, current->expect) == 0) {
            checks[i].check(current->details);
        }
    }
    stop(client);
    CHECK(!bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    ask_good();
    stop(good);
    WAIT_STOP(good);
    disable();
    check_memory(before);
}

/* ---- The list ---- */

static void next_column(char *column, size_t size, char **line)
{
    size_t len = strcspn(*line, "\t\n");
    CHECK(len < size);
    memcpy(column, *line, len);
    column[len] = 0;
    *line += len + ((*line)[len] != 0);
}

static void read_cases(void)
{
    char *list = hostile_list();
    for (char *line = strtok(list, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        CHECK(case_count < MOST_CASES);
        hostile_t *hostile = &cases[case_count++];
        char *rest = line;
        char expectation[256];
        next_column(hostile->name, sizeof hostile->name, &rest);
        next_column(expectation, sizeof expectation, &rest);
        next_column(hostile->settings, sizeof hostile->settings, &rest);
        next_column(hostile->joins, sizeof hostile->joins, &rest);
        sscanf(expectation, "%15s %127[^\n]", hostile->expect, hostile->details);
    }
    free(list);
}

int main(int argc, char **argv)
{
    static test_case_t all[MOST_CASES];
    read_cases();
    for (size_t i = 0; i < case_count; i++) {
        all[i] = (test_case_t){cases[i].name, run, 1};
        if (argc == 2 && strcmp(argv[1], cases[i].name) == 0) {
            current = &cases[i];
        }
    }
    return run_cases(argc, argv, all, case_count);
}
