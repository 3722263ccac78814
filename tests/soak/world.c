/* What happens to servers and network. */

#include "soak.h"

#include <stdio.h>

/* The heartbeat: after both, a server is known to be gone. */
#define PING_INTERVAL_MS 1000
#define PING_TIMEOUT_MS 1000

enum { UP, DOWN, FROZEN };

typedef struct target_t {
    server_t *server;
    int is_proxy;
    int state;
    /* When something happens to it again. */
    int64_t due;
    char options[2048];
} target_t;

static dice_t dice;
/* Two servers, one by https, and a proxy before the second. */
static target_t targets[4];

world_figures_t world_figures;

static int64_t later(int lowest_ms, int highest_ms)
{
    return now_ms() + between(&dice, lowest_ms, highest_ms);
}

static void begin_server(int number, const char *folder, const char *more)
{
    target_t *target = &targets[number];
    snprintf(target->options, sizeof target->options,
             "{\"mode\":\"soak\",\"record\":\"%s/record.%d\",\"seed\":%u,"
             "\"pingInterval\":%d,\"pingTimeout\":%d%s}",
             folder, number, (unsigned)roll(&dice, 1u << 30), PING_INTERVAL_MS, PING_TIMEOUT_MS, more);
    target->server = server_start(target->options);
}

void world_begin(uint64_t seed, const char *folder)
{
    dice.state = seed;
    begin_server(0, folder, "");
    begin_server(1, folder, "");
    begin_server(2, folder, ",\"tls\":\"good\"");
    targets[3].server = proxy_start(NULL);
    targets[3].is_proxy = 1;
    for (size_t i = 0; i < COUNT(targets); i++) {
        targets[i].due = later(1000, 4000);
    }
    static const struct {
        const char *name;
        int server;
        const char *transport;
    } kinds[CLIENT_COUNT] = {
        {"websocket", 0, "WebSocket Only"}, {"polling", 1, "Polling Only"}, {"automatic", 0, "Automatic"},
        {"proxied", 1, "Automatic"},        {"tls", 2, "WebSocket Only"},
    };
    for (int i = 0; i < CLIENT_COUNT; i++) {
        client_t *client = &clients[i];
        char proxy[64] = "";
        client->name = kinds[i].name;
        client->server = targets[kinds[i].server].server;
        client->stays = kinds[i].server != 2;
        if (strcmp(client->name, "proxied") == 0) {
            snprintf(proxy, sizeof proxy, ",\"proxy\":\"http://127.0.0.1:%d\"", server_port(targets[3].server));
        }
        snprintf(client->fields, sizeof client->fields,
                 "\"transport\":\"%s\",\"query\":{\"key\":\"%d\"},\"reconnect_delay\":0.05,"
                 "\"reconnect_after_server_disconnect\":%s%s%s%s",
                 kinds[i].transport, i, client->stays ? "true" : "false", proxy, kinds[i].server == 2 ? "," : "",
                 kinds[i].server == 2 ? trusting("ca.pem", NULL) : "");
    }
}

static void kill_it(target_t *target)
{
    server_kill(target->server);
    world_figures.kills++;
    target->state = DOWN;
    target->due = later(0, 1500);
}

static void freeze_it(target_t *target, int lowest_ms, int highest_ms)
{
    server_freeze(target->server);
    target->state = FROZEN;
    target->due = later(lowest_ms, highest_ms);
}

static void freeze_shortly(target_t *target)
{
    world_figures.short_freezes++;
    freeze_it(target, 50, PING_TIMEOUT_MS * 3 / 4);
}

static void freeze_long(target_t *target)
{
    world_figures.long_freezes++;
    freeze_it(target, PING_INTERVAL_MS + PING_TIMEOUT_MS + 500, 2 * (PING_INTERVAL_MS + PING_TIMEOUT_MS));
}

static void cut_all(target_t *target)
{
    server_command(target->server, "cut");
    world_figures.cuts++;
    target->due = later(500, 5000);
    /* Reports of the proxy that nobody waits for. */
    while (server_has(target->server, "tunnel ") || server_has(target->server, "closed ")
           || server_has(target->server, "refused ")) {
    }
}

/* Something happens to what runs. */
static void strike(target_t *target)
{
    uint32_t choice = roll(&dice, 100);
    target->due = later(1500, 7000);
    if (target->is_proxy) {
        if (choice < 60) {
            cut_all(target);
        } else if (choice < 75) {
            kill_it(target);
        } else if (choice < 90) {
            freeze_shortly(target);
        } else {
            freeze_long(target);
        }
        return;
    }
    if (choice < 45) {
        kill_it(target);
    } else if (choice < 60) {
        server_stop(target->server);
        world_figures.stops++;
        target->state = DOWN;
        target->due = later(0, 1500);
    } else if (choice < 75) {
        freeze_shortly(target);
    } else if (choice < 85) {
        freeze_long(target);
    } else if (choice < 93) {
        cut_all(target);
    } else {
        server_command(target->server, "disconnect");
        world_figures.disconnects++;
    }
}

static void heal(target_t *target)
{
    if (target->state == DOWN) {
        server_restart(target->server);
    } else if (target->state == FROZEN) {
        server_thaw(target->server);
    }
    target->state = UP;
    target->due = later(1500, 7000);
}

void world_turn(void)
{
    for (size_t i = 0; i < COUNT(targets); i++) {
        target_t *target = &targets[i];
        if (now_ms() >= target->due) {
            (target->state == UP ? strike : heal)(target);
        }
    }
    sleep_ms(20);
}

void world_heals(void)
{
    for (size_t i = 0; i < COUNT(targets); i++) {
        if (targets[i].state != UP) {
            heal(&targets[i]);
        }
    }
}
