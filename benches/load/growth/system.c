/* What the system says of this process: time, CPU time, memory, threads. */
#include "growth.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double clock_ns(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t) != 0)
        fail("a clock can't be read");
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

double cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* The plugin has one thread that stays; those for name look-ups come and go, and none is needed for 127.0.0.1. */
static int plugin_thread(void)
{
    static int thread;
    DIR *folder;
    struct dirent *entry;
    if (thread)
        return thread;
    folder = opendir("/proc/self/task");
    if (!folder)
        fail("/proc is missing");
    while ((entry = readdir(folder)))
        if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != getpid())
            thread = atoi(entry->d_name);
    closedir(folder);
    if (!thread)
        fail("the plugin has no thread");
    return thread;
}

double plugin_ns(void)
{
    /* What pthread_getcpuclockid makes of a thread's number, in Linux: scheduled time of a single thread. */
    return clock_ns((clockid_t)((~(unsigned)plugin_thread() << 3) | 6));
}

struct memory memory_now(void)
{
    struct memory memory;
    char line[200];
    FILE *file = fopen("/proc/self/status", "r");
    memset(&memory, 0, sizeof memory);
    if (!file)
        fail("/proc is missing");
    while (fgets(line, sizeof line, file)) {
        double number = strchr(line, ':') ? atof(strchr(line, ':') + 1) : 0;
        if (strncmp(line, "RssAnon:", 8) == 0)
            memory.anon_kib = number;
        else if (strncmp(line, "VmRSS:", 6) == 0)
            memory.rss_kib = number;
        else if (strncmp(line, "VmHWM:", 6) == 0)
            memory.peak_kib = number;
        else if (strncmp(line, "Threads:", 8) == 0)
            memory.threads = (int)number;
    }
    fclose(file);
    return memory;
}

void peak_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file || fputs("5", file) < 0 || fclose(file) != 0)
        fail("the peak of memory can't be reset");
}

void pause_ms(long ms)
{
    struct timespec t;
    t.tv_sec = ms / 1000;
    t.tv_nsec = ms % 1000 * 1000000;
    nanosleep(&t, NULL);
}

struct memory memory_at_rest(void)
{
    pause_ms(500);
    /* What is free, but not given back to the system, is nobody's. */
    malloc_trim(0);
    return memory_now();
}
