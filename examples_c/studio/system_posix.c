#include "system.h"

#ifndef _WIN32

#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char system_name[] = "linux";

char **system_begin(int argc, char **argv)
{
    (void)argc;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return argv;
}

void *system_load(const char *path, struct text *why)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        text_put(why, dlerror());
    }
    return library;
}

void *system_function(void *library, const char *name)
{
    return dlsym(library, name);
}

void system_unload(void *library)
{
    dlclose(library);
}

int system_has_folder(const char *path)
{
    return strchr(path, '/') != NULL;
}

double system_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void system_sleep_until(double seconds)
{
    struct timespec when;

    when.tv_sec = (time_t)seconds;
    when.tv_nsec = (long)((seconds - (double)when.tv_sec) * 1e9);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

void system_catch_signals(void (*on_signal)(int number))
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

FILE *system_open(const char *path, const char *mode)
{
    return fopen(path, mode);
}

int system_is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

int system_replace(const char *from, const char *to)
{
    return rename(from, to);
}

int system_remove(const char *path)
{
    return remove(path);
}

#endif
