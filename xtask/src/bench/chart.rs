//! The figures as a picture that a reader grasps at a glance.

use super::figures;
use super::peers::{Peer, Role};
use super::results::Results;
use super::statistics::{self, Spread};
use super::works::{Better, Work};

const WIDTH: f64 = 900.0;
const MARGIN: f64 = 28.0;
const GAP: f64 = 28.0;
const COLUMN: f64 = (WIDTH - 2.0 * MARGIN - GAP) / 2.0;
/// Where bars begin, and what stands behind the longest one.
const LABELS: f64 = 116.0;
const VALUES: f64 = 118.0;
const BARS: f64 = COLUMN - LABELS - VALUES;
const HEAD: f64 = 104.0;
const FOOT: f64 = 44.0;
const ROW: f64 = 21.0;
const BAR: f64 = 13.0;
const PANEL_HEAD: f64 = 26.0;
const PANEL_FOOT: f64 = 20.0;

/// Where less is better, a bar that is longer than this many times the one in the middle is cut: the others could not
/// be told apart.
const CUT: f64 = 4.0;

/// Left and right column, each with what is drawn behind its name.
const COLUMNS: [(&str, &[(&str, &str)]); 2] = [
    ("longer is better", &[("receive", "events/s"), ("send", "events/s"), ("large", "MB/s"), ("binary", "events/s")]),
    (
        "shorter is better",
        &[("trip", "median"), ("pair", "median"), ("connect", "median"), ("idle", "memory of a further one")],
    ),
];

/// A bar of a panel.
struct Bar {
    peer: &'static Peer,
    spread: Spread,
    text: String,
}

pub fn draw(results: &Results) -> String {
    let mut body = String::new();
    let mut lowest = HEAD;
    for (x, (heading, works)) in [MARGIN, MARGIN + COLUMN + GAP].into_iter().zip(COLUMNS) {
        body.push_str(&text(x, HEAD - 14.0, 12.0, "faint", heading));
        let mut y = HEAD;
        for (name, unit) in works {
            if let Some(work) = results.head.works.iter().find(|work| work.name == *name) {
                y += panel(&mut body, results, work, unit, x, y);
            }
        }
        lowest = y.max(lowest);
    }
    let height = lowest + FOOT;
    let rounds = results.head.rounds;
    let subtitle = match rounds {
        1 => "Bars are figures of one round. x: times the best of the other Socket.IO clients in that round.".into(),
        _ => format!(
            "Bars are medians of {rounds} rounds, thin lines go from the lowest to the highest. x: times the best of the other \
             Socket.IO clients."
        ),
    };
    let title = "The plugin beside other Socket.IO clients";
    let foot = [
        "The bare WebSocket does no Socket.IO at all: it is the limit. A bar with a gap is cut, its figure is whole.",
        &format!("Client and server on one machine: {}.", results.head.machine),
    ];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" aria-labelledby=\"title\">\n<title id=\"title\">{title}</title>\n{STYLE}\
         <rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        WIDTH - 1.0,
        height - 1.0
    );
    svg.push_str(&text(MARGIN, 40.0, 20.0, "strong", title));
    svg.push_str(&text(MARGIN, 62.0, 12.0, "faint", &subtitle));
    svg.push_str(&body);
    for (line, i) in foot.iter().zip(0..) {
        svg.push_str(&text(MARGIN, lowest + 6.0 + f64::from(i) * 17.0, 12.0, "faint", line));
    }
    svg.push_str("</svg>\n");
    svg
}

/// It brings its own background, light or dark as the reader's system is: nobody knows what is behind it.
const STYLE: &str = "<style>\n\
    text { font-family: -apple-system, \"Segoe UI\", \"DejaVu Sans\", Verdana, Helvetica, Arial, sans-serif; fill: #24292f; }\n\
    .faint { fill: #5b636d; }\n\
    .strong { font-weight: 600; }\n\
    .card { fill: #f7f7f4; stroke: #cfd2d0; }\n\
    .ours { fill: #0b7a75; }\n\
    .other { fill: #9aa3ad; }\n\
    .limit { fill: url(#hatch); stroke: #8a929b; stroke-width: 1; }\n\
    .whisker { stroke: #24292f; stroke-width: 1.2; fill: none; }\n\
    .axis { stroke: #cfd2d0; stroke-width: 1; }\n\
    .gap { stroke: #f7f7f4; stroke-width: 4; }\n\
    @media (prefers-color-scheme: dark) {\n\
    text { fill: #dfe5e4; } .faint { fill: #9aa6aa; } .card { fill: #15191b; stroke: #3a4448; }\n\
    .ours { fill: #2fa39b; } .other { fill: #66727a; } .limit { stroke: #7d888e; }\n\
    pattern rect { fill: #232a2d; } pattern rect + rect { fill: #566067; }\n\
    .whisker { stroke: #dfe5e4; } .axis { stroke: #3a4448; } .gap { stroke: #15191b; }\n\
    }\n\
    </style>\n\
    <defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
    <rect width=\"6\" height=\"6\" fill=\"#eceeee\"/><rect width=\"2\" height=\"6\" fill=\"#b9c0c7\"/></pattern></defs>\n";

/// Draws a work; gives the height.
fn panel(svg: &mut String, results: &Results, work: &Work, unit: &str, x: f64, y: f64) -> f64 {
    let bars = bars(results, work);
    let longest = longest(&bars, work.better);
    svg.push_str(&format!("<g id=\"{}\">\n", work.name));
    svg.push_str(&text(x, y + 14.0, 13.0, "strong", &format!("{}, {unit}", panel_title(work))));
    let begin = x + LABELS;
    let top = y + PANEL_HEAD;
    let bottom = top + ROW * bars.len() as f64;
    for (bar, i) in bars.iter().zip(0..) {
        let middle = top + ROW * f64::from(i) + ROW / 2.0;
        let at = |value: f64| begin + BARS * (value.min(longest) / longest).max(0.0);
        let class = match bar.peer.role {
            Role::Ours | Role::OursOtherwise => "ours",
            Role::Other => "other",
            Role::Limit => "limit",
        };
        let weight = if bar.peer.role == Role::Ours { "strong" } else { "" };
        svg.push_str(&text(x, middle + 4.0, 12.0, weight, bar.peer.name));
        let (end, upper) = (at(bar.spread.median), middle - BAR / 2.0);
        svg.push_str(&format!(
            "<rect class=\"{class}\" x=\"{begin:.1}\" y=\"{upper:.1}\" width=\"{:.1}\" height=\"{BAR}\"/>\n",
            (end - begin).max(1.0)
        ));
        let is_cut = bar.spread.median > longest;
        if is_cut {
            let (left, right) = (end - 20.0, end - 14.0);
            svg.push_str(&line("gap", left, upper + BAR + 2.0, right, upper - 2.0));
        }
        let (low, high) = (at(bar.spread.min), at(bar.spread.max));
        // Where lowest and highest are next to each other there is nothing to see.
        if high - low >= 2.0 && !is_cut {
            svg.push_str(&line("whisker", low, middle, high, middle));
            for end in [low, high] {
                svg.push_str(&line("whisker", end, middle - 3.0, end, middle + 3.0));
            }
        }
        svg.push_str(&text(end.max(high) + 6.0, middle + 4.0, 12.0, weight, &bar.text));
    }
    svg.push_str(&line("axis", begin, top, begin, bottom));
    svg.push_str("</g>\n");
    PANEL_HEAD + ROW * bars.len() as f64 + PANEL_FOOT
}

fn panel_title(work: &Work) -> &'static str {
    // The title of the table would be cut here.
    match work.name {
        "pair" => "Two events, the second is answered",
        "idle" => "Idle connections",
        _ => work.title,
    }
}

/// One for each client; of the plugin only as most hosts use it.
fn bars(results: &Results, work: &Work) -> Vec<Bar> {
    let main = work.main_figure();
    let best = results.best(work, main, work.better);
    let peers = results.peers(work).into_iter().filter(|peer| peer.role != Role::OursOtherwise);
    let bar = |peer: &'static Peer| {
        let series = results.series(work, peer, main);
        let spread = Spread::of(&series)?;
        let own = match work.name {
            "large" => format!("{} MB/s", figures::whole(spread.median)),
            "idle" | "idle-1000" => format!("{} KiB", figures::plain(spread.median)),
            _ if work.better == Better::Less => figures::time(spread.median),
            _ => format!("{}/s", figures::rate(spread.median)),
        };
        let times = Spread::of(&statistics::ratios(&series, &best)).filter(|_| work.better == Better::More);
        let text = times.map_or(own.clone(), |times| format!("{own}, {}", figures::times(times.median)));
        Some(Bar { peer, spread, text })
    };
    peers.filter_map(bar).collect()
}

/// The value of a bar over the whole width.
fn longest(bars: &[Bar], better: Better) -> f64 {
    let longest = bars.iter().map(|bar| bar.spread.max).fold(f64::MIN_POSITIVE, f64::max);
    let middle = Spread::of(&(0..).zip(bars.iter().map(|bar| bar.spread.median)).collect());
    match (better, middle) {
        (Better::Less, Some(middle)) if middle.median > 0.0 => longest.min(CUT * middle.median),
        _ => longest,
    }
}

fn text(x: f64, y: f64, size: f64, class: &str, content: &str) -> String {
    let content = content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<text{class} x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\">{content}</text>\n")
}

fn line(class: &str, x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peers::PEERS;
    use crate::bench::results::made_up;

    fn all() -> Results {
        made_up(3, &PEERS.iter().collect::<Vec<_>>())
    }

    /// The value of an attribute of a tag.
    fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
        tag.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value)
    }

    /// Each tag that is opened is closed in turn, and no text holds a bare sign of XML's.
    fn is_well_formed(svg: &str) -> Result<(), String> {
        let mut open = Vec::new();
        for piece in svg.split('<').skip(1) {
            let (tag, text) = piece.split_once('>').ok_or(format!("{piece} has no end"))?;
            let entities = text.matches("&amp;").count() + text.matches("&lt;").count() + text.matches("&gt;").count();
            if text.contains('>') || text.matches('&').count() != entities || tag.matches('"').count() % 2 != 0 {
                return Err(format!("{piece} has a sign that stands for something"));
            }
            if let Some(name) = tag.strip_prefix('/') {
                if open.pop() != Some(name) {
                    return Err(format!("{name} ends here, but another one is open"));
                }
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().unwrap_or_default());
            }
        }
        if open.is_empty() { Ok(()) } else { Err(format!("{open:?} have no end")) }
    }

    #[test]
    fn the_chart_is_well_formed() {
        let mut results = all();
        results.head.machine = "a <processor> & more".into();
        let svg = draw(&results);
        assert_eq!(is_well_formed(&svg), Ok(()));
        assert!(svg.contains("a &lt;processor&gt; &amp; more"));
        assert!(is_well_formed("<svg><g></svg>").is_err() && is_well_formed("<svg>a & b</svg>").is_err());
    }

    #[test]
    fn every_client_has_its_bar_in_every_panel() {
        let svg = draw(&all());
        for (name, _) in COLUMNS.iter().flat_map(|(_, works)| works.iter()) {
            let panel = svg.split_once(&format!("<g id=\"{name}\">")).unwrap().1.split_once("</g>").unwrap().0;
            for peer in PEERS.iter().filter(|peer| peer.role != Role::OursOtherwise) {
                assert!(panel.contains(&format!(">{}</text>", peer.name)), "{name} {}", peer.key);
            }
            assert_eq!(panel.matches("<rect ").count(), 5, "{name}");
        }
        assert!(svg.contains("4.08 M/s, 4.00 x"));
    }

    #[test]
    fn nothing_reaches_over_the_edge() {
        let mut results = all();
        results.head.machine = "2 cores of Intel(R) Xeon(R) Platinum 8481C Processor @ 2.70GHz, linux 6.18.44".into();
        // The longest figures that are likely: a bar with a spread that ends at the edge.
        for run in results.runs.iter_mut().filter(|run| run.peer.role == Role::Limit && run.round == 1) {
            *run.fields.get_mut("seconds").unwrap() /= 30.0;
        }
        let svg = draw(&results);
        let height: f64 = attribute(&svg, "height").unwrap().parse().unwrap();
        for piece in svg.split("<text").skip(1) {
            let (tag, rest) = piece.split_once('>').unwrap();
            let number = |name| attribute(tag, name).unwrap().parse::<f64>().unwrap();
            let (content, _) = rest.split_once("</text>").unwrap();
            // Wide letters of a sans serif are about so wide.
            let width = content.chars().count() as f64 * number("font-size") * 0.56;
            assert!(number("x") + width < WIDTH && number("y") + 4.0 < height, "{content}");
            if number("x") < MARGIN + COLUMN && number("y") > HEAD && number("y") < height - FOOT - 10.0 {
                assert!(number("x") + width < MARGIN + COLUMN + GAP, "{content}");
            }
        }
    }

    #[test]
    fn a_bar_far_longer_than_the_others_is_cut() {
        let mut results = all();
        assert!(!draw(&results).split_once("<g id=\"pair\">").unwrap().0.contains("class=\"gap\" x1=\"5000"));
        let cuts = |results: &Results| draw(results).matches("<line class=\"gap\"").count();
        let before = cuts(&results);
        for run in &mut results.runs {
            if run.peer.key == "rust_socketio" && run.work.name == "pair" {
                run.fields.insert("p50_us".into(), 44_000.0);
            }
        }
        assert_eq!(cuts(&results), before + 1);
        assert!(draw(&results).contains("44.0 ms"));
    }
}
