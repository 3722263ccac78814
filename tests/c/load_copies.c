/* Functions of our names that are not ours: a host that has some, a second copy of the library. */

#include "harness.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Hosts have functions of any name. This one must not be called by the library. */
const char *socketio_status_name(socketio_status_t status)
{
    (void)status;
    return "the host's own";
}

static void a_host_with_a_function_of_our_name(void)
{
    begin();
    CHECK_TEXT(socketio_status_name(SOCKETIO_OK), "the host's own");
    CHECK_TEXT(plugin.status_name(SOCKETIO_OK), "SOCKETIO_OK");
}

/* Copies the library, so that the loader takes it for another one. */
static void copy_library(char *path)
{
    int from = open(library_path(), O_RDONLY | O_CLOEXEC);
    int to = mkstemp(path);
    CHECK(from >= 0 && to >= 0);
    static char bytes[1 << 16];
    for (ssize_t len; (len = read(from, bytes, sizeof bytes)) > 0;) {
        CHECK(write(to, bytes, (size_t)len) == len);
    }
    close(from);
    close(to);
}

/* Another version of the plugin, loaded before and visible to all: each keeps its own state. */
static void two_copies_do_not_mix(void)
{
    char path[] = "/tmp/socketio-copy-XXXXXX";
    copy_library(path);
    plugin_t other = plugin_open(path, RTLD_NOW | RTLD_GLOBAL);
    unlink(path);
    CHECK_STATUS(other.plugin_enable(NULL), SOCKETIO_OK);
    plugin_load();
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_DISABLED);
    CHECK(plugin.plugin_descriptor() != other.plugin_descriptor());
    enable();
    configure(9, NULL);
    socketio_connection_t connection = 0;
    CHECK_STATUS(other.connection_find("main", 4, &connection), SOCKETIO_E_NOT_FOUND);
    CHECK_STATUS(other.plugin_disable(2000), SOCKETIO_OK);
    CHECK_INT(plugin.plugin_state(), SOCKETIO_PLUGIN_ENABLED);
    find("main");
}

TEST_MAIN(
    CASE(a_host_with_a_function_of_our_name),
    CASE(two_copies_do_not_mix))
