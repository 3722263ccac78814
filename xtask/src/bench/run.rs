//! One run: a server of its own, a driver, and what the driver told.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::peers::Driver;
use super::works::{Fields, Work};
use crate::process::{self, Group};

/// What the server is told by to do something wrong.
const FAULT: &str = "LOAD_SERVER_FAULT";
/// How long the server may take to begin.
const BEGIN: Duration = Duration::from_secs(10);

/// How programs are run.
pub struct Manner {
    /// Goes before each program.
    pub priority: Vec<OsString>,
    /// Go before server and driver where a work has a processor for each.
    pub apart: Option<(Vec<OsString>, Vec<OsString>)>,
    pub limit: Duration,
    /// What the server does wrong on purpose.
    pub fault: Option<String>,
    /// Where output goes. A run is the only one that uses it.
    pub folder: PathBuf,
}

/// Runs a driver through a work. An error says all that was said.
pub fn run(server: &Path, driver: &Driver, work: &Work, count: u64, manner: &Manner) -> Result<Fields> {
    fs::create_dir_all(&manner.folder)?;
    let log = |name: &str| manner.folder.join(name);
    let logged = |name: &str| fs::read_to_string(log(name)).unwrap_or_default();
    let ran = process::runtime().block_on(async {
        let (before_server, before_driver) = match &manner.apart {
            Some((server, driver)) if work.pinned => (server.as_slice(), driver.as_slice()),
            _ => (&[][..], &[][..]),
        };
        let mut command = launched(&[&manner.priority, before_server], server);
        if let Some(fault) = &manner.fault {
            command.env(FAULT, fault);
        }
        // The server ends with its stdin, should this program be killed.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(log("server"))?);
        let mut server = tokio::process::Command::from(command).process_group(0).spawn()?;
        let _server_group = Group::of(&server);
        let stdout = server.stdout.take().context("the server has a stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(BEGIN, lines.next_line()).await.context("the server did not begin")??;
        let port: u16 = line
            .as_deref()
            .and_then(|line| line.strip_prefix("listening ")?.trim().parse().ok())
            .with_context(|| format!("the server said {line:?} in place of its port"))?;

        let mut command = launched(&[&manner.priority, before_driver], &driver.program);
        command.args(&driver.arguments).arg(driver.peer.driver_work(work));
        command.args([port.to_string(), count.to_string(), work.size.to_string()]).envs(driver.environment);
        command.stdin(Stdio::null()).stdout(File::create(log("stdout"))?).stderr(File::create(log("stderr"))?);
        let mut child = tokio::process::Command::from(command).process_group(0).spawn()?;
        let _group = Group::of(&child);
        let ended = tokio::time::timeout(manner.limit, child.wait()).await;
        let status = ended.with_context(|| format!("it did not end within {} s", manner.limit.as_secs()))??;
        ensure!(status.success(), "{status}");
        anyhow::Ok(())
    });
    let read = ran.and_then(|()| read(&logged("stdout"), work, count));
    read.or_else(|error| {
        let said: String = [("it said", "stderr"), ("it printed", "stdout"), ("the server said", "server")]
            .iter()
            .map(|(who, name)| (who, logged(name)))
            .filter(|(_, text)| !text.trim().is_empty())
            .map(|(who, text)| format!("\n{who}: {}", text.trim_end()))
            .collect();
        bail!("{error:#}{said}")
    })
}

/// A program, behind those that set how it runs.
fn launched(launchers: &[&[OsString]], program: &Path) -> Command {
    let mut words = launchers.iter().copied().flatten().cloned().chain([program.into()]);
    let mut command = process::command(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// The one line of JSON of a driver. Numbers count; other fields are for whoever runs it by hand.
fn read(stdout: &str, work: &Work, count: u64) -> Result<Fields> {
    let value: Value = serde_json::from_str(stdout).context("it printed no single line of JSON")?;
    let object = value.as_object().context("it printed JSON that is no object")?;
    let numbers = object.iter().filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
    let fields: Fields = numbers.collect();
    match work.objection(&fields, count) {
        Some(objection) => bail!("{objection}"),
        None => Ok(fields),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::bench::peers::PEERS;

    const GOOD: &str = r#"{"events":10,"seconds":0.5,"cpu_seconds":0.1,"peak_rss_kib":900}"#;

    /// A run with scripts in place of server and driver.
    fn scripts(server: &str, driver: &str, limit: Duration) -> Result<Fields> {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("bench-run-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let script = folder.join("server.sh");
        fs::write(&script, server)?;
        let driver = Driver {
            peer: &PEERS[0],
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), driver.into()],
            environment: None,
        };
        let work = Work { fields: &[], ..*Work::named("trip").unwrap() };
        let apart = Some((vec!["/bin/sh".into()], Vec::new()));
        let manner = Manner { priority: Vec::new(), apart, limit, fault: None, folder: folder.clone() };
        let ran = run(&script, &driver, &work, 10, &manner);
        fs::remove_dir_all(folder)?;
        ran
    }

    const SERVER: &str = "echo listening 1234; cat";

    #[test]
    fn a_driver_is_given_its_work_and_read() {
        let driver = format!("[ \"$0 $1 $2 $3\" = 'trip 1234 10 32' ] && echo '{GOOD}'");
        let fields = scripts(SERVER, &driver, Duration::from_secs(20)).unwrap();
        assert_eq!(fields["seconds"], 0.5);
    }

    #[test]
    fn a_driver_that_fails_is_quoted() {
        let error = scripts(SERVER, "echo event 7 twice >&2; exit 1", Duration::from_secs(20)).unwrap_err().to_string();
        assert!(error.contains("exit status: 1") && error.contains("it said: event 7 twice"), "{error}");
    }

    #[test]
    fn a_driver_that_tells_too_little_has_failed() {
        let error = scripts(SERVER, "echo '{\"events\":10}'", Duration::from_secs(20)).unwrap_err().to_string();
        assert!(error.starts_with("it does not tell seconds"), "{error}");
        let error = scripts(SERVER, "echo all is well", Duration::from_secs(20)).unwrap_err().to_string();
        assert!(error.starts_with("it printed no single line of JSON"), "{error}");
        assert!(error.contains("it printed: all is well"), "{error}");
    }

    #[test]
    fn a_driver_that_hangs_is_ended() {
        let error = scripts(SERVER, "echo still here >&2; sleep 100", Duration::from_millis(300)).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("it did not end within 0 s") && error.contains("still here"), "{error}");
    }

    #[test]
    fn a_server_that_says_no_port_is_told() {
        let error = scripts("echo no port is free", "exit 0", Duration::from_secs(20)).unwrap_err().to_string();
        assert!(error.contains("the server said Some(\"no port is free\")"), "{error}");
    }
}
