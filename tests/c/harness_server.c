/* Servers: the official one, a scripted one, and raw sockets. */

#include "harness_parts.h"
#include "harness_sockets.h"

#include <pthread.h>
#include <stdlib.h>

struct server_t {
    int port;
    /* What runs it: as `child_start` takes it. */
    const char *program;
    const char *script;
    const char *options;
    char url[64];
    /* It has processes of its own to end. */
    int ends_by_itself;
    child_t child;
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
    int ends;
    /* Connections that are held open. */
    int held[64];
    int held_count;
} raw_t;

static server_t servers[8];
static size_t server_count;
static raw_t raws[16];
static size_t raw_count;
static int reserved_ports[64];
static size_t reserved_count;

/* ---- Servers ---- */

int port_reserve(void)
{
    /* Bound, not listening: others can't get the port, connecting to it is refused, and a server of ours may bind
       it too because both ends set SO_REUSEADDR. */
    const int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = (int)socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    keep_from_children(fd);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (const void *)&one, sizeof one) == 0);
    CHECK(bind(fd, (struct sockaddr *)&address, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    CHECK(reserved_count < COUNT(reserved_ports));
    reserved_ports[reserved_count++] = fd;
    return ntohs(address.sin_port);
}

static void server_spawn(server_t *server)
{
    char port[8];
    snprintf(port, sizeof port, "%d", server->port);
    child_start(&server->child, server->program, server->script, port, server->options, server->ends_by_itself);
    server_wait(server, "ready ");
}

/* `program` is the name of an environment variable, `script` lies beside server.js. */
static server_t *spawn(const char *program, const char *script, const char *options, int ends_by_itself)
{
    CHECK(server_count < COUNT(servers));
    server_t *server = &servers[server_count++];
    server->port = port_reserve();
    server->program = program;
    server->script = script;
    server->options = options != NULL ? options : "{}";
    server->ends_by_itself = ends_by_itself;
    const char *scheme = strstr(server->options, "\"tls\"") != NULL ? "https" : "http";
    const char *host = strstr(server->options, "\"host\":\"::1\"") != NULL ? "[::1]" : "127.0.0.1";
    snprintf(server->url, sizeof server->url, "%s://%s:%d", scheme, host, server->port);
    server_spawn(server);
    return server;
}

server_t *server_start(const char *options)
{
    return spawn("SOCKETIO_TEST_NODE", "server.js", options, 0);
}

server_t *python_start(const char *options)
{
    return spawn("SOCKETIO_TEST_PYTHON", "server.py", options, 0);
}

server_t *socketioxide_start(const char *options)
{
    return spawn("SOCKETIO_TEST_SOCKETIOXIDE", NULL, options, 0);
}

server_t *nginx_start(const char *options)
{
    return spawn("SOCKETIO_TEST_NODE", "nginx.js", options, 1);
}

server_t *hostile_start(const char *name)
{
    return spawn("SOCKETIO_TEST_HOSTILE", NULL, name, 0);
}

char *hostile_list(void)
{
    text_t list = {0};
    child_t child;
    char bytes[4096];
    child_start(&child, "SOCKETIO_TEST_HOSTILE", NULL, "--list", "", 1);
    for (size_t len; (len = child_read(&child, bytes, sizeof bytes, -1)) > 0;) {
        text_append(&list, bytes, len);
    }
    child_end(&child);
    return list.ptr;
}

server_t *proxy_start(const char *options)
{
    return spawn("SOCKETIO_TEST_NODE", "proxy.js", options, 0);
}

const char *server_url(const server_t *server)
{
    return server->url;
}

int server_port(const server_t *server)
{
    return server->port;
}

static void server_end(server_t *server)
{
    if (server->child.id == 0) {
        return;
    }
    child_end(&server->child);
    server->received.len = 0;
    while (server->line_count > 0) {
        free(server->lines[--server->line_count]);
    }
}

void server_kill(server_t *server)
{
    if (server->child.id != 0) {
        child_signal(&server->child, CHILD_KILL);
        server_end(server);
    }
}

void server_stop(server_t *server)
{
    server_command(server, "quit");
    /* Its stdin stays open until it has ended by itself. */
    char rest[4096];
    while (child_read(&server->child, rest, sizeof rest, -1) > 0) {
    }
    server_end(server);
}

void server_restart(server_t *server)
{
    server_spawn(server);
}

void server_freeze(server_t *server)
{
    child_signal(&server->child, CHILD_FREEZE);
}

void server_thaw(server_t *server)
{
    child_signal(&server->child, CHILD_THAW);
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
    int64_t left = limit - now_ms();
    char bytes[65536];
    size_t len = left > 0 ? child_read(&server->child, bytes, sizeof bytes, (int)left) : 0;
    if (len == 0) {
        for (size_t i = 0; i < server->line_count; i++) {
            printf("  server: %.500s\n", server->lines[i]);
        }
        FAIL("expected from the server: %s", expected);
    }
    text_append(&server->received, bytes, len);
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
    child_write(&server->child, command.ptr, command.len);
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
    socketio_connection_t connection = configure_url(server->url, extra);
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

socketio_connection_t script_connected(server_t *server, const char *extra)
{
    begin();
    socketio_connection_t connection = configure(server->port, extra);
    script_start(server, connection);
    return connection;
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

/* ---- Certificates ---- */

const char *certificate(const char *file)
{
    /* A few at a time stay valid. */
    static char paths[8][1024];
    static size_t next;
    const char *folder = environment("SOCKETIO_TEST_CERTIFICATES");
    if (folder == NULL) {
        skip("SOCKETIO_TEST_CERTIFICATES is not set");
    }
    char *path = paths[next++ % COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", folder, file);
    return path;
}

const char *fingerprint(const char *name)
{
    static char hex[64 + 1];
    char file[64];
    snprintf(file, sizeof file, "%s.sha256", name);
    FILE *opened = file_open(certificate(file), "rb");
    CHECK(opened != NULL && fread(hex, 1, 64, opened) == 64);
    fclose(opened);
    return hex;
}

const char *trusting(const char *file, const char *extra)
{
    static text_t fields;
    fields.len = 0;
    text_format(&fields, "\"certificate_check\":\"CA File Only\",\"ca_file\":\"%s\"", certificate(file));
    text_format(&fields, "%s%s", extra != NULL ? "," : "", extra != NULL ? extra : "");
    return fields.ptr;
}

/* ---- Raw servers ---- */

static void raw_answer(raw_t *raw, int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char request[4096 + 1] = "";
    size_t len = 0;
    while (strstr(request, "\r\n\r\n") == NULL && len < sizeof request - 1) {
        if (poll(&readable, 1, 2000) != 1) {
            return;
        }
        int more = (int)recv(fd, request + len, sizeof request - 1 - len, 0);
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
    for (int fd; (fd = (int)accept(raw->listener, NULL, NULL)) >= 0;) {
        if (__sync_fetch_and_add(&raw->ends, 0)) {
            close_socket(fd);
            break;
        }
        __sync_fetch_and_add(&raw->accepted, 1);
        if (raw->answer == NULL && raw->held_count < (int)COUNT(raw->held)) {
            raw->held[raw->held_count++] = fd;
            continue;
        }
        if (raw->answer != NULL) {
            raw_answer(raw, fd);
        }
        close_socket(fd);
    }
    while (raw->held_count > 0) {
        close_socket(raw->held[--raw->held_count]);
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
    /* What `accept` waits for on every system: one more connection. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)raw->port);
    __sync_fetch_and_add(&raw->ends, 1);
    int fd = (int)socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(pthread_join(raw->thread, NULL) == 0);
    close_socket(fd);
    close_socket(raw->listener);
}

void end_servers(void)
{
    for (size_t i = 0; i < server_count; i++) {
        if (servers[i].ends_by_itself) {
            server_end(&servers[i]);
        } else {
            server_kill(&servers[i]);
        }
    }
    for (size_t i = 0; i < raw_count; i++) {
        raw_stop(&raws[i]);
    }
    for (size_t i = 0; i < reserved_count; i++) {
        close_socket(reserved_ports[i]);
    }
}
