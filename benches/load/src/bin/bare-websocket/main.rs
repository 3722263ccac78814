//! The limit: WebSocket messages as tokio-tungstenite hands them out, on one thread, without Socket.IO and JSON.
//!
//!     bare-websocket WORK PORT COUNT SIZE
//!
//! benches/load/README.md says what the works are. Two more, `raw-receive` and `raw-send`, are for the server: they
//! move bytes over a TCP stream and look at none, so that its own limit shows.

mod raw;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use load::STALL;
use load::content::{Content, InOrder, TEXT_DIGITS, write_number};
use load::report::{QUIET, Report, Span};
use load::usage::{allow_many_files, cpu_seconds, memory};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

/// As many messages are fed before they are flushed.
const BATCH: u64 = 1000;

const HEAD: &str = r#"42["tick",""#;
const TAIL: &str = r#""]"#;
const DONE: &str = r#"42["done",0]"#;

fn main() -> ExitCode {
    match run() {
        Ok(report) => {
            report.print();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bare-websocket: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Report> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work, port, count, size] = &arguments[..] else { bail!("usage: bare-websocket WORK PORT COUNT SIZE") };
    let (port, count, size) = (port.parse()?, count.parse()?, size.parse()?);
    match work.as_str() {
        "raw-receive" => return raw::receive(port, count, size),
        "raw-send" => return raw::send(port, count, size),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        match work.as_str() {
            "receive" | "large" => receive(port, count, size).await,
            "binary" | "binary-no-1e" => binary(port, work, count, size).await,
            "send" => send(port, count, size).await,
            "trip" => trip(port, count, size).await,
            "pair" => pair(port, count, size).await,
            "connect" => connect(port, count).await,
            "idle" => idle(port, count).await,
            _ => bail!("no such work: {work}"),
        }
    })
}

struct Client(WebSocketStream<TcpStream>);

impl Client {
    /// Connected as far as the default namespace.
    async fn connect(port: u16) -> Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
        let mut client = Client(client_async(url, stream).await?.0);
        ensure!(client.text().await?.starts_with('0'), "the server did not open the session");
        client.say("40").await?;
        ensure!(client.text().await?.starts_with("40"), "the server did not let us into the namespace");
        Ok(client)
    }

    async fn next(&mut self) -> Result<Message> {
        let message = timeout(STALL, self.0.next()).await.context("nothing comes any more")?;
        Ok(message.context("the connection was lost")??)
    }

    /// The next message without a timer for each: for works with many.
    async fn next_of_many(&mut self) -> Result<Message> {
        Ok(self.0.next().await.context("the connection was lost")??)
    }

    async fn text(&mut self) -> Result<Utf8Bytes> {
        match self.next().await? {
            Message::Text(text) => Ok(text),
            other => Err(anyhow!("not a text but {other:?}")),
        }
    }

    async fn say(&mut self, text: impl Into<Utf8Bytes>) -> Result<()> {
        Ok(self.0.send(Message::Text(text.into())).await?)
    }

    /// What the server says behind the last event.
    async fn done(&mut self) -> Result<()> {
        let text = self.text().await?;
        ensure!(text.as_str() == DONE, "after the last event came {text}");
        Ok(())
    }

    async fn close(mut self) -> Result<()> {
        self.0.close(None).await?;
        while self.0.next().await.is_some_and(|message| message.is_ok()) {}
        Ok(())
    }
}

fn content_of(text: &str) -> Result<&[u8]> {
    let content = text.strip_prefix(HEAD).and_then(|text| text.strip_suffix(TAIL));
    Ok(content.with_context(|| format!("not an event but {text:.200}"))?.as_bytes())
}

/// Ends a work in which nothing comes any more.
async fn watched<T>(work: impl Future<Output = Result<T>>, came: &std::cell::Cell<u64>) -> Result<T> {
    let mut work = std::pin::pin!(work);
    loop {
        let before = came.get();
        match timeout(STALL, &mut work).await {
            Ok(result) => return result,
            Err(_) if came.get() == before => bail!("nothing comes any more, after {before} events"),
            Err(_) => {}
        }
    }
}

async fn receive(port: u16, count: u64, size: usize) -> Result<Report> {
    let mut client = Client::connect(port).await?;
    let mut events = InOrder::new(Content::text(size), count);
    let came = std::cell::Cell::new(0);
    let span = Span::begin();
    client.say(format!(r#"42["receive",{count},{size}]"#)).await?;
    let all = async {
        loop {
            let Message::Text(text) = client.next_of_many().await? else { bail!("not a text") };
            came.set(events.came());
            if text.as_str() == DONE {
                events.missing().map_err(|wrong| anyhow!(wrong))?;
            }
            if events.take(content_of(&text)?).map_err(|wrong| anyhow!(wrong))? {
                return Ok(());
            }
        }
    };
    watched(all, &came).await?;
    let report = span.end(events.came())?;
    client.done().await?;
    Ok(report)
}

async fn binary(port: u16, work: &str, count: u64, size: usize) -> Result<Report> {
    let mut client = Client::connect(port).await?;
    let mut events = InOrder::new(Content::attachment(size, work == "binary"), count);
    let came = std::cell::Cell::new(0);
    let span = Span::begin();
    client.say(format!(r#"42["{work}",{count},{size}]"#)).await?;
    let all = async {
        loop {
            match client.next_of_many().await? {
                Message::Text(text) if text.starts_with("451-") => {}
                Message::Text(text) if text.as_str() == DONE => {
                    events.missing().map_err(|wrong| anyhow!(wrong))?;
                }
                Message::Binary(attachment) => {
                    came.set(events.came());
                    if events.take(&attachment).map_err(|wrong| anyhow!(wrong))? {
                        return Ok(());
                    }
                }
                other => bail!("not an event but {other:?}"),
            }
        }
    };
    watched(all, &came).await?;
    let report = span.end(events.came())?;
    client.done().await?;
    Ok(report)
}

async fn send(port: u16, count: u64, size: usize) -> Result<Report> {
    let mut client = Client::connect(port).await?;
    client.say(format!(r#"42["send",{count},{size}]"#)).await?;
    let mut packet = [HEAD.as_bytes(), &Content::text(size).of(0), TAIL.as_bytes()].concat();
    let digits = HEAD.len()..HEAD.len() + TEXT_DIGITS;
    let span = Span::begin();
    for number in 0..count {
        write_number(&mut packet[digits.clone()], number);
        let text = Utf8Bytes::try_from(Bytes::copy_from_slice(&packet))?;
        client.0.feed(Message::Text(text)).await?;
        if number % BATCH == BATCH - 1 {
            client.0.flush().await?;
        }
    }
    let returned = span.seconds();
    client.say(r#"42["end"]"#).await?;
    let answer = client.text().await?;
    let mut report = span.end(count)?;
    report.add("returned_seconds", returned);
    let right = format!(r#"42["all",{{"right":{count},"missing":0,"twice":0,"out_of_order":0,"wrong":0}}]"#);
    ensure!(answer.as_str() == right, "the server got {answer}");
    Ok(report)
}

async fn trip(port: u16, count: u64, size: usize) -> Result<Report> {
    let mut client = Client::connect(port).await?;
    let content = Content::text(size);
    let mut trips = Vec::with_capacity(count as usize);
    let span = Span::begin();
    for number in 0..count {
        let packet = Utf8Bytes::try_from(Bytes::from([br#"42["echo",""#, &content.of(number)[..], br#""]"#].concat()))?;
        let begin = Instant::now();
        client.say(packet.clone()).await?;
        let echo = client.text().await?;
        trips.push(begin.elapsed().as_secs_f64() * 1e6);
        ensure!(echo == packet, "echo {number} is {echo}");
    }
    let mut report = span.end(count)?;
    report.add_trips(trips);
    Ok(report)
}

async fn pair(port: u16, count: u64, size: usize) -> Result<Report> {
    let mut client = Client::connect(port).await?;
    let content = Content::text(size);
    let mut trips = Vec::with_capacity(count as usize);
    let span = Span::begin();
    for number in 0..count {
        let text = String::from_utf8(content.of(number))?;
        let second = format!(r#"42["second","{text}"]"#);
        let begin = Instant::now();
        client.say(format!(r#"42["first","{text}"]"#)).await?;
        client.say(second.clone()).await?;
        let echo = client.text().await?;
        trips.push(begin.elapsed().as_secs_f64() * 1e6);
        ensure!(echo.as_str() == second, "echo {number} is {echo}");
    }
    let mut report = span.end(count)?;
    report.add_trips(trips);
    Ok(report)
}

async fn connect(port: u16, count: u64) -> Result<Report> {
    let mut times = Vec::new();
    let span = Span::begin();
    for _ in 0..count {
        let begin = Instant::now();
        let client = Client::connect(port).await?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
        client.close().await?;
    }
    let mut report = span.end(count)?;
    report.add_connects(times);
    Ok(report)
}

async fn idle(port: u16, count: u64) -> Result<Report> {
    allow_many_files();
    let span = Span::begin();
    sleep(QUIET).await;
    let none = memory()?;
    let mut clients = vec![Client::connect(port).await?];
    sleep(QUIET).await;
    let one = memory()?;
    while (clients.len() as u64) < count {
        clients.push(Client::connect(port).await?);
    }
    sleep(QUIET).await;
    let all = memory()?;
    let cpu = cpu_seconds();
    sleep(QUIET).await;
    let idle_cpu = (cpu_seconds() - cpu) * 1e6 / QUIET.as_secs_f64();
    let mut report = span.end(clients.len() as u64)?;
    report.add_idle(none, one, all, idle_cpu);
    Ok(report)
}
