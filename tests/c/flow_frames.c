/* Messages of any size, in frames that are cut anywhere, and what is made of them in memory that events share. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

static server_t *server;
static socketio_connection_t client;

/* ---- Frames, byte by byte ---- */

#define TEXT 0x81
#define TEXT_BEGINS 0x01
#define BINARY 0x82
#define BINARY_BEGINS 0x02
#define GOES_ON 0x00
#define ENDS 0x80
#define PING 0x89

/* Sizes around those where a header gets longer, and where a message no longer fits into the library's buffer. */
static const size_t SIZES[] = {125, 126, 65535, 65536, 262133, 262134, 262135, 262143, 262144, 262145, 1 << 20};

/* Parts of the next `bytes` command of server.js. */
static char parts[1 << 20];
static size_t parts_len;

static void add_part(const char *part)
{
    CHECK(parts_len + strlen(part) + 2 < sizeof parts);
    parts_len += (size_t)sprintf(parts + parts_len, "%s%s", parts_len > 0 ? "," : "", part);
}

static void add_header(unsigned first, size_t len)
{
    char part[64];
    if (len < 126) {
        snprintf(part, sizeof part, "{\"_bytes\":\"%02x%02x\"}", first, (unsigned)len);
    } else if (len < 65536) {
        snprintf(part, sizeof part, "{\"_bytes\":\"%02x7e%04x\"}", first, (unsigned)len);
    } else {
        snprintf(part, sizeof part, "{\"_bytes\":\"%02x7f%016llx\"}", first, (unsigned long long)len);
    }
    add_part(part);
}

static void add_filled(unsigned first, size_t len)
{
    char part[64];
    add_header(first, len);
    snprintf(part, sizeof part, "{\"_fill\":%u}", (unsigned)len);
    add_part(part);
}

static void write_parts(void)
{
    server_command(server, "bytes {\"parts\":[%s]}", parts);
    parts_len = 0;
}

/* Small messages for which nobody listens: what follows begins elsewhere in the buffer. */
static void add_small(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        add_part("{\"_bytes\":\"810136\"}");
    }
}

/* An event "e" whose packet has so many bytes in all: its one text is of these characters again and again, in this many
   frames, a ping between any two of them. */
#define HEAD "42[\\\"e\\\",\\\""
#define HEAD_LEN 8
#define TAIL_LEN 2

static void add_text_event(size_t len, const char *unit, unsigned frames)
{
    char part[128];
    size_t unit_len = strlen(unit);
    size_t rest = len - HEAD_LEN - TAIL_LEN;
    size_t units = rest / unit_len;
    size_t in_each = units / frames;
    for (unsigned i = 0; i < frames; i++) {
        int is_last = i == frames - 1;
        size_t count = is_last ? units - in_each * i : in_each;
        size_t pad = is_last ? rest % unit_len : 0;
        size_t bytes = count * unit_len + pad + (i == 0 ? HEAD_LEN : 0) + (is_last ? TAIL_LEN : 0);
        add_header((i == 0 ? TEXT_BEGINS : GOES_ON) | (is_last ? ENDS : 0), bytes);
        if (i == 0) {
            add_part("\"" HEAD "\"");
        }
        snprintf(part, sizeof part, "{\"_repeat\":[\"%s\",%u]}", unit, (unsigned)count);
        add_part(part);
        if (is_last) {
            snprintf(part, sizeof part, "\"%.*s\\\"]\"", (int)pad, "..........");
            add_part(part);
        } else {
            add_header(PING, 0);
        }
    }
}

/* The texts of an event end with a NUL, and are of these characters again and again. */
static void check_text_event(size_t len, const char *unit)
{
    const event_t *event = WAIT_RECEIVE(client, "e");
    size_t unit_len = strlen(unit);
    size_t rest = len - HEAD_LEN - TAIL_LEN;
    const socketio_string_t message = event->outputs[RECEIVE_MESSAGE].as.string;
    const socketio_string_t arguments = event->outputs[RECEIVE_ARGUMENTS].as.string;
    CHECK_INT(message.len, rest);
    CHECK_INT(arguments.len, rest + 4);
    CHECK(message.ptr[message.len] == 0 && arguments.ptr[arguments.len] == 0);
    for (size_t i = 0; i < rest; i++) {
        char wanted = i < rest / unit_len * unit_len ? unit[i % unit_len] : '.';
        if (message.ptr[i] != wanted || arguments.ptr[i + 2] != wanted) {
            FAIL("%u bytes of \"%s\": byte %u is wrong", (unsigned)len, unit, (unsigned)i);
        }
    }
}

static void begin_scripted(const char *extra)
{
    server = scripted_start();
    client = script_connected(server, extra);
    subscribe(client, "e", NULL);
    WAIT_SUBSCRIBED(client, "e");
}

static void texts_of_any_size_in_any_frames(void)
{
    static const char *const units[] = {"0123456789", "€", "é🚀x"};
    static const unsigned frames[] = {1, 2, 3, 100};
    begin_scripted(NULL);
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        for (size_t j = 0; j < COUNT(frames); j++) {
            if (SIZES[i] / frames[j] > 20) {
                add_small((unsigned)(i + j) % 3);
                add_text_event(SIZES[i], units[(i + j) % COUNT(units)], frames[j]);
                add_small(1);
                write_parts();
                check_text_event(SIZES[i], units[(i + j) % COUNT(units)]);
            }
        }
    }
    /* Many at once: one ends where the next begins, wherever a read ends. */
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        add_text_event(SIZES[i], "é", 1);
        add_text_event(SIZES[i], "x", 3);
    }
    write_parts();
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        check_text_event(SIZES[i], "é");
        check_text_event(SIZES[i], "x");
    }
}

/* Characters that are cut by the end of a frame: nothing is text before all of it is there. */
static void characters_that_are_cut_by_frames_and_reads(void)
{
    static const char rocket[] = "f09f9a80";
    char part[32];
    begin_scripted(NULL);
    for (int cut = 1; cut < 4; cut++) {
        for (int pause = 0; pause < 2; pause++) {
            add_header(TEXT_BEGINS, HEAD_LEN + (size_t)cut);
            add_part("\"" HEAD "\"");
            snprintf(part, sizeof part, "{\"_bytes\":\"%.*s\"}", 2 * cut, rocket);
            add_part(part);
            if (pause) {
                write_parts();
                listen_for(5);
            }
            add_header(ENDS, 4 - (size_t)cut + TAIL_LEN);
            snprintf(part, sizeof part, "{\"_bytes\":\"%s\"}", rocket + 2 * cut);
            add_part(part);
            add_part("\"\\\"]\"");
            write_parts();
            CHECK_TEXT(text_of(WAIT_RECEIVE(client, "e"), RECEIVE_MESSAGE), "🚀");
        }
    }
}

static void check_attachment(size_t len)
{
    const event_t *event = WAIT_RECEIVE(client, "e");
    socketio_bytes_list_t list = attachments_of(event, RECEIVE_ATTACHMENTS);
    CHECK_INT(list.len, 1);
    CHECK_INT(list.ptr[0].len, len);
    for (size_t i = 0; i < len; i++) {
        if (list.ptr[0].ptr[i] != (uint8_t)i) {
            FAIL("%u bytes: byte %u is wrong", (unsigned)len, (unsigned)i);
        }
    }
}

static void bytes_of_any_size_in_any_frames(void)
{
    begin_scripted(NULL);
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        for (int in_fragments = 0; in_fragments < 2; in_fragments++) {
            add_header(TEXT, 39);
            add_part("\"451-[\\\"e\\\",{\\\"_placeholder\\\":true,\\\"num\\\":0}]\"");
            if (in_fragments && SIZES[i] > 512) {
                /* Each begins with 0 again. */
                size_t first = SIZES[i] / 512 * 256;
                add_filled(BINARY_BEGINS, first);
                add_header(PING, 0);
                add_filled(GOES_ON, 0);
                add_filled(ENDS, SIZES[i] - first);
            } else {
                add_filled(BINARY, SIZES[i]);
            }
            add_small(1);
            write_parts();
            check_attachment(SIZES[i]);
        }
    }
}

/* ---- The same by the official server, both ways ---- */

static void check_sent(size_t len, const char *text)
{
    char line[128];
    snprintf(line, sizeof line, "got " JSON({"nsp":"/","event":"echo","args":[{"_text":%u,"_checksum":%u}]}),
             (unsigned)len, (unsigned)checksum(text, len));
    server_expect(server, line);
}

static void texts_and_bytes_of_any_size_there_and_back(void)
{
    server = server_start(JSON({"maxHttpBufferSize":3000000}));
    client = connected(server, NULL);
    subscribe(client, "echo", NULL);
    WAIT_SUBSCRIBED(client, "echo");
    static char content[(1 << 20) + 1];
    for (size_t i = 2; i < COUNT(SIZES); i++) {
        for (size_t at = 0; at < SIZES[i]; at++) {
            content[at] = (char)('a' + (at * 7 + i) % 26);
        }
        content[SIZES[i]] = 0;
        SEND(client, .event = "echo", .message = content);
        check_sent(SIZES[i], content);
        const event_t *event = WAIT_RECEIVE(client, "echo");
        CHECK_INT(event->outputs[RECEIVE_MESSAGE].as.string.len, SIZES[i]);
        CHECK(strcmp(text_of(event, RECEIVE_MESSAGE), content) == 0);
        SEND(client, .event = "echo", .format = "Binary", .bytes = {(const uint8_t *)content, SIZES[i]});
        event = WAIT_RECEIVE(client, "echo");
        socketio_bytes_list_t list = attachments_of(event, RECEIVE_ATTACHMENTS);
        CHECK_INT(list.len, 1);
        CHECK(list.ptr[0].len == SIZES[i] && memcmp(list.ptr[0].ptr, content, SIZES[i]) == 0);
        server_wait(server, "got ");
    }
}

/* ---- Memory that events share ---- */

/* Each text is in its place, with a NUL behind it; the numbers count from `next`. Gives where they end. That something
   was dropped is told among them. */
static long check_batch(const socketio_event_batch_t *batch, long next)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        const socketio_event_t *event = batch->events[i];
        char message[16];
        char arguments[16];
        snprintf(message, sizeof message, "%ld", next);
        snprintf(arguments, sizeof arguments, "[%ld]", next);
        const char *const wanted[] = {"/", "e", message, arguments};
        if (event->node_type == SOCKETIO_NODE_ON_ERROR || event->node_type == SOCKETIO_NODE_ON_STOP) {
            continue;
        }
        CHECK_INT(event->node_type, SOCKETIO_NODE_ON_RECEIVE);
        CHECK_INT(event->output_count, 7);
        for (int pin = RECEIVE_NAMESPACE; pin <= RECEIVE_ARGUMENTS; pin++) {
            const socketio_string_t text = event->outputs[pin].as.string;
            if (text.len != strlen(wanted[pin - 1]) || strcmp(text.ptr, wanted[pin - 1]) != 0) {
                FAIL("event %u, pin %d: expected %s, saw %.20s", (unsigned)i, pin, wanted[pin - 1], text.ptr);
            }
        }
        CHECK_INT(event->outputs[RECEIVE_ATTACHMENTS].as.bytes_list.len, 0);
        CHECK_INT(event->outputs[RECEIVE_REPLY_ID].as.integer, 0);
        next++;
    }
    return next;
}

/* The host keeps a batch as long as it likes: what comes meanwhile, what is dropped meanwhile, even the plugin's end
   changes nothing of it. */
static void a_batch_stays_as_it_is_until_the_next_poll(void)
{
    server = server_start(NULL);
    client = connected(server, JSON("inbound_messages":5000));
    subscribe(client, "e", NULL);
    WAIT_SUBSCRIBED(client, "e");
    barrier(client);
    server_command(server, "flood %s", JSON({"event":"e","count":9000}));
    AWAIT(info_of(client).dropped == 4000);
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    CHECK_STATUS(plugin.event_poll(3000, &batch), SOCKETIO_MORE);
    CHECK_INT(batch.count, 3000);
    long next = check_batch(&batch, 4000);
    CHECK(next >= 6990);
    server_command(server, "flood %s", JSON({"event":"e","count":20000}));
    AWAIT(info_of(client).dropped >= 4000 + 16990);
    CHECK_INT(check_batch(&batch, 4000), next);
    CHECK_STATUS(plugin.plugin_disable(5000), SOCKETIO_OK);
    CHECK_INT(check_batch(&batch, 4000), next);
    CHECK_STATUS(plugin.event_poll(10000, &batch), SOCKETIO_OK);
    CHECK_INT(check_batch(&batch, 15000), 20000);
    ignore_errors();
    forgive_sessions();
}

/* ---- Latest Per Poll ---- */

static void add_hex_event(char *hex, size_t *len, int name, int number)
{
    char packet[64];
    int packet_len = snprintf(packet, sizeof packet, "42[\"n%d\",\"%d of n%d\"]", name, number, name);
    *len += (size_t)sprintf(hex + *len, "81%02x", (unsigned)packet_len);
    for (int i = 0; i < packet_len; i++) {
        *len += (size_t)sprintf(hex + *len, "%02x", (unsigned char)packet[i]);
    }
}

/* Each name keeps its own latest, in the order in which these came, also when all of them come in one write. */
static void the_latest_of_many_names(void)
{
    enum { NAMES = 300, TIMES = 40 };
    static char hex[NAMES * TIMES * 80];
    server = scripted_start();
    client = script_connected(server, NULL);
    char name[16];
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "n%d", i);
        subscribe_latest(client, name, NULL);
    }
    WAIT_SUBSCRIBED(client, name);
    for (int round = 0; round < 3; round++) {
        size_t len = 0;
        for (int time = 0; time < TIMES; time++) {
            for (int i = 0; i < NAMES; i++) {
                add_hex_event(hex, &len, (i * 7 + time) % NAMES, time);
            }
        }
        server_command(server, "bytes {\"parts\":[{\"_bytes\":\"%s\"}]}", hex);
        /* Nothing is polled until all of it is there: the ping behind it is answered. */
        script_say(server, "2");
        script_expect(server, "3");
        for (int i = 0; i < NAMES; i++) {
            char message[32];
            int latest = (i * 7 + TIMES - 1) % NAMES;
            snprintf(name, sizeof name, "n%d", latest);
            snprintf(message, sizeof message, "%d of n%d", TIMES - 1, latest);
            const event_t *event = WAIT_RECEIVE(client, NULL);
            CHECK_TEXT(text_of(event, RECEIVE_NAME), name);
            CHECK_TEXT(text_of(event, RECEIVE_MESSAGE), message);
        }
        CHECK_NONE(.node_type = SOCKETIO_NODE_ON_RECEIVE);
    }
}

TEST_MAIN(
    CASE_ONCE(texts_of_any_size_in_any_frames),
    CASE_ONCE(characters_that_are_cut_by_frames_and_reads),
    CASE_ONCE(bytes_of_any_size_in_any_frames),
    CASE(texts_and_bytes_of_any_size_there_and_back),
    CASE_ONCE(a_batch_stays_as_it_is_until_the_next_poll),
    CASE_ONCE(the_latest_of_many_names))
