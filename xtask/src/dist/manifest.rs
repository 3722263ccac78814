//! `MANIFEST`: every file of an archive with checksum, size and mode, a line each, so that a user, a script or a package of a
//! distribution can see whether a copy is whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::pack::File;

/// Its name. It does not name itself.
pub const NAME: &str = "MANIFEST";

const HEAD: &str = "# SHA-256, size in bytes, mode, name\n";

/// The SHA-256 of bytes, in hexadecimal digits.
pub fn sha256(content: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The manifest of these files, by name.
pub fn of(files: &[File]) -> File {
    let mut lines: Vec<(&str, String)> = files.iter().map(|file| (file.path.as_str(), line(file))).collect();
    lines.sort();
    File::new(NAME, HEAD.to_owned() + &lines.into_iter().map(|(_, line)| line).collect::<String>())
}

fn line(file: &File) -> String {
    format!("{} {} {:o} {}\n", sha256(&file.content), file.content.len(), file.mode(), file.path)
}

/// What is wrong with an unpacked archive: files that are missing, that nobody named, or that are others. The mode is that
/// of a file system that has modes.
pub fn differences(folder: &Path, with_modes: bool) -> Result<Vec<String>> {
    let text = fs::read_to_string(folder.join(NAME)).context("it has no MANIFEST")?;
    let mut named = read(&text)?;
    let mut wrong = Vec::new();
    for file in present(folder, with_modes)? {
        let found = line(&file);
        match named.remove(&file.path) {
            None if file.path == NAME => {}
            None => wrong.push(format!("{} is not in the MANIFEST", file.path)),
            Some(expected) if with_modes && expected != found.trim_end() => {
                wrong.push(format!("{}: \"{}\", and the MANIFEST says \"{expected}\"", file.path, found.trim_end()));
            }
            Some(expected) if expected.split(' ').take(2).ne(found.split(' ').take(2)) => {
                wrong.push(format!("{} is another file than in the MANIFEST", file.path));
            }
            Some(_) => {}
        }
    }
    wrong.extend(named.into_keys().map(|path| format!("{path} is missing")));
    Ok(wrong)
}

/// The lines by the names of their files.
fn read(text: &str) -> Result<BTreeMap<String, String>> {
    let mut named = BTreeMap::new();
    for line in text.strip_prefix(HEAD).context("the MANIFEST has another head")?.lines() {
        // A name may have spaces in it.
        let path = line.splitn(4, ' ').nth(3).with_context(|| format!("MANIFEST: what is \"{line}\"?"))?;
        if named.insert(path.to_owned(), line.to_owned()).is_some() {
            bail!("{path} stands twice in the MANIFEST");
        }
    }
    Ok(named)
}

/// Every file of a folder.
pub fn present(folder: &Path, with_modes: bool) -> Result<Vec<File>> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(&inner)? {
            let path = entry?.path();
            let kind = fs::symlink_metadata(&path)?;
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            if !kind.is_file() {
                bail!("{name} is no plain file");
            }
            let executable = with_modes && kind.permissions().mode() & 0o100 != 0;
            found.push(File { executable, ..File::new(name, fs::read(&path)?) });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files, which goes with it.
    struct Unpacked(std::path::PathBuf);

    impl Unpacked {
        fn new(name: &str, files: &[File]) -> Unpacked {
            let folder = std::env::temp_dir().join(format!("socketio-manifest-{}-{name}", std::process::id()));
            fs::create_dir_all(folder.join("a")).unwrap();
            files.iter().for_each(|file| fs::write(folder.join(&file.path), &file.content).unwrap());
            Unpacked(folder)
        }
    }

    impl Drop for Unpacked {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn files() -> Vec<File> {
        let files = vec![File::new("b c", "1"), File::new("a/d", "22")];
        let manifest = of(&files);
        [files, vec![manifest]].concat()
    }

    #[test]
    fn each_file_has_its_line() {
        let text = String::from_utf8(of(&files()[..2]).content).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].ends_with(" 2 644 a/d") && lines[2].ends_with(" 1 644 b c"), "{text}");
        assert!(lines[2].starts_with("6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b "), "{text}");
    }

    #[test]
    fn what_is_not_as_it_was_packed_is_named() {
        let unpacked = Unpacked::new("good", &files());
        assert_eq!(differences(&unpacked.0, true).unwrap(), [""; 0]);
        fs::write(unpacked.0.join("b c"), "2").unwrap();
        fs::write(unpacked.0.join("new"), "").unwrap();
        fs::remove_file(unpacked.0.join("a/d")).unwrap();
        let mut wrong = differences(&unpacked.0, false).unwrap();
        wrong.sort();
        assert_eq!(wrong, ["a/d is missing", "b c is another file than in the MANIFEST", "new is not in the MANIFEST"]);
    }

    #[test]
    fn modes_count_where_there_are_some() {
        let mut program = files();
        program[0].executable = true;
        program[2] = of(&program[..2]);
        let unpacked = Unpacked::new("modes", &program);
        assert_eq!(differences(&unpacked.0, false).unwrap(), [""; 0]);
        let wrong = differences(&unpacked.0, true).unwrap();
        assert!(wrong.len() == 1 && wrong[0].contains(" 1 644 b c\", and the MANIFEST says"), "{wrong:?}");
    }
}
