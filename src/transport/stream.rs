//! A stream of bytes to a server, encrypted or not.

use std::cell::Cell;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::patience::Written;

/// Bytes that are read before others get their turn. Whoever reads may do so in a loop without an end, as long as the
/// other end sends: hyper passes over answers with status 1xx so.
const TURN: usize = 256 << 10;

/// Bytes that may still be read; None: any number. Where a limit is reached, reading fails with [`TooMuch`].
pub type Allowance = Rc<Cell<Option<usize>>>;

/// More was to be read than is allowed.
#[derive(Debug)]
pub struct TooMuch;

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more than is allowed")
    }
}

impl std::error::Error for TooMuch {}

/// See the module.
pub struct Stream {
    layer: Layer,
    written: Written,
    /// Bytes read in this turn.
    read: usize,
    allowance: Allowance,
}

/// What the bytes go through.
pub enum Layer {
    /// Plain TCP.
    Tcp(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// A stream to which nothing was written yet.
    pub fn new(layer: Layer) -> Stream {
        Stream { layer, written: Written::default(), read: 0, allowance: Allowance::default() }
    }

    /// How much was written.
    pub fn written(&self) -> Written {
        Rc::clone(&self.written)
    }

    /// Counts what is written to it together with other streams, from now on.
    pub fn count_into(&mut self, written: &Written) {
        self.written = Rc::clone(written);
    }

    /// How much may be read; whoever has it may change it.
    pub fn allowance(&self) -> Allowance {
        Rc::clone(&self.allowance)
    }

    /// What the bytes went through.
    #[cfg(test)]
    pub fn into_layer(self) -> Layer {
        self.layer
    }

    fn count(&self, poll: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = poll {
            self.written.set(self.written.get() + bytes as u64);
        }
        poll
    }
}

/// Calls the same method of whichever layer it is.
macro_rules! either {
    ($self:expr, $layer:ident => $call:expr) => {
        match $self.layer {
            Layer::Tcp(ref mut $layer) => $call,
            Layer::Tls(ref mut $layer) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.allowance.get() == Some(0) {
            return Poll::Ready(Err(io::Error::other(TooMuch)));
        }
        if self.read >= TURN {
            self.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let poll = either!(self, layer => Pin::new(layer).poll_read(cx, buf));
        let count = buf.filled().len() - before;
        self.read = if poll.is_ready() { self.read + count } else { 0 };
        self.allowance.set(self.allowance.get().map(|left| left.saturating_sub(count)));
        poll
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = either!(self, layer => Pin::new(layer).poll_write(cx, buf));
        self.count(poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = either!(self, layer => Pin::new(layer).poll_write_vectored(cx, bufs));
        self.count(poll)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.layer {
            Layer::Tcp(layer) => layer.is_write_vectored(),
            Layer::Tls(layer) => layer.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, layer => Pin::new(layer).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, layer => Pin::new(layer).poll_shutdown(cx))
    }
}
