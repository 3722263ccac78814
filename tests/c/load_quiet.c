/* What the host's process notices of the plugin: as little as possible. */

#include "harness.h"

#include <dirent.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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
    mode_t umask;
} process_t;

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
        process->variables++;
    }
    process->umask = umask(0);
    umask(process->umask);
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
    CHECK_INT(now.umask, before->umask);
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

TEST_MAIN(
    CASE(loading_has_no_effect),
    CASE(a_session_leaves_the_process_as_it_was),
    CASE(one_thread_while_enabled_none_after),
    CASE(its_thread_blocks_signals_but_faults),
    CASE(its_thread_has_a_name),
    CASE(it_sleeps_while_nothing_happens),
    CASE(it_writes_nothing_to_stdout_and_stderr))
