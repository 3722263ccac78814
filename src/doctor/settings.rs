//! What the settings come to, in words. Names of headers, parameters and credentials, never their values.

use crate::settings::{CertificateCheck, ConnectionConfig, ProxyChoice, TransportChoice};

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
        assert_eq!(config.references(), ["Headers X-Two", "Auth token", "CA File"]);
    }
}
