/* The run: its phases, its measures, its table. */

#include "soak.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* After it, all caches are filled and the allocators have found their size. */
#define WARM_UP_SHARE 4
#define WARM_UP_MOST_MS 60000
#define GROWTH_LIMIT_KIB 6144
#define IDLE_LIMIT_PERCENT 2.0
#define NUMBERS_A_SECOND 200
#define TEXTS_KEPT 40

static const char *const rule_texts[] = {
#define RULE_TEXT(name, text) text,
    RULES(RULE_TEXT)
#undef RULE_TEXT
};

static struct {
    int count;
    char texts[TEXTS_KEPT][256];
    int text_count;
    int by_rule[RULE_COUNT];
    pthread_mutex_t lock;
} breaches = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct {
    int64_t begin;
    long rss_first, rss_last, rss_most;
    int threads_before, threads_most, threads_after;
    int fds_before, fds_most, fds_after;
    double idle_percent;
} measures;

void broken(int rule, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&breaches.lock);
    breaches.count++;
    breaches.by_rule[rule]++;
    if (breaches.text_count < TEXTS_KEPT) {
        char *text = breaches.texts[breaches.text_count++];
        int len = snprintf(text, sizeof breaches.texts[0], "%.1f s: ", (double)(now_ms() - measures.begin) / 1000);
        vsnprintf(text + len, sizeof breaches.texts[0] - (size_t)len, format, arguments);
    }
    pthread_mutex_unlock(&breaches.lock);
    va_end(arguments);
}

/* ---- Choices ---- */

/* splitmix64. */
uint32_t roll(dice_t *dice, uint32_t sides)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 32) % sides;
}

int between(dice_t *dice, int lowest, int highest)
{
    return lowest + (int)roll(dice, (uint32_t)(highest - lowest + 1));
}

/* ---- Measures ---- */

static void sample(int is_warm)
{
    long rss = rss_kib();
    int threads = thread_count();
    int fds = fd_count();
    if (!is_warm) {
        measures.rss_first = rss;
    }
    measures.rss_last = rss;
    measures.rss_most = rss > measures.rss_most ? rss : measures.rss_most;
    measures.threads_most = threads > measures.threads_most ? threads : measures.threads_most;
    measures.fds_most = fds > measures.fds_most ? fds : measures.fds_most;
    if (!is_warm) {
        measures.rss_most = rss;
    }
}

static void check_measures(void)
{
    long growth = measures.rss_most - measures.rss_first;
    if (growth > GROWTH_LIMIT_KIB) {
        broken(MEMORY, "memory grew by %ld KiB after the warm-up", growth);
    }
    if (measures.threads_after != measures.threads_before || measures.fds_after != measures.fds_before) {
        broken(LEFTOVERS, "%d threads and %d descriptors before, %d and %d after", measures.threads_before,
               measures.fds_before, measures.threads_after, measures.fds_after);
    }
    if (measures.idle_percent > IDLE_LIMIT_PERCENT) {
        broken(IDLE, "idle took %.1f %% of a processor", measures.idle_percent);
    }
}

/* ---- The table ---- */

#define ROW(label, member)                             \
    printf("| %s |", label);                           \
    for (int i = 0; i < CLIENT_COUNT; i++) {           \
        printf(" %u |", (unsigned)clients[i].member);  \
    }                                                  \
    printf("\n")

static void print_table(int seconds, const char *seed)
{
    printf("Soak of %d s, seed %s.\n\n| |", seconds, seed);
    for (int i = 0; i < CLIENT_COUNT; i++) {
        printf(" %s |", clients[i].name);
    }
    printf("\n| --- |");
    for (int i = 0; i < CLIENT_COUNT; i++) {
        printf(" ---: |");
    }
    printf("\n");
    ROW("sessions", seen.sessions);
    ROW("final On Stops", seen.stops);
    ROW("ms on the way to one", seen.down_ms);
    ROW("the longest way, ms", seen.longest_down_ms);
    ROW("requests sent", next[ASK]);
    ROW("acknowledged", seen.replied);
    ROW("Timeout, in doubt", seen.timed_out);
    ROW("of these had arrived", seen.arrived_without_reply);
    ROW("messages sent", next[TELL]);
    ROW("arrived", seen.told_and_arrived);
    ROW("lost as their connection broke", seen.lost_at_breaks);
    ROW("given up by Stop or disable", seen.given_up);
    ROW("Keep Latest: sent", next[POSE]);
    ROW("Keep Latest: arrived", seen.posed_and_arrived);
    ROW("events received", seen.news);
    ROW("attachments received", seen.attachments);
    ROW("Latest Per Poll received", seen.positions);
    ROW("questions received", seen.questions);
    ROW("answers that arrived", seen.answered);

    printf("\n| the world | |\n| --- | ---: |\n");
    printf("| kills and restarts | %u |\n", world_figures.kills);
    printf("| graceful ends and restarts | %u |\n", world_figures.stops);
    printf("| freezes, short and longer than the heartbeat | %u, %u |\n", world_figures.short_freezes,
           world_figures.long_freezes);
    printf("| cuts | %u |\n| disconnects by the server | %u |\n", world_figures.cuts, world_figures.disconnects);
    printf("| errors told | %s |\n", host_errors());
    printf("\n| the host | |\n| --- | ---: |\n");
    printf("| polls | %u |\n", host_figures.polls);
    printf("| settings applied, of these cutting | %u, %u |\n", host_figures.applied, host_figures.cutting_settings);
    printf("| disabled and enabled | %u |\n| longest disable | %lld ms |\n", host_figures.disabled,
           (long long)host_figures.longest_disable_ms);
    printf("| memory after warm-up, at the end, most | %ld, %ld, %ld KiB |\n", measures.rss_first, measures.rss_last,
           measures.rss_most);
    printf("| threads before, most, after | %d, %d, %d |\n", measures.threads_before, measures.threads_most,
           measures.threads_after);
    printf("| descriptors before, most, after | %d, %d, %d |\n", measures.fds_before, measures.fds_most,
           measures.fds_after);
    printf("| processor when idle | %.2f %% |\n", measures.idle_percent);

    printf("\n| rule | breaches |\n| --- | ---: |\n");
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        printf("| %s | %d |\n", rule_texts[rule], breaches.by_rule[rule]);
    }
    if (breaches.count > 0) {
        printf("\n");
    }
    for (int i = 0; i < breaches.text_count; i++) {
        printf("%s\n", breaches.texts[i]);
    }
    uint32_t messages = 0, sessions = 0;
    for (int i = 0; i < CLIENT_COUNT; i++) {
        messages += clients[i].seen.asked_and_arrived + clients[i].seen.told_and_arrived + clients[i].seen.news;
        sessions += clients[i].seen.sessions;
    }
    printf("\nsoak: %u messages in %u sessions, %u kills, %u cuts; breaches of rules: %d\n", messages, sessions,
           world_figures.kills, world_figures.cuts, breaches.count);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int seconds = argc == 4 ? atoi(argv[1]) : 0;
    if (seconds <= 0) {
        printf("usage: %s SECONDS SEED FOLDER\n", argv[0]);
        return 2;
    }
    dice_t dice = {.state = strtoull(argv[2], NULL, 10)};
    most_numbers = (uint32_t)seconds * NUMBERS_A_SECOND + 10000;
    forget_environment();
    plugin_load();
    world_begin((uint64_t)roll(&dice, UINT32_MAX) << 32, argv[3]);
    record_begin(argv[3], seconds);
    measures.begin = now_ms();
    host_prepare((uint64_t)roll(&dice, UINT32_MAX) << 32);
    measures.threads_before = thread_count();
    measures.fds_before = fd_count();
    host_begin();

    pthread_t host;
    CHECK(pthread_create(&host, NULL, host_run, NULL) == 0);
    int64_t end = measures.begin + seconds * (int64_t)1000;
    int64_t warm = seconds * (int64_t)1000 / WARM_UP_SHARE;
    warm = measures.begin + (warm < WARM_UP_MOST_MS ? warm : WARM_UP_MOST_MS);
    for (int64_t next = 0; now_ms() < end;) {
        world_turn();
        if (now_ms() >= next) {
            sample(now_ms() >= warm);
            next = now_ms() + 500;
        }
    }
    world_heals();
    __atomic_store_n(&host_over, 1, __ATOMIC_SEQ_CST);
    CHECK(pthread_join(host, NULL) == 0);

    host_calm();
    measures.idle_percent = host_idle(seconds < 120 ? 3000 : 10000);
    sample(1);
    host_end();
    measures.threads_after = thread_count();
    measures.fds_after = fd_count();
    check_measures();
    record_check();
    print_table(seconds, argv[2]);
    end_servers();
    return breaches.count > 0;
}
