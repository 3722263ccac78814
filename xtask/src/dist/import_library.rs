//! What programs on Windows link against: the names of the functions and of the library.

use std::fs;

use anyhow::Result;

use super::build;
use super::pack::File;
use super::target::{System, Target};
use super::zig;
use crate::process;
use crate::repository;
use crate::steps::exports;

/// The same file under the name that each linker looks for. Zig's dlltool writes the short form of Microsoft's, which the
/// linkers of GNU and LLVM read as well; that of MinGW writes small objects, which Microsoft's linker reads with warnings.
const NAMES: [&str; 2] = ["lib/socketio_plugin.lib", "lib/libsocketio_plugin.dll.a"];

/// The import libraries, where there are such things.
pub fn files(target: &Target) -> Result<Vec<File>> {
    if target.system != System::Windows {
        return Ok(Vec::new());
    }
    let folder = build::folder().join(target.triple);
    let definition = folder.join("socketio_plugin.def");
    let functions = exports::declared(&repository::read("include/socketio_plugin.h")?);
    let functions: Vec<String> = functions.into_iter().collect();
    fs::write(&definition, format!("LIBRARY {}\nEXPORTS\n{}\n", target.library(), functions.join("\n")))?;
    let library = folder.join("import.lib");
    let mut dlltool = zig::command("dlltool");
    dlltool.args(["-m", "i386:x86-64", "-d"]).arg(&definition).arg("-l").arg(&library);
    process::run(dlltool)?;
    let content = fs::read(&library)?;
    Ok(NAMES.map(|name| File::new(name, content.clone())).into())
}
