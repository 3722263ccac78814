/* The operating system, where it is POSIX: Linux. The library's calls of clock_gettime and getaddrinfo end here,
   because an executable's symbols go before those of libc. */

#define _GNU_SOURCE

#include "harness_parts.h"
#include "harness_sockets.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

void system_begin(void)
{
}

/* ---- The library ---- */

void *library_open(const char *path, int is_global)
{
    void *library = dlopen(path, RTLD_NOW | (is_global ? RTLD_GLOBAL : RTLD_LOCAL));
    if (library == NULL) {
        FAIL("%s", dlerror());
    }
    return library;
}

void *library_symbol(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        FAIL("the library does not export %s", name);
    }
    return symbol;
}

void library_close(void *library)
{
    CHECK_INT(dlclose(library), 0);
}

int wait_handle(const socketio_wake_handle_t *handle, int milliseconds)
{
    CHECK_INT(handle->kind, SOCKETIO_WAKE_FD);
    struct pollfd readable = {.fd = (int)handle->value, .events = POLLIN};
    return poll(&readable, 1, milliseconds) == 1 && (readable.revents & POLLIN) != 0;
}

/* ---- What the library asks the machine ---- */

int clock_gettime(clockid_t id, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, id, time);
    if (result == 0 && id == CLOCK_REALTIME) {
        time->tv_sec += clock_is_off();
    } else if (result == 0 && id == CLOCK_BOOTTIME) {
        time->tv_sec += clock_has_slept();
    }
    return result;
}

getaddrinfo_t *system_getaddrinfo(void)
{
    static getaddrinfo_t *found;
    if (found == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
        memcpy(&found, &symbol, sizeof symbol);
    }
    return found;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    return bent_getaddrinfo(node, service, hints, result);
}

const char *environment(const char *name)
{
    return getenv(name);
}

void set_environment(const char *name, const char *value)
{
    CHECK((value != NULL ? setenv(name, value, 1) : unsetenv(name)) == 0);
}

/* ---- Files ---- */

void make_temporary_folder(char *path, size_t size)
{
    snprintf(path, size, "/tmp/socketio-test-XXXXXX");
    CHECK(mkdtemp(path) != NULL);
}

FILE *file_open(const char *path, const char *mode)
{
    return fopen(path, mode);
}

void remove_folder(const char *path)
{
    CHECK(rmdir(path) == 0);
}

void remove_file(const char *path)
{
    unlink(path);
}

void rename_over(const char *from, const char *to)
{
    CHECK(rename(from, to) == 0);
}

/* ---- Measures ---- */

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int milliseconds)
{
    poll(NULL, 0, milliseconds);
}

static int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    CHECK(directory != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

int system_thread_count(void)
{
    return count_entries("/proc/self/task");
}

int fd_count(void)
{
    /* Without the one that lists. */
    return count_entries("/proc/self/fd") - 1;
}

void check_fds(int before)
{
    CHECK_INT(fd_count(), before);
}

long rss_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    long total = 0;
    long resident = 0;
    CHECK(fscanf(file, "%ld %ld", &total, &resident) == 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

long peak_kib(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    CHECK(file != NULL);
    long peak = -1;
    for (char line[256]; peak < 0 && fgets(line, sizeof line, file) != NULL;) {
        sscanf(line, "VmHWM: %ld kB", &peak);
    }
    fclose(file);
    CHECK(peak >= 0);
    return peak;
}

/* ---- Processes ---- */

void keep_from_blocking(int socket)
{
    CHECK(fcntl(socket, F_SETFL, O_NONBLOCK) == 0);
}

void keep_from_children(int socket)
{
    CHECK(fcntl(socket, F_SETFD, FD_CLOEXEC) == 0);
}

void child_start(child_t *child, const char *program, const char *script, const char *port, const char *options,
                 int ends_by_itself)
{
    const char *path = getenv(program);
    const char *official = getenv("SOCKETIO_TEST_SERVER");
    if (path == NULL || official == NULL) {
        char reason[128];
        snprintf(reason, sizeof reason, "%s or SOCKETIO_TEST_SERVER is not set", program);
        skip(reason);
    }
    char script_path[1024];
    const char *arguments[5] = {path};
    size_t count = 1;
    if (script != NULL) {
        int folder_len = (int)(strrchr(official, '/') - official);
        snprintf(script_path, sizeof script_path, "%.*s/%s", folder_len, official, script);
        arguments[count++] = script_path;
    }
    arguments[count++] = port;
    arguments[count] = options[0] != 0 ? options : NULL;
    int commands[2];
    int reports[2];
    CHECK(pipe(commands) == 0 && pipe(reports) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(fcntl(commands[i], F_SETFD, FD_CLOEXEC) == 0 && fcntl(reports[i], F_SETFD, FD_CLOEXEC) == 0);
    }
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if (!ends_by_itself) {
            /* A frozen server would not notice that its stdin closed. */
            prctl(PR_SET_PDEATHSIG, SIGKILL);
        }
        dup2(commands[0], STDIN_FILENO);
        dup2(reports[1], STDOUT_FILENO);
        execv(path, (char *const *)arguments);
        _exit(127);
    }
    close(commands[0]);
    close(reports[1]);
    *child = (child_t){.id = pid, .commands = commands[1], .reports = reports[0]};
}

void child_signal(const child_t *child, child_signal_t with_signal)
{
    static const int signals[] = {[CHILD_KILL] = SIGKILL, [CHILD_FREEZE] = SIGSTOP, [CHILD_THAW] = SIGCONT};
    CHECK(kill((pid_t)child->id, signals[with_signal]) == 0);
}

void child_write(const child_t *child, const char *bytes, size_t len)
{
    CHECK(write(child->commands, bytes, len) == (ssize_t)len);
}

size_t child_read(const child_t *child, char *bytes, size_t size, int milliseconds)
{
    struct pollfd readable = {.fd = child->reports, .events = POLLIN};
    if (poll(&readable, 1, milliseconds) != 1) {
        return 0;
    }
    ssize_t len = read(child->reports, bytes, size);
    return len > 0 ? (size_t)len : 0;
}

void child_end(child_t *child)
{
    close(child->commands);
    CHECK(waitpid((pid_t)child->id, NULL, 0) == child->id);
    close(child->reports);
    child->id = 0;
}
