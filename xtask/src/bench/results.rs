//! What all runs came to: as lines of JSON in a file, and as figures by round.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::peers::{PEERS, Peer, Role};
use super::statistics::{self, Series};
use super::works::{Better, Fields, Figure, WORKS, Work};

/// The first line: what was measured, on what.
pub struct Head {
    pub machine: String,
    pub versions: Vec<(String, String)>,
    pub rounds: u32,
    pub seed: u64,
    pub scale: f64,
    /// Whether each end had a processor of its own in the works that ask for it.
    pub apart: bool,
    pub peers: Vec<&'static Peer>,
    pub works: Vec<&'static Work>,
    /// Peers that could not run, each with what the machine lacked.
    pub left_out: Vec<(String, String)>,
}

/// One run that succeeded.
pub struct Run {
    pub round: u32,
    pub peer: &'static Peer,
    pub work: &'static Work,
    pub fields: Fields,
}

/// Results that are whole.
pub struct Results {
    pub head: Head,
    pub runs: Vec<Run>,
}

impl Head {
    /// As a line of the file.
    pub fn line(&self) -> String {
        let names = |pairs: &[(String, String)]| -> Value {
            pairs.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect()
        };
        let line = json!({
            "machine": self.machine,
            "versions": names(&self.versions),
            "rounds": self.rounds,
            "seed": self.seed,
            "scale": self.scale,
            "apart": self.apart,
            "peers": self.peers.iter().map(|peer| peer.key).collect::<Vec<_>>(),
            "works": self.works.iter().map(|work| work.name).collect::<Vec<_>>(),
            "left_out": names(&self.left_out),
        });
        format!("{line}\n")
    }

    fn read(line: &str) -> Result<Head> {
        let value: Value = serde_json::from_str(line)?;
        let strings = |name: &str| -> Result<Vec<&str>> {
            let list = value[name].as_array().with_context(|| format!("no {name}"))?;
            list.iter().map(|item| item.as_str().with_context(|| format!("{name} has {item}"))).collect()
        };
        let pairs = |name: &str| -> Result<Vec<(String, String)>> {
            let object = value[name].as_object().with_context(|| format!("no {name}"))?;
            Ok(object.iter().map(|(key, text)| (key.clone(), text.as_str().unwrap_or_default().to_owned())).collect())
        };
        let number = |name: &str| value[name].as_u64().with_context(|| format!("no {name}"));
        Ok(Head {
            machine: value["machine"].as_str().context("no machine")?.to_owned(),
            versions: pairs("versions")?,
            rounds: number("rounds")?.try_into()?,
            seed: number("seed")?,
            scale: value["scale"].as_f64().context("no scale")?,
            apart: value["apart"].as_bool().context("no apart")?,
            peers: strings("peers")?.into_iter().map(peer).collect::<Result<_>>()?,
            works: strings("works")?.into_iter().map(work).collect::<Result<_>>()?,
            left_out: pairs("left_out")?,
        })
    }

    /// Every run that has to be there.
    fn due(&self) -> impl Iterator<Item = (u32, &'static str, &'static str)> {
        let pairs = self.works.iter().flat_map(|work| self.peers.iter().map(move |peer| (work, peer)));
        let taken: Vec<_> = pairs.filter(|(work, peer)| peer.takes(work)).collect();
        (1..=self.rounds)
            .flat_map(move |round| taken.clone().into_iter().map(move |(work, peer)| (round, work.name, peer.key)))
    }

    /// Whether all that there is was measured in full: what the page may say.
    pub fn is_full(&self) -> bool {
        let all_works = WORKS.iter().all(|work| self.works.iter().any(|own| own.name == work.name));
        let present = |peer: &Peer| {
            self.peers.iter().any(|own| own.key == peer.key) || self.left_out.iter().any(|(key, _)| key == peer.key)
        };
        self.scale == 1.0 && all_works && PEERS.iter().all(present)
    }
}

impl Run {
    /// As a line of the file.
    pub fn line(&self) -> String {
        let result: Value = self.fields.iter().map(|(name, value)| (name.clone(), Value::from(*value))).collect();
        let line = json!({
            "round": self.round,
            "work": self.work.name,
            "peer": self.peer.key,
            "size": self.work.size,
            "result": result,
        });
        format!("{line}\n")
    }

    fn read(line: &str) -> Result<Run> {
        let value: Value = serde_json::from_str(line)?;
        let fields = value["result"].as_object().context("no result")?;
        Ok(Run {
            round: value["round"].as_u64().context("no round")?.try_into()?,
            peer: peer(value["peer"].as_str().context("no peer")?)?,
            work: work(value["work"].as_str().context("no work")?)?,
            fields: fields.iter().filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect(),
        })
    }
}

fn peer(key: &str) -> Result<&'static Peer> {
    Peer::named(key).with_context(|| format!("there is no peer \"{key}\""))
}

fn work(name: &str) -> Result<&'static Work> {
    Work::named(name).with_context(|| format!("there is no work \"{name}\""))
}

impl Results {
    /// Only if every run is there that has to be, once, and whole.
    pub fn of(head: Head, runs: Vec<Run>) -> Result<Results> {
        let mut due: BTreeSet<_> = head.due().collect();
        for Run { round, peer, work, fields } in &runs {
            let (peer, name) = (peer.key, work.name);
            ensure!(due.remove(&(*round, name, peer)), "{name} by {peer} in round {round} is one too many");
            if let Some(objection) = work.objection(fields, work.count(head.scale)) {
                bail!("{name} by {peer} in round {round}: {objection}");
            }
        }
        if let Some((round, name, peer)) = due.first() {
            bail!("{} runs are missing: {name} by {peer} in round {round} is the first of them", due.len());
        }
        Ok(Results { head, runs })
    }

    /// Reads the file.
    pub fn read(text: &str) -> Result<Results> {
        let mut lines = text.lines().zip(1..);
        let (first, _) = lines.next().context("there is nothing in it")?;
        let head = Head::read(first).context("line 1")?;
        let runs = lines.map(|(line, number)| Run::read(line).with_context(|| format!("line {number}")));
        let runs = runs.collect::<Result<Vec<_>>>()?;
        Results::of(head, runs)
    }

    /// As the file has it.
    #[cfg(test)]
    pub fn text(&self) -> String {
        self.runs.iter().fold(self.head.line(), |text, run| text + &run.line())
    }

    /// The peers that took part in this work.
    pub fn peers(&self, work: &Work) -> Vec<&'static Peer> {
        self.head.peers.iter().copied().filter(|peer| peer.takes(work)).collect()
    }

    /// A figure by round.
    pub fn series(&self, work: &Work, peer: &Peer, figure: &Figure) -> Series {
        let runs = self.runs.iter().filter(|run| run.work.name == work.name && run.peer.key == peer.key);
        runs.filter_map(|run| Some((run.round, (figure.of)(&run.fields, work.size)?))).collect()
    }

    /// That of the best other client in each round.
    pub fn best(&self, work: &Work, figure: &Figure, better: Better) -> Series {
        let others = self.peers(work).into_iter().filter(|peer| peer.role == Role::Other);
        let all: Vec<Series> = others.map(|peer| self.series(work, peer, figure)).collect();
        statistics::best(&all, better == Better::More)
    }

    /// How many runs and events all figures are made of.
    pub fn counts(&self) -> (usize, u64) {
        (self.runs.len(), self.runs.iter().map(|run| run.fields["events"] as u64).sum())
    }
}

/// Made-up results: the plugin is `factor` times as good as the last peer, and one more in each peer before that.
#[cfg(test)]
pub fn made_up(rounds: u32, peers: &[&'static Peer]) -> Results {
    let head = Head {
        machine: "2 cores of a made-up processor".into(),
        versions: vec![("socket.io-client".into(), "4.8.1".into())],
        rounds,
        seed: 7,
        scale: 1.0,
        apart: true,
        peers: peers.to_vec(),
        works: WORKS.iter().collect(),
        left_out: PEERS
            .iter()
            .filter(|peer| peers.iter().all(|own| own.key != peer.key))
            .map(|peer| (peer.key.to_owned(), "it is missing".to_owned()))
            .collect(),
    };
    let speed = std::collections::BTreeMap::from([
        ("plugin", 4.0),
        ("plugin-polling", 3.5),
        ("plugin-wake", 3.9),
        ("rust_socketio", 1.0),
        ("socket.io-client", 0.5),
        ("python-socketio", 0.05),
        ("bare", 6.0),
    ]);
    let mut runs = Vec::new();
    for (round, work, peer) in head.due() {
        let (work, peer) = (Work::named(work).unwrap(), Peer::named(peer).unwrap());
        let (events, speed) = (work.count as f64, speed[peer.key] * (1.0 + f64::from(round) / 100.0));
        let mut fields: Fields = work
            .fields
            .iter()
            .map(|name| (name.to_string(), if name.ends_with("_us") { 50.0 / speed } else { 2.0 }))
            .collect();
        fields.insert("events".into(), events);
        fields.insert("seconds".into(), events / speed / 1e6);
        fields.insert("cpu_seconds".into(), events / speed / 1e6);
        fields.insert("peak_rss_kib".into(), 5_000.0);
        if work.driver == "idle" {
            fields.insert("rss_kib_1".into(), 5_000.0);
            fields.insert("rss_kib_n".into(), 5_000.0 + 40.0 / speed * (events - 1.0));
        }
        runs.push(Run { round, peer, work, fields });
    }
    Results::of(head, runs).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Results {
        made_up(3, &PEERS.iter().collect::<Vec<_>>())
    }

    fn refused(text: &str) -> String {
        format!("{:#}", Results::read(text).err().unwrap())
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let text = all().text();
        let read = Results::read(&text).unwrap();
        assert_eq!((read.head.line(), read.runs.len()), (all().head.line(), all().runs.len()));
        assert!(read.head.is_full());
        let (receive, plugin) = (Work::named("receive").unwrap(), Peer::named("plugin").unwrap());
        let rates = read.series(receive, plugin, receive.main_figure());
        assert_eq!(rates.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert!((rates[&1] - 4.04e6).abs() < 1.0, "{rates:?}");
    }

    #[test]
    fn results_that_are_incomplete_are_refused() {
        let text = all().text();
        let without_last = text.trim_end().rsplit_once('\n').unwrap().0;
        assert!(refused(without_last).starts_with("1 runs are missing: idle-1000 by bare in round 3"));
        let last = text.lines().last().unwrap();
        assert!(refused(&format!("{text}{last}\n")).contains("is one too many"));
        assert!(refused(&text.replacen("\"peak_rss_kib\"", "\"other\"", 1)).contains("does not tell peak_rss_kib"));
        assert!(refused(&text.replacen("\"events\":500000.0", "\"events\":499999.0", 1)).contains("499999 events of"));
        assert!(refused(&text.replacen("\"peer\":\"bare\"", "\"peer\":\"other\"", 1)).contains("no peer \"other\""));
        assert!(refused("").contains("nothing in it"));
        assert!(refused("{}").starts_with("line 1: no machine"));
        assert!(refused(&format!("{text}{{")).starts_with("line "));
    }

    #[test]
    fn a_quick_look_is_not_full() {
        let mut results = all();
        results.head.scale = 0.1;
        assert!(!results.head.is_full());
        let mut results = all();
        results.head.works.pop();
        assert!(!results.head.is_full());
        let mut results = all();
        results.head.peers.pop();
        assert!(!results.head.is_full());
        // What this machine lacks is said on the page.
        results.head.left_out.push(("bare".into(), "it is missing".into()));
        assert!(results.head.is_full());
    }

    #[test]
    fn the_best_is_one_of_the_other_clients() {
        let results = all();
        let receive = Work::named("receive").unwrap();
        let best = results.best(receive, receive.main_figure(), receive.better);
        assert!((best[&1] - 1.01e6).abs() < 1.0, "{best:?}");
    }
}
