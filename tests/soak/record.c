/* What the servers wrote down, against what the host knows. */

#include "soak.h"

#include <stdio.h>
#include <stdlib.h>

#define SERVER_COUNT 3

/* The numbers of one stream that a session brought. */
typedef struct range_t {
    uint32_t count, first, last;
} range_t;

/* A session of a client, as its server saw it. */
typedef struct session_t {
    int client;
    char sid[SID_SIZE];
    /* Of those that the host saw: the message that was the next one when the session before was known to be over. */
    int host_saw;
    uint32_t waiting_from;
    range_t streams[STREAM_COUNT];
} session_t;

/* An On Stop, and the message that was the next one then. */
typedef struct stop_t {
    int client;
    int is_final;
    uint32_t next;
} stop_t;

static const char *const stream_names[STREAM_COUNT] = {"ask", "tell", "pose"};

static const char *folder_of_records;
static session_t *sessions;
static size_t session_count;
static stop_t *stops;
static size_t stop_count;
/* Of both. */
static size_t capacity;
/* For each client and stream: what arrived. */
static uint8_t *arrived[CLIENT_COUNT][STREAM_COUNT];

void record_begin(const char *folder, int seconds)
{
    folder_of_records = folder;
    /* All of it at once and written, so that it does not look like growth later. */
    capacity = (size_t)seconds * 20 + 5000;
    sessions = malloc(capacity * sizeof *sessions);
    stops = malloc(capacity * sizeof *stops);
    CHECK(sessions != NULL && stops != NULL);
    memset(sessions, 0xff, capacity * sizeof *sessions);
    memset(stops, 0xff, capacity * sizeof *stops);
}

static session_t *add_session(int client, const char *sid)
{
    CHECK(session_count < capacity);
    session_t *session = &sessions[session_count++];
    memset(session, 0, sizeof *session);
    session->client = client;
    snprintf(session->sid, sizeof session->sid, "%s", sid);
    return session;
}

static session_t *find_session(int client, const char *sid)
{
    /* Those looked for are most often among the last ones. */
    for (size_t i = session_count; i > 0; i--) {
        if (sessions[i - 1].client == client && strcmp(sessions[i - 1].sid, sid) == 0) {
            return &sessions[i - 1];
        }
    }
    return NULL;
}

void record_session(const client_t *client)
{
    session_t *session = add_session((int)(client - clients), client->sid);
    session->host_saw = 1;
    session->waiting_from = client->waiting_from;
}

void record_stop(const client_t *client, int is_final)
{
    CHECK(stop_count < capacity);
    stops[stop_count++] = (stop_t){(int)(client - clients), is_final, client->next[TELL]};
}

static void check_hole(int client, int stream, const session_t *session, uint32_t number)
{
    uint32_t last = session->streams[stream].last;
    if (stream == TELL) {
        broken(LOST_IN_SESSION, "%s: tell %u came after %u", clients[client].name, number, last);
    }
    for (uint32_t missing = last + 1; stream == ASK && missing < number; missing++) {
        /* Its time was over before it could be sent. */
        if (clients[client].asks[missing] != ASK_TIMED_OUT) {
            broken(LOST_IN_SESSION, "%s: ask %u came after %u, and %u was no Timeout", clients[client].name, number,
                   last, missing);
        }
    }
}

static void take_arrival(int client, session_t *session, int stream, uint32_t number)
{
    range_t *range = &session->streams[stream];
    CHECK(number < clients[client].next[stream]);
    if (arrived[client][stream][number]++ > 0) {
        broken(TWICE, "%s: %s %u arrived again, in session %s", clients[client].name, stream_names[stream], number,
               session->sid);
        return;
    }
    if (range->count == 0) {
        range->first = number;
    } else if (number < range->last) {
        broken(ORDER, "%s: %s %u arrived after %u, in session %s", clients[client].name, stream_names[stream], number,
               range->last, session->sid);
    } else if (number > range->last + 1) {
        check_hole(client, stream, session, number);
    }
    range->count++;
    range->last = number;
}

static void take_line(const char *line)
{
    char kind[16], sid[SID_SIZE], flaw[2] = "";
    int client = 0;
    unsigned number = 0;
    int fields = sscanf(line, "%15s %d %31s %u %1s", kind, &client, sid, &number, flaw);
    CHECK(fields >= 3 && client >= 0 && client < CLIENT_COUNT);
    session_t *session = find_session(client, sid);
    if (strcmp(kind, "open") == 0) {
        /* The order is that of the host, where it saw the session; the others brought nothing. */
        if (session == NULL) {
            add_session(client, sid);
        }
        return;
    }
    CHECK(fields >= 4 && session != NULL);
    if (flaw[0] != 0) {
        broken(CONTENT, "%s: %s", clients[client].name, line);
    }
    if (strcmp(kind, "answer") == 0) {
        clients[client].seen.answered++;
        return;
    }
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (strcmp(kind, stream_names[stream]) == 0) {
            if (!session->host_saw) {
                broken(ORDER, "%s: %s %u came in a session that the host never saw", clients[client].name, kind,
                       number);
            }
            take_arrival(client, session, stream, number);
        }
    }
}

static void read_record(int server)
{
    char path[1024], line[256];
    snprintf(path, sizeof path, "%s/record.%d", folder_of_records, server);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        take_line(line);
    }
    fclose(file);
}

/* The sessions of a client, one after the other, carry growing numbers; what waited for one of them came by it. */
static void check_sessions(int client)
{
    range_t before[STREAM_COUNT] = {{0}};
    for (size_t i = 0; i < session_count; i++) {
        const session_t *session = &sessions[i];
        if (session->client != client) {
            continue;
        }
        const range_t *told = &session->streams[TELL];
        if (session->host_saw && told->count > 0 && told->first > session->waiting_from) {
            broken(LOST_WAITING, "%s: tell %u was sent while there was no connection; session %s began with %u",
                   clients[client].name, session->waiting_from, session->sid, told->first);
        }
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            const range_t *range = &session->streams[stream];
            if (range->count == 0) {
                continue;
            }
            if (before[stream].count > 0 && range->first < before[stream].last) {
                broken(ORDER, "%s: session %s brought %s %u, the one before had brought %u", clients[client].name,
                       session->sid, stream_names[stream], range->first, before[stream].last);
            }
            before[stream] = *range;
        }
    }
}

/* Whether this message, which is lost, was given up by a Stop or a disable: that was the end of what it was sent in. */
static int was_given_up(int client, uint32_t number)
{
    static size_t at[CLIENT_COUNT];
    size_t *i = &at[client];
    while (*i < stop_count && (stops[*i].client != client || stops[*i].next <= number)) {
        (*i)++;
    }
    return *i < stop_count && stops[*i].is_final;
}

static void check_numbers(int number)
{
    client_t *client = &clients[number];
    for (uint32_t n = 0; n < client->next[ASK]; n++) {
        int has_arrived = arrived[number][ASK][n] > 0;
        client->seen.asked_and_arrived += (uint32_t)has_arrived;
        if (client->asks[n] == ASK_REPLIED && !has_arrived) {
            broken(LOST_ACKNOWLEDGED, "%s: ask %u was acknowledged and is not in the record", client->name, n);
        }
        client->seen.arrived_without_reply += client->asks[n] == ASK_TIMED_OUT && has_arrived;
    }
    for (uint32_t n = 0; n < client->next[TELL]; n++) {
        int has_arrived = arrived[number][TELL][n] > 0;
        client->seen.told_and_arrived += (uint32_t)has_arrived;
        if (!has_arrived) {
            *(was_given_up(number, n) ? &client->seen.given_up : &client->seen.lost_at_breaks) += 1;
        }
        if (!has_arrived && client->calm[ASK] > 0 && n >= client->calm[TELL]) {
            broken(CALM, "%s: tell %u of the last volley did not arrive", client->name, n);
        }
    }
    for (uint32_t n = 0; n < client->next[POSE]; n++) {
        client->seen.posed_and_arrived += arrived[number][POSE][n] > 0;
    }
    if (client->next[POSE] > 0 && arrived[number][POSE][client->next[POSE] - 1] == 0) {
        broken(CALM, "%s: the latest pose did not arrive", client->name);
    }
}

void record_check(void)
{
    for (int client = 0; client < CLIENT_COUNT; client++) {
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            arrived[client][stream] = calloc(most_numbers, 1);
            CHECK(arrived[client][stream] != NULL);
        }
    }
    for (int server = 0; server < SERVER_COUNT; server++) {
        read_record(server);
    }
    for (int client = 0; client < CLIENT_COUNT; client++) {
        check_sessions(client);
        check_numbers(client);
    }
}
