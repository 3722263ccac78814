//! What an archive holds.

use std::fs;

use anyhow::{Context, Result};

use super::build::Built;
use super::pack::File;
use super::target::{self, System, Target};
use super::toolchain::Toolchain;
use super::{import_library, linked, manifest, sbom};
use crate::repository::{self, root};
use crate::{html, licences, process};

const CONFIG: &str = include_str!("templates/SocketIOPluginConfig.cmake");
const CONFIG_VERSION: &str = include_str!("templates/SocketIOPluginConfigVersion.cmake");
const PKG_CONFIG: &str = include_str!("templates/socketio-plugin.pc");
const README: &str = include_str!("templates/README.txt");

/// Files that go along as they are.
const COPIED: &[&str] = &[
    "plugin.json",
    "include/socketio_plugin.h",
    "include/socketio_plugin.hpp",
    "LICENSE",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];

/// The folder of the examples, here and there.
const EXAMPLES: (&str, &str) = ("examples_c", "examples");

/// The files of the archive, the manifest among them.
pub fn collect(target: &Target, toolchain: &Toolchain, built: &Built, epoch: u64) -> Result<Vec<File>> {
    let library = fs::read(&built.library)?;
    let mut files = vec![File::new("README.txt", filled(README, target))];
    for path in COPIED {
        files.push(File::new(*path, repository::read(path)?));
    }
    files.push(File::new(sbom::NAME, sbom::of(target, toolchain, &library, epoch)?));
    files.push(File { executable: target.system == System::Linux, ..File::new(target.library(), library) });
    files.extend(import_library::files(target)?);
    let cmake = "lib/cmake/SocketIOPlugin";
    files.push(File::new(format!("{cmake}/SocketIOPluginConfig.cmake"), filled(CONFIG, target)));
    files.push(File::new(format!("{cmake}/SocketIOPluginConfigVersion.cmake"), filled(CONFIG_VERSION, target)));
    files.push(File::new("lib/pkgconfig/socketio-plugin.pc", filled(PKG_CONFIG, target)));
    let (texts, _) = licences::collect(target.triple, &toolchain.parts(target.triple)?, linked::packages(target)?)?;
    files.push(File::new("licences/THIRD_PARTY_LICENCES.txt", texts));
    files.extend(html::pages()?.into_iter().map(|page| File::new(page.path, page.content)));
    files.extend(examples()?);
    let manifest = manifest::of(&files);
    files.push(manifest);
    Ok(files)
}

/// The files of the archive with the debug symbols. It unpacks into the same folder: debuggers look beside the library.
pub fn symbols(built: &Built) -> Result<Vec<File>> {
    let name = built.symbols.file_name().context("the symbols have a name")?.to_string_lossy().into_owned();
    Ok(vec![File::new(name, fs::read(&built.symbols)?)])
}

/// A template with what is the target's own.
fn filled(template: &str, target: &Target) -> String {
    let version = target::version();
    let mut numbers = version.split('.');
    let windows = target.system == System::Windows;
    let link = match windows {
        // Microsoft's linker and MinGW's look for different names; the format is the same.
        true => "        IMPORTED_IMPLIB \"${SocketIOPlugin_FOLDER}/lib/socketio_plugin.lib\"\n",
        false => "        IMPORTED_SONAME \"libsocketio_plugin.so\"\n",
    };
    let needs = match windows {
        true => "It needs Windows 10 or newer on a 64-bit PC, and nothing else.\n",
        false => "It needs Linux with the GNU C library, version 2.17 or newer, and nothing else.\n",
    };
    let [_, debug] = target.archives();
    [
        ("@VERSION@", version),
        ("@MAJOR@", numbers.next().unwrap_or_default()),
        ("@MINOR@", numbers.next().unwrap_or_default()),
        ("@NAME@", target.name),
        ("@TARGET@", target.triple),
        ("@LIBRARY@", target.library()),
        ("@SYSTEM@", if windows { "Windows" } else { "Linux" }),
        ("@PROCESSORS@", &target.processors.join("|")),
        ("@PROCESSOR@", target.processors[0]),
        ("@LINK@", link),
        ("@LIBDIR@", if windows { "/lib" } else { "" }),
        (
            "@IMPORT@",
            if windows { ",\n      import libraries for Microsoft's linker (.lib) and MinGW's (.dll.a)" } else { "" },
        ),
        ("@NEEDS@", needs),
        ("@DEBUG@", &debug),
    ]
    .iter()
    .fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// The examples, as they are built beside an unpacked library: what the repository has of them, not what was built there.
fn examples() -> Result<Vec<File>> {
    let (here, there) = EXAMPLES;
    let mut git = process::command("git");
    git.args(["ls-files", "-z", "--", here]);
    let names = process::run(git).context("git tells which files are examples")?;
    let mut found = Vec::new();
    for name in names.split_terminator('\0') {
        let mut content = fs::read(root().join(name)).with_context(|| format!("reading {name}"))?;
        if name.ends_with(".md") {
            content = html::for_archive(std::str::from_utf8(&content)?).into_bytes();
        }
        found.push(File::new(name.replacen(here, there, 1), content));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::target::TARGETS;

    #[test]
    fn templates_are_filled_for_each_target() {
        for target in TARGETS {
            for template in [CONFIG, CONFIG_VERSION, PKG_CONFIG, README] {
                let text = filled(template, target);
                assert!(!text.split_whitespace().any(|word| word.starts_with('@') && word.ends_with('@')), "{text}");
                assert!(!text.contains("@VERSION@") && !text.contains("@LIBRARY@"), "{text}");
            }
        }
    }

    #[test]
    fn examples_go_along_as_sources() {
        // As a build leaves it there.
        let built = root().join("examples_c/build");
        fs::create_dir_all(&built).unwrap();
        let planted = built.join(format!("planted-{}", std::process::id()));
        fs::write(&planted, "").unwrap();
        let examples = examples().unwrap();
        fs::remove_file(planted).unwrap();
        let paths: Vec<&str> = examples.iter().map(|file| file.path.as_str()).collect();
        for there in ["examples/02_send_and_receive.c", "examples/Makefile", "examples/studio/main.c"] {
            assert!(paths.contains(&there), "{there}");
        }
        assert!(!paths.iter().any(|path| path.contains("/build/")), "{paths:?}");
        for file in examples.iter().filter(|file| file.path.ends_with(".md")) {
            assert!(!String::from_utf8_lossy(&file.content).contains("cargo "), "{}", file.path);
        }
    }
}
