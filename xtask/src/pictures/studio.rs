//! The views of the small studio, as it prints them: Plugins Editor and Toolbox.

use anyhow::Result;

use super::File;
use super::terminal::{Line, Look};
use super::window::Window;
use crate::process;
use crate::repository::{self, Profile};
use crate::steps::examples;

/// A picture: commands, and what each of them prints.
struct Session {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    commands: &'static [&'static str],
}

const SESSIONS: &[Session] = &[
    Session {
        name: "plugins-editor.svg",
        title: "Plugins Editor",
        description: "The studio lists the plugin Socket.IO with its description as Activated. After it is deactivated, it is \
listed as Deactivated, and its page is gone from Project Settings.",
        commands: &["studio plugins", "studio deactivate socketio", "studio plugins | head -n 3", "studio settings"],
    },
    Session {
        name: "toolbox.svg",
        title: "Toolbox",
        description: "The studio's Toolbox: its own nodes, and the plugin's under Communication/Socket.IO, actions and \
events. Then one of them, Socket.IO Send, with its help, attributes, inputs and outputs and their types and defaults.",
        commands: &["studio toolbox | grep -E '^ {0,2}[A-Z]'", "studio toolbox | grep -A 17 'socketio\\.send'"],
    },
];

/// The pictures, with the library of a profile.
pub fn files(profile: Profile) -> Result<Vec<File>> {
    examples::make_studio(profile)?;
    SESSIONS.iter().map(|session| session.file(profile)).collect()
}

impl Session {
    fn file(&self, profile: Profile) -> Result<File> {
        let preferences = repository::target().join("pictures_preferences.json");
        if preferences.exists() {
            std::fs::remove_file(&preferences)?;
        }
        let mut lines = Vec::new();
        for line in self.commands {
            if !lines.is_empty() {
                lines.push(Line::default());
            }
            let mut prompt = Line::default();
            prompt.push("$ ", Look::Faint);
            prompt.push(line, Look::Strong);
            lines.push(prompt);
            // What the examples' README has as an alias.
            let script = format!(
                "studio() {{ \"$STUDIO\" --plugins . --library \"$LIBRARY\" --preferences \"$PREFERENCES\" \"$@\"; }}\n{line}"
            );
            let mut command = process::command("sh");
            command.args(["-c", &script]).env("LC_ALL", "C.UTF-8");
            command
                .env("STUDIO", examples::studio())
                .env("LIBRARY", profile.library())
                .env("PREFERENCES", &preferences);
            lines.extend(process::run(command)?.lines().map(looks));
        }
        let svg = Window { title: self.title, description: self.description, lines: &lines, times: &[] }.svg();
        Ok(File { name: self.name.to_owned(), content: svg })
    }
}

/// The studio prints plain text; the picture lets ids step back and the state step forward.
fn looks(text: &str) -> Line {
    let mut line = Line::default();
    let with_id = text.split_once('[').and_then(|(label, rest)| Some((label, rest.split_once(']')?)));
    let (label, (id, columns)) = with_id.unwrap_or((text, ("", "")));
    // Categories stand at the margin, plugins and nodes below them.
    let name = text.starts_with("  ") && !text.starts_with("   ");
    let category = !text.starts_with(' ') && !text.ends_with('.');
    line.push(label, if name || category { Look::Strong } else { Look::Plain });
    if with_id.is_some() {
        line.push(&format!("[{id}]"), Look::Faint);
    }
    match columns.trim() {
        "Activated" => line.push(columns, Look::Good),
        "Deactivated" => line.push(columns, Look::Warn),
        _ => line.push(columns, Look::Plain),
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_change_no_letter() {
        for text in [
            "Communication",
            "  Socket.IO 0.1.0 [socketio]  Activated",
            "      inputs      Pulse [pulse]   Pulse",
            "",
            "a [b",
        ] {
            assert_eq!(looks(text).text(), text);
        }
        let line = looks("  Socket.IO 0.1.0 [socketio]  Deactivated");
        assert_eq!(line.pieces[1], ("[socketio]".to_owned(), Look::Faint));
        assert_eq!(line.pieces[2], ("  Deactivated".to_owned(), Look::Warn));
    }
}
