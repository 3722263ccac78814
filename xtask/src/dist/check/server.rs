//! The official server, for a program of the archive to talk to.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;
use crate::repository;

/// It ends with this value, when its stdin closes.
pub struct Server {
    process: Child,
    pub url: String,
}

impl Server {
    pub fn start() -> Result<Server> {
        let mut command = process::command("node");
        command.arg(repository::root().join("tests/server/server.js")).args(["0", "{}"]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting node")?;
        let mut reports = BufReader::new(process.stdout.take().context("its stdout is piped")?).lines();
        let ready = reports.next().context("the test server ended")??;
        let report: Value = serde_json::from_str(ready.strip_prefix("ready ").context("no report of being ready")?)?;
        let port = report["port"].as_u64().context("the report tells no port")?;
        // Reads on, so that the server never waits for us.
        std::thread::spawn(move || reports.for_each(drop));
        Ok(Server { process, url: format!("http://127.0.0.1:{port}") })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
