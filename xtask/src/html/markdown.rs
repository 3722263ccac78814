//! Markdown as the body of a page: as much of it as our texts use; anything else is an error.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, bail};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::anchors::Anchors;
use super::{Body, ERRORS, FOLDER, SOURCES, Section, Site, Source, escaped, highlight, page_of};
use crate::repository::root;

/// What stands between these lines is for the repository alone.
const REPOSITORY: [&str; 2] = ["<!-- repository: begin -->", "<!-- repository: end -->"];
/// What stands between these is for archives alone: everywhere else it is a comment.
const ARCHIVE: [&str; 2] = ["<!-- archive: begin", "archive: end -->"];

/// A table with a longer cell is one to read, line by line if the screen is narrow; others are to compare.
const LONG_CELL: usize = 60;

/// A committed text as it goes into an archive: without what makes no sense there, such as commands of this repository, and
/// with what only makes sense there.
pub fn for_archive(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut kept = true;
    for line in markdown.split_inclusive('\n') {
        match line.trim_end() {
            mark if mark == REPOSITORY[0] => kept = false,
            mark if mark == REPOSITORY[1] => kept = true,
            mark if ARCHIVE.contains(&mark) => {}
            _ if kept => out.push_str(line),
            _ => {}
        }
    }
    out
}

/// The body of the page that is made of a text.
pub fn page(source: &Source, markdown: &str, site: &Site) -> Result<Body> {
    let mut renderer = Renderer::new(source, site);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        renderer.event(event)?;
    }
    if renderer.body.title.is_empty() {
        bail!("it has no title");
    }
    Ok(renderer.body)
}

struct Renderer<'a> {
    source: &'a Source,
    site: &'a Site,
    anchors: Anchors,
    body: Body,
    /// What is open: its text goes there, since what stands before it depends on it.
    open: Vec<Open>,
    /// Where each open link leads, if anywhere.
    links: Vec<Option<String>>,
    table: Table,
}

/// Something whose beginning is written at its end.
#[derive(Default)]
struct Open {
    html: String,
    plain: String,
    /// The text of its first span, if it begins with one.
    first: Option<First>,
}

enum First {
    Code(String),
    Strong(String),
}

#[derive(Default)]
struct Table {
    head: Vec<String>,
    in_head: bool,
    cells: Vec<Open>,
    rows: String,
    long: bool,
}

impl<'a> Renderer<'a> {
    fn new(source: &'a Source, site: &'a Site) -> Renderer<'a> {
        Renderer {
            source,
            site,
            anchors: Anchors::default(),
            body: Body::default(),
            open: Vec::new(),
            links: Vec::new(),
            table: Table::default(),
        }
    }

    fn put(&mut self, html: &str) {
        match self.open.last_mut() {
            Some(open) => open.html.push_str(html),
            None => self.body.html.push_str(html),
        }
    }

    fn plain(&mut self, text: &str) {
        for open in &mut self.open {
            open.plain.push_str(text);
        }
    }

    fn close(&mut self) -> Open {
        self.open.pop().expect("an end follows its beginning")
    }

    fn event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Start(tag) => self.start(tag)?,
            Event::End(tag) => self.end(tag)?,
            Event::Text(text) => {
                self.plain(&text);
                self.put(&escaped(&text));
            }
            Event::Code(code) => self.code(&code),
            Event::SoftBreak => {
                self.plain(" ");
                self.put("\n");
            }
            Event::HardBreak => self.put("<br>\n"),
            Event::Rule => self.put("<hr>\n"),
            Event::Html(html) => self.put(&html),
            other => bail!("no page is made of {other:?}"),
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag) -> Result<()> {
        match tag {
            Tag::Paragraph => self.put("<p>"),
            Tag::List(None) => self.put("<ul>\n"),
            Tag::List(Some(1)) => self.put("<ol>\n"),
            Tag::Emphasis => self.put("<em>"),
            Tag::Strong | Tag::Item | Tag::Heading { .. } => self.open.push(Open::default()),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.open.push(Open { first: Some(First::Code(language)), ..Open::default() });
            }
            Tag::Link { dest_url, .. } => {
                let target = self.target(&dest_url)?;
                self.links.push(target);
                self.open.push(Open::default());
            }
            Tag::Image { dest_url, .. } => {
                let picture = self.picture(&dest_url)?;
                self.put(&format!("<img src=\"{picture}\" alt=\""));
                self.open.push(Open::default());
            }
            Tag::Table(_) => self.table = Table::default(),
            Tag::TableHead => self.table.in_head = true,
            Tag::TableRow => {}
            Tag::TableCell => self.open.push(Open::default()),
            Tag::HtmlBlock => self.open.push(Open::default()),
            other => bail!("no page is made of {other:?}"),
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) -> Result<()> {
        match tag {
            TagEnd::Paragraph => self.put("</p>\n"),
            TagEnd::List(ordered) => self.put(if ordered { "</ol>\n" } else { "</ul>\n" }),
            TagEnd::Emphasis => self.put("</em>"),
            TagEnd::Strong => self.strong(),
            TagEnd::Item => self.item(),
            TagEnd::Heading(level) => self.heading(level),
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::Link => self.link(),
            TagEnd::Image => {
                let alt = escaped(&self.close().plain);
                self.put(&format!("{alt}\">"));
            }
            TagEnd::TableCell => {
                let cell = self.close();
                self.table.long |= cell.plain.chars().count() > LONG_CELL;
                if self.table.in_head {
                    self.table.head.push(cell.plain.clone());
                }
                self.table.cells.push(cell);
            }
            TagEnd::TableHead => {
                self.row("th scope=\"col\"");
                self.table.in_head = false;
            }
            TagEnd::TableRow => self.row("td"),
            TagEnd::Table => self.table(),
            TagEnd::HtmlBlock => {
                let html = self.close().html;
                let comment = html.trim().strip_prefix("<!--").and_then(|html| html.strip_suffix("-->"));
                if comment.is_none_or(|comment| comment.contains("-->")) {
                    bail!("no page is made of {html}");
                }
            }
            other => bail!("no page is made of {other:?}"),
        }
        Ok(())
    }

    /// Code leads to what it names.
    fn code(&mut self, code: &str) {
        if let Some(open) = self.open.last_mut()
            && open.plain.is_empty()
        {
            open.first = Some(First::Code(code.to_owned()));
        }
        self.plain(code);
        let html = format!("<code>{}</code>", escaped(code));
        let in_link = self.links.iter().any(Option::is_some);
        match self.site.of_name(code, self.source.path).filter(|_| !in_link) {
            Some(href) => self.put(&format!("<a href=\"{href}\">{html}</a>")),
            None => self.put(&html),
        }
    }

    fn strong(&mut self) {
        let Open { html, plain, .. } = self.close();
        if let Some(open) = self.open.last_mut()
            && open.plain == plain
        {
            open.first = Some(First::Strong(plain));
        }
        self.put(&format!("<strong>{html}</strong>"));
    }

    /// A sentence of a contract can be linked to by its mark.
    fn item(&mut self) {
        let Open { html, first, .. } = self.close();
        let mark = match first {
            Some(First::Strong(mark)) if is_mark(&mark) => self.anchors.exactly(&mark),
            _ => None,
        };
        let Some(mark) = mark else { return self.put(&format!("<li>{html}</li>\n")) };
        let linked = format!("<a class=\"mark\" href=\"#{mark}\"><strong>{mark}</strong></a>");
        let html = html.replacen(&format!("<strong>{mark}</strong>"), &linked, 1);
        self.put(&format!("<li id=\"{mark}\">{html}</li>\n"));
    }

    fn heading(&mut self, level: HeadingLevel) {
        let Open { html, plain, .. } = self.close();
        let id = self.anchors.of_heading(&plain);
        if level == HeadingLevel::H1 {
            self.body.title = plain;
            return self.put(&format!("<h1 id=\"{id}\">{html}</h1>\n"));
        }
        if level == HeadingLevel::H2 {
            self.body.sections.push(Section { id: id.clone(), title: escaped(&plain) });
        }
        let label = escaped(&format!("Link to {plain}"));
        let link = format!("<a class=\"here\" href=\"#{id}\" aria-label=\"{label}\">#</a>");
        self.put(&format!("<{level} id=\"{id}\">{html} {link}</{level}>\n"));
    }

    fn code_block(&mut self) {
        let Open { plain, first, .. } = self.close();
        let code = match first {
            Some(First::Code(language)) if language == "c" => {
                highlight::c(&plain, &|name| self.site.of_name(name, self.source.path))
            }
            _ => escaped(&plain),
        };
        self.put(&format!("<pre><code>{code}</code></pre>\n"));
    }

    /// A row: in a narrow window each cell stands below the other, so each one knows the head of its column.
    fn row(&mut self, cell: &str) {
        let cells = std::mem::take(&mut self.table.cells);
        // What begins with a code is looked up by it.
        let code = cells.first().and_then(|cell| match &cell.first {
            Some(First::Code(code)) if *code == cell.plain && self.site.codes.contains(code) => Some(code.clone()),
            _ => None,
        });
        let on_own_page = self.source.path == ERRORS;
        let id = code.filter(|_| on_own_page).and_then(|code| self.anchors.exactly(&code));
        let mut row = id.map_or("<tr>".to_owned(), |id| format!("<tr id=\"{id}\">"));
        let end = cell.split(' ').next().unwrap_or_default();
        for (i, Open { html, .. }) in cells.iter().enumerate() {
            let label = match self.table.head.get(i) {
                Some(label) if !self.table.in_head => format!(" data-label=\"{}\"", escaped(label)),
                _ => String::new(),
            };
            row.push_str(&format!("<{cell}{label}>{html}</{end}>"));
        }
        row.push_str("</tr>\n");
        match self.table.in_head {
            true => self.table.rows.push_str(&format!("<thead>\n{row}</thead>\n<tbody>\n")),
            false => self.table.rows.push_str(&row),
        }
    }

    fn table(&mut self) {
        let Table { rows, long, .. } = std::mem::take(&mut self.table);
        let class = if long { "table reading" } else { "table" };
        self.put(&format!("<div class=\"{class}\">\n<table>\n{rows}</tbody>\n</table>\n</div>\n"));
    }

    /// A link to a page, to the outside, or to nothing: what is not in an archive stays as text.
    fn link(&mut self) {
        let Open { html, plain, .. } = self.close();
        match self.links.pop().flatten() {
            Some(href) => {
                // A text that was linked by its file's name is a page now, which has another one.
                let page = SOURCES.iter().find(|source| source.page == href).filter(|_| plain.ends_with(".md"));
                let html = page.map_or(html, |page| page.label.to_owned());
                self.put(&format!("<a href=\"{}\">{html}</a>", escaped(&href)));
            }
            None => self.put(&html),
        }
    }

    fn target(&self, url: &str) -> Result<Option<String>> {
        if url.starts_with("https://") || url.starts_with('#') {
            return Ok(Some(url.to_owned()));
        }
        let (path, fragment) = url.split_once('#').map_or((url, None), |(path, fragment)| (path, Some(fragment)));
        let path = self.repository_path(path)?;
        let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
        if let Some(page) = page_of(&path) {
            return Ok(Some(format!("{page}{fragment}")));
        }
        // Pictures lie beside the pages, if a page shows them.
        Ok(path.strip_prefix(FOLDER).filter(|_| path.ends_with(".svg")).map(str::to_owned))
    }

    /// The picture, as seen from the page.
    fn picture(&mut self, url: &str) -> Result<String> {
        let path = self.repository_path(url)?;
        let Some(beside) = path.strip_prefix(FOLDER) else { bail!("the picture {path} does not lie in {FOLDER}") };
        let beside = beside.to_owned();
        self.body.pictures.push(path);
        Ok(beside)
    }

    /// Where a relative link leads in the repository.
    fn repository_path(&self, relative: &str) -> Result<String> {
        let mut path = PathBuf::new();
        let folder = Path::new(self.source.path).parent().unwrap_or(Path::new(""));
        for component in folder.join(relative).components() {
            match component {
                Component::ParentDir if path.pop() => {}
                Component::Normal(name) => path.push(name),
                Component::CurDir => {}
                _ => bail!("the link {relative} leads out of the repository"),
            }
        }
        if !root().join(&path).exists() {
            bail!("the link {relative} leads to {}, which does not exist", path.display());
        }
        Ok(path.to_string_lossy().into_owned())
    }
}

/// Letters and a number, such as T1.
fn is_mark(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_uppercase());
    digits.len() < text.len() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of_text(markdown: &str) -> Result<Body> {
        let source = Source { path: ERRORS, page: "errors.html", label: "Errors" };
        let site = Site {
            names: vec![("socketio_event_poll".to_owned(), "include/socketio_plugin.h")],
            codes: vec!["tls_expired".to_owned()],
        };
        page(&source, &format!("# Title\n\n{markdown}"), &site)
    }

    fn html(markdown: &str) -> String {
        page_of_text(markdown).unwrap().html.split_once("</h1>\n").unwrap().1.to_owned()
    }

    #[test]
    fn what_is_for_the_repository_stays_there() {
        let [begin, end] = REPOSITORY;
        assert_eq!(for_archive(&format!("a\n{begin}\nb\n{end}\nc\n")), "a\nc\n");
    }

    #[test]
    fn what_is_for_archives_is_a_comment_elsewhere() {
        let [begin, end] = ARCHIVE;
        let text = format!("a\n\n{begin}\nb\n{end}\n");
        assert_eq!(for_archive(&text), "a\n\nb\n");
        assert_eq!(html(&text), "<p>a</p>\n");
    }

    #[test]
    fn links_between_texts_become_links_between_pages() {
        assert_eq!(html("[a](nodes.md#x)"), "<p><a href=\"nodes.html#x\">a</a></p>\n");
        assert_eq!(html("[a](../include/socketio_plugin.h)"), "<p><a href=\"header.html\">a</a></p>\n");
        assert_eq!(html("[a](../examples_c/)"), "<p><a href=\"examples.html\">a</a></p>\n");
        assert_eq!(html("[a](https://socket.io)"), "<p><a href=\"https://socket.io\">a</a></p>\n");
    }

    #[test]
    fn a_page_is_called_by_its_own_name() {
        assert_eq!(html("[docs/nodes.md](nodes.md)"), "<p><a href=\"nodes.html\">Nodes and settings</a></p>\n");
    }

    #[test]
    fn a_link_to_what_no_archive_has_is_text() {
        assert_eq!(html("[how](../CONTRIBUTING.md)"), "<p>how</p>\n");
    }

    #[test]
    fn a_link_to_what_does_not_exist_is_an_error() {
        let error = page_of_text("[a](node.md)").err().unwrap().to_string();
        assert_eq!(error, "the link node.md leads to docs/node.md, which does not exist");
    }

    #[test]
    fn code_leads_to_what_it_names() {
        assert_eq!(
            html("`socketio_event_poll`, `x<y`"),
            "<p><a href=\"header.html#socketio_event_poll\"><code>socketio_event_poll</code></a>, <code>x&lt;y</code></p>\n"
        );
    }

    #[test]
    fn an_error_is_found_by_its_code() {
        let table = html("| Code | Message |\n| --- | --- |\n| `tls_expired` | *x* |\n");
        assert!(
            table.contains("<tr id=\"tls_expired\"><td data-label=\"Code\"><a href=\"#tls_expired\"><code>"),
            "{table}"
        );
        assert!(table.contains("<td data-label=\"Message\"><em>x</em></td>"), "{table}");
    }

    #[test]
    fn a_sentence_is_found_by_its_mark() {
        let list = html("- **T1** No call\n- **Fast**: it is\n");
        assert!(
            list.contains("<li id=\"T1\"><a class=\"mark\" href=\"#T1\"><strong>T1</strong></a> No call"),
            "{list}"
        );
        assert!(list.contains("<li><strong>Fast</strong>: it is"), "{list}");
    }

    #[test]
    fn html_in_a_text_is_refused() {
        assert!(page_of_text("<b>a</b>").is_err());
        assert_eq!(html("<!-- a word to maintainers -->\n"), "");
    }
}
