//! The node types. Ids, their order and the order of pins are what projects store: append, never reorder.

use super::{Field, Kind, Node, ValueType, flags};

/// Numbers of the node types. Never reused.
pub mod type_id {
    /// Socket.IO Start.
    pub const START: u32 = 1;
    /// Socket.IO Stop.
    pub const STOP: u32 = 2;
    /// Socket.IO Send.
    pub const SEND: u32 = 3;
    /// Socket.IO Subscribe.
    pub const SUBSCRIBE: u32 = 4;
    /// Socket.IO Unsubscribe.
    pub const UNSUBSCRIBE: u32 = 5;
    /// Socket.IO Reply.
    pub const REPLY: u32 = 6;
    /// Socket.IO State.
    pub const STATE: u32 = 7;
    /// Socket.IO Test.
    pub const TEST: u32 = 8;
    /// On Socket.IO Start.
    pub const ON_START: u32 = 101;
    /// On Socket.IO Stop.
    pub const ON_STOP: u32 = 102;
    /// On Socket.IO Error.
    pub const ON_ERROR: u32 = 103;
    /// On Socket.IO Receive.
    pub const ON_RECEIVE: u32 = 104;
    /// On Socket.IO Subscribe.
    pub const ON_SUBSCRIBE: u32 = 105;
    /// On Socket.IO Unsubscribe.
    pub const ON_UNSUBSCRIBE: u32 = 106;
}

/// Positions of pins and attributes within a node's arrays, for the code that reads and writes them.
/// A test holds them to [`NODES`].
pub mod field_index {
    /// Position of Configuration among the attributes of every node.
    pub const CONFIGURATION: usize = 0;
    /// Socket.IO Send.
    pub mod send {
        /// Attributes.
        pub const MESSAGE_FORMAT: usize = 1;
        #[allow(missing_docs)]
        pub const IF_NOT_CONNECTED: usize = 2;
        #[allow(missing_docs)]
        pub const REPLY_TIMEOUT: usize = 3;
        /// Inputs.
        pub const EVENT_NAME: usize = 1;
        #[allow(missing_docs)]
        pub const NAMESPACE: usize = 2;
        #[allow(missing_docs)]
        pub const MESSAGE: usize = 3;
        #[allow(missing_docs)]
        pub const ATTACHMENTS: usize = 4;
        /// Outputs.
        pub const REPLY_PULSE: usize = 1;
        #[allow(missing_docs)]
        pub const TIMEOUT_PULSE: usize = 3;
    }
    /// Socket.IO Subscribe and Unsubscribe.
    pub mod subscribe {
        /// Attribute of Subscribe.
        pub const DELIVERY: usize = 1;
        /// Inputs.
        pub const EVENT_NAME: usize = 1;
        #[allow(missing_docs)]
        pub const NAMESPACE: usize = 2;
    }
    /// Socket.IO Reply.
    pub mod reply {
        /// Attribute.
        pub const MESSAGE_FORMAT: usize = 1;
        /// Inputs.
        pub const REPLY_ID: usize = 1;
        #[allow(missing_docs)]
        pub const MESSAGE: usize = 2;
        #[allow(missing_docs)]
        pub const ATTACHMENTS: usize = 3;
    }
    /// Socket.IO Test.
    pub mod test {
        /// Output.
        pub const RESULT_PULSE: usize = 1;
    }
}

const CONFIGURATION: Field = Field::new(
    "configuration",
    "Configuration",
    ValueType::Connection,
    "The connection to use, one of those in Project Settings.",
)
.flags(flags::REQUIRED);

const PULSE_IN: Field = Field::new("pulse", "Pulse", ValueType::Pulse, "Runs the node.");
const PULSE_OUT: Field = Field::new(
    "pulse",
    "Pulse",
    ValueType::Pulse,
    "Leaves as soon as the node has run. What happens on the network comes later, by the On Socket.IO nodes.",
);
const FIRES: Field = Field::new("pulse", "Pulse", ValueType::Pulse, "Fires when the event happens.");

const EVENT_NAME: Field =
    Field::new("event_name", "Event Name", ValueType::String, "Name of the event, exactly as the server spells it.")
        .flags(flags::REQUIRED);
const EVENT_OR_ALL: Field = Field::new(
    "event_name",
    "Event Name",
    ValueType::String,
    "Name of the event, exactly as the server spells it; * stands for every event.",
)
.flags(flags::REQUIRED);
const NAMESPACE: Field = Field::new(
    "namespace",
    "Namespace",
    ValueType::String,
    "The namespace; chat and /chat are the same. It is joined when it is first used.",
)
.default("\"/\"");
const NAMESPACE_OUT: Field =
    Field::new("namespace", "Namespace", ValueType::String, "The namespace it happened in, such as / or /chat.");

const MESSAGE_FORMAT: Field = Field::new(
    "message_format",
    "Message Format",
    ValueType::String,
    "Text: the message is sent as one string. JSON: it is one JSON value. Arguments: it is a JSON array whose \
elements become the arguments of the event. Binary: its bytes are sent as they are.",
)
.default("\"Text\"")
.choices(&["Text", "JSON", "Arguments", "Binary"]);
const MESSAGE: Field =
    Field::new("message", "Message", ValueType::String, "What to send, read as Message Format says.")
        .default("\"\"")
        .flags(flags::BYTES_TOO);
const ATTACHMENTS: Field = Field::new(
    "attachments",
    "Attachments",
    ValueType::BytesList,
    "Binary data, any number. Where the JSON holds {\"_placeholder\":true,\"num\":n}, attachment n takes its place; \
the others follow as further arguments.",
);
const ATTACHMENTS_OUT: Field = Field::new(
    "attachments",
    "Attachments",
    ValueType::BytesList,
    "Binary data of the event, in the order of its placeholders in Arguments (JSON).",
);

/// All node types.
pub const NODES: &[Node] = &[
    Node {
        type_id: type_id::START,
        id: "socketio.start",
        label: "Socket.IO Start",
        kind: Kind::Action,
        help: "Begins to connect. Its pulse leaves at once; On Socket.IO Start fires when the connection stands. \
Send and Subscribe may follow right away: they are remembered. On a running connection it does nothing.",
        attributes: &[CONFIGURATION],
        inputs: &[PULSE_IN],
        outputs: &[PULSE_OUT],
    },
    Node {
        type_id: type_id::STOP,
        id: "socketio.stop",
        label: "Socket.IO Stop",
        kind: Kind::Action,
        help: "Ends the connection and all attempts to connect. Its pulse leaves at once; On Socket.IO Stop follows. \
Messages that were still waiting to be sent are given up, and On Socket.IO Error says how many.",
        attributes: &[CONFIGURATION],
        inputs: &[PULSE_IN],
        outputs: &[PULSE_OUT],
    },
    Node {
        type_id: type_id::SEND,
        id: "socketio.send",
        label: "Socket.IO Send",
        kind: Kind::Action,
        help: "Sends an event. With a Reply Timeout it also asks the server for a reply: then either Reply ► or \
Timeout ► fires later, exactly once.",
        attributes: &[
            CONFIGURATION,
            MESSAGE_FORMAT,
            Field::new(
                "if_not_connected",
                "If Not Connected",
                ValueType::String,
                "Queue: wait for the connection, up to the limits in Project Settings. Keep Latest: wait, but only \
the latest message of each event. Drop: give the message up.",
            )
            .default("\"Queue\"")
            .choices(&["Queue", "Keep Latest", "Drop"]),
            Field::new(
                "reply_timeout",
                "Reply Timeout",
                ValueType::Float,
                "How long to wait for the server's reply. 0: no reply is wanted.",
            )
            .default("0")
            .range(0.0, 86_400.0)
            .unit("s"),
        ],
        inputs: &[PULSE_IN, EVENT_NAME, NAMESPACE, MESSAGE, ATTACHMENTS],
        outputs: &[
            PULSE_OUT,
            Field::new("reply_pulse", "Reply ►", ValueType::Pulse, "Fires when the server has replied."),
            Field::new(
                "reply",
                "Reply",
                ValueType::String,
                "The reply: one string as that string, one other value as its JSON text, several as a JSON array.",
            ),
            Field::new(
                "timeout_pulse",
                "Timeout ►",
                ValueType::Pulse,
                "Fires when no reply came in time, or none can come any more because the connection is gone.",
            ),
            Field::new(
                "reply_arguments",
                "Reply Arguments (JSON)",
                ValueType::Json,
                "All values of the reply, as a JSON array.",
            ),
            Field::new(
                "reply_attachments",
                "Reply Attachments",
                ValueType::BytesList,
                "Binary data of the reply, in the order of its placeholders.",
            ),
        ],
    },
    Node {
        type_id: type_id::SUBSCRIBE,
        id: "socketio.subscribe",
        label: "Socket.IO Subscribe",
        kind: Kind::Action,
        help: "Listens to an event; On Socket.IO Receive fires for each. The subscription belongs to the \
configuration: it survives reconnects and Stop and Start. Subscribing twice is the same as once.",
        attributes: &[
            CONFIGURATION,
            Field::new(
                "delivery",
                "Delivery",
                ValueType::String,
                "Every Message: On Socket.IO Receive fires for each. Latest Per Poll: of several that arrive within \
one frame, only the latest fires.",
            )
            .default("\"Every Message\"")
            .choices(&["Every Message", "Latest Per Poll"]),
        ],
        inputs: &[PULSE_IN, EVENT_OR_ALL, NAMESPACE],
        outputs: &[PULSE_OUT],
    },
    Node {
        type_id: type_id::UNSUBSCRIBE,
        id: "socketio.unsubscribe",
        label: "Socket.IO Unsubscribe",
        kind: Kind::Action,
        help: "No longer listens to an event.",
        attributes: &[CONFIGURATION],
        inputs: &[PULSE_IN, EVENT_OR_ALL, NAMESPACE],
        outputs: &[PULSE_OUT],
    },
    Node {
        type_id: type_id::REPLY,
        id: "socketio.reply",
        label: "Socket.IO Reply",
        kind: Kind::Action,
        help: "Answers an event whose Reply Id is not 0. It may come frames later, but only once, and only while the \
connection that brought the event stands.",
        attributes: &[CONFIGURATION, MESSAGE_FORMAT],
        inputs: &[
            PULSE_IN,
            Field::new("reply_id", "Reply Id", ValueType::Int, "The Reply Id that On Socket.IO Receive gave.")
                .flags(flags::REQUIRED),
            MESSAGE,
            ATTACHMENTS,
        ],
        outputs: &[PULSE_OUT],
    },
    Node {
        type_id: type_id::STATE,
        id: "socketio.state",
        label: "Socket.IO State",
        kind: Kind::Action,
        help: "Tells how the connection is, at the moment of the pulse.",
        attributes: &[CONFIGURATION],
        inputs: &[PULSE_IN],
        outputs: &[
            PULSE_OUT,
            Field::new(
                "state",
                "State",
                ValueType::String,
                "Stopped, Connecting, Connected, or Waiting (for the next try).",
            )
            .choices(&["Stopped", "Connecting", "Connected", "Waiting"]),
            Field::new("namespace_count", "Namespace Count", ValueType::Int, "Namespaces connected now."),
            Field::new("queued", "Queued", ValueType::Int, "Messages waiting to be sent."),
            Field::new(
                "dropped",
                "Dropped",
                ValueType::Int,
                "Messages given up before they were sent, and events dropped, since the project began.",
            ),
            Field::new(
                "round_trip",
                "Round Trip (ms)",
                ValueType::Float,
                "Time to the server and back, as last measured; 0: not measured yet.",
            )
            .unit("ms"),
            Field::new("transport", "Transport", ValueType::String, "None, WebSocket or Polling.").choices(&[
                "None",
                "WebSocket",
                "Polling",
            ]),
        ],
    },
    Node {
        type_id: type_id::TEST,
        id: "socketio.test",
        label: "Socket.IO Test",
        kind: Kind::Action,
        help: "Finds out whether the server can be reached, step by step: settings, name, TCP, proxy, encryption, \
handshake, WebSocket, namespace, round trip. It works on a stopped connection as well and does not disturb one that \
stands: the server sees a second client that comes and goes. Stop does not end it.",
        attributes: &[CONFIGURATION],
        inputs: &[PULSE_IN],
        outputs: &[
            PULSE_OUT,
            Field::new(
                "result_pulse",
                "Result ►",
                ValueType::Pulse,
                "Fires once when the test has come to its end, at the latest after a few times Connect Timeout.",
            ),
            Field::new("passed", "Passed", ValueType::Bool, "True: a connection by these settings works."),
            Field::new(
                "report",
                "Report",
                ValueType::String,
                "Each step with verdict and time, then what failed and what to do: a text to copy. It holds no secrets.",
            ),
            Field::new(
                "report_json",
                "Report (JSON)",
                ValueType::Json,
                "The same as JSON: version, connection, passed, outcome, failed_at, plugin, time, ms, steps (step, \
label, verdict, ms, notes), warnings, problem (code, message, remedy).",
            ),
        ],
    },
    Node {
        type_id: type_id::ON_START,
        id: "socketio.on_start",
        label: "On Socket.IO Start",
        kind: Kind::Listener,
        help: "Fires when the default namespace is connected: after Start, and again after each reconnect.",
        attributes: &[CONFIGURATION],
        inputs: &[],
        outputs: &[
            FIRES,
            Field::new("session_id", "Session Id", ValueType::String, "The server's id of this session."),
            Field::new(
                "is_reconnect",
                "Is Reconnect",
                ValueType::Bool,
                "False at the first time after Start, true after a lost connection came back.",
            ),
            Field::new(
                "recovered",
                "Recovered",
                ValueType::Bool,
                "True if the server kept the session (connection state recovery): its rooms, and the events that \
were missed.",
            ),
        ],
    },
    Node {
        type_id: type_id::ON_STOP,
        id: "socketio.on_stop",
        label: "On Socket.IO Stop",
        kind: Kind::Listener,
        help: "Fires when a connection is lost or ended. Each Start is followed by exactly one whose Will Reconnect \
is false.",
        attributes: &[CONFIGURATION],
        inputs: &[],
        outputs: &[
            FIRES,
            Field::new(
                "reason",
                "Reason",
                ValueType::String,
                "In the words of the reference client: io client disconnect, io server disconnect, ping timeout, \
transport close, transport error, parse error; or connect error when it never stood; or plugin disabled.",
            ),
            Field::new(
                "will_reconnect",
                "Will Reconnect",
                ValueType::Bool,
                "True: the plugin goes on trying. False: the session is over until the next Start.",
            ),
        ],
    },
    Node {
        type_id: type_id::ON_ERROR,
        id: "socketio.on_error",
        label: "On Socket.IO Error",
        kind: Kind::Listener,
        help: "Fires for everything that goes wrong, with a sentence and a remedy. The same failure again and again \
fires once.",
        attributes: &[CONFIGURATION],
        inputs: &[],
        outputs: &[
            FIRES,
            NAMESPACE_OUT,
            Field::new("message", "Message", ValueType::String, "One sentence that says what happened."),
            Field::new("code", "Code", ValueType::String, "Stable name of the error, such as tcp_refused."),
            Field::new("remedy", "Remedy", ValueType::String, "One sentence that says what to do."),
            Field::new(
                "fatal",
                "Fatal",
                ValueType::Bool,
                "True: the session or the namespace is over and nothing more is tried.",
            ),
            Field::new(
                "will_retry_in",
                "Will Retry In (s)",
                ValueType::Float,
                "Seconds until the next try; 0: nothing is to be tried again.",
            )
            .unit("s"),
        ],
    },
    Node {
        type_id: type_id::ON_RECEIVE,
        id: "socketio.on_receive",
        label: "On Socket.IO Receive",
        kind: Kind::Listener,
        help: "Fires for each event that is subscribed to.",
        attributes: &[CONFIGURATION],
        inputs: &[],
        outputs: &[
            FIRES,
            NAMESPACE_OUT,
            Field::new("trigger_name", "Trigger Name", ValueType::String, "Name of the event."),
            Field::new(
                "message",
                "Message",
                ValueType::String,
                "One string argument as that string, one other as its JSON text exactly as sent, several as a JSON \
array, none as the empty text.",
            ),
            Field::new(
                "arguments",
                "Arguments (JSON)",
                ValueType::Json,
                "All arguments as a JSON array, exactly as sent. A placeholder stands for each attachment.",
            ),
            ATTACHMENTS_OUT,
            Field::new(
                "reply_id",
                "Reply Id",
                ValueType::Int,
                "Not 0: the server waits for an answer; hand this number to Socket.IO Reply.",
            ),
        ],
    },
    Node {
        type_id: type_id::ON_SUBSCRIBE,
        id: "socketio.on_subscribe",
        label: "On Socket.IO Subscribe",
        kind: Kind::Listener,
        help: "Fires when an event is really being listened to: when its namespace is connected, and again after \
each reconnect.",
        attributes: &[CONFIGURATION],
        inputs: &[],
        outputs: &[
            FIRES,
            NAMESPACE_OUT,
            Field::new("event_name", "Event Name", ValueType::String, "Name of the event."),
        ],
    },
    Node {
        type_id: type_id::ON_UNSUBSCRIBE,
        id: "socketio.on_unsubscribe",
        label: "On Socket.IO Unsubscribe",
        kind: Kind::Listener,
        help: "Fires when an event is no longer listened to because of Socket.IO Unsubscribe.",
        attributes: &[CONFIGURATION],
        inputs: &[],
        outputs: &[
            FIRES,
            NAMESPACE_OUT,
            Field::new("event_name", "Event Name", ValueType::String, "Name of the event."),
        ],
    },
];

/// The node type with this number.
pub fn node(type_id: u32) -> Option<&'static Node> {
    NODES.iter().find(|node| node.type_id == type_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(fields: &[Field], id: &str) -> usize {
        fields.iter().position(|field| field.id == id).expect(id)
    }

    #[test]
    fn ids_are_unique_and_every_node_has_a_configuration() {
        for (i, a) in NODES.iter().enumerate() {
            assert_eq!(a.attributes[field_index::CONFIGURATION].id, "configuration", "{}", a.id);
            assert!(NODES[i + 1..].iter().all(|b| a.id != b.id && a.type_id != b.type_id && a.label != b.label));
            for fields in [a.attributes, a.inputs, a.outputs] {
                for (k, field) in fields.iter().enumerate() {
                    assert!(fields[k + 1..].iter().all(|other| other.id != field.id), "{} {}", a.id, field.id);
                }
            }
        }
    }

    #[test]
    fn pins_of_existing_projects_keep_their_names_and_order() {
        let pins = |id: u32| {
            let node = node(id).unwrap();
            let labels = |fields: &'static [Field]| fields.iter().map(|f| f.label).collect::<Vec<_>>();
            (labels(node.inputs), labels(node.outputs))
        };
        assert_eq!(&pins(type_id::SEND).0[..4], ["Pulse", "Event Name", "Namespace", "Message"]);
        assert_eq!(pins(type_id::SUBSCRIBE).0, ["Pulse", "Event Name", "Namespace"]);
        assert_eq!(pins(type_id::UNSUBSCRIBE).0, ["Pulse", "Event Name", "Namespace"]);
        assert_eq!(&pins(type_id::ON_ERROR).1[..3], ["Pulse", "Namespace", "Message"]);
        assert_eq!(&pins(type_id::ON_RECEIVE).1[..4], ["Pulse", "Namespace", "Trigger Name", "Message"]);
        assert_eq!(&pins(type_id::ON_SUBSCRIBE).1[..2], ["Pulse", "Namespace"]);
        assert_eq!(&pins(type_id::ON_UNSUBSCRIBE).1[..2], ["Pulse", "Namespace"]);
    }

    #[test]
    fn positions_are_those_of_the_descriptor() {
        let send = node(type_id::SEND).unwrap();
        assert_eq!(position(send.attributes, "message_format"), field_index::send::MESSAGE_FORMAT);
        assert_eq!(position(send.attributes, "if_not_connected"), field_index::send::IF_NOT_CONNECTED);
        assert_eq!(position(send.attributes, "reply_timeout"), field_index::send::REPLY_TIMEOUT);
        assert_eq!(position(send.inputs, "event_name"), field_index::send::EVENT_NAME);
        assert_eq!(position(send.inputs, "namespace"), field_index::send::NAMESPACE);
        assert_eq!(position(send.inputs, "message"), field_index::send::MESSAGE);
        assert_eq!(position(send.inputs, "attachments"), field_index::send::ATTACHMENTS);
        assert_eq!(position(send.outputs, "reply_pulse"), field_index::send::REPLY_PULSE);
        assert_eq!(position(send.outputs, "timeout_pulse"), field_index::send::TIMEOUT_PULSE);
        let subscribe = node(type_id::SUBSCRIBE).unwrap();
        assert_eq!(position(subscribe.attributes, "delivery"), field_index::subscribe::DELIVERY);
        for node in [subscribe, node(type_id::UNSUBSCRIBE).unwrap()] {
            assert_eq!(position(node.inputs, "event_name"), field_index::subscribe::EVENT_NAME);
            assert_eq!(position(node.inputs, "namespace"), field_index::subscribe::NAMESPACE);
        }
        let reply = node(type_id::REPLY).unwrap();
        assert_eq!(position(reply.attributes, "message_format"), field_index::reply::MESSAGE_FORMAT);
        assert_eq!(position(reply.inputs, "reply_id"), field_index::reply::REPLY_ID);
        assert_eq!(position(reply.inputs, "message"), field_index::reply::MESSAGE);
        assert_eq!(position(reply.inputs, "attachments"), field_index::reply::ATTACHMENTS);
        let test = node(type_id::TEST).unwrap();
        assert_eq!(position(test.outputs, "result_pulse"), field_index::test::RESULT_PULSE);
    }
}
