/* Failures that pass. */

#include "harness_recovery.h"

/* Calls only put a command into a mailbox. The rest is for a machine that is busy. */
#define CALL_LIMIT_MS (500 * slowdown())

const event_t *wait_failure(const char *file, int line, socketio_connection_t connection, const char *code,
                            const char *says)
{
    const wanted_t wanted = {.node_type = SOCKETIO_NODE_ON_ERROR, .connection = connection};
    const event_t *event = wait_event(file, line, &wanted);
    check_text(file, line, "code", text_of(event, ERROR_CODE), code);
    check_has(file, line, "message", text_of(event, ERROR_MESSAGE), says);
    if (bool_of(event, ERROR_FATAL) || number_of(event, ERROR_WILL_RETRY_IN) <= 0) {
        fail_at(file, line, "expected that it is tried again after: %s", text_of(event, ERROR_MESSAGE));
    }
    int64_t began = now_ms();
    send_message(file, line, connection, &(send_t){.event = "meanwhile", .message = code});
    if (now_ms() - began > CALL_LIMIT_MS) {
        fail_at(file, line, "a call took %lld ms", (long long)(now_ms() - began));
    }
    return event;
}

void wait_recovery(const char *file, int line, socketio_connection_t connection, server_t *server)
{
    wait_event(file, line, &(wanted_t){.node_type = SOCKETIO_NODE_ON_START, .connection = connection});
    server_wait(server, "got {\"nsp\":\"/\",\"event\":\"meanwhile\"");
    barrier(connection);
    ignore_errors();
}
