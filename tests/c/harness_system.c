/* What a case makes of the machine: its clock, its names, its environment, its files. How the library comes to see that
   is the business of harness_posix.c and harness_windows.c. */

#include "harness_parts.h"
#include "harness_sockets.h"

#include <pthread.h>

typedef struct name_t {
    const char *name;
    /* Separated by spaces; NULL: there is no such name. */
    const char *addresses;
    int hangs;
    int lookups;
} name_t;

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

int64_t clock_is_off(void)
{
    return __atomic_load_n(&clock_offset, __ATOMIC_SEQ_CST);
}

int64_t clock_has_slept(void)
{
    return __atomic_load_n(&slept, __ATOMIC_SEQ_CST);
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

int bent_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
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

/* ---- Files ---- */

static char folder[512];
static char paths[16][640];
static size_t path_count;

const char *temporary_folder(void)
{
    if (folder[0] == 0) {
        make_temporary_folder(folder, sizeof folder);
    }
    return folder;
}

const char *temporary_path(const char *name)
{
    CHECK(path_count < COUNT(paths));
    char *path = paths[path_count++];
    snprintf(path, sizeof paths[0], "%s/%s", temporary_folder(), name);
    return path;
}

void remove_temporary_files(void)
{
    for (size_t i = 0; i < path_count; i++) {
        remove_file(paths[i]);
    }
    if (folder[0] != 0) {
        remove_folder(folder);
    }
}

void file_write(const char *path, const char *bytes, size_t len)
{
    char beside[COUNT(paths[0]) + 4];
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = file_open(beside, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
    rename_over(beside, path);
}
