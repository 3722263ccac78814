/* Failures that pass: what is told of them, and that the connection comes back by itself when their cause is gone. */

#ifndef HARNESS_RECOVERY_H
#define HARNESS_RECOVERY_H

#include "harness.h"

/* The next On Error has this code and says this; it does not end the session, and the host is not held up meanwhile.
   A message is sent that waits for the recovery. */
#define WAIT_FAILURE(of, code, says) wait_failure(__FILE__, __LINE__, of, code, says)
const event_t *wait_failure(const char *file, int line, socketio_connection_t connection, const char *code,
                            const char *says);

/* The connection stands again, without a Start, and what was sent meanwhile arrives. What was told on the way there is
   not looked at. */
#define WAIT_RECOVERY(of, server) wait_recovery(__FILE__, __LINE__, of, server)
void wait_recovery(const char *file, int line, socketio_connection_t connection, server_t *server);

#endif /* HARNESS_RECOVERY_H */
