//! All that was found, for people and for programs: a line for each thing, the figures, what to set at Amazon, and whether a
//! `write` can run. Pure.

use s3_journal::read::escaped;
use serde::Serialize;
use serde_json::Value;

use super::check::{Check, Outcome};
use super::directory::DirectoryFigures;
use super::policy::{LIFECYCLE_WORDS, POLICY_WORDS, Place, Policy};
use super::store::StoreFigures;
use crate::exit::Exit;
use crate::human;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where the objects go, with the prefix.
    store: String,
    /// A `write` delivers.
    can_write: bool,
    /// Each thing that was tried.
    checks: Vec<Check>,
    /// How fast the store answers.
    store_figures: StoreFigures,
    /// The local directory; null where none was named.
    directory_figures: Option<DirectoryFigures>,
    /// The policy; null where the store isn't S3.
    policy: Option<Policy>,
    /// The lifecycle configuration; null where the store isn't S3.
    lifecycle: Option<Value>,
    /// What couldn't be removed again.
    left_behind: Vec<String>,
    #[serde(skip)]
    of_store: usize,
}

impl Report {
    /// Of a store alone.
    pub fn new(store: String, place: Option<&Place>, checks: Vec<Check>, figures: StoreFigures) -> Self {
        Self {
            store,
            can_write: checks.iter().all(|check| check.exit.is_none()),
            of_store: checks.len(),
            checks,
            store_figures: figures,
            directory_figures: None,
            policy: place.map(Place::policy),
            lifecycle: place.map(Place::lifecycle),
            left_behind: Vec::new(),
        }
    }

    /// The same, with a local directory.
    pub fn with_directory(mut self, (checks, figures): (Vec<Check>, DirectoryFigures)) -> Self {
        self.can_write &= checks.iter().all(|check| check.exit.is_none());
        self.checks.extend(checks);
        self.directory_figures = Some(figures);
        self
    }

    /// The same, with what is left behind.
    pub fn with_left(mut self, left: Vec<String>) -> Self {
        self.left_behind = left;
        self
    }

    /// The status that the program ends with: of what keeps a `write` from running, the most telling. A missing permission
    /// is named before an outage that may be over soon, and both before the local directory.
    pub fn exit(&self) -> Exit {
        let found = |exit: Exit| self.checks.iter().any(|check| check.exit == Some(exit));
        [Exit::Denied, Exit::Unreachable, Exit::Unexpected, Exit::Directory, Exit::LocalIo]
            .into_iter()
            .find(|exit| found(*exit))
            .unwrap_or(Exit::Done)
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("store: {}", self.store)];
        let (store, directory) = self.checks.split_at(self.of_store.min(self.checks.len()));
        lines.extend(check_lines(store));
        lines.extend(figure_lines(self.store_figures.lines()));
        if let Some(figures) = &self.directory_figures {
            lines.push(format!("local directory: {}", figures.directory));
            lines.extend(check_lines(directory));
            lines.extend(figure_lines(figures.lines()));
        }
        lines.push(String::new());
        if let Some(policy) = &self.policy {
            lines.push(format!("The policy for whoever runs it; {POLICY_WORDS}:"));
            lines.extend(policy.lines());
            lines.push(String::new());
        }
        if let Some(lifecycle) = &self.lifecycle {
            lines.push(format!("The lifecycle rule for the bucket; {LIFECYCLE_WORDS}:"));
            lines.push(format!("  {lifecycle}"));
            lines.push(String::new());
        }
        lines.push(self.verdict());
        // A line of the server's must not steer a terminal.
        lines.into_iter().map(|line| escaped(&line).into_owned()).collect()
    }

    fn verdict(&self) -> String {
        let of = |chosen: &dyn Fn(&Check) -> bool| {
            let names: Vec<&str> =
                self.checks.iter().filter(|check| chosen(check)).map(|check| check.name).collect();
            names.join(", ")
        };
        if !self.can_write {
            let names = of(&|check| check.exit.is_some());
            let waits = match self.exit() {
                Exit::Directory | Exit::LocalIo => "can't run with this local directory",
                _ => "can't deliver here, only keep entries and wait",
            };
            return format!("`write` {waits}: {names}; see above for what to do.");
        }
        let ask_of = match self.directory_figures {
            Some(_) => "",
            None => " The local directory wasn't looked at: --local-directory names it.",
        };
        let names = of(&|check| check.outcome != Outcome::Ok);
        if names.is_empty() {
            return format!("`write` can run here, with everything it can use.{ask_of}");
        }
        format!("`write` can run here; it does without {names}, see above for what follows.{ask_of}")
    }
}

/// One line for each, and for all that weren't tried for one reason.
fn check_lines(checks: &[Check]) -> Vec<String> {
    let line = |word: &str, what: &str, detail: &str| format!("  {word:<8} {what:<21} {detail}");
    let is_untried = |one: &Check, other: &Check| {
        one.outcome == Outcome::Unknown && other.outcome == Outcome::Unknown && one.detail == other.detail
    };
    let mut lines = Vec::new();
    for alike in checks.chunk_by(is_untried) {
        match alike {
            [check] => lines.push(line(check.outcome.word(), check.name, &check.detail)),
            [check, ..] => {
                let all = human::counted(alike.len() as u64, "thing", "things");
                lines.push(line(check.outcome.word(), &all, &check.detail));
            }
            [] => {}
        }
        if let Some(check) = alike.first().filter(|check| !check.remedy.is_empty()) {
            lines.push(format!("  {:<30} -> {}", "", check.remedy));
        }
    }
    lines
}

fn figure_lines(figures: Vec<(String, String)>) -> Vec<String> {
    figures.into_iter().map(|(what, figure)| format!("  {what:<56}{figure:>12}")).collect()
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
