/* Servers that encrypt: with which certificate, and how it changes. */

#ifndef HARNESS_TLS_H
#define HARNESS_TLS_H

#include "harness.h"

/* Starts a server. `tls` is the name of a certificate, or an object with the server's options of that name;
   empty: one that does not encrypt. */
server_t *tls_start(const char *tls);
/* The server comes back on its port with others. One such server in a case. */
void tls_renew(server_t *server, const char *tls);

/* A server like that, and "main" configured for it and started. */
socketio_connection_t tls_begin(server_t **server, const char *tls, const char *extra);

#endif /* HARNESS_TLS_H */
