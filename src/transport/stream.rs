//! A stream of bytes to a server, encrypted or not.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::patience::Written;

/// See the module.
pub struct Stream {
    layer: Layer,
    written: Written,
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
        Stream { layer, written: Written::default() }
    }

    /// How much was written.
    pub fn written(&self) -> Written {
        Rc::clone(&self.written)
    }

    /// Counts what is written to it together with other streams, from now on.
    pub fn count_into(&mut self, written: &Written) {
        self.written = Rc::clone(written);
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
        either!(self, layer => Pin::new(layer).poll_read(cx, buf))
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
