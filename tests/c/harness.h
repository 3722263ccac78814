/*
 * The harness of the C tests. It knows the plugin by include/socketio_plugin.h alone and loads it as a studio
 * does, by dlopen. The other end is the official Socket.IO server, a server that says what the test tells it to,
 * frame by frame, or a raw socket that misbehaves.
 *
 * A case is a function without arguments, listed in TEST_MAIN:
 *
 *     static void text_arrives(void)
 *     {
 *         server_t *server = server_start(NULL);
 *         socketio_connection_t client = connected(server, NULL);
 *         SEND(client, .event = "greeting", .message = "hello");
 *         server_expect(server, "got " JSON({"nsp":"/","event":"greeting","args":["hello"]}));
 *     }
 *
 *     TEST_MAIN(CASE(text_arrives))
 *
 * The end of each case is checked by itself: `disable` succeeds, each started session had exactly one final On Stop,
 * no On Error is left that the case did not take, and threads and descriptors are as many as before. Each event is
 * held to the descriptor as it is polled.
 *
 * Environment: SOCKETIO_LIBRARY, SOCKETIO_TEST_SERVER (server.js), SOCKETIO_TEST_NODE, SOCKETIO_TEST_PYTHON,
 * SOCKETIO_TEST_SOCKETIOXIDE and SOCKETIO_TEST_HOSTILE (executables), SOCKETIO_TEST_CERTIFICATES (a folder),
 * SOCKETIO_TEST_TRANSPORT (the transport of connections whose fields name none; WebSocket Only if it is not set),
 * SOCKETIO_TEST_VARIANT (see Variants), SOCKETIO_TEST_SLOWDOWN (see `slowdown`), SOCKETIO_TEST_FOREIGN_THREADS (how
 * many a sanitizer keeps for itself), SOCKETIO_TEST_BROKER (on Windows: port and secret of broker.js, which starts the servers
 * and knows where they are).
 * Include this header first: it selects POSIX.
 */

#ifndef HARNESS_H
#define HARNESS_H

#define _DEFAULT_SOURCE

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "socketio_plugin.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A function whose arguments are those of printf: of the one that knows C99 where a system has two. */
#ifdef __MINGW_PRINTF_FORMAT
#  define PRINTF_LIKE(format_at, first) __attribute__((format(__MINGW_PRINTF_FORMAT, format_at, first)))
#else
#  define PRINTF_LIKE(format_at, first) __attribute__((format(printf, format_at, first)))
#endif

/* A JSON text, written without escapes. */
#define JSON(...) #__VA_ARGS__

/* Whether this program has memory and stacks of a sanitizer's making. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#  define UNDER_SANITIZER 1
#elif defined(__has_feature)
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#    define UNDER_SANITIZER 1
#  endif
#endif
#ifndef UNDER_SANITIZER
#  define UNDER_SANITIZER 0
#endif

/* How long an event may take. Only a failing test ever waits that long. */
#define PATIENCE_MS (15000 * slowdown())

/* ---- Cases ---- */

typedef struct test_case_t {
    const char *name;
    void (*run)(void);
    int once;
} test_case_t;

/* The flow_ cases run on each transport in turn; CASE_ONCE is for those that name their transports themselves, or speak
   of WebSocket frames. */
#define CASE(function) { #function, function, 0 }
#define CASE_ONCE(function) { #function, function, 1 }
#define TEST_MAIN(...)                                           \
    static const test_case_t all_cases[] = {__VA_ARGS__};        \
    int main(int argc, char **argv)                              \
    {                                                            \
        return run_cases(argc, argv, all_cases, COUNT(all_cases)); \
    }

int run_cases(int argc, char **argv, const test_case_t *cases, size_t count);

/* Ends the case as skipped. */
void skip(const char *reason) __attribute__((noreturn));

/* ---- Checks: each prints what was expected and what was seen, and ends the case ---- */

#define FAIL(...) fail_at(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition) ((condition) ? (void)0 : FAIL("expected: %s", #condition))
#define CHECK_INT(actual, expected) check_int(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))
#define CHECK_STATUS(actual, expected) check_status(__FILE__, __LINE__, #actual, actual, expected)
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, #actual, actual, expected)
#define CHECK_HAS(text, part) check_has(__FILE__, __LINE__, #text, text, part)

/* Waits for what no event tells: looks every millisecond. */
#define AWAIT(condition)                                                  \
    for (int64_t limit_ = now_ms() + PATIENCE_MS; !(condition);) {        \
        if (now_ms() > limit_) {                                          \
            FAIL("expected before long: %s", #condition);                 \
        }                                                                 \
        sleep_ms(1);                                                      \
    }

void fail_at(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4) __attribute__((noreturn));
void check_int(const char *file, int line, const char *what, long long actual, long long expected);
void check_status(const char *file, int line, const char *what, socketio_status_t actual, socketio_status_t expected);
void check_text(const char *file, int line, const char *what, const char *actual, const char *expected);
void check_has(const char *file, int line, const char *what, const char *text, const char *part);

/* ---- The library ---- */

#define PLUGIN_FUNCTIONS(X)                                                                               \
    X(abi_version) X(plugin_descriptor) X(status_name) X(plugin_enable) X(plugin_disable) X(plugin_state) \
    X(settings_check) X(settings_apply) X(connection_find) X(connection_info) X(node_execute)             \
    X(event_poll) X(event_wait) X(event_wake_handle) X(last_error) X(set_log_level)

/* All functions of the header, without their prefix. */
typedef struct plugin_t {
    void *library;
#define PLUGIN_POINTER(name) __typeof__(socketio_##name) *name;
    PLUGIN_FUNCTIONS(PLUGIN_POINTER)
#undef PLUGIN_POINTER
} plugin_t;

/* The one that the harness works with; filled in by `plugin_load`. */
extern plugin_t plugin;

/* Global: what it exports is found by whatever is loaded later, where the system has such a thing. */
plugin_t plugin_open(const char *path, int is_global);
void plugin_close(plugin_t *opened);
const char *library_path(void);
void plugin_load(void);

/* Whether it was built without optimisation, with its failpoints (src/diagnostics/failpoint.rs). */
int is_debug_library(void);

/* Loads the library and enables it with a host that keeps the log. */
void begin(void);
void enable(void);

/* Disables and takes in all events that are left. */
void disable(void);

/* The text of the last failure of this thread. Valid until the next call. */
const char *last_error(void);

/* All log lines so far, each "LEVEL message\n". */
const char *host_log(void);
int wake_count(void);

/* Whether the system says within so many milliseconds that this handle is set: it is of the system's kind. */
int wait_handle(const socketio_wake_handle_t *handle, int milliseconds);

const socketio_node_desc_t *node_desc(uint32_t node_type);

/* ---- Settings ---- */

/* What most tests add: retries that don't make a test wait. */
#define QUICK_RETRY JSON("reconnect_delay":0.05,"reconnect_delay_max":0.2,"reconnect_jitter":0)

socketio_status_t check_settings(const char *format, ...) PRINTF_LIKE(1, 2);
socketio_status_t apply_settings(const char *format, ...) PRINTF_LIKE(1, 2);

/* Adds a connection to the settings text under construction; `extra` are further fields, or NULL. Unless they name a
   transport, it is that of the run: WebSocket Only, if the environment says nothing else. */
void settings_add(const char *name, int port, const char *extra);
void settings_add_url(const char *name, const char *url, const char *extra);

/* Applies that text, which must be without errors and warnings, and begins a new one. */
void settings_apply(void);

socketio_connection_t find(const char *name);

/* One connection named "main" to a port of this machine, stopped. */
socketio_connection_t configure(int port, const char *extra);
socketio_connection_t configure_url(const char *url, const char *extra);

/* ---- Nodes ---- */

socketio_value_t value_text(const char *text);
socketio_value_t value_bytes(const void *bytes, size_t len);
socketio_value_t value_list(const socketio_bytes_t *list, size_t len);
socketio_value_t value_int(int64_t integer);
socketio_value_t value_number(double number);

/* A call without values: what misuse tests begin with. */
socketio_node_call_t node_call(uint32_t node_type, socketio_connection_t connection);

/* Fields that are 0 are not given, but for the event name and the message, which are then empty. */
typedef struct send_t {
    const char *event;
    const char *nsp;
    const char *format;
    const char *if_not_connected;
    double reply_timeout;
    const char *message;
    /* Instead of `message`. */
    socketio_bytes_t bytes;
    const socketio_bytes_t *attachments;
    size_t attachment_count;
    uint64_t node;
    /* The status that the call must return. */
    socketio_status_t expect;
} send_t;

/* Executes Socket.IO Send; gives the number of the request. */
#define SEND(connection, ...) send_message(__FILE__, __LINE__, connection, &(send_t){__VA_ARGS__})
uint64_t send_message(const char *file, int line, socketio_connection_t connection, const send_t *message);

typedef struct reply_t {
    const char *format;
    const char *message;
    const socketio_bytes_t *attachments;
    size_t attachment_count;
} reply_t;

#define REPLY(connection, reply_id, ...) reply_message(connection, reply_id, &(reply_t){__VA_ARGS__})
void reply_message(socketio_connection_t connection, int64_t reply_id, const reply_t *reply);

socketio_status_t start(socketio_connection_t connection);
socketio_status_t stop(socketio_connection_t connection);
void subscribe(socketio_connection_t connection, const char *event, const char *nsp);
void subscribe_latest(socketio_connection_t connection, const char *event, const char *nsp);
void unsubscribe(socketio_connection_t connection, const char *event, const char *nsp);

typedef struct state_t {
    char state[16];
    char transport[16];
    int64_t namespaces;
    int64_t queued;
    int64_t dropped;
    double round_trip_ms;
} state_t;

state_t state_of(socketio_connection_t connection);
socketio_connection_info_t info_of(socketio_connection_t connection);

/* Says that a session begins without a Start, by Autostart: it must end with one final On Stop too. */
void expect_autostart(socketio_connection_t connection);

/* Sessions begun so far need no On Stop: the case drops events on purpose, or takes them without the harness. */
void forgive_sessions(void);

/* ---- Events ---- */

/* Positions of outputs, as in the header. */
enum {
    START_SESSION_ID = 1, START_IS_RECONNECT, START_RECOVERED,
    STOP_REASON = 1, STOP_WILL_RECONNECT,
    ERROR_NAMESPACE = 1, ERROR_MESSAGE, ERROR_CODE, ERROR_REMEDY, ERROR_FATAL, ERROR_WILL_RETRY_IN,
    RECEIVE_NAMESPACE = 1, RECEIVE_NAME, RECEIVE_MESSAGE, RECEIVE_ARGUMENTS, RECEIVE_ATTACHMENTS, RECEIVE_REPLY_ID,
    SUBSCRIBED_NAMESPACE = 1, SUBSCRIBED_NAME,
    SEND_REPLY_PULSE = 1, SEND_REPLY, SEND_TIMEOUT_PULSE, SEND_REPLY_ARGUMENTS, SEND_REPLY_ATTACHMENTS
};

/* A deep copy of an event, valid until the case ends. */
typedef struct event_t {
    socketio_event_t head;
    socketio_value_t outputs[8];
    int taken;
    struct event_t *next;
} event_t;

/* Which event: fields that are 0 match every event. */
typedef struct wanted_t {
    uint32_t node_type;
    socketio_connection_t connection;
    uint64_t request;
    const char *nsp;
    /* Trigger Name or Event Name. */
    const char *name;
    /* Code of an error. */
    const char *code;
    /* 0: PATIENCE_MS. */
    int timeout_ms;
} wanted_t;

/* Takes the oldest event that matches and was not taken; waits for it. */
#define WAIT(...) wait_event(__FILE__, __LINE__, &(wanted_t){__VA_ARGS__})
#define WAIT_START(of) WAIT(.node_type = SOCKETIO_NODE_ON_START, .connection = (of))
#define WAIT_STOP(of) WAIT(.node_type = SOCKETIO_NODE_ON_STOP, .connection = (of))
#define WAIT_ERROR(of) WAIT(.node_type = SOCKETIO_NODE_ON_ERROR, .connection = (of))
#define WAIT_ERROR_CODE(of, called) WAIT(.node_type = SOCKETIO_NODE_ON_ERROR, .connection = (of), .code = called)
#define WAIT_RECEIVE(of, called) WAIT(.node_type = SOCKETIO_NODE_ON_RECEIVE, .connection = (of), .name = (called))
#define WAIT_SUBSCRIBED(of, called) WAIT(.node_type = SOCKETIO_NODE_ON_SUBSCRIBE, .connection = (of), .name = (called))
#define WAIT_REPLY(of) WAIT(.node_type = SOCKETIO_NODE_SEND, .request = (of))
const event_t *wait_event(const char *file, int line, const wanted_t *wanted);

/* The same without waiting: NULL if there is none. */
#define TAKE(...) take_event(&(wanted_t){__VA_ARGS__})
const event_t *take_event(const wanted_t *wanted);

/* Waits until a connection that stood is lost: On Stop with Will Reconnect true, and the On Error that says so. */
const event_t *wait_lost(socketio_connection_t connection);

/* Polls what is there and checks that nothing of it matches. Call `barrier` before, so that nothing is under way. */
#define CHECK_NONE(...) check_none(__FILE__, __LINE__, &(wanted_t){__VA_ARGS__})
void check_none(const char *file, int line, const wanted_t *wanted);

/* Takes all events that are there and match; gives their number. */
#define TAKE_ALL(...) take_all(&(wanted_t){__VA_ARGS__})
int take_all(const wanted_t *wanted);

/* Takes in events for a while: for "nothing more comes" where no server can serve as a barrier. */
void listen_for(int milliseconds);

/* Lets the rest of the case leave On Errors untaken. */
void ignore_errors(void);

const char *text_of(const event_t *event, uint32_t output);
int64_t int_of(const event_t *event, uint32_t output);
int bool_of(const event_t *event, uint32_t output);
double number_of(const event_t *event, uint32_t output);
socketio_bytes_list_t attachments_of(const event_t *event, uint32_t output);

/* ---- Servers ---- */

typedef struct server_t server_t;

/* Starts server.js on a port of its own; `options` is its JSON, or NULL. A few of them:
   {"tls":"good"}, {"tls":{"certificate":"good","client_ca":"ca"}}, {"host":"::1"}, {"version":3},
   {"transports":["polling"]}; server.js has all. */
server_t *server_start(const char *options);

/* Servers that know the portable part of the same commands and reports: python-socketio; socketioxide; nginx before two
   processes of server.js, as if they were one. */
server_t *python_start(const char *options);
server_t *socketioxide_start(const char *options);
server_t *nginx_start(const char *options);

/* Starts hostile-server (tests/hostile/) with one of its cases. */
server_t *hostile_start(const char *name);

/* What `hostile-server --list` prints. The caller frees it. */
char *hostile_list(void);

/* Starts proxy.js, which says what it can do; its reports and commands are waited for and given as a server's. */
server_t *proxy_start(const char *options);

int server_port(const server_t *server);

/* Its URL, by 127.0.0.1 or [::1]; https if its options say so. */
const char *server_url(const server_t *server);

/* SIGKILL; a graceful end; again on the same port; SIGSTOP and SIGCONT. */
void server_kill(server_t *server);
void server_stop(server_t *server);
void server_restart(server_t *server);
void server_freeze(server_t *server);
void server_thaw(server_t *server);

/* Sends a command and gives its answer, JSON. Valid until the next call for this server. */
const char *server_command(server_t *server, const char *format, ...) PRINTF_LIKE(2, 3);

/* Waits for a report line that is, or begins with, this text; gives the rest of the line. Other lines are kept. */
void server_expect(server_t *server, const char *line);
const char *server_wait(server_t *server, const char *beginning);

/* Whether such a report is here. Call after a command: its answer comes after all reports before it. */
int server_has(server_t *server, const char *beginning);

/* Loads, enables, configures "main" for the server's URL, starts it and waits until it is connected. */
socketio_connection_t connected(server_t *server, const char *extra);

/* Returns when all that the server sent before has arrived as events. */
void barrier(socketio_connection_t connection);

/* The path of a file of the test certificates (xtask/src/steps/certificates.rs has them all): "ca.pem", "good.der",
   "client.key.pem", ... Valid until the eighth next one. */
const char *certificate(const char *file);

/* SHA-256 of a certificate, in hex. Valid until the next one. */
const char *fingerprint(const char *name);

/* The fields of a connection that trusts this authority alone, and `extra`. Valid until the next ones. */
const char *trusting(const char *file, const char *extra);

/* A server that says only what the test gives it, frame by frame, to all its clients. */
server_t *scripted_start(void);

/* Opens Engine.IO with the client that just came. */
void script_handshake(server_t *server);

/* Starts a connection, opens Engine.IO and the default namespace, and waits for On Start. */
void script_start(server_t *server, socketio_connection_t connection);

/* As `connected`. */
socketio_connection_t script_connected(server_t *server, const char *extra);

/* Sends a text frame, or many equal short ones at once. */
void script_say(server_t *server, const char *frame);
void script_storm(server_t *server, const char *frame, int times);

/* Waits for a text frame of the client. */
void script_expect(server_t *server, const char *frame);

/* A port of this machine that stays free for us; nothing listens on it. */
int port_reserve(void);

/* A TCP server: it never says a word (NULL), or answers each request by this text, which may be empty, and closes. */
int raw_start(const char *answer);

/* How many connections it has accepted. */
int raw_accepted(int port);

/* ---- Variants ---- */

/* The reach_ cases run against each variant in turn: parts with a + between them, in SOCKETIO_TEST_VARIANT.
   npm4 npm3 python socketioxide nginx: the server. automatic websocket polling: the transport.
   tls: by https. connect-proxy connect-proxy-password socks5 socks5-password: through such a proxy. */
int variant_has(const char *part);

/* The Transport setting. */
const char *variant_transport(void);

/* Starts the variant's server, with these options (fields without braces, or NULL), and its proxy. */
server_t *variant_start(const char *options);

/* "main", configured for that server as the variant wants it, stopped. Call `begin` before. */
socketio_connection_t variant_configure(const char *extra);

/* NULL: without one. */
server_t *variant_proxy(void);

/* ---- The machine, as the library sees it ---- */

/* Shifts the clock of the day against the true one, from now on until the case ends. */
void clock_shift(int64_t seconds);

/* The machine was asleep for so long just now: its monotonic clock stood still. */
void machine_sleeps(int64_t seconds);

/* A name is looked up as these addresses, separated by spaces, or is unknown (NULL); or its look-up hangs until another
   of these is called for it, or until the case ends. The texts must stay. All other names are the system's. */
void name_resolves(const char *name, const char *addresses);
void name_hangs(const char *name);

/* How often such a name was looked up. */
int name_lookups(const char *name);

/* A variable of the environment, or NULL. Valid as long as nobody sets it. */
const char *environment(const char *name);

/* Sets a variable of the environment, or takes it out (NULL). Call it before `begin`: later no thread of the library may
   read it at the same time. Cases begin without variables that name proxies or certificates. */
void set_environment(const char *name, const char *value);

/* ---- Files: their names are UTF-8 on every system ---- */

/* The folder of the case, which is empty at first, and the path of a file in it, which is not there yet. Valid until
   the case ends: then folder and files go. */
const char *temporary_folder(void);
const char *temporary_path(const char *name);

/* Writes a file all at once: nobody reads half of it. */
void file_write(const char *path, const char *bytes, size_t len);
FILE *file_open(const char *path, const char *mode);

/* ---- Measures ---- */

int64_t now_ms(void);
void sleep_ms(int milliseconds);

/* How many times longer things may take here: 1, or more under a tool that watches the process. */
int slowdown(void);

/* Without those that a sanitizer keeps for itself. */
int thread_count(void);
int fd_count(void);
long rss_kib(void);

/* The most that was ever in use. */
long peak_kib(void);

/* Checks that not much more memory is in use than before. Under a tool that watches the process, or an emulator, it says
   nothing: these keep what was freed. */
#define CHECK_GROWTH(before_kib, most_kib) check_growth(__FILE__, __LINE__, before_kib, most_kib)
void check_growth(const char *file, int line, long before_kib, long most_kib);

/* Waits until the process has this many threads: a joined one stays in /proc for a moment. */
void wait_threads(int count);

/* FNV-1a, as server.js has it. */
uint32_t checksum(const void *bytes, size_t len);

#endif /* HARNESS_H */
