//! The headers as pages: their own text, which reads like a manual, with anchors and links.

use super::anchors::Anchors;
use super::highlight::{self, Marks};
use super::{Body, Section, Site, escaped};

pub const C: Header =
    Header { path: "include/socketio_plugin.h", title: "The C header", kinds: &[Kind::Function, Kind::Type], declared };
pub const CPP: Header = Header {
    path: "include/socketio_plugin.hpp",
    title: "The C++ header",
    kinds: &[Kind::Class],
    declared: declared_in_cpp,
};

pub struct Header {
    pub path: &'static str,
    title: &'static str,
    /// What is listed before the text.
    kinds: &'static [Kind],
    /// What a line declares.
    declared: fn(&str) -> Option<(&str, Kind)>,
}

/// A declaration: its name, and where it and the comment before it stand.
struct Declaration<'a> {
    name: &'a str,
    kind: Kind,
    begin: usize,
    end: usize,
}

impl Declaration<'_> {
    /// The name by which others speak of it.
    fn full_name(&self) -> String {
        match self.kind {
            Kind::Class => format!("socketio::{}", self.name),
            _ => self.name.to_owned(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Constant,
    Type,
    Function,
    Class,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Kind::Constant => "Constants",
            Kind::Type => "Types",
            Kind::Function => "Functions",
            Kind::Class => "Classes",
        }
    }
}

/// A title in the comment with which the header begins.
struct Title<'a> {
    text: &'a str,
    at: usize,
}

impl Header {
    /// All that it declares.
    pub fn names(&self, text: &str) -> Vec<String> {
        self.declarations(text).iter().map(Declaration::full_name).collect()
    }

    pub fn page(&self, text: &str, site: &Site) -> Body {
        let declarations = self.declarations(text);
        let mut anchors = Anchors::default();
        let mut body = Body { title: self.title.to_owned(), ..Body::default() };
        let path = self.path;
        body.html = format!(
            "<h1 id=\"{}\">{}</h1>\n<p><code>{path}</code>, as it stands there: a name leads to its declaration.</p>\n",
            anchors.of_heading(self.title),
            self.title
        );
        for kind in self.kinds {
            let of_kind = declarations.iter().filter(|declaration| declaration.kind == *kind);
            let names = of_kind.map(Declaration::full_name);
            let names: String =
                names.map(|name| format!("<li><a href=\"#{name}\"><code>{name}</code></a></li>\n")).collect();
            let heading = heading(&mut body, &mut anchors, kind.title());
            body.html.push_str(&format!("{heading}<ul class=\"names\">\n{names}</ul>\n"));
        }
        let heading = heading(&mut body, &mut anchors, "The header");
        let mut marks = Marks::default();
        for title in titles(text) {
            let id = anchors.of_heading(title.text);
            body.sections.push(Section { id: id.clone(), title: escaped(title.text) });
            marks.titles.insert(title.at, (title.text.len(), id));
        }
        for declaration in &declarations {
            if let Some(id) = anchors.exactly(&declaration.full_name()) {
                marks.begins.insert(declaration.begin, id);
                marks.ends.insert(declaration.end);
            }
        }
        let code = highlight::marked(text, &marks, &|name| site.of_name(name, path));
        body.html.push_str(&format!("{heading}<pre class=\"header\"><code>{code}</code></pre>\n"));
        body
    }

    fn declarations<'a>(&self, text: &'a str) -> Vec<Declaration<'a>> {
        let mut found = Vec::new();
        // Where the comment began that a declaration may follow at once, and whether it has not ended yet.
        let mut comment = None;
        let mut open = false;
        let mut of_no_concern = false;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let (begin, end) = (at, at + line.trim_end().len());
            at += line.len();
            of_no_concern =
                (of_no_concern || line.starts_with("namespace detail")) && !line.starts_with("} // namespace");
            if open || line.starts_with("/*") {
                comment = comment.filter(|_| open).or(Some(begin));
                open = !line.trim_end().ends_with("*/");
            } else if let Some((name, kind)) = (self.declared)(line) {
                let block = line.trim_end().ends_with('{');
                let end = if block { end_of_block(text, begin) } else { end };
                let begin = comment.take().unwrap_or(begin);
                if !of_no_concern {
                    found.push(Declaration { name, kind, begin, end });
                }
            } else if line.starts_with("template ") {
                comment = comment.or(Some(begin));
            } else if line.trim().is_empty() || line.starts_with('#') {
                comment = None;
            }
        }
        found
    }
}

/// A heading, which also goes to the sections.
fn heading(body: &mut Body, anchors: &mut Anchors, title: &str) -> String {
    let id = anchors.of_heading(title);
    body.sections.push(Section { id: id.clone(), title: title.to_owned() });
    format!("<h2 id=\"{id}\">{title}</h2>\n")
}

fn declared(line: &str) -> Option<(&str, Kind)> {
    if let Some(rest) = line.strip_prefix("#define ") {
        let (name, value) = rest.trim_end().split_once(' ')?;
        // Not what the header is guarded with, which has no value.
        return (name.starts_with("SOCKETIO_") && !value.is_empty()).then_some((name, Kind::Constant));
    }
    if let Some(rest) = line.strip_prefix("SOCKETIO_API ") {
        let before = rest.split_once('(')?.0;
        return Some((before.rsplit([' ', '*']).next()?, Kind::Function));
    }
    let rest = line.strip_prefix("typedef ")?.trim_end();
    let name = match rest.strip_suffix('{') {
        Some(head) => head.trim_end().rsplit(' ').next()?,
        None => rest.strip_suffix(';')?.rsplit(' ').next()?,
    };
    Some((name, Kind::Type))
}

fn declared_in_cpp(line: &str) -> Option<(&str, Kind)> {
    let line = line.trim_end();
    let rest = ["class ", "struct ", "enum class "].iter().find_map(|word| line.strip_prefix(word))?;
    let rest = rest.strip_prefix("[[nodiscard]] ").unwrap_or(rest);
    let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    // Not one that is only announced.
    line.contains('{').then_some((&rest[..length], Kind::Class))
}

/// The end of the line that closes the block which begins here.
fn end_of_block(header: &str, begin: usize) -> usize {
    let close = header[begin..].find("\n}").map_or(header.len(), |at| begin + at + 1);
    header[close..].find('\n').map_or(header.len(), |at| close + at)
}

/// Lines between two empty ones and an empty one, in the header's first comment.
fn titles(header: &str) -> Vec<Title<'_>> {
    let Some(begin) = header.find("/*\n") else { return Vec::new() };
    let end = header[begin..].find("*/").map_or(header.len(), |at| begin + at);
    let mut found = Vec::new();
    let mut at = begin;
    let mut empty = 0;
    for line in header[begin..end].split_inclusive('\n') {
        let text = line.trim().trim_start_matches('*').trim();
        if !text.is_empty() && empty >= 2 {
            found.push(Title { text, at: at + line.find(text).expect("it is a part of the line") });
        }
        empty = if text.is_empty() { empty + 1 } else { 0 };
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
/*
 * A header.
 *
 *
 * Life cycle
 *
 * It lives.
 */
#define GUARD
/* One. */
#define SOCKETIO_ONE 1

/*
 Two

 lines.
 */
typedef struct socketio_pair_t {
  int a;
} socketio_pair_t;

typedef int32_t socketio_status_t;
/* Does. */
SOCKETIO_API const char *socketio_do(int x);
";

    #[test]
    fn declarations_begin_with_their_comments() {
        let found = C.declarations(SMALL);
        let shown: Vec<(&str, &str)> =
            found.iter().map(|d| (d.name, SMALL[d.begin..d.end].lines().next().unwrap())).collect();
        assert_eq!(
            shown,
            [
                ("SOCKETIO_ONE", "/* One. */"),
                ("socketio_pair_t", "/*"),
                ("socketio_status_t", "typedef int32_t socketio_status_t;"),
                ("socketio_do", "/* Does. */"),
            ]
        );
        assert!(SMALL[found[1].begin..found[1].end].ends_with("} socketio_pair_t;"));
    }

    #[test]
    fn titles_stand_behind_two_empty_lines() {
        let titles: Vec<&str> = titles(SMALL).iter().map(|title| title.text).collect();
        assert_eq!(titles, ["Life cycle"]);
    }

    #[test]
    fn classes_are_found_outside_of_details() {
        let text = "namespace detail {\nclass a {\n};\n} // namespace detail\n/* B. */\ntemplate <class T>\n\
            class [[nodiscard]] b : public c {\n  int x;\n};\nenum class d { e };\nclass later;\n";
        let found = CPP.declarations(text);
        let shown: Vec<(String, &str)> = found.iter().map(|d| (d.full_name(), &text[d.begin..d.end])).collect();
        assert_eq!(shown[0].0, "socketio::b");
        assert!(shown[0].1.starts_with("/* B. */") && shown[0].1.ends_with("};"), "{}", shown[0].1);
        assert_eq!(shown[1], ("socketio::d".to_owned(), "enum class d { e };"));
        assert_eq!(shown.len(), 2);
    }

    #[test]
    fn every_function_of_the_real_header_is_found() {
        let header = crate::repository::read(C.path).unwrap();
        let functions = C.declarations(&header).iter().filter(|d| d.kind == Kind::Function).count();
        assert_eq!(functions, header.lines().filter(|line| line.starts_with("SOCKETIO_API ")).count());
        assert!(functions >= 16, "{functions}");
    }
}
