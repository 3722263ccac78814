/*
 * Replies, both ways. We ask: a Send with a Reply Timeout fires Reply or Timeout later, exactly once. We are asked: an
 * On Socket.IO Receive with a Reply Id is answered by Socket.IO Reply, half a second of frames later.
 *
 *     05_ask_and_answer URL [SECONDS]
 *
 * The server must reply to "ack", must not reply to "silence", and must ask something at "ask me". The example ends
 * when all three were seen, and fails if that takes longer than SECONDS (default 10).
 */

#include "example.h"

/* The host's own tags of its nodes: an event that belongs to a call brings its tag back. */
#define ASK 1
#define ASK_IN_VAIN 2

/* Outputs of Socket.IO Send that are pulses of later. */
#define REPLY_PULSE 1
#define TIMEOUT_PULSE 3

#define ANSWER_AFTER_FRAMES 30

struct seen {
    int reply;
    int timeout;
    int answered;
    /* A question that waits for our answer: its Reply Id, and the frames left until we have one. */
    int64_t question;
    int frames_left;
};

static void ask(socketio_connection_t connection, uint64_t tag, const char *event_name, double timeout)
{
    socketio_value_t attributes[4] = {{0}};
    socketio_value_t inputs[4] = {{0}, text(event_name), text("/"), text("How are you?")};
    socketio_node_call_t call = {.struct_size = sizeof call, .node_type = SOCKETIO_NODE_SEND, .node = tag};
    socketio_node_result_t result = {.struct_size = sizeof result};

    attributes[3].type = SOCKETIO_TYPE_FLOAT;
    attributes[3].as.number = timeout;
    call.connection = connection;
    call.attributes = attributes;
    call.attribute_count = 4;
    call.inputs = inputs;
    call.input_count = 4;
    require(socketio_node_execute(&call, &result), "socketio_node_execute");
    printf("asked \"%s\": request %lu\n", event_name, (unsigned long)result.request);
}

static void answer(socketio_connection_t connection, int64_t question)
{
    socketio_value_t inputs[3] = {{0}, {.type = SOCKETIO_TYPE_INT}, text("Fine, thank you.")};

    inputs[1].as.integer = question;
    pulse_into(SOCKETIO_NODE_REPLY, connection, inputs, 3);
    printf("answered question %ld\n", (long)question);
}

/* A later pulse of a Send: `node` is our tag, `request` the number that execute gave. */
static void on_later_pulse(const socketio_event_t *event, struct seen *seen)
{
    if (event->pulse == REPLY_PULSE) {
        printf("request %lu: reply \"%s\"\n", (unsigned long)event->request, event->outputs[2].as.string.ptr);
        seen->reply |= event->node == ASK;
    } else if (event->pulse == TIMEOUT_PULSE) {
        printf("request %lu: no reply in time\n", (unsigned long)event->request);
        seen->timeout |= event->node == ASK_IN_VAIN;
    }
}

static void on_receive(const socketio_event_t *event, struct seen *seen)
{
    int64_t reply_id = event->outputs[6].as.integer;

    printf("received %s: %s\n", event->outputs[2].as.string.ptr, event->outputs[3].as.string.ptr);
    if (reply_id != 0) {
        printf("that is question %ld: the server waits for our answer\n", (long)reply_id);
        seen->question = reply_id;
        seen->frames_left = ANSWER_AFTER_FRAMES;
    }
}

static void poll_events(struct seen *seen)
{
    socketio_event_batch_t batch = {.struct_size = sizeof batch};
    uint32_t i;

    require(socketio_event_poll(0, &batch), "socketio_event_poll");
    for (i = 0; i < batch.count; i++) {
        const socketio_event_t *event = batch.events[i];

        if (event->node_type == SOCKETIO_NODE_SEND) {
            on_later_pulse(event, seen);
        } else if (event->node_type == SOCKETIO_NODE_ON_RECEIVE) {
            on_receive(event, seen);
        } else if (event->node_type == SOCKETIO_NODE_ON_ERROR) {
            printf("%s %s\n", event->outputs[2].as.string.ptr, event->outputs[4].as.string.ptr);
        }
    }
}

/* What we sent has left: ending now cuts nothing off. */
static int all_sent(socketio_connection_t connection)
{
    socketio_connection_info_t info = {.struct_size = sizeof info};

    require(socketio_connection_info(connection, &info), "socketio_connection_info");
    return info.queued == 0;
}

int main(int argc, char **argv)
{
    int frames = (int)((argc > 2 ? atof(argv[2]) : 10) * 60);
    struct timespec beat = {0};
    struct seen seen = {0};
    socketio_connection_t connection;
    int done = 0;

    if (argc < 2 || frames <= 0) {
        fprintf(stderr, "usage: %s URL [SECONDS]\n", argv[0]);
        return 2;
    }
    require(socketio_plugin_enable(NULL), "socketio_plugin_enable");
    connection = connection_to(argv[1]);
    pulse_into(SOCKETIO_NODE_SUBSCRIBE, connection, (socketio_value_t[]){{0}, text("*")}, 2);
    pulse_into(SOCKETIO_NODE_START, connection, NULL, 0);
    ask(connection, ASK, "ack", 5);
    ask(connection, ASK_IN_VAIN, "silence", 1);
    pulse_into(SOCKETIO_NODE_SEND, connection, (socketio_value_t[]){{0}, text("ask me")}, 2);

    while (!done && frames-- > 0) {
        poll_events(&seen);
        if (seen.question != 0 && seen.frames_left-- == 0) {
            answer(connection, seen.question);
            seen.question = 0;
            seen.answered = 1;
        }
        done = seen.reply && seen.timeout && seen.answered && all_sent(connection);
        wait_for_frame(&beat);
    }
    require(socketio_plugin_disable(1000), "socketio_plugin_disable");
    if (!done) {
        fprintf(stderr, "missing:%s%s%s\n", seen.reply ? "" : " a reply", seen.timeout ? "" : " a timeout",
                seen.answered ? "" : " a question from the server");
    }
    return done ? 0 : 1;
}
