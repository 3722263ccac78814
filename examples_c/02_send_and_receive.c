/*
 * The smallest useful host: connects, listens to every event, sends one text, prints what comes, stops.
 *
 *     02_send_and_receive URL [EVENT [TEXT [COUNT]]]
 *
 * It ends when COUNT events have come (default 1), and fails when nothing happens for five seconds.
 */

#include "example.h"

int main(int argc, char **argv)
{
    const char *event_name = argc > 2 ? argv[2] : "echo";
    const char *message = argc > 3 ? argv[3] : "Hello from C";
    int missing = argc > 4 ? atoi(argv[4]) : 1;
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    socketio_connection_t connection;
    uint32_t i;

    if (argc < 2) {
        fprintf(stderr, "usage: %s URL [EVENT [TEXT [COUNT]]]\n", argv[0]);
        return 2;
    }
    require(socketio_plugin_enable(NULL), "socketio_plugin_enable");
    connection = connection_to(argv[1]);

    /* Nothing of this waits for the network: what can't be done yet is remembered, in this order. */
    pulse_into(SOCKETIO_NODE_SUBSCRIBE, connection, (socketio_value_t[]){{0}, text("*")}, 2);
    pulse_into(SOCKETIO_NODE_START, connection, NULL, 0);
    pulse_into(SOCKETIO_NODE_SEND, connection,
               (socketio_value_t[]){{0}, text(event_name), text("/"), text(message)}, 4);

    while (missing > 0 && socketio_event_wait(5000) == SOCKETIO_OK) {
        require(socketio_event_poll(0, &batch), "socketio_event_poll");
        for (i = 0; i < batch.count; i++) {
            const socketio_value_t *out = batch.events[i]->outputs;

            if (batch.events[i]->node_type == SOCKETIO_NODE_ON_RECEIVE) {
                printf("%s: %s\n", out[2].as.string.ptr, out[3].as.string.ptr);
                missing--;
            } else if (batch.events[i]->node_type == SOCKETIO_NODE_ON_ERROR) {
                fprintf(stderr, "%s %s\n", out[2].as.string.ptr, out[4].as.string.ptr);
            }
        }
    }
    pulse_into(SOCKETIO_NODE_STOP, connection, NULL, 0);
    require(socketio_plugin_disable(1000), "socketio_plugin_disable");
    return missing > 0 ? 1 : 0;
}
