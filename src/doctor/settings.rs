//! What the settings come to, in words. Names of headers, parameters and credentials, never their values.

use serde_json::Value;

use crate::settings::{CertificateCheck, ConnectionConfig, ProxyChoice, Secret, TransportChoice};

/// Names that a note repeats, at most.
const NAMED: usize = 10;

/// The step Settings.
pub fn describe(config: &ConnectionConfig) -> Vec<String> {
    let address = &config.address;
    let transport = match config.transport {
        TransportChoice::Automatic => "Automatic",
        TransportChoice::WebSocket => "WebSocket Only",
        TransportChoice::Polling => "Polling Only",
    };
    let proxy = match config.proxy.choice {
        ProxyChoice::Automatic => "Automatic",
        ProxyChoice::None => "None",
        ProxyChoice::Address(_) => "an address",
    };
    let mut notes = vec![format!("{}://{address}{}", address.scheme(), address.path)];
    notes.push(format!("Transport {transport}"));
    notes.push(format!("Proxy {proxy}"));
    if address.secure {
        notes.push(match config.tls.check {
            CertificateCheck::Roots => "Certificate Check Roots".into(),
            CertificateCheck::CaFile => "Certificate Check CA File Only".into(),
            CertificateCheck::Fingerprint => "Certificate Check Fingerprint".into(),
            CertificateCheck::Off => "Certificate Check Off: nobody checks who the server is".into(),
        });
    }
    notes.push(format!("Connect Timeout {} s", config.connect_timeout.as_secs_f64()));
    for (field, names) in [
        ("Query", names(config.query.iter().map(|(name, _)| name))),
        ("Headers", names(config.headers.iter().map(|(name, _)| name))),
        ("Auth", names(config.auth.keys())),
    ] {
        if let Some(names) = names {
            notes.push(format!("{field}: {names}"));
        }
    }
    if address.is_loopback() {
        notes.push(format!("{} is this device itself", address.host));
    }
    notes
}

/// What refers to something outside of the settings.
pub fn references(config: &ConnectionConfig) -> Vec<String> {
    fn refers(value: &Value) -> bool {
        match value {
            Value::String(text) => is_reference(&Secret::new(text)),
            Value::Array(items) => items.iter().any(refers),
            Value::Object(fields) => fields.values().any(refers),
            _ => false,
        }
    }
    let mut out = Vec::new();
    for (field, pairs) in [("Query", &config.query), ("Headers", &config.headers)] {
        out.extend(pairs.iter().filter(|(_, value)| is_reference(value)).map(|(name, _)| format!("{field} {name}")));
    }
    out.extend(config.auth.iter().filter(|(_, value)| refers(value)).map(|(name, _)| format!("Auth {name}")));
    let proxy = match &config.proxy.choice {
        ProxyChoice::Address(address) => Some(address),
        ProxyChoice::Automatic | ProxyChoice::None => None,
    };
    for (field, value) in [
        ("Proxy", proxy),
        ("Proxy User", config.proxy.user.as_ref()),
        ("Proxy Password", config.proxy.password.as_ref()),
    ] {
        out.extend(value.filter(|value| is_reference(value)).map(|_| field.to_string()));
    }
    out.extend(config.tls.ca_file.iter().map(|_| "CA File".to_string()));
    out.extend(config.tls.client.iter().map(|_| "Client Certificate and Client Key".to_string()));
    out
}

fn is_reference(value: &Secret) -> bool {
    value.literal().is_none()
}

/// How many, and their names; None: there are none.
fn names<'a>(names: impl Iterator<Item = &'a String>) -> Option<String> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    let more = if names.len() > NAMED { ", …" } else { "" };
    (!names.is_empty()).then(|| format!("{} ({}{more})", names.len(), names[..names.len().min(NAMED)].join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_without_values() {
        let settings = br#"{"connections":[{"name":"main","url":"https://127.0.0.1:3000/door?room=5",
            "headers":{"X-One":"secret-1","X-Two":"env:TWO"},"auth":{"token":"file:/run/token"},
            "certificate_check":"Off","ca_file":"ca.pem","proxy":"http://me:secret-2@proxy:3128"}]}"#;
        let config = crate::settings::parse(settings).connections.remove(0);
        let told = describe(&config).join("; ");
        assert_eq!(
            told,
            "https://127.0.0.1:3000/door/; Transport Automatic; Proxy an address; Certificate Check Off: nobody \
checks who the server is; Connect Timeout 20 s; Query: 1 (room); Headers: 2 (X-One, X-Two); Auth: 1 (token); \
127.0.0.1 is this device itself"
        );
        assert_eq!(references(&config), ["Headers X-Two", "Auth token", "CA File"]);
    }
}
