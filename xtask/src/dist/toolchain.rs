//! The Rust compiler for a target: the installed one if it has the target's standard library, else Debian's, which builds
//! that from its sources.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::debian;
use super::target::{System, Target};
use super::zig;
use crate::licences::{self, StandardLibrary};
use crate::process;
use crate::steps::tools;

/// The C compiler for Windows, which also links.
pub const MINGW: &str = "x86_64-w64-mingw32-gcc";

pub struct Toolchain {
    /// What cargo and rustc find in their environment.
    pub environment: Vec<(&'static str, OsString)>,
    rustc: PathBuf,
    /// Its version, such as `1.95.0`.
    pub version: String,
    /// Where the standard library's sources lie that are built along, if it is not there ready to be linked.
    pub standard_library: Option<PathBuf>,
}

impl Toolchain {
    /// All that builds for the target; the tools that can be fetched are fetched. Else one line on what is missing.
    pub fn of(target: &Target) -> Result<Toolchain, String> {
        if let Some(missing) = tools::missing("python3") {
            return Err(missing);
        }
        // On Linux, Zig's compiler does it.
        if target.system == System::Windows && process::find(MINGW).is_none() {
            return Err(format!("{MINGW} is missing: install the Debian package gcc-mingw-w64-x86-64-win32"));
        }
        let toolchain = Toolchain::installed(target).map_or_else(Toolchain::debian, Ok).map_err(|error| {
            let triple = target.triple;
            format!(
                "Rust's standard library for {triple} is missing: rustup target add {triple}; or {} ({error:#})",
                debian::ADVICE
            )
        })?;
        zig::install().map_err(|error| format!("{error:#}"))?;
        Ok(toolchain)
    }

    /// The compiler that runs this tool, if it has the target's standard library.
    fn installed(target: &Target) -> Option<Toolchain> {
        let rustc = PathBuf::from("rustc");
        let toolchain = Toolchain { environment: Vec::new(), rustc, version: String::new(), standard_library: None };
        let libraries = toolchain.libraries(target.triple).ok().filter(|folder| folder.is_dir())?;
        // An empty folder is no standard library.
        libraries.read_dir().ok()?.next()?.ok()?;
        toolchain.with_version().ok()
    }

    fn debian() -> Result<Toolchain> {
        Toolchain::unpacked(&debian::rust()?)
    }

    /// The same toolchain, in the build folder of a copy of this repository: cargo names what it builds by where it lies from
    /// there on, the standard library too.
    pub fn in_copy(&self, repository: &Path) -> Result<Option<Toolchain>> {
        match self.standard_library {
            Some(_) => Toolchain::unpacked(&debian::link_into(repository)?).map(Some),
            None => Ok(None),
        }
    }

    /// Debian's compiler in its folder.
    fn unpacked(root: &Path) -> Result<Toolchain> {
        let libraries = root.join("lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
        let rustc = root.join("bin/rustc");
        let environment = vec![
            ("RUSTC", rustc.clone().into_os_string()),
            ("RUSTDOC", root.join("bin/rustdoc").into_os_string()),
            ("LD_LIBRARY_PATH", libraries.into_os_string()),
            // A released compiler builds its own standard library only if it is told so.
            ("RUSTC_BOOTSTRAP", "1".into()),
        ];
        let sources = root.join("lib/rustlib/src/rust/library");
        ensure!(sources.is_dir(), "rust-web-src has no sources of the standard library");
        Toolchain { environment, rustc, version: String::new(), standard_library: Some(sources) }.with_version()
    }

    fn with_version(self) -> Result<Toolchain> {
        let mut rustc = self.rustc();
        rustc.arg("--version");
        let said = process::run(rustc)?;
        let version = said.split(' ').nth(1).context("rustc tells no version")?;
        Ok(Toolchain { version: version.to_owned(), ..self })
    }

    pub fn rustc(&self) -> Command {
        let mut command = process::command(&self.rustc);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The folder with the standard library for a target, which need not be there.
    fn libraries(&self, triple: &str) -> Result<PathBuf> {
        let mut rustc = self.rustc();
        rustc.args(["--print", "target-libdir", "--target", triple]);
        Ok(PathBuf::from(process::run(rustc)?.trim()))
    }

    /// What the standard library consists of. What is built from the same sources consists of the same on each target: its
    /// parts are those of this machine.
    pub fn parts(&self, triple: &str) -> Result<StandardLibrary> {
        let parts = match self.standard_library {
            None => self.libraries(triple)?,
            Some(_) => {
                let mut rustc = self.rustc();
                rustc.args(["--print", "target-libdir"]);
                PathBuf::from(process::run(rustc)?.trim())
            }
        };
        Ok(StandardLibrary { version: self.version.clone(), parts })
    }
}

/// A tool of LLVM that rustup installs beside the compiler, and the folder of the libraries that it needs.
pub fn beside_rustc(tool: &str) -> Option<(PathBuf, PathBuf)> {
    let mut rustc = process::command("rustc");
    rustc.args(["--print", "sysroot"]);
    let sysroot = PathBuf::from(process::run(rustc).ok()?.trim());
    let tool = sysroot.join("lib/rustlib").join(licences::host().ok()?).join("bin").join(tool);
    tool.is_file().then(|| (tool, sysroot.join("lib")))
}
