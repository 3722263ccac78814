//! What an archive is made for.

use crate::steps::machine::Machine;

/// The newest C library that the Linux builds may ask for: that of distributions from 2014 on.
pub const GLIBC: &[u32] = &[2, 17];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum System {
    Linux,
    Windows,
}

/// A target: there is one archive for each.
pub struct Target {
    /// As compilers name it, and the archive.
    pub triple: &'static str,
    /// As people name it, and the steps.
    pub name: &'static str,
    pub system: System,
    /// All the names that CMake knows its processor by.
    pub processors: &'static [&'static str],
}

pub const TARGETS: &[Target] = &[
    Target {
        triple: "x86_64-unknown-linux-gnu",
        name: "Linux PC",
        system: System::Linux,
        processors: &["x86_64", "AMD64", "amd64"],
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        name: "Linux ARM",
        system: System::Linux,
        processors: &["aarch64", "arm64", "ARM64"],
    },
    Target {
        triple: "x86_64-pc-windows-gnu",
        name: "Windows",
        system: System::Windows,
        processors: &["x86_64", "AMD64", "amd64"],
    },
];

impl Target {
    pub fn by_triple(triple: &str) -> Option<&'static Target> {
        TARGETS.iter().find(|target| target.triple == triple)
    }

    /// What runs its programs here, if anything can.
    pub fn machine(&self) -> Option<Machine> {
        let of_this_machine = self.triple.starts_with(std::env::consts::ARCH);
        match self.system {
            System::Linux if of_this_machine => Some(Machine::Native),
            System::Linux if self.triple.starts_with("aarch64") => Some(Machine::Aarch64),
            System::Windows if of_this_machine => Some(Machine::Windows),
            _ => None,
        }
    }

    /// The name of the library's file, in the archive as in `plugin.json`.
    pub fn library(&self) -> &'static str {
        match self.system {
            System::Linux => "libsocketio_plugin.so",
            System::Windows => "socketio_plugin.dll",
        }
    }

    /// The folder that an archive of this version unpacks to.
    pub fn folder(&self) -> String {
        format!("socketio-plugin-{}-{}", version(), self.triple)
    }

    /// The archive that a user downloads, in a form that every system opens, and the one with the debug symbols, in one
    /// that is smaller.
    pub fn archives(&self) -> [String; 2] {
        let kind = if self.system == System::Windows { "zip" } else { "tar.gz" };
        [format!("{}.{kind}", self.folder()), format!("{}-debug.tar.xz", self.folder())]
    }
}

/// The version of the release, which the descriptor has from Cargo.toml.
pub fn version() -> &'static str {
    socketio_plugin::descriptor::PLUGIN.version
}
