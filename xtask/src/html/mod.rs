//! The documentation as HTML pages for the archives: the committed Markdown and the header, as a small site that stands
//! alone. It has no script and loads nothing, so that it reads the same from a disk without a network.

mod anchors;
mod escape;
mod frame;
mod header;
mod highlight;
mod markdown;
#[cfg(test)]
mod site;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::repository::{self, root};
pub use escape::escaped;
pub use markdown::for_archive;

/// A file of the documentation.
pub struct Page {
    /// Where it lies in an archive, such as `docs/nodes.html`.
    pub path: String,
    pub content: Vec<u8>,
}

/// A text of the repository that becomes a page.
struct Source {
    /// In the repository.
    path: &'static str,
    /// Among the pages.
    page: &'static str,
    /// In the navigation.
    label: &'static str,
}

/// In the order of the navigation.
const SOURCES: &[Source] = &[
    Source { path: "README.md", page: "index.html", label: "Overview" },
    Source { path: "docs/nodes.md", page: "nodes.html", label: "Nodes and settings" },
    Source { path: "docs/network.md", page: "network.html", label: "Getting through" },
    Source { path: ERRORS, page: "errors.html", label: "Errors" },
    Source { path: header::C.path, page: "header.html", label: "The C header" },
    Source { path: header::CPP.path, page: "header-cpp.html", label: "The C++ header" },
    Source { path: "docs/host-contract.md", page: "host-contract.html", label: "Host contract" },
    Source { path: "examples_c/README.md", page: "examples.html", label: "Examples" },
    Source { path: "docs/performance.md", page: "performance.html", label: "Performance" },
    Source { path: "SECURITY.md", page: "security.html", label: "Security" },
    Source { path: "CHANGELOG.md", page: "changelog.html", label: "Changelog" },
];

const HEADERS: &[header::Header] = &[header::C, header::CPP];

/// Folders that have a page: that of the text in them.
const FOLDERS: &[(&str, &str)] = &[("examples_c", "examples_c/README.md")];

/// The catalogue of errors.
const ERRORS: &str = "docs/errors.md";

/// The folder of the documentation, here and in an archive.
const FOLDER: &str = "docs/";

const STYLE: &str = include_str!("style.css");

/// `cargo xtask html`: writes the pages.
pub fn command(arguments: &[String]) -> Result<ExitCode> {
    let folder = match arguments {
        [] => repository::target().join("html"),
        [folder] if !folder.starts_with('-') => PathBuf::from(folder),
        _ => bail!("it takes the folder to write to and nothing else"),
    };
    let pages = pages()?;
    for page in &pages {
        let path = folder.join(&page.path);
        std::fs::create_dir_all(path.parent().expect("a page lies in a folder"))?;
        std::fs::write(&path, &page.content).with_context(|| format!("writing {}", path.display()))?;
    }
    println!("{} files; begin with {}", pages.len(), repository::shown(&folder.join(FOLDER).join("index.html")));
    Ok(ExitCode::SUCCESS)
}

/// The pages, their style and their pictures, sorted by path. The same sources make the same bytes.
pub fn pages() -> Result<Vec<Page>> {
    let mut site = Site { names: Vec::new(), codes: error_codes() };
    for header in HEADERS {
        let names = header.names(&repository::read(header.path)?);
        site.names.extend(names.into_iter().map(|name| (name, header.path)));
    }
    let mut files = BTreeMap::from([(format!("{FOLDER}style.css"), STYLE.as_bytes().to_vec())]);
    for source in SOURCES {
        let text = repository::read(source.path)?;
        let body = match HEADERS.iter().find(|header| header.path == source.path) {
            Some(header) => header.page(&text, &site),
            None => markdown::page(source, &for_archive(&text), &site).with_context(|| source.path.to_owned())?,
        };
        for picture in &body.pictures {
            let content = std::fs::read(root().join(picture)).with_context(|| format!("reading {picture}"))?;
            files.insert(picture.clone(), content);
        }
        files.insert(format!("{FOLDER}{}", source.page), frame::page(source, &body).into_bytes());
    }
    Ok(files.into_iter().map(|(path, content)| Page { path, content }).collect())
}

/// What names lead to, wherever they stand.
struct Site {
    /// What the headers declare, and which of them.
    names: Vec<(String, &'static str)>,
    /// The errors' codes.
    codes: Vec<String>,
}

impl Site {
    /// Where a name in code leads, as seen from the page of a source.
    fn of_name(&self, name: &str, source: &str) -> Option<String> {
        let header = self.names.iter().find(|(known, _)| known == name).map(|(_, header)| *header);
        let target = header.or_else(|| self.codes.iter().any(|known| known == name).then_some(ERRORS))?;
        let page = if target == source { "" } else { page_of(target)? };
        Some(format!("{page}#{name}"))
    }
}

/// The page that is made of a file of the repository.
fn page_of(path: &str) -> Option<&'static str> {
    let path = FOLDERS.iter().find(|(folder, _)| *folder == path).map_or(path, |(_, text)| text);
    SOURCES.iter().find(|source| source.path == path).map(|source| source.page)
}

/// The codes that *On Socket.IO Error* tells: the first cells of the catalogue's table.
fn error_codes() -> Vec<String> {
    let table = socketio_plugin::errors_markdown();
    let codes = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    codes.map(|(code, _)| code.to_owned()).collect()
}

/// What stands in the frame of a page.
#[derive(Default)]
struct Body {
    title: String,
    html: String,
    /// The sections, for the navigation.
    sections: Vec<Section>,
    /// The pictures that it shows, by their paths in the repository, which are those in an archive.
    pictures: Vec<String>,
}

struct Section {
    id: String,
    /// As HTML.
    title: String,
}
