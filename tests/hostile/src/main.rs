//! A server that breaks the rules of HTTP, WebSocket, Engine.IO and Socket.IO, each in a case of its own.
//!
//!     hostile-server --list
//!     hostile-server PORT CASE
//!
//! `--list` prints a line for each case, its columns separated by tabs: the name, what the client must do
//! (`case::Expect`), fields of its settings, and `joins` if it is to subscribe in a second namespace.
//!
//! With a case it listens at PORT of the loopback interface and says `ready`. The first session, or all of them, get
//! what the case is about; all others are served well. At another port stands a server that is always good. Commands
//! come on stdin and are answered on stdout: `good-port` gives that port, `sessions` how many were begun here, `good`
//! turns the case off. The process ends when its stdin closes, or after a minute and a half.

mod case;
mod cases;
mod conversation;
mod peer;
mod polling;
mod server;
mod websocket;

use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::server::Server;

/// Nobody waits that long for a case.
const TIME_LIMIT: Duration = Duration::from_secs(90);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match words.as_slice() {
        ["--list"] => list(),
        [port, name] => serve(port, name),
        _ => Err(io::Error::other("usage: hostile-server --list | PORT CASE")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hostile-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> io::Result<()> {
    let lines: String = cases::all().iter().map(|case| format!("{case}\n")).collect();
    io::stdout().write_all(lines.as_bytes())
}

fn serve(port: &str, name: &str) -> io::Result<()> {
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let case = cases::all().into_iter().find(|case| case.name == name);
    let case = case.ok_or_else(|| io::Error::other(format!("there is no case {name}")))?;
    let bad = Arc::new(Server::new(Some(case)));
    listen(&bad, port)?;
    let good_port = listen(&Arc::new(Server::new(None)), 0)?;
    thread::spawn(|| {
        thread::sleep(TIME_LIMIT);
        std::process::exit(3);
    });
    say("ready ")?;
    for line in io::stdin().lock().lines() {
        match line?.as_str() {
            "good-port" => say(&format!("= {good_port}"))?,
            "sessions" => say(&format!("= {}", bad.sessions_begun()))?,
            "good" => {
                bad.turn_good();
                say("= ")?;
            }
            other => say(&format!("! {other} is no command"))?,
        }
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// Serves each connection on a thread of its own. Gives the port.
fn listen(server: &Arc<Server>, port: u16) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let port = listener.local_addr()?.port();
    let server = Arc::clone(server);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = Arc::clone(&server);
            // How a connection ended is the client's to tell.
            thread::spawn(move || server.serve(stream));
        }
    });
    Ok(port)
}
