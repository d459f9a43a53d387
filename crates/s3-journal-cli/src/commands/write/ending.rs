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
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_file_are_not_lost_and_the_same_command_brings_them() {
        let not_kept = NotKept { in_files: 1_200, gone: 0 };
        assert_eq!(
            not_kept.line(Certainty::Known),
            "the last 1,200 lines taken aren't kept here; the FILE still has them, and is read again from there"
        );
        assert_eq!(not_kept.exit(), Exit::Waiting);
    }

    #[test]
    fn entries_of_an_input_that_cannot_be_read_again_are_to_be_given_again() {
        let not_kept = NotKept { in_files: 0, gone: 1 };
        assert_eq!(
            not_kept.line(Certainty::Feared),
            "the last entry taken may not be kept here, and the input can't be read again: give it again"
        );
        assert_eq!(not_kept.exit(), Exit::LocalIo);
    }

    #[test]
    fn of_both_each_is_told() {
        let not_kept = NotKept { in_files: 7, gone: 1 };
        assert_eq!(
            not_kept.line(Certainty::Known),
            "the last 8 entries taken aren't kept here; 1 of them came from an input that can't be read again: give that \
             again; the FILE still has the rest, and is read again from there"
        );
        assert_eq!(not_kept.exit(), Exit::LocalIo);
    }
}
