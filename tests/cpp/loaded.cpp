/* A host that is linked with nothing of the plugin: it loads the library and takes its functions by name. */

#include "checks.hpp"

#if defined(_WIN32)
#  include <windows.h>
#else
#  include <dlfcn.h>
#endif

namespace {

/* The library that the environment names. */
socketio::functions loaded()
{
    const char *path = std::getenv("SOCKETIO_LIBRARY");
    if (path == nullptr) {
        fail(__FILE__, __LINE__, "SOCKETIO_LIBRARY is the path of the library", "");
    }
#if defined(_WIN32)
    const HMODULE library = LoadLibraryA(path);
    CHECK(library != nullptr);
    return socketio::functions::load([&](const char *name) { return GetProcAddress(library, name); });
#else
    void *const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        fail(__FILE__, __LINE__, "the library loads", dlerror());
    }
    return socketio::functions::load([&](const char *name) { return dlsym(library, name); });
#endif
}

void a_loaded_library_talks_to_a_server()
{
    const auto functions = loaded();
    CHECK(functions.missing() == nullptr && functions.usable());
    CHECK_TEXT(functions.plugin_descriptor()->id, "socketio");
    {
        auto plugin = socketio::plugin::enable(functions);
        const auto main = connected(plugin);
        CHECK(plugin.subscribe(main, "echo").ok() && plugin.send(main, "echo", "loaded"));
        until(plugin, [](const socketio::event &event) {
            const auto received = event.as<socketio::received>();
            return received && received->message() == "loaded";
        });
    }
    CHECK(functions.plugin_state() == SOCKETIO_PLUGIN_DISABLED);
}

/* Each name is that of its own field, also where types are the same. */
void functions_are_those_of_their_names()
{
    const auto all = loaded();
    CHECK(all.abi_version() >> 16 == 1);
    CHECK(all.plugin_state() == SOCKETIO_PLUGIN_DISABLED);
    CHECK(all.event_wait(0) == SOCKETIO_E_STATE && all.plugin_disable(0) == SOCKETIO_ALREADY);
    CHECK(all.settings_check("{}", 2) != SOCKETIO_E_STATE && all.settings_apply("{}", 2) == SOCKETIO_E_STATE);
}

void a_missing_function_is_named()
{
    const auto functions = socketio::functions::load([](const char *name) -> void * {
        static int some;
        return std::strcmp(name, "socketio_event_wait") == 0 ? nullptr : &some;
    });
    CHECK_TEXT(functions.missing(), "socketio_event_wait");
    auto plugin = socketio::plugin::enable(functions);
    CHECK(!plugin && plugin.status() == SOCKETIO_E_ABI && plugin.poll().status() == SOCKETIO_E_STATE);
    char sentence[128];
    CHECK(plugin.last_error(sentence).find("missing, incomplete or of another version") != std::string_view::npos);
    CHECK(plugin.last_error(sentence, 4) == plugin.last_error(nullptr, 0) && std::string_view(sentence) == "The");
    CHECK_TEXT(socketio::functions().missing(), "socketio_abi_version");
    CHECK(!socketio::plugin::enable(socketio::functions()));
}

void another_major_version_is_not_called()
{
    auto functions = loaded();
    functions.abi_version = []() -> std::uint32_t { return 2u << 16; };
    CHECK(!functions.usable() && socketio::plugin::enable(functions).status() == SOCKETIO_E_ABI);
    CHECK(functions.plugin_state() == SOCKETIO_PLUGIN_DISABLED);
    /* A minor version may differ. */
    functions.abi_version = []() -> std::uint32_t { return (1u << 16) + 7; };
    CHECK(functions.usable());
}

void a_failed_enable_says_why()
{
    auto functions = loaded();
    functions.plugin_enable = [](const socketio_host_t *) -> socketio_status_t { return SOCKETIO_E_RESOURCES; };
    auto plugin = socketio::plugin::enable(functions);
    CHECK(!plugin && plugin.status() == SOCKETIO_E_RESOURCES);
    CHECK_TEXT(plugin.name_of(plugin.status()), "SOCKETIO_E_RESOURCES");
}

/* Time limits that C can't hold, and which one a destructor takes. */
std::uint32_t limit;

void time_limits_fit()
{
    auto functions = loaded();
    functions.plugin_enable = [](const socketio_host_t *) -> socketio_status_t { return SOCKETIO_OK; };
    functions.plugin_disable = [](std::uint32_t timeout) -> socketio_status_t {
        limit = timeout;
        return SOCKETIO_E_TIMEOUT;
    };
    {
        socketio::host host;
        host.disable_timeout = 250ms;
        auto plugin = socketio::plugin::enable(functions, host);
        CHECK(plugin.disable(-1s) == SOCKETIO_E_TIMEOUT && limit == 0);
        CHECK(plugin.disable(2s) == SOCKETIO_E_TIMEOUT && limit == 2000);
        CHECK(plugin.disable(24h * 365) == SOCKETIO_E_TIMEOUT && limit == 0xffffffffu);
        /* It is still activated, as far as this object knows. */
        CHECK(plugin.status() == SOCKETIO_OK);
    }
    CHECK(limit == 250);
}

} // namespace

int main()
{
    return run({
        CASE(a_loaded_library_talks_to_a_server),
        CASE(functions_are_those_of_their_names),
        CASE(a_missing_function_is_named),
        CASE(another_major_version_is_not_called),
        CASE(a_failed_enable_says_why),
        CASE(time_limits_fit),
    });
}
