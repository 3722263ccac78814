//! The official server, a process for each run of a scenario.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The series that the comparison is about.
pub const VERSION: &str = "4.8";

pub struct Server {
    process: Child,
    pub url: String,
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(scenario: &str) -> Result<Server> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("server.js");
        let mut process = Command::new("node")
            .arg(script)
            .arg(scenario)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting `node`: install Node.js 18 or later")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("its output")?).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("the server did not start")?;
        if let Some(error) = ready["error"].as_str() {
            bail!("{error}");
        }
        let url = format!("http://127.0.0.1:{}", ready["port"]);
        let version = ready["version"].as_str().unwrap_or_default();
        ensure!(version.starts_with(VERSION), "socket.io {version} is installed, not {VERSION}");
        Ok(Server { process, url })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It holds nothing that a clean end would save.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
