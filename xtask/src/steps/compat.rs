//! A header of another time and this library: hosts that were built with older and with newer headers work.
//!
//! There is one version of the interface so far, 1.0, so its neighbours are derived from it: a header whose growable
//! structs end earlier and which lacks functions, and one whose growable structs go on and which has a function more.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::report::Outcome;
use crate::repository;
use crate::steps::cases::Run;
use crate::steps::harness::{self, Build, Selection};

const PROGRAM: &str = "compat_host";
const HEADER: &str = "include/socketio_plugin.h";

/// Where growable structs of the older header end: before this field. What is not listed has nothing that a host can do
/// without.
const SHORTER: &[(&str, &str)] = &[
    ("socketio_field_desc_t", "unit"),
    ("socketio_node_desc_t", "outputs"),
    ("socketio_plugin_desc_t", "connection_fields"),
    ("socketio_host_t", "log"),
    ("socketio_connection_info_t", "last_error"),
    ("socketio_node_result_t", "outputs"),
    ("socketio_event_batch_t", "dropped"),
];
/// Functions that the older header lacks.
const FEWER: &[&str] =
    &["socketio_event_wait", "socketio_event_wake_handle", "socketio_set_log_level", "socketio_settings_check"];

pub fn step(library: &Path) -> Result<Outcome> {
    let header = repository::read(HEADER)?;
    let mut outcome = Outcome::default();
    for (name, derived) in [("older", older(&header)?), ("newer", newer(&header)?)] {
        let file = folder().join(format!("{name}.h"));
        fs::create_dir_all(folder())?;
        fs::write(&file, derived)?;
        let build = || Build {
            folder: if name == "older" { "compat/older" } else { "compat/newer" },
            compiler_flags: vec![format!("-DOTHER_HEADER=\"{}\"", file.display()).into()],
            ..Build::plain()
        };
        let built = harness::build_as(&build(), |program| program == PROGRAM)?;
        if !built.failed.is_empty() {
            return Ok(built);
        }
        let wanted = |run: &Run| run.program == PROGRAM;
        let library = library.to_path_buf();
        let ran = harness::run(Selection { build: build(), library, filter: None, wanted: &wanted, rounds: 1 })?;
        outcome.passed += ran.passed;
        for mut case in ran.failed {
            case.name = format!("{name} header: {}", case.name);
            outcome.failed.push(case);
        }
    }
    outcome.note = "an older and a newer one, derived from ABI 1.0, the only one so far".to_owned();
    Ok(outcome)
}

fn folder() -> PathBuf {
    repository::target().join("compat")
}

/// The header with shorter structs and fewer functions.
fn older(header: &str) -> Result<String> {
    let mut text = header.to_owned();
    for (name, field) in SHORTER {
        let (start, end) = fields(&text, name)?;
        let body = &text[start..end];
        let line = body.lines().find(|line| declares(line, field));
        let line = line.with_context(|| format!("{name} has no field {field}"))?;
        let cut = start + body.find(line).expect("it is a line of it");
        // A comment before the field stays: it says nothing to a compiler.
        text.replace_range(cut..end, "");
    }
    for function in FEWER {
        let declaration =
            text.lines().find(|line| line.starts_with("SOCKETIO_API") && line.contains(&format!(" {function}(")));
        let declaration = declaration.with_context(|| format!("there is no function {function}"))?.to_owned();
        text = text.replace(&declaration, "");
    }
    marked(&text, "HEADER_IS_OLDER")
}

/// The header with longer structs, one more function, and the next minor version.
fn newer(header: &str) -> Result<String> {
    let mut text = header.to_owned();
    for name in growable(header) {
        let (_, end) = fields(&text, &name)?;
        text.insert_str(end, "  uint64_t later;\n  uint64_t still_later;\n");
    }
    let end = "#ifdef __cplusplus\n} /* extern";
    let function = "SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_later(uint32_t what);\n";
    text = replaced(&text, end, &format!("{function}{end}"))?;
    let version = socketio_plugin::abi::types::SOCKETIO_ABI_VERSION;
    let line = |version: u32| format!("#define SOCKETIO_ABI_VERSION {version}\n");
    text = replaced(&text, &line(version), &line(version + 1))?;
    marked(&text, "HEADER_IS_NEWER")
}

/// Defines a macro by which the host knows what it is built with.
fn marked(header: &str, mark: &str) -> Result<String> {
    let guard = "#define SOCKETIO_PLUGIN_H\n";
    replaced(header, guard, &format!("{guard}#define {mark}\n"))
}

fn replaced(text: &str, from: &str, to: &str) -> Result<String> {
    if text.matches(from).count() != 1 {
        bail!("{HEADER} has \"{}\" other than once", from.trim_end());
    }
    Ok(text.replace(from, to))
}

/// The structs that begin with their size.
fn growable(header: &str) -> Vec<String> {
    let begins = header.split("typedef struct ").skip(1);
    let growable = begins.filter_map(|text| text.split_once(" {\n  uint32_t struct_size;"));
    growable.map(|(name, _)| name).filter(|name| !name.contains('\n')).map(str::to_owned).collect()
}

/// Where the fields of a struct begin and end.
fn fields(header: &str, name: &str) -> Result<(usize, usize)> {
    let begin = format!("typedef struct {name} {{\n");
    let start = header.find(&begin).with_context(|| format!("there is no struct {name}"))? + begin.len();
    let len = header[start..].find(&format!("}} {name};")).with_context(|| format!("{name} has no end"))?;
    Ok((start, start + len))
}

/// Whether this line declares a field: a plain one, or a pointer to a function.
fn declares(line: &str, field: &str) -> bool {
    let code = line.trim_end();
    let ends = [format!(" {field};"), format!("*{field};")];
    ends.iter().any(|end| code.ends_with(end.as_str())) || code.contains(&format!("*{field})("))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_growable_struct_of_the_newer_header_is_longer() {
        let header = repository::read(HEADER).unwrap();
        let names = growable(&header);
        assert!(names.len() > 8 && names.iter().any(|name| name == "socketio_host_t"), "{names:?}");
        assert!(!names.iter().any(|name| name == "socketio_value_t"));
        let newer = newer(&header).unwrap();
        assert_eq!(newer.matches("  uint64_t later;").count(), names.len());
        assert!(newer.contains("socketio_later(") && !newer.contains("SOCKETIO_ABI_VERSION 65536\n"));
    }

    #[test]
    fn the_older_header_lacks_what_is_listed() {
        let older = older(&repository::read(HEADER).unwrap()).unwrap();
        assert!(!older.contains("*wake)(") && !older.contains("uint64_t dropped;\n} socketio_event_batch_t"));
        assert!(!older.contains("SOCKETIO_API socketio_status_t SOCKETIO_CALL socketio_event_wait("));
        assert!(older.contains("const char *version;"));
    }

    #[test]
    fn fields_are_found_by_their_declaration() {
        assert!(declares("  const char *unit;", "unit"));
        assert!(declares("  void (SOCKETIO_CALL *log)(void *context, int record);", "log"));
        assert!(!declares("  uint32_t attempts;", "unit"));
    }
}
