/*
 * A host that was built with another header: an older one, whose structs are shorter and which lacks functions, or a
 * newer one, whose structs are longer and which has functions that the library does not know. `cargo xtask test` derives
 * both from this version's header and names them by OTHER_HEADER.
 *
 * Of the harness it knows only what does not speak of the plugin.
 */

#define _DEFAULT_SOURCE

#ifdef OTHER_HEADER
#include OTHER_HEADER
#else
#include "socketio_plugin.h"
#endif

#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* ---- What the harness has for it ---- */

typedef struct test_case_t {
    const char *name;
    void (*run)(void);
    int once;
} test_case_t;

typedef struct server_t server_t;

int run_cases(int argc, char **argv, const test_case_t *cases, size_t count);
void skip(const char *reason);
void fail_at(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4), noreturn));
const char *library_path(void);
int slowdown(void);
int64_t now_ms(void);
server_t *server_start(const char *options);
const char *server_url(const server_t *server);
const char *server_command(server_t *server, const char *format, ...) __attribute__((format(printf, 2, 3)));
void server_expect(server_t *server, const char *line);

#define CHECK(condition) \
    ((condition) ? (void)0 : fail_at(__FILE__, __LINE__, "expected: %s (%s)", #condition, last_error()))

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- The library ---- */

#define FUNCTIONS(X)                                                                                          \
    X(abi_version) X(plugin_descriptor) X(plugin_enable) X(plugin_disable) X(settings_apply) X(connection_find) \
    X(connection_info) X(node_execute) X(event_poll) X(last_error)

static struct {
#define POINTER(name) __typeof__(socketio_##name) *name;
    FUNCTIONS(POINTER)
#undef POINTER
} plugin;

static void *library;

static const char *last_error(void)
{
    static char text[1024];
    if (plugin.last_error != NULL) {
        plugin.last_error(text, sizeof text);
    }
    return text;
}

static void load(void)
{
    library = dlopen(library_path(), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fail_at(__FILE__, __LINE__, "%s", dlerror());
    }
#define SYMBOL(name)                                                              \
    {                                                                             \
        void *symbol = dlsym(library, "socketio_" #name);                         \
        CHECK(symbol != NULL);                                                    \
        memcpy(&plugin.name, &symbol, sizeof symbol);                             \
    }
    FUNCTIONS(SYMBOL)
#undef SYMBOL
    CHECK(plugin.abi_version() >> 16 == SOCKETIO_ABI_VERSION >> 16);
}

static void enable(void)
{
    socketio_host_t host;
    memset(&host, 0, sizeof host);
    host.struct_size = sizeof host;
    host.abi_version = SOCKETIO_ABI_VERSION;
    host.name = "Another host";
    load();
    CHECK(plugin.plugin_enable(&host) == SOCKETIO_OK);
}

/* ---- Structs that the library fills: nothing is written behind their end ---- */

#define GUARD 0xa5

/* A struct with room behind it that must stay as it is. */
#define GUARDED(type)             \
    struct {                      \
        type it;                  \
        uint8_t behind[64];       \
    }

#define PREPARE(guarded)                                          \
    (memset(&(guarded), GUARD, sizeof(guarded)),                  \
     memset(&(guarded).it, 0, sizeof(guarded).it),                \
     (guarded).it.struct_size = sizeof(guarded).it)

#define CHECK_GUARD(guarded)                                      \
    for (size_t i_ = 0; i_ < sizeof(guarded).behind; i_++) {      \
        CHECK((guarded).behind[i_] == GUARD);                     \
    }                                                             \
    CHECK((guarded).it.struct_size <= sizeof(guarded).it)

/* ---- A session ---- */

typedef GUARDED(socketio_event_batch_t) batch_t;

static const socketio_event_t *wait_event(batch_t *batch, uint32_t node_type)
{
    for (int64_t limit = now_ms() + 15000 * slowdown(); now_ms() < limit; poll(NULL, 0, 1)) {
        PREPARE(*batch);
        /* One at a time: what comes after it is for the next call. */
        CHECK(plugin.event_poll(1, &batch->it) >= 0);
        CHECK_GUARD(*batch);
        if (batch->it.count == 1 && batch->it.events[0]->node_type == node_type) {
            return batch->it.events[0];
        }
    }
    fail_at(__FILE__, __LINE__, "no event of node %u came", (unsigned)node_type);
}

static socketio_value_t text(const char *text)
{
    socketio_value_t value;
    memset(&value, 0, sizeof value);
    value.type = SOCKETIO_TYPE_STRING;
    value.as.string.ptr = text;
    value.as.string.len = strlen(text);
    return value;
}

static uint64_t execute(socketio_connection_t connection, uint32_t node_type, const char *event, const char *message,
                        double reply_timeout)
{
    socketio_value_t attributes[4];
    socketio_value_t inputs[4];
    socketio_node_call_t call;
    GUARDED(socketio_node_result_t) result;
    memset(attributes, 0, sizeof attributes);
    memset(inputs, 0, sizeof inputs);
    memset(&call, 0, sizeof call);
    attributes[3].type = SOCKETIO_TYPE_FLOAT;
    attributes[3].as.number = reply_timeout;
    inputs[1] = text(event);
    inputs[3] = text(message);
    call.struct_size = sizeof call;
    call.node_type = node_type;
    call.connection = connection;
    call.attributes = attributes;
    call.inputs = inputs;
    call.attribute_count = reply_timeout > 0 ? 4 : 0;
    call.input_count = message[0] != 0 ? 4 : event[0] != 0 ? 2 : 0;
    PREPARE(result);
    CHECK(plugin.node_execute(&call, &result.it) == SOCKETIO_OK);
    CHECK_GUARD(result);
    return result.it.request;
}

static void a_session_works(void)
{
    server_t *server = server_start(NULL);
    enable();
    char settings[256] = "{\"connections\":[{\"name\":\"main\",\"url\":\"";
    strcat(strcat(settings, server_url(server)), "\"}]}");
    CHECK(plugin.settings_apply(settings, strlen(settings)) == SOCKETIO_OK);
    socketio_connection_t main = 0;
    CHECK(plugin.connection_find("main", 4, &main) == SOCKETIO_OK);
    execute(main, SOCKETIO_NODE_SUBSCRIBE, "news", "", 0);
    execute(main, SOCKETIO_NODE_START, "", "", 0);
    batch_t batch;
    wait_event(&batch, SOCKETIO_NODE_ON_SUBSCRIBE);

    GUARDED(socketio_connection_info_t) info;
    PREPARE(info);
    CHECK(plugin.connection_info(main, &info.it) == SOCKETIO_OK);
    CHECK_GUARD(info);
    CHECK(info.it.state == SOCKETIO_CONNECTION_CONNECTED);

    uint64_t request = execute(main, SOCKETIO_NODE_SEND, "ack", "question", 10);
    CHECK(request != 0);
    server_expect(server, "got {\"nsp\":\"/\",\"event\":\"ack\",\"args\":[\"question\"],\"ack\":true}");
    CHECK(wait_event(&batch, SOCKETIO_NODE_SEND)->request == request);

    server_command(server, "emit {\"event\":\"news\",\"args\":[\"hello\"]}");
    const socketio_event_t *news = wait_event(&batch, SOCKETIO_NODE_ON_RECEIVE);
    CHECK(news->output_count > 3 && strcmp(news->outputs[3].as.string.ptr, "hello") == 0);

    execute(main, SOCKETIO_NODE_STOP, "", "", 0);
    wait_event(&batch, SOCKETIO_NODE_ON_STOP);
    CHECK(plugin.plugin_disable(3000u * (uint32_t)slowdown()) == SOCKETIO_OK);
}

static void the_descriptor_is_read_up_to_its_size(void)
{
    load();
    const socketio_plugin_desc_t *desc = plugin.plugin_descriptor();
    CHECK(desc->node_count > 0);
    for (uint32_t i = 0; i < desc->node_count; i++) {
        const socketio_node_desc_t *node = desc->nodes[i];
        CHECK(node->label != NULL);
        for (uint32_t k = 0; k < node->input_count; k++) {
            CHECK(node->inputs[k]->label != NULL);
        }
#if defined(HEADER_IS_OLDER)
        CHECK(node->struct_size > sizeof *node);
#elif defined(HEADER_IS_NEWER)
        CHECK(node->struct_size < sizeof *node);
#endif
    }
}

/* ---- What a newer host asks for and this library can't do ---- */

static void what_the_library_does_not_know_is_refused(void)
{
#ifdef HEADER_IS_NEWER
    load();
    socketio_host_t host;
    memset(&host, 0, sizeof host);
    host.struct_size = sizeof host;
    host.abi_version = SOCKETIO_ABI_VERSION;
    host.later = 1;
    CHECK(plugin.plugin_enable(&host) == SOCKETIO_E_ABI);
    CHECK(last_error()[0] != 0);
    CHECK(dlsym(library, "socketio_later") == NULL);
    __typeof__(socketio_later) *later = NULL;
    (void)later;
    CHECK((plugin.abi_version() & 0xffff) < (SOCKETIO_ABI_VERSION & 0xffff));
#endif
}

int main(int argc, char **argv)
{
    static const test_case_t cases[] = {
        {"a_session_works", a_session_works, 0},
        {"the_descriptor_is_read_up_to_its_size", the_descriptor_is_read_up_to_its_size, 0},
        {"what_the_library_does_not_know_is_refused", what_the_library_does_not_know_is_refused, 0},
    };
    return run_cases(argc, argv, cases, COUNT(cases));
}
