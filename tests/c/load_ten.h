/* Ten connections that are deactivated, whatever they are doing: for the programs about that. */

#ifndef LOAD_TEN_H
#define LOAD_TEN_H

#define _GNU_SOURCE

#include "harness.h"

#include <stdio.h>

#define CONNECTIONS 10
#define LIMIT_MS 1000
/* And a little scheduling. */
#define IN_TIME_MS 1200

/* Applies the settings of ten connections, c0 to c9, and starts them. */
static void start_all(void)
{
    settings_apply();
    char name[16];
    for (int i = 0; i < CONNECTIONS; i++) {
        snprintf(name, sizeof name, "c%d", i);
        start(find(name));
    }
}

static void disable_in_time(socketio_status_t expected)
{
    int64_t began = now_ms();
    CHECK_STATUS(plugin.plugin_disable(LIMIT_MS), expected);
    int64_t took = now_ms() - began;
    if (took > IN_TIME_MS) {
        FAIL("disable(%d) took %lld ms", LIMIT_MS, (long long)took);
    }
}

static void take_final_stops(int sessions)
{
    for (int i = 0; i < sessions; i++) {
        const event_t *event = WAIT(.node_type = SOCKETIO_NODE_ON_STOP);
        CHECK(!bool_of(event, STOP_WILL_RECONNECT));
        CHECK_TEXT(text_of(event, STOP_REASON), "plugin disabled");
    }
    CHECK_NONE(.node_type = SOCKETIO_NODE_ON_STOP);
    ignore_errors();
}

/* Disables; each of the sessions had its final On Stop, with this reason. */
static void check_disable(int sessions)
{
    disable_in_time(SOCKETIO_OK);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    take_final_stops(sessions);
    wait_threads(1);
}

#endif
