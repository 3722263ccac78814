/* The library, its log and its settings. */

#include "harness_parts.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#define DISABLE_LIMIT_MS (3000u * (uint32_t)slowdown())

plugin_t plugin;

static text_t log_text;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static int wakes;
static text_t settings_text;

/* ---- The library ---- */

const char *library_path(void)
{
    const char *path = environment("SOCKETIO_LIBRARY");
    if (path == NULL) {
        FAIL("SOCKETIO_LIBRARY must be the absolute path of the shared library");
    }
    return path;
}

plugin_t plugin_open(const char *path, int is_global)
{
    plugin_t opened;
    opened.library = library_open(path, is_global);
    /* ISO C has no cast from an object pointer to a function pointer. */
#define PLUGIN_SYMBOL(name)                                                   \
    {                                                                         \
        void *symbol = library_symbol(opened.library, "socketio_" #name);     \
        memcpy(&opened.name, &symbol, sizeof symbol);                         \
    }
    PLUGIN_FUNCTIONS(PLUGIN_SYMBOL)
#undef PLUGIN_SYMBOL
    return opened;
}

void plugin_close(plugin_t *opened)
{
    library_close(opened->library);
    memset(opened, 0, sizeof *opened);
}

int is_debug_library(void)
{
    static const char wanted[] = "SOCKETIO_FAILPOINT";
    FILE *file = file_open(library_path(), "rb");
    CHECK(file != NULL);
    size_t found = 0;
    for (int c; wanted[found] != 0 && (c = getc(file)) != EOF;) {
        found = c == wanted[found] ? found + 1 : c == wanted[0];
    }
    fclose(file);
    return wanted[found] == 0;
}

void plugin_load(void)
{
    if (plugin.library == NULL) {
        plugin = plugin_open(library_path(), 0);
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
    expect_new_sequence();
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

void print_log(void)
{
    if (log_text.len > 0) {
        size_t skipped = log_text.len > 4000 ? log_text.len - 4000 : 0;
        printf("  log:\n%s", log_text.ptr + skipped);
    }
}

int wake_count(void)
{
    return __sync_fetch_and_add(&wakes, 0);
}

void disable(void)
{
    CHECK_STATUS(plugin.plugin_disable(DISABLE_LIMIT_MS), SOCKETIO_OK);
    poll_all();
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

/* The transport that a case gets if its fields don't name one. */
static const char *default_transport(void)
{
    const char *transport = environment("SOCKETIO_TEST_TRANSPORT");
    return transport != NULL ? transport : "WebSocket Only";
}

void settings_add_url(const char *name, const char *url, const char *extra)
{
    text_format(&settings_text, "%s{\"name\":\"%s\",\"url\":\"%s\"", settings_text.len == 0 ? "{\"connections\":[" : ",",
                name, url);
    if (extra == NULL || strstr(extra, "\"transport\"") == NULL) {
        text_format(&settings_text, ",\"transport\":\"%s\"", default_transport());
    }
    text_format(&settings_text, "%s%s}", extra != NULL ? "," : "", extra != NULL ? extra : "");
}

void settings_add(const char *name, int port, const char *extra)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    settings_add_url(name, url, extra);
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

socketio_connection_t configure_url(const char *url, const char *extra)
{
    settings_add_url("main", url, extra);
    settings_apply();
    return find("main");
}
