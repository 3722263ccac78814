//! What a connection test found out, as a text to copy and as JSON.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::diagnostics::{Problem, Range, Secrets, one_line};
use crate::settings::{ConnectionConfig, TransportChoice};
use crate::transport::day;

/// Version of the JSON: raised when a field changes its meaning.
const VERSION: u32 = 1;
/// Characters of notes on one line of the text; a longer note has one of its own.
const LINE: usize = 100;

/// Characters of one note or sentence, at most.
const WORDS: usize = 1_000;

/// A part of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What the settings come to.
    Settings,
    /// Reading what they refer to.
    References,
    /// Looking up the name.
    Name,
    /// Opening TCP.
    Tcp,
    /// Asking a proxy for the way.
    Proxy,
    /// Encryption.
    Tls,
    /// The handshake of Engine.IO.
    Handshake,
    /// The WebSocket: moving to it, or opening it.
    WebSocket,
    /// Joining the default namespace.
    Namespace,
    /// To the server and back.
    RoundTrip,
    /// What server and connection take.
    Limits,
    /// How the clocks differ.
    Clock,
}

impl Part {
    /// Name in the JSON, and in the text.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Part::Settings => ("settings", "Settings"),
            Part::References => ("references", "References"),
            Part::Name => ("name", "Name"),
            Part::Tcp => ("tcp", "TCP"),
            Part::Proxy => ("proxy", "Proxy"),
            Part::Tls => ("tls", "TLS"),
            Part::Handshake => ("handshake", "Handshake"),
            Part::WebSocket => ("websocket", "WebSocket"),
            Part::Namespace => ("namespace", "Namespace"),
            Part::RoundTrip => ("round_trip", "Round Trip"),
            Part::Limits => ("limits", "Limits"),
            Part::Clock => ("clock", "Clock"),
        }
    }
}

/// How a part went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Ok,
    /// Not as it should, but the connection works.
    Warning,
    /// Here it ended.
    Failed,
    /// It is not needed.
    Skipped,
    /// Something failed before.
    NotReached,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
            Verdict::Skipped => "skipped",
            Verdict::NotReached => "not reached",
        }
    }
}

struct Step {
    part: Part,
    verdict: Verdict,
    took: Option<Duration>,
    notes: Vec<String>,
}

/// A problem in words.
struct Told {
    code: &'static str,
    message: String,
    remedy: &'static str,
}

impl Told {
    fn of(problem: &Problem) -> Told {
        Told { code: problem.name(), message: problem.message(), remedy: problem.remedy() }
    }

    fn json(&self) -> Value {
        json!({"code": self.code, "message": self.message, "remedy": self.remedy})
    }
}

/// See the module.
pub struct Report {
    connection: String,
    /// The day and the time of the device.
    began: SystemTime,
    took: Duration,
    steps: Vec<Step>,
    problem: Option<Told>,
    range: Option<Range>,
    warnings: Vec<Told>,
}

impl Report {
    /// A report in which nothing is reached yet.
    pub fn new(config: &ConnectionConfig) -> Report {
        let mut report = Report::empty(&config.name);
        let parts = [
            Part::Settings,
            Part::References,
            Part::Name,
            Part::Tcp,
            Part::Proxy,
            Part::Tls,
            Part::Handshake,
            Part::WebSocket,
            Part::Namespace,
            Part::RoundTrip,
            Part::Limits,
            Part::Clock,
        ];
        let step = |part| Step { part, verdict: Verdict::NotReached, took: None, notes: Vec::new() };
        report.steps = parts.into_iter().map(step).collect();
        if config.transport == TransportChoice::WebSocket {
            report.opens_websocket_first();
        }
        report
    }

    fn empty(connection: &str) -> Report {
        Report {
            connection: connection.to_string(),
            began: SystemTime::now(),
            took: Duration::ZERO,
            steps: Vec::new(),
            problem: None,
            range: None,
            warnings: Vec::new(),
        }
    }

    /// The report of a test that was not brought to its end.
    pub fn given_up(connection: &str, reason: &str) -> Report {
        let told = Told {
            code: "given_up",
            message: format!("The connection test was given up: {reason}."),
            remedy: "Run it again.",
        };
        Report { problem: Some(told), range: Some(Range::NotConnected), ..Report::empty(connection) }
    }

    /// The report of a test that has a fault itself.
    pub fn broken(connection: &str, reason: &str) -> Report {
        let problem = Problem::new(crate::diagnostics::Code::Internal).with("connection", connection);
        let problem = problem.with("reason", reason);
        Report { problem: Some(Told::of(&problem)), range: Some(problem.range()), ..Report::empty(connection) }
    }

    /// The steps are told in the order in which they are taken: the handshake comes over the WebSocket.
    pub fn opens_websocket_first(&mut self) {
        let at = |part: Part| self.steps.iter().position(|step| step.part == part);
        if let (Some(handshake), Some(websocket)) = (at(Part::Handshake), at(Part::WebSocket))
            && handshake < websocket
        {
            self.steps.swap(handshake, websocket);
        }
    }

    fn step(&mut self, part: Part, change: impl FnOnce(&mut Step)) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.part == part) {
            change(step);
        }
    }

    /// How a part went.
    pub fn set(&mut self, part: Part, verdict: Verdict) {
        self.step(part, |step| step.verdict = verdict);
    }

    /// Time that a part took, added to what it took before.
    pub fn took(&mut self, part: Part, took: Duration) {
        self.step(part, |step| step.took = Some(step.took.unwrap_or_default() + took));
    }

    /// What was found out in a part. What is known already is not told again.
    pub fn note(&mut self, part: Part, note: impl Into<String>) {
        let note = note.into();
        self.step(part, |step| {
            if !step.notes.contains(&note) {
                step.notes.push(note);
            }
        });
    }

    /// A part went as it should.
    pub fn done(&mut self, part: Part, took: Duration, notes: Vec<String>) {
        self.set(part, Verdict::Ok);
        self.took(part, took);
        notes.into_iter().for_each(|note| self.note(part, note));
    }

    /// A part is not needed.
    pub fn skip(&mut self, part: Part, why: &str) {
        self.step(part, |step| (step.verdict, step.took) = (Verdict::Skipped, None));
        self.note(part, why);
    }

    /// The test ends here.
    pub fn fail(&mut self, part: Part, problem: &Problem) {
        self.set(part, Verdict::Failed);
        self.note(part, problem.name());
        self.range = Some(problem.range());
        self.problem = Some(Told::of(problem));
    }

    /// A part did not go as it should, but the connection works.
    pub fn warn(&mut self, part: Part, problem: &Problem) {
        self.set(part, Verdict::Warning);
        self.note(part, problem.name());
        self.warnings.push(Told::of(problem));
    }

    /// Nothing more is found out. Takes the secrets out.
    pub fn finish(&mut self, took: Duration, secrets: &Secrets) {
        self.took = took;
        self.steps.retain(|step| step.part != Part::Clock || step.verdict != Verdict::NotReached);
        let notes = self.steps.iter_mut().filter(|step| step.part != Part::Settings).flat_map(|step| &mut step.notes);
        let messages = self.problem.iter_mut().chain(&mut self.warnings).map(|told| &mut told.message);
        for text in notes.chain(messages) {
            *text = one_line(&secrets.mask(text), WORDS);
        }
    }

    /// Whether the connection works.
    pub fn passed(&self) -> bool {
        self.problem.is_none()
    }

    /// The range of what failed.
    pub fn range(&self) -> Option<Range> {
        self.range
    }

    /// How it went, in a few words.
    pub fn outcome(&self) -> String {
        let failed = self.steps.iter().find(|step| step.verdict == Verdict::Failed);
        match (&self.problem, failed) {
            (None, _) if self.warnings.is_empty() => "passed".into(),
            (None, _) => "passed with a warning".into(),
            (Some(_), Some(step)) => format!("failed at {}", step.part.names().1),
            (Some(told), None) if told.code == "given_up" => "given up".into(),
            (Some(_), None) => "failed".into(),
        }
    }

    /// The text to copy.
    pub fn text(&self) -> String {
        let mut out = format!("Socket.IO connection test of {:?}: {}\n", self.connection, self.outcome());
        let (day, time) = self.moment();
        let version = env!("CARGO_PKG_VERSION");
        let took = milliseconds(self.took);
        let _ = write!(out, "Plugin {version}, {day} {time} UTC by the clock of this device, {took:.1} ms\n\n");
        for step in &self.steps {
            let took = step.took.map_or_else(String::new, |took| format!("{:.1} ms", milliseconds(took)));
            let head = format!("{:<11}{:<12}{took:>11}", step.part.names().1, step.verdict.name());
            out.push_str(&head);
            let indent = " ".repeat(head.chars().count());
            let lines: Vec<String> = lines(&step.notes).into_iter().map(|line| format!("  {line}")).collect();
            out.push_str(lines.join(&format!("\n{indent}")).trim_end());
            out.truncate(out.trim_end().len());
            out.push('\n');
        }
        for told in self.warnings.iter().chain(&self.problem) {
            let space = if out.ends_with("\n\n") { "" } else { "\n" };
            let _ = writeln!(out, "{space}{} ({})\nWhat to do: {}", told.message, told.code, told.remedy);
        }
        out
    }

    /// The same as JSON.
    pub fn json(&self) -> String {
        let steps: Vec<Value> = self
            .steps
            .iter()
            .map(|step| {
                json!({
                    "step": step.part.names().0,
                    "label": step.part.names().1,
                    "verdict": step.verdict.name(),
                    "ms": step.took.map(milliseconds),
                    "notes": step.notes,
                })
            })
            .collect();
        let failed = self.steps.iter().find(|step| step.verdict == Verdict::Failed);
        let (day, time) = self.moment();
        json!({
            "version": VERSION,
            "connection": self.connection,
            "passed": self.passed(),
            "outcome": self.outcome(),
            "failed_at": failed.map(|step| step.part.names().0),
            "plugin": env!("CARGO_PKG_VERSION"),
            "time": format!("{day}T{time}Z"),
            "ms": milliseconds(self.took),
            "steps": steps,
            "warnings": self.warnings.iter().map(Told::json).collect::<Vec<_>>(),
            "problem": self.problem.as_ref().map(Told::json),
        })
        .to_string()
    }

    fn moment(&self) -> (String, String) {
        // A clock that was never set may read a time before 1970.
        let seconds = self.began.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let of_day = seconds % 86_400;
        let time = format!("{:02}:{:02}:{:02}", of_day / 3_600, of_day / 60 % 60, of_day % 60);
        (day(i64::try_from(seconds).unwrap_or_default()), time)
    }
}

/// To a tenth of one: more is noise.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

/// The notes on as few lines as they need.
fn lines(notes: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for note in notes {
        match lines.last_mut().filter(|line| line.chars().count() + note.chars().count() <= LINE) {
            Some(line) => line.push_str(&format!("; {note}")),
            None => lines.push(note.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Code;

    fn report(settings: &str) -> (Report, Secrets) {
        let text = format!(r#"{{"connections":[{{"name":"main","url":"http://example.com:3000"{settings}}}]}}"#);
        let config = crate::settings::parse(text.as_bytes()).connections.remove(0);
        let mut report = Report::new(&config);
        report.began = UNIX_EPOCH + Duration::from_secs(1_795_339_845);
        (report, Secrets::default())
    }

    fn finished(mut report: Report, secrets: &Secrets) -> Report {
        report.finish(Duration::from_micros(12_340), secrets);
        report
    }

    #[test]
    fn a_failure_is_told_with_its_remedy_and_what_was_not_reached() {
        let (mut report, mask) = report("");
        report.done(Part::Settings, Duration::from_micros(40), vec!["http://example.com:3000/socket.io/".into()]);
        report.skip(Part::References, "none");
        report.done(Part::Name, Duration::from_millis(2), vec!["without a proxy".into(), "10.0.0.5".into()]);
        report.took(Part::Tcp, Duration::from_millis(1));
        report.fail(Part::Tcp, &Problem::new(Code::TcpRefused).with("address", "example.com:3000"));
        let report = finished(report, &mask);
        assert!(!report.passed() && report.range() == Some(Range::Network));
        assert_eq!(
            report.text(),
            format!(
                "Socket.IO connection test of \"main\": failed at TCP\n\
Plugin {}, 2026-11-22 09:30:45 UTC by the clock of this device, 12.3 ms\n\n\
Settings   ok               0.0 ms  http://example.com:3000/socket.io/\n\
References skipped                  none\n\
Name       ok               2.0 ms  without a proxy; 10.0.0.5\n\
TCP        failed           1.0 ms  tcp_refused\n\
Proxy      not reached\n\
TLS        not reached\n\
Handshake  not reached\n\
WebSocket  not reached\n\
Namespace  not reached\n\
Round Trip not reached\n\
Limits     not reached\n\n\
Nothing is listening at example.com:3000. (tcp_refused)\n\
What to do: {}\n",
                env!("CARGO_PKG_VERSION"),
                Code::TcpRefused.entry().remedy
            )
        );
    }

    #[test]
    fn the_json_has_its_fields_in_order() {
        let (mut report, mask) = report("");
        report.done(Part::Settings, Duration::from_micros(140), vec!["a".into(), "b".into()]);
        report.fail(Part::References, &Problem::new(Code::TcpRefused).with("address", "x"));
        let json = finished(report, &mask).json();
        let begins = format!(
            r#"{{"version":1,"connection":"main","passed":false,"outcome":"failed at References","failed_at":"references","plugin":"{}","time":"2026-11-22T09:30:45Z","ms":12.3,"steps":[{{"step":"settings","label":"Settings","verdict":"ok","ms":0.1,"notes":["a","b"]}},{{"step":"references","label":"References","verdict":"failed","ms":null,"notes":["tcp_refused"]}},{{"step":"name","#,
            env!("CARGO_PKG_VERSION")
        );
        assert!(json.starts_with(&begins), "{json}");
        let ends = r#""warnings":[],"problem":{"code":"tcp_refused","message":"Nothing is listening at x.","remedy":""#;
        assert!(json.contains(ends), "{json}");
    }

    #[test]
    fn steps_stand_in_the_order_in_which_they_are_taken() {
        let order = |report: &Report| report.steps.iter().map(|step| step.part.names().0).collect::<Vec<_>>().join(" ");
        let (automatic, _) = report("");
        assert!(order(&automatic).contains("tls handshake websocket namespace round_trip limits"));
        let (mut direct, _) = report(r#","transport":"WebSocket Only""#);
        assert!(order(&direct).contains("tls websocket handshake namespace"));
        direct.opens_websocket_first();
        assert!(order(&direct).contains("tls websocket handshake namespace"));
    }

    #[test]
    fn a_warning_passes_and_is_told() {
        let (mut report, mask) = report("");
        let problem = Problem::new(Code::WebSocketBlocked).with("address", "x").with("reason", "HTTP 502");
        report.warn(Part::WebSocket, &problem);
        let report = finished(report, &mask);
        let text = report.text();
        assert!(report.passed() && text.contains(": passed with a warning\n"), "{text}");
        assert!(text.contains("\nWebSocket  warning                  ws_blocked\n"), "{text}");
        assert!(text.contains("(HTTP 502); the connection stays on long-polling"), "{text}");
        assert!(text.contains("\nWhat to do: Let proxies"), "{text}");
    }

    #[test]
    fn many_notes_stand_below_each_other_and_foreign_words_break_no_line() {
        let (mut report, mut mask) = report("");
        report.done(
            Part::Tls,
            Duration::ZERO,
            vec!["TLS 1.3".into(), "x".repeat(LINE), "a\n\u{202E}b secret-token".into()],
        );
        mask.add("secret-token");
        let text = finished(report, &mask).text();
        let indent = " ".repeat(34);
        let expected = format!("  TLS 1.3\n{indent}  {}\n{indent}  a  b ***\n", "x".repeat(LINE));
        assert!(text.contains(&expected), "{text}");
    }

    #[test]
    fn a_test_that_was_given_up_says_so() {
        let report = Report::given_up("main", "the plugin is deactivated");
        assert!(!report.passed());
        assert!(report.text().starts_with("Socket.IO connection test of \"main\": given up\n"), "{}", report.text());
        assert!(
            report.json().contains(r#""steps":[],"warnings":[],"problem":{"code":"given_up""#),
            "{}",
            report.json()
        );
        let report = Report::broken("main", "a fault");
        assert!(report.outcome() == "failed" && report.range() == Some(Range::Internal));
    }
}
