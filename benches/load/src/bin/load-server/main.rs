//! A Socket.IO server that is not to be felt: one thread, WebSocket only, frames built and read by hand.
//!
//!     load-server [--port N]
//!
//! Says `listening PORT` and serves until its stdin closes. benches/load/README.md says what it answers to what.

mod checked;
mod fault;
mod flood;
mod frames;
mod session;
mod varied;

use std::io;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, bail};
use load::usage::allow_many_files;
use tokio::net::{TcpListener, TcpSocket};

use crate::fault::Fault;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 0,
        ["--port", port] => port.parse().context("--port")?,
        _ => bail!("usage: load-server [--port N]"),
    };
    let fault = Fault::of_environment()?;
    allow_many_files();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = listen(port).context("listening on 127.0.0.1")?;
        println!("listening {}", listener.local_addr()?.port());
        thread::spawn(end_with_stdin);
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                // A connection that breaks is the driver's to tell.
                let _ = session::serve(stream, fault).await;
            });
        }
    })
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    socket.listen(4096)
}

/// Whoever started the server holds its stdin, so that it does not outlive them.
fn end_with_stdin() {
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    std::process::exit(0);
}
