/* What the host's process notices of the plugin: as little as possible. */

#include "harness.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* What belongs to the process as a whole. */
typedef struct process_t {
    int threads;
    int fds;
    sigset_t mask;
    struct sigaction actions[NSIG];
    char directory[4096];
    char locale[256];
    char **environment;
    size_t variables;
    uint32_t variables_checksum;
    mode_t umask;
    struct rlimit limits[RLIM_NLIMITS];
    int priority;
    int rounding;
} process_t;

/* The mathematical library, which the tests are not linked with. */
static int rounding(const int *set)
{
    static void *library;
    library = library != NULL ? library : dlopen("libm.so.6", RTLD_NOW);
    CHECK(library != NULL);
    void *symbol = dlsym(library, set != NULL ? "fesetround" : "fegetround");
    CHECK(symbol != NULL);
    int (*getter)(void);
    int (*setter)(int);
    memcpy(&getter, &symbol, sizeof symbol);
    memcpy(&setter, &symbol, sizeof symbol);
    return set != NULL ? setter(*set) : getter();
}

static void look(process_t *process)
{
    memset(process, 0, sizeof *process);
    process->threads = thread_count();
    process->fds = fd_count();
    CHECK(sigprocmask(SIG_SETMASK, NULL, &process->mask) == 0);
    for (int number = 1; number < NSIG; number++) {
        sigaction(number, NULL, &process->actions[number]);
    }
    CHECK(getcwd(process->directory, sizeof process->directory) != NULL);
    snprintf(process->locale, sizeof process->locale, "%s", setlocale(LC_ALL, NULL));
    process->environment = environ;
    while (environ[process->variables] != NULL) {
        const char *variable = environ[process->variables++];
        process->variables_checksum = process->variables_checksum * 31 + checksum(variable, strlen(variable));
    }
    process->umask = umask(0);
    umask(process->umask);
    for (int limit = 0; limit < RLIM_NLIMITS; limit++) {
        CHECK(getrlimit(limit, &process->limits[limit]) == 0);
    }
    process->priority = getpriority(PRIO_PROCESS, 0);
    process->rounding = rounding(NULL);
}

static void check_same(const process_t *before, int threads, int fds)
{
    static process_t now;
    look(&now);
    CHECK_INT(now.threads, threads);
    CHECK_INT(now.fds, fds);
    for (int number = 1; number < NSIG; number++) {
        CHECK_INT(sigismember(&now.mask, number), sigismember(&before->mask, number));
        if (now.actions[number].sa_handler != before->actions[number].sa_handler
            || now.actions[number].sa_flags != before->actions[number].sa_flags) {
            FAIL("signal %d is handled otherwise than before", number);
        }
    }
    CHECK_TEXT(now.directory, before->directory);
    CHECK_TEXT(now.locale, before->locale);
    CHECK(now.environment == before->environment);
    CHECK_INT(now.variables, before->variables);
    CHECK_INT(now.variables_checksum, before->variables_checksum);
    CHECK_INT(now.umask, before->umask);
    CHECK(memcmp(now.limits, before->limits, sizeof now.limits) == 0);
    CHECK_INT(now.priority, before->priority);
    CHECK_INT(now.rounding, before->rounding);
}

static void loading_has_no_effect(void)
{
    static process_t before;
    look(&before);
    plugin_load();
    check_same(&before, before.threads, before.fds);
    plugin.plugin_descriptor();
    plugin.status_name(0);
    CHECK_STATUS(check_settings(JSON({"connections":[{"name":"main","url":"http://h"}]})), SOCKETIO_OK);
    check_same(&before, before.threads, before.fds);
}

static void a_session_leaves_the_process_as_it_was(void)
{
    server_t *server = server_start(NULL);
    static process_t before;
    look(&before);
    connected(server, NULL);
    static process_t during;
    look(&during);
    check_same(&before, before.threads + 1, during.fds);
    disable();
    wait_threads(before.threads);
    check_same(&before, before.threads, before.fds);
}

/* A locale whose numbers have a comma: that of C with this one change, since a machine may have no other. */
static int set_comma(char *directory)
{
    char bytes[4096];
    char path[128];
    FILE *file = fopen("/usr/lib/locale/C.utf8/LC_NUMERIC", "rb");
    size_t len = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    for (size_t i = 8; i + 1 < len; i++) {
        bytes[i] = bytes[i] == '.' ? ',' : bytes[i];
    }
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/comma", directory);
    CHECK(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/comma/LC_NUMERIC", directory);
    file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
    set_environment("LOCPATH", directory);
    int is_set = setlocale(LC_NUMERIC, "comma") != NULL;
    CHECK(unlink(path) == 0);
    snprintf(path, sizeof path, "%s/comma", directory);
    CHECK(rmdir(path) == 0 && rmdir(directory) == 0);
    return is_set;
}

/* What is read and sent has points, whatever the host's locale and rounding are. */
static void a_host_with_a_decimal_comma_that_rounds_up(void)
{
    char directory[] = "/tmp/socketio-test-XXXXXX";
    char shown[16];
    server_t *server = server_start(NULL);
    int wanted = FE_UPWARD;
    CHECK_INT(rounding(&wanted), 0);
    int has_comma = set_comma(directory);
    snprintf(shown, sizeof shown, "%.1f", 1.5);
    CHECK_TEXT(shown, has_comma ? "1,5" : "1.5");
    static process_t before;
    look(&before);
    socketio_connection_t client = connected(server, JSON("reconnect_delay":0.25,"auth":{"a":1.5}));
    SEND(client, .event = "news", .format = "JSON", .message = "[1.5,0.1,1e-3]");
    server_expect(server, "got " JSON({"nsp":"/","event":"news","args":[[1.5,0.1,0.001]]}));
    uint64_t request = SEND(client, .event = "ack", .format = "JSON", .message = "0.1", .reply_timeout = 9.5);
    const event_t *reply = WAIT_REPLY(request);
    CHECK_TEXT(text_of(reply, SEND_REPLY), "0.1");
    socketio_node_call_t call = node_call(SOCKETIO_NODE_TEST, client);
    CHECK_STATUS(plugin.node_execute(&call, NULL), SOCKETIO_OK);
    const event_t *result = WAIT(.node_type = SOCKETIO_NODE_TEST);
    CHECK(bool_of(result, 2));
    CHECK_HAS(text_of(result, 4), "\"ms\":");
    server_kill(server);
    CHECK(bool_of(WAIT_STOP(client), STOP_WILL_RECONNECT));
    const event_t *error = WAIT_ERROR(client);
    CHECK(number_of(error, ERROR_WILL_RETRY_IN) > 0.1 && number_of(error, ERROR_WILL_RETRY_IN) < 0.4);
    disable();
    wait_threads(before.threads);
    check_same(&before, before.threads, fd_count());
    ignore_errors();
    if (!has_comma) {
        skip("there is no locale C.utf8 to make one with a decimal comma of");
    }
}

static void one_thread_while_enabled_none_after(void)
{
    server_t *server = server_start(NULL);
    begin();
    CHECK_INT(thread_count(), 2);
    for (int i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%d", i);
        settings_add(name, server_port(server), NULL);
    }
    settings_apply();
    for (int i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%d", i);
        start(find(name));
        WAIT_START(find(name));
        barrier(find(name));
    }
    CHECK_INT(thread_count(), 2);
    disable();
    wait_threads(1);
}

/* The thread that is not this one: the plugin's. */
static void plugin_task(char *path, size_t capacity, const char *file)
{
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    path[0] = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != (int)getpid()) {
            snprintf(path, capacity, "/proc/self/task/%.20s/%s", entry->d_name, file);
        }
    }
    closedir(directory);
    CHECK(path[0] != 0);
}

/* The value behind "key:" in the thread's status. */
static unsigned long long plugin_status(const char *key, int base)
{
    char path[64];
    plugin_task(path, sizeof path, "status");
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            fclose(file);
            return strtoull(line + strlen(key), NULL, base);
        }
    }
    FAIL("no %s in %s", key, path);
}

static void its_thread_blocks_signals_but_faults(void)
{
    static const int blocked[] = {
        SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGWINCH, SIGIO, SIGPROF,
    };
    static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    server_t *server = server_start(NULL);
    connected(server, NULL);
    unsigned long long mask = plugin_status("SigBlk:", 16);
    for (size_t i = 0; i < COUNT(blocked); i++) {
        CHECK_INT((mask >> (blocked[i] - 1)) & 1, 1);
    }
    for (size_t i = 0; i < COUNT(open); i++) {
        CHECK_INT((mask >> (open[i] - 1)) & 1, 0);
    }
}

static int is_named(void)
{
    char path[64];
    plugin_task(path, sizeof path, "comm");
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    char name[32] = "";
    CHECK(fgets(name, sizeof name, file) != NULL);
    fclose(file);
    return strncmp(name, "socketio", 8) == 0;
}

/* A thread names itself, as soon as it runs. */
static void its_thread_has_a_name(void)
{
    begin();
    AWAIT(is_named());
}

/* No wake-ups but heartbeats, which are 25 s apart here. */
static void it_sleeps_while_nothing_happens(void)
{
    server_t *server = server_start(NULL);
    socketio_connection_t client = connected(server, NULL);
    barrier(client);
    /* What is left to do after the last answer is soon done. */
    sleep_ms(100);
    unsigned long long before = plugin_status("voluntary_ctxt_switches:", 10);
    sleep_ms(1000);
    CHECK(plugin_status("voluntary_ctxt_switches:", 10) - before <= 2);
}

/* stdout and stderr belong to the host, also when everything goes wrong. */
static void it_writes_nothing_to_stdout_and_stderr(void)
{
    FILE *file = tmpfile();
    CHECK(file != NULL);
    fflush(stdout);
    int out = dup(STDOUT_FILENO);
    int err = dup(STDERR_FILENO);
    CHECK(dup2(fileno(file), STDOUT_FILENO) >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    begin();
    CHECK(check_settings("nonsense") < 0);
    socketio_connection_t client = configure(raw_start("garbage\r\n\r\n"), QUICK_RETRY);
    start(client);
    WAIT_ERROR(client);
    AWAIT(info_of(client).attempts >= 3);
    disable();
    fflush(stdout);
    CHECK(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
    close(out);
    close(err);
    CHECK_INT(lseek(fileno(file), 0, SEEK_END), 0);
    fclose(file);
}

/* Where the host's stdin, stdout and stderr are closed, sockets get their numbers: a word of ours to "stderr" would go to
   a server. */
static void sockets_with_the_numbers_of_stdout_and_stderr(void)
{
    server_t *server = server_start(NULL);
    fflush(stdout);
    /* What this test itself has to say. */
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    int err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    FILE *usual = stdout;
    stdout = fdopen(fcntl(out, F_DUPFD_CLOEXEC, 10), "w");
    CHECK(stdout != NULL);
    plugin_load();
    CHECK_STATUS(plugin.set_log_level(SOCKETIO_LOG_TRAFFIC), SOCKETIO_OK);
    set_environment("SOCKETIO_FAILPOINT", "receive:garbage");
    begin();
    set_environment("SOCKETIO_FAILPOINT", NULL);
    static const char *const names[] = {"c0", "c1", "c2"};
    for (int i = 0; i < 3; i++) {
        settings_add(names[i], server_port(server), NULL);
    }
    settings_add("garbage", server_port(server), QUICK_RETRY);
    settings_apply();
    for (int fd = 0; fd < 3; fd++) {
        struct stat number;
        CHECK(close(fd) == 0);
        start(find(names[fd]));
        WAIT_START(find(names[fd]));
        CHECK(fstat(fd, &number) == 0 && S_ISSOCK(number.st_mode));
    }
    start(find("garbage"));
    if (is_debug_library()) {
        WAIT_ERROR_CODE(find("garbage"), "internal");
    }
    CHECK(check_settings("nonsense") < 0);
    for (int i = 0; i < 3; i++) {
        barrier(find(names[i]));
        CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP, .connection = find(names[i]));
    }
    disable();
    CHECK(dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2);
    close(in);
    close(out);
    close(err);
    fclose(stdout);
    stdout = usual;
    ignore_errors();
}

TEST_MAIN(
    CASE(loading_has_no_effect),
    CASE(a_session_leaves_the_process_as_it_was),
    CASE(a_host_with_a_decimal_comma_that_rounds_up),
    CASE(sockets_with_the_numbers_of_stdout_and_stderr),
    CASE(one_thread_while_enabled_none_after),
    CASE(its_thread_blocks_signals_but_faults),
    CASE(its_thread_has_a_name),
    CASE(it_sleeps_while_nothing_happens),
    CASE(it_writes_nothing_to_stdout_and_stderr))
