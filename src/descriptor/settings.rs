//! The fields of one connection in Project Settings. `Name`, `URL` and `Port` come first and stay as they are.

use super::{Field, ValueType, flags};

const MIB: f64 = 1_048_576.0;

/// The fields of one connection.
pub const CONNECTION_FIELDS: &[Field] = &[
    Field::new("name", "Name", ValueType::String, "The name that nodes refer to by their Configuration.")
        .flags(flags::REQUIRED),
    Field::new(
        "url",
        "URL",
        ValueType::String,
        "Address of the server, such as https://example.com:3000. Port and path may stand in it; a path such as \
/socket.io is where the server answers, never a namespace.",
    )
    .flags(flags::REQUIRED),
    Field::new("port", "Port", ValueType::Int, "Port of the server. 0: the one in the URL, or the scheme's.")
        .default("0")
        .range(0.0, 65_535.0),
    Field::new(
        "path",
        "Path",
        ValueType::String,
        "Where the server answers. Empty: the path in the URL, or /socket.io/.",
    )
    .default("\"\"")
    .flags(flags::ADVANCED),
    Field::new(
        "query",
        "Query",
        ValueType::Json,
        "Further parameters of the request, as a JSON object of texts. A value may be env:NAME or file:PATH.",
    )
    .default("{}")
    .flags(flags::ADVANCED | flags::SECRET),
    Field::new(
        "headers",
        "Headers",
        ValueType::Json,
        "Further HTTP headers of the request, as a JSON object of texts. A value may be env:NAME or file:PATH.",
    )
    .default("{}")
    .flags(flags::ADVANCED | flags::SECRET),
    Field::new(
        "auth",
        "Auth",
        ValueType::Json,
        "Credentials for the server, as a JSON object; sent anew with each connect. A text in it may be env:NAME or \
file:PATH.",
    )
    .default("{}")
    .flags(flags::ADVANCED | flags::SECRET),
    Field::new("autostart", "Autostart", ValueType::Bool, "Connect by itself when the project begins.")
        .default("false"),
    Field::new("automatic_reconnect", "Automatic Reconnect", ValueType::Bool, "Connect again after a loss.")
        .default("true"),
    Field::new("reconnect_attempts", "Reconnect Attempts", ValueType::Int, "Give up after so many. 0: never.")
        .default("0")
        .range(0.0, 1_000_000.0)
        .flags(flags::ADVANCED),
    Field::new("reconnect_delay", "Reconnect Delay", ValueType::Float, "Wait before the first try; doubles each time.")
        .default("1")
        .range(0.01, 3_600.0)
        .unit("s")
        .flags(flags::ADVANCED),
    Field::new("reconnect_delay_max", "Reconnect Delay Maximum", ValueType::Float, "The longest wait before a try.")
        .default("5")
        .range(0.01, 3_600.0)
        .unit("s")
        .flags(flags::ADVANCED),
    Field::new(
        "reconnect_jitter",
        "Reconnect Jitter",
        ValueType::Float,
        "By how much each wait varies at random, so that many devices don't come back at the same moment. 0.5: by half.",
    )
    .default("0.5")
    .range(0.0, 1.0)
    .flags(flags::ADVANCED),
    Field::new(
        "reconnect_after_server_disconnect",
        "Reconnect After Server Disconnect",
        ValueType::Bool,
        "Connect again also when the server ended the connection on purpose.",
    )
    .default("false")
    .flags(flags::ADVANCED),
    Field::new(
        "connect_timeout",
        "Connect Timeout",
        ValueType::Float,
        "How long connecting may take, from the name look-up to the default namespace.",
    )
    .default("20")
    .range(0.1, 3_600.0)
    .unit("s")
    .flags(flags::ADVANCED),
    Field::new(
        "transport",
        "Transport",
        ValueType::String,
        "Automatic: long-polling first, then WebSocket where it gets through. The others use only the one.",
    )
    .default("\"Automatic\"")
    .choices(&["Automatic", "WebSocket Only", "Polling Only"])
    .flags(flags::ADVANCED),
    Field::new(
        "certificate_check",
        "Certificate Check",
        ValueType::String,
        "How an https server proves who it is. Roots: by this system's roots and those of the plugin, and CA File if \
given. CA File Only: by nothing else. Fingerprint: by exactly these certificates. Off: not at all, so that anybody in \
between can read and change everything.",
    )
    .default("\"Roots\"")
    .choices(&["Roots", "CA File Only", "Fingerprint", "Off"])
    .flags(flags::ADVANCED),
    Field::new(
        "ca_file",
        "CA File",
        ValueType::String,
        "Certificates of those who may vouch for the server: a PEM file with one or more, or a DER file. Also \
env:NAME, whose value is a path or the PEM text itself.",
    )
    .default("\"\"")
    .flags(flags::ADVANCED),
    Field::new(
        "fingerprint",
        "Fingerprint",
        ValueType::String,
        "SHA-256 of the server's certificate in hex, with or without colons; several are separated by spaces or commas.",
    )
    .default("\"\"")
    .flags(flags::ADVANCED),
    Field::new(
        "client_certificate",
        "Client Certificate",
        ValueType::String,
        "What this device shows to a server that asks: a PEM file with the certificate and its chain, or a DER file. \
Also env:NAME.",
    )
    .default("\"\"")
    .flags(flags::ADVANCED),
    Field::new(
        "client_key",
        "Client Key",
        ValueType::String,
        "The private key of Client Certificate: a PEM or DER file without a password. Also env:NAME.",
    )
    .default("\"\"")
    .flags(flags::ADVANCED | flags::SECRET),
    Field::new(
        "server_name",
        "Server Name",
        ValueType::String,
        "The name that the server's certificate must be for, where that is not the host of the URL.",
    )
    .default("\"\"")
    .flags(flags::ADVANCED),
    Field::new(
        "proxy",
        "Proxy",
        ValueType::String,
        "Automatic: as the environment variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say, or else the \
settings of Windows; None; or an address such as http://proxy:3128 or socks5://proxy:1080. Also env:NAME or file:PATH.",
    )
    .default("\"Automatic\"")
    .flags(flags::ADVANCED | flags::SECRET),
    Field::new(
        "proxy_user",
        "Proxy User",
        ValueType::String,
        "User name at the proxy. Also env:NAME or file:PATH.",
    )
    .default("\"\"")
    .flags(flags::ADVANCED | flags::SECRET),
    Field::new(
        "proxy_password",
        "Proxy Password",
        ValueType::String,
        "Password at the proxy. Also env:NAME or file:PATH.",
    )
    .default("\"\"")
    .flags(flags::ADVANCED | flags::SECRET),
    Field::new(
        "queue_messages",
        "Queue Messages",
        ValueType::Int,
        "How many messages may wait to be sent. Further ones are refused.",
    )
    .default("10000")
    .range(1.0, 10_000_000.0)
    .flags(flags::ADVANCED),
    Field::new(
        "queue_bytes",
        "Queue Bytes",
        ValueType::Int,
        "How many bytes may wait to be sent. Further messages are refused.",
    )
    .default("67108864")
    .range(1_024.0, 4_096.0 * MIB)
    .unit("bytes")
    .flags(flags::ADVANCED),
    Field::new(
        "inbound_messages",
        "Inbound Messages",
        ValueType::Int,
        "How many received events may wait for the project. Over it the oldest are dropped, counted and reported.",
    )
    .default("100000")
    .range(1.0, 10_000_000.0)
    .flags(flags::ADVANCED),
    Field::new(
        "inbound_bytes",
        "Inbound Bytes",
        ValueType::Int,
        "How many bytes of received events may wait for the project. Over it the oldest are dropped.",
    )
    .default("134217728")
    .range(1_024.0, 4_096.0 * MIB)
    .unit("bytes")
    .flags(flags::ADVANCED),
    Field::new(
        "message_bytes",
        "Message Bytes",
        ValueType::Int,
        "The largest message or attachment to receive. A larger one ends the connection.",
    )
    .default("67108864")
    .range(1_024.0, 1_024.0 * MIB)
    .unit("bytes")
    .flags(flags::ADVANCED),
    Field::new(
        "message_attachments",
        "Message Attachments",
        ValueType::Int,
        "The largest number of attachments of one received event. More end the connection.",
    )
    .default("1000")
    .range(0.0, 1_000_000.0)
    .flags(flags::ADVANCED),
    Field::new(
        "attachment_timeout",
        "Attachment Timeout",
        ValueType::Float,
        "How long each attachment of a received event may take to arrive. A later one ends the connection.",
    )
    .default("60")
    .range(0.1, 3_600.0)
    .unit("s")
    .flags(flags::ADVANCED),
    Field::new(
        "json_depth",
        "JSON Depth",
        ValueType::Int,
        "How deeply arrays and objects of a received event may be nested. Deeper ones end the connection.",
    )
    .default("512")
    .range(1.0, 100_000.0)
    .flags(flags::ADVANCED),
    Field::new(
        "handshake_bytes",
        "Handshake Bytes",
        ValueType::Int,
        "The largest answer to a connection attempt. A larger one fails the attempt.",
    )
    .default("65536")
    .range(1_024.0, 16.0 * MIB)
    .unit("bytes")
    .flags(flags::ADVANCED),
    Field::new(
        "unanswered_replies",
        "Unanswered Replies",
        ValueType::Int,
        "How many events may wait for a Socket.IO Reply. Over it the oldest can no longer be answered.",
    )
    .default("1000")
    .range(0.0, 1_000_000.0)
    .flags(flags::ADVANCED),
];
