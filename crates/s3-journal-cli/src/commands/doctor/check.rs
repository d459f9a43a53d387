//! What was found of one thing that was tried. Knows exit statuses; nothing of stores and disks. Pure.

use serde::Serialize;

use crate::exit::Exit;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It works.
    Ok,
    /// The permission isn't granted, or the store or disk can't do it.
    Missing,
    /// It was tried and went wrong, or isn't as it should be.
    Failed,
    /// It couldn't be tried.
    Unknown,
}

impl Outcome {
    /// For people, and as `--json` has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What it is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// `write` delivers nothing without it.
    Write,
    /// `write` runs without it, and settles less by looking.
    Stricter,
    /// `cat`, `ls` and `verify`.
    Read,
    /// `recover` and `bench`.
    Recover,
    /// That entries survive the machine.
    Durable,
    /// That entries can wait through an outage.
    Outages,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it stands.
    pub outcome: Outcome,
    /// What that means.
    pub detail: String,
    /// What to do next; empty when there is nothing.
    pub remedy: String,
    /// Who wants it.
    pub needed_for: Vec<Need>,
    /// The status that the program ends with because of it; none when a `write` can run all the same.
    #[serde(skip)]
    pub exit: Option<Exit>,
}

impl Check {
    /// It works.
    pub fn ok(name: &'static str, needed_for: &[Need], detail: impl Into<String>) -> Self {
        Self::new(name, Outcome::Ok, needed_for, detail, "")
    }

    /// It stands otherwise, and a `write` can run all the same.
    pub fn new(
        name: &'static str,
        outcome: Outcome,
        needed_for: &[Need],
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (detail, remedy) = (detail.into(), remedy.into());
        Self { name, outcome, detail, remedy, needed_for: needed_for.to_vec(), exit: None }
    }

    /// The same, and no `write` can run.
    pub fn ends(mut self, exit: Exit) -> Self {
        self.exit = Some(exit);
        self
    }
}
