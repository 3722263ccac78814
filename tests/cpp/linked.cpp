/* What a host in C++ sees of a server, by the library that it is linked with. */

#include "checks.hpp"

#include <vector>

namespace {

std::uint32_t plugin_state() { return socketio::functions::linked().plugin_state(); }

/* ---- Messages ---- */

/* Waits for the server's echo, and gives its arguments. */
std::string echo(socketio::plugin &plugin)
{
    std::string arguments;
    until(plugin, [&](const socketio::event &event) {
        if (auto received = event.as<socketio::received>()) {
            CHECK_TEXT(received->nsp(), "/");
            CHECK_TEXT(received->name(), "echo");
            arguments = received->arguments();
        }
        return !arguments.empty();
    });
    return arguments;
}

void texts_and_json_go_both_ways()
{
    auto plugin = socketio::plugin::enable();
    const auto main = connected(plugin);
    CHECK(plugin.subscribe(main, "echo").ok());
    CHECK(plugin.send(main, "echo", "a text").status.ok());
    CHECK_TEXT(echo(plugin), R"(["a text"])");
    /* A view that ends where no NUL is. */
    CHECK(plugin.send(main, std::string_view("echo, echo", 4), std::string_view("abc", 2)));
    CHECK_TEXT(echo(plugin), R"(["ab"])");
    CHECK(plugin.send(main, "echo", std::string("\0 and more", 10)));
    CHECK_TEXT(echo(plugin), R"(["\u0000 and more"])");
    CHECK(plugin.send(main, "echo", socketio::message::json(R"({"a":[1,2.50]})")));
    CHECK_TEXT(echo(plugin), R"([{"a":[1,2.5]}])");
    CHECK(plugin.send(main, "echo", socketio::message::arguments(R"(["one",2,null])")));
    CHECK_TEXT(echo(plugin), R"(["one",2,null])");
    CHECK(plugin.send(main, "echo", ""));
    CHECK_TEXT(echo(plugin), R"([""])");
}

void a_message_is_a_text_or_its_json()
{
    auto plugin = socketio::plugin::enable();
    const auto main = connected(plugin);
    CHECK(plugin.subscribe(main, "echo").ok());
    CHECK(plugin.send(main, "echo", "plain"));
    until(plugin, [](const socketio::event &event) {
        const auto received = event.as<socketio::received>();
        if (received) {
            CHECK_TEXT(received->message(), "plain");
            CHECK(received->message().data()[5] == 0);
            CHECK(received->reply_id() == 0 && received->attachments().empty());
        }
        return received.has_value();
    });
}

void bytes_go_both_ways()
{
    auto plugin = socketio::plugin::enable();
    const auto main = connected(plugin);
    CHECK(plugin.subscribe(main, "echo").ok());

    const std::vector<std::uint8_t> first = {0, 0xff, 30};
    constexpr std::array<std::byte, 2> second = {std::byte{1}, std::byte{2}};
    const socketio_bytes_t both[] = {socketio::bytes_view(first), socketio::bytes_view(second)};
    const auto check = [&](std::string_view arguments, std::size_t count) {
        until(plugin, [&](const socketio::event &event) {
            const auto received = event.as<socketio::received>();
            if (received) {
                CHECK_TEXT(received->arguments(), arguments);
                CHECK(received->attachments().size() == count);
                CHECK(received->attachments()[0].size() == first.size());
                std::size_t length = 0;
                for (auto attachment : received->attachments()) {
                    length += attachment.size();
                }
                CHECK(length == (count == 1 ? 3 : 5));
                CHECK(std::memcmp(received->attachments()[0].data(), first.data(), first.size()) == 0);
                CHECK(received->attachments()[count - 1][1] == (count == 1 ? std::byte{0xff} : std::byte{2}));
            }
            return received.has_value();
        });
    };
    CHECK(plugin.send(main, "echo", socketio::message::binary(first)));
    CHECK_TEXT(report("got "), R"({"nsp":"/","event":"echo","args":[{"_bytes":"00ff1e"}]})");
    check(R"([{"_placeholder":true,"num":0}])", 1);
    CHECK(plugin.send(main, "echo", socketio::message("two").attach(both)));
    check(R"(["two",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])", 2);
    CHECK(plugin.send(main, "echo", socketio::message("one").attach(first)));
    check(R"(["one",{"_placeholder":true,"num":0}])", 1);
}

void namespaces_and_subscriptions_are_those_that_were_named()
{
    auto plugin = socketio::plugin::enable();
    const auto main = connected(plugin);
    CHECK(plugin.subscribe(main, "echo", "/chat", socketio::delivery::latest_per_poll).ok());
    until(plugin, [](const socketio::event &event) {
        const auto subscribed = event.as<socketio::subscribed>();
        if (subscribed) {
            CHECK_TEXT(subscribed->nsp(), "/chat");
            CHECK_TEXT(subscribed->name(), "echo");
        }
        return subscribed.has_value();
    });
    socketio::send_options options;
    options.nsp = "chat";
    CHECK(plugin.send(main, "echo", "hi", options));
    CHECK_TEXT(report("got "), R"({"nsp":"/chat","event":"echo","args":["hi"]})");
    until(plugin, [](const socketio::event &event) {
        const auto received = event.as<socketio::received>();
        return received && received->nsp() == "/chat";
    });
    CHECK(plugin.unsubscribe(main, "echo", "/chat").ok());
    until(plugin, [](const socketio::event &event) { return event.as<socketio::unsubscribed>().has_value(); });
}

void what_is_not_connected_is_dropped_if_wanted()
{
    auto plugin = socketio::plugin::enable();
    const auto main = configured(plugin);
    socketio::send_options options;
    options.if_not_connected = socketio::if_not_connected::drop;
    CHECK(plugin.send(main, "echo", "nobody", options).status == SOCKETIO_OK);
    until(plugin, [&](const socketio::event &event) {
        const auto error = event.as<socketio::error>();
        if (error) {
            CHECK(event.status() == SOCKETIO_E_NOT_CONNECTED && event.connection() == main);
            CHECK(!error->fatal() && !error->code().empty());
        }
        return error.has_value();
    });
}

/* ---- Replies ---- */

void a_reply_arrives_with_tag_and_request()
{
    auto plugin = socketio::plugin::enable();
    const auto main = connected(plugin);
    const std::array<unsigned char, 1> byte = {7};
    socketio::send_options options;
    options.reply_timeout = patience;
    options.node = 77;
    const auto sent = plugin.send(main, "ack", socketio::message::json("{}").attach(byte), options);
    CHECK(sent && *sent != 0);
    until(plugin, [&](const socketio::event &event) {
        CHECK(!event.as<socketio::unanswered>());
        const auto replied = event.as<socketio::replied>();
        if (replied) {
            CHECK(replied->node() == 77 && replied->request() == *sent && replied->connection() == main);
            CHECK_TEXT(replied->reply(), R"([{},{"_placeholder":true,"num":0}])");
            CHECK_TEXT(replied->arguments(), replied->reply());
            CHECK(replied->attachments().size() == 1 && replied->attachments()[0][0] == std::byte{7});
        }
        return replied.has_value();
    });
}

void no_reply_in_time_is_told()
{
    auto plugin = socketio::plugin::enable();
    const auto main = connected(plugin);
    socketio::send_options options;
    options.reply_timeout = 20ms;
    const auto sent = plugin.send(main, "silence", "", options);
    CHECK(sent);
    until(plugin, [&](const socketio::event &event) {
        CHECK(!event.as<socketio::replied>());
        const auto unanswered = event.as<socketio::unanswered>();
        if (unanswered) {
            CHECK(unanswered->request() == *sent && unanswered->status() == SOCKETIO_E_NO_ANSWER);
        }
        return unanswered.has_value();
    });
}

void the_server_is_answered()
{
    auto plugin = socketio::plugin::enable();
    const auto main = connected(plugin);
    CHECK(plugin.subscribe(main, "*").ok());
    until(plugin, [](const socketio::event &event) { return event.as<socketio::subscribed>().has_value(); });
    command(R"(ask {"event":"question","args":["Who are you?"]})");
    std::int64_t question = 0;
    until(plugin, [&](const socketio::event &event) {
        if (auto received = event.as<socketio::received>()) {
            question = received->reply_id();
        }
        return question != 0;
    });
    CHECK(plugin.reply(main, question, socketio::message::json(R"({"name":"C++"})")).ok());
    CHECK_TEXT(report("answer "), R"({"nsp":"/","event":"question","args":[{"name":"C++"}]})");
}

/* ---- Connections ---- */

void a_session_ends_once()
{
    auto plugin = socketio::plugin::enable();
    const auto main = configured(plugin);
    CHECK_TEXT(plugin.state_of(main)->state, "Stopped");
    CHECK(plugin.start(main).ok());
    until(plugin, [&](const socketio::event &event) {
        const auto started = event.as<socketio::started>();
        if (started) {
            CHECK(!started->session_id().empty() && !started->is_reconnect() && !started->recovered());
            CHECK(started->time() > 0us && started->connection() == main);
        }
        return started.has_value();
    });
    const auto state = plugin.state_of(main);
    CHECK(state && state->namespaces == 1 && state->queued == 0 && state->dropped == 0);
    CHECK_TEXT(state->state, "Connected");
    CHECK(state->transport != "None");
    const auto info = plugin.info(main);
    CHECK(info && info->state == SOCKETIO_CONNECTION_CONNECTED && info->namespaces == 1);

    CHECK(plugin.stop(main).ok());
    until(plugin, [](const socketio::event &event) {
        const auto stopped = event.as<socketio::stopped>();
        if (stopped) {
            CHECK(!stopped->will_reconnect());
            CHECK_TEXT(stopped->reason(), "io client disconnect");
        }
        return stopped.has_value();
    });
}

void a_failure_has_a_sentence_and_a_remedy()
{
    auto plugin = socketio::plugin::enable();
    CHECK(plugin.settings_apply(R"({"connections":[{"name":"main","url":"http://127.0.0.1:1"}]})").ok());
    CHECK(plugin.start(*plugin.find("main")).ok());
    until(plugin, [](const socketio::event &event) {
        const auto error = event.as<socketio::error>();
        if (error) {
            CHECK_TEXT(error->code(), "localhost_refused");
            CHECK_TEXT(error->nsp(), "/");
            CHECK(error->status() == SOCKETIO_E_NETWORK && !error->fatal() && error->will_retry_in() > 0s);
            CHECK(error->message().find("127.0.0.1:1") != std::string_view::npos && !error->remedy().empty());
        }
        return error.has_value();
    });
}

void a_connection_is_tested()
{
    auto plugin = socketio::plugin::enable();
    const auto main = configured(plugin);
    const auto request = plugin.test(main, 5);
    CHECK(request && *request != 0);
    until(plugin, [&](const socketio::event &event) {
        const auto tested = event.as<socketio::tested>();
        if (tested) {
            CHECK(tested->node() == 5 && tested->request() == *request && tested->passed());
            CHECK(!tested->report().empty() && tested->report_json().front() == '{');
        }
        return tested.has_value();
    });
}

void calls_that_fail_say_why()
{
    auto plugin = socketio::plugin::enable();
    char sentence[1024];
    CHECK(plugin.settings_check(R"({"connections":[{"name":"main","url":"gopher://x"}]})") == SOCKETIO_E_SETTINGS);
    CHECK(plugin.last_error(sentence).find("main") != std::string_view::npos);
    const auto whole = std::string(plugin.last_error(sentence));
    char small[8];
    CHECK(plugin.last_error(small) == whole.substr(0, 7));
    CHECK(plugin.last_error(nullptr, 0) == whole.size());
    CHECK_TEXT(plugin.name_of(SOCKETIO_E_SETTINGS), "SOCKETIO_E_SETTINGS");

    const auto found = plugin.find("nobody");
    CHECK(!found && found.status == SOCKETIO_E_NOT_FOUND && *found == socketio::connection::none);
    CHECK(plugin.start(socketio::connection{12345}) == SOCKETIO_E_NOT_FOUND);
    CHECK(plugin.set_log_level(99) == SOCKETIO_E_INVALID);
    CHECK(plugin.execute(SOCKETIO_NODE_ON_START, socketio::connection::none, {}, {}).status ==
          SOCKETIO_E_UNSUPPORTED);
}

/* ---- Life cycle ---- */

void the_end_of_the_scope_deactivates()
{
    {
        auto plugin = socketio::plugin::enable();
        connected(plugin);
        CHECK(plugin.state() == SOCKETIO_PLUGIN_ENABLED);
    }
    CHECK(plugin_state() == SOCKETIO_PLUGIN_DISABLED);
    CHECK_TEXT(report("disconnected "), R"({"nsp":"/","reason":"client namespace disconnect"})");
}

void disable_leaves_the_last_events()
{
    auto plugin = socketio::plugin::enable();
    connected(plugin);
    CHECK(plugin.disable(patience) == SOCKETIO_OK);
    CHECK(!plugin && plugin.status() == SOCKETIO_E_STATE && plugin_state() == SOCKETIO_PLUGIN_DISABLED);
    const auto batch = plugin.poll();
    CHECK(batch.status() == SOCKETIO_OK && batch.size() == 1 && !batch.more() && batch.dropped() == 0);
    CHECK_TEXT(batch[0].as<socketio::stopped>()->reason(), "plugin disabled");
    CHECK(plugin.poll().status() == SOCKETIO_E_STATE && plugin.wait(0ms) == SOCKETIO_E_STATE);
    CHECK(plugin.disable(0ms) == SOCKETIO_ALREADY);
}

void a_batch_lives_until_the_next_poll()
{
    auto plugin = socketio::plugin::enable();
    const auto main = connected(plugin);
    CHECK(plugin.subscribe(main, "echo").ok() && plugin.send(main, "echo", "still here"));
    for (;;) {
        CHECK(plugin.wait(patience) == SOCKETIO_OK);
        const auto batch = plugin.poll();
        if (batch.empty() || !batch[batch.size() - 1].as<socketio::received>()) {
            continue;
        }
        const auto text = batch[batch.size() - 1].as<socketio::received>()->message();
        CHECK(plugin.settings_apply(R"({"connections":[]})").ok() && plugin.disable(patience) == SOCKETIO_OK);
        CHECK_TEXT(text, "still here");
        return;
    }
}

void a_moved_from_object_does_nothing()
{
    auto first = socketio::plugin::enable();
    const auto main = connected(first);
    auto second = std::move(first);
    CHECK(second && second.subscribe(main, "echo").ok());
    CHECK(!first && first.status() == SOCKETIO_E_STATE && first.state() == SOCKETIO_PLUGIN_DISABLED);
    CHECK(first.start(main) == SOCKETIO_E_STATE && first.settings_apply("{}") == SOCKETIO_E_STATE);
    CHECK(first.send(main, "echo", "").status == SOCKETIO_E_STATE && first.info(main).status == SOCKETIO_E_STATE);
    CHECK(first.poll().empty() && first.wait(1h) == SOCKETIO_E_STATE && !first.wake_handle());
    char sentence[8];
    CHECK(first.descriptor() == nullptr && first.last_error(sentence).empty() && first.name_of(0)[0] == 0);
    CHECK(first.disable(0ms) == SOCKETIO_ALREADY);
    {
        const auto nothing = std::move(first);
    }
    CHECK(second.state() == SOCKETIO_PLUGIN_ENABLED);
    /* To an empty one: what is activated is deactivated. */
    second = socketio::plugin();
    CHECK(plugin_state() == SOCKETIO_PLUGIN_DISABLED);
}

void who_did_not_activate_does_not_deactivate()
{
    auto plugin = socketio::plugin::enable();
    {
        auto another = socketio::plugin::enable();
        CHECK(another && another.status() == SOCKETIO_ALREADY && another.descriptor() != nullptr);
    }
    CHECK(plugin.state() == SOCKETIO_PLUGIN_ENABLED);
    /* Assigned to its owner, the activation goes on, and is still ended by it. */
    plugin = socketio::plugin::enable();
    CHECK(plugin.status() == SOCKETIO_ALREADY && plugin_state() == SOCKETIO_PLUGIN_ENABLED);
    {
        const auto last = std::move(plugin);
    }
    CHECK(plugin_state() == SOCKETIO_PLUGIN_DISABLED);
}

/* ---- The host ---- */

struct ears {
    void log(const socketio::log_record &record)
    {
        CHECK(record.level >= SOCKETIO_LOG_ERROR && record.level <= SOCKETIO_LOG_DEBUG && !record.message.empty());
        lines++;
        names_host = names_host || record.message.find("tests in C++") != std::string_view::npos;
        is_about = record.connection != socketio::connection::none ? record.connection : is_about;
    }
    void wake() { wakes++; }

    int lines = 0;
    bool names_host = false;
    socketio::connection is_about = socketio::connection::none;
    std::atomic<int> wakes{0};
};

void the_host_hears_of_log_and_wake()
{
    ears heard;
    socketio::host host;
    host.name = "tests in C++";
    host.version = "1";
    host.listener = heard;
    {
        auto plugin = socketio::plugin::enable(host);
        CHECK(plugin.set_log_level(SOCKETIO_LOG_DEBUG).ok());
        const auto main = connected(plugin);
        CHECK(plugin.disable(patience).ok());
        CHECK(heard.lines > 0 && heard.names_host && heard.is_about == main && heard.wakes > 0);
    }
    struct {
        void wake() { wakes++; }
        std::atomic<int> wakes{0};
    } only_wakes;
    host.listener = only_wakes;
    auto plugin = socketio::plugin::enable(host);
    connected(plugin);
    CHECK(plugin.set_log_level(SOCKETIO_LOG_INFO).ok() && plugin.disable(patience).ok() && only_wakes.wakes > 0);
}

void there_is_something_to_wait_on()
{
    auto plugin = socketio::plugin::enable();
    const auto handle = plugin.wake_handle();
    CHECK(handle);
#if defined(_WIN32)
    CHECK(handle->kind == SOCKETIO_WAKE_WIN32_EVENT && handle->value != 0);
#else
    CHECK(handle->kind == SOCKETIO_WAKE_FD && handle->value > 2);
#endif
    CHECK(plugin.wait(0ms) == SOCKETIO_TIMED_OUT);
}

/* All that a host does in a frame, with its memory counted. */
void nothing_allocates()
{
    const std::string &text = settings();
    ears heard;
    socketio::host host;
    host.name = "tests in C++";
    host.listener = heard;
    const unsigned char bytes[] = {1, 2, 3};
    const socketio_bytes_t attachments[] = {socketio::bytes_view(bytes)};
    char sentence[256];

    const std::size_t before = allocations;
    {
        auto first = socketio::plugin::enable(socketio::functions::linked(), host);
        auto plugin = std::move(first);
        CHECK(plugin && plugin.settings_check(text).ok() && plugin.settings_apply(text).ok());
        const auto main = *plugin.find("main");
        CHECK(plugin.subscribe(main, "echo").ok() && plugin.start(main).ok());
        CHECK(plugin.send(main, "echo", socketio::message("hi").attach(attachments)));
        CHECK(!plugin.find("nobody") && !plugin.last_error(sentence).empty());
        CHECK(plugin.state_of(main) && plugin.info(main) && plugin.wake_handle());
        for (const auto &node : socketio::nodes(*plugin.descriptor())) {
            CHECK(node.type_id != 0 && !socketio::outputs(node).empty());
        }
        bool done = false;
        while (!done) {
            CHECK(plugin.wait(patience) == SOCKETIO_OK);
            for (auto event : plugin.poll()) {
                if (auto received = event.as<socketio::received>()) {
                    for (auto attachment : received->attachments()) {
                        done = attachment.size() == 3 && event[3].as_text() == received->message();
                    }
                }
            }
        }
        CHECK(plugin.unsubscribe(main, "echo").ok() && plugin.stop(main).ok());
    }
    CHECK(allocations == before);
    /* It counts at all. */
    const std::string copy = text;
    CHECK(copy == text && allocations == before + 1);
}

} // namespace

int main()
{
    return run({
        CASE(texts_and_json_go_both_ways),
        CASE(a_message_is_a_text_or_its_json),
        CASE(bytes_go_both_ways),
        CASE(namespaces_and_subscriptions_are_those_that_were_named),
        CASE(what_is_not_connected_is_dropped_if_wanted),
        CASE(a_reply_arrives_with_tag_and_request),
        CASE(no_reply_in_time_is_told),
        CASE(the_server_is_answered),
        CASE(a_session_ends_once),
        CASE(a_failure_has_a_sentence_and_a_remedy),
        CASE(a_connection_is_tested),
        CASE(calls_that_fail_say_why),
        CASE(the_end_of_the_scope_deactivates),
        CASE(disable_leaves_the_last_events),
        CASE(a_batch_lives_until_the_next_poll),
        CASE(a_moved_from_object_does_nothing),
        CASE(who_did_not_activate_does_not_deactivate),
        CASE(the_host_hears_of_log_and_wake),
        CASE(there_is_something_to_wait_on),
        CASE(nothing_allocates),
    });
}
