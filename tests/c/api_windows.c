/* What only Windows has: the wake handle as an event among others, a module that is pinned, paths beyond the code page,
   threads of the host that come and go. */

#include "harness_tls.h"

#include <windows.h>

#include <process.h>

#define ROUNDS 50

/* The library's functions are asked for anew each time, as a studio does. */
static void load(void)
{
    plugin = plugin_open(library_path(), 0);
}

static HMODULE module_of_the_library(void)
{
    HMODULE module = NULL;
    const void *inside;
    memcpy(&inside, &plugin.abi_version, sizeof inside);
    CHECK(GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                             inside, &module));
    return module;
}

/* ---- The wake handle ---- */

static HANDLE wake_event(void)
{
    socketio_wake_handle_t handle = {.struct_size = sizeof handle};
    CHECK_STATUS(plugin.event_wake_handle(&handle), SOCKETIO_OK);
    CHECK_INT(handle.kind, SOCKETIO_WAKE_WIN32_EVENT);
    return (HANDLE)(intptr_t)handle.value;
}

/* A connection with nothing under way that listens to "news". */
static socketio_connection_t listening(server_t *server)
{
    socketio_connection_t client = connected(server, NULL);
    subscribe(client, "news", NULL);
    WAIT_SUBSCRIBED(client, "news");
    barrier(client);
    return client;
}

static void tell_news(server_t *server)
{
    server_command(server, "emit %s", JSON({"event":"news","args":[1]}));
}

static void the_wake_handle_stays_set_until_all_is_polled(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = listening(server);
    HANDLE wake = wake_event();
    AWAIT(WaitForSingleObject(wake, 0) == WAIT_TIMEOUT);
    for (int round = 0; round < 3; round++) {
        tell_news(server);
        CHECK_INT(WaitForSingleObject(wake, (DWORD)PATIENCE_MS), WAIT_OBJECT_0);
        /* No wait takes it away: it is reset by hand, the plugin's. */
        CHECK_INT(WaitForSingleObject(wake, 0), WAIT_OBJECT_0);
        WAIT_RECEIVE(client, "news");
        AWAIT(WaitForSingleObject(wake, 0) == WAIT_TIMEOUT);
    }
}

static void it_stands_among_handles_of_the_host(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = listening(server);
    HANDLE own = CreateEventW(NULL, FALSE, FALSE, NULL);
    CHECK(own != NULL);
    const HANDLE handles[] = {own, wake_event()};
    AWAIT(WaitForMultipleObjects(2, handles, FALSE, 0) == WAIT_TIMEOUT);
    CHECK(SetEvent(own));
    CHECK_INT(WaitForMultipleObjects(2, handles, FALSE, (DWORD)PATIENCE_MS), WAIT_OBJECT_0);
    tell_news(server);
    CHECK_INT(WaitForMultipleObjects(2, handles, FALSE, (DWORD)PATIENCE_MS), WAIT_OBJECT_0 + 1);
    WAIT_RECEIVE(client, "news");
    CHECK(CloseHandle(own));
}

/* The loop of a program with windows: messages and events, each wakes it. */
static void a_message_loop_waits_for_both(void)
{
    enum { TEST_MESSAGE = WM_APP };
    server_t *server = server_start(NULL);
    socketio_connection_t client = listening(server);
    const HANDLE wake = wake_event();
    MSG message;
    /* The queue of messages is there from the first look on. */
    CHECK(!PeekMessageW(&message, NULL, TEST_MESSAGE, TEST_MESSAGE, PM_REMOVE));
    CHECK(PostThreadMessageW(GetCurrentThreadId(), TEST_MESSAGE, 7, 0));
    tell_news(server);
    int messages = 0;
    int news = 0;
    while (messages == 0 || news == 0) {
        DWORD result = MsgWaitForMultipleObjects(1, &wake, FALSE, (DWORD)PATIENCE_MS, QS_ALLINPUT);
        CHECK(result == WAIT_OBJECT_0 || result == WAIT_OBJECT_0 + 1);
        while (PeekMessageW(&message, NULL, TEST_MESSAGE, TEST_MESSAGE, PM_REMOVE)) {
            CHECK_INT(message.wParam, 7);
            messages++;
        }
        news += TAKE_ALL(.node_type = SOCKETIO_NODE_ON_RECEIVE, .connection = client);
    }
    CHECK_INT(messages, 1);
    CHECK_INT(news, 1);
}

/* ---- The module ---- */

/* Loading has no effect: a host that only looks at the version, and frees it, is as it was. */
static void until_it_is_used_it_can_be_unloaded(void)
{
    for (int round = 0; round < 20; round++) {
        load();
        CHECK_INT(thread_count(), 1);
        CHECK_INT(plugin.abi_version(), SOCKETIO_ABI_VERSION);
        HMODULE module = module_of_the_library();
        wchar_t path[1024];
        CHECK(GetModuleFileNameW(module, path, COUNT(path)) > 0);
        CHECK(GetModuleHandleW(path) == module);
        plugin_close(&plugin);
        CHECK(GetModuleHandleW(path) == NULL);
    }
}

/* A process has 1,088 slots for variables of its threads: looking at the library may not take a new one each time. */
static void a_host_that_looks_again_and_again(void)
{
    for (int round = 0; round < 1200; round++) {
        load();
        CHECK(plugin.plugin_descriptor()->node_count > 0);
        socketio_connection_t none;
        CHECK_STATUS(plugin.connection_find("nobody", 6, &none), SOCKETIO_E_STATE);
        plugin_close(&plugin);
    }
}

/* Used once, it stays: FreeLibrary gives back threads and handles, and the code is still there. */
static void loading_and_freeing_again_and_again(void)
{
    server_t *server = server_start(NULL);
    HMODULE first = NULL;
    int handles = 0;
    for (int round = 0; round < ROUNDS; round++) {
        load();
        HMODULE module = module_of_the_library();
        first = first != NULL ? first : module;
        CHECK(module == first);
        enable();
        socketio_connection_t client = configure_url(server_url(server), NULL);
        CHECK_STATUS(start(client), SOCKETIO_OK);
        WAIT_START(client);
        CHECK(thread_count() > 1);
        disable();
        wait_threads(1);
        CHECK(!bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
        CHECK(FreeLibrary(plugin.library));
        CHECK(GetModuleHandleW(NULL) != NULL);
        CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
        CHECK(module_of_the_library() == first);
        if (round == ROUNDS / 5) {
            handles = fd_count();
        }
    }
    CHECK(fd_count() <= handles + 2);
}

/* ---- Threads of the host ---- */

static unsigned __stdcall call_and_end(void *argument)
{
    socketio_connection_t client = *(socketio_connection_t *)argument;
    socketio_connection_t none;
    char text[256];
    /* Each thread has an error of its own, which goes with it. */
    if (plugin.connection_find("nobody", 6, &none) != SOCKETIO_E_NOT_FOUND
        || plugin.last_error(text, sizeof text) == 0 || strstr(text, "nobody") == NULL) {
        return 1;
    }
    socketio_connection_info_t info = {.struct_size = sizeof info};
    return plugin.connection_info(client, &info) != SOCKETIO_OK;
}

static void run_thread(socketio_connection_t *client)
{
    DWORD code = 1;
    HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, call_and_end, client, 0, NULL);
    CHECK(thread != NULL);
    CHECK_INT(WaitForSingleObject(thread, (DWORD)PATIENCE_MS), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(thread, &code) && code == 0);
    CHECK(CloseHandle(thread));
}

static void threads_of_the_host_come_and_go(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    int threads = thread_count();
    int handles = 0;
    for (int round = 0; round < 200; round++) {
        run_thread(&client);
        if (round == 50) {
            handles = fd_count();
        }
    }
    wait_threads(threads);
    CHECK(fd_count() <= handles + 2);
    barrier(client);
}

static HANDLE may_end;

static unsigned __stdcall call_and_wait(void *argument)
{
    unsigned result = call_and_end(argument);
    WaitForSingleObject(may_end, INFINITE);
    return result;
}

/* What the library keeps of a thread is given back when that ends, perhaps long after FreeLibrary. */
static void a_thread_that_called_ends_after_the_library_was_freed(void)
{
    load();
    enable();
    socketio_connection_t client = configure(port_reserve(), NULL);
    may_end = CreateEventW(NULL, TRUE, FALSE, NULL);
    HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, call_and_wait, &client, 0, NULL);
    CHECK(may_end != NULL && thread != NULL);
    /* It has called when it waits; nothing else tells. */
    sleep_ms(100);
    disable();
    CHECK(FreeLibrary(plugin.library));
    CHECK(SetEvent(may_end));
    CHECK_INT(WaitForSingleObject(thread, (DWORD)PATIENCE_MS), WAIT_OBJECT_0);
    DWORD code = 1;
    CHECK(GetExitCodeThread(thread, &code) && code == 0);
    CHECK(CloseHandle(thread) && CloseHandle(may_end));
}

/* ---- Paths ---- */

/* Latin, Greek, Japanese, and a character beyond 16 bits: no code page has them all. */
#define ANY_TEXT "\xc3\xa4 \xce\xbb \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x93\xa6"

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 16];
    FILE *source = file_open(from, "rb");
    FILE *target = file_open(to, "wb");
    CHECK(source != NULL && target != NULL);
    for (size_t len; (len = fread(bytes, 1, sizeof bytes, source)) > 0;) {
        CHECK(fwrite(bytes, 1, len, target) == len);
    }
    CHECK(fclose(source) == 0 && fclose(target) == 0);
}

static void a_library_whose_path_no_code_page_has(void)
{
    const char *path = temporary_path("Plugin " ANY_TEXT ".dll");
    copy_file(library_path(), path);
    plugin = plugin_open(path, 0);
    enable();
    server_t *server = server_start(NULL);
    socketio_connection_t client = configure_url(server_url(server), NULL);
    CHECK_STATUS(start(client), SOCKETIO_OK);
    WAIT_START(client);
    barrier(client);
}

static void files_whose_paths_no_code_page_has(void)
{
    const char *authority = temporary_path("CA " ANY_TEXT ".pem");
    const char *token = temporary_path("Token " ANY_TEXT);
    copy_file(certificate("ca.pem"), authority);
    file_write(token, ANY_TEXT "\n", strlen(ANY_TEXT "\n"));
    set_environment("SOCKETIO_TEST_TOKEN", ANY_TEXT);
    server_t *server = tls_start("good");
    char extra[2048];
    snprintf(extra, sizeof extra,
             "\"certificate_check\":\"CA File Only\",\"ca_file\":\"%s\","
             JSON("auth":{"file":"file:%s","environment":"env:SOCKETIO_TEST_TOKEN"}), authority, token);
    connected(server, extra);
    CHECK_HAS(server_command(server, "handshakes"),
              "\"auth\":{\"file\":\"" ANY_TEXT "\",\"environment\":\"" ANY_TEXT "\"}");
}

/* C:\folder\token: a drive is no scheme, and JSON doubles the backslashes. */
static void a_path_with_a_drive_and_backslashes(void)
{
    const char *path = temporary_path("token");
    char escaped[1024];
    char *end = escaped;
    file_write(path, "from-file\n", 10);
    for (; *path != 0; path++) {
        end += snprintf(end, sizeof escaped - (size_t)(end - escaped), *path == '/' ? "\\\\" : "%c", *path);
    }
    server_t *server = server_start(NULL);
    char extra[1200];
    snprintf(extra, sizeof extra, JSON("auth":{"token":"file:%s"}), escaped);
    connected(server, extra);
    CHECK_HAS(server_command(server, "handshakes"), JSON("auth":{"token":"from-file"}));
}

TEST_MAIN(
    CASE(the_wake_handle_stays_set_until_all_is_polled),
    CASE(it_stands_among_handles_of_the_host),
    CASE(a_message_loop_waits_for_both),
    CASE(until_it_is_used_it_can_be_unloaded),
    CASE(a_host_that_looks_again_and_again),
    CASE(loading_and_freeing_again_and_again),
    CASE(threads_of_the_host_come_and_go),
    CASE(a_thread_that_called_ends_after_the_library_was_freed),
    CASE(a_library_whose_path_no_code_page_has),
    CASE(files_whose_paths_no_code_page_has),
    CASE(a_path_with_a_drive_and_backslashes))
