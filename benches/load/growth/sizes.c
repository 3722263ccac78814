/* Larger messages. */
#include "growth.h"

#include <stdio.h>

/* Of messages from 1 MiB on, so many are under way at once: what a host and a queue hold is then known. */
#define UNDER_WAY 4
/* A message is held by the socket's buffers, by the packet, by the queue and by the batch of the host. */
#define COPIES 4
#define BASE_KIB (48 * 1024)
/* An event may cost so much, and so much more for each byte: wide, but no text is looked at more than a few times. */
#define FLAT_NS 5000
#define FLAT_NS_A_BYTE 5

/* A message of 16 MiB is within the limits that hold by themselves; here nothing may be dropped, whoever is slow. */
#define LIMITS ",\"inbound_messages\":1000000,\"inbound_bytes\":1073741824"

enum { TIME_IN, PLUGIN_IN, TIME_OUT, PLUGIN_OUT, PEAK_IN, PEAK_OUT };

static const struct {
    const char *name;
    size_t size;
    uint64_t count;
} sizes[] = {
    {"1 B", 1, 500000},          {"100 B", 100, 500000},     {"10 KiB", 10240, 50000},
    {"64 KiB", 65536, 10000},    {"1 MiB", 1 << 20, 1000},   {"16 MiB", 16 << 20, 64},
};

static void run(struct row *row, long index)
{
    const size_t size = sizes[index].size;
    const uint64_t count = sizes[index].count, at_once = size < MIB ? count : UNDER_WAY;
    struct memory before;
    double time, plugin;
    uint64_t n;
    struct flood flood = {0};
    flood.count = at_once;
    flood.size = size;
    host_begin();
    host_configure(1, LIMITS);
    host_start(0, 0);
    /* Once, so that this host's own buffers are there. */
    ask_check(0, size);
    ask_confirm(0);
    confirm(0);

    peak_reset();
    before = memory_now();
    time = now_ns(), plugin = plugin_ns();
    for (n = 0; n < count; n += at_once) {
        ask_flood(0, flood);
        poll_until(&floods_done, n / at_once + 1, "floods at their end");
    }
    row->cell[TIME_IN] = (now_ns() - time) / (double)count;
    row->cell[PLUGIN_IN] = (plugin_ns() - plugin) / (double)count;
    if (received != count)
        fail("%llu of %llu events came", (unsigned long long)received, (unsigned long long)count);
    row->cell[PEAK_IN] = memory_now().peak_kib - before.rss_kib;

    peak_reset();
    before = memory_now();
    time = now_ns(), plugin = plugin_ns();
    ask_check(0, size);
    for (n = 0; n < count; n++)
        send_tick_patiently(0);
    ask_confirm(0);
    confirm(0);
    row->cell[TIME_OUT] = (now_ns() - time) / (double)count;
    row->cell[PLUGIN_OUT] = (plugin_ns() - plugin) / (double)count;
    row->cell[PEAK_OUT] = memory_now().peak_kib - before.rss_kib;
    host_end();
}

void sizes_table(void)
{
    struct row row;
    size_t i;
    printf("**Sizes.** One text an event. Flat would be: ns an event while the text is short, MB/s where it is long. From 1 MiB on,\n"
           "%d are under way at once towards the host; Send fills the queue, which holds 64 MiB.\n\n",
           UNDER_WAY);
    printf("| text | events | receive: ns an event | CPU of the plugin | MB/s | peak, MiB | send: ns an event | CPU of the plugin "
           "| MB/s | peak, MiB |\n");
    printf("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const double size = (double)sizes[i].size;
        if (!run_row(run, (long)i, &row))
            continue;
        printf("| %s | %llu | %.0f | %.0f | %.0f | %.1f | %.0f | %.0f | %.0f | %.1f |\n", sizes[i].name,
               (unsigned long long)sizes[i].count, row.cell[TIME_IN], row.cell[PLUGIN_IN], size / row.cell[TIME_IN] * 1e3,
               row.cell[PEAK_IN] / 1024, row.cell[TIME_OUT], row.cell[PLUGIN_OUT], size / row.cell[TIME_OUT] * 1e3,
               row.cell[PEAK_OUT] / 1024);
        if (sizes[i].size >= MIB)
            bound(row.cell[PEAK_IN] <= BASE_KIB + COPIES * UNDER_WAY * size / 1024, "receiving %s takes %.0f MiB at most",
                  sizes[i].name, row.cell[PEAK_IN] / 1024);
        bound(row.cell[PEAK_OUT] <= BASE_KIB + 64 * 1024 * 1.25 + COPIES * size / 1024, "sending %s takes %.0f MiB at most",
              sizes[i].name, row.cell[PEAK_OUT] / 1024);
        bound(row.cell[PLUGIN_IN] <= FLAT_NS + size * FLAT_NS_A_BYTE, "receiving %s costs %.0f ns", sizes[i].name,
              row.cell[PLUGIN_IN]);
        bound(row.cell[PLUGIN_OUT] <= FLAT_NS + size * FLAT_NS_A_BYTE, "sending %s costs %.0f ns", sizes[i].name,
              row.cell[PLUGIN_OUT]);
    }
    printf("\n");
}
