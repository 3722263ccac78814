//! The URL rules: what is understood can be shown, is understood again, and can be asked for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use socketio_plugin::fuzzing::{Address, ProxyAddress, is_requestable, parse_settings, redirect};

fuzz_target!(|data: &[u8]| {
    let Some((&port, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    proxy(text);
    let Some(address) = understood(text, u16::from(port) * 257) else { return };
    assert_eq!(understood(&address.url(), 0), Some(address.clone()), "{text}");
    // The port also stands when the scheme does not imply it.
    let shown = format!("{}://{address}{}", address.scheme(), address.path);
    assert_eq!(understood(&shown, 0), Some(address.clone()), "{text}");
    // What a request could not hold would fail at each attempt, and say nothing of the URL.
    assert!(is_requestable(&address), "{text}: {}", address.url());
    if let Some(Ok(next)) = redirect(&address, 302, &[("location", address.url().as_bytes())]) {
        assert_eq!(next, address, "{text}");
    }
});

/// The address of a connection with this URL and Port; None: it is refused.
fn understood(url: &str, port: u16) -> Option<Address> {
    let settings = json!({"connections": [{"name": "main", "url": url, "port": port}]}).to_string();
    let parsed = parse_settings(settings.as_bytes());
    let report = parsed.report();
    assert!(parsed.is_usable() || !report.is_empty());
    // A password before the host must not be repeated, wherever it ends.
    if let Some((head, _)) = url.split(['?', '#']).next().unwrap_or_default().rsplit_once('@')
        && let Some((_, password)) = head.rsplit_once(':')
        && password.len() > 8
    {
        assert!(!report.contains(password), "{report}");
    }
    if !parsed.is_usable() {
        return None;
    }
    let address = parsed.connections.into_iter().next()?.address;
    assert!(!address.host.is_empty() && address.port != 0);
    assert!(address.path.starts_with('/') && address.path.ends_with('/'));
    Some(address)
}

fn proxy(text: &str) {
    match ProxyAddress::parse(text) {
        Ok(address) => {
            let shown = address.to_string();
            let again = ProxyAddress::parse(&shown).unwrap_or_else(|wrong| panic!("{text}: {shown}: {wrong:?}"));
            assert!((again.kind, &again.host, again.port) == (address.kind, &address.host, address.port), "{shown}");
            assert_eq!(again.to_string(), shown);
            assert_eq!(again.credentials, None, "{shown}");
            assert!(address.port != 0);
        }
        Err((what, remedy)) => assert!(!what.is_empty() && !remedy.is_empty()),
    }
}
