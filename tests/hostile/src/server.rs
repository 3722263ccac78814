//! What the connections of one port share: which session is to be a bad one, and the sessions of long-polling.

use std::collections::HashMap;
use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::case::{self, Act, Case};
use crate::conversation::Conversation;
use crate::peer::Peer;
use crate::polling::{self, Session};
use crate::websocket;

/// See the module.
pub struct Server {
    /// None: it is always good.
    case: Option<Arc<Case>>,
    is_good: AtomicBool,
    begun: AtomicUsize,
    pub sessions: Mutex<HashMap<String, Session>>,
    /// Something is to be said in a session of long-polling.
    pub said: Condvar,
}

impl Server {
    pub fn new(case: Option<Case>) -> Server {
        Server {
            is_good: AtomicBool::new(case.is_none()),
            case: case.map(Arc::new),
            begun: AtomicUsize::new(0),
            sessions: Mutex::default(),
            said: Condvar::new(),
        }
    }

    /// From now on every session is good.
    pub fn turn_good(&self) {
        self.is_good.store(true, Ordering::SeqCst);
    }

    /// How many sessions were begun.
    pub fn sessions_begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Serves one connection to its end.
    pub fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut peer = Peer::new(stream)?;
        while peer.next_request()? {
            if peer.request.is_websocket() {
                return websocket::serve(self, &mut peer);
            }
            polling::serve(self, &mut peer)?;
        }
        Ok(())
    }

    /// A session begins with this client: bad or good is decided here. Gives its conversation and its id.
    pub fn begin(&self, peer: &mut Peer) -> (Conversation, String) {
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        let is_good = self.is_good.load(Ordering::SeqCst);
        let case = self.case.as_ref().filter(|case| !is_good && (number == 0 || case.expect.lasts())).cloned();
        let sid = format!("e{number}");
        let json = case.as_ref().map_or_else(|| case::handshake(25_000, 20_000), |case| case.handshake.clone());
        peer.handshake = format!("0{}", json.replace("SID", &sid));
        peer.wire = case.as_ref().and_then(|case| match case.act {
            Act::Wire(make) => Some(Arc::new(make(number))),
            _ => None,
        });
        (Conversation::new(case), sid)
    }
}
