/*
 * Bugs on purpose: a tool that watches the process has to report each of these cases (`cargo xtask sanitize`). Those in
 * the library are only in a library that was built for a sanitizer; the others are what a host does wrong at the
 * boundary.
 */

#include "harness.h"

#include <dlfcn.h>
#include <stdlib.h>

/* A function that only a library for sanitizers has. */
#define PLANTED(result, name, parameters)                                     \
    result (*name) parameters;                                                \
    {                                                                         \
        plugin_load();                                                        \
        void *symbol = dlsym(plugin.library, "socketio_planted_" #name);      \
        if (symbol == NULL) {                                                 \
            skip("This library was not built for a sanitizer.");              \
        }                                                                     \
        memcpy(&name, &symbol, sizeof symbol);                                \
    }

/* ---- In the library ---- */

static void the_library_reads_what_it_freed(void)
{
    PLANTED(uint32_t, use_after_free, (void))
    use_after_free();
}

static void the_library_reads_too_far(void)
{
    PLANTED(uint8_t, overflow, (void))
    overflow();
}

static void the_library_leaks(void)
{
    PLANTED(void, leak, (void))
    leak();
}

static void threads_of_the_library_race(void)
{
    PLANTED(uint32_t, race, (void))
    race();
}

/* ---- At the boundary ---- */

static void the_host_reads_a_batch_too_late(void)
{
    begin();
    start(configure(port_reserve(), JSON("automatic_reconnect":false)));
    WAIT(.node_type = SOCKETIO_NODE_ON_STOP);
    ignore_errors();
    start(find("main"));
    const socketio_value_t *message = NULL;
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    while (message == NULL) {
        plugin.event_wait(PATIENCE_MS);
        CHECK(plugin.event_poll(1, &batch) >= 0);
        if (batch.count == 1 && batch.events[0]->node_type == SOCKETIO_NODE_ON_ERROR) {
            message = &batch.events[0]->outputs[ERROR_MESSAGE];
        }
    }
    const char *text = message->as.string.ptr;
    CHECK(plugin.event_poll(1, &batch) >= 0);
    CHECK(text[0] != 0);
    forgive_sessions();
}

static void the_host_gives_a_struct_that_is_too_short(void)
{
    plugin_load();
    enable();
    socketio_connection_t connection = configure(port_reserve(), NULL);
    socketio_connection_info_t *info = malloc(16);
    CHECK(info != NULL);
    info->struct_size = sizeof *info;
    plugin.connection_info(connection, info);
    free(info);
}

static void the_host_leaks(void)
{
    volatile char *lost = malloc(1000);
    CHECK(lost != NULL);
    lost[0] = 7;
    lost = NULL;
}

static void host_and_library_race(void)
{
    static volatile uint32_t number;
    PLANTED(void, shared, (uint32_t *number))
    shared((uint32_t *)&number);
    AWAIT(number != 0);
}

TEST_MAIN(
    CASE(the_library_reads_what_it_freed),
    CASE(the_library_reads_too_far),
    CASE(the_library_leaks),
    CASE(threads_of_the_library_race),
    CASE(the_host_reads_a_batch_too_late),
    CASE(the_host_gives_a_struct_that_is_too_short),
    CASE(the_host_leaks),
    CASE(host_and_library_race))
