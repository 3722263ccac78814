//! The pages as a browser finds them: well-formed, every link leads somewhere, nothing is loaded from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::{HEADERS, Page, SOURCES, escaped, pages};
use crate::repository;

/// Elements that have no end.
const VOID: &[&str] = &["br", "hr", "img", "link", "meta"];

/// A tag with its attributes.
#[derive(Debug, PartialEq)]
enum Tag {
    Start(String, BTreeMap<String, String>),
    End(String),
}

/// The tags of a page, or what is wrong with it.
fn tags(html: &str) -> Result<Vec<Tag>, String> {
    let mut rest = html.strip_prefix("<!doctype html>\n").ok_or("it has no doctype")?;
    let mut tags = Vec::new();
    while let Some(at) = rest.find(['<', '>']) {
        references(&rest[..at])?;
        if rest[at..].starts_with('>') {
            return Err(format!("a bare > before {:.40}", &rest[at..]));
        }
        let end = rest[at..].find('>').ok_or("a tag has no end")? + at;
        let inside = &rest[at + 1..end];
        rest = &rest[end + 1..];
        match inside.strip_prefix('/') {
            Some(name) => tags.push(Tag::End(name.to_owned())),
            None => tags.push(start(inside)?),
        }
    }
    references(rest)?;
    Ok(tags)
}

/// Whether each & in a text stands for a character.
fn references(text: &str) -> Result<(), String> {
    match text.match_indices('&').find(|(at, _)| !is_reference(&text[*at..])) {
        Some((at, _)) => Err(format!("a bare & before {:.40}", &text[at..])),
        None => Ok(()),
    }
}

fn is_reference(text: &str) -> bool {
    ["&amp;", "&lt;", "&gt;", "&quot;"].iter().any(|reference| text.starts_with(reference))
}

fn start(inside: &str) -> Result<Tag, String> {
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        return Err(format!("<{inside}> is no tag"));
    }
    let mut attributes = BTreeMap::new();
    while !rest.is_empty() {
        let wrong = || format!("<{inside}> has an attribute that is none");
        let (attribute, value) = rest.split_once("=\"").ok_or_else(wrong)?;
        let (value, after) = value.split_once('"').ok_or_else(wrong)?;
        if value.contains('<') || attributes.insert(attribute.to_owned(), value.to_owned()).is_some() {
            return Err(wrong());
        }
        rest = after.trim_start();
    }
    Ok(Tag::Start(name.to_owned(), attributes))
}

/// What is wrong with how the tags of a page are nested.
fn unbalanced(tags: &[Tag]) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    for tag in tags {
        match tag {
            Tag::Start(name, _) if VOID.contains(&name.as_str()) => {}
            Tag::Start(name, _) => {
                // Neither may stand in the other, and no link in a link.
                let wrong = match name.as_str() {
                    "a" => open.contains(&"a"),
                    "p" | "ul" | "pre" | "div" | "table" => {
                        open.last().is_some_and(|outer| ["p", "pre", "a"].contains(outer))
                    }
                    _ => false,
                };
                if wrong {
                    return Some(format!("<{name}> in {open:?}"));
                }
                open.push(name);
            }
            Tag::End(name) => {
                if open.pop() != Some(name) {
                    return Some(format!("</{name}> in {open:?}"));
                }
            }
        }
    }
    (!open.is_empty()).then(|| format!("{open:?} has no end"))
}

struct Site {
    files: BTreeSet<String>,
    /// Each page's tags and anchors.
    pages: BTreeMap<String, (Vec<Tag>, BTreeSet<String>)>,
}

impl Site {
    fn read(files: &[Page]) -> Site {
        let mut site = Site { files: files.iter().map(|file| file.path.clone()).collect(), pages: BTreeMap::new() };
        for file in files.iter().filter(|file| file.path.ends_with(".html")) {
            let html = std::str::from_utf8(&file.content).unwrap();
            let tags = tags(html).unwrap_or_else(|error| panic!("{}: {error}", file.path));
            if let Some(error) = unbalanced(&tags) {
                panic!("{}: {error}", file.path);
            }
            let mut anchors = BTreeSet::new();
            for (_, attributes) in starts(&tags) {
                if let Some(id) = attributes.get("id") {
                    assert!(anchors.insert(id.clone()), "{}: {id} stands twice", file.path);
                }
            }
            site.pages.insert(file.path.clone(), (tags, anchors));
        }
        site
    }

    /// Where a link from a page leads nowhere.
    fn dangles(&self, from: &str, href: &str) -> bool {
        let (path, fragment) = href.split_once('#').map_or((href, None), |(path, fragment)| (path, Some(fragment)));
        let path = if path.is_empty() { from.to_owned() } else { format!("docs/{path}") };
        match fragment {
            Some(fragment) => !self.pages.get(&path).is_some_and(|(_, anchors)| anchors.contains(fragment)),
            None => !self.files.contains(&path),
        }
    }
}

fn starts(tags: &[Tag]) -> impl Iterator<Item = (&String, &BTreeMap<String, String>)> {
    tags.iter().filter_map(|tag| match tag {
        Tag::Start(name, attributes) => Some((name, attributes)),
        Tag::End(_) => None,
    })
}

#[test]
fn every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere() {
    let site = Site::read(&pages().unwrap());
    let sources: Vec<String> = SOURCES.iter().map(|source| repository::read(source.path).unwrap()).collect();
    let mut links = 0;
    for (path, (tags, _)) in &site.pages {
        for (name, attributes) in starts(tags) {
            assert!(!["script", "iframe", "object", "style", "form"].contains(&name.as_str()), "{path}: <{name}>");
            for (attribute, value) in attributes {
                let known =
                    ["alt", "aria-current", "aria-label", "charset", "class", "content", "data-label", "href", "id"];
                let more = ["lang", "name", "rel", "scope", "src"];
                assert!(
                    known.contains(&attribute.as_str()) || more.contains(&attribute.as_str()),
                    "{path}: {attribute}"
                );
                if attribute != "href" && attribute != "src" {
                    continue;
                }
                links += 1;
                let in_text = name == "a" && sources.iter().any(|source| source.contains(&format!("]({value})")));
                if !(value.starts_with("https://") && in_text) {
                    assert!(!site.dangles(path, value), "{path}: {name} to {value}");
                }
            }
        }
    }
    assert!(links > 500, "{links}");
}

#[test]
fn every_error_function_and_sentence_of_the_contract_has_its_anchor() {
    let site = Site::read(&pages().unwrap());
    let has = |page: &str, anchor: &str| assert!(site.pages[page].1.contains(anchor), "{page}#{anchor}");
    for code in super::error_codes() {
        has("docs/errors.html", &code);
    }
    for (header, page) in HEADERS.iter().zip(["docs/header.html", "docs/header-cpp.html"]) {
        for name in header.names(&repository::read(header.path).unwrap()) {
            has(page, &name);
        }
    }
    for mark in ["T1", "F1", "C1"] {
        has("docs/host-contract.html", mark);
    }
    has("docs/nodes.html", "socketio-start");
    has("docs/header.html", "life-cycle");
}

#[test]
fn pages_are_sorted_and_the_same_each_time() {
    let (once, again) = (pages().unwrap(), pages().unwrap());
    assert!(once.is_sorted_by(|a, b| a.path < b.path));
    assert!(once.iter().zip(&again).all(|(a, b)| a.path == b.path && a.content == b.content));
    assert!(once.iter().all(|page| page.path.starts_with("docs/")));
}

#[test]
fn the_style_loads_nothing() {
    assert!(!super::STYLE.contains("url(") && !super::STYLE.contains("@import"));
}

#[test]
fn what_is_no_html_is_noticed() {
    let error = |body: &str| {
        let tags = tags(&format!("<!doctype html>\n{body}"));
        tags.map_or_else(Some, |tags| unbalanced(&tags))
    };
    assert_eq!(error("<p class=\"a\">&lt;</p>"), None);
    for wrong in [
        "<p>",
        "<p></b></p>",
        "a > b",
        "a & b",
        "<p class=a></p>",
        "<a href=\"#\"><a href=\"#\"></a></a>",
        "<p><ul></ul></p>",
    ] {
        assert!(error(wrong).is_some(), "{wrong}");
    }
    assert_eq!(error(&escaped("a > \"b\" & <c>")), None);
}

#[test]
fn a_link_to_nowhere_is_noticed() {
    let page = "<!doctype html>\n<p id=\"a\"></p>";
    let site = Site::read(&[Page { path: "docs/x.html".to_owned(), content: page.as_bytes().to_vec() }]);
    assert!(!site.dangles("docs/x.html", "#a") && !site.dangles("docs/x.html", "x.html"));
    assert!(
        site.dangles("docs/x.html", "#b")
            && site.dangles("docs/x.html", "y.html")
            && site.dangles("docs/x.html", "../x")
    );
}
