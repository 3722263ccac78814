#include "harness_tls.h"

#include <stdio.h>

/* Read anew by each restart of the server. */
static char options[256];

static void set_options(const char *tls)
{
    const char *format = tls[0] == 0 ? "{}%s" : tls[0] == '{' ? "{\"tls\":%s}" : "{\"tls\":\"%s\"}";
    snprintf(options, sizeof options, format, tls);
}

server_t *tls_start(const char *tls)
{
    set_options(tls);
    return server_start(options);
}

void tls_renew(server_t *server, const char *tls)
{
    server_kill(server);
    set_options(tls);
    server_restart(server);
}

socketio_connection_t tls_begin(server_t **server, const char *tls, const char *extra)
{
    *server = tls_start(tls);
    begin();
    socketio_connection_t client = configure_url(server_url(*server), extra);
    start(client);
    return client;
}
