//! TCP. Several addresses are tried as RFC 8305 ("Happy Eyeballs") says: families in turn, the next one after 250 ms
//! or at once if one fails.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::diagnostics::{Code, Problem};
use crate::settings::Address;

/// RFC 8305, section 5: Connection Attempt Delay.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// What stands in between forgets a connection over which nothing goes, and a dead one must not stay open for ever: asked
/// after a minute, given up after another one (RFC 9293, section 3.8.4).
const KEEPALIVE: TcpKeepalive =
    TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15)).with_retries(4);

/// Why no address answered.
pub struct Unreached {
    error: io::Error,
    /// Whether all of the addresses are this device itself.
    is_local: bool,
}

impl Unreached {
    /// As a problem of the server.
    pub fn problem(&self, address: &Address) -> Problem {
        match is_refused(&self.error) {
            true if self.is_local => Problem::new(Code::LocalhostRefused).with("address", address),
            true => Problem::new(Code::TcpRefused).with("address", address),
            false => Problem::new(Code::TcpUnreachable).with("address", address).with("reason", &self.error),
        }
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_refused(&self.error) { f.write_str("nothing is listening there") } else { self.error.fmt(f) }
    }
}

/// Connects to the first address that answers.
pub async fn connect(addresses: Vec<SocketAddr>) -> Result<TcpStream, Unreached> {
    let is_local = addresses.iter().all(|address| address.ip().to_canonical().is_loopback());
    let mut remaining = in_turn(addresses).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut refused: Option<io::Error> = None;
    loop {
        if let Some(next) = remaining.next() {
            attempts.push(TcpStream::connect(next));
        }
        let ended = if remaining.len() > 0 {
            tokio::select! {
                ended = attempts.next() => ended,
                () = tokio::time::sleep(ATTEMPT_DELAY) => continue,
            }
        } else {
            attempts.next().await
        };
        match ended {
            Some(Ok(stream)) => {
                // Events are small and wanted at once; gathering them is our own work.
                let _ = stream.set_nodelay(true);
                let _ = SockRef::from(&stream).set_tcp_keepalive(&KEEPALIVE);
                return Ok(stream);
            }
            // That somebody refused tells more than that somebody else could not be reached.
            Some(Err(error)) if refused.as_ref().is_some_and(is_refused) => drop(error),
            Some(Err(error)) => refused = Some(error),
            None => {
                let error = refused.unwrap_or_else(|| io::ErrorKind::NotFound.into());
                return Err(Unreached { error, is_local });
            }
        }
    }
}

fn is_refused(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}

/// The addresses with their families in turn, beginning with the family of the first.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut out = Vec::new();
    loop {
        match (first.next(), second.next()) {
            (None, None) => return out,
            (a, b) => out.extend(a.into_iter().chain(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(|text| text.parse().unwrap()).to_vec();
        let order: Vec<String> = in_turn(addresses).iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
    }
}
