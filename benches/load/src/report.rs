//! The line of JSON that a driver ends with.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::usage::{Memory, cpu_seconds, memory};

/// How long nothing is done before memory is looked at, and for how long the CPU time of doing nothing is counted.
pub const QUIET: Duration = Duration::from_secs(2);

/// Time and CPU time since a moment.
pub struct Span {
    start: Instant,
    cpu_start: f64,
}

impl Span {
    pub fn begin() -> Span {
        Span { cpu_start: cpu_seconds(), start: Instant::now() }
    }

    /// Ends it, for this many events.
    pub fn end(&self, events: u64) -> Result<Report> {
        let seconds = self.seconds();
        let cpu_seconds = cpu_seconds() - self.cpu_start;
        let mut report = Report(String::new());
        report.add("events", events);
        report.add("seconds", seconds);
        report.add("cpu_seconds", cpu_seconds);
        report.add("peak_rss_kib", memory()?.peak_rss_kib);
        Ok(report)
    }

    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}

/// What is measured by a run.
pub struct Report(String);

impl Report {
    pub fn add(&mut self, name: &str, value: impl Display) {
        let comma = if self.0.is_empty() { "" } else { "," };
        self.0 += &format!("{comma}\"{name}\":{value}");
    }

    /// The figures of round trips, each in microseconds.
    pub fn add_trips(&mut self, mut trips: Vec<f64>) {
        let mean = trips.iter().sum::<f64>() / trips.len() as f64;
        trips.sort_by(f64::total_cmp);
        self.add("p50_us", at(&trips, 0.5));
        self.add("p99_us", at(&trips, 0.99));
        self.add("max_us", at(&trips, 1.0));
        self.add("mean_us", mean);
    }

    /// The figures of connecting, each in microseconds, in the order they were taken.
    pub fn add_connects(&mut self, mut times: Vec<f64>) {
        self.add("first_us", times[0]);
        times.sort_by(f64::total_cmp);
        self.add("median_us", at(&times, 0.5));
        self.add("max_us", at(&times, 1.0));
    }

    /// The figures of doing nothing: without a connection, with one, with all of them.
    pub fn add_idle(&mut self, none: Memory, one: Memory, all: Memory, idle_cpu_us_per_s: f64) {
        self.add("rss_kib_0", none.rss_kib);
        self.add("rss_kib_1", one.rss_kib);
        self.add("rss_kib_n", all.rss_kib);
        self.add("anon_kib_1", one.anon_kib);
        self.add("anon_kib_n", all.anon_kib);
        self.add("threads_1", one.threads);
        self.add("threads_n", all.threads);
        self.add("idle_cpu_us_per_s", idle_cpu_us_per_s);
    }

    pub fn print(self) {
        println!("{{{}}}", self.0);
    }
}

fn at(sorted: &[f64], part: f64) -> f64 {
    sorted[((sorted.len() as f64 * part) as usize).min(sorted.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let mut report = Report(String::new());
        report.add_trips((1..=100).rev().map(f64::from).collect());
        assert_eq!(report.0, r#""p50_us":51,"p99_us":100,"max_us":100,"mean_us":50.5"#);
    }
}
