//! What is said of entries that were taken and for which the local disk had no room. Pure.

use crate::exit::Exit;
use crate::human;

/// Entries that were taken and aren't durable; the last ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotKept {
    /// Lines of FILEs: they are there still, and the journal's position of the FILE is before them.
    pub in_files: u64,
    /// Entries of inputs that can't be read again.
    pub gone: u64,
}

/// How certain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// They aren't durable.
    Known,
    /// Nobody has heard that they are.
    Feared,
}

impl NotKept {
    /// How many there are.
    pub fn count(self) -> u64 {
        self.in_files + self.gone
    }

    /// The exit status where everything else is safe: a run that is repeated brings the lines of FILEs, and only those.
    pub fn exit(self) -> Exit {
        if self.gone > 0 { Exit::LocalIo } else { Exit::Waiting }
    }

    /// Which they are and what is to be done; to follow the cause.
    pub fn line(self, certainty: Certainty) -> String {
        let (one, many) = if self.gone == 0 { ("line", "lines") } else { ("entry", "entries") };
        let (which, verb) = match self.count() {
            1 => (one.to_owned(), "isn't"),
            more => (format!("{} {many}", human::count(more)), "aren't"),
        };
        let verb = if certainty == Certainty::Feared { "may not be" } else { verb };
        format!("the last {which} taken {verb} kept here{}", self.remedy())
    }

    /// What is to be done about them; to follow what they are.
    pub fn remedy(self) -> String {
        let them = if self.count() == 1 { "it" } else { "them" };
        match self {
            Self { gone: 0, .. } => format!("; the FILE still has {them}, and is read again from there"),
            Self { in_files: 0, .. } => format!(", and the input can't be read again: give {them} again"),
            Self { gone, .. } => format!(
                "; {} of them came from an input that can't be read again: give that again; the FILE still has the \
                 rest, and is read again from there",
                human::count(gone)
            ),
        }
    }
}

#[cfg(test)]
#[path = "ending_tests.rs"]
mod tests;
