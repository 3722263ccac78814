/* A host that polls once a second, while events come all the time. */
#include "growth.h"

#include <stdio.h>

#define PER_SECOND 100000
#define SECONDS 8
#define SIZE 100
/* Room for two seconds: what came in one is never dropped, even where the host wakes late. */
#define LIMITS ",\"inbound_messages\":200000"
/* What events of two seconds may take. */
#define PEAK_KIB (160 * 1024)
#define POLL_MOST_NS 2000

enum { PLUGIN, POLL, LONGEST, POLLS, MOST, PEAK };

/* 0: polls of 4,096 until the queue is empty; else one poll of so many. */
static void run(struct row *row, long most)
{
    struct memory before;
    struct flood flood = {0};
    double next, begin;
    uint64_t polls = 0;
    flood.count = (uint64_t)PER_SECOND * SECONDS;
    flood.size = SIZE;
    flood.per_second = PER_SECOND;
    host_begin();
    host_configure(1, LIMITS);
    host_start(0, 0);
    before = memory_at_rest();
    peak_reset();
    poll_ns = longest_poll_ns = 0;
    begin = plugin_ns();
    ask_flood(0, flood);
    for (next = now_ns() + 1e9; floods_done == 0; next += 1e9) {
        const uint64_t received_before = received;
        bool more = true;
        if (next - now_ns() > 1e6)
            pause_ms((long)((next - now_ns()) / 1e6));
        for (; more; polls++)
            poll_once((uint32_t)most, &more);
        if ((double)(received - received_before) > row->cell[MOST])
            row->cell[MOST] = (double)(received - received_before);
        if (polls > 100000 || (received == received_before && floods_done == 0 && received > 0))
            fail("%llu of %llu events came", (unsigned long long)received, (unsigned long long)flood.count);
    }
    if (received != flood.count)
        fail("%llu of %llu events came", (unsigned long long)received, (unsigned long long)flood.count);
    row->cell[PLUGIN] = (plugin_ns() - begin) / (double)received;
    row->cell[POLL] = poll_ns / (double)received;
    row->cell[LONGEST] = longest_poll_ns;
    row->cell[POLLS] = (double)polls;
    row->cell[PEAK] = memory_now().peak_kib - before.rss_kib;
    host_end();
}

void seldom_table(void)
{
    static const struct {
        const char *name;
        long most;
    } ways[] = {{"4,096 each, until there are no more", 0}, {"all in one", 200000}};
    struct row row;
    size_t i;
    printf("**A host that polls once a second**, while %d events of %d B come each second, for %d s. Flat would be: polling costs\n"
           "the same nanoseconds an event as in a host that polls all the time. Nothing is lost.\n\n",
           PER_SECOND, SIZE, SECONDS);
    printf("| polls | events | most at once | CPU of the plugin, ns an event | polls: ns an event | the longest poll, ms | memory, MiB "
           "|\n");
    printf("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!run_row(run, ways[i].most, &row))
            continue;
        printf("| %s | %d | %.0f | %.0f | %.0f | %.2f | %.1f |\n", ways[i].name, PER_SECOND * SECONDS, row.cell[MOST],
               row.cell[PLUGIN], row.cell[POLL], row.cell[LONGEST] / 1e6, row.cell[PEAK] / 1024);
        bound(row.cell[POLL] <= POLL_MOST_NS, "a poll costs %.0f ns an event", row.cell[POLL]);
        bound(row.cell[PEAK] <= PEAK_KIB, "the events of a second take %.0f MiB", row.cell[PEAK] / 1024);
    }
    printf("\n");
}
