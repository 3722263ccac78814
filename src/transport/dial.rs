//! TCP. Several addresses are tried as RFC 8305 ("Happy Eyeballs") says: families in turn, the next one after 250 ms
//! or at once if one fails.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::diagnostics::{Code, Problem};
use crate::settings::Address;

/// RFC 8305, section 5: Connection Attempt Delay.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Addresses of each family that are tried: a name may have thousands, and each attempt is a descriptor of the host.
const ADDRESSES: usize = 8;
/// Attempts at the same time. A further one takes the place of the oldest, which is the least likely to succeed.
const ATTEMPTS: usize = 4;

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
    let stream = first_of(in_turn(addresses), ATTEMPT_DELAY, TcpStream::connect).await;
    let stream = stream.map_err(|error| Unreached { error, is_local })?;
    // Events are small and wanted at once; gathering them is our own work.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&KEEPALIVE);
    Ok(stream)
}

/// The first attempt that succeeds, or why none does.
async fn first_of<T, A: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    delay: Duration,
    attempt: impl Fn(SocketAddr) -> A,
) -> io::Result<T> {
    let mut remaining = addresses.into_iter();
    let mut attempts = VecDeque::new();
    let mut refused: Option<io::Error> = None;
    loop {
        if let Some(next) = remaining.next() {
            if attempts.len() == ATTEMPTS {
                attempts.pop_front();
            }
            attempts.push_back(Box::pin(attempt(next)));
        }
        let ended = if remaining.len() > 0 {
            tokio::select! {
                ended = first_to_end(&mut attempts) => ended,
                () = tokio::time::sleep(delay) => continue,
            }
        } else {
            first_to_end(&mut attempts).await
        };
        match ended {
            Some(Ok(stream)) => return Ok(stream),
            // That somebody refused tells more than that somebody else could not be reached.
            Some(Err(error)) if refused.as_ref().is_some_and(is_refused) => drop(error),
            Some(Err(error)) => refused = Some(error),
            None => return Err(refused.unwrap_or_else(|| io::ErrorKind::NotFound.into())),
        }
    }
}

/// Takes out the first attempt that ends; None: there is none.
async fn first_to_end<T>(attempts: &mut VecDeque<Pin<Box<impl Future<Output = T>>>>) -> Option<T> {
    poll_fn(|cx| {
        for index in 0..attempts.len() {
            if let Poll::Ready(ended) = attempts[index].as_mut().poll(cx) {
                attempts.remove(index);
                return Poll::Ready(Some(ended));
            }
        }
        if attempts.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

fn is_refused(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}

/// The addresses that are tried, with their families in turn, beginning with the family of the first.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter().take(ADDRESSES), second.into_iter().take(ADDRESSES));
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
    use std::cell::Cell;
    use std::net::Ipv4Addr;
    use std::rc::Rc;

    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(|text| text.parse().unwrap()).to_vec();
        let order: Vec<String> = in_turn(addresses).iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
    }

    #[test]
    fn a_name_with_many_addresses_is_tried_at_some_of_each_family() {
        let v4 = (0..1000).map(|i| SocketAddr::from(([127, 0, 0, 1], i)));
        let v6 = (0..1000).map(|i| SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], i)));
        assert_eq!(in_turn(v4.clone().collect()).len(), ADDRESSES);
        assert_eq!(in_turn(v4.chain(v6).collect()).len(), 2 * ADDRESSES);
    }

    /// An attempt that ends never, and is counted while it is under way.
    struct Endless(Rc<Cell<usize>>);

    impl Drop for Endless {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }

    #[tokio::test]
    async fn few_attempts_are_under_way_at_the_same_time() {
        let (now, most, begun) = (Rc::new(Cell::new(0)), Cell::new(0), Cell::new(0));
        let attempt = |address: SocketAddr| {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            begun.set(begun.get() + 1);
            let endless = Endless(Rc::clone(&now));
            async move {
                let _endless = endless;
                // Only the last one answers.
                if address.port() < ADDRESSES as u16 {
                    std::future::pending::<()>().await;
                }
                io::Result::Ok(address.port())
            }
        };
        let addresses = (1..=1000).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect();
        let answered = first_of(in_turn(addresses), Duration::from_millis(1), attempt).await;
        assert_eq!(answered.ok(), Some(ADDRESSES as u16));
        assert_eq!((begun.get(), most.get(), now.get()), (ADDRESSES, ATTEMPTS, 0));
    }

    #[tokio::test]
    async fn the_address_that_answers_is_found_among_those_that_refuse() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let stream = connect(vec![closed, closed, good]).await.ok().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        let refused = connect(vec![closed, closed]).await.err().unwrap();
        assert!(refused.is_local && is_refused(&refused.error));
        assert!(connect(Vec::new()).await.is_err());
    }
}
