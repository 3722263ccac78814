//! The pictures of the README, each made by a command from the real thing: what programs printed, drawn as it stood in a
//! terminal, and a screenshot.

mod demo;
mod puredata;
mod recording;
mod studio;
mod terminal;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::generate;
use crate::report::{Outcome, Report};
use crate::repository::{self, Profile, root};
use crate::steps::rust;

/// Where they lie.
const FOLDER: &str = "docs/pictures";

/// A file of the folder.
struct File {
    name: String,
    content: String,
}

/// What `cargo xtask pictures NAME` makes.
struct Picture {
    name: &'static str,
    make: fn() -> Result<()>,
}

const PICTURES: &[Picture] = &[
    Picture { name: "demo", make: demo::make },
    Picture { name: "puredata", make: puredata::make },
    Picture { name: "studio", make: || write(studio::files(Profile::Debug)?) },
];

/// `cargo xtask pictures`: makes them all, or one of them. With `--check` it only says which are stale.
pub fn command(arguments: &[String]) -> Result<ExitCode> {
    if arguments == ["--check"] {
        let mut report = Report::new();
        report.step("debug library", || rust::build(Profile::Debug));
        report.after("pictures", &["debug library"], || step(Profile::Debug));
        return Ok(report.finish());
    }
    let wanted: Vec<&Picture> = match arguments {
        [] => PICTURES.iter().collect(),
        [name] => PICTURES.iter().filter(|picture| picture.name == name).collect(),
        _ => bail!("one picture at a time, or all of them"),
    };
    if wanted.is_empty() {
        let names: Vec<&str> = PICTURES.iter().map(|picture| picture.name).collect();
        bail!("there is no picture \"{}\"; there are {}", arguments.join(" "), names.join(", "));
    }
    for picture in wanted {
        (picture.make)().context(picture.name)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The pictures are what the studio prints today, and what the recording holds.
pub fn step(profile: Profile) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut files = demo::files(&demo::recorded()?);
    files.extend(studio::files(profile)?);
    outcome.note = format!("{} files", files.len());
    for File { name, content } in files {
        let committed = std::fs::read_to_string(path(&name)).unwrap_or_default();
        let result = match generate::first_difference(&committed, &content) {
            None => Ok(()),
            Some(difference) => Err(format!("{difference}.\nRun `cargo xtask pictures` and commit it.")),
        };
        outcome.count(format!("{FOLDER}/{name}"), result);
    }
    Ok(outcome)
}

fn path(name: &str) -> PathBuf {
    root().join(FOLDER).join(name)
}

fn write(files: Vec<File>) -> Result<()> {
    std::fs::create_dir_all(root().join(FOLDER))?;
    for File { name, content } in files {
        std::fs::write(path(&name), content)?;
        println!("{} written", repository::shown(&path(&name)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page of pictures may weigh.
    const LIMIT: usize = 40 * 1024;

    #[test]
    fn pictures_are_small_and_stand_alone() {
        let pictures = repository::files(&root().join(FOLDER), "svg").unwrap();
        assert!(!pictures.is_empty());
        for path in pictures {
            let svg = std::fs::read_to_string(&path).unwrap();
            let wrong = |what: &str| format!("{}: {what}", path.display());
            assert!(svg.len() < LIMIT, "{}", wrong("too large"));
            assert!(svg.contains("<title id=\"t\">") && svg.contains("<desc id=\"d\">"), "{}", wrong("says nothing"));
            assert!(svg.contains("prefers-color-scheme:dark"), "{}", wrong("not for the dark"));
            let own = svg.replacen("http://www.w3.org/2000/svg", "", 1);
            for outside in ["href", "url(", "@import", "<script", "<image", "<foreignObject"] {
                assert!(!own.contains(outside), "{}", wrong(outside));
            }
        }
    }
}
