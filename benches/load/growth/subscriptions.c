/* More names that are listened to; events come by such names, and by names that nobody listens to. */
#include "growth.h"

#include <stdio.h>

#define EVENTS 200000
#define SIZE 100
/* What a subscription may take. */
#define SUBSCRIPTION_BYTES 400
/* What each of many may take until it is confirmed. */
#define NAME_NS 20000

enum { SUBSCRIBE, HEARD, IGNORED, BYTES, AGAIN, UNSUBSCRIBE };

static const char *name_of(char letter, long number)
{
    static char name[24];
    sprintf(name, "%c%ld", letter, number);
    return name;
}

static void run(struct row *row, long names)
{
    struct memory before, after;
    struct flood flood = {0};
    double begin;
    uint64_t base;
    long i;
    flood.count = EVENTS;
    flood.size = SIZE;
    flood.names = (uint64_t)names;
    host_begin();
    host_configure(1, "");
    host_start(0, 0);
    base = subscribed;

    before = memory_at_rest();
    begin = now_ns();
    for (i = 0; i < names; i++) {
        subscribe(0, name_of('s', i));
        if (i % 256 == 0)
            poll_once(0, NULL);
    }
    poll_until(&subscribed, base + (uint64_t)names, "subscriptions");
    row->cell[SUBSCRIBE] = (now_ns() - begin) / (double)names;
    after = memory_at_rest();
    row->cell[BYTES] = (after.anon_kib - before.anon_kib) * 1024 / (double)names;

    flood.letter = 's';
    begin = plugin_ns();
    ask_flood(0, flood);
    poll_until(&floods_done, 1, "floods at their end");
    row->cell[HEARD] = (plugin_ns() - begin) / EVENTS;
    if (received != EVENTS)
        fail("%llu of %d events came", (unsigned long long)received, EVENTS);
    /* Any of these is an event too many: the number of what is due stays 0. */
    flood.letter = 'u';
    begin = plugin_ns();
    ask_flood(0, flood);
    poll_until(&floods_done, 2, "floods at their end");
    row->cell[IGNORED] = (plugin_ns() - begin) / EVENTS;
    if (received != EVENTS)
        fail("an event came that nobody listens to");

    host_stop(0);
    begin = now_ns();
    host_start(0, (uint64_t)names);
    row->cell[AGAIN] = (now_ns() - begin) / (double)names;

    begin = now_ns();
    base = unsubscribed;
    for (i = 0; i < names; i++) {
        unsubscribe(0, name_of('s', i));
        if (i % 256 == 0)
            poll_once(0, NULL);
    }
    poll_until(&unsubscribed, base + (uint64_t)names, "names that are no longer listened to");
    row->cell[UNSUBSCRIBE] = (now_ns() - begin) / (double)names;
    host_end();
}

void subscriptions_table(void)
{
    static const long counts[] = {1, 100, 10000, 100000};
    struct row first = {0}, row;
    size_t i;
    printf("**Subscriptions.** %d events of %d B come by the names that are listened to, then as many by as many other names.\n"
           "Flat would be: the same CPU time of the plugin for an event, the same time and memory for each name.\n\n",
           EVENTS, SIZE);
    printf("| names | ns an event, CPU of the plugin | nobody listens | bytes a name | Subscribe, until it is confirmed: ns a name "
           "| after a reconnect | Unsubscribe |\n");
    printf("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (!run_row(run, counts[i], &row))
            continue;
        if (i == 0)
            first = row;
        printf("| %ld | %.0f | %.0f | ", counts[i], row.cell[HEARD], row.cell[IGNORED]);
        /* Of a few, what is seen is the way there and back, not what a name costs. */
        if (counts[i] >= 10000)
            printf("%.0f | %.0f | %.0f | %.0f |\n", row.cell[BYTES], row.cell[SUBSCRIBE], row.cell[AGAIN],
                   row.cell[UNSUBSCRIBE]);
        else
            printf("| | | |\n");
        bound(flat(row.cell[HEARD], first.cell[HEARD]), "an event costs %.0f ns with %ld subscriptions, %.0f with one",
              row.cell[HEARD], counts[i], first.cell[HEARD]);
        bound(flat(row.cell[IGNORED], first.cell[IGNORED]),
              "an event that nobody listens to costs %.0f ns with %ld subscriptions, %.0f with one", row.cell[IGNORED],
              counts[i], first.cell[IGNORED]);
        if (counts[i] >= 10000) {
            /* Beside fewer, what their events took is more than they themselves. */
            bound(counts[i] < 100000 || row.cell[BYTES] <= SUBSCRIPTION_BYTES, "a subscription takes %.0f bytes", row.cell[BYTES]);
            bound(row.cell[SUBSCRIBE] <= NAME_NS && row.cell[AGAIN] <= NAME_NS && row.cell[UNSUBSCRIBE] <= NAME_NS,
                  "Subscribe, the same after a reconnect, and Unsubscribe cost %.0f, %.0f and %.0f ns a name",
                  row.cell[SUBSCRIBE], row.cell[AGAIN], row.cell[UNSUBSCRIBE]);
        }
    }
    printf("\n");
}
