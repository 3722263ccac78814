//! The section of the page: machine, targets, a table for each work.

use super::figures;
use super::peers::{BARE, Peer};
use super::results::Results;
use super::statistics::{self, Series, Spread};
use super::targets::{self, Target};
use super::works::{Figure, Work};

/// All of it. `page` is the page as it is.
pub fn section(results: &Results, page: &str) -> String {
    let mut parts = vec![measured(results), target_table(&targets::all(results, page)), targets::about_cpp()];
    for work in &results.head.works {
        parts.push(format!("### {}", work.title));
        parts.push(about(results, work));
        parts.push(table(results, work));
    }
    parts.join("\n\n")
}

fn measured(results: &Results) -> String {
    let head = &results.head;
    let (runs, events) = results.counts();
    let versions: Vec<String> = head.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let mut text = format!(
        "Measured on {}: {}, {runs} runs, {} events, seed {}. Versions: {}.",
        head.machine,
        rounds(head.rounds),
        figures::whole(events as f64),
        head.seed,
        versions.join(", ")
    );
    if !head.apart {
        text.push_str(" Nothing could be pinned to a processor here.");
    }
    for (key, reason) in &head.left_out {
        let name = Peer::named(key).map_or(key.as_str(), |peer| peer.name);
        text.push_str(&format!(" Left out is {name}: {reason}."));
    }
    text
}

/// How many there are.
pub fn rounds(count: u32) -> String {
    if count == 1 { "1 round".into() } else { format!("{count} rounds") }
}

fn target_table(targets: &[Target]) -> String {
    let mut text = String::from("| target | plugin | met |\n| --- | --- | --- |");
    for Target { sentence, figure, met } in targets {
        let met = match met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "-",
        };
        text.push_str(&format!("\n| {sentence} | {figure} | {met} |"));
    }
    text
}

/// What was done, as far as the title does not say it.
fn about(results: &Results, work: &Work) -> String {
    let count = figures::whole(work.count(results.head.scale) as f64);
    match work.name {
        "receive" => format!("{count} events."),
        "send" => format!("{count} events, as fast as the client takes them, until the server says that it has all."),
        "large" => format!("{count} events; a MB is 1,000,000 bytes."),
        "binary" => format!(
            "{count} events, with every byte value. rust_socketio is given none with the byte 0x1e: it ends its connection \
             at them."
        ),
        "trip" => format!("{count} of them, one after the other, each sent from where the one before was received."),
        "pair" => format!("{count} times: a client that lets the system gather small packets waits 40 ms for each."),
        "connect" => format!("{count} times one after the other, until the default namespace is joined."),
        _ => "Each figure after two seconds of quiet; what is told of memory is resident.".into(),
    }
}

fn table(results: &Results, work: &Work) -> String {
    let heads: Vec<&str> = work.figures.iter().map(|figure| figure.head).collect();
    let mut text = format!("| client | {} | x bare WebSocket | x best peer |\n|", heads.join(" | "));
    text.push_str(&" --- |".repeat(heads.len() + 3));
    let main = work.main_figure();
    let best = results.best(work, main, work.better);
    let bare = Peer::named(BARE).map(|bare| results.series(work, bare, main)).unwrap_or_default();
    for peer in results.peers(work) {
        let cells: Vec<String> =
            work.figures.iter().map(|figure| cell(&results.series(work, peer, figure), figure)).collect();
        let own = results.series(work, peer, main);
        let ratio = |to: &Series| Spread::of(&statistics::ratios(&own, to)).map(|spread| figures::plain(spread.median));
        let ratios = [ratio(&bare), ratio(&best)].map(|ratio| ratio.unwrap_or("-".into()));
        text.push_str(&format!("\n| {} | {} | {} |", peer.name, cells.join(" | "), ratios.join(" | ")));
    }
    text
}

fn cell(series: &Series, figure: &Figure) -> String {
    match Spread::of(series) {
        None => "-".into(),
        Some(Spread { median, min, max }) if figure.with_spread && series.len() > 1 => {
            format!("{} ({} - {})", (figure.shown)(median), (figure.shown)(min), (figure.shown)(max))
        }
        Some(Spread { median, .. }) => (figure.shown)(median),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peers::PEERS;
    use crate::bench::results::made_up;
    use crate::bench::works::WORKS;

    #[test]
    fn each_work_has_a_table_of_all_that_took_part() {
        let results = made_up(3, &PEERS.iter().collect::<Vec<_>>());
        let section = section(&results, "");
        for work in WORKS {
            let (_, table) = section.split_once(&format!("### {}\n", work.title)).unwrap();
            let table = table.split("###").next().unwrap();
            for peer in PEERS {
                assert_eq!(
                    table.contains(&format!("| {} |", peer.name)),
                    peer.takes(work),
                    "{} {}",
                    work.name,
                    peer.key
                );
            }
        }
        // 4.08, 4.04 to 4.12 M/s; 2/3 of the bare one, 4 times rust_socketio.
        assert!(section.contains("| plugin | 4.08 M (4.04 M - 4.12 M) | 0.25 (0.24 - 0.25) | 4.88 | 0.67 | 4.00 |"));
        assert!(section.contains("Versions: socket.io-client 4.8.1."), "{section}");
    }

    #[test]
    fn columns_are_as_many_in_each_row() {
        let results = made_up(1, &PEERS.iter().collect::<Vec<_>>());
        for work in WORKS {
            let table = table(&results, work);
            let columns: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
            assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
        }
    }

    #[test]
    fn what_was_left_out_is_named_with_the_reason() {
        let present: Vec<_> = PEERS.iter().filter(|peer| peer.key != "python-socketio").collect();
        let section = section(&made_up(2, &present), "");
        assert!(section.contains("Left out is python-socketio: it is missing."), "{section}");
        assert!(!section.contains("| python-socketio |"));
    }
}
