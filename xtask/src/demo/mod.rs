//! `cargo xtask demo`: a project runs in the small studio, its other end is a server in this program, and what both
//! see is shown as one timeline.

mod server;
mod story;
mod studio;
mod timeline;

use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process;
use crate::report::{self, Outcome};
use crate::repository::{self, Profile};
use crate::steps::{examples, rust};
use crate::style::{Colour, Style};
use server::{Record, Server};
use story::{Key, Meaning, Sides, Story, Verdict, Way};
use studio::{Line, Pulse, Studio};
use timeline::Timeline;

/// The debug library: it is what a developer has built already, and shows the same.
const PROFILE: Profile = Profile::Debug;

/// How long all of it may take. It takes about two seconds.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// How much later than the studio's end the server may report the last it saw.
const GRACE: Duration = Duration::from_secs(1);

/// Nodes that are shown although no step hangs on them: their labels, and what they do.
const ASIDES: &[(&str, &str)] = &[
    ("Socket.IO Subscribe", "subscribes"),
    ("Socket.IO Start", "starts"),
    ("On Socket.IO Subscribe", "is subscribed"),
    ("Socket.IO Stop", "wants to stop"),
];

/// Nodes that tell of trouble. If no step expects them, the demo has failed.
const ALARMS: &[&str] = &["On Socket.IO Start", "On Socket.IO Stop", "On Socket.IO Error"];

/// What one of the sides saw.
pub enum Sighting {
    /// A line that the studio printed.
    Studio(String),
    StudioEnded,
    Server(Record),
}

/// With `--studio COMMAND...` it is not built and run here, but by that command, which gets the server's address as its last
/// argument: a studio of an archive, on another machine.
pub fn command(arguments: &[String]) -> Result<ExitCode> {
    let other_studio = match arguments.split_first() {
        None => None,
        Some((option, words)) if option == "--studio" && !words.is_empty() => Some(words),
        Some((other, _)) => bail!("what is \"{other}\"?"),
    };
    let style = Style::of_stdout();
    println!("{}\n", style.paint(Colour::Strong, "Socket.IO in a visual authoring studio"));
    println!("  project   {}, run by the small studio of examples_c/studio", studio::PROJECT);
    if let Some(words) = other_studio {
        println!("  studio    {}", words.join(" "));
    } else {
        build()?;
        println!("  plugin    {}", repository::shown(&PROFILE.library()));
    }
    let (sightings, seen) = mpsc::channel();
    let server = Server::start(sightings.clone())?;
    println!("  server    http://{}, a Socket.IO server in this program\n", server.address());
    let command = match other_studio {
        Some(words) => studio::other(words),
        None => studio::built(PROFILE)?,
    };
    let studio = Studio::start(command, server.address(), sightings)?;
    let mut demo = Demo { story: Story::new(), timeline: Timeline::begin(style), server, surprises: Vec::new() };
    let ended = demo.play(&seen)?;
    let verdicts = demo.verdicts(studio, ended)?;
    let passed = timeline::checklist(style, &verdicts);
    let seen = verdicts.iter().filter(|(_, verdict)| verdict.is_ok()).count();
    println!("\n{seen} of {} steps were seen", verdicts.len());
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The demo as a step of the tests.
pub fn step() -> Result<Outcome> {
    let mut command = process::command(std::env::current_exe()?);
    command.arg("demo");
    let output = process::run(command)?;
    Ok(Outcome::done(output.lines().last().unwrap_or_default()))
}

fn build() -> Result<()> {
    report::progress("building the library");
    rust::build(PROFILE)?;
    report::progress("building the studio");
    examples::make_studio(PROFILE)?;
    report::progress_ends();
    Ok(())
}

struct Demo {
    story: Story,
    timeline: Timeline,
    server: Server,
    /// What should not have happened.
    surprises: Vec<String>,
}

impl Demo {
    /// Takes in what both sides see until the studio has ended; false: it did not in time.
    fn play(&mut self, seen: &Receiver<Sighting>) -> Result<bool> {
        let mut deadline = Instant::now() + TIME_LIMIT;
        let mut ended = false;
        while !(ended && self.story.is_complete())
            && let Ok(sighting) = seen.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            let meaning = match sighting {
                Sighting::StudioEnded => {
                    ended = true;
                    deadline = Instant::now() + GRACE;
                    continue;
                }
                Sighting::Server(record) => self.story.server_saw(record),
                Sighting::Studio(line) => match Line::read(&line) {
                    Line::Pulse(pulse) => self.story.project_saw(pulse),
                    Line::Words => continue,
                    Line::Other => {
                        self.surprises.push(format!("studio: {line}"));
                        continue;
                    }
                },
            };
            match meaning {
                Meaning::Half => {}
                Meaning::Complete(step, pulse) => {
                    self.timeline.step(step.way, step.title, &(step.detail)(pulse));
                    self.go_on(step.key)?;
                }
                Meaning::OtherPulse(pulse) => self.other_pulse(&pulse),
                Meaning::OtherRecord(record) => {
                    self.timeline.surprise(Way::Server, record.what, &record.value);
                    self.surprises.push(format!("server: {} {}", record.what, record.value));
                }
            }
        }
        Ok(ended)
    }

    /// The plot: what the server does next.
    fn go_on(&mut self, done: Key) -> Result<()> {
        match done {
            Key::Answered => self.server.ask("question", "Which language, please?"),
            Key::Answers => self.server.tell("news", "First edition"),
            Key::Receives => {
                self.server.kill()?;
                self.timeline.server_lives(false);
                Ok(())
            }
            Key::Refused => {
                self.server.restart()?;
                self.timeline.server_lives(true);
                Ok(())
            }
            Key::Reconnected => self.server.tell("news", "Second edition"),
            _ => Ok(()),
        }
    }

    /// A pulse without a step: an aside, trouble, or the project's own business.
    fn other_pulse(&mut self, pulse: &Pulse) {
        let label = pulse.label.as_str();
        let later_or_failed = label.starts_with("Socket.IO ") && pulse.output != "Pulse";
        if later_or_failed || ALARMS.contains(&label) {
            let detail = pulse.value("Message").or(pulse.value("Reason")).unwrap_or(&pulse.output);
            self.timeline.surprise(Way::Project, label, detail);
            self.surprises.push(format!("project: {label}: {detail}"));
        } else if let Some((_, title)) = ASIDES.iter().find(|(aside, _)| *aside == label) {
            self.timeline.aside(title, pulse.value("Event Name").unwrap_or_default());
        }
    }

    /// The checklist: each step, and that there was nothing else.
    fn verdicts(&self, mut studio: Studio, ended: bool) -> Result<Vec<Verdict>> {
        let mut verdicts = self.story.verdicts();
        let end = match ended {
            true => match studio.exit_code()? {
                Some(0) => Ok(Sides { studio: "exit code 0".to_owned(), server: String::new() }),
                Some(code) => Err(format!("expected exit code 0 of the studio, it was {code}")),
                None => Err("expected exit code 0 of the studio, it was ended by a signal".to_owned()),
            },
            false => Err(format!("the studio had not ended after {} s", TIME_LIMIT.as_secs())),
        };
        verdicts.push(("ends in good order", end));
        let left = match self.server.clients() {
            0 => Ok(Sides { studio: String::new(), server: "no client left".to_owned() }),
            clients => Err(format!("{clients} still connected to the server")),
        };
        verdicts.push(("leaves nothing open", left));
        let surprises = match self.surprises.is_empty() {
            true => Ok(Sides { studio: "no further start, stop or error".to_owned(), server: String::new() }),
            false => Err(self.surprises.join("; ")),
        };
        verdicts.push(("does nothing else", surprises));
        Ok(verdicts)
    }
}
