//! Proxies: which one is asked, and how it is asked for the way: HTTP CONNECT (RFC 9110, section 9.3.6) or SOCKS5
//! (RFC 1928). Either leaves a plain stream to the server, so that all transports work through it.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_socks::Error as SocksError;
use tokio_socks::tcp::Socks5Stream;

use super::system_proxy;
use crate::diagnostics::{Code, Problem};
use crate::runtime::environment::SystemProxies;
use crate::settings::{Address, ConnectionConfig, ProxyAddress, ProxyChoice, ProxyKind, Resolved};

/// Bytes of a proxy's answer, at most.
const HEAD_LIMIT: usize = 16 << 10;
/// Header fields of a proxy's answer, at most.
const FIELDS_LIMIT: usize = 64;

/// A proxy that is asked.
pub struct Proxy {
    /// Where it is.
    pub address: ProxyAddress,
    credentials: Option<(String, String)>,
}

impl Proxy {
    /// The proxy that the settings, the environment or the system name for an address.
    pub fn choose(
        config: &ConnectionConfig,
        resolved: &Resolved,
        environment: impl Fn(&str) -> Option<String>,
        system: Option<&SystemProxies>,
    ) -> Result<Option<Proxy>, Problem> {
        let (text, whence) = match &config.proxy.choice {
            ProxyChoice::None => return Ok(None),
            ProxyChoice::Address(_) => (resolved.proxy.clone().unwrap_or_default(), "in Project Settings"),
            ProxyChoice::Automatic => match automatic(&config.address, environment, system) {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        // The address itself may hold a password.
        let address = ProxyAddress::parse(&text).map_err(|(what, _)| {
            Problem::new(Code::ProxyInvalid).with("proxy", whence).with("reason", format!("it {what}"))
        })?;
        let given = resolved.proxy_password.clone();
        let credentials = match (&resolved.proxy_user, &address.credentials) {
            (Some(user), _) => Some((user.clone(), given.unwrap_or_default())),
            (None, Some((user, password))) => Some((user.clone(), given.unwrap_or_else(|| password.clone()))),
            (None, None) => None,
        };
        Ok(Some(Proxy { address, credentials }))
    }

    /// The proxy can't be reached.
    pub fn unreachable(&self, reason: impl std::fmt::Display) -> Problem {
        self.problem(Code::ProxyUnreachable, reason)
    }

    /// The network, or its end: nothing is wrong with the settings.
    fn broken(&self, error: &io::Error) -> Problem {
        self.unreachable(format!("the connection to it broke ({error})"))
    }

    fn problem(&self, code: Code, reason: impl std::fmt::Display) -> Problem {
        Problem::new(code).with("proxy", &self.address).with("reason", reason)
    }

    fn refused(&self, address: &Address, reason: impl std::fmt::Display) -> Problem {
        self.problem(Code::ProxyRefused, reason).with("address", address)
    }

    /// Asks for the way to a server. What comes back is a stream to that server, of which nothing was read.
    pub async fn open(&self, stream: TcpStream, address: &Address) -> Result<TcpStream, Problem> {
        match self.address.kind {
            ProxyKind::Http => self.connect(stream, address).await,
            ProxyKind::Socks5 => self.socks(stream, address).await,
        }
    }

    async fn connect(&self, mut stream: TcpStream, address: &Address) -> Result<TcpStream, Problem> {
        let mut request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n");
        if let Some((user, password)) = &self.credentials {
            let encoded = STANDARD.encode(format!("{user}:{password}"));
            request.push_str(&format!("Proxy-Authorization: Basic {encoded}\r\n"));
        }
        request.push_str("\r\n");
        let broken = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                self.problem(Code::ProxyInvalid, "it closed the connection without an answer")
            }
            _ => self.broken(&error),
        };
        stream.write_all(request.as_bytes()).await.map_err(broken)?;
        let mut head = Vec::new();
        loop {
            // Only the head may be taken from the stream: what follows it is the server's.
            let before = head.len();
            head.resize(HEAD_LIMIT, 0);
            let seen = stream.peek(&mut head[before..]).await.map_err(broken)?;
            if seen == 0 {
                return Err(broken(io::ErrorKind::UnexpectedEof.into()));
            }
            head.truncate(before + seen);
            let (taken, answer) = match read_head(&head) {
                Ok(Some(answer)) => (answer.length.saturating_sub(before), Some(answer)),
                Ok(None) if head.len() == HEAD_LIMIT => {
                    return Err(self.problem(Code::ProxyInvalid, "its answer has more than 16 KiB"));
                }
                Ok(None) => (seen, None),
                Err(reason) => return Err(self.problem(Code::ProxyInvalid, reason)),
            };
            stream.read_exact(&mut head[before..before + taken]).await.map_err(broken)?;
            if let Some(answer) = answer {
                return self.judge(&answer, address).map(|()| stream);
            }
        }
    }

    fn judge(&self, answer: &Answer, address: &Address) -> Result<(), Problem> {
        match answer.status {
            200..=299 => Ok(()),
            407 => {
                let given = match self.credentials {
                    Some(_) => "it does not accept those that were given",
                    None => "none were given",
                };
                let reason = match answer.offers.is_empty() {
                    true => given.to_string(),
                    false => format!("{given}; it offers {}", answer.offers.join(", ")),
                };
                Err(self.problem(Code::ProxyAuth, reason))
            }
            status => Err(self.refused(address, format!("HTTP {status} {}", answer.reason).trim_end())),
        }
    }

    async fn socks(&self, stream: TcpStream, address: &Address) -> Result<TcpStream, Problem> {
        // The proxy looks the name up: this device may not even have a DNS server.
        let target = (address.host.as_str(), address.port);
        let opened = match &self.credentials {
            Some((user, password)) => {
                Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
            }
            None => Socks5Stream::connect_with_socket(stream, target).await,
        };
        opened.map(Socks5Stream::into_inner).map_err(|error| match error {
            SocksError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.problem(Code::ProxyInvalid, "it closed the connection without an answer")
            }
            SocksError::Io(error) => self.broken(&error),
            SocksError::InvalidResponseVersion | SocksError::InvalidReservedByte | SocksError::UnknownAddressType => {
                self.problem(Code::ProxyInvalid, "its answer is not SOCKS5")
            }
            SocksError::InvalidAuthValues(_) => {
                self.problem(Code::ProxyInvalid, "SOCKS5 takes a user name and a password of 1 to 255 bytes each")
            }
            SocksError::PasswordAuthFailure(_) => {
                self.problem(Code::ProxyAuth, "it does not accept those that were given")
            }
            SocksError::AuthorizationRequired => self.problem(Code::ProxyAuth, "none were given"),
            SocksError::NoAcceptableAuthMethods => self.problem(
                Code::ProxyAuth,
                match self.credentials {
                    Some(_) => "it takes no password, but another proof",
                    None => "none were given",
                },
            ),
            // Its own words are those of RFC 1928, section 6.
            other => self.refused(address, format!("SOCKS: {other}")),
        })
    }
}

/// The proxy that the environment names, or else the system, and where it stands.
fn automatic(
    address: &Address,
    environment: impl Fn(&str) -> Option<String>,
    system: Option<&SystemProxies>,
) -> Option<(String, &'static str)> {
    if address.is_loopback() {
        return None;
    }
    let of_system = || Some((system_proxy::choose(system?, address)?, "of the system's settings"));
    let found = of_environment(address, &environment).or_else(of_system)?;
    (!is_direct(address, &environment)).then_some(found)
}

/// Whether the settings of the system may name a proxy for this connection.
pub fn asks_system(config: &ConnectionConfig, environment: impl Fn(&str) -> Option<String>) -> bool {
    matches!(config.proxy.choice, ProxyChoice::Automatic)
        && !config.address.is_loopback()
        && of_environment(&config.address, &environment).is_none()
}

/// The first of these variables that says anything, and its name.
fn variable(names: &[&'static str], environment: &impl Fn(&str) -> Option<String>) -> Option<(String, &'static str)> {
    let read = |name: &&'static str| Some((environment(name)?, *name));
    names.iter().filter_map(read).find(|(value, _)| !value.trim().is_empty())
}

/// The proxy of the environment and the variable that names it, as curl and others read it.
fn of_environment(address: &Address, environment: &impl Fn(&str) -> Option<String>) -> Option<(String, &'static str)> {
    const HTTPS: &[&str] = &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    const HTTP: &[&str] = &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let (text, name) = variable(if address.secure { HTTPS } else { HTTP }, environment)?;
    let whence = match name {
        "HTTPS_PROXY" | "https_proxy" => "of the environment variable HTTPS_PROXY",
        "HTTP_PROXY" | "http_proxy" => "of the environment variable HTTP_PROXY",
        _ => "of the environment variable ALL_PROXY",
    };
    Some((text, whence))
}

/// Whether NO_PROXY names the address.
fn is_direct(address: &Address, environment: &impl Fn(&str) -> Option<String>) -> bool {
    let Some((direct, _)) = variable(&["NO_PROXY", "no_proxy"], environment) else { return false };
    // The matcher knows no ports: an entry with one holds for that port only.
    let direct = direct.split(',').filter_map(|entry| match without_port(entry.trim()) {
        (host, Some(port)) => (port == address.port).then_some(host),
        (entry, None) => Some(entry),
    });
    let direct = direct.collect::<Vec<_>>().join(",");
    let target: Option<Uri> = format!("http://{address}/").parse().ok();
    let matcher = Matcher::builder().all("http://proxy").no(direct).build();
    target.is_some_and(|target| matcher.intercept(&target).is_none())
}

/// A host of a list, and its port if one stands behind it. An IPv6 address has one only behind brackets.
pub fn without_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

/// What a proxy answers.
pub(super) struct Answer {
    /// Bytes of its head.
    pub(super) length: usize,
    pub(super) status: u16,
    reason: String,
    /// The kinds of proof that it takes.
    offers: Vec<String>,
}

/// Reads a head, if it is complete.
pub(super) fn read_head(bytes: &[u8]) -> Result<Option<Answer>, &'static str> {
    // An alert of TLS (RFC 8446, section 5.1).
    if bytes.starts_with(&[0x15, 0x03]) {
        return Err("it expects an encrypted connection, which is not supported");
    }
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_LIMIT];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(bytes) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(length)) => {
            let offers = response
                .headers
                .iter()
                .filter(|field| field.name.eq_ignore_ascii_case("proxy-authenticate"))
                .filter_map(|field| std::str::from_utf8(field.value).ok()?.split_whitespace().next())
                .map(|scheme| scheme.trim_end_matches(',').chars().take(30).collect())
                .take(5)
                .collect();
            let reason = response.reason.unwrap_or_default().chars().take(100).collect();
            Ok(Some(Answer { length, status: response.code.unwrap_or_default(), reason, offers }))
        }
        Err(httparse::Error::TooManyHeaders) => Err("its answer has too many header fields"),
        Err(_) => Err("its answer is not HTTP"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn config(url: &str, proxy: &str) -> ConnectionConfig {
        let text = format!("{{\"connections\":[{{\"name\":\"main\",\"url\":\"{url}\",\"proxy\":\"{proxy}\"}}]}}");
        crate::settings::parse(text.as_bytes()).connections.into_iter().next().unwrap()
    }

    fn chosen(url: &str, variables: &[(&str, &str)]) -> String {
        chosen_beside(url, variables, None)
    }

    fn chosen_beside(url: &str, variables: &[(&str, &str)], system: Option<SystemProxies>) -> String {
        let environment =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        match Proxy::choose(&config(url, "Automatic"), &Resolved::default(), environment, system.as_ref()) {
            Ok(proxy) => proxy.map(|proxy| proxy.address.to_string()).unwrap_or_default(),
            Err(problem) => problem.message(),
        }
    }

    #[test]
    fn the_environment_names_the_proxy() {
        let both = [("HTTPS_PROXY", "http://s:1"), ("http_proxy", "p:2"), ("ALL_PROXY", "socks5://a:3")];
        assert_eq!(chosen("https://example.com", &both), "http://s:1");
        assert_eq!(chosen("wss://example.com", &both), "http://s:1");
        assert_eq!(chosen("http://example.com", &both), "http://p:2");
        assert_eq!(chosen("http://example.com", &both[2..]), "socks5://a:3");
        assert_eq!(chosen("http://example.com", &[("HTTP_PROXY", " "), ("all_proxy", "a:3")]), "http://a:3");
        for own in ["http://localhost", "http://127.0.0.1", "http://[::1]:3000", "http://a.localhost"] {
            assert_eq!(chosen(own, &both), "", "{own}");
        }
        for (direct, url, is_direct) in [
            ("example.com", "http://a.example.com", true),
            (".example.com", "http://a.example.com", true),
            ("ample.com", "http://example.com", false),
            ("10.0.0.0/8, x", "http://10.1.2.3", true),
            ("10.0.0.0/8", "http://11.1.2.3", false),
            ("fd00::/8", "http://[fd00::1]:3000", true),
            ("*", "http://example.com", true),
            ("", "http://example.com", false),
        ] {
            let proxy = chosen(url, &[("HTTP_PROXY", "p:2"), ("NO_PROXY", direct)]);
            assert_eq!(proxy.is_empty(), is_direct, "{direct} {url}");
        }
        let wrong = chosen("https://example.com", &[("HTTPS_PROXY", "ftp://me:secret@p")]);
        assert!(
            wrong.contains("HTTPS_PROXY") && wrong.contains("unknown scheme") && !wrong.contains("secret"),
            "{wrong}"
        );
    }

    #[test]
    fn the_system_names_one_where_the_environment_does_not() {
        let system = |servers: &str| {
            Some(SystemProxies { servers: servers.into(), direct: "*.example.org".into(), has_script: false })
        };
        let chosen = |url, variables: &[_]| chosen_beside(url, variables, system("http=p:1;https=s:2"));
        assert_eq!(chosen("https://example.com", &[]), "http://s:2");
        assert_eq!(chosen("ws://example.com", &[]), "http://p:1");
        assert_eq!(chosen("ws://example.com", &[("HTTPS_PROXY", "e:3")]), "http://p:1");
        assert_eq!(chosen("wss://example.com", &[("HTTPS_PROXY", "e:3")]), "http://e:3");
        assert_eq!(chosen("wss://a.example.org", &[("HTTPS_PROXY", "e:3")]), "http://e:3");
        assert_eq!(chosen("wss://a.example.org", &[]), "");
        assert_eq!(chosen("https://example.com", &[("NO_PROXY", "example.com")]), "");
        assert_eq!(chosen("http://localhost", &[]), "");
        let wrong = chosen_beside("http://example.com", &[], system("http=https://p"));
        assert!(wrong.contains("of the system's settings") && wrong.contains("encrypted"), "{wrong}");
    }

    /// Opens the way through a proxy that sends this, a piece at a time.
    async fn through(proxy: &str, pieces: &[&[u8]]) -> (Result<TcpStream, Problem>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = config("http://example.com:3000", proxy);
        let resolved = Resolved { proxy: Some(proxy.into()), ..Resolved::default() };
        let proxy = Proxy::choose(&config, &resolved, |_| None, None).unwrap().unwrap();
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut asked = vec![0; 4096];
            let count = stream.read(&mut asked).await.unwrap();
            for piece in pieces {
                if stream.write_all(piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            asked.truncate(count);
            asked
        };
        let opening = async { proxy.open(TcpStream::connect(address).await.unwrap(), &config.address).await };
        tokio::join!(opening, answering)
    }

    #[tokio::test]
    async fn what_follows_the_proxys_answer_is_the_servers() {
        let whole: &[u8] = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nfirst words";
        let single: Vec<&[u8]> = whole.chunks(1).collect();
        let halves: Vec<&[u8]> = whole.chunks(20).collect();
        for pieces in [vec![whole], single, halves] {
            let (stream, asked) = through("http://me:pass@proxy", &pieces).await;
            let mut rest = Vec::new();
            stream.unwrap_or_else(|problem| panic!("{}", problem.message())).read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"first words");
            let asked = String::from_utf8(asked).unwrap();
            assert!(asked.starts_with("CONNECT example.com:3000 HTTP/1.1\r\nHost: example.com:3000\r\n"), "{asked}");
            assert!(asked.contains("Proxy-Authorization: Basic bWU6cGFzcw==\r\n"), "{asked}");
        }
    }

    #[tokio::test]
    async fn a_proxy_that_breaks_off_can_not_be_reached() {
        for kind in ["http://p", "socks5://p"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let config = config("http://example.com:3000", kind);
            let resolved = Resolved { proxy: Some(kind.into()), ..Resolved::default() };
            let proxy = Proxy::choose(&config, &resolved, |_| None, None).unwrap().unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let resetting = async {
                let (mut taken, _) = listener.accept().await.unwrap();
                taken.read_u8().await.unwrap();
                // A reset, not an end.
                socket2::SockRef::from(&taken).set_linger(Some(std::time::Duration::ZERO)).unwrap();
            };
            let (opened, ()) = tokio::join!(proxy.open(stream, &config.address), resetting);
            let problem = opened.err().unwrap();
            assert_eq!(problem.name(), "proxy_unreachable", "{}", problem.message());
        }
    }

    #[tokio::test]
    async fn a_proxy_that_does_not_open_the_way_is_told_apart() {
        let endless = [b"X: y\r\n".as_slice(); 5_000].concat();
        for (proxy, answer, name, says) in [
            (
                "http://me:secret@p",
                "HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nproxy-authenticate: Basic realm=\"a, b\"\r\n\r\n",
                "proxy_auth",
                "not accept those that were given; it offers NTLM, Basic",
            ),
            ("http://p", "HTTP/1.1 407 No\r\n\r\n", "proxy_auth", "none were given"),
            ("http://p", "HTTP/1.0 403 Forbidden\r\n\r\n", "proxy_refused", "example.com:3000: HTTP 403 Forbidden"),
            ("http://p", "", "proxy_invalid", "closed the connection"),
            ("http://p", "HTTP/1.1 200 OK\r\n", "proxy_invalid", "closed the connection"),
            ("http://p", "220 mail ready\r\n", "proxy_invalid", "not HTTP"),
            ("http://p", "\x15\x03\x03", "proxy_invalid", "encrypted"),
            ("socks5://p", "HTTP/1.1 400 Bad Request\r\n\r\n", "proxy_invalid", "not SOCKS5"),
            ("socks5://p", "\x05", "proxy_invalid", "closed the connection"),
            ("socks5://p", "\x05\x02", "proxy_auth", "none were given"),
            ("socks5://p", "\x05\0\x05\x02\0\x01\0\0\0\0\0\0", "proxy_refused", "not allowed by ruleset"),
        ] {
            let (opened, _) = through(proxy, &[answer.as_bytes()]).await;
            let problem = opened.err().unwrap_or_else(|| panic!("{answer} opened the way"));
            let message = problem.message();
            assert_eq!(problem.name(), name, "{message}");
            assert!(message.contains(says) && !message.contains("secret"), "{message}");
        }
        let (opened, _) = through("http://p", &[b"HTTP/1.1 200 OK\r\n", &endless]).await;
        let message = opened.err().unwrap().message();
        assert!(message.contains("too many header fields") || message.contains("16 KiB"), "{message}");
    }
}
