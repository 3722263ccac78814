/* Variants: the same cases against other servers, on other transports, through proxies. */

#include "harness_parts.h"

#define PROXY_USER "tester"
#define PROXY_PASSWORD "pass word:1"

static server_t *server;
static server_t *proxy;

int variant_has(const char *part)
{
    const char *variant = environment("SOCKETIO_TEST_VARIANT");
    size_t len = strlen(part);
    for (const char *at = variant != NULL ? variant : "npm4+websocket"; at != NULL;) {
        if (strncmp(at, part, len) == 0 && (at[len] == '+' || at[len] == 0)) {
            return 1;
        }
        at = strchr(at, '+');
        at = at != NULL ? at + 1 : NULL;
    }
    return 0;
}

const char *variant_transport(void)
{
    return variant_has("websocket") ? "WebSocket Only" : variant_has("polling") ? "Polling Only" : "Automatic";
}

server_t *variant_start(const char *options)
{
    static text_t all;
    all.len = 0;
    text_format(&all, "{%s", options != NULL ? options : "");
    const char *comma = options != NULL ? "," : "";
    if (variant_has("tls")) {
        text_format(&all, "%s\"tls\":\"good\"", comma);
        comma = ",";
    }
    if (variant_has("npm3")) {
        text_format(&all, "%s\"version\":3", comma);
    }
    text_format(&all, "}");
    server = variant_has("python")         ? python_start(all.ptr)
             : variant_has("socketioxide") ? socketioxide_start(all.ptr)
             : variant_has("nginx")        ? nginx_start(all.ptr)
                                           : server_start(all.ptr);
    if (variant_has("connect-proxy") || variant_has("socks5")) {
        proxy = proxy_start(NULL);
    } else if (variant_has("connect-proxy-password") || variant_has("socks5-password")) {
        proxy = proxy_start("{\"user\":\"" PROXY_USER "\",\"password\":\"" PROXY_PASSWORD "\"}");
    }
    return server;
}

socketio_connection_t variant_configure(const char *extra)
{
    static text_t fields;
    fields.len = 0;
    text_format(&fields, "\"transport\":\"%s\"", variant_transport());
    if (variant_has("tls")) {
        text_format(&fields, ",%s", trusting("ca.pem", NULL));
    }
    if (proxy != NULL) {
        int is_socks = variant_has("socks5") || variant_has("socks5-password");
        text_format(&fields, ",\"proxy\":\"%s://127.0.0.1:%d\"", is_socks ? "socks5" : "http", server_port(proxy));
        if (variant_has("connect-proxy-password") || variant_has("socks5-password")) {
            text_format(&fields, ",\"proxy_user\":\"" PROXY_USER "\",\"proxy_password\":\"" PROXY_PASSWORD "\"");
        }
    }
    text_format(&fields, "%s%s", extra != NULL ? "," : "", extra != NULL ? extra : "");
    /* Only the proxy finds this name. */
    char url[64];
    snprintf(url, sizeof url, "%s://%s:%d", variant_has("tls") ? "https" : "http",
             proxy != NULL ? "server.test" : "127.0.0.1", server_port(server));
    return configure_url(url, fields.ptr);
}

server_t *variant_proxy(void)
{
    return proxy;
}
