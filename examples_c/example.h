#ifndef EXAMPLE_H
#define EXAMPLE_H

/* What the examples share: a text as a value, a pulse into a node, and the end of the program when a call fails. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _WIN32
#  include <windows.h>
#endif

#include "socketio_plugin.h"

static inline socketio_value_t text(const char *string)
{
    socketio_value_t value = {.type = SOCKETIO_TYPE_STRING};

    value.as.string.ptr = string;
    value.as.string.len = strlen(string);
    return value;
}

/* Ends the program with the library's own sentence if a call has failed. */
static inline void require(socketio_status_t status, const char *call)
{
    char sentence[1024];

    if (status < 0) {
        socketio_last_error(sentence, sizeof sentence);
        fprintf(stderr, "%s: %s: %s\n", call, socketio_status_name(status), sentence);
        exit(1);
    }
}

/* A pulse into an action node, with its attributes left at their defaults. Inputs begin with the pulse itself: {0}. */
static inline void pulse_into(uint32_t node_type, socketio_connection_t connection, const socketio_value_t *inputs,
                              uint32_t input_count)
{
    socketio_node_call_t call = {.struct_size = sizeof call, .node_type = node_type, .connection = connection};

    call.inputs = inputs;
    call.input_count = input_count;
    require(socketio_node_execute(&call, NULL), "socketio_node_execute");
}

/* The settings text of one connection. A studio would escape the URL; here it comes from the command line. */
static inline socketio_connection_t connection_to(const char *url)
{
    socketio_connection_t connection;
    char settings[1024];
    int len = snprintf(settings, sizeof settings, "{\"connections\":[{\"name\":\"main\",\"url\":\"%s\"}]}", url);

    require(len < (int)sizeof settings ? SOCKETIO_OK : SOCKETIO_E_INVALID, "the URL is too long");
    require(socketio_settings_apply(settings, (size_t)len), "socketio_settings_apply");
    require(socketio_connection_find("main", 4, &connection), "socketio_connection_find");
    return connection;
}

/* Sleeps until the next of 60 frames a second. `frame` is the time of the last one; all zero: there was none. */
static inline void wait_for_frame(struct timespec *frame)
{
#ifdef _WIN32
    /* A host with pictures waits for those, not for the clock. */
    (void)frame;
    Sleep(1000 / 60);
#else
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    frame->tv_nsec += 1000000000L / 60;
    if (frame->tv_nsec >= 1000000000L) {
        frame->tv_nsec -= 1000000000L;
        frame->tv_sec++;
    }
    /* Behind time: the beat goes on from now. */
    if (frame->tv_sec < now.tv_sec || (frame->tv_sec == now.tv_sec && frame->tv_nsec < now.tv_nsec)) {
        *frame = now;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, frame, NULL);
#endif
}

#endif
