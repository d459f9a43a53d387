//! What a store can't do, in words for who starts a program with it. Knows nothing of a particular store.

use std::fmt;

/// Something that a store can't do, and what is done instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// A short name for programs: `complete-not-conditional`.
    pub name: &'static str,
    /// One sentence for people.
    pub text: &'static str,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
