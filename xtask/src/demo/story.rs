//! The steps of the demo. Each has to be seen twice: in the studio's timeline and at the server.

use super::server::Record;
use super::studio::Pulse;

/// A step, and what it looks like from both sides.
pub struct Step {
    pub key: Key,
    pub title: &'static str,
    pub way: Way,
    project: Expected,
    /// What the server reports.
    server: &'static str,
    /// The project's value that the server must have too.
    same: Option<&'static str>,
    /// The details for the timeline.
    pub detail: fn(&Pulse) -> String,
}

/// A pulse that the project has to see.
struct Expected {
    node: &'static str,
    output: &'static str,
    /// A value that it has to have.
    value: Option<(&'static str, &'static str)>,
}

/// The steps by name: what the plot hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Connected,
    Text,
    Json,
    Binary,
    Asks,
    Answered,
    Asked,
    Answers,
    Receives,
    Lost,
    Explained,
    Refused,
    Reconnected,
    StillSubscribed,
    Stopped,
}

/// Which way a message goes, or who alone did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToProject,
    Project,
    Server,
}

const fn pulse(node: &'static str, value: Option<(&'static str, &'static str)>) -> Expected {
    Expected { node, output: "Pulse", value }
}

fn event(pulse: &Pulse) -> String {
    format!("{}: {}", value(pulse, "Event Name"), value(pulse, "Message"))
}

fn message(pulse: &Pulse) -> String {
    value(pulse, "Message").to_owned()
}

fn received(pulse: &Pulse) -> String {
    format!("{}: {}", value(pulse, "Trigger Name"), value(pulse, "Message"))
}

fn error(pulse: &Pulse) -> String {
    format!("{}\n→ {}", value(pulse, "Message"), value(pulse, "Remedy"))
}

fn session(pulse: &Pulse) -> String {
    format!("session {}", value(pulse, "Session Id"))
}

fn value<'a>(pulse: &'a Pulse, name: &str) -> &'a str {
    pulse.value(name).unwrap_or("?")
}

pub const STEPS: &[Step] = &[
    Step {
        key: Key::Connected,
        title: "connects",
        way: Way::ToServer,
        project: pulse("on_start", Some(("Is Reconnect", "false"))),
        server: "connected",
        same: Some("Session Id"),
        detail: session,
    },
    Step {
        key: Key::Text,
        title: "sends text",
        way: Way::ToServer,
        project: pulse("greet", None),
        server: "greeting",
        same: Some("Message"),
        detail: event,
    },
    Step {
        key: Key::Json,
        title: "sends JSON",
        way: Way::ToServer,
        project: pulse("measure", None),
        server: "measurement",
        same: Some("Message"),
        detail: event,
    },
    Step {
        key: Key::Binary,
        title: "sends binary",
        way: Way::ToServer,
        project: pulse("show", None),
        server: "picture",
        same: Some("Message"),
        detail: event,
    },
    Step {
        key: Key::Asks,
        title: "asks",
        way: Way::ToServer,
        project: pulse("ask", None),
        server: "time",
        same: Some("Message"),
        detail: event,
    },
    Step {
        key: Key::Answered,
        title: "gets the answer",
        way: Way::ToProject,
        project: Expected { node: "ask", output: "Reply ►", value: None },
        server: "replied",
        same: Some("Reply"),
        detail: |pulse| value(pulse, "Reply").to_owned(),
    },
    Step {
        key: Key::Asked,
        title: "is asked",
        way: Way::ToProject,
        project: pulse("on_receive", Some(("Trigger Name", "question"))),
        server: "asked",
        same: Some("Message"),
        detail: received,
    },
    Step {
        key: Key::Answers,
        title: "answers",
        way: Way::ToServer,
        project: pulse("answer", None),
        server: "answered",
        same: Some("Message"),
        detail: message,
    },
    Step {
        key: Key::Receives,
        title: "gets subscribed news",
        way: Way::ToProject,
        project: pulse("on_receive", Some(("Trigger Name", "news"))),
        server: "told",
        same: Some("Message"),
        detail: received,
    },
    Step {
        key: Key::Lost,
        title: "notices the loss",
        way: Way::Project,
        project: pulse("on_stop", Some(("Will Reconnect", "true"))),
        server: "killed",
        same: None,
        detail: |pulse| format!("{}; will reconnect", value(pulse, "Reason")),
    },
    Step {
        key: Key::Explained,
        title: "says what happened",
        way: Way::Project,
        project: pulse("on_error", Some(("Code", "connection_lost"))),
        server: "connections cut",
        same: None,
        detail: error,
    },
    Step {
        key: Key::Refused,
        title: "says what is wrong",
        way: Way::Project,
        project: pulse("on_error", Some(("Code", "localhost_refused"))),
        server: "port closed",
        same: None,
        detail: error,
    },
    Step {
        key: Key::Reconnected,
        title: "reconnects by itself",
        way: Way::ToServer,
        project: pulse("on_start", Some(("Is Reconnect", "true"))),
        server: "connected",
        same: Some("Session Id"),
        detail: session,
    },
    Step {
        key: Key::StillSubscribed,
        title: "is still subscribed",
        way: Way::ToProject,
        project: pulse("on_receive", Some(("Trigger Name", "news"))),
        server: "told",
        same: Some("Message"),
        detail: received,
    },
    Step {
        key: Key::Stopped,
        title: "stops",
        way: Way::ToServer,
        project: pulse("on_stop", Some(("Will Reconnect", "false"))),
        server: "client left",
        same: None,
        detail: |pulse| value(pulse, "Reason").to_owned(),
    },
];

/// What was seen of each step so far.
pub struct Story(Vec<Seen>);

#[derive(Default)]
struct Seen {
    project: Option<Pulse>,
    server: Option<Record>,
}

/// What a sighting means.
pub enum Meaning<'a> {
    /// The second side of a step: now it is complete.
    Complete(&'static Step, &'a Pulse),
    /// The first side of a step.
    Half,
    /// The project saw something else.
    OtherPulse(Pulse),
    /// The server saw something else.
    OtherRecord(Record),
}

impl Story {
    pub fn new() -> Story {
        Story(STEPS.iter().map(|_| Seen::default()).collect())
    }

    /// The studio has shown a pulse.
    pub fn project_saw(&mut self, pulse: Pulse) -> Meaning<'_> {
        let next = STEPS.iter().zip(&self.0).position(|(step, seen)| seen.project.is_none() && step.project.is(&pulse));
        let Some(index) = next else { return Meaning::OtherPulse(pulse) };
        self.0[index].project = Some(pulse);
        self.meaning(index)
    }

    /// The server has reported something.
    pub fn server_saw(&mut self, record: Record) -> Meaning<'_> {
        let mut steps = STEPS.iter().zip(&self.0);
        let Some(index) = steps.position(|(step, seen)| seen.server.is_none() && step.server == record.what) else {
            return Meaning::OtherRecord(record);
        };
        self.0[index].server = Some(record);
        self.meaning(index)
    }

    /// Both sides have seen every step.
    pub fn is_complete(&self) -> bool {
        self.0.iter().all(|seen| seen.project.is_some() && seen.server.is_some())
    }

    fn meaning(&self, index: usize) -> Meaning<'_> {
        match &self.0[index] {
            Seen { project: Some(pulse), server: Some(_) } => Meaning::Complete(&STEPS[index], pulse),
            _ => Meaning::Half,
        }
    }

    /// Each step: what both sides saw, or why it does not count.
    pub fn verdicts(&self) -> Vec<Verdict> {
        STEPS.iter().zip(&self.0).map(|(step, seen)| (step.title, step.verdict(seen))).collect()
    }
}

/// A line of the checklist: its title, and what was seen or what was expected instead.
pub type Verdict = (&'static str, Result<Sides, String>);

/// What was seen on both sides.
pub struct Sides {
    pub studio: String,
    pub server: String,
}

impl Step {
    fn verdict(&self, seen: &Seen) -> Result<Sides, String> {
        if let (Some(pulse), Some(record)) = (&seen.project, &seen.server) {
            return self.compare(pulse, record);
        }
        let mut missing = Vec::new();
        if seen.project.is_none() {
            missing.push(format!("in the studio {}", self.project.describe()));
        }
        if seen.server.is_none() {
            missing.push(format!("at the server \"{}\"", self.server));
        }
        Err(format!("expected {}", missing.join(", and ")))
    }

    fn compare(&self, pulse: &Pulse, record: &Record) -> Result<Sides, String> {
        if let Some(name) = self.same {
            let shown = pulse.value(name).unwrap_or_default();
            if shown != record.value {
                return Err(format!("{name} is \"{shown}\" in the studio, but \"{}\" at the server", record.value));
            }
        }
        let output = if pulse.output == "Pulse" { String::new() } else { format!(", {}", pulse.output) };
        Ok(Sides { studio: format!("{}{output}", pulse.label), server: record.what.to_owned() })
    }
}

impl Expected {
    fn is(&self, pulse: &Pulse) -> bool {
        let value_fits = self.value.is_none_or(|(name, value)| pulse.value(name) == Some(value));
        self.node == pulse.node && self.output == pulse.output && value_fits
    }

    fn describe(&self) -> String {
        let value = self.value.map(|(name, value)| format!(" with {name} = {value}")).unwrap_or_default();
        format!("{} of node {}{value}", self.output, self.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(line: &str) -> Pulse {
        Pulse::read(line).unwrap()
    }

    fn record(what: &'static str, value: &str) -> Record {
        Record { what, value: value.to_owned() }
    }

    fn verdict(story: &Story, key: Key) -> Result<Sides, String> {
        let index = STEPS.iter().position(|step| step.key == key).unwrap();
        story.verdicts().swap_remove(index).1
    }

    #[test]
    fn a_step_counts_when_both_sides_saw_the_same() {
        let mut story = Story::new();
        assert!(matches!(story.server_saw(record("greeting", "Hi")), Meaning::Half));
        assert!(verdict(&story, Key::Text).err().unwrap().contains("in the studio Pulse of node greet"));
        let line = "Socket.IO Send [greet]  Pulse  (Message=\"Hi\")";
        assert!(matches!(story.project_saw(pulse(line)), Meaning::Complete(step, _) if step.key == Key::Text));
        let sides = verdict(&story, Key::Text).ok().unwrap();
        assert_eq!((sides.studio.as_str(), sides.server.as_str()), ("Socket.IO Send", "greeting"));
    }

    #[test]
    fn a_step_does_not_count_when_the_sides_differ() {
        let mut story = Story::new();
        story.server_saw(record("greeting", "Ho"));
        story.project_saw(pulse("Socket.IO Send [greet]  Pulse  (Message=\"Hi\")"));
        assert_eq!(
            verdict(&story, Key::Text).err().unwrap(),
            "Message is \"Hi\" in the studio, but \"Ho\" at the server"
        );
    }

    #[test]
    fn a_value_tells_the_first_connection_from_the_second() {
        let mut story = Story::new();
        story.project_saw(pulse("On Socket.IO Start [on_start]  Pulse  Session Id=\"b\"  Is Reconnect=true"));
        assert!(story.verdicts().iter().all(|(_, verdict)| verdict.is_err()));
        story.server_saw(record("connected", "a"));
        assert!(matches!(
            story.server_saw(record("connected", "b")),
            Meaning::Complete(step, _) if step.key == Key::Reconnected
        ));
        assert!(verdict(&story, Key::Reconnected).is_ok());
        assert!(verdict(&story, Key::Connected).err().unwrap().contains("Is Reconnect = false"));
    }

    #[test]
    fn what_belongs_to_no_step_is_told_apart() {
        let mut story = Story::new();
        let other = "On Socket.IO Error [on_error]  Pulse  Code=\"tls\"";
        assert!(matches!(story.project_saw(pulse(other)), Meaning::OtherPulse(_)));
        assert!(matches!(story.server_saw(record("lost", "")), Meaning::OtherRecord(_)));
    }
}
