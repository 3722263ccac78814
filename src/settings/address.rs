//! The URL rules: where the server is, from URL, Port and Path.

use std::fmt;

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or IP address, an IPv6 address without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Where Engine.IO answers: begins and ends with a slash.
    pub path: String,
    /// Whether it is encrypted (https, wss).
    pub secure: bool,
}

impl Address {
    /// The scheme of its requests.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The whole of it, for a sentence.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority(), self.path)
    }

    /// The port that the scheme implies.
    pub fn default_port(secure: bool) -> u16 {
        if secure { 443 } else { 80 }
    }

    /// Host and port as a request names them: a port that the scheme implies is left out (RFC 9110, section 7.2).
    pub fn authority(&self) -> String {
        let full = self.to_string();
        let implied = self.port == Address::default_port(self.secure);
        if implied { full[..full.rfind(':').unwrap_or(full.len())].to_string() } else { full }
    }

    /// Whether the host is this device itself.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// What a URL says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    pub host: String,
    pub port: Option<u16>,
    pub path: Option<String>,
    pub query: Vec<(String, String)>,
    pub secure: bool,
    /// Whether it says itself that it is http or ws.
    pub says_plain: bool,
}

/// Kind of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP CONNECT (RFC 9110, section 9.3.6).
    Http,
    /// SOCKS5 (RFC 1928).
    Socks5,
}

/// Where a proxy is.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    /// What it speaks.
    pub kind: ProxyKind,
    /// Name or IP address, an IPv6 address without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name and password, if they stand in the address.
    pub credentials: Option<(String, String)>,
}

impl ProxyAddress {
    /// Reads an address such as `http://user:password@proxy:3128`. What is wrong is told without repeating it, since
    /// it may hold a password.
    pub fn parse(text: &str) -> Result<ProxyAddress, Wrong> {
        let wrong = |what: &str| Err((what.to_string(), PROXY_EXAMPLE.to_string()));
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (kind, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyKind::Http, 3128),
            "socks5" | "socks5h" | "socks" => (ProxyKind::Socks5, 1080),
            "https" => return wrong("asks for an encrypted connection to the proxy, which is not supported"),
            "socks4" | "socks4a" => return wrong("asks for SOCKS 4, which is not supported"),
            _ => return wrong("has an unknown scheme"),
        };
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((credentials, authority)) => (Some(credentials), authority),
            None => (None, rest),
        };
        let Ok((host, port)) = split_port(authority) else { return wrong("has a host or port that can't be read") };
        if host.is_empty() || host.chars().any(|c| !(c.is_ascii_alphanumeric() || "-._:~".contains(c))) {
            return wrong("has no usable host");
        }
        let credentials = credentials.map(|text| {
            let (user, password) = text.split_once(':').unwrap_or((text, ""));
            let decode = |text| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
            (decode(user), decode(password))
        });
        Ok(ProxyAddress { kind, host: host.to_ascii_lowercase(), port: port.unwrap_or(default_port), credentials })
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Socks5 => "socks5",
        };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

const PROXY_EXAMPLE: &str = "Enter an address such as http://proxy:3128 or socks5://proxy:1080, or Automatic, or None";

/// What is wrong with a URL, and what to do.
pub type Wrong = (String, String);

const EXAMPLE: &str = "Enter an address such as https://example.com:3000";

impl Url {
    /// Reads a URL. `port` is the connection's Port, which decides the scheme where the URL has none.
    pub fn parse(text: &str, port: u16) -> Result<Url, Wrong> {
        let text = text.trim();
        let wrong = |what: String, remedy: &str| Err((what, remedy.to_string()));
        if text.is_empty() {
            return wrong("is empty".into(), EXAMPLE);
        }
        let credentials = wrong(
            "has an @ in it, as a user name or password would".into(),
            "Take them out of the URL; credentials belong in Auth or Headers; write an @ of the path as %40",
        );
        // Before anything of it is repeated: it may hold a password wherever it was meant to stand.
        if text.split(['?', '#']).next().unwrap_or_default().contains('@') {
            return credentials;
        }
        let mut url = Url::default();
        // A scheme ends at the first colon, if nothing of an address comes before it.
        let head = &text[..text.find(['/', '?', '#']).unwrap_or(text.len())];
        let (scheme, rest) = match head.strip_suffix(':') {
            Some(scheme) => match text[head.len()..].strip_prefix("//") {
                Some(rest) => (scheme.to_ascii_lowercase(), rest),
                None => return wrong(format!("\"{text}\" lacks a slash after {head}/"), EXAMPLE),
            },
            None => (String::new(), text.strip_prefix("//").unwrap_or(text)),
        };
        let (rest, _fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        // A password with a question mark in it ends the authority early.
        let (host, url_port) = match split_port(authority) {
            Err(_) if text.contains('@') => return credentials,
            parts => parts.map_err(|what| (what, EXAMPLE.to_string()))?,
        };
        if host.is_empty() {
            return wrong(format!("\"{text}\" has no host"), EXAMPLE);
        }
        if let Some(bad) = host.chars().find(|&c| !(c.is_ascii_alphanumeric() || "-._:~".contains(c))) {
            return wrong(
                format!("has {bad:?} in the host name \"{host}\""),
                "Check the spelling; a name with other letters must be entered in its xn-- form",
            );
        }
        url.host = host.to_ascii_lowercase();
        url.port = url_port;
        url.secure = match scheme.as_str() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            "" => url_port.unwrap_or(port) == 443,
            other => {
                return wrong(format!("has the unknown scheme \"{other}\""), "Use http://, https://, ws:// or wss://");
            }
        };
        url.says_plain = matches!(scheme.as_str(), "http" | "ws");
        url.path = (normal_path(path) != "/").then(|| path.to_string());
        url.query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(key), decode(value))
            })
            .collect();
        Ok(url)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or("has a [ without a ]")?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(format!("has no IPv6 address in [{host}]"));
            }
            (host, after.strip_prefix(':').or(after.is_empty().then_some("")).ok_or("has text after the ]")?)
        }
        None => match authority.matches(':').count() {
            0 => (authority, ""),
            1 => authority.split_once(':').unwrap_or((authority, "")),
            _ => return Err(format!("has an IPv6 address without brackets; write [{authority}]")),
        },
    };
    match port {
        "" => Ok((host, None)),
        port => match port.parse::<u16>() {
            Ok(0) => Ok((host, None)),
            Ok(number) if port.bytes().all(|byte| byte.is_ascii_digit()) => Ok((host, Some(number))),
            _ => Err(format!("has the port \"{port}\", which is not a number from 1 to 65535")),
        },
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// A path as a request needs it: with a slash at both ends.
pub(super) fn normal_path(path: &str) -> String {
    let inner = path.trim().trim_matches('/');
    if inner.is_empty() { "/".into() } else { format!("/{inner}/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_real_projects_are_understood() {
        let url = Url::parse("http://example.com:3000/socket.io", 80).unwrap();
        assert_eq!((url.host.as_str(), url.port, url.path.as_deref()), ("example.com", Some(3000), Some("/socket.io")));
        let url = Url::parse(" EXAMPLE.com ", 0).unwrap();
        assert_eq!((url.host.as_str(), url.port, url.path, url.secure), ("example.com", None, None, false));
        assert!(Url::parse("example.com", 443).unwrap().secure);
        assert!(Url::parse("wss://example.com", 0).unwrap().secure);
        assert!(!Url::parse("ws://example.com:443", 0).unwrap().secure);
        let url = Url::parse("localhost:3000/p?x=http://y", 0).unwrap();
        assert_eq!((url.host.as_str(), url.port, url.path.as_deref()), ("localhost", Some(3000), Some("/p")));
        assert_eq!(Url::parse("http://[::1]:3000/", 0).unwrap().host, "::1");
        let url = Url::parse("localhost:3000?a=b%20c&d", 0).unwrap();
        assert_eq!(url.query, [("a".into(), "b c".into()), ("d".into(), String::new())]);
    }

    #[test]
    fn a_wrong_url_says_what_is_wrong() {
        for (url, says) in [
            ("", "is empty"),
            ("/socket.io", "no host"),
            ("http://", "no host"),
            ("http:/example.com", "lacks a slash"),
            ("htp://example.com", "scheme \"htp\""),
            ("http://example.com:port", "port \"port\""),
            ("http://example.com:70000", "port \"70000\""),
            ("http://me:secret@example.com", "user name"),
            ("http:/me:secret@example.com", "user name"),
            ("http:///me:secret@example.com", "user name"),
            ("http//me:secret@example.com", "user name"),
            ("http://me:secret?x@example.com", "user name"),
            ("http://exa mple.com", "' '"),
            ("http://::1:3000", "brackets"),
            ("http://[::1", "without a ]"),
            ("http://bücher.example", "'ü'"),
        ] {
            let (what, _) = Url::parse(url, 0).unwrap_err();
            assert!(what.contains(says), "{url}: {what}");
            assert!(!what.contains("secret"), "{what}");
        }
    }

    #[test]
    fn paths_have_a_slash_at_both_ends() {
        assert_eq!(normal_path("/socket.io"), "/socket.io/");
        assert_eq!(normal_path("my/path/"), "/my/path/");
        assert_eq!(normal_path("/"), "/");
    }
}
