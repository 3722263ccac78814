//! The cases of the C harness, and all that each of them is run for.

use anyhow::{Result, bail};

/// What the `flow` cases run on besides WebSocket only: the name in the report, and the setting.
const TRANSPORTS: &[(&str, &str)] = &[("polling", "Polling Only"), ("automatic", "Automatic")];
/// What the `reach` cases run against: server, TLS, transport, proxy (`tests/c/harness.h` has all parts).
const VARIANTS: &[&str] = &[
    "npm4+websocket",
    "npm4+polling",
    "npm4+automatic",
    "npm4+tls+websocket",
    "npm4+tls+polling",
    "npm4+tls+automatic",
    "npm3+websocket",
    "npm3+polling",
    "npm3+automatic",
    "python+websocket",
    "python+polling",
    "python+automatic",
    "socketioxide+websocket",
    "socketioxide+polling",
    "socketioxide+automatic",
    "nginx+websocket",
    "nginx+polling",
    "nginx+automatic",
    "nginx+tls+automatic",
    "npm4+automatic+connect-proxy",
    "npm4+polling+connect-proxy-password",
    "npm4+websocket+connect-proxy-password",
    "npm4+tls+automatic+connect-proxy-password",
    "npm4+automatic+socks5",
    "npm4+tls+automatic+socks5-password",
];

/// A case as its program lists it.
pub struct Listed {
    name: String,
    /// It does not run on each transport.
    once: bool,
}

impl Listed {
    /// All that the case is run for.
    pub fn runs(&self, program: &str) -> Vec<Run> {
        let plain = Run::plain(program, &self.name);
        let labelled = |label: &'static str, variable: &'static str, value: &'static str| Run {
            label: Some(label),
            variable: Some((variable, value)),
            ..plain.clone()
        };
        match program.split('_').next() {
            Some("reach") => {
                VARIANTS.iter().map(|variant| labelled(variant, "SOCKETIO_TEST_VARIANT", variant)).collect()
            }
            Some("flow") if !self.once => {
                let others = TRANSPORTS.iter();
                let others = others.map(|(label, setting)| labelled(label, "SOCKETIO_TEST_TRANSPORT", setting));
                others.chain([plain.clone()]).collect()
            }
            _ => vec![plain],
        }
    }
}

/// One run of a case: the case itself, on a transport, or against a server.
#[derive(Clone)]
pub struct Run {
    pub program: String,
    pub case: String,
    /// Tells it from the other runs of the case.
    pub label: Option<&'static str>,
    /// What its environment says beyond that of all.
    pub variable: Option<(&'static str, &'static str)>,
}

impl Run {
    /// The case as it is.
    pub fn plain(program: &str, case: &str) -> Run {
        Run { program: program.to_owned(), case: case.to_owned(), label: None, variable: None }
    }

    pub fn name(&self) -> String {
        let label = self.label.map(|label| format!(" [{label}]")).unwrap_or_default();
        format!("{}/{}{label}", self.program, self.case)
    }
}

/// What a program says with `--list`.
pub fn listed(output: &str) -> Result<Vec<Listed>> {
    let mut cases: Vec<Listed> = Vec::new();
    for line in output.lines() {
        let (name, once) = match line.split_once(' ') {
            Some((name, "once")) => (name, true),
            _ => (line, false),
        };
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name || cases.iter().any(|case| case.name == name) {
            bail!("--list: \"{name}\" is no name of a case, or stands twice");
        }
        cases.push(Listed { name: name.to_owned(), once });
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_runs_for_all_that_its_kind_is_run_for() {
        let cases = listed("a\nb once\n").unwrap();
        let names =
            |program: &str, case: usize| -> Vec<String> { cases[case].runs(program).iter().map(Run::name).collect() };
        assert_eq!(names("api_x", 0), ["api_x/a"]);
        assert_eq!(names("flow_x", 0), ["flow_x/a [polling]", "flow_x/a [automatic]", "flow_x/a"]);
        assert_eq!(names("flow_x", 1), ["flow_x/b"]);
        assert_eq!(names("reach_x", 0).len(), VARIANTS.len());
        assert_eq!(names("reach_x", 0)[1], "reach_x/a [npm4+polling]");
    }

    #[test]
    fn what_is_no_list_of_cases_is_refused() {
        assert!(listed("a\na\n").is_err());
        assert!(listed("a twice\n").is_err());
        assert!(listed("\n").is_err());
    }
}
