/* A machine that has no memory left, and a host that goes on whatever a call says; for the programs about that.

   The library's allocations end here, because an executable's symbols go before those of libc: those of its threads,
   and those of a host's thread inside a call. */

#ifndef MISUSE_MEMORY_H
#define MISUSE_MEMORY_H

#define _GNU_SOURCE

#include "harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Allocations ---- */

/* Whose allocations fail. */
enum { OF_HOST = 1, OF_LIBRARY = 2 };

static int armed;
/* The so many-th from now on; 0: each that is larger than `most`. */
static long nth;
static size_t most;
static long seen;
static int failed;
/* The test's own allocations never fail. */
static __thread int is_host;
static __thread int in_call;
/* Rust's runtime ends the process if it has no memory for the name plate of a thread that is started. */
#define NAME_PLATE 64
static __thread int in_enable;

/* The C library ends the process itself if it has no memory for a thread's variables and their destructors, of which
   each library has some. */
static int is_demanded(const void *caller)
{
    Dl_info info;
    if (dladdr(caller, &info) == 0 || info.dli_fname == NULL) {
        return 0;
    }
    return strstr(info.dli_fname, "ld-linux") != NULL
           || (info.dli_sname != NULL && strcmp(info.dli_sname, "__cxa_thread_atexit_impl") == 0);
}

static int has_room(size_t bytes, const void *caller)
{
    int whose = !is_host ? OF_LIBRARY : in_call ? OF_HOST : 0;
    if ((__atomic_load_n(&armed, __ATOMIC_SEQ_CST) & whose) == 0 || bytes <= most || (in_enable && bytes < NAME_PLATE)
        || is_demanded(caller)) {
        return 1;
    }
    long number = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    if (nth != 0 && number != nth) {
        return 1;
    }
    __atomic_store_n(&failed, 1, __ATOMIC_SEQ_CST);
    errno = ENOMEM;
    return 0;
}

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

/* A sanitizer has allocations of its own. */
#if !UNDER_SANITIZER
void *malloc(size_t bytes)
{
    return has_room(bytes, __builtin_return_address(0)) ? __libc_malloc(bytes) : NULL;
}

void *calloc(size_t count, size_t bytes)
{
    return has_room(count * bytes, __builtin_return_address(0)) ? __libc_calloc(count, bytes) : NULL;
}

void *realloc(void *old, size_t bytes)
{
    return bytes == 0 || has_room(bytes, __builtin_return_address(0)) ? __libc_realloc(old, bytes) : NULL;
}

int posix_memalign(void **place, size_t alignment, size_t bytes)
{
    void *memory = has_room(bytes, __builtin_return_address(0)) ? __libc_memalign(alignment, bytes) : NULL;
    if (memory == NULL) {
        return ENOMEM;
    }
    *place = memory;
    return 0;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return has_room(bytes, __builtin_return_address(0)) ? __libc_memalign(alignment, bytes) : NULL;
}
#endif

static void arm(int whose, long number, size_t larger_than)
{
    nth = number;
    most = larger_than;
    seen = 0;
    failed = 0;
    __atomic_store_n(&armed, whose, __ATOMIC_SEQ_CST);
}

static void disarm(void)
{
    __atomic_store_n(&armed, 0, __ATOMIC_SEQ_CST);
}

/* ---- A host that goes on whatever a call says ---- */

/* Calls again as long as there is no memory. */
#define INSIST(call)                                                     \
    for (int64_t limit_ = now_ms() + PATIENCE_MS;;) {                    \
        in_call = 1;                                                     \
        socketio_status_t status_ = (call);                              \
        in_call = 0;                                                     \
        if (status_ >= 0) {                                              \
            break;                                                       \
        }                                                                \
        if (status_ != SOCKETIO_E_RESOURCES || now_ms() > limit_) {      \
            FAIL("%s: %s %s", #call, plugin.status_name(status_), last_error()); \
        }                                                                \
    }

static socketio_connection_t client;
static uint8_t *payload;
static size_t payload_len;

/* What was heard since the last look. */
typedef struct heard_t {
    int started;
    int ended;
    int echoed;
    int unanswered;
} heard_t;

static void listen_once(heard_t *heard)
{
    in_call = 1;
    socketio_status_t status = plugin.event_wait(20);
    in_call = 0;
    CHECK(status >= 0 || status == SOCKETIO_E_RESOURCES || status == SOCKETIO_E_STATE);
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    in_call = 1;
    status = plugin.event_poll(0, &batch);
    in_call = 0;
    if (status == SOCKETIO_E_RESOURCES || status == SOCKETIO_E_STATE) {
        return;
    }
    CHECK(status >= 0);
    for (uint32_t i = 0; i < batch.count; i++) {
        const socketio_event_t *event = batch.events[i];
        heard->started += event->node_type == SOCKETIO_NODE_ON_START;
        heard->ended += event->node_type == SOCKETIO_NODE_ON_STOP && !event->outputs[STOP_WILL_RECONNECT].as.boolean;
        heard->unanswered += event->node_type == SOCKETIO_NODE_SEND && event->pulse == SEND_TIMEOUT_PULSE;
        if (event->node_type == SOCKETIO_NODE_ON_RECEIVE) {
            const socketio_bytes_list_t list = event->outputs[RECEIVE_ATTACHMENTS].as.bytes_list;
            CHECK(list.len == 1 && list.ptr[0].len == payload_len);
            CHECK(memcmp(list.ptr[0].ptr, payload, payload_len) == 0);
            heard->echoed++;
        }
    }
}

static socketio_status_t send_payload(double reply_timeout)
{
    const socketio_value_t attributes[] = {{0}, value_text("Binary"), {0}, value_number(reply_timeout)};
    const socketio_value_t inputs[] = {{0}, value_text("echo"), {0}, value_bytes(payload, payload_len)};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SEND, client);
    call.attributes = attributes;
    call.attribute_count = COUNT(attributes);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    return plugin.node_execute(&call, NULL);
}

static socketio_status_t subscribe_to_echo(void)
{
    const socketio_value_t inputs[] = {{0}, value_text("echo")};
    socketio_node_call_t call = node_call(SOCKETIO_NODE_SUBSCRIBE, client);
    call.inputs = inputs;
    call.input_count = COUNT(inputs);
    return plugin.node_execute(&call, NULL);
}

static void pulse(uint32_t node_type)
{
    const socketio_node_call_t call = node_call(node_type, client);
    INSIST(plugin.node_execute(&call, NULL));
}

static void activate(const char *settings)
{
    socketio_host_t host = {.struct_size = sizeof host, .abi_version = SOCKETIO_ABI_VERSION};
    in_enable = 1;
    INSIST(plugin.plugin_enable(&host));
    in_enable = 0;
    INSIST(plugin.settings_apply(settings, strlen(settings)));
    INSIST(plugin.connection_find("main", 4, &client));
}

/* Until an echo came back. A message or a session that fell victim is sent, is started again. */
static void converse(void)
{
    INSIST(subscribe_to_echo());
    pulse(SOCKETIO_NODE_START);
    INSIST(send_payload(0));
    heard_t heard = {0};
    int64_t sent = now_ms();
    for (int64_t limit = now_ms() + PATIENCE_MS; heard.echoed == 0;) {
        CHECK(now_ms() < limit);
        listen_once(&heard);
        if (heard.ended > 0) {
            heard.ended = 0;
            pulse(SOCKETIO_NODE_START);
            INSIST(subscribe_to_echo());
        }
        if (now_ms() - sent > 500) {
            INSIST(send_payload(0));
            sent = now_ms();
        }
    }
}

static void end_session(void)
{
    pulse(SOCKETIO_NODE_STOP);
    int64_t limit = now_ms() + PATIENCE_MS;
    while (now_ms() < limit && plugin.plugin_state() != SOCKETIO_PLUGIN_DISABLED) {
        in_call = 1;
        socketio_status_t status = plugin.plugin_disable(1000);
        in_call = 0;
        CHECK(status >= 0 || status == SOCKETIO_E_TIMEOUT || status == SOCKETIO_E_RESOURCES);
    }
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
}

static void set_payload(size_t len)
{
    payload_len = len;
    payload = malloc(len);
    CHECK(payload != NULL);
    for (size_t i = 0; i < len; i++) {
        payload[i] = (uint8_t)i;
    }
}

static char settings[512];

static void write_settings(server_t *server)
{
    snprintf(settings, sizeof settings,
             "{\"connections\":[{\"name\":\"main\",\"url\":\"%s\",\"transport\":\"Automatic\"," QUICK_RETRY "}]}",
             server_url(server));
}

#endif /* MISUSE_MEMORY_H */
