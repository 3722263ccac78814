//! The error catalogue: each error once, with its stable code, its sentence and its remedy.
//!
//! `{name}` in a sentence stands for a value that the reporter fills in, above all what the user typed.

/// Which range of the boundary's status codes an error belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The network or the other end failed.
    Network,
    /// The other end does not speak Socket.IO.
    Protocol,
    /// The server refused.
    Refused,
    /// The other end was silent.
    NoAnswer,
    /// A message breaks a limit or can't be sent.
    Message,
    /// Not connected, and the node does not wait.
    NotConnected,
    /// A queue is full.
    QueueFull,
    /// A setting can't be used.
    Settings,
    /// A fault inside the plugin.
    Internal,
}

/// One error of the catalogue.
#[derive(Debug)]
pub struct Entry {
    /// Its stable name: what On Socket.IO Error hands out as Code.
    pub name: &'static str,
    /// Its range.
    pub range: Range,
    /// What happened.
    pub sentence: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

macro_rules! catalogue {
    ($($code:ident $name:literal $range:ident $sentence:literal $remedy:literal;)*) => {
        /// The errors that users can meet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $sentence] $code,)*
        }

        /// Every error, in the order of [`Code`].
        pub const CATALOGUE: &[Entry] = &[
            $(Entry { name: $name, range: Range::$range, sentence: $sentence, remedy: $remedy },)*
        ];
    };
}

catalogue! {
    SecretUnavailable "secret_unavailable" Settings
        "{field} of connection {connection} refers to {reference}, which can't be read: {reason}."
        "Set the environment variable or provide the file, or put the value into Project Settings.";
    HeaderInvalid "header_invalid" Settings
        "Header {name} of connection {connection} has a value that can't be sent: it holds a line break or another control character."
        "Correct the value, or what its reference points to.";
    DnsFailed "dns_failed" Network
        "The name {host} was not found: {reason}."
        "Check the spelling of the URL, and that this device has a network, a DNS server and, where needed, a VPN; names that end in .local need mDNS.";
    TcpRefused "tcp_refused" Network
        "Nothing is listening at {address}."
        "Start the server, check the port, and see that it listens on the network and not only on 127.0.0.1.";
    LocalhostRefused "localhost_refused" Network
        "Nothing is listening at {address}, which is this device itself."
        "Start the server on this device, or enter the name or address of the device that it runs on.";
    TcpUnreachable "tcp_unreachable" Network
        "There is no way to {address}: {reason}."
        "Check the address, the cable or Wi-Fi, and the VPN.";
    ConnectTimeout "connect_timeout" NoAnswer
        "{address} gave no answer within {seconds} s: {stage}."
        "Check address, firewall and proxy; if the server is only slow, raise Connect Timeout.";
    ConnectionLost "connection_lost" Network
        "The connection to {address} was lost ({reason})."
        "Check the network and the server.";
    PingTimeout "ping_timeout" NoAnswer
        "{address} was silent for {seconds} s, longer than it promised."
        "Check the network, and whether the server is blocked.";
    SendTimeout "send_timeout" NoAnswer
        "{address} took nothing of what was sent to it for {seconds} s."
        "See whether the server is blocked, and whether something in between holds the data back.";
    AttachmentTimeout "attachment_timeout" NoAnswer
        "{address} announced binary data and did not send it within {seconds} s."
        "See the server's log; raise Attachment Timeout in Project Settings if the connection is only slow.";
    ProxyInvalid "proxy_invalid" Settings
        "The proxy {proxy} can't be used: {reason}."
        "Check Proxy in Project Settings, the environment variables HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, and the proxy settings of Windows; a proxy is written http://proxy:3128 or socks5://proxy:1080.";
    ProxyUnreachable "proxy_unreachable" Network
        "The proxy {proxy} can't be reached: {reason}."
        "Check Proxy in Project Settings, the environment variables HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, and the proxy settings of Windows; None connects without a proxy.";
    ProxyAuth "proxy_auth" Refused
        "The proxy {proxy} wants a user name and password: {reason}."
        "Enter Proxy User and Proxy Password in Project Settings; a proxy that only offers NTLM or Negotiate is not supported.";
    ProxyRefused "proxy_refused" Refused
        "The proxy {proxy} refused to connect to {address}: {reason}."
        "Ask whoever runs the proxy to allow that host and port, or add the host to NO_PROXY, or on Windows to the exceptions of its proxy settings, if it can be reached directly.";
    ClockWrong "clock_wrong" Network
        "This device's clock reads {now}, which is before this plugin was built ({built}), so that the certificate of {address} can't be checked."
        "Set the clock of this device (NTP, or the battery of its clock); it connects by itself then.";
    TlsExpired "tls_expired" Network
        "The certificate of {address} expired on {until}; this device's clock reads {now}."
        "Renew the certificate on the server; if that date is still to come, set the clock of this device.";
    TlsNotYetValid "tls_not_yet_valid" Network
        "The certificate of {address} is valid only from {from}; this device's clock reads {now}."
        "Set the clock of this device; if it is right, correct the certificate on the server.";
    TlsNameMismatch "tls_name_mismatch" Refused
        "The certificate of {address} is for {names}, not for {host}."
        "Use one of these names in the URL, or set Server Name to the one that is expected.";
    TlsSelfSigned "tls_self_signed" Refused
        "The certificate of {address} ({subject}) is signed by nobody but itself and is not trusted; its SHA-256 fingerprint is {fingerprint}."
        "Enter the file of this certificate as CA File, or set Certificate Check to Fingerprint and enter the fingerprint after comparing it with the server's.";
    TlsUnknownIssuer "tls_unknown_issuer" Refused
        "The certificate of {address} ({subject}) was issued by {issuer}, which is not trusted; its SHA-256 fingerprint is {fingerprint}."
        "Enter the certificate of that issuer as CA File; if a company proxy inspects the traffic, its root certificate comes from the IT department.";
    TlsChainIncomplete "tls_chain_incomplete" Refused
        "The server at {address} does not send the certificate of {issuer}, which issued its own ({subject}), and it is not known here."
        "Install the full chain on the server, or add the certificate of that issuer to CA File.";
    TlsFingerprint "tls_fingerprint" Refused
        "The certificate of {address} has the SHA-256 fingerprint {fingerprint}, which is none of those in Project Settings."
        "If the server got a new certificate, enter its fingerprint after comparing it with the server's; otherwise somebody may be in between.";
    TlsClientCertificateRequired "tls_client_cert_required" Refused
        "{address} wants a certificate of this device: {reason}."
        "Enter Client Certificate and Client Key in Project Settings.";
    TlsClientCertificateRefused "tls_client_cert_refused" Refused
        "{address} does not accept the certificate of this device: {reason}."
        "Check Client Certificate and Client Key, their dates, and that the server trusts their issuer.";
    TlsPlainServer "tls_plain_server" Protocol
        "{address} answers without encryption, but the URL asks for it."
        "Use http:// (or ws://) in the URL, or turn on TLS at the server.";
    PlainTlsServer "plain_tls_server" Protocol
        "{address} expects an encrypted connection, but the URL does not ask for it."
        "Use https:// (or wss://) in the URL.";
    TlsVersion "tls_version" Protocol
        "{address} offers no version of TLS that is safe: {reason}."
        "Turn on TLS 1.2 or 1.3 at the server.";
    TlsFailed "tls_failed" Protocol
        "No encrypted connection to {address} came about: {reason}."
        "See the server's log, and whether something in between cuts encrypted connections.";
    TlsFileInvalid "tls_file_invalid" Settings
        "{field} of connection {connection} can't be used: {reason}."
        "Check the path, and that it is a PEM or DER file; a key must not be protected by a password.";
    HttpNotFound "http_404" Protocol
        "There is no Socket.IO server at path {path} of {address} (HTTP 404)."
        "Check Path in Project Settings against the server's path option.";
    HttpForbidden "http_forbidden" Refused
        "{address} does not let this device in (HTTP {status} {reason})."
        "Check Headers and Query in Project Settings, above all an expired token, and the rules of what stands in front of the server.";
    HttpRedirect "http_redirect" Protocol
        "{address} redirects to {location}, which is not followed: {reason}."
        "Enter that address as URL, or log in at the network's portal.";
    HttpRedirectLoop "http_redirect_loop" Protocol
        "{address} redirects again and again, at last to {location}."
        "Check URL and path, and the redirects of what stands in front of the server.";
    HttpHtml "http_html" Protocol
        "{address} answered with a web page (HTTP {status}), not as a Socket.IO server."
        "Check port and path: this looks like a web site or a login portal.";
    HttpStatus "http_status" Protocol
        "{address} answered HTTP {status} {reason}, not as a Socket.IO server."
        "Check URL and path, and what stands in front of the server: 502, 503 and 504 mean that the server behind it is down.";
    EngineTransport "eio_0" Refused
        "{address} does not offer the transport that was asked for: {reason} (Engine.IO code 0)."
        "Set Transport to Automatic, or turn that transport on at the server.";
    EngineSession "eio_1" Refused
        "{address} does not know this session, or not any more: {reason} (Engine.IO code 1)."
        "If that happens again and again and there are several servers behind a load balancer, turn on sticky sessions there, or set Transport to WebSocket Only.";
    EngineHandshake "eio_2" Refused
        "{address} refused how the connection was opened: {reason} (Engine.IO code 2)."
        "See what stands between here and the server: it changes requests.";
    EngineRequest "eio_3" Refused
        "{address} can't read the request: {reason} (Engine.IO code 3)."
        "A proxy in between drops the Upgrade header: let it pass WebSocket, or set Transport to Polling Only.";
    EngineForbidden "eio_4" Refused
        "{address} does not let this device in: {reason} (Engine.IO code 4)."
        "Check Headers and Query in Project Settings against the server's allowRequest option.";
    EngineVersion "eio_5" Refused
        "{address} speaks another version of the protocol: {reason} (Engine.IO code 5)."
        "Upgrade the server to Socket.IO 3 or 4.";
    EngineRefused "engine_refused" Refused
        "{address} refused the connection: {reason} (Engine.IO code {number})."
        "See the server's log.";
    WebSocketBlocked "ws_blocked" Network
        "WebSocket does not get through to {address} ({reason}); the connection stays on long-polling, which is slower."
        "Let proxies in between pass WebSocket (nginx: the Upgrade and Connection headers), or set Transport to Polling Only.";
    NotWebSocket "not_websocket" Protocol
        "{address} does not answer as a web server: {reason}."
        "Check port and path; another kind of program may be listening there.";
    NotSocketIo "not_socketio" Protocol
        "{address} does not speak Socket.IO: it sent {received}."
        "Check URL and path; for a plain WebSocket server use the WebSocket plugin.";
    ProtocolVersion2 "proto_v2" Protocol
        "{address} speaks Socket.IO 2, which this plugin does not."
        "Upgrade the server to Socket.IO 3 or 4.";
    ProtocolError "protocol_error" Protocol
        "{address} sent something that is not Socket.IO: {reason}."
        "See the server's log, and what stands between here and there.";
    LimitExceeded "limit_exceeded" Protocol
        "{address} sent more than the limit: {reason}."
        "Raise the limit in Project Settings if the server means well.";
    NamespaceRefused "ns_rejected" Refused
        "The server refused namespace {namespace}: {reason}."
        "Check Auth in Project Settings and the server's middleware; new credentials are tried at once, the same ones only once a minute.";
    NamespaceUnknown "ns_invalid" Refused
        "The server has no namespace {namespace}."
        "Check its name on the node; upper and lower case matter.";
    NamespaceWrong "ns_name" Message
        "There can be no namespace {namespace}: its name holds a comma, a question mark or a control character."
        "Correct Namespace on the node.";
    NamespaceSilent "ns_timeout" NoAnswer
        "The server did not answer for namespace {namespace} within {seconds} s."
        "See whether a middleware of the server never calls next().";
    ServerDisconnect "server_disconnect" Refused
        "The server ended the connection to namespace {namespace} on purpose (io server disconnect)."
        "Look at the server, or turn on Reconnect After Server Disconnect; the next Start connects again.";
    ReconnectFailed "reconnect_failed" Network
        "Gave up after {attempts} attempts to reach {address}."
        "Raise Reconnect Attempts (0: never give up), or pulse Start again.";
    JsonInvalid "json_invalid" Message
        "The message for event {event} is not {expected}: {reason}."
        "Correct the message, or set Message Format to Text.";
    ReservedEvent "reserved_event" Message
        "{event} can't be sent: Socket.IO keeps this name for itself."
        "Give the event another name.";
    EventNameMissing "event_name_missing" Message
        "{node} was run without an event name."
        "Fill in Event Name.";
    PayloadTooBig "payload_too_big" Message
        "The message for event {event} has {size} bytes, more than the {limit} that the server takes."
        "Send less at once, or raise maxHttpBufferSize on the server.";
    PlaceholderInvalid "placeholder_invalid" Message
        "The message for event {event} refers to attachment {number}, but has {count}."
        "Number the placeholders from 0 and provide as many attachments.";
    NotConnected "not_connected" NotConnected
        "Event {event} was not sent: namespace {namespace} of {connection} is not connected and the node says Drop."
        "Start the connection first, or set If Not Connected to Queue.";
    NotSent "not_sent" NotConnected
        "Messages that were given up before they were sent: {count} ({reason})."
        "Send them again once the namespace is connected; Socket.IO State tells how many are still queued.";
    QueueFull "queue_full" QueueFull
        "The queue of {connection} is full ({limit}); {count} messages were refused so far."
        "Send less while there is no connection, set If Not Connected to Keep Latest, or raise the queue limits.";
    InboundOverflow "inbound_overflow" QueueFull
        "Events of {connection} arrive faster than the project takes them; the oldest were dropped."
        "Subscribe to less, set Delivery to Latest Per Poll, or raise the inbound limits.";
    ReplyStale "reply_stale" Message
        "Reply Id {id} can't be answered: {reason}."
        "Reply once, before the connection is lost, with the Reply Id of the event.";
    Internal "internal" Internal
        "A fault inside the plugin ended connection {connection}: {reason}."
        "Pulse Start again, and report this with the log.";
}

/// `docs/errors.md`: every error a designer can meet.
pub fn errors_markdown() -> String {
    let mut out = String::from(
        "<!-- Generated from src/diagnostics/catalogue.rs by `cargo xtask generate`. Do not edit. -->\n\n\
# Errors\n\n\
What *On Socket.IO Error* tells: Code is the stable name, Message the sentence with its values filled in, Remedy what to do. \
The same failure is told once until the state of the connection changes.\n\n\
| Code | Message | Remedy |\n| --- | --- | --- |\n",
    );
    for entry in CATALOGUE {
        let sentence = entry.sentence.replace(['{', '}'], "*");
        out.push_str(&format!("| `{}` | {sentence} | {} |\n", entry.name, entry.remedy));
    }
    out
}

impl Code {
    /// The catalogue's entry for it.
    pub fn entry(self) -> &'static Entry {
        &CATALOGUE[self as usize]
    }

    /// Whether its sentence repeats what the other end said, which may be anything.
    pub fn quotes_peer(self) -> bool {
        matches!(
            self,
            Code::NotSocketIo
                | Code::NotWebSocket
                | Code::ProtocolError
                | Code::ConnectionLost
                | Code::LimitExceeded
                | Code::HttpStatus
                | Code::HttpRedirect
                | Code::HttpRedirectLoop
                | Code::EngineRefused
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_where_its_code_points_and_reads_as_a_sentence() {
        assert_eq!(Code::SecretUnavailable.entry().name, "secret_unavailable");
        assert_eq!(Code::Internal.entry().name, "internal");
        for (i, entry) in CATALOGUE.iter().enumerate() {
            assert!(CATALOGUE[i + 1..].iter().all(|other| other.name != entry.name), "{}", entry.name);
            for text in [entry.sentence, entry.remedy] {
                assert!(text.ends_with('.') && !text.contains("  "), "{}: {text}", entry.name);
            }
        }
    }
}
