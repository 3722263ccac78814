#ifndef SOCKETIO_PLUGIN_HPP
#define SOCKETIO_PLUGIN_HPP

/*
 * Socket.IO for a visual authoring studio: the C boundary, as C++17 and later like it.
 *
 * Header-only, and thin: socketio_plugin.h says what each function and each node does. This layer adds objects that
 * clean up after themselves, views in place of pointers with lengths, and names in place of positions. It throws
 * nothing, allocates nothing, has no state of its own, and compiles with -fno-exceptions and -fno-rtti.
 *
 *     #include <cstdio>
 *     #include "socketio_plugin.hpp"
 *
 *     int main()
 *     {
 *         using namespace std::chrono_literals;
 *
 *         auto plugin = socketio::plugin::enable();
 *         if (!plugin.settings_apply(R"({"connections":[{"name":"main","url":"http://localhost:3000"}]})").ok()) {
 *             return 1;
 *         }
 *         const auto main = *plugin.find("main");
 *         (void)plugin.subscribe(main, "news");
 *         (void)plugin.start(main);
 *         while (plugin.wait(10s) == SOCKETIO_OK) {
 *             for (auto event : plugin.poll()) {
 *                 if (auto news = event.as<socketio::received>()) {
 *                     std::puts(news->message().data());
 *                 }
 *             }
 *         }
 *     }
 *
 *
 * Errors
 *
 * A call gives a `status`, or an `outcome`: a status with a value. Compilers warn if it is not looked at. A failed
 * `enable` is a `plugin` that says so: `if (!plugin)`. Its calls return SOCKETIO_E_STATE, as do those of a moved-from
 * one. `last_error` has the sentence for a failure.
 *
 *
 * What is borrowed
 *
 * A batch, its events, and each text and byte in them live until the next `poll`. Therefore neither a `batch` nor an
 * `event` can be copied or moved: `for (auto event : plugin.poll())` makes them in place. Copy the texts that you keep.
 * Texts of the plugin end with a NUL: `data()` is a C string. What you hand in is copied where it is kept, and need not
 * end with a NUL; what `host` names must outlive the plugin's activation.
 *
 *
 * Linked, or loaded at run time
 *
 * `plugin::enable()` calls the library that the program is linked with. A program that loads it takes the functions by
 * name, and need not link anything:
 *
 *     void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
 *     auto functions = socketio::functions::load([&](const char *name) { return dlsym(library, name); });
 *     auto plugin = socketio::plugin::enable(functions);
 *
 * On Windows it is `GetProcAddress(library, name)` in place of `dlsym(library, name)`.
 *
 *
 * Threads
 *
 * As in socketio_plugin.h. Calls that are [any] are `const` here: they may be made for one `plugin` by several threads
 * at once, as long as none moves, assigns or destroys it.
 */

#if !(__cplusplus >= 201703L || (defined(_MSVC_LANG) && _MSVC_LANG >= 201703L))
#  error "socketio_plugin.hpp needs C++17 or later (-std=c++17, /std:c++17)"
#endif

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

#include "socketio_plugin.h"

namespace socketio {

/* ---- What calls give ---- */

/* A configured connection. A type of its own, so that it is not taken for a tag or a Reply Id. */
enum class connection : socketio_connection_t { none = 0 };

/* SOCKETIO_OK and what is above: done. Below: SOCKETIO_E_*. Compares with those constants. */
class [[nodiscard]] status {
public:
    constexpr status(socketio_status_t code = SOCKETIO_OK) noexcept : code_(code) {}

    constexpr socketio_status_t code() const noexcept { return code_; }
    constexpr bool ok() const noexcept { return code_ >= 0; }

    friend constexpr bool operator==(status left, status right) noexcept { return left.code_ == right.code_; }
    friend constexpr bool operator!=(status left, status right) noexcept { return left.code_ != right.code_; }

private:
    socketio_status_t code_;
};

/* A status, and what the call gave if it is ok; else a value of zeros. */
template <class Value>
struct [[nodiscard]] outcome {
    socketio::status status;
    Value value;

    constexpr explicit operator bool() const noexcept { return status.ok(); }
    constexpr const Value &operator*() const & noexcept { return value; }
    /* Of a call's own result, a copy: `const auto &main = *plugin.find("main")` keeps it. */
    constexpr Value operator*() const && noexcept { return value; }
    constexpr const Value *operator->() const noexcept { return &value; }
};

/* ---- Views ---- */

namespace detail {

/* Walks over what has `[]`, by position. What it points at is made anew each time: it can't be pointed at. A list that
   is only a view is held itself, so that it may be one of a moment; another one is pointed to (Held). */
template <class List, class Held = List>
class iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using reference = decltype(std::declval<const List &>()[0]);
    using value_type = std::remove_cv_t<std::remove_reference_t<reference>>;
    using difference_type = std::ptrdiff_t;
    using pointer = void;

    constexpr iterator() noexcept = default;
    constexpr iterator(const Held &list, std::size_t at) noexcept : list_(list), at_(at) {}

    constexpr reference operator*() const noexcept
    {
        if constexpr (std::is_pointer_v<Held>) {
            return (*list_)[at_];
        } else {
            return list_[at_];
        }
    }
    constexpr iterator &operator++() noexcept { return ++at_, *this; }
    constexpr iterator operator++(int) noexcept { return iterator(list_, at_++); }
    friend constexpr bool operator==(const iterator &left, const iterator &right) noexcept
    {
        return left.at_ == right.at_;
    }
    friend constexpr bool operator!=(const iterator &left, const iterator &right) noexcept { return !(left == right); }

private:
    Held list_{};
    std::size_t at_ = 0;
};

/* What std::data gives for a container, without its const. */
template <class Container>
using element = std::remove_cv_t<std::remove_pointer_t<decltype(std::data(std::declval<const Container &>()))>>;

template <class Container, class... Elements>
using if_of = std::enable_if_t<(std::is_same_v<element<Container>, Elements> || ...)>;

constexpr std::string_view text_of(socketio_string_t string) noexcept
{
    return string.ptr == nullptr ? std::string_view("", 0) : std::string_view(string.ptr, string.len);
}

constexpr socketio_string_t string_of(std::string_view text) noexcept { return {text.data(), text.size()}; }

/* A time limit as C takes it. */
constexpr std::uint32_t milliseconds_of(std::chrono::milliseconds time) noexcept
{
    constexpr std::uint32_t most = UINT32_MAX; /* windows.h has a macro max */
    return time.count() <= 0 ? 0 : time.count() >= most ? most : static_cast<std::uint32_t>(time.count());
}

} // namespace detail

/* Bytes, borrowed. Made of any contiguous std::byte or unsigned char, and taken wherever std::span<const std::byte> is:
   it is one and the same type in all versions of C++, also those without std::span. */
class bytes_view {
public:
    using value_type = std::byte;

    constexpr bytes_view() noexcept = default;
    constexpr bytes_view(socketio_bytes_t raw) noexcept : raw_(raw) {}
    bytes_view(const void *data, std::size_t size) noexcept : raw_{static_cast<const std::uint8_t *>(data), size} {}
    template <class Container, class = detail::if_of<Container, std::byte, unsigned char>>
    bytes_view(const Container &container) noexcept : bytes_view(std::data(container), std::size(container))
    {
    }

    const std::byte *data() const noexcept { return reinterpret_cast<const std::byte *>(raw_.ptr); }
    constexpr std::size_t size() const noexcept { return raw_.len; }
    constexpr bool empty() const noexcept { return raw_.len == 0; }
    const std::byte *begin() const noexcept { return data(); }
    const std::byte *end() const noexcept { return data() + size(); }
    std::byte operator[](std::size_t at) const noexcept { return data()[at]; }

    /* What an array of attachments consists of. */
    constexpr operator socketio_bytes_t() const noexcept { return raw_; }

private:
    socketio_bytes_t raw_{nullptr, 0};
};

/* Byte strings, borrowed. Made of an array, a std::array, ... of socketio_bytes_t. */
class bytes_list {
public:
    using iterator = detail::iterator<bytes_list>;

    constexpr bytes_list() noexcept = default;
    constexpr bytes_list(socketio_bytes_list_t raw) noexcept : raw_(raw) {}
    template <class Container, class = detail::if_of<Container, socketio_bytes_t>>
    constexpr bytes_list(const Container &container) noexcept : raw_{std::data(container), std::size(container)}
    {
    }

    constexpr std::size_t size() const noexcept { return raw_.len; }
    constexpr bool empty() const noexcept { return raw_.len == 0; }
    constexpr bytes_view operator[](std::size_t at) const noexcept { return raw_.ptr[at]; }
    constexpr iterator begin() const noexcept { return {*this, 0}; }
    constexpr iterator end() const noexcept { return {*this, size()}; }

    constexpr operator socketio_bytes_list_t() const noexcept { return raw_; }

private:
    socketio_bytes_list_t raw_{nullptr, 0};
};

/* The value of a pin or an attribute. Without an argument it is none: the default is used. Read as another type than it
   has, it is false, 0 or empty. */
class value {
public:
    value() noexcept = default;
    value(const socketio_value_t &raw) noexcept : raw_(raw) {}

    static value text(std::string_view text) noexcept { return string(SOCKETIO_TYPE_STRING, text); }
    static value json(std::string_view json) noexcept { return string(SOCKETIO_TYPE_JSON, json); }
    static value boolean(bool boolean) noexcept
    {
        value made(SOCKETIO_TYPE_BOOL);
        made.raw_.as.boolean = boolean;
        return made;
    }
    static value integer(std::int64_t integer) noexcept
    {
        value made(SOCKETIO_TYPE_INT);
        made.raw_.as.integer = integer;
        return made;
    }
    static value number(double number) noexcept
    {
        value made(SOCKETIO_TYPE_FLOAT);
        made.raw_.as.number = number;
        return made;
    }
    static value bytes(bytes_view bytes) noexcept
    {
        value made(SOCKETIO_TYPE_BYTES);
        made.raw_.as.bytes = bytes;
        return made;
    }
    static value bytes(bytes_list list) noexcept
    {
        value made(SOCKETIO_TYPE_BYTES_LIST);
        made.raw_.as.bytes_list = list;
        return made;
    }
    static value handle(socketio::connection connection) noexcept
    {
        value made(SOCKETIO_TYPE_CONNECTION);
        made.raw_.as.connection = static_cast<socketio_connection_t>(connection);
        return made;
    }

    /* SOCKETIO_TYPE_*. */
    socketio_type_t type() const noexcept { return raw_.type; }

    bool as_boolean() const noexcept
    {
        return (type() == SOCKETIO_TYPE_BOOL || type() == SOCKETIO_TYPE_PULSE) && raw_.as.boolean != 0;
    }
    std::int64_t as_integer() const noexcept { return type() == SOCKETIO_TYPE_INT ? raw_.as.integer : 0; }
    double as_number() const noexcept { return type() == SOCKETIO_TYPE_FLOAT ? raw_.as.number : 0; }
    /* A text, or JSON. */
    std::string_view as_text() const noexcept
    {
        const bool is_text = type() == SOCKETIO_TYPE_STRING || type() == SOCKETIO_TYPE_JSON;
        return detail::text_of(is_text ? raw_.as.string : socketio_string_t{nullptr, 0});
    }
    bytes_view as_bytes() const noexcept
    {
        return type() == SOCKETIO_TYPE_BYTES ? bytes_view(raw_.as.bytes) : bytes_view();
    }
    bytes_list as_bytes_list() const noexcept
    {
        return type() == SOCKETIO_TYPE_BYTES_LIST ? bytes_list(raw_.as.bytes_list) : bytes_list();
    }
    connection as_handle() const noexcept
    {
        return connection{type() == SOCKETIO_TYPE_CONNECTION ? raw_.as.connection : 0};
    }

    operator const socketio_value_t &() const noexcept { return raw_; }

private:
    explicit value(socketio_type_t type) noexcept { raw_.type = type; }

    static value string(socketio_type_t type, std::string_view text) noexcept
    {
        value made(type);
        made.raw_.as.string = detail::string_of(text);
        return made;
    }

    /* Not {}, which would leave a part of the union as it was. */
    socketio_value_t raw_ = socketio_value_t();
};

/* ---- Nodes ---- */

/* What Send and Reply carry: a text, or what the functions here make. Borrows all that it is made of. */
class message {
public:
    template <class Text, class = std::enable_if_t<std::is_convertible_v<const Text &, std::string_view>>>
    message(const Text &text) noexcept : message("Text", value::text(text))
    {
    }
    /* One JSON value. */
    static message json(std::string_view json) noexcept { return message("JSON", value::json(json)); }
    /* A JSON array, whose elements are the arguments of the event. */
    static message arguments(std::string_view array) noexcept { return message("Arguments", value::json(array)); }
    static message binary(bytes_view bytes) noexcept { return message("Binary", value::bytes(bytes)); }

    /* The same with attachments. The array must live as long as the message. */
    message attach(bytes_list attachments) const noexcept
    {
        message made = *this;
        made.attachments_ = value::bytes(attachments);
        return made;
    }
    message attach(bytes_view attachment) const noexcept
    {
        message made = *this;
        made.attachments_ = value::bytes(attachment);
        return made;
    }

private:
    friend class plugin;

    message(std::string_view format, const value &content) noexcept : format_(value::text(format)), content_(content) {}

    value format_;
    value content_;
    value attachments_;
};

/* What Send does with a message while nothing is connected. */
enum class if_not_connected { queue, keep_latest, drop };

struct send_options {
    std::string_view nsp = "/";
    socketio::if_not_connected if_not_connected = socketio::if_not_connected::queue;
    /* Above 0: the server is asked for a reply. `replied` or `unanswered` comes later, exactly once. */
    std::chrono::milliseconds reply_timeout{0};
    /* The host's own tag of the node, which comes back in those events. */
    std::uint64_t node = 0;
};

/* Whether each event of a subscription fires, or the latest of those that came since the last poll. */
enum class delivery { every_message, latest_per_poll };

/* What comes back from a pulse into a node. */
struct node_result {
    /* The output pulse that leaves now. */
    std::uint32_t pulse;
    /* Not 0: an event with this number comes later. */
    std::uint64_t request;
    /* How many outputs were written. */
    std::uint32_t output_count;
};

/* What Socket.IO State tells. */
struct connection_state {
    /* "Stopped", "Connecting", "Connected" or "Waiting". */
    std::string_view state;
    std::int64_t namespaces;
    /* Messages waiting to be sent, and messages and events given up. */
    std::int64_t queued;
    std::int64_t dropped;
    /* 0: not measured yet. */
    std::chrono::duration<double, std::milli> round_trip;
    /* "None", "WebSocket" or "Polling". */
    std::string_view transport;
};

/* ---- Events ---- */

/* A node that fires. It is neither copied nor moved: it lives until the next poll. */
class event {
public:
    explicit event(const socketio_event_t &raw) noexcept : raw_(&raw) {}
    event(const event &) = delete;
    event &operator=(const event &) = delete;

    /* This event as one of the classes below, if it is one. */
    template <class Event>
    std::optional<Event> as() const noexcept
    {
        if (raw_->node_type != Event::type) {
            return std::nullopt;
        }
        if constexpr (Event::later_pulse != 0) {
            if (raw_->pulse != Event::later_pulse) {
                return std::nullopt;
            }
        }
        return std::optional<Event>(std::in_place, *raw_);
    }

    /* SOCKETIO_NODE_*. */
    std::uint32_t node_type() const noexcept { return raw_->node_type; }
    /* Tag and request of the call that this belongs to; 0 for a listener. */
    std::uint64_t node() const noexcept { return raw_->node; }
    std::uint64_t request() const noexcept { return raw_->request; }
    socketio::connection connection() const noexcept { return socketio::connection{raw_->connection}; }
    std::uint64_t sequence() const noexcept { return raw_->sequence; }
    /* Since `enable`. */
    std::chrono::microseconds time() const noexcept
    {
        return std::chrono::microseconds(static_cast<std::chrono::microseconds::rep>(raw_->time_us));
    }
    std::uint32_t pulse() const noexcept { return raw_->pulse; }
    socketio::status status() const noexcept { return raw_->status; }

    /* Outputs in the order of the descriptor; none where an older library has no such output. */
    std::size_t size() const noexcept { return raw_->output_count; }
    value operator[](std::size_t output) const noexcept
    {
        return output < raw_->output_count ? value(raw_->outputs[output]) : value();
    }

    const socketio_event_t &raw() const noexcept { return *raw_; }

private:
    const socketio_event_t *raw_;
};

namespace detail {

/* An event of one node type; of an action node, the one with this later pulse. */
template <std::uint32_t Type, std::uint32_t Pulse = 0>
class event_of : public event {
public:
    static constexpr std::uint32_t type = Type;
    static constexpr std::uint32_t later_pulse = Pulse;

    using event::event;
};

} // namespace detail

/* On Socket.IO Start. */
class started : public detail::event_of<SOCKETIO_NODE_ON_START> {
public:
    using event_of::event_of;
    std::string_view session_id() const noexcept { return (*this)[1].as_text(); }
    bool is_reconnect() const noexcept { return (*this)[2].as_boolean(); }
    bool recovered() const noexcept { return (*this)[3].as_boolean(); }
};

/* On Socket.IO Stop. */
class stopped : public detail::event_of<SOCKETIO_NODE_ON_STOP> {
public:
    using event_of::event_of;
    std::string_view reason() const noexcept { return (*this)[1].as_text(); }
    bool will_reconnect() const noexcept { return (*this)[2].as_boolean(); }
};

/* On Socket.IO Error. `status` is its range, such as SOCKETIO_E_NETWORK. */
class error : public detail::event_of<SOCKETIO_NODE_ON_ERROR> {
public:
    using event_of::event_of;
    std::string_view nsp() const noexcept { return (*this)[1].as_text(); }
    std::string_view message() const noexcept { return (*this)[2].as_text(); }
    std::string_view code() const noexcept { return (*this)[3].as_text(); }
    std::string_view remedy() const noexcept { return (*this)[4].as_text(); }
    bool fatal() const noexcept { return (*this)[5].as_boolean(); }
    std::chrono::duration<double> will_retry_in() const noexcept
    {
        return std::chrono::duration<double>((*this)[6].as_number());
    }
};

/* On Socket.IO Receive. */
class received : public detail::event_of<SOCKETIO_NODE_ON_RECEIVE> {
public:
    using event_of::event_of;
    std::string_view nsp() const noexcept { return (*this)[1].as_text(); }
    std::string_view name() const noexcept { return (*this)[2].as_text(); }
    std::string_view message() const noexcept { return (*this)[3].as_text(); }
    /* A JSON array. */
    std::string_view arguments() const noexcept { return (*this)[4].as_text(); }
    bytes_list attachments() const noexcept { return (*this)[5].as_bytes_list(); }
    /* Not 0: the server waits for `reply`. */
    std::int64_t reply_id() const noexcept { return (*this)[6].as_integer(); }
};

/* On Socket.IO Subscribe. */
class subscribed : public detail::event_of<SOCKETIO_NODE_ON_SUBSCRIBE> {
public:
    using event_of::event_of;
    std::string_view nsp() const noexcept { return (*this)[1].as_text(); }
    std::string_view name() const noexcept { return (*this)[2].as_text(); }
};

/* On Socket.IO Unsubscribe. */
class unsubscribed : public detail::event_of<SOCKETIO_NODE_ON_UNSUBSCRIBE> {
public:
    using event_of::event_of;
    std::string_view nsp() const noexcept { return (*this)[1].as_text(); }
    std::string_view name() const noexcept { return (*this)[2].as_text(); }
};

/* The Reply pulse of a Send. `node` and `request` are those of the call. */
class replied : public detail::event_of<SOCKETIO_NODE_SEND, 1> {
public:
    using event_of::event_of;
    std::string_view reply() const noexcept { return (*this)[2].as_text(); }
    /* A JSON array. */
    std::string_view arguments() const noexcept { return (*this)[4].as_text(); }
    bytes_list attachments() const noexcept { return (*this)[5].as_bytes_list(); }
};

/* The Timeout pulse of a Send. `status` says why: SOCKETIO_E_NO_ANSWER, or no answer can come any more. */
class unanswered : public detail::event_of<SOCKETIO_NODE_SEND, 3> {
public:
    using event_of::event_of;
};

/* The Result pulse of a Test. */
class tested : public detail::event_of<SOCKETIO_NODE_TEST, 1> {
public:
    using event_of::event_of;
    bool passed() const noexcept { return (*this)[2].as_boolean(); }
    std::string_view report() const noexcept { return (*this)[3].as_text(); }
    std::string_view report_json() const noexcept { return (*this)[4].as_text(); }
};

/* What one poll handed out. It is neither copied nor moved: the next poll ends it, whoever makes that. */
class [[nodiscard]] batch {
public:
    using iterator = detail::iterator<batch, const batch *>;

    batch(const batch &) = delete;
    batch &operator=(const batch &) = delete;

    /* Of the poll. If it failed, there are no events. */
    socketio::status status() const noexcept { return status_; }
    /* More events wait: poll again, in this frame or the next. */
    bool more() const noexcept { return status_ == SOCKETIO_MORE; }
    /* Events lost since `enable` because nobody polled in time. */
    std::uint64_t dropped() const noexcept { return raw_.dropped; }

    std::size_t size() const noexcept { return raw_.count; }
    bool empty() const noexcept { return raw_.count == 0; }
    event operator[](std::size_t at) const noexcept { return event(*raw_.events[at]); }
    iterator begin() const noexcept { return {this, 0}; }
    iterator end() const noexcept { return {this, size()}; }

private:
    friend class plugin;

    batch(socketio::status status, const socketio_event_batch_t &raw) noexcept : status_(status), raw_(raw) {}

    socketio::status status_;
    socketio_event_batch_t raw_;
};

/* ---- The host ---- */

/* A line of the log. Borrowed during the call of `log`. */
struct log_record {
    /* SOCKETIO_LOG_ERROR to SOCKETIO_LOG_TRAFFIC. */
    std::uint32_t level;
    /* The connection it is about, or none. */
    socketio::connection connection;
    /* Since `enable`. */
    std::chrono::microseconds time;
    std::string_view message;
};

/* An object of the host that hears of things. It has one of these members, or both:

       void log(const socketio::log_record &record);    on the threads that poll, wait and disable
       void wake();                                      on the plugin's thread: post to your own loop, and return

   An exception that leaves them ends the program. */
class listener {
public:
    constexpr listener() noexcept = default;
    template <class Object, class = std::enable_if_t<!std::is_same_v<std::remove_cv_t<Object>, listener>>>
    listener(Object &object) noexcept : context_(const_cast<void *>(static_cast<const void *>(std::addressof(object))))
    {
        constexpr bool logs = std::is_invocable_v<call_log, Object &, const log_record &>;
        constexpr bool wakes = std::is_invocable_v<call_wake, Object &>;
        static_assert(logs || wakes, "It has neither log(const socketio::log_record &) nor wake().");
        if constexpr (logs) {
            log_ = pass_log<Object>;
        }
        if constexpr (wakes) {
            wake_ = pass_wake<Object>;
        }
    }

private:
    friend class plugin;

    struct call_log {
        template <class Object>
        auto operator()(Object &object, const log_record &record) const -> decltype(object.log(record));
    };
    struct call_wake {
        template <class Object>
        auto operator()(Object &object) const -> decltype(object.wake());
    };

    template <class Object>
    static void SOCKETIO_CALL pass_log(void *context, const socketio_log_record_t *raw) noexcept
    {
        const auto time = static_cast<std::chrono::microseconds::rep>(raw->time_us);
        static_cast<Object *>(context)->log(log_record{raw->level, socketio::connection{raw->connection},
                                                       std::chrono::microseconds(time), detail::text_of(raw->message)});
    }
    template <class Object>
    static void SOCKETIO_CALL pass_wake(void *context) noexcept
    {
        static_cast<Object *>(context)->wake();
    }

    void *context_ = nullptr;
    decltype(socketio_host_t::log) log_ = nullptr;
    decltype(socketio_host_t::wake) wake_ = nullptr;
};

/* What the host offers: all of it may be left out. The listener must live until the plugin is deactivated. */
struct host {
    /* For the log. */
    const char *name = nullptr;
    const char *version = nullptr;
    socketio::listener listener{};
    /* How long the destructor of `plugin` may wait for what winds down. */
    std::chrono::milliseconds disable_timeout{1000};
};

/* ---- The library ---- */

/* The functions of the library. */
struct functions {
    decltype(&::socketio_abi_version) abi_version = nullptr;
    decltype(&::socketio_plugin_descriptor) plugin_descriptor = nullptr;
    decltype(&::socketio_status_name) status_name = nullptr;
    decltype(&::socketio_plugin_enable) plugin_enable = nullptr;
    decltype(&::socketio_plugin_disable) plugin_disable = nullptr;
    decltype(&::socketio_plugin_state) plugin_state = nullptr;
    decltype(&::socketio_settings_check) settings_check = nullptr;
    decltype(&::socketio_settings_apply) settings_apply = nullptr;
    decltype(&::socketio_connection_find) connection_find = nullptr;
    decltype(&::socketio_connection_info) connection_info = nullptr;
    decltype(&::socketio_node_execute) node_execute = nullptr;
    decltype(&::socketio_event_poll) event_poll = nullptr;
    decltype(&::socketio_event_wait) event_wait = nullptr;
    decltype(&::socketio_event_wake_handle) event_wake_handle = nullptr;
    decltype(&::socketio_last_error) last_error = nullptr;
    decltype(&::socketio_set_log_level) set_log_level = nullptr;

    /* Those of the library that the program is linked with. */
    static functions linked() noexcept
    {
        return {
            &::socketio_abi_version,     &::socketio_plugin_descriptor, &::socketio_status_name,
            &::socketio_plugin_enable,   &::socketio_plugin_disable,    &::socketio_plugin_state,
            &::socketio_settings_check,  &::socketio_settings_apply,    &::socketio_connection_find,
            &::socketio_connection_info, &::socketio_node_execute,      &::socketio_event_poll,
            &::socketio_event_wait,      &::socketio_event_wake_handle, &::socketio_last_error,
            &::socketio_set_log_level,
        };
    }

    /* Those of a loaded library: `lookup` takes a name and gives a pointer of any kind, such as dlsym's. */
    template <class Lookup>
    static functions load(Lookup &&lookup) noexcept(noexcept(lookup("")))
    {
        functions loaded;
        each(loaded, [&](auto &function, const char *name) {
            /* By way of the one type of function that compilers let become any other. */
            using any_function = void (*)();
            function = reinterpret_cast<std::decay_t<decltype(function)>>(reinterpret_cast<any_function>(lookup(name)));
        });
        return loaded;
    }

    /* The name of a function that is not there; nullptr: all are. */
    const char *missing() const noexcept
    {
        const char *first = nullptr;
        each(*this, [&](auto function, const char *name) {
            first = first == nullptr && function == nullptr ? name : first;
        });
        return first;
    }

    /* Whether calls can be made by this header: no function is missing, and the ABI is of the same major version. */
    bool usable() const noexcept
    {
        return missing() == nullptr && abi_version() >> 16 == static_cast<std::uint32_t>(SOCKETIO_ABI_VERSION) >> 16;
    }

private:
    template <class Functions, class Visit>
    static void each(Functions &all, Visit &&visit)
    {
        visit(all.abi_version, "socketio_abi_version");
        visit(all.plugin_descriptor, "socketio_plugin_descriptor");
        visit(all.status_name, "socketio_status_name");
        visit(all.plugin_enable, "socketio_plugin_enable");
        visit(all.plugin_disable, "socketio_plugin_disable");
        visit(all.plugin_state, "socketio_plugin_state");
        visit(all.settings_check, "socketio_settings_check");
        visit(all.settings_apply, "socketio_settings_apply");
        visit(all.connection_find, "socketio_connection_find");
        visit(all.connection_info, "socketio_connection_info");
        visit(all.node_execute, "socketio_node_execute");
        visit(all.event_poll, "socketio_event_poll");
        visit(all.event_wait, "socketio_event_wait");
        visit(all.event_wake_handle, "socketio_event_wake_handle");
        visit(all.last_error, "socketio_last_error");
        visit(all.set_log_level, "socketio_set_log_level");
    }
};

/* The activated plugin. It is activated once in a process, so this object can be moved, but not copied. The one that
   activated it deactivates it when it goes. */
class plugin {
public:
    /* Nothing: every call returns SOCKETIO_E_STATE. */
    plugin() noexcept = default;

    /* Activates the library that the program is linked with, or one that it has loaded. `status` says how it went:
       SOCKETIO_E_ABI also if a function is missing; SOCKETIO_ALREADY if another part of the program activated it: then
       this object can be used, and leaves it activated when it goes. */
    static plugin enable(const host &host = {}) noexcept { return enable(functions::linked(), host); }
    template <class Functions, class = std::enable_if_t<std::is_same_v<Functions, functions>>>
    static plugin enable(const Functions &functions, const host &host = {}) noexcept
    {
        plugin made;
        if (!functions.usable()) {
            made.status_ = SOCKETIO_E_ABI;
            return made;
        }
        socketio_host_t raw = socketio_host_t();
        raw.struct_size = sizeof raw;
        raw.abi_version = SOCKETIO_ABI_VERSION;
        raw.name = host.name;
        raw.version = host.version;
        raw.context = host.listener.context_;
        raw.log = host.listener.log_;
        raw.wake = host.listener.wake_;
        made.functions_ = functions;
        made.status_ = functions.plugin_enable(&raw);
        made.owns_ = made.status_ == SOCKETIO_OK;
        made.disable_timeout_ = host.disable_timeout;
        return made;
    }

    plugin(plugin &&other) noexcept { take(other); }
    /* What this object activated is deactivated, unless the other one is of the same library: then that goes on. */
    plugin &operator=(plugin &&other) noexcept
    {
        if (this != &other) {
            const bool goes_on = functions_.plugin_enable == other.functions_.plugin_enable;
            const bool owned = owns_;
            if (!goes_on) {
                let_go();
            }
            take(other);
            owns_ = owns_ || (goes_on && owned);
        }
        return *this;
    }
    ~plugin() { let_go(); }

    /* What `enable` returned; SOCKETIO_E_STATE once it is disabled or moved from. */
    socketio::status status() const noexcept { return status_; }
    explicit operator bool() const noexcept { return status_.ok(); }

    /* Deactivates it now. Events that are left can still be polled. The destructor does the same, but can't tell if it
       ran out of time: who has a `listener` that ends before the program should call this, until it is ok. It is for
       the object that activated the plugin: when that one goes, it would else deactivate what another one activated. */
    socketio::status disable(std::chrono::milliseconds timeout) noexcept
    {
        if (functions_.plugin_disable == nullptr) {
            return SOCKETIO_ALREADY;
        }
        const socketio::status status = functions_.plugin_disable(detail::milliseconds_of(timeout));
        if (status.ok()) {
            owns_ = false;
            status_ = SOCKETIO_E_STATE;
        }
        return status;
    }

    /* SOCKETIO_PLUGIN_DISABLED, SOCKETIO_PLUGIN_ENABLED or SOCKETIO_PLUGIN_DRAINING. */
    std::uint32_t state() const noexcept
    {
        return functions_.plugin_state == nullptr ? SOCKETIO_PLUGIN_DISABLED : functions_.plugin_state();
    }
    /* nullptr if `enable` failed. The descriptor can be read without `enable`, by `functions`. */
    const socketio_plugin_desc_t *descriptor() const noexcept
    {
        return functions_.plugin_descriptor == nullptr ? nullptr : functions_.plugin_descriptor();
    }
    /* Such as "SOCKETIO_E_STALE". */
    const char *name_of(socketio::status status) const noexcept
    {
        return functions_.status_name == nullptr ? "" : functions_.status_name(status.code());
    }

    /* The sentence of the last failure, or SOCKETIO_NOTE, of a call on this thread: as much of it as the buffer holds,
       with a NUL. */
    template <std::size_t Size>
    std::string_view last_error(char (&buffer)[Size]) const noexcept
    {
        buffer[0] = 0;
        (void)last_error(buffer, Size);
        return std::string_view(buffer);
    }
    /* The same; gives the length of all of it. */
    std::size_t last_error(char *buffer, std::size_t size) const noexcept
    {
        if (functions_.last_error != nullptr) {
            return functions_.last_error(buffer, size);
        }
        /* Then nobody else has a sentence. */
        constexpr std::string_view unusable = "The plugin's library is missing, incomplete or of another version.";
        const std::string_view text = status_ == SOCKETIO_E_ABI ? unusable : std::string_view();
        if (buffer != nullptr && size > 0) {
            buffer[text.copy(buffer, size - 1)] = 0;
        }
        return text.size();
    }
    /* SOCKETIO_LOG_OFF to SOCKETIO_LOG_TRAFFIC. */
    socketio::status set_log_level(std::uint32_t level) const noexcept { return call(functions_.set_log_level, level); }

    /* ---- Settings and connections ---- */

    /* SOCKETIO_NOTE and SOCKETIO_E_SETTINGS: `last_error` has all warnings and errors, a line each. */
    socketio::status settings_check(std::string_view json) const noexcept
    {
        return call(functions_.settings_check, json.data(), json.size());
    }
    socketio::status settings_apply(std::string_view json) const noexcept
    {
        return call(functions_.settings_apply, json.data(), json.size());
    }
    outcome<socketio::connection> find(std::string_view name) const noexcept
    {
        socketio_connection_t found = 0;
        const socketio::status status = call(functions_.connection_find, name.data(), name.size(), &found);
        return {status, socketio::connection{found}};
    }
    outcome<socketio_connection_info_t> info(socketio::connection connection) const noexcept
    {
        socketio_connection_info_t info = socketio_connection_info_t();
        info.struct_size = sizeof info;
        const auto handle = static_cast<socketio_connection_t>(connection);
        const socketio::status status = call(functions_.connection_info, handle, &info);
        return {status, info};
    }

    /* ---- Nodes ---- */

    socketio::status start(socketio::connection connection) const noexcept
    {
        return execute(SOCKETIO_NODE_START, connection, {}, {}).status;
    }
    socketio::status stop(socketio::connection connection) const noexcept
    {
        return execute(SOCKETIO_NODE_STOP, connection, {}, {}).status;
    }
    /* Gives the number of the request, if a reply is wanted. */
    outcome<std::uint64_t> send(socketio::connection connection, std::string_view event_name, const message &message,
                                const send_options &options = {}) const noexcept
    {
        constexpr std::string_view choices[] = {"Queue", "Keep Latest", "Drop"};
        const std::chrono::duration<double> reply_timeout = options.reply_timeout;
        const auto result = execute(SOCKETIO_NODE_SEND, connection,
                                    {value(), message.format_,
                                     value::text(choices[static_cast<std::size_t>(options.if_not_connected)]),
                                     value::number(reply_timeout.count())},
                                    {value(), value::text(event_name), value::text(options.nsp), message.content_,
                                     message.attachments_},
                                    options.node);
        return {result.status, result->request};
    }
    /* "*" stands for every event. */
    socketio::status subscribe(socketio::connection connection, std::string_view event_name,
                               std::string_view nsp = "/", delivery delivery = delivery::every_message) const noexcept
    {
        constexpr std::string_view choices[] = {"Every Message", "Latest Per Poll"};
        return execute(SOCKETIO_NODE_SUBSCRIBE, connection,
                       {value(), value::text(choices[static_cast<std::size_t>(delivery)])},
                       {value(), value::text(event_name), value::text(nsp)})
            .status;
    }
    socketio::status unsubscribe(socketio::connection connection, std::string_view event_name,
                                 std::string_view nsp = "/") const noexcept
    {
        return execute(SOCKETIO_NODE_UNSUBSCRIBE, connection, {},
                       {value(), value::text(event_name), value::text(nsp)})
            .status;
    }
    socketio::status reply(socketio::connection connection, std::int64_t reply_id,
                           const message &message) const noexcept
    {
        return execute(SOCKETIO_NODE_REPLY, connection, {value(), message.format_},
                       {value(), value::integer(reply_id), message.content_, message.attachments_})
            .status;
    }
    outcome<connection_state> state_of(socketio::connection connection) const noexcept
    {
        socketio_value_t raw[7] = {};
        socketio_node_call_t call = node_call(SOCKETIO_NODE_STATE, connection);
        const auto result = execute(call, raw);
        const auto output = [&](std::size_t at) { return at < result->output_count ? value(raw[at]) : value(); };
        return {result.status,
                {output(1).as_text(), output(2).as_integer(), output(3).as_integer(), output(4).as_integer(),
                 std::chrono::duration<double, std::milli>(output(5).as_number()), output(6).as_text()}};
    }
    /* Begins a connection test; `tested` comes with the number that this gives. */
    outcome<std::uint64_t> test(socketio::connection connection, std::uint64_t node = 0) const noexcept
    {
        const auto result = execute(SOCKETIO_NODE_TEST, connection, {}, {}, node);
        return {result.status, result->request};
    }

    /* A pulse into any action node. Position 0 of the attributes is the Configuration, and of the inputs the pulse. */
    outcome<node_result> execute(std::uint32_t node_type, socketio::connection connection,
                                 std::initializer_list<socketio_value_t> attributes,
                                 std::initializer_list<socketio_value_t> inputs, std::uint64_t node = 0) const noexcept
    {
        socketio_node_call_t call = node_call(node_type, connection);
        call.node = node;
        call.attributes = attributes.begin();
        call.attribute_count = static_cast<std::uint32_t>(attributes.size());
        call.inputs = inputs.begin();
        call.input_count = static_cast<std::uint32_t>(inputs.size());
        return execute(call, nullptr, 0);
    }
    /* The same for a host that knows nodes by the descriptor alone; with outputs, if the node has any at once. */
    outcome<node_result> execute(const socketio_node_call_t &call, socketio_value_t *outputs,
                                 std::uint32_t output_capacity) const noexcept
    {
        socketio_node_result_t result = socketio_node_result_t();
        result.struct_size = sizeof result;
        result.outputs = outputs;
        result.output_capacity = output_capacity;
        const socketio::status status = plugin::call(functions_.node_execute, &call, &result);
        return {status, {result.pulse, result.request, result.output_count}};
    }
    template <std::size_t Capacity>
    outcome<node_result> execute(const socketio_node_call_t &call, socketio_value_t (&outputs)[Capacity]) const noexcept
    {
        return execute(call, outputs, static_cast<std::uint32_t>(Capacity));
    }
    /* A call without values, to be filled in. */
    static socketio_node_call_t node_call(std::uint32_t node_type, socketio::connection connection) noexcept
    {
        socketio_node_call_t call = socketio_node_call_t();
        call.struct_size = sizeof call;
        call.node_type = node_type;
        call.connection = static_cast<socketio_connection_t>(connection);
        return call;
    }

    /* ---- Events ---- */

    /* Takes up to `max` events; 0 stands for 4,096. Ends the batch before. Not for an object that is about to go. */
    batch poll(std::uint32_t max = 0) & noexcept
    {
        socketio_event_batch_t raw = socketio_event_batch_t();
        raw.struct_size = sizeof raw;
        const socketio::status status = call(functions_.event_poll, max, &raw);
        return batch(status, raw);
    }
    /* Waits for an event. Compare with SOCKETIO_OK: SOCKETIO_TIMED_OUT is no error. */
    socketio::status wait(std::chrono::milliseconds timeout) noexcept
    {
        return call(functions_.event_wait, detail::milliseconds_of(timeout));
    }
    /* To wait on in the host's own loop: `kind` says what `value` is, a descriptor or a HANDLE. */
    outcome<socketio_wake_handle_t> wake_handle() const noexcept
    {
        socketio_wake_handle_t handle = socketio_wake_handle_t();
        handle.struct_size = sizeof handle;
        const socketio::status status = call(functions_.event_wake_handle, &handle);
        return {status, handle};
    }

private:
    template <class Function, class... Arguments>
    static socketio::status call(Function function, Arguments... arguments) noexcept
    {
        return function == nullptr ? SOCKETIO_E_STATE : function(arguments...);
    }

    void take(plugin &other) noexcept
    {
        functions_ = std::exchange(other.functions_, functions());
        status_ = std::exchange(other.status_, SOCKETIO_E_STATE);
        owns_ = std::exchange(other.owns_, false);
        disable_timeout_ = other.disable_timeout_;
    }

    void let_go() noexcept
    {
        if (owns_) {
            functions_.plugin_disable(detail::milliseconds_of(disable_timeout_));
            owns_ = false;
        }
    }

    functions functions_{};
    socketio::status status_ = SOCKETIO_E_STATE;
    bool owns_ = false;
    std::chrono::milliseconds disable_timeout_{0};
};

/* ---- The descriptor ---- */

/* The structs that an array of pointers points to. */
template <class Struct>
class described {
public:
    constexpr described() noexcept = default;
    constexpr described(const Struct *const *pointers, std::size_t size) noexcept : pointers_(pointers), size_(size) {}

    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr const Struct &operator[](std::size_t at) const noexcept { return *pointers_[at]; }
    constexpr detail::iterator<described> begin() const noexcept { return {*this, 0}; }
    constexpr detail::iterator<described> end() const noexcept { return {*this, size_}; }

private:
    const Struct *const *pointers_ = nullptr;
    std::size_t size_ = 0;
};

inline described<socketio_node_desc_t> nodes(const socketio_plugin_desc_t &plugin) noexcept
{
    return {plugin.nodes, plugin.node_count};
}
inline described<socketio_field_desc_t> connection_fields(const socketio_plugin_desc_t &plugin) noexcept
{
    return {plugin.connection_fields, plugin.connection_field_count};
}
inline described<socketio_field_desc_t> attributes(const socketio_node_desc_t &node) noexcept
{
    return {node.attributes, node.attribute_count};
}
inline described<socketio_field_desc_t> inputs(const socketio_node_desc_t &node) noexcept
{
    return {node.inputs, node.input_count};
}
inline described<socketio_field_desc_t> outputs(const socketio_node_desc_t &node) noexcept
{
    return {node.outputs, node.output_count};
}

} // namespace socketio

#endif /* SOCKETIO_PLUGIN_HPP */
