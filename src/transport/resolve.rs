//! Names to addresses. The system offers this only as a blocking call.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::diagnostics::{Code, Problem};
use crate::runtime::{Blocking, Threads};
use crate::settings::Address;

/// A look-up that takes longer may never end: whoever asks then begins another one, and that one may find things mended.
const PATIENCE: Duration = Duration::from_secs(10);

/// The addresses of a name, or why there are none.
type Found = Result<Vec<IpAddr>, String>;

/// Looks up names: each once at a time, however many ask.
pub struct Resolver {
    lookups: Blocking,
    running: Running,
}

/// The youngest look-up of each name.
type Running = Arc<Mutex<HashMap<String, Lookup>>>;

#[derive(Clone)]
struct Lookup {
    began: Instant,
    /// None until it has ended.
    found: watch::Receiver<Option<Found>>,
}

/// A look-up from its beginning to its end, also if it never gets a thread.
struct Begun {
    running: Running,
    host: String,
    tell: watch::Sender<Option<Found>>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        let own = self.tell.subscribe();
        if running.get(&self.host).is_some_and(|lookup| lookup.found.same_channel(&own)) {
            running.remove(&self.host);
        }
    }
}

impl Resolver {
    /// A resolver whose threads belong to `threads`.
    pub fn new(threads: Arc<Threads>) -> Resolver {
        Resolver { lookups: Blocking::new(threads, "socketio-lookup"), running: Running::default() }
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
        let addresses = self.share(host, look_up_now).await?;
        Ok(addresses.into_iter().map(|ip| (ip, port).into()).collect())
    }

    /// Looks up a name by `call`, or waits for the answer to whoever asked before.
    async fn share(&self, host: &str, call: impl FnOnce(&str) -> Found + Send + 'static) -> Found {
        loop {
            let known = self.running.lock().get(host).filter(|known| known.began.elapsed() < PATIENCE).cloned();
            let Some(Lookup { mut found, .. }) = known else { return self.begin(host, call).await };
            // An error: it ended without an answer, since whoever asked gave up before there was a thread for it.
            if let Ok(found) = found.wait_for(Option::is_some).await
                && let Some(found) = &*found
            {
                return found.clone();
            }
        }
    }

    async fn begin(&self, host: &str, call: impl FnOnce(&str) -> Found + Send + 'static) -> Found {
        let (tell, found) = watch::channel(None);
        let begun = Begun { running: Arc::clone(&self.running), host: host.into(), tell };
        self.running.lock().insert(host.into(), Lookup { began: Instant::now(), found });
        let looking = self.lookups.run(host, move || {
            let found = call(&begun.host);
            begun.tell.send_replace(Some(found.clone()));
            found
        });
        looking.await.unwrap_or_else(|error| Err(error.to_string()))
    }
}

/// Asks the system.
fn look_up_now(host: &str) -> Found {
    match (host, 0).to_socket_addrs() {
        Ok(found) => {
            let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            if found.is_empty() { Err("it has no address".into()) } else { Ok(found) }
        }
        Err(error) => {
            let text = error.to_string();
            Err(text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    use futures_util::FutureExt;
    use tokio::join;

    use super::*;

    fn found(_: &str) -> Found {
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    }

    #[tokio::test]
    async fn who_asks_meanwhile_gets_the_same_answer() {
        let resolver = Resolver::new(Arc::new(Threads::default()));
        let asked = Arc::new(AtomicUsize::new(0));
        let (release, released) = channel::<()>();
        let count = Arc::clone(&asked);
        let first = resolver.share("a.example", move |host| {
            count.fetch_add(1, Ordering::Relaxed);
            let _ = released.recv();
            found(host)
        });
        let never = |_: &str| -> Found { panic!("it was looked up twice") };
        let second = resolver.share("a.example", never);
        let third = async {
            // Who gives up takes nothing from the others.
            assert!(resolver.share("a.example", never).now_or_never().is_none());
            assert_eq!(resolver.share("b.example", found).await, found(""));
            drop(release);
        };
        let (first, second, ()) = join!(first, second, third);
        assert_eq!((first, second, asked.load(Ordering::Relaxed)), (found(""), found(""), 1));
        // What was found is not kept: the next attempt may find another server.
        assert!(resolver.running.lock().is_empty());
        assert_eq!(resolver.share("a.example", |_| Err("gone".into())).await, Err("gone".into()));
    }

    #[tokio::test]
    async fn a_look_up_goes_on_when_who_began_it_gives_up() {
        let resolver = Resolver::new(Arc::new(Threads::default()));
        let (release, released) = channel::<()>();
        let first = resolver.share("a.example", move |host| {
            let _ = released.recv();
            found(host)
        });
        assert!(first.now_or_never().is_none());
        let second = resolver.share("a.example", |_| Err("it was looked up twice".into()));
        let (second, ()) = join!(second, async { drop(release) });
        assert_eq!(second, found(""));
    }

    #[tokio::test]
    async fn one_that_never_got_a_thread_leaves_no_trace() {
        let resolver = Resolver::new(Arc::new(Threads::default()));
        let (release, released) = channel::<()>();
        // Both places of the name are taken, by look-ups that nobody can wait for any more.
        let released = Arc::new(Mutex::new(released));
        for _ in 0..2 {
            let released = Arc::clone(&released);
            let hanging = resolver.share("a.example", move |host| {
                let _ = released.lock().recv();
                found(host)
            });
            assert!(hanging.now_or_never().is_none());
            resolver.running.lock().clear();
        }
        assert!(resolver.share("a.example", found).now_or_never().is_none());
        assert!(resolver.running.lock().is_empty());
        drop(release);
        assert_eq!(resolver.share("a.example", found).await, found(""));
    }
}
