//! What programs in C run on: this machine as it is, an ARM board as qemu makes it, Windows as Wine makes it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::repository;
use crate::steps::tools;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Machine {
    Native,
    Aarch64,
    Windows,
}

/// Programs of the harness that are about what Windows does not have, or has otherwise, and why.
const POSIX_ONLY: &[(&str, &str)] = &[
    ("compat_host", "loads the library by itself, with dlopen"),
    ("load_quiet", "looks at signals, descriptors and limits, as POSIX has them"),
    ("load_stuck", "puts its own open in the place of libc's"),
    ("load_turns", "puts its own connect in the place of libc's"),
    ("misuse_memory", "puts its own malloc in the place of libc's"),
    ("misuse_process", "forks, and sends signals"),
    ("misuse_resources", "limits what POSIX limits"),
    ("misuse_shortage", "puts its own malloc in the place of libc's"),
    ("planted_bugs", "is for tools that watch programs on Linux"),
];
/// Programs of the harness that are about what only Windows has.
const WINDOWS_ONLY: &[&str] = &["api_windows"];

const QEMU: &str = "qemu-aarch64-static";
/// Where Debian's package wine64 puts it.
const WINE: &str = "/usr/lib/wine/wine64";
/// The system library that Wine lacks before version 9, as a source; it lies beside the programs when it is built.
const STAND_IN: &str = "tests/windows/bcryptprimitives.c";

impl Machine {
    /// What is not installed of what it needs, and how to get it.
    pub fn missing(self) -> Option<String> {
        let compiler = self.compiler();
        let there = |file: &str| Path::new(file).is_file();
        // What has to be there, whether it is, and the Debian package that has it.
        let needed = match self {
            Machine::Native => vec![(compiler, process::find(compiler).is_some(), "gcc")],
            Machine::Aarch64 => vec![
                (compiler, process::find(compiler).is_some(), "gcc-aarch64-linux-gnu"),
                ("the C library for ARM", there("/usr/aarch64-linux-gnu/include/stdio.h"), "libc6-dev-arm64-cross"),
                (QEMU, process::find(QEMU).is_some(), "qemu-user-static"),
            ],
            Machine::Windows => vec![
                (compiler, process::find(compiler).is_some(), "gcc-mingw-w64-x86-64-win32"),
                ("Wine", wine().is_some(), "wine64"),
            ],
        };
        let missing: Vec<_> = needed.into_iter().filter(|(_, is_there, _)| !is_there).collect();
        let names: Vec<&str> = missing.iter().map(|(name, ..)| *name).collect();
        let packages: Vec<&str> = missing.iter().map(|(.., package)| *package).collect();
        let text = format!("missing: {}; install the Debian packages {}", names.join(", "), packages.join(" "));
        (!missing.is_empty()).then_some(text)
    }

    /// The C compiler whose programs run there.
    pub fn compiler(self) -> &'static str {
        match self {
            Machine::Native => tools::compilers().first().map_or("gcc", |(name, _)| name),
            Machine::Aarch64 => "aarch64-linux-gnu-gcc",
            Machine::Windows => "x86_64-w64-mingw32-gcc",
        }
    }

    /// What a program is compiled with.
    pub fn compiler_flags(self) -> &'static [&'static str] {
        match self {
            Machine::Windows => {
                // Strict C hides what Windows adds to its headers; and it has two printfs, of which one knows C99.
                &["-std=gnu99", "-D__USE_MINGW_ANSI_STDIO=1", "-D_WIN32_WINNT=0x0A00"]
            }
            _ => &["-std=c99"],
        }
    }

    /// What a program is linked with.
    pub fn linker_flags(self) -> &'static [&'static str] {
        match self {
            // Without libraries of the compiler's own that would have to lie beside it.
            Machine::Windows => &["-static", "-pthread", "-lws2_32"],
            _ => &["-rdynamic", "-pthread", "-ldl"],
        }
    }

    /// The ending of a program's name.
    pub fn suffix(self) -> &'static str {
        if self == Machine::Windows { ".exe" } else { "" }
    }

    /// Whether a source of the harness, by its name without the ending, is for this machine.
    pub fn has(self, source: &str) -> bool {
        if self == Machine::Windows {
            !source.ends_with("_posix") && !POSIX_ONLY.iter().any(|(name, _)| *name == source)
        } else {
            !source.ends_with("_windows") && !WINDOWS_ONLY.contains(&source)
        }
    }

    /// How many times longer things take there.
    pub fn slowdown(self) -> u32 {
        match self {
            Machine::Native => 1,
            Machine::Aarch64 => 4,
            Machine::Windows => 2,
        }
    }

    /// A command that runs one of its programs, after what else is to stand before it.
    pub fn command(self, launcher: &[OsString], program: &Path) -> Command {
        let own: Vec<OsString> = match self {
            Machine::Native => Vec::new(),
            Machine::Aarch64 => vec![QEMU.into(), "-L".into(), "/usr/aarch64-linux-gnu".into()],
            Machine::Windows => vec![wine().unwrap_or(WINE.into()).into()],
        };
        let mut words = launcher.iter().cloned().chain(own).chain([program.as_os_str().to_owned()]);
        let mut command = process::command(words.next().unwrap_or_default());
        command.args(words);
        match self {
            Machine::Native => {}
            // qemu has a thread of its own in each process.
            Machine::Aarch64 => drop(command.env("SOCKETIO_TEST_FOREIGN_THREADS", "1")),
            Machine::Windows => as_windows(&mut command),
        }
        command
    }

    /// How a program there names a file of this machine.
    pub fn path(self, path: &Path) -> OsString {
        let mut name = OsString::from(if self == Machine::Windows { "Z:" } else { "" });
        name.push(path);
        name
    }

    /// Makes a folder ready for programs that are to run from it.
    pub fn prepare(self, folder: &Path) -> Result<()> {
        if self != Machine::Windows {
            return Ok(());
        }
        let mut command = process::command(self.compiler());
        command.args(["-std=gnu99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-shared", STAND_IN, "-o"]);
        command.arg(folder.join("bcryptprimitives.dll")).args(["-static", "-ladvapi32"]);
        process::run(command)?;
        if !prefix().exists() {
            fs::create_dir_all(repository::target())?;
            // The first program would print that its configuration is made.
            let mut command = process::command(wine().context("Wine is missing")?);
            command.args(["wineboot", "--init"]);
            as_windows(&mut command);
            process::run(command)?;
        }
        Ok(())
    }
}

fn wine() -> Option<PathBuf> {
    process::find("wine64").or(Some(WINE.into()).filter(|path: &PathBuf| path.is_file()))
}

/// What Wine keeps as drive C:, its registry and its settings.
fn prefix() -> PathBuf {
    repository::target().join("wine")
}

/// Wine says nothing itself, asks for nothing, has no screen, and takes names of files for UTF-8.
fn as_windows(command: &mut Command) {
    command.env("WINEPREFIX", prefix()).env("WINEDEBUG", "-all").env("WINEDLLOVERRIDES", "mscoree,mshtml=");
    command.env("LC_ALL", "C.UTF-8").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_has_the_sources_that_are_for_it() {
        for (source, native, windows) in [
            ("harness", true, true),
            ("harness_posix", true, false),
            ("harness_windows", false, true),
            ("api_events", true, true),
            ("api_windows", false, true),
            ("misuse_process", true, false),
        ] {
            assert_eq!((Machine::Native.has(source), Machine::Windows.has(source)), (native, windows), "{source}");
        }
    }

    #[test]
    fn wine_has_the_root_as_a_drive() {
        assert_eq!(Machine::Windows.path(Path::new("/a b/c.dll")), "Z:/a b/c.dll");
        assert_eq!(Machine::Aarch64.path(Path::new("/a b/c.so")), "/a b/c.so");
    }

    #[test]
    fn what_is_left_out_is_there_elsewhere() {
        let there = |name: &str| repository::root().join("tests/c").join(format!("{name}.c")).is_file();
        for name in POSIX_ONLY.iter().map(|(name, _)| name).chain(WINDOWS_ONLY) {
            assert!(there(name), "{name}");
        }
    }
}
