/* What compilers hold a host to, and that the names of the header are those of the descriptor. No server is needed. */

/* As windows.h leaves them, after the headers of the standard library. */
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define min(a, b) (((a) < (b)) ? (a) : (b))
#include "socketio_plugin.hpp"
/* Twice: it guards itself. */
#include "socketio_plugin.hpp"
#undef max
#undef min

#include "checks.hpp"

#include <vector>

#if __has_include(<span>)
#  include <span>
#endif
#if __has_include(<ranges>)
#  include <ranges>
#endif

namespace {

/* ---- Lives ---- */

template <class Type>
constexpr bool stays = !std::is_copy_constructible_v<Type> && !std::is_move_constructible_v<Type> &&
                       !std::is_copy_assignable_v<Type> && !std::is_move_assignable_v<Type>;

static_assert(stays<socketio::batch> && stays<socketio::event> && stays<socketio::received>);
static_assert(std::is_nothrow_move_constructible_v<socketio::plugin>);
static_assert(std::is_nothrow_move_assignable_v<socketio::plugin>);
static_assert(!std::is_copy_constructible_v<socketio::plugin> && !std::is_copy_assignable_v<socketio::plugin>);
static_assert(std::is_nothrow_default_constructible_v<socketio::plugin>);
static_assert(std::is_nothrow_destructible_v<socketio::plugin>);

/* A batch of a plugin that is about to go would be of no use. */
template <class Plugin, class = void>
constexpr bool can_poll = false;
template <class Plugin>
constexpr bool can_poll<Plugin, std::void_t<decltype(std::declval<Plugin>().poll())>> = true;
static_assert(can_poll<socketio::plugin &> && !can_poll<socketio::plugin> && !can_poll<const socketio::plugin &>);

/* What a call just gave may be kept by a reference; a list of a moment may be walked over. */
static_assert(std::is_same_v<decltype(*std::declval<socketio::outcome<int>>()), int>);
static_assert(std::is_same_v<decltype(*std::declval<const socketio::outcome<int> &>()), const int &>);
static_assert(std::is_same_v<decltype(socketio::plugin::enable({})), socketio::plugin>);
constexpr socketio_bytes_t two_bytes[2] = {{nullptr, 0}, {nullptr, 7}};
constexpr socketio::bytes_list::iterator second = ++socketio::bytes_list(two_bytes).begin();
static_assert((*second).size() == 7);
#if defined(__cpp_lib_ranges)
static_assert(std::ranges::input_range<socketio::described<socketio_node_desc_t>>);
static_assert(std::ranges::input_range<socketio::bytes_list> && std::ranges::input_range<socketio::batch>);
#endif

/* ---- Nothing throws ---- */

using socketio::connection;

template <class Type>
Type any() noexcept;
using shared = const socketio::plugin &;
using own = socketio::plugin &;
using text = std::string_view;
using time_limit = std::chrono::milliseconds;
static_assert(noexcept(socketio::plugin::enable(any<socketio::host>())) && noexcept(socketio::functions::linked()));
static_assert(noexcept(any<own>().poll()) && noexcept(*any<const socketio::batch &>().begin()));
static_assert(noexcept(any<own>().wait(any<time_limit>())) && noexcept(any<own>().disable(any<time_limit>())));
static_assert(noexcept(any<shared>().find(any<text>())) && noexcept(any<shared>().wake_handle()));
static_assert(noexcept(any<shared>().send(connection::none, any<text>(), socketio::message(any<text>()),
                                          any<socketio::send_options>())));

/* ---- What is taken for what ---- */

static_assert(!std::is_convertible_v<std::uint64_t, connection> && !std::is_convertible_v<connection, std::int64_t>);
static_assert(!std::is_convertible_v<socketio::status, bool> && !std::is_convertible_v<socketio::plugin, bool>);
static_assert(std::is_constructible_v<bool, socketio::plugin> && std::is_constructible_v<bool, socketio::outcome<int>>);
static_assert(socketio::status(SOCKETIO_MORE).ok() && !socketio::status(SOCKETIO_E_BUSY).ok());
static_assert(socketio::status() == SOCKETIO_OK && SOCKETIO_MORE != socketio::status());

/* A text is no attachment: its type does not say whether its NUL belongs to it. */
static_assert(std::is_convertible_v<std::vector<std::byte>, socketio::bytes_view>);
static_assert(std::is_convertible_v<unsigned char[3], socketio::bytes_view>);
static_assert(!std::is_convertible_v<const char *, socketio::bytes_view>);
static_assert(!std::is_convertible_v<std::string, socketio::bytes_view>);
static_assert(!std::is_convertible_v<std::vector<int>, socketio::bytes_view>);
static_assert(std::is_convertible_v<std::vector<socketio_bytes_t>, socketio::bytes_list>);
static_assert(std::is_convertible_v<std::string, socketio::message>);
static_assert(std::is_convertible_v<const char (&)[3], socketio::message>);
static_assert(!std::is_convertible_v<int, socketio::message>);

#if defined(__cpp_lib_span)
static_assert(std::is_convertible_v<socketio::bytes_view, std::span<const std::byte>>);
static_assert(std::is_convertible_v<std::span<const std::byte>, socketio::bytes_view>);
static_assert(std::is_convertible_v<std::span<std::uint8_t>, socketio::bytes_view>);
static_assert(std::is_convertible_v<std::span<const socketio_bytes_t>, socketio::bytes_list>);

void a_span_is_the_same_bytes()
{
    const unsigned char bytes[] = {1, 2, 3};
    const socketio::bytes_view view = bytes;
    const std::span span = view;
    static_assert(std::is_same_v<decltype(span), const std::span<const std::byte>>);
    CHECK(span.data() == view.data() && span.size() == 3 && socketio::bytes_view(span).size() == 3);
}
#endif

void values_are_read_as_what_they_are()
{
    using socketio::value;
    const unsigned char bytes[] = {1, 2};
    const socketio_bytes_t list[] = {socketio::bytes_view(bytes), socketio::bytes_view()};
    CHECK(value().type() == SOCKETIO_TYPE_NONE && value().as_text().data()[0] == 0);
    CHECK(value::text("a").as_text() == "a" && value::json("{}").as_text() == "{}");
    CHECK(value::boolean(true).as_boolean() && !value::boolean(false).as_boolean());
    CHECK(value::integer(-3).as_integer() == -3 && value::number(1.5).as_number() > 1);
    CHECK(value::bytes(bytes).as_bytes().size() == 2 && value::bytes(list).as_bytes_list()[0][1] == std::byte{2});
    CHECK(value::bytes(list).as_bytes_list()[1].empty());
    CHECK(value::handle(connection{9}).as_handle() == connection{9});
    /* As another type. */
    const value word = value::text("true");
    CHECK(!word.as_boolean() && word.as_integer() == 0 && !(word.as_number() > 0) && word.as_bytes().empty());
    CHECK(word.as_bytes_list().empty() && word.as_handle() == connection::none);
    CHECK(value::integer(1).as_text().empty() && !value::integer(1).as_boolean());
}

/* ---- Names and positions ---- */

const socketio_node_desc_t &node(std::uint32_t type)
{
    for (const auto &each : socketio::nodes(*socketio::functions::linked().plugin_descriptor())) {
        if (each.type_id == type) {
            return each;
        }
    }
    fail(__FILE__, __LINE__, "a node of this type", std::to_string(type));
}

/* An event whose outputs have the values 1, 2, 3, ..., or their ids as texts, or so many attachments. If `only` is
   given, just that BOOL is true. */
class made_event {
public:
    made_event(std::uint32_t type, std::uint32_t pulse = 0, std::string_view only = {})
    {
        static const socketio_bytes_t list[9] = {};
        for (const auto &field : socketio::outputs(node(type))) {
            const auto at = values_.size();
            values_.push_back(field.type == SOCKETIO_TYPE_STRING  ? socketio::value::text(field.id)
                              : field.type == SOCKETIO_TYPE_JSON  ? socketio::value::json(field.id)
                              : field.type == SOCKETIO_TYPE_INT   ? socketio::value::integer(static_cast<int>(at))
                              : field.type == SOCKETIO_TYPE_FLOAT ? socketio::value::number(static_cast<double>(at))
                              : field.type == SOCKETIO_TYPE_BOOL  ? socketio::value::boolean(only == field.id)
                              : field.type == SOCKETIO_TYPE_BYTES_LIST
                                  ? socketio::value::bytes(socketio_bytes_list_t{list, at})
                                  : socketio::value());
        }
        raw_.node_type = type;
        raw_.pulse = pulse;
        raw_.outputs = values_.data();
        raw_.output_count = static_cast<std::uint32_t>(values_.size());
    }

    const socketio_event_t &raw() const { return raw_; }

private:
    std::vector<socketio_value_t> values_;
    socketio_event_t raw_ = socketio_event_t();
};

std::size_t position(std::uint32_t type, std::string_view id)
{
    std::size_t at = 0;
    for (const auto &field : socketio::outputs(node(type))) {
        if (field.id == id) {
            return at;
        }
        at++;
    }
    fail(__FILE__, __LINE__, "an output of this id", id);
}

std::uint32_t pulse_position(std::uint32_t type, std::string_view id)
{
    return static_cast<std::uint32_t>(position(type, id));
}

/* Whether a BOOL is read from this output and from no other. */
template <class Event>
bool reads(bool (Event::*read)() const noexcept, std::string_view id)
{
    bool right = true;
    for (const auto &field : socketio::outputs(node(Event::type))) {
        const made_event made(Event::type, Event::later_pulse, field.id);
        right = right && (Event(made.raw()).*read)() == (field.id == id);
    }
    return right;
}

void outputs_are_read_where_the_descriptor_has_them()
{
    const made_event start(SOCKETIO_NODE_ON_START);
    CHECK_TEXT(socketio::started(start.raw()).session_id(), "session_id");
    CHECK(reads(&socketio::started::is_reconnect, "is_reconnect") && reads(&socketio::started::recovered, "recovered"));

    const made_event stop(SOCKETIO_NODE_ON_STOP);
    CHECK_TEXT(socketio::stopped(stop.raw()).reason(), "reason");
    CHECK(reads(&socketio::stopped::will_reconnect, "will_reconnect"));

    const made_event failure(SOCKETIO_NODE_ON_ERROR);
    const socketio::error error(failure.raw());
    CHECK_TEXT(error.nsp(), "namespace");
    CHECK_TEXT(error.message(), "message");
    CHECK_TEXT(error.code(), "code");
    CHECK_TEXT(error.remedy(), "remedy");
    CHECK(reads(&socketio::error::fatal, "fatal"));
    CHECK(error.will_retry_in() == std::chrono::seconds(position(SOCKETIO_NODE_ON_ERROR, "will_retry_in")));

    const made_event receive(SOCKETIO_NODE_ON_RECEIVE);
    const socketio::received received(receive.raw());
    CHECK_TEXT(received.nsp(), "namespace");
    CHECK_TEXT(received.name(), "trigger_name");
    CHECK_TEXT(received.message(), "message");
    CHECK_TEXT(received.arguments(), "arguments");
    CHECK(received.attachments().size() == position(SOCKETIO_NODE_ON_RECEIVE, "attachments"));
    CHECK(received.reply_id() == static_cast<int>(position(SOCKETIO_NODE_ON_RECEIVE, "reply_id")));

    const made_event subscribe(SOCKETIO_NODE_ON_SUBSCRIBE);
    CHECK_TEXT(socketio::subscribed(subscribe.raw()).nsp(), "namespace");
    CHECK_TEXT(socketio::subscribed(subscribe.raw()).name(), "event_name");
    const made_event unsubscribe(SOCKETIO_NODE_ON_UNSUBSCRIBE);
    CHECK_TEXT(socketio::unsubscribed(unsubscribe.raw()).nsp(), "namespace");
    CHECK_TEXT(socketio::unsubscribed(unsubscribe.raw()).name(), "event_name");
}

void later_pulses_are_those_of_the_descriptor()
{
    const made_event reply(SOCKETIO_NODE_SEND, pulse_position(SOCKETIO_NODE_SEND, "reply_pulse"));
    const socketio::event of_reply(reply.raw());
    const auto replied = of_reply.as<socketio::replied>();
    CHECK(replied && !of_reply.as<socketio::unanswered>() && !of_reply.as<socketio::received>());
    CHECK_TEXT(replied->reply(), "reply");
    CHECK_TEXT(replied->arguments(), "reply_arguments");
    CHECK(replied->attachments().size() == position(SOCKETIO_NODE_SEND, "reply_attachments"));

    const made_event timeout(SOCKETIO_NODE_SEND, pulse_position(SOCKETIO_NODE_SEND, "timeout_pulse"));
    const socketio::event of_timeout(timeout.raw());
    CHECK(of_timeout.as<socketio::unanswered>() && !of_timeout.as<socketio::replied>());

    const made_event result(SOCKETIO_NODE_TEST, pulse_position(SOCKETIO_NODE_TEST, "result_pulse"));
    const auto tested = socketio::event(result.raw()).as<socketio::tested>();
    CHECK(tested.has_value() && reads(&socketio::tested::passed, "passed"));
    CHECK_TEXT(tested->report(), "report");
    CHECK_TEXT(tested->report_json(), "report_json");
}

/* A node or a pin that is added to the descriptor must get its name in the header: then these numbers change. */
void the_header_knows_all_nodes_and_pins()
{
    std::string counts;
    for (const auto &each : socketio::nodes(*socketio::functions::linked().plugin_descriptor())) {
        counts += std::to_string(each.type_id) + ":" + std::to_string(socketio::attributes(each).size()) + "," +
                  std::to_string(socketio::inputs(each).size()) + "," + std::to_string(socketio::outputs(each).size()) +
                  " ";
    }
    CHECK_TEXT(counts, "1:1,1,1 2:1,1,1 3:4,5,6 4:2,3,1 5:1,3,1 6:2,4,1 7:1,1,7 8:1,1,5 "
                       "101:1,0,4 102:1,0,3 103:1,0,7 104:1,0,7 105:1,0,3 106:1,0,3 ");
}

void an_output_that_is_not_there_is_none()
{
    const made_event made(SOCKETIO_NODE_ON_RECEIVE);
    socketio_event_t shorter = made.raw();
    shorter.output_count = 3;
    const socketio::received received(shorter);
    CHECK_TEXT(received.name(), "trigger_name");
    CHECK(received.message().empty() && received.attachments().empty() && received.reply_id() == 0);
}

} // namespace

int main()
{
    return run({
        CASE(values_are_read_as_what_they_are),
        CASE(outputs_are_read_where_the_descriptor_has_them),
        CASE(later_pulses_are_those_of_the_descriptor),
        CASE(the_header_knows_all_nodes_and_pins),
        CASE(an_output_that_is_not_there_is_none),
#if defined(__cpp_lib_span)
        CASE(a_span_is_the_same_bytes),
#endif
    });
}
