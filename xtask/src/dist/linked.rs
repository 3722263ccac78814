//! What the C side adds to a library beside the packages of the lock file: the unwinder, and what C libraries always link
//! in. Their licences go along.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::target::{System, Target};
use super::zig;
use crate::licences::Package;

/// A part: its name, its licence, and the file with the text of that in the folder of Zig's libraries.
struct Part {
    name: &'static str,
    licence: &'static str,
    text: &'static str,
}

const LINUX: &[Part] = &[
    Part { name: "LLVM libunwind", licence: "Apache-2.0 WITH LLVM-exception", text: "libunwind/LICENSE.TXT" },
    Part { name: "Zig compiler-rt", licence: "MIT", text: "../LICENSE" },
    // The text is the comment at the head of a file, with the exception that lets it be linked into anything.
    Part {
        name: "GNU C Library, what is always linked in",
        licence: "LGPL-2.1-or-later WITH GNU-compiler-exception",
        text: "libc/glibc/io/stat-2.32.c",
    },
];

const WINDOWS: &[Part] = &[
    Part { name: "MinGW-w64 runtime", licence: "ZPL-2.1", text: "libc/mingw/COPYING" },
    Part { name: "GCC libgcc and unwinder", licence: "GPL-3.0-or-later WITH GCC-exception-3.1", text: "" },
];

const LIBGCC: &str = "\
The run-time library of GCC may be passed on as a part of a program under any terms, if the program was compiled
by GCC or by another compiler without parts of GCC's inner workings (GCC Runtime Library Exception 3.1).
Copyright (C) Free Software Foundation, Inc. https://gcc.gnu.org/onlinedocs/libstdc++/manual/license.html";

/// Each part with its licence.
pub fn names(target: &Target) -> Vec<(&'static str, &'static str)> {
    parts(target).iter().map(|part| (part.name, part.licence)).collect()
}

fn parts(target: &Target) -> &'static [Part] {
    match target.system {
        System::Linux => LINUX,
        System::Windows => WINDOWS,
    }
}

/// The parts as packages, with their texts.
pub fn packages(target: &Target) -> Result<Vec<Package>> {
    let folder = zig::sources()?;
    parts(target)
        .iter()
        .map(|part| {
            let text = if part.text.is_empty() { LIBGCC.to_owned() } else { text(&folder.join(part.text))? };
            let file = Path::new(part.text).file_name().unwrap_or("notice".as_ref()).to_string_lossy().into_owned();
            let licence = part.licence.to_owned();
            let name = part.name.to_owned();
            Ok(Package { name, stated: licence.clone(), taken: vec![licence], texts: vec![(file, text)] })
        })
        .collect()
}

/// A text, or the comment that a source begins with.
fn text(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let text = match text.strip_prefix("/*") {
        Some(rest) => rest.split_once("*/").context("a comment ends")?.0,
        None => &text,
    };
    Ok(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned())
}
