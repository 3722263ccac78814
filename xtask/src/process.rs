//! Runs other programs: quietly, with their output kept, and never leaving one behind.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::runtime::Runtime;

use crate::repository;

/// A program's end: how it exited, and what it printed to stdout and stderr, as one text in order.
pub struct Ended {
    pub status: ExitStatus,
    pub output: String,
}

/// A command in the repository's folder.
///
/// Cargo puts its own build folder into the search path of libraries. Nothing started here may find the plugin by
/// accident, and perhaps a debug build of it, so that entry is taken out again.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(repository::root());
    if let Some(paths) = std::env::var_os("LD_LIBRARY_PATH") {
        // With CARGO_TARGET_DIR, this program lies elsewhere.
        let program = std::env::current_exe().unwrap_or_default();
        let own: Vec<PathBuf> =
            program.ancestors().nth(2).map(Path::to_path_buf).into_iter().chain([repository::target()]).collect();
        let others = std::env::split_paths(&paths).filter(|path| !own.iter().any(|own| path.starts_with(own)));
        match std::env::join_paths(others) {
            Ok(paths) => command.env("LD_LIBRARY_PATH", paths),
            Err(_) => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
    command
}

/// The cargo that runs this program. It takes the versions of the lock file or fails: what is tested and what is built
/// for a release is the same everywhere. Commands that cargo only hands on, such as clippy, must be told themselves.
pub fn cargo() -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg("--locked");
    command
}

/// Runs a program to its end.
pub fn capture(mut command: Command) -> Result<Ended> {
    let name = command.get_program().to_string_lossy().into_owned();
    let (mut reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
    // The command holds our ends of the pipe: they must be closed before the end can be read.
    drop(command);
    let mut output = Vec::new();
    reader.read_to_end(&mut output)?;
    Ok(Ended { status: child.wait()?, output: String::from_utf8_lossy(&output).into_owned() })
}

/// Runs a program that has to succeed and gives what it printed.
pub fn run(command: Command) -> Result<String> {
    let line = shown(&command);
    let ended = capture(command)?;
    if !ended.status.success() {
        bail!("{line}: {}\n{}", ended.status, ended.output.trim_end());
    }
    Ok(ended.output)
}

/// The command line, with paths relative to the repository.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| repository::shown(Path::new(word))).collect();
    words.join(" ")
}

/// Where a program lies, if it is installed. Debian keeps servers where only root looks.
pub fn find(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&paths).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Process groups that must not outlive this program.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// A process group. Whatever is left of it is killed when this value goes.
pub struct Group(i32);

impl Group {
    /// Takes care of the group that this child leads.
    pub fn of(child: &tokio::process::Child) -> Option<Group> {
        let id = i32::try_from(child.id()?).ok()?;
        GROUPS.lock().expect("no holder panics").insert(id);
        Some(Group(id))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        GROUPS.lock().expect("no holder panics").remove(&self.0);
        kill(self.0);
    }
}

fn kill(group: i32) {
    if let Some(pid) = Pid::from_raw(group) {
        // An error says that nothing of it is left.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// The runtime for the commands that run several programs at once. From its first use on, Ctrl-C also ends their
/// process groups, which the terminal does not know.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("the system gives a thread");
        runtime.spawn(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                GROUPS.lock().expect("no holder panics").iter().copied().for_each(kill);
                std::process::exit(130);
            }
        });
        runtime
    });
    &RUNTIME
}
