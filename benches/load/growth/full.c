/* Queues that are full: towards a host that never polls, and towards a server that does not read. */
#include "growth.h"

#include <stdio.h>

/* What a queue may take besides the bytes of its limit: the event itself, memory that is not yet given back. */
#define TIMES 1.5
/* A message waits as it was given; while its packet is made, both are there. */
#define TIMES_OUT 2
#define BASE_KIB (24 * 1024)
/* An event of 100 B is laid out with its names and lengths. */
#define EVENT_BYTES 700
/* While nothing moves, the plugin may use so much of a processor. */
#define IDLE_PART 0.05
/* Refused calls, and what one may take. */
#define REFUSED 100000
#define REFUSED_MOST_NS 5000

enum { FILLING, FULL, HELD, DROPPED, KIB_FILLED, KIB_END, POLL, AFTER };

static const struct {
    const char *text;
    const char *limit;
    size_t size;
    /* Events of the flood, and more than the queue holds. */
    uint64_t count, over;
    /* What the queue may hold: events, KiB. */
    uint64_t held;
    double held_kib;
} inbound[] = {
    {"100 B", "100,000 events", 100, 2000000, 101000, 100000, 100000 * EVENT_BYTES / 1024.0},
    {"64 KiB", "128 MiB", 65536, 20000, 3000, 2048, 128 * 1024},
};

/* Waits without polling until the plugin has dropped so many and has nothing to do any more. */
static void until_dropped(uint64_t count)
{
    const double begin = now_ns();
    uint64_t before;
    double cpu;
    do {
        before = link_info(0).dropped;
        cpu = plugin_ns();
        if (now_ns() - begin > 60e9)
            fail("%llu events were dropped, not %llu", (unsigned long long)before, (unsigned long long)count);
        pause_ms(50);
    } while (before < count || link_info(0).dropped != before || plugin_ns() - cpu > IDLE_PART * 50e6);
}

static void run_inbound(struct row *row, long index)
{
    const uint64_t count = inbound[index].count, over = inbound[index].over;
    struct memory before;
    struct flood flood = {0};
    double begin;
    bool more = true;
    flood.size = inbound[index].size;
    host_begin();
    host_configure(1, "");
    host_start(0, 0);
    gap_allowed = true;
    before = memory_at_rest();
    peak_reset();

    /* One flood fills the queue, and the next one meets a full queue. Each has a "done" at its end. */
    flood.count = over;
    begin = plugin_ns();
    ask_flood(0, flood);
    until_dropped(over / 200);
    row->cell[FILLING] = (plugin_ns() - begin) / (double)over;
    row->cell[KIB_FILLED] = memory_now().peak_kib - before.rss_kib;
    flood.count = count;
    begin = plugin_ns();
    ask_flood(0, flood);
    until_dropped(count);
    row->cell[FULL] = (plugin_ns() - begin) / (double)count;
    row->cell[KIB_END] = memory_now().peak_kib - before.rss_kib;

    poll_ns = 0;
    while (more)
        poll_once(0, &more);
    row->cell[HELD] = (double)received;
    row->cell[DROPPED] = (double)dropped;
    row->cell[POLL] = poll_ns / (double)received;
    if (links[0].next != count || floods_done != 1)
        fail("what waited ended at %llu of %llu", (unsigned long long)links[0].next, (unsigned long long)count);
    if (received + floods_done + dropped != over + 1 + count + 1)
        fail("%llu events waited and %llu were dropped, of %llu", (unsigned long long)(received + floods_done),
             (unsigned long long)dropped, (unsigned long long)(over + count + 2));
    if (link_info(0).dropped != dropped)
        fail("the connection says that %llu were dropped, the batch %llu", (unsigned long long)link_info(0).dropped,
             (unsigned long long)dropped);
    if (overflows != 1)
        fail("that events were dropped was told %llu times", (unsigned long long)overflows);

    /* It recovers: as many as fit come without a further gap. */
    received = 0;
    flood.count = inbound[index].held / 2;
    begin = plugin_ns();
    ask_flood(0, flood);
    poll_until(&floods_done, 2, "floods at their end");
    row->cell[AFTER] = (plugin_ns() - begin) / (double)flood.count;
    if (received != flood.count || link_info(0).dropped != (uint64_t)row->cell[DROPPED])
        fail("after the queue was full, %llu of %llu events came", (unsigned long long)received,
             (unsigned long long)flood.count);
    host_end();
}

static const struct {
    const char *text;
    const char *limit;
    size_t size;
    uint64_t held;
    double held_kib;
} outbound[] = {
    {"100 B", "10,000 messages", 100, 10000, 10000 * EVENT_BYTES / 1024.0},
    {"64 KiB", "64 MiB", 65536, 1024, 64 * 1024},
};

enum { ACCEPTED, QUEUED, REFUSED_NS, STUCK, PEAK, RECOVERED };

static void run_outbound(struct row *row, long index)
{
    struct memory before;
    double begin, moved;
    uint64_t i, queued;
    host_begin();
    host_configure(2, "");
    host_start(0, 0);
    before = memory_at_rest();
    peak_reset();
    ask_deaf(0);
    ask_check(0, outbound[index].size);
    /* Full is a queue that takes nothing for a while; before, the system's buffers take what they can. */
    for (moved = now_ns(); now_ns() - moved < 300e6; pause_ms(1))
        while (send_tick(0))
            moved = now_ns();
    queued = link_info(0).queued;
    row->cell[ACCEPTED] = (double)links[0].sent;
    row->cell[QUEUED] = (double)queued;

    begin = now_ns();
    for (i = 0; i < REFUSED; i++)
        if (send_tick(0))
            fail("a Send was taken by a queue that is full");
    row->cell[REFUSED_NS] = (now_ns() - begin) / REFUSED;
    begin = plugin_ns();
    pause_ms(500);
    row->cell[STUCK] = (plugin_ns() - begin) / 500e6;
    row->cell[PEAK] = memory_now().peak_kib - before.rss_kib;

    begin = now_ns();
    ask_hear(1);
    ask_confirm(0);
    confirm(0);
    row->cell[RECOVERED] = (now_ns() - begin) / row->cell[ACCEPTED];
    ask_check(0, outbound[index].size);
    for (i = 0; i < outbound[index].held; i++)
        send_tick_patiently(0);
    ask_confirm(0);
    confirm(0);
    host_end();
}

static void inbound_table(void)
{
    struct row row;
    size_t i;
    printf("**A host that never polls**, with the limits as they are by themselves, while the flood goes on; then it polls.\n"
           "Flat would be: an event that makes another one go costs what it cost when there was room, and memory stays. What was\n"
           "polled and what was dropped is together what was sent, and only the oldest are gone.\n\n");
    printf("| text | sent | limit | filling: ns an event, CPU of the plugin | full | memory when filled, MiB | at the end | polled | "
           "dropped | poll: ns an event | afterwards, CPU of the plugin |\n");
    printf("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (i = 0; i < sizeof inbound / sizeof *inbound; i++) {
        if (!run_row(run_inbound, (long)i, &row))
            continue;
        printf("| %s | %llu | %s | %.0f | %.0f | %.1f | %.1f | %.0f | %.0f | %.0f | %.0f |\n", inbound[i].text,
               (unsigned long long)(inbound[i].over + inbound[i].count), inbound[i].limit, row.cell[FILLING],
               row.cell[FULL], row.cell[KIB_FILLED] / 1024, row.cell[KIB_END] / 1024, row.cell[HELD], row.cell[DROPPED],
               row.cell[POLL], row.cell[AFTER]);
        bound(flat(row.cell[FULL], row.cell[FILLING]), "an event costs %.0f ns when the queue is full, %.0f before",
              row.cell[FULL], row.cell[FILLING]);
        bound(row.cell[KIB_END] <= TIMES * inbound[i].held_kib + BASE_KIB, "%s that wait take %.0f MiB", inbound[i].limit,
              row.cell[KIB_END] / 1024);
        bound(row.cell[KIB_END] <= TIMES * row.cell[KIB_FILLED] + BASE_KIB, "a full queue grew from %.0f to %.0f MiB",
              row.cell[KIB_FILLED] / 1024, row.cell[KIB_END] / 1024);
    }
    printf("\n");
}

static void outbound_table(void)
{
    struct row row;
    size_t i;
    printf("**A server that does not read**, while the host sends until it is refused; then the server reads on.\n"
           "Flat would be: a refused Send costs the same whatever waits, an idle plugin, memory within the limit. All that was\n"
           "taken arrives in order.\n\n");
    printf("| text | limit | taken | of these in the queue | refused: ns a Send | processor meanwhile | memory, MiB | until all "
           "arrived: ns an event |\n");
    printf("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (i = 0; i < sizeof outbound / sizeof *outbound; i++) {
        if (!run_row(run_outbound, (long)i, &row))
            continue;
        printf("| %s | %s | %.0f | %.0f | %.0f | %.1f %% | %.1f | %.0f |\n", outbound[i].text, outbound[i].limit,
               row.cell[ACCEPTED], row.cell[QUEUED], row.cell[REFUSED_NS], row.cell[STUCK] * 100, row.cell[PEAK] / 1024,
               row.cell[RECOVERED]);
        bound(row.cell[QUEUED] <= (double)outbound[i].held, "%.0f messages wait, the limit is %s", row.cell[QUEUED],
              outbound[i].limit);
        bound(row.cell[STUCK] <= IDLE_PART, "the plugin uses %.1f %% of a processor while nothing moves",
              row.cell[STUCK] * 100);
        bound(row.cell[PEAK] <= TIMES_OUT * outbound[i].held_kib + BASE_KIB, "%s that wait take %.0f MiB", outbound[i].limit,
              row.cell[PEAK] / 1024);
        bound(row.cell[REFUSED_NS] <= REFUSED_MOST_NS, "a refused Send takes %.0f ns", row.cell[REFUSED_NS]);
    }
    printf("\n");
}

void full_table(void)
{
    inbound_table();
    outbound_table();
}
