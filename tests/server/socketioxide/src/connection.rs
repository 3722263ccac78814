//! TCP connections that can be cut from outside.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Whether a connection is cut, and who waits for its next bytes.
#[derive(Default)]
struct Fate {
    cut: bool,
    reader: Option<Waker>,
}

/// All connections that stand.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<Vec<Weak<Mutex<Fate>>>>>);

impl Connections {
    fn add(&self, fate: &Arc<Mutex<Fate>>) {
        let mut all = self.0.lock().expect("no holder panics");
        all.retain(|fate| fate.strong_count() > 0);
        all.push(Arc::downgrade(fate));
    }

    /// Ends them all: whoever reads finds an error.
    pub fn cut(&self) {
        for fate in self.0.lock().expect("no holder panics").drain(..) {
            let Some(fate) = fate.upgrade() else { continue };
            let mut fate = fate.lock().expect("no holder panics");
            fate.cut = true;
            if let Some(reader) = fate.reader.take() {
                reader.wake();
            }
        }
    }
}

pub struct Listener {
    tcp: TcpListener,
    connections: Connections,
}

impl Listener {
    pub async fn bind(address: SocketAddr, connections: Connections) -> Result<Listener> {
        Ok(Listener { tcp: TcpListener::bind(address).await?, connections })
    }

    pub fn port(&self) -> Result<u16> {
        Ok(self.tcp.local_addr()?.port())
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (tcp, address) = axum::serve::Listener::accept(&mut self.tcp).await;
        // Small messages leave at once.
        let _ = tcp.set_nodelay(true);
        let connection = Connection { tcp, fate: Arc::default() };
        self.connections.add(&connection.fate);
        (connection, address)
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

pub struct Connection {
    tcp: TcpStream,
    fate: Arc<Mutex<Fate>>,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context, buffer: &mut ReadBuf) -> Poll<Result<()>> {
        {
            let mut fate = self.fate.lock().expect("no holder panics");
            if fate.cut {
                return Poll::Ready(Err(Error::from(ErrorKind::ConnectionReset)));
            }
            fate.reader = Some(context.waker().clone());
        }
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
