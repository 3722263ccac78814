/* A machine that has no descriptors, no threads, no room on its disk, little stack: a status or an error says so, and
   it passes by itself. */

#define _GNU_SOURCE

#include "harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Descriptors ---- */

static struct rlimit files_before;

/* Leaves room for so many more descriptors. */
static void allow_files(int more)
{
    if (files_before.rlim_cur == 0) {
        CHECK(getrlimit(RLIMIT_NOFILE, &files_before) == 0);
    }
    /* The limit is above the highest number, not above the count. */
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(next >= 0);
    close(next);
    struct rlimit limit = {.rlim_cur = (rlim_t)(next + more), .rlim_max = files_before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void allow_all_files(void)
{
    CHECK(setrlimit(RLIMIT_NOFILE, &files_before) == 0);
}

static void enable_without_descriptors(void)
{
    plugin_load();
    int enabled = 0;
    int refused = 0;
    for (int more = 0; more < 8; more++) {
        allow_files(more);
        socketio_status_t status = plugin.plugin_enable(NULL);
        allow_all_files();
        if (status == SOCKETIO_OK) {
            enabled++;
            CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_OK);
        } else {
            refused++;
            CHECK_STATUS(status, SOCKETIO_E_RESOURCES);
            CHECK_HAS(last_error(), "descriptor");
            CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
        }
        wait_threads(1);
    }
    CHECK(enabled > 0 && refused > 0);
}

static void the_wake_handle_without_descriptors(void)
{
    begin();
    socketio_wake_handle_t handle = {.struct_size = sizeof handle};
    allow_files(0);
    socketio_status_t status = plugin.event_wake_handle(&handle);
    allow_all_files();
    CHECK_STATUS(status, SOCKETIO_E_RESOURCES);
    CHECK_HAS(last_error(), "descriptor");
    CHECK_STATUS(plugin.event_wake_handle(&handle), SOCKETIO_OK);
}

/* By number, by name, with a file that holds a secret. */
static void connecting_without_descriptors(void)
{
    server_t *server = server_start(NULL);
    char url[64];
    snprintf(url, sizeof url, "http://localhost:%d", server_port(server));
    begin();
    settings_add("number", server_port(server), QUICK_RETRY);
    settings_add_url("name", url, QUICK_RETRY);
    settings_add("secret", server_port(server), QUICK_RETRY JSON(,"auth":{"token":"file:/proc/version"}));
    settings_apply();
    static const char *const names[] = {"number", "name", "secret"};
    allow_files(0);
    for (size_t i = 0; i < COUNT(names); i++) {
        start(find(names[i]));
        const event_t *error = WAIT_ERROR(find(names[i]));
        CHECK_HAS(text_of(error, ERROR_MESSAGE), "oo many open files");
        CHECK(strcmp(text_of(error, ERROR_CODE), "internal") != 0);
        CHECK(!bool_of(error, ERROR_FATAL));
    }
    allow_all_files();
    for (size_t i = 0; i < COUNT(names); i++) {
        WAIT_START(find(names[i]));
        barrier(find(names[i]));
    }
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_STOP);
    ignore_errors();
}

/* `ulimit -n 32`, and more connections than that: some stand, the others come when those go. */
static void more_connections_than_descriptors(void)
{
    enum { MANY = 40 };
    server_t *server = server_start(NULL);
    begin();
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c%d", i);
        settings_add(name, server_port(server), QUICK_RETRY);
    }
    settings_apply();
    CHECK(getrlimit(RLIMIT_NOFILE, &files_before) == 0);
    struct rlimit limit = {.rlim_cur = 32, .rlim_max = files_before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "c%d", i);
        start(find(name));
    }
    int had[MANY] = {0};
    int stood = 0;
    for (int64_t until = now_ms() + PATIENCE_MS; stood < MANY && now_ms() < until;) {
        for (int i = 0; i < MANY; i++) {
            snprintf(name, sizeof name, "c%d", i);
            if (!had[i] && info_of(find(name)).state == SOCKETIO_CONNECTION_CONNECTED) {
                barrier(find(name));
                stop(find(name));
                had[i] = 1;
                stood++;
            }
        }
        listen_for(5);
    }
    CHECK_INT(stood, MANY);
    CHECK(TAKE_ALL(.node_type = SOCKETIO_NODE_ON_ERROR) > 0);
    disable();
    allow_all_files();
}

/* ---- Threads ---- */

typedef int pthread_create_t(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static int threads_refused;

/* The library's calls end here: an executable's symbols go before those of libc. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    static pthread_create_t *system_call;
    if (system_call == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "pthread_create");
        memcpy(&system_call, &symbol, sizeof symbol);
    }
    if (__atomic_load_n(&threads_refused, __ATOMIC_SEQ_CST)) {
        return EAGAIN;
    }
    return system_call(thread, attributes, run, argument);
}

static void refuse_threads(int refuse)
{
    __atomic_store_n(&threads_refused, refuse, __ATOMIC_SEQ_CST);
}

static void enable_without_threads(void)
{
    plugin_load();
    for (int i = 0; i < 3; i++) {
        refuse_threads(1);
        CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_E_RESOURCES);
        refuse_threads(0);
        CHECK_HAS(last_error(), "thread");
        CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
        CHECK_STATUS(plugin.plugin_disable(0), SOCKETIO_ALREADY);
    }
    enable();
}

/* Names and files are read on threads of their own: without one, that attempt failed and the next one is made. */
static void connecting_without_threads(void)
{
    server_t *server = server_start(NULL);
    name_resolves("server.test", "127.0.0.1");
    char url[64];
    snprintf(url, sizeof url, "http://server.test:%d", server_port(server));
    begin();
    settings_add_url("name", url, QUICK_RETRY);
    settings_add("secret", server_port(server), QUICK_RETRY JSON(,"auth":{"token":"file:/proc/version"}));
    settings_apply();
    refuse_threads(1);
    start(find("name"));
    start(find("secret"));
    const event_t *error = WAIT_ERROR_CODE(find("name"), "dns_failed");
    CHECK_HAS(text_of(error, ERROR_MESSAGE), "temporarily unavailable");
    error = WAIT_ERROR_CODE(find("secret"), "secret_unavailable");
    CHECK_HAS(text_of(error, ERROR_MESSAGE), "temporarily unavailable");
    refuse_threads(0);
    WAIT_START(find("name"));
    WAIT_START(find("secret"));
    TAKE_ALL(.node_type = SOCKETIO_NODE_ON_STOP);
    ignore_errors();
}

/* ---- Stack ---- */

/* Code that is not optimised takes more. */
#define LITTLE_STACK (is_debug_library() ? 128 * 1024 : 64 * 1024)

static server_t *stack_server;

/* Arrays in arrays, deeper than anything is read. */
static void deep(char *text, size_t depth)
{
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = 0;
}

static void *every_call(void *argument)
{
    (void)argument;
    enum { DEEPEST = 20000 };
    static char nested[2 * DEEPEST + 1];
    static char settings[2 * DEEPEST + 256];
    static char error[256];
    plugin_load();
    for (size_t depth = 1; depth <= DEEPEST; depth += depth < 200 ? 1 : depth) {
        deep(nested, depth);
        snprintf(settings, sizeof settings, JSON({"connections":[{"name":"main","url":"http://h","auth":{"a":%s}}]}),
                 nested);
        socketio_status_t status = plugin.settings_check(settings, strlen(settings));
        CHECK(status == SOCKETIO_OK || status == SOCKETIO_E_SETTINGS);
    }
    begin();
    socketio_connection_t client = configure_url(server_url(stack_server), NULL);
    subscribe(client, "e", NULL);
    start(client);
    WAIT_START(client);
    deep(nested, 400);
    SEND(client, .event = "deep", .format = "JSON", .message = nested);
    barrier(client);
    state_of(client);
    info_of(client);
    stop(client);
    WAIT_STOP(client);
    socketio_wake_handle_t handle = {.struct_size = sizeof handle};
    CHECK_STATUS(plugin.event_wake_handle(&handle), SOCKETIO_OK);
    CHECK(check_settings("nonsense %d", 1) < 0);
    plugin.last_error(error, sizeof error);
    disable();
    ignore_errors();
    return NULL;
}

static void every_call_on_a_stack_of(size_t bytes)
{
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, bytes) == 0);
    CHECK(pthread_create(&thread, &attributes, every_call, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&attributes);
}

static void every_call_on_a_small_stack(void)
{
    if (UNDER_SANITIZER) {
        skip("a sanitizer takes stack of its own");
    }
    stack_server = server_start(NULL);
    every_call_on_a_stack_of(LITTLE_STACK);
}

/* What the host's limits and variables say about stacks is for its threads, not for the library's. */
static void the_librarys_threads_have_stacks_of_their_own(void)
{
    server_t *server = server_start(JSON({"tls":"good"}));
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
    limit.rlim_cur = 128 * 1024;
    CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
    set_environment("RUST_MIN_STACK", "1");
    name_resolves("localhost.test", "127.0.0.1");
    char url[64];
    snprintf(url, sizeof url, "https://localhost.test:%d", server_port(server));
    begin();
    socketio_connection_t client = configure_url(url, trusting("ca.pem", JSON("server_name":"localhost")));
    start(client);
    WAIT_START(client);
    barrier(client);
}

/* ---- Disk ---- */

/* Not a byte may be written to any file: SIGXFSZ ends a process that tries to. */
static void nothing_is_written_to_any_file(void)
{
    server_t *server = server_start(JSON({"tls":"good"}));
    char directory[] = "/tmp/socketio-test-XXXXXX";
    CHECK(mkdtemp(directory) != NULL);
    int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(back >= 0 && chdir(directory) == 0);
    set_environment("TMPDIR", directory);
    set_environment("HOME", directory);
    fflush(stdout);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    int out = dup(STDOUT_FILENO);
    int err = dup(STDERR_FILENO);
    CHECK(full >= 0 && dup2(full, STDOUT_FILENO) >= 0 && dup2(full, STDERR_FILENO) >= 0);
    struct rlimit nothing = {.rlim_max = RLIM_INFINITY};
    CHECK(setrlimit(RLIMIT_FSIZE, &nothing) == 0);
    plugin_load();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    begin();
    settings_add_url("main", server_url(server), trusting("ca.pem", NULL));
    settings_add("garbage", raw_start("garbage\r\n\r\n"), QUICK_RETRY);
    settings_apply();
    start(find("main"));
    start(find("garbage"));
    WAIT_START(find("main"));
    WAIT_ERROR(find("garbage"));
    AWAIT(info_of(find("garbage")).attempts >= 3);
    barrier(find("main"));
    disable();
    nothing.rlim_cur = RLIM_INFINITY;
    CHECK(setrlimit(RLIMIT_FSIZE, &nothing) == 0);
    CHECK(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
    CHECK(fchdir(back) == 0);
    close(out);
    close(err);
    close(full);
    close(back);
    /* Fails if anything lies in it. */
    CHECK(rmdir(directory) == 0);
}

TEST_MAIN(
    CASE(enable_without_descriptors),
    CASE(the_wake_handle_without_descriptors),
    CASE(connecting_without_descriptors),
    CASE(more_connections_than_descriptors),
    CASE(enable_without_threads),
    CASE(connecting_without_threads),
    CASE(every_call_on_a_small_stack),
    CASE(the_librarys_threads_have_stacks_of_their_own),
    CASE(nothing_is_written_to_any_file))
