/*
 * The smallest useful host in C++17, by socketio_plugin.hpp: connects, listens to every event, asks one question, prints
 * the answer and what comes, stops. Objects clean up after themselves; nothing throws.
 *
 *     07_cpp URL [EVENT [TEXT]]
 *
 * The server must reply to EVENT (default "ack"). The example fails when nothing happens for five seconds.
 */

#include <iostream>
#include <string>

#include "socketio_plugin.hpp"

using namespace std::chrono_literals;

/* The library's own sentence of the call that has just failed. */
static int failed(const socketio::plugin &plugin)
{
    char sentence[1024];

    std::cerr << plugin.last_error(sentence) << '\n';
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        std::cerr << "usage: " << argv[0] << " URL [EVENT [TEXT]]\n";
        return 2;
    }
    auto plugin = socketio::plugin::enable();
    const auto settings = R"({"connections":[{"name":"main","url":")" + std::string(argv[1]) + R"("}]})";
    if (!plugin || !plugin.settings_apply(settings).ok()) {
        return failed(plugin);
    }
    const auto main = *plugin.find("main");

    /* Nothing of this waits for the network: what can't be done yet is remembered, in this order. */
    socketio::send_options wanting_a_reply;
    wanting_a_reply.reply_timeout = 5s;
    if (!plugin.subscribe(main, "*").ok() || !plugin.start(main).ok() ||
        !plugin.send(main, argc > 2 ? argv[2] : "ack", argc > 3 ? argv[3] : "Hello from C++", wanting_a_reply)) {
        return failed(plugin);
    }

    /* Until the end of the function, which deactivates the plugin. */
    while (plugin.wait(5s) == SOCKETIO_OK) {
        for (auto event : plugin.poll()) {
            if (auto received = event.as<socketio::received>()) {
                std::cout << received->name() << ": " << received->arguments() << '\n';
            } else if (auto error = event.as<socketio::error>()) {
                std::cerr << error->message() << ' ' << error->remedy() << '\n';
            } else if (auto replied = event.as<socketio::replied>()) {
                std::cout << "the server replied: " << replied->arguments() << '\n';
                return 0;
            } else if (event.as<socketio::unanswered>()) {
                std::cerr << "no reply in time\n";
                return 1;
            }
        }
    }
    return 1;
}
