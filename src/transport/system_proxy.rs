//! The proxy that the settings of the system name for an address. Their form is that of Windows: proxies and exceptions are
//! lists, divided by semicolons or blanks, in which a proxy may be for one scheme and a star stands for any text.

use super::proxy::without_port;
use crate::runtime::environment::SystemProxies;
use crate::settings::Address;

/// The proxy for an address, in the form of Project Settings; None: it is reached directly.
pub fn choose(system: &SystemProxies, address: &Address) -> Option<String> {
    let server = server(&system.servers, address.scheme())?;
    let is_direct = entries(&system.direct).any(|entry| is_exception(entry, address));
    (!is_direct).then_some(server)
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(|c: char| c == ';' || c.is_whitespace()).filter(|entry| !entry.is_empty())
}

/// The proxy for a scheme: its own, or the one for all, or else the SOCKS proxy.
fn server(list: &str, scheme: &str) -> Option<String> {
    let of = |wanted: &str| {
        let named = entries(list).filter_map(|entry| entry.split_once('='));
        named.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(wanted)).map(|(_, server)| server).next()
    };
    let for_all = || entries(list).find(|entry| !entry.contains('='));
    match of(scheme).or_else(for_all) {
        Some(server) => Some(with_port(server)),
        None => of("socks").map(|server| match server.contains("://") {
            true => server.to_string(),
            false => format!("socks5://{server}"),
        }),
    }
}

/// A proxy with the system's own port where it names none; that of Project Settings is another one.
fn with_port(server: &str) -> String {
    let (scheme, rest) = server.split_once("://").map_or((None, server), |(scheme, rest)| (Some(scheme), rest));
    let host = rest.trim_end_matches('/').trim_end_matches(':');
    match scheme {
        _ if without_port(host).1.is_some() => server.to_string(),
        None => format!("{host}:80"),
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => format!("{scheme}://{host}:80"),
        Some(_) => server.to_string(),
    }
}

/// Whether an exception is for this address: `<local>` is for names without a dot, others name a host, and may name a
/// scheme and a port.
fn is_exception(entry: &str, address: &Address) -> bool {
    if entry.eq_ignore_ascii_case("<local>") {
        return !address.host.contains(['.', ':']);
    }
    let entry = entry.to_ascii_lowercase();
    let (scheme, rest) = entry.split_once("://").unwrap_or((address.scheme(), &entry));
    let (host, port) = without_port(rest);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    scheme == address.scheme() && port.is_none_or(|port| port == address.port) && matches(host, &address.host)
}

/// Whether a text is one that a pattern with stars stands for.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(found) = rest.find(part) else { return false };
        rest = &rest[found + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(servers: &str, direct: &str, url: &str) -> String {
        let text = format!("{{\"connections\":[{{\"name\":\"main\",\"url\":\"{url}\"}}]}}");
        let config = crate::settings::parse(text.as_bytes()).connections.into_iter().next().unwrap();
        let system = SystemProxies { servers: servers.into(), direct: direct.into(), has_script: false };
        choose(&system, &config.address).unwrap_or_default()
    }

    #[test]
    fn a_proxy_is_for_one_scheme_or_for_all() {
        let plain = "http://example.com";
        let secure = "https://example.com";
        for (servers, for_plain, for_secure) in [
            ("p:8080", "p:8080", "p:8080"),
            ("http=p:1;https=s:2", "p:1", "s:2"),
            ("HTTP=p:1 ; HTTPS=http://s:2", "p:1", "http://s:2"),
            ("http=p:1", "p:1", ""),
            ("https=s:2 all:3", "all:3", "s:2"),
            ("ftp=f:1;socks=k:1080", "socks5://k:1080", "socks5://k:1080"),
            ("http=p:1;socks=socks5://k", "p:1", "socks5://k"),
            ("socks5://k:9", "socks5://k:9", "socks5://k:9"),
            ("p", "p:80", "p:80"),
            ("p:", "p:80", "p:80"),
            ("http://p", "http://p:80", "http://p:80"),
            ("HTTP://p/", "HTTP://p:80", "HTTP://p:80"),
            ("http://p:8080/", "http://p:8080/", "http://p:8080/"),
            ("[fd00::1]", "[fd00::1]:80", "[fd00::1]:80"),
            ("", "", ""),
            (" ; ", "", ""),
        ] {
            assert_eq!(chosen(servers, "", plain), for_plain, "{servers}");
            assert_eq!(chosen(servers, "", secure), for_secure, "{servers}");
        }
    }

    #[test]
    fn exceptions_are_reached_directly() {
        for (direct, url, is_direct) in [
            ("example.com", "http://example.com", true),
            ("EXAMPLE.com", "http://example.com", true),
            ("example.com", "http://a.example.com", false),
            ("*.example.com", "http://a.b.example.com", true),
            ("*.example.com", "http://example.com", false),
            ("*example.com", "http://example.com", true),
            ("a;192.168.*", "http://192.168.1.9", true),
            ("192.168.*", "http://192.169.1.9", false),
            ("10.*.9", "http://10.1.1.9", true),
            ("10.*.9", "http://10.1.1.8", false),
            ("a*a", "http://a", false),
            ("*", "http://example.com", true),
            ("<local>", "http://intranet:3000", true),
            ("<local>", "http://intranet.example.com", false),
            ("<local>", "http://[fd00::1]", false),
            ("[fd00::1]", "http://[fd00::1]:3000", true),
            ("a b <LOCAL>", "http://intranet", true),
            ("example.com:3000", "http://example.com:3000", true),
            ("example.com:3000", "http://example.com", false),
            ("https://example.com", "https://example.com", true),
            ("https://example.com", "http://example.com", false),
            ("", "http://example.com", false),
        ] {
            assert_eq!(chosen("p:1", direct, url).is_empty(), is_direct, "{direct} {url}");
        }
    }
}
