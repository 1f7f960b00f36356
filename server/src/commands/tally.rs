//! What became of the lines of a file.

use serde::Serialize;
use store::ImportOutcome;

use crate::output::say;

/// Bad lines that are told one by one; a file of the wrong kind has as many as it has lines.
const BAD_LINES_LISTED: usize = 200;

/// `read = new + updated + unchanged + repeated + bad`, and those that were kept out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Tally {
    pub(crate) read: u64,
    pub(crate) new: u64,
    pub(crate) updated: u64,
    pub(crate) unchanged: u64,
    /// Lines whose key came again soon after; the last one is kept.
    pub(crate) repeated: u64,
    pub(crate) bad: u64,
    /// The first of them.
    pub(crate) bad_lines: Vec<BadLine>,
    /// Whether bad lines are told on the terminal as they come.
    #[serde(skip)]
    pub(crate) silent: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct BadLine {
    pub(crate) line: u64,
    pub(crate) message: String,
}

impl Tally {
    /// For those who have no terminal.
    pub(crate) fn silent() -> Self {
        Self {
            silent: true,
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, outcome: ImportOutcome) {
        self.new += outcome.new;
        self.updated += outcome.updated;
        self.unchanged += outcome.unchanged;
    }

    /// Counts a bad line, and tells of it.
    pub(crate) fn set_aside(&mut self, line: u64, message: String) {
        self.bad += 1;
        if self.bad_lines.len() < BAD_LINES_LISTED {
            self.tell(&format!("line {line}: {message}"));
            self.bad_lines.push(BadLine { line, message });
        } else if self.bad == BAD_LINES_LISTED as u64 + 1 {
            self.tell("Further bad lines are counted only.");
        }
    }

    fn tell(&self, words: &str) {
        if !self.silent {
            say(words);
        }
    }

    pub(crate) fn words(&self) -> String {
        format!(
            "{} lines read, {} new, {} updated, {} unchanged, {} repeated, {} bad",
            self.read, self.new, self.updated, self.unchanged, self.repeated, self.bad
        )
    }
}
