#ifndef CHECKS_HPP
#define CHECKS_HPP

/*
 * What the tests of socketio_plugin.hpp share. Each is a program whose stdin and stdout are those of tests/server/server.js:
 * it reads the server's reports and writes commands. What it has to say goes to stderr: a line `ok CASE` for each case,
 * and what was expected and not seen, which ends the program.
 */

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "socketio_plugin.hpp"

using namespace std::chrono_literals;

#define CHECK(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition, ""))
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, #actual, actual, expected)

/* How long something may take. Only a failing test waits that long. */
constexpr auto patience = 15s;

[[noreturn]] inline void fail(const char *file, int line, const char *expected, std::string_view seen)
{
    std::fprintf(stderr, "%s:%d: expected: %s\n", file, line, expected);
    if (!seen.empty()) {
        std::fprintf(stderr, "seen: %.*s\n", static_cast<int>(seen.size()), seen.data());
    }
    /* The plugin may run, and its objects stand on the stack. */
    std::_Exit(1);
}

inline void check_text(const char *file, int line, const char *what, std::string_view actual, std::string_view expected)
{
    if (actual != expected) {
        fail(file, line, (std::string(what) + " == \"" + std::string(expected) + "\"").c_str(), actual);
    }
}

/* ---- Memory ---- */

inline std::atomic<std::size_t> allocations{0};

/* Counts what this program asks for; the library has an allocator of its own. */
void *operator new(std::size_t size)
{
    allocations++;
    if (void *memory = std::malloc(size)) {
        return memory;
    }
    std::abort();
}

void *operator new[](std::size_t size) { return operator new(size); }

void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void *memory) noexcept { std::free(memory); }
void operator delete[](void *memory, std::size_t) noexcept { std::free(memory); }

/* ---- The server ---- */

/* Waits for a report that begins like this, and gives the rest of its line. Others before it are gone. */
inline std::string report(std::string_view beginning)
{
    std::string seen;
    for (std::string line;;) {
        const int next = std::getchar();
        if (next == EOF) {
            fail("server.js", 0, std::string(beginning).c_str(), seen);
        } else if (next != '\n') {
            line += static_cast<char>(next);
        } else if (line.compare(0, beginning.size(), beginning) == 0) {
            return line.substr(beginning.size());
        } else {
            seen += line + "\n";
            line.clear();
        }
    }
}

inline void command(const char *line)
{
    std::puts(line);
    std::fflush(stdout);
}

/* The settings text of one connection, to that server. */
inline const std::string &settings()
{
    static const std::string text = [] {
        const std::string ready = report("ready {\"port\":");
        const std::string url = "http://127.0.0.1:" + ready.substr(0, ready.find('}'));
        return "{\"connections\":[{\"name\":\"main\",\"url\":\"" + url + "\"}]}";
    }();
    return text;
}

/* ---- The plugin ---- */

/* Hands each event to `handle` until that gives true. */
template <class Handle>
void until(socketio::plugin &plugin, Handle handle)
{
    for (bool done = false; !done;) {
        CHECK(plugin.wait(patience) == SOCKETIO_OK);
        for (auto event : plugin.poll()) {
            if (auto error = event.as<socketio::error>()) {
                std::fprintf(stderr, "%s %s\n", error->message().data(), error->remedy().data());
            }
            done = handle(event) || done;
        }
    }
}

inline socketio::connection configured(socketio::plugin &plugin)
{
    CHECK(plugin);
    CHECK(plugin.settings_apply(settings()) == SOCKETIO_OK);
    /* What the server still had to say of the case before. */
    command("numbers");
    (void)report("= ");
    const auto found = plugin.find("main");
    CHECK(found);
    return *found;
}

inline socketio::connection connected(socketio::plugin &plugin)
{
    const auto main = configured(plugin);
    CHECK(plugin.start(main).ok());
    until(plugin, [](const socketio::event &event) { return event.as<socketio::started>().has_value(); });
    return main;
}

/* ---- Cases ---- */

struct test_case {
    const char *name;
    void (*run)();
};

#define CASE(function) test_case{#function, function}

template <std::size_t Count>
int run(const test_case (&cases)[Count])
{
    for (const auto &each : cases) {
        std::fprintf(stderr, "in %s\n", each.name);
        each.run();
        std::fprintf(stderr, "ok %s\n", each.name);
    }
    return 0;
}

#endif /* CHECKS_HPP */
