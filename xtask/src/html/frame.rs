//! What stands around the body of every page: head, navigation, the way on.

use socketio_plugin::descriptor;

use super::{Body, HEADERS, SOURCES, Source, escaped};

pub fn page(source: &Source, body: &Body) -> String {
    let title = match source.page {
        "index.html" => escaped(&body.title),
        _ => format!("{} · Socket.IO plugin", escaped(&body.title)),
    };
    let wide = if HEADERS.iter().any(|header| header.path == source.path) { " class=\"wide\"" } else { "" };
    format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{title}</title>
<link rel=\"stylesheet\" href=\"style.css\">
</head>
<body>
<a class=\"skip\" href=\"#text\">To the text</a>
<header>
<a href=\"index.html\"><strong>Socket.IO plugin</strong></a> <span>{version}</span>
</header>
<nav aria-label=\"Pages\">
{navigation}</nav>
<main id=\"text\"{wide}>
{contents}{html}{onwards}</main>
</body>
</html>
",
        version = descriptor::PLUGIN.version,
        navigation = navigation(source, body),
        contents = contents(body),
        html = body.html,
        onwards = onwards(source),
    )
}

/// All pages, with the sections of this one.
fn navigation(source: &Source, body: &Body) -> String {
    let mut out = String::from("<ul>\n");
    for other in SOURCES {
        if other.page == source.page {
            out.push_str(&format!("<li><a href=\"{}\" aria-current=\"page\">{}</a>", other.page, other.label));
            if !body.sections.is_empty() {
                out.push_str(&format!("\n{}", sections(body)));
            }
            out.push_str("</li>\n");
        } else {
            out.push_str(&format!("<li><a href=\"{}\">{}</a></li>\n", other.page, other.label));
        }
    }
    out.push_str("</ul>\n");
    out
}

/// The sections above the text, where the window is too narrow for them to stand beside it.
fn contents(body: &Body) -> String {
    match body.sections.len() {
        0 | 1 => String::new(),
        _ => format!("<details class=\"contents\">\n<summary>On this page</summary>\n{}</details>\n", sections(body)),
    }
}

fn sections(body: &Body) -> String {
    let mut out = String::from("<ul>\n");
    for section in &body.sections {
        out.push_str(&format!("<li><a href=\"#{}\">{}</a></li>\n", section.id, section.title));
    }
    out.push_str("</ul>\n");
    out
}

/// The pages before and after this one.
fn onwards(source: &Source) -> String {
    let at = SOURCES.iter().position(|other| other.page == source.page).expect("it is one of them");
    let link = |class: &str, other: Option<&Source>| {
        other
            .map(|other| format!("<a class=\"{class}\" href=\"{}\">{}</a>\n", other.page, other.label))
            .unwrap_or_default()
    };
    let before = link("before", at.checked_sub(1).and_then(|before| SOURCES.get(before)));
    format!("<footer>\n{before}{}</footer>\n", link("after", SOURCES.get(at + 1)))
}
