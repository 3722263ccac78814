/*
 * The doctor: tests whether a server can be reached and prints the report, a text for whoever has to mend it.
 *
 *     06_connection_test URL
 *
 * Nothing is started: the test has sockets of its own. The exit code is 0 if it passed, 1 if it failed.
 */

#include "example.h"

/* Outputs of Socket.IO Test; the pulse is that of later. */
#define RESULT_PULSE 1
#define PASSED 2
#define REPORT 3

/* Pulses the node; gives the number of the request, by which its Result is known. */
static uint64_t begin_test(socketio_connection_t connection)
{
    socketio_node_call_t call = {.struct_size = sizeof call, .node_type = SOCKETIO_NODE_TEST};
    socketio_node_result_t result = {.struct_size = sizeof result};

    call.connection = connection;
    require(socketio_node_execute(&call, &result), "socketio_node_execute");
    return result.request;
}

static int is_result(const socketio_event_t *event, uint64_t request)
{
    return event->node_type == SOCKETIO_NODE_TEST && event->pulse == RESULT_PULSE && event->request == request;
}

int main(int argc, char **argv)
{
    struct timespec beat = {0};
    uint64_t request;
    int passed = -1;

    if (argc < 2) {
        fprintf(stderr, "usage: %s URL\n", argv[0]);
        return 2;
    }
    require(socketio_plugin_enable(NULL), "socketio_plugin_enable");
    request = begin_test(connection_to(argv[1]));

    /* Each test has exactly one Result, and none takes longer than a few times Connect Timeout. */
    while (passed < 0) {
        socketio_event_batch_t batch = {.struct_size = sizeof batch};
        uint32_t i;

        require(socketio_event_poll(0, &batch), "socketio_event_poll");
        for (i = 0; i < batch.count; i++) {
            const socketio_event_t *event = batch.events[i];

            if (is_result(event, request)) {
                passed = event->outputs[PASSED].as.boolean != 0;
                fputs(event->outputs[REPORT].as.string.ptr, stdout);
            }
        }
        wait_for_frame(&beat);
    }
    require(socketio_plugin_disable(1000), "socketio_plugin_disable");
    return passed ? 0 : 1;
}
