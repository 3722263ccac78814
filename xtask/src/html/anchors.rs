//! The names that links lead to, each once on a page.

use std::collections::BTreeSet;

#[derive(Default)]
pub struct Anchors(BTreeSet<String>);

impl Anchors {
    /// The anchor of a heading, as the forges make it, so that one link serves the Markdown and the page.
    pub fn of_heading(&mut self, title: &str) -> String {
        let kept =
            title.to_lowercase().chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c)).collect::<String>();
        let wanted = kept.replace(' ', "-");
        let mut id = wanted.clone();
        let mut number = 0;
        while !self.0.insert(id.clone()) {
            number += 1;
            id = format!("{wanted}-{number}");
        }
        id
    }

    /// An anchor of this very name, unless the page has it already.
    pub fn exactly(&mut self, name: &str) -> Option<String> {
        self.0.insert(name.to_owned()).then(|| name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_get_the_anchors_that_forges_give_them() {
        let mut anchors = Anchors::default();
        assert_eq!(
            anchors.of_heading("Project Settings › Socket.IO › Connections"),
            "project-settings--socketio--connections"
        );
        assert_eq!(anchors.of_heading("Receive texts of 100 B"), "receive-texts-of-100-b");
        assert_eq!(anchors.of_heading("0.1.0, not released"), "010-not-released");
    }

    #[test]
    fn an_anchor_stands_once() {
        let mut anchors = Anchors::default();
        assert_eq!(anchors.of_heading("Time"), "time");
        assert_eq!(anchors.of_heading("Time"), "time-1");
        assert_eq!(anchors.exactly("time"), None);
        assert_eq!(anchors.exactly("T1").as_deref(), Some("T1"));
    }
}
