/* The host's process beside the plugin: forks, programs that it starts, signals, interrupted calls. */

#include "harness.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Fork ---- */

/* In a child, where the plugin's thread does not exist: nothing may hang, nothing may reach what the parent shares. */
static void call_all_in_child(socketio_connection_t connection)
{
    socketio_connection_t found = 0;
    socketio_connection_info_t info = {.struct_size = sizeof info};
    socketio_wake_handle_t handle = {.struct_size = sizeof handle};
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    const socketio_value_t inputs[] = {{0}, value_text("event")};
    socketio_node_call_t send = node_call(SOCKETIO_NODE_SEND, connection);
    send.inputs = inputs;
    send.input_count = COUNT(inputs);
    /* A hanging call is ended by this. */
    alarm(10);
    CHECK_STATUS(plugin.plugin_enable(NULL), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.settings_apply("{}", 2), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.connection_find("main", 4, &found), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.connection_info(connection, &info), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.node_execute(&send, NULL), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.event_poll(0, &batch), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.event_wait(10), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.event_wake_handle(&handle), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.plugin_disable(1000), SOCKETIO_E_STATE);
    CHECK_STATUS(plugin.settings_check("{}", 2), SOCKETIO_E_STATE);
    CHECK_HAS(last_error(), "fork");
    /* These need nothing of the parent's. */
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_DEBUG), SOCKETIO_OK);
    CHECK_INT(plugin.abi_version(), SOCKETIO_ABI_VERSION);
    CHECK(plugin.plugin_descriptor() != NULL);
    CHECK_TEXT(plugin.status_name(SOCKETIO_OK), "SOCKETIO_OK");
    plugin.plugin_state();
}

/* Ends by `leave`: exit runs what was registered with atexit, _exit does not. */
static void fork_child(socketio_connection_t connection, void (*leave)(int))
{
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        call_all_in_child(connection);
        leave(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) {
        FAIL("the child ended by %s %d", WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
}

static int is_readable(ptrdiff_t fd)
{
    struct pollfd readable = {.fd = (int)fd, .events = POLLIN};
    return poll(&readable, 1, 0) == 1;
}

static void a_forked_child_gets_a_status_and_harms_nothing(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    socketio_wake_handle_t handle = {.struct_size = sizeof handle};
    CHECK_STATUS(plugin.event_wake_handle(&handle), SOCKETIO_OK);
    for (int round = 0; round < 2; round++) {
        uint64_t request = SEND(client, .event = "ack", .reply_timeout = 10);
        AWAIT(is_readable(handle.value));
        fork_child(client, round == 0 ? _exit : exit);
        /* The child has the same descriptor: its poll must not have taken the parent's word that events wait. */
        CHECK(is_readable(handle.value));
        CHECK_INT(WAIT_REPLY(request)->head.pulse, SEND_REPLY_PULSE);
        barrier(client);
    }
    CHECK(!server_has(server, "got " JSON({"nsp":"/","event":"event")));
}

static int finished;

static void *call_along(void *argument)
{
    socketio_connection_t connection = *(socketio_connection_t *)argument;
    static const char settings[] = JSON({"connections":[{"name":"other","url":"http://h"}]});
    while (!__sync_fetch_and_add(&finished, 0)) {
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        socketio_connection_info_t info = {.struct_size = sizeof info};
        SEND(connection, .event = "e", .message = "hello");
        plugin.settings_check(settings, sizeof settings - 1);
        plugin.connection_info(connection, &info);
        plugin.event_poll(0, &batch);
        plugin.event_wait(1);
    }
    return NULL;
}

/* Whatever another thread holds at that moment, the child holds for ever: no call of the child may want it. */
static void fork_while_other_threads_call(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, JSON("queue_messages":10000000));
    server_command(server, "packets " JSON({"on":false}));
    server_freeze(server);
    pthread_t threads[2];
    for (size_t i = 0; i < COUNT(threads); i++) {
        CHECK(pthread_create(&threads[i], NULL, call_along, &client) == 0);
    }
    int forks = 0;
    for (int64_t limit = now_ms() + 1500; now_ms() < limit; forks++) {
        fork_child(client, _exit);
    }
    CHECK(forks > 20);
    __sync_fetch_and_add(&finished, 1);
    for (size_t i = 0; i < COUNT(threads); i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    ignore_errors();
}

/* What a deactivated plugin leaves to a child is as good as new. */
static void a_child_of_a_deactivated_host_may_activate(void)
{
    server_t *server = server_start(NULL);
    connected(server, NULL);
    disable();
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(20);
        enable();
        socketio_connection_t client = configure_url(server_url(server), NULL);
        start(client);
        WAIT_START(client);
        barrier(client);
        disable();
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
}

/* ---- Programs that the host starts ---- */

/* The descriptors that a program started now finds open. */
static void inherited(char *list, size_t capacity)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/bin/ls", "ls", "/proc/self/fd", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t more; (more = read(ends[0], list + len, capacity - 1 - len)) > 0;) {
        len += (size_t)more;
    }
    list[len] = 0;
    close(ends[0]);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
}

static void a_started_program_inherits_nothing(void)
{
    server_t *plain = server_start(NULL);
    server_t *secure = server_start(JSON({"tls":"good"}));
    server_t *proxy = proxy_start(NULL);
    server_t *frozen = server_start(NULL);
    char before[512];
    char after[512];
    inherited(before, sizeof before);
    CHECK_HAS(before, "2\n");
    begin();
    socketio_wake_handle_t handle = {.struct_size = sizeof handle};
    CHECK_STATUS(plugin.event_wake_handle(&handle), SOCKETIO_OK);
    char through[128];
    snprintf(through, sizeof through, JSON("proxy":"http://127.0.0.1:%d"), server_port(proxy));
    settings_add("websocket", server_port(plain), JSON("transport":"WebSocket Only"));
    settings_add("polling", server_port(plain), JSON("transport":"Polling Only"));
    settings_add_url("secure", server_url(secure), trusting("ca.pem", NULL));
    settings_add("proxied", server_port(plain), through);
    settings_add("connecting", server_port(frozen), NULL);
    settings_add("flapping", port_reserve(), JSON("reconnect_delay":0.01,"reconnect_delay_max":0.01));
    settings_apply();
    static const char *const stand[] = {"websocket", "polling", "secure", "proxied"};
    for (size_t i = 0; i < COUNT(stand); i++) {
        start(find(stand[i]));
        WAIT_START(find(stand[i]));
    }
    server_freeze(frozen);
    start(find("connecting"));
    start(find("flapping"));
    AWAIT(info_of(find("flapping")).attempts >= 2);
    for (int round = 0; round < 20; round++) {
        inherited(after, sizeof after);
        CHECK_TEXT(after, before);
    }
    ignore_errors();
}

/* ---- Signals ---- */

static void a_host_with_all_signals_blocked(void)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    barrier(client);
    disable();
    sigset_t now;
    CHECK(pthread_sigmask(SIG_SETMASK, &before, &now) == 0);
    for (int number = 1; number < NSIG; number++) {
        /* Those of the C library and those that nobody can block are in no mask. */
        int can_be = number != SIGKILL && number != SIGSTOP;
        CHECK_INT(sigismember(&now, number) == 1, sigismember(&all, number) == 1 && can_be);
    }
}

static int pipes_seen;

static void count_pipe(int number)
{
    (void)number;
    pipes_seen++;
}

/* A write to a dead peer: by each transport, with and without TLS, whatever the host has made of SIGPIPE. */
static void sigpipe_reaches_nobody(void)
{
    void (*const dispositions[])(int) = {SIG_DFL, SIG_IGN, count_pipe};
    server_t *servers[2] = {server_start(JSON({"maxHttpBufferSize":100000000})),
                            server_start(JSON({"maxHttpBufferSize":100000000,"tls":"good"}))};
    enum { LEN = 1 << 20 };
    uint8_t *bytes = calloc(LEN, 1);
    CHECK(bytes != NULL);
    begin();
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        const char *extra = i < 2 ? JSON("transport":"WebSocket Only","reconnect_delay":0.02,"reconnect_delay_max":0.05)
                                  : JSON("transport":"Polling Only","reconnect_delay":0.02,"reconnect_delay_max":0.05);
        settings_add_url(name, server_url(servers[i % 2]), i % 2 == 0 ? extra : trusting("ca.pem", extra));
    }
    settings_apply();
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        start(find(name));
        WAIT_START(find(name));
    }
    for (size_t round = 0; round < COUNT(dispositions); round++) {
        struct sigaction action = {.sa_handler = dispositions[round]};
        CHECK(sigaction(SIGPIPE, &action, NULL) == 0);
        for (int i = 0; i < 2; i++) {
            server_command(servers[i], "pause");
        }
        for (int i = 0; i < 4; i++) {
            char name[16];
            snprintf(name, sizeof name, "c%d", i);
            for (int k = 0; k < 8; k++) {
                SEND(find(name), .event = "e", .format = "Binary", .bytes = {bytes, LEN});
            }
        }
        server_kill(servers[0]);
        server_kill(servers[1]);
        for (int i = 0; i < 4; i++) {
            CHECK(bool_of(WAIT(.node_type = SOCKETIO_NODE_ON_STOP), STOP_WILL_RECONNECT));
        }
        server_restart(servers[0]);
        server_restart(servers[1]);
        for (int i = 0; i < 4; i++) {
            char name[16];
            snprintf(name, sizeof name, "c%d", i);
            WAIT_START(find(name));
        }
        struct sigaction now;
        CHECK(sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == dispositions[round]);
    }
    free(bytes);
    CHECK_INT(pipes_seen, 0);
    ignore_errors();
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
    (void)number;
    alarms++;
}

static void ring_every(int microseconds)
{
    const struct itimerval every = {.it_interval.tv_usec = microseconds, .it_value.tv_usec = microseconds};
    CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
}

/* Interrupts hit the host's thread alone; the plugin's has them blocked. */
static void session_under_a_storm(int flags)
{
    server_t *server = server_start(NULL);
    struct sigaction action = {.sa_handler = count_alarm, .sa_flags = flags};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    plugin_load();
    ring_every(1000);
    alarms = 0;
    enable();
    socketio_connection_t client = configure_url(server_url(server), NULL);
    start(client);
    WAIT_START(client);
    for (int i = 0; i < 100; i++) {
        const event_t *reply = WAIT_REPLY(SEND(client, .event = "ack", .message = "1", .reply_timeout = 10));
        CHECK_TEXT(text_of(reply, SEND_REPLY), "1");
    }
    TAKE_ALL(.node_type = SOCKETIO_NODE_SEND);
    /* A wait that is interrupted waits on, neither shorter nor longer. */
    int64_t began = now_ms();
    CHECK_STATUS(plugin.event_wait(200), SOCKETIO_TIMED_OUT);
    CHECK(now_ms() - began >= 199 && now_ms() - began < 1200);
    server_freeze(server);
    began = now_ms();
    disable();
    CHECK(now_ms() - began < 1200);
    ring_every(0);
    CHECK(alarms > 100);
    server_thaw(server);
}

static void a_timer_storm_that_interrupts_calls(void)
{
    session_under_a_storm(0);
}

static void a_timer_storm_that_restarts_calls(void)
{
    session_under_a_storm(SA_RESTART);
}

TEST_MAIN(
    CASE(a_forked_child_gets_a_status_and_harms_nothing),
    CASE(fork_while_other_threads_call),
    CASE(a_child_of_a_deactivated_host_may_activate),
    CASE(a_started_program_inherits_nothing),
    CASE(a_host_with_all_signals_blocked),
    CASE(sigpipe_reaches_nobody),
    CASE(a_timer_storm_that_interrupts_calls),
    CASE(a_timer_storm_that_restarts_calls))
