//! What every client is asked to do, and what is read from how it did it.

use std::collections::BTreeMap;

use super::figures;

/// What a driver measured: the numbers of its line of JSON.
pub type Fields = BTreeMap<String, f64>;

/// Something that clients do, and that is measured.
#[derive(Clone, Copy)]
pub struct Work {
    /// As `--works` takes it.
    pub name: &'static str,
    /// As drivers take it.
    pub driver: &'static str,
    pub count: u64,
    pub size: u64,
    /// Server and driver have a processor each: what a scheduler does with two that wake each other is not measured.
    pub pinned: bool,
    pub title: &'static str,
    /// What the table's columns are; the first one is what clients are compared by.
    pub figures: &'static [Figure],
    pub better: Better,
    /// What a driver has to tell, beside what each of them has to.
    pub fields: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    More,
    Less,
}

/// A column.
pub struct Figure {
    pub head: &'static str,
    /// With the lowest and the highest of all rounds.
    pub with_spread: bool,
    pub shown: fn(f64) -> String,
    pub of: fn(&Fields, u64) -> Option<f64>,
}

/// What each driver tells of each work.
pub const COMMON_FIELDS: &[&str] = &["events", "seconds", "cpu_seconds", "peak_rss_kib"];

/// However little of a work is done: so much of it.
const LEAST: u64 = 10;

const LATENCY_FIELDS: &[&str] = &["p50_us", "p99_us", "max_us"];
const IDLE_FIELDS: &[&str] =
    &["rss_kib_0", "rss_kib_1", "rss_kib_n", "anon_kib_1", "anon_kib_n", "threads_1", "threads_n", "idle_cpu_us_per_s"];

const fn column(head: &'static str, shown: fn(f64) -> String, of: fn(&Fields, u64) -> Option<f64>) -> Figure {
    Figure { head, with_spread: false, shown, of }
}

const fn spread(head: &'static str, shown: fn(f64) -> String, of: fn(&Fields, u64) -> Option<f64>) -> Figure {
    Figure { head, with_spread: true, shown, of }
}

fn field(fields: &Fields, name: &str) -> Option<f64> {
    fields.get(name).copied()
}

fn events_per_second(fields: &Fields, _size: u64) -> Option<f64> {
    Some(field(fields, "events")? / field(fields, "seconds")?)
}

fn cpu_per_million(fields: &Fields, _size: u64) -> Option<f64> {
    Some(field(fields, "cpu_seconds")? / field(fields, "events")? * 1e6)
}

fn peak(fields: &Fields, _size: u64) -> Option<f64> {
    Some(field(fields, "peak_rss_kib")? / 1024.0)
}

const PEAK: Figure = column("peak memory, MiB", figures::plain, peak);
const CPU: Figure = spread("CPU s per million", figures::plain, cpu_per_million);
const P99: Figure = spread("99 %, µs", figures::plain, |fields, _| field(fields, "p99_us"));
const WORST: Figure = spread("worst, µs", figures::plain, |fields, _| field(fields, "max_us"));
const CPU_PER_TRIP: Figure = column("CPU µs each", figures::plain, cpu_per_million);

const FLOOD: &[Figure] = &[spread("events/s", figures::rate, events_per_second), CPU, PEAK];
const SEND: &[Figure] = &[
    spread("events/s", figures::rate, events_per_second),
    CPU,
    PEAK,
    column("s until the calls had returned", figures::plain, |fields, _| field(fields, "returned_seconds")),
];
const LARGE: &[Figure] = &[
    spread("MB/s", figures::whole, |fields, size| Some(events_per_second(fields, size)? * size as f64 / 1e6)),
    spread("CPU s per GB", figures::plain, |fields, size| Some(cpu_per_million(fields, size)? * 1e3 / size as f64)),
    PEAK,
];
const TRIP: &[Figure] =
    &[spread("median, µs", figures::plain, |fields, _| field(fields, "p50_us")), P99, WORST, CPU_PER_TRIP, PEAK];
const PAIR: &[Figure] =
    &[spread("median, µs", figures::plain, |fields, _| field(fields, "p50_us")), P99, WORST, CPU_PER_TRIP];
const CONNECT: &[Figure] = &[
    spread("median, µs", figures::plain, |fields, _| field(fields, "median_us")),
    spread("first, µs", figures::plain, |fields, _| field(fields, "first_us")),
    WORST,
    PEAK,
];
const IDLE: &[Figure] = &[
    spread("KiB for each further one", figures::plain, |fields, _| {
        Some((field(fields, "rss_kib_n")? - field(fields, "rss_kib_1")?) / (field(fields, "events")? - 1.0))
    }),
    column("MiB before", figures::plain, |fields, _| Some(field(fields, "rss_kib_0")? / 1024.0)),
    column("with 1", figures::plain, |fields, _| Some(field(fields, "rss_kib_1")? / 1024.0)),
    column("with all", figures::plain, |fields, _| Some(field(fields, "rss_kib_n")? / 1024.0)),
    column("anonymous with 1, KiB", figures::whole, |fields, _| field(fields, "anon_kib_1")),
    column("with all, KiB", figures::whole, |fields, _| field(fields, "anon_kib_n")),
    column("threads with 1", figures::whole, |fields, _| field(fields, "threads_1")),
    column("with all", figures::whole, |fields, _| field(fields, "threads_n")),
    column("CPU µs in a second", figures::plain, |fields, _| field(fields, "idle_cpu_us_per_s")),
];

pub const WORKS: &[Work] = &[
    Work {
        name: "receive",
        driver: "receive",
        count: 500_000,
        size: 100,
        pinned: false,
        title: "Receive texts of 100 B",
        figures: FLOOD,
        better: Better::More,
        fields: &[],
    },
    Work {
        name: "send",
        driver: "send",
        count: 300_000,
        size: 100,
        pinned: false,
        title: "Send texts of 100 B",
        figures: SEND,
        better: Better::More,
        fields: &[],
    },
    Work {
        name: "large",
        driver: "large",
        count: 2_000,
        size: 65_536,
        pinned: false,
        title: "Receive texts of 64 KiB",
        figures: LARGE,
        better: Better::More,
        fields: &[],
    },
    Work {
        name: "binary",
        driver: "binary",
        count: 50_000,
        size: 1_024,
        pinned: false,
        title: "Receive attachments of 1 KiB",
        figures: FLOOD,
        better: Better::More,
        fields: &[],
    },
    Work {
        name: "trip",
        driver: "trip",
        count: 20_000,
        size: 32,
        pinned: true,
        title: "Round trip of 32 B",
        figures: TRIP,
        better: Better::Less,
        fields: &["p50_us", "p99_us", "max_us", "mean_us"],
    },
    Work {
        name: "pair",
        driver: "pair",
        count: 200,
        size: 32,
        pinned: true,
        title: "Two events at once, the second is answered",
        figures: PAIR,
        better: Better::Less,
        fields: LATENCY_FIELDS,
    },
    Work {
        name: "connect",
        driver: "connect",
        count: 30,
        size: 0,
        pinned: false,
        title: "Connect",
        figures: CONNECT,
        better: Better::Less,
        fields: &["median_us", "first_us", "max_us"],
    },
    Work {
        name: "idle",
        driver: "idle",
        count: 50,
        size: 0,
        pinned: false,
        title: "Idle connections, 50 in one process",
        figures: IDLE,
        better: Better::Less,
        fields: IDLE_FIELDS,
    },
    Work {
        name: "idle-1000",
        driver: "idle",
        count: 1_000,
        size: 0,
        pinned: false,
        title: "Idle connections, 1,000 in one process",
        figures: IDLE,
        better: Better::Less,
        fields: IDLE_FIELDS,
    },
];

impl Work {
    pub fn named(name: &str) -> Option<&'static Work> {
        WORKS.iter().find(|work| work.name == name)
    }

    /// What clients are compared by.
    pub fn main_figure(&self) -> &'static Figure {
        &self.figures[0]
    }

    /// How many events it has at this scale.
    pub fn count(&self, scale: f64) -> u64 {
        ((self.count as f64 * scale).round() as u64).max(LEAST)
    }

    /// What is wrong with what a driver told, in words; nothing if all is there and all events came.
    pub fn objection(&self, fields: &Fields, count: u64) -> Option<String> {
        let due = COMMON_FIELDS.iter().chain(self.fields);
        let missing: Vec<&str> = due.filter(|name| !fields.contains_key(**name)).copied().collect();
        if !missing.is_empty() {
            return Some(format!("it does not tell {}", missing.join(", ")));
        }
        if let Some((name, value)) = fields.iter().find(|(_, value)| !value.is_finite() || **value < 0.0) {
            return Some(format!("{name} is {value}"));
        }
        if fields["events"] != count as f64 {
            return Some(format!("{} events of {count}", fields["events"]));
        }
        (fields["seconds"] == 0.0).then(|| "it took no time".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, f64)]) -> Fields {
        pairs.iter().map(|(name, value)| (name.to_string(), *value)).collect()
    }

    const ALL: &[(&str, f64)] = &[("events", 20.0), ("seconds", 0.5), ("cpu_seconds", 0.25), ("peak_rss_kib", 2048.0)];

    #[test]
    fn figures_are_what_their_heads_say() {
        let fields = fields(ALL);
        let of = |name: &str| -> Vec<f64> {
            let work = Work::named(name).unwrap();
            work.figures.iter().filter_map(|figure| (figure.of)(&fields, work.size)).collect()
        };
        assert_eq!(of("receive"), [40.0, 12_500.0, 2.0]);
        assert_eq!(of("large"), [40.0 * 65_536.0 / 1e6, 0.25 / (20.0 * 65_536.0 / 1e9), 2.0]);
    }

    #[test]
    fn memory_of_a_further_connection_leaves_the_first_one_out() {
        let fields = fields(&[("events", 50.0), ("rss_kib_1", 1_000.0), ("rss_kib_n", 1_490.0)]);
        assert_eq!((Work::named("idle").unwrap().main_figure().of)(&fields, 0), Some(10.0));
    }

    #[test]
    fn a_result_that_lacks_something_is_refused() {
        let receive = Work::named("receive").unwrap();
        assert_eq!(receive.objection(&fields(ALL), 20), None);
        assert_eq!(receive.objection(&fields(ALL), 21).unwrap(), "20 events of 21");
        assert_eq!(receive.objection(&fields(&ALL[..3]), 20).unwrap(), "it does not tell peak_rss_kib");
        let pair = Work::named("pair").unwrap();
        assert_eq!(pair.objection(&fields(ALL), 20).unwrap(), "it does not tell p50_us, p99_us, max_us");
        let timeless = fields(&[ALL[0], ("seconds", 0.0), ALL[2], ALL[3]]);
        assert_eq!(receive.objection(&timeless, 20).unwrap(), "it took no time");
        let odd = fields(&[ALL[0], ("seconds", f64::NAN), ALL[2], ALL[3]]);
        assert_eq!(receive.objection(&odd, 20).unwrap(), "seconds is NaN");
    }

    #[test]
    fn a_small_scale_leaves_something_to_do() {
        let count = |name, scale| Work::named(name).unwrap().count(scale);
        assert_eq!((count("receive", 1.0), count("receive", 0.1), count("pair", 0.001)), (500_000, 50_000, LEAST));
    }
}
