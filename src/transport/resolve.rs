//! Names to addresses. The system offers this only as a blocking call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use crate::diagnostics::{Code, Problem};
use crate::runtime::{Blocking, Threads};
use crate::settings::Address;

/// Looks up names.
pub struct Resolver {
    lookups: Blocking,
}

impl Resolver {
    /// A resolver whose threads belong to `threads`.
    pub fn new(threads: Arc<Threads>) -> Resolver {
        Resolver { lookups: Blocking::new(threads, "socketio-lookup") }
    }

    /// The addresses of a server, in the system's order of preference.
    pub async fn resolve(&self, address: &Address) -> Result<Vec<SocketAddr>, Problem> {
        self.look_up(&address.host, address.port)
            .await
            .map_err(|reason| Problem::new(Code::DnsFailed).with("host", &address.host).with("reason", reason))
    }

    /// The addresses of a name, or why there are none.
    pub async fn look_up(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![(ip, port).into()]);
        }
        // RFC 6761, section 6.3: these names mean this device and are not looked up.
        if host == "localhost" || host.ends_with(".localhost") {
            return Ok(vec![(Ipv6Addr::LOCALHOST, port).into(), (Ipv4Addr::LOCALHOST, port).into()]);
        }
        let host = host.to_string();
        let lookup = move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        match self.lookups.run(lookup).await {
            Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
            Ok(Ok(_)) => Err("it has no address".into()),
            Ok(Err(error)) => {
                let text = error.to_string();
                Err(text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).into())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
