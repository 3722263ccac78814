//! Lines of a terminal as an SVG: a window that is light or dark as the reader's system is, and needs no font of its own.
//!
//! Each text is told how wide it is, so that the columns stand in every font; lines and arrows are drawn, not written.

use std::time::Duration;

use super::terminal::{Line, Look};
use crate::html::escaped;

const CELL: f64 = 7.8;
const LINE: f64 = 19.0;
const MARGIN: f64 = 22.0;
const HEAD: f64 = 36.0;
/// Where the letters stand in their line.
const BASE: f64 = 13.5;

const STYLE: &str = "\
text{font:13px ui-monospace,SFMono-Regular,\"Cascadia Mono\",\"DejaVu Sans Mono\",Menlo,Consolas,monospace;fill:#24292f;white-space:pre}
.window{fill:#fbfcfb;stroke:#cfd5d3}.head{fill:#eef1ef}.title{fill:#57606a}
.strong{font-weight:600}.faint{fill:#6b747b}.good{fill:#1a7f37}.bad{fill:#cf222e}.warn{fill:#9a6700}.accent{fill:#0b7a75}
.l{fill:none;stroke:currentColor;stroke-width:1.3;color:#24292f}.a{fill:currentColor;color:#24292f}
:is(.l,.a).faint{color:#6b747b}:is(.l,.a).good{color:#1a7f37}:is(.l,.a).bad{color:#cf222e}:is(.l,.a).warn{color:#9a6700}:is(.l,.a).accent{color:#0b7a75}
@media(prefers-color-scheme:dark){
text{fill:#dfe5e4}.window{fill:#15191b;stroke:#3a4448}.head{fill:#1f2629}.title{fill:#9aa6aa}
.faint{fill:#8f9ba0}.good{fill:#5fc97a}.bad{fill:#ff7b72}.warn{fill:#dca53a}.accent{fill:#56c2ba}
.l,.a{color:#dfe5e4}:is(.l,.a).faint{color:#8f9ba0}:is(.l,.a).good{color:#5fc97a}:is(.l,.a).bad{color:#ff7b72}:is(.l,.a).warn{color:#dca53a}:is(.l,.a).accent{color:#56c2ba}
}
";

/// Lines light up one after the other, once. What can't animate shows them all, and so does who does not want movement.
const MOVEMENT: &str = "\
.t{animation:come .12s backwards}
@keyframes come{from{opacity:.2}}
@media(prefers-reduced-motion:reduce){.t{animation:none}}
";

/// A window to draw.
pub struct Window<'a> {
    pub title: &'a str,
    /// What is to be seen, for who does not see it.
    pub description: &'a str,
    pub lines: &'a [Line],
    /// When each line comes; none: they stand there.
    pub times: &'a [Duration],
}

impl Window<'_> {
    pub fn svg(&self) -> String {
        let columns = self.lines.iter().map(Line::width).max().unwrap_or_default();
        let width = (2.0 * MARGIN + columns as f64 * CELL).ceil();
        let height = HEAD + 2.0 * 14.0 + self.lines.len() as f64 * LINE;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" aria-labelledby=\"t d\">\n<title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n<style>\n{STYLE}",
            escaped(self.title),
            escaped(self.description)
        );
        if !self.times.is_empty() {
            out.push_str(MOVEMENT);
        }
        out.push_str(&format!(
            "</style>\n<rect class=\"window\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n\
             <path class=\"head\" d=\"M1 {HEAD}V9a8 8 0 0 1 8-8H{}a8 8 0 0 1 8 8V{HEAD}z\"/>\n\
             <text class=\"title\" x=\"{MARGIN}\" y=\"23\">{}</text>\n",
            width - 1.0,
            height - 1.0,
            width - 9.0,
            escaped(self.title)
        ));
        for (i, line) in self.lines.iter().enumerate() {
            let top = HEAD + 14.0 + i as f64 * LINE;
            let drawn = drawn(line, top);
            match self.times.get(i) {
                Some(time) if !drawn.is_empty() => {
                    let delay = format!("animation-delay:{}s", number(time.as_secs_f64()));
                    out.push_str(&format!("<g class=\"t\" style=\"{delay}\">\n{drawn}</g>\n"));
                }
                _ => out.push_str(&drawn),
            }
        }
        out.push_str("</svg>\n");
        out
    }
}

/// A line, `top` pixels down.
fn drawn(line: &Line, top: f64) -> String {
    let mut out = String::new();
    let mut column = 0;
    for (text, look) in &line.pieces {
        let cells: Vec<char> = text.chars().collect();
        let mut at = 0;
        while at < cells.len() {
            let rest = &cells[at..];
            let length = match rest[0] {
                ' ' => 1,
                c if is_shape(c) => rest.iter().take_while(|other| **other == c && c == '─').count().max(1),
                _ => word_group(rest),
            };
            let x = MARGIN + (column + at) as f64 * CELL;
            match rest[0] {
                ' ' => {}
                c if is_shape(c) => out.push_str(&shape(c, length, x, top, *look)),
                _ => out.push_str(&written(&rest[..length], x, top, *look)),
            }
            at += length;
        }
        column += cells.len();
    }
    out
}

/// How many cells belong together: words with one space between them. A sign that the font may lack stands alone.
fn word_group(cells: &[char]) -> usize {
    if !is_letter(cells[0]) {
        return 1;
    }
    let mut end = 1;
    while end < cells.len() {
        let more = cells[end..].iter().take_while(|c| **c != ' ' && is_letter(**c)).count();
        let single_space = cells[end] == ' ' && cells.get(end + 1).is_some_and(|c| *c != ' ' && is_letter(*c));
        match more {
            0 if single_space => end += 1,
            0 => break,
            more => end += more,
        }
    }
    end
}

fn is_letter(c: char) -> bool {
    c == ' ' || c.is_ascii() || c.is_alphanumeric() || "›·µ".contains(c)
}

fn is_shape(c: char) -> bool {
    "─│├┤▶◀●".contains(c)
}

fn written(cells: &[char], x: f64, top: f64, look: Look) -> String {
    let text: String = cells.iter().collect();
    let class = look.class().map(|class| format!(" class=\"{class}\"")).unwrap_or_default();
    // One letter has no width to be stretched to.
    let length = match cells.len() {
        1 => String::new(),
        cells => format!(" textLength=\"{}\"", number(cells as f64 * CELL)),
    };
    format!("<text{class} x=\"{}\" y=\"{}\"{length}>{}</text>\n", number(x), number(top + BASE), escaped(&text))
}

/// A line, an arrow or a dot, `cells` wide.
fn shape(c: char, cells: usize, x: f64, top: f64, look: Look) -> String {
    let middle = top + LINE / 2.0;
    let centre = x + CELL / 2.0;
    let right = x + cells as f64 * CELL;
    let bar = format!("M{} {}v{LINE}", number(centre), number(top));
    let (kind, path) = match c {
        '─' => ("l", format!("M{} {}H{}", number(x), number(middle), number(right))),
        '│' => ("l", bar),
        '├' => ("l", format!("{bar}M{} {}H{}", number(centre), number(middle), number(right))),
        '┤' => ("l", format!("{bar}M{} {}H{}", number(centre), number(middle), number(x))),
        '▶' => ("a", format!("M{} {}v9l{CELL}-4.5z", number(x), number(middle - 4.5))),
        '◀' => ("a", format!("M{} {}v9l-{CELL}-4.5z", number(right), number(middle - 4.5))),
        _ => {
            let class = look.class().map(|class| format!(" {class}")).unwrap_or_default();
            let (x, y) = (number(centre), number(middle));
            return format!("<circle class=\"a{class}\" cx=\"{x}\" cy=\"{y}\" r=\"3.4\"/>\n");
        }
    };
    let class = look.class().map(|class| format!(" {class}")).unwrap_or_default();
    format!("<path class=\"{kind}{class}\" d=\"{path}\"/>\n")
}

/// With as many digits as a picture needs.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(lines: &[&str], times: &[Duration]) -> String {
        let lines: Vec<Line> = lines.iter().map(|line| Line::read(line)).collect();
        Window { title: "a & b", description: "d", lines: &lines, times }.svg()
    }

    #[test]
    fn words_stand_in_their_columns() {
        let svg = svg(&["ab  c <d>"], &[]);
        assert!(svg.contains("<text x=\"22\" y=\"63.5\" textLength=\"15.6\">ab</text>"), "{svg}");
        assert!(svg.contains("<text x=\"53.2\" y=\"63.5\" textLength=\"39\">c &lt;d&gt;</text>"), "{svg}");
        assert!(svg.contains("<title id=\"t\">a &amp; b</title>"), "{svg}");
    }

    #[test]
    fn lines_and_arrows_are_drawn() {
        let svg = svg(&["\x1b[36m├───▶│\x1b[0m ●"], &[]);
        assert!(svg.contains("<path class=\"l accent\" d=\"M29.8 59.5H53.2\"/>"), "{svg}");
        assert_eq!(svg.matches("<path class=\"l accent\"").count(), 3, "{svg}");
        assert_eq!(svg.matches("<path class=\"a accent\"").count(), 1, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 1, "{svg}");
        assert!(!svg.contains('─') && !svg.contains('▶'), "{svg}");
    }

    #[test]
    fn without_movement_every_line_is_there() {
        let svg = svg(&["a", "", "b"], &[Duration::ZERO, Duration::ZERO, Duration::from_millis(1500)]);
        assert!(svg.contains("animation-delay:1.5s"), "{svg}");
        assert!(svg.contains("animation:come .12s backwards") && svg.contains("prefers-reduced-motion"), "{svg}");
        assert!(!svg.contains("opacity=\"0\""), "{svg}");
    }

    #[test]
    fn signs_that_a_font_may_lack_stand_alone() {
        assert_eq!(word_group(&"✓ a".chars().collect::<Vec<_>>()), 1);
        assert_eq!(word_group(&"a b  c".chars().collect::<Vec<_>>()), 3);
        assert_eq!(word_group(&"Reply ► x".chars().collect::<Vec<_>>()), 5);
    }
}
