/* The frame of the harness: cases, checks, measures, and the text that all parts need. */

#include "harness_parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_SKIPPED 77
/* Tools that watch a process, and emulators, have memory in it that grows. They slow it down by more than this. */
#define MEMORY_IS_OURS 2

static const char *case_name = "";
static int fds_before;
/* Threads that a sanitizer keeps for itself. */
static int foreign_threads;

/* ---- Text ---- */

void text_append(text_t *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->capacity) {
        text->capacity = (text->len + len + 1) * 2;
        text->ptr = realloc(text->ptr, text->capacity);
        CHECK(text->ptr != NULL);
    }
    memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
    text->ptr[text->len] = 0;
}

void text_format_list(text_t *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *line = malloc((size_t)len + 1);
    CHECK(line != NULL);
    vsnprintf(line, (size_t)len + 1, format, arguments);
    text_append(text, line, (size_t)len);
    free(line);
}

void text_format(text_t *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_format_list(text, format, arguments);
    va_end(arguments);
}

void *copy_bytes(const void *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    copy[len] = 0;
    return copy;
}

uint32_t checksum(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * 0x01000193;
    }
    return hash;
}

int is_utf8(const char *text, size_t len)
{
    const uint8_t *at = (const uint8_t *)text;
    const uint8_t *end = at + len;
    while (at < end) {
        size_t more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
        if ((*at >= 0x80 && *at < 0xc2) || *at > 0xf4 || more > (size_t)(end - at - 1)) {
            return 0;
        }
        for (size_t i = 1; i <= more; i++) {
            if ((at[i] & 0xc0) != 0x80) {
                return 0;
            }
        }
        at += 1 + more;
    }
    return 1;
}

/* ---- Checks ---- */

void fail_at(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%s:%d: %s: ", file, line, case_name);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    print_untaken_events();
    print_log();
    fflush(stdout);
    /* Servers end by their closed stdin. */
    _exit(1);
}

void check_int(const char *file, int line, const char *what, long long actual, long long expected)
{
    if (actual != expected) {
        fail_at(file, line, "%s: expected %lld, saw %lld", what, expected, actual);
    }
}

void check_status(const char *file, int line, const char *what, socketio_status_t actual, socketio_status_t expected)
{
    if (actual != expected) {
        fail_at(file, line, "%s: expected %s, saw %s (%d); last error: %s", what, plugin.status_name(expected),
                plugin.status_name(actual), (int)actual, last_error());
    }
}

void check_text(const char *file, int line, const char *what, const char *actual, const char *expected)
{
    if (strcmp(actual, expected) != 0) {
        fail_at(file, line, "%s: expected \"%s\", saw \"%s\"", what, expected, actual);
    }
}

void check_has(const char *file, int line, const char *what, const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_at(file, line, "%s: expected something with \"%s\", saw \"%s\"", what, part, text);
    }
}

void skip(const char *reason)
{
    printf("%s\n", reason);
    fflush(stdout);
    _exit(EXIT_SKIPPED);
}

/* ---- Measures ---- */

int slowdown(void)
{
    const char *text = environment("SOCKETIO_TEST_SLOWDOWN");
    return text != NULL ? atoi(text) : 1;
}

int thread_count(void)
{
    return system_thread_count() - foreign_threads;
}

void check_growth(const char *file, int line, long before_kib, long most_kib)
{
    long growth = rss_kib() - before_kib;
    if (growth > most_kib && slowdown() <= MEMORY_IS_OURS) {
        fail_at(file, line, "expected to grow by %ld KiB at most, saw %ld KiB", most_kib, growth);
    }
}

void wait_threads(int count)
{
    for (int64_t limit = now_ms() + 2000; thread_count() != count && now_ms() < limit;) {
        sleep_ms(1);
    }
    CHECK_INT(thread_count(), count);
}

static void *do_nothing(void *nothing)
{
    return nothing;
}

/* Those of a sanitizer begin with the first thread of the program. */
static void meet_foreign_threads(void)
{
    const char *text = environment("SOCKETIO_TEST_FOREIGN_THREADS");
    if (text != NULL) {
        pthread_t first;
        CHECK(pthread_create(&first, NULL, do_nothing, NULL) == 0);
        CHECK(pthread_join(first, NULL) == 0);
        foreign_threads = atoi(text);
        wait_threads(1);
    }
}

/* ---- Running ---- */

/* What must hold at the end of every case. */
static void finish(void)
{
    release_names();
    clock_shift(0);
    if (plugin.library != NULL) {
        if (plugin.plugin_state() != SOCKETIO_PLUGIN_DISABLED) {
            disable();
        }
        check_events();
    }
    end_servers();
    remove_temporary_files();
    wait_threads(1);
    /* A sanitizer that has looked up names of functions goes on talking to the program that does. */
    if (foreign_threads == 0) {
        check_fds(fds_before);
    }
    free_events();
}

int run_cases(int argc, char **argv, const test_case_t *cases, size_t count)
{
    const char *wanted = argc == 2 ? argv[1] : "--help";
    int listing = strcmp(wanted, "--list") == 0;
    system_begin();
    for (size_t i = 0; i < count; i++) {
        if (listing) {
            printf("%s%s\n", cases[i].name, cases[i].once ? " once" : "");
        } else if (strcmp(wanted, cases[i].name) == 0) {
            case_name = cases[i].name;
            forget_environment();
            fds_before = fd_count();
            meet_foreign_threads();
            cases[i].run();
            finish();
            return 0;
        }
    }
    if (!listing) {
        printf("usage: %s --list | CASE\n", argv[0]);
    }
    return listing ? 0 : 2;
}
