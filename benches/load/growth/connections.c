/* More connections in one process; the events are as many, shared among them. */
#include "growth.h"

#include <stdio.h>

#define RECEIVED 500000
#define SENT 200000
#define SIZE 100
/* So many are sent over a connection before the next one has its turn: each turn is a system call. */
#define TOGETHER 20
/* What a further connection that stands and listens to an event may take. */
#define CONNECTION_KIB 12
/* After a load it may keep buffers, but no more than so many times that. */
#define USED_TIMES 3

enum { TIME_IN, PLUGIN_IN, HOST_IN, TIME_OUT, PLUGIN_OUT, HOST_OUT, IDLE_KIB, USED_KIB, THREADS };

static void run(struct row *row, long connections)
{
    const size_t count = (size_t)connections;
    const uint64_t each_in = RECEIVED / count, each_out = SENT / count;
    struct memory one, idle, used;
    double time, plugin, cpu;
    size_t i, j;
    uint64_t n;
    struct flood flood = {0};
    flood.count = each_in;
    flood.size = SIZE;
    host_begin();
    host_configure(1, "");
    host_start(0, 0);
    one = memory_at_rest();
    host_configure(count, "");
    host_start(1, 0);
    idle = memory_at_rest();

    time = now_ns(), plugin = plugin_ns(), cpu = cpu_ns();
    for (i = 0; i < count; i++)
        ask_flood(i, flood);
    poll_until(&floods_done, count, "floods at their end");
    if (received != each_in * count)
        fail("%llu of %llu events came", (unsigned long long)received, (unsigned long long)(each_in * count));
    time = now_ns() - time, plugin = plugin_ns() - plugin, cpu = cpu_ns() - cpu;
    row->cell[TIME_IN] = time / (double)received;
    row->cell[PLUGIN_IN] = plugin / (double)received;
    row->cell[HOST_IN] = (cpu - plugin) / (double)received;

    time = now_ns(), plugin = plugin_ns(), cpu = cpu_ns();
    for (i = 0; i < count; i++)
        ask_check(i, SIZE);
    for (n = 0; n < each_out; n += TOGETHER)
        for (i = 0; i < count; i++)
            for (j = 0; j < TOGETHER; j++)
                send_tick_patiently(i);
    for (i = 0; i < count; i++)
        ask_confirm(i);
    for (i = 0; i < count; i++)
        confirm(i);
    time = now_ns() - time, plugin = plugin_ns() - plugin, cpu = cpu_ns() - cpu;
    row->cell[TIME_OUT] = time / SENT;
    row->cell[PLUGIN_OUT] = plugin / SENT;
    row->cell[HOST_OUT] = (cpu - plugin) / SENT;

    used = memory_at_rest();
    if (count > 1) {
        row->cell[IDLE_KIB] = (idle.anon_kib - one.anon_kib) / (double)(count - 1);
        row->cell[USED_KIB] = (used.anon_kib - one.anon_kib) / (double)(count - 1);
    }
    row->cell[THREADS] = used.threads;
    host_end();
}

void connections_table(void)
{
    static const long counts[] = {1, 10, 100, 1000};
    struct row first = {0}, row;
    size_t i;
    printf("**Connections.** %d events received and %d sent, of %d B, shared among them. Flat would be: the same nanoseconds an\n"
           "event in each row, the same memory for each further connection, the same threads.\n\n",
           RECEIVED, SENT, SIZE);
    printf("| connections | receive: ns an event | CPU of the plugin | of the host | send: ns an event | CPU of the plugin | "
           "of the host | KiB a further one, idle | after the load | threads |\n");
    printf("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (!run_row(run, counts[i], &row))
            continue;
        if (i == 0)
            first = row;
        printf("| %ld | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f | ", counts[i], row.cell[TIME_IN], row.cell[PLUGIN_IN],
               row.cell[HOST_IN], row.cell[TIME_OUT], row.cell[PLUGIN_OUT], row.cell[HOST_OUT]);
        if (counts[i] >= 100)
            printf("%.1f | %.1f | %.0f |\n", row.cell[IDLE_KIB], row.cell[USED_KIB], row.cell[THREADS]);
        else
            printf("| | %.0f |\n", row.cell[THREADS]);
        bound(flat(row.cell[PLUGIN_IN], first.cell[PLUGIN_IN]), "an event costs %.0f ns with %ld connections, %.0f with one",
              row.cell[PLUGIN_IN], counts[i], first.cell[PLUGIN_IN]);
        bound(flat(row.cell[PLUGIN_OUT], first.cell[PLUGIN_OUT]),
              "a sent event costs %.0f ns with %ld connections, %.0f with one", row.cell[PLUGIN_OUT], counts[i],
              first.cell[PLUGIN_OUT]);
        /* What all of them share (batches, buffers) is little beside a thousand only. */
        bound(counts[i] < 1000 || row.cell[IDLE_KIB] <= CONNECTION_KIB, "a connection takes %.1f KiB, more than %d",
              row.cell[IDLE_KIB], CONNECTION_KIB);
        bound(counts[i] < 1000 || row.cell[USED_KIB] <= USED_TIMES * CONNECTION_KIB,
              "a connection that was busy keeps %.1f KiB", row.cell[USED_KIB]);
        bound(row.cell[THREADS] == first.cell[THREADS], "%.0f threads for %ld connections", row.cell[THREADS], counts[i]);
    }
    printf("\n");
}
