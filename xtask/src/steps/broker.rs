//! Starts the servers for programs that can't start them: `tests/server/broker.js`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::process;

/// One that runs. It ends with this value, and with it all that it started.
pub struct Broker {
    child: Child,
    /// Where it listens, and the secret that each question to it begins with.
    pub address: String,
}

impl Broker {
    /// `variables` are what tells it where the servers are.
    pub fn start(node: &Path, variables: &[(&'static str, &Path)]) -> Result<Broker> {
        let mut command = process::command(node);
        command.arg("tests/server/broker.js").envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting the broker")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its stdout is a pipe")?).read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("ready ").context("the broker did not say where it listens")?;
        Ok(Broker { child, address: address.to_owned() })
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
