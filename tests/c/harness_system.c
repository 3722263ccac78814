/* What the machine tells the library: its clock, its names, its environment. The library's calls of clock_gettime and
   getaddrinfo end here, because an executable's symbols go before those of libc. */

#define _GNU_SOURCE

#include "harness_parts.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef struct name_t {
    const char *name;
    /* Separated by spaces; NULL: there is no such name. */
    const char *addresses;
    int hangs;
    int lookups;
} name_t;

typedef int getaddrinfo_t(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int64_t clock_offset, slept;
static name_t names[16];
static size_t name_count;
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_changed = PTHREAD_COND_INITIALIZER;

/* ---- Clock ---- */

void clock_shift(int64_t seconds)
{
    __atomic_store_n(&clock_offset, seconds, __ATOMIC_SEQ_CST);
}

void machine_sleeps(int64_t seconds)
{
    __atomic_add_fetch(&slept, seconds, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&clock_offset, seconds, __ATOMIC_SEQ_CST);
}

int clock_gettime(clockid_t id, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, id, time);
    if (result == 0 && id == CLOCK_REALTIME) {
        time->tv_sec += __atomic_load_n(&clock_offset, __ATOMIC_SEQ_CST);
    } else if (result == 0 && id == CLOCK_BOOTTIME) {
        time->tv_sec += __atomic_load_n(&slept, __ATOMIC_SEQ_CST);
    }
    return result;
}

/* ---- Names ---- */

static name_t *known_name(const char *name)
{
    for (size_t i = 0; i < name_count; i++) {
        if (name != NULL && strcmp(names[i].name, name) == 0) {
            return &names[i];
        }
    }
    return NULL;
}

static void set_name(const char *name, const char *addresses, int hangs)
{
    pthread_mutex_lock(&names_lock);
    name_t *known = known_name(name);
    if (known == NULL) {
        CHECK(name_count < COUNT(names));
        known = &names[name_count++];
        known->name = name;
    }
    known->addresses = addresses;
    known->hangs = hangs;
    pthread_cond_broadcast(&names_changed);
    pthread_mutex_unlock(&names_lock);
}

void name_resolves(const char *name, const char *addresses)
{
    set_name(name, addresses, 0);
}

void name_hangs(const char *name)
{
    set_name(name, NULL, 1);
}

int name_lookups(const char *name)
{
    pthread_mutex_lock(&names_lock);
    name_t *known = known_name(name);
    int lookups = known != NULL ? known->lookups : 0;
    pthread_mutex_unlock(&names_lock);
    return lookups;
}

void release_names(void)
{
    pthread_mutex_lock(&names_lock);
    for (size_t i = 0; i < name_count; i++) {
        names[i].hangs = 0;
    }
    pthread_cond_broadcast(&names_changed);
    pthread_mutex_unlock(&names_lock);
}

static getaddrinfo_t *system_getaddrinfo(void)
{
    static getaddrinfo_t *found;
    if (found == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
        memcpy(&found, &symbol, sizeof symbol);
    }
    return found;
}

/* The list is the system's, so that its freeaddrinfo can free it. */
static int resolve(const char *addresses, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    struct addrinfo numeric = {0};
    if (hints != NULL) {
        numeric = *hints;
    }
    numeric.ai_flags |= AI_NUMERICHOST;
    struct addrinfo **end = result;
    *end = NULL;
    while (addresses != NULL && *addresses != 0) {
        char address[64];
        size_t len = strcspn(addresses, " ");
        snprintf(address, sizeof address, "%.*s", (int)len, addresses);
        addresses += len + strspn(addresses + len, " ");
        if (system_getaddrinfo()(address, service, &numeric, end) == 0) {
            while (*end != NULL) {
                end = &(*end)->ai_next;
            }
        }
    }
    return *result != NULL ? 0 : EAI_NONAME;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    pthread_mutex_lock(&names_lock);
    name_t *known = known_name(node);
    if (known == NULL) {
        pthread_mutex_unlock(&names_lock);
        return system_getaddrinfo()(node, service, hints, result);
    }
    known->lookups++;
    while (known->hangs) {
        pthread_cond_wait(&names_changed, &names_lock);
    }
    const char *addresses = known->addresses;
    pthread_mutex_unlock(&names_lock);
    return resolve(addresses, service, hints, result);
}

/* ---- Environment ---- */

void set_environment(const char *name, const char *value)
{
    CHECK((value != NULL ? setenv(name, value, 1) : unsetenv(name)) == 0);
}

void forget_environment(void)
{
    static const char *const forgotten[] = {
        "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR",
    };
    for (size_t i = 0; i < COUNT(forgotten); i++) {
        set_environment(forgotten[i], NULL);
    }
}
