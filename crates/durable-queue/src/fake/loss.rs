//! What becomes of what wasn't synced when power is lost. Pure. Knows the dice.

use std::path::Path;

use super::operation::Operation;
use super::random::Dice;

/// What becomes of what wasn't synced when power is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of it is gone.
    Lost,
    /// All of it is there by chance.
    Kept,
    /// Each block, length and name goes its own way, as the seed says.
    Random(u64),
}

/// Something that isn't durable yet, and goes its own way when power is lost.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Unsynced<'a> {
    /// What one write put into one block.
    Block {
        /// The file, by the name it was given last.
        path: &'a Path,
        /// Where.
        offset_bytes: u64,
        /// How many bytes.
        len_bytes: u64,
    },
    /// A file's new length.
    Length {
        /// The file, by the name it was given last.
        path: &'a Path,
        /// The length.
        len_bytes: u64,
    },
    /// A name that was made, changed or removed.
    Name {
        /// The operation that did it.
        operation: &'a Operation,
    },
}

/// What becomes of it. A length or a name is kept or lost: all but [`Fate::Kept`] lose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It is on the medium.
    Kept,
    /// It never was there.
    Lost,
    /// Zeros are in its place.
    Zeroed,
    /// So many of the first bytes are there, the others aren't.
    Torn {
        /// How many.
        bytes: u64,
    },
    /// Anything is in its place, as the seed says.
    Garbled {
        /// The seed.
        seed: u64,
    },
}

impl Loss {
    /// The same, as one decision after the other.
    pub(super) fn fates(self) -> impl FnMut(&Unsynced<'_>) -> Fate {
        let mut dice = Dice::new(if let Self::Random(seed) = self { seed } else { 0 });
        // Out of 16: how many are kept, and lost. Where all chances are even, a whole file hardly ever is; so tempers differ.
        let (kept, lost) = match dice.below(4) {
            0 | 1 => (6, 6),
            2 => (2, 12),
            _ => (12, 2),
        };
        move |unsynced| match self {
            Self::Lost => Fate::Lost,
            Self::Kept => Fate::Kept,
            Self::Random(_) => {
                let roll = dice.below(16);
                let Unsynced::Block { len_bytes, .. } = unsynced else {
                    return if roll * (kept + lost) < kept * 16 { Fate::Kept } else { Fate::Lost };
                };
                if roll < kept {
                    Fate::Kept
                } else if roll < kept + lost {
                    Fate::Lost
                } else {
                    match dice.below(8) {
                        0..3 => Fate::Zeroed,
                        3..7 => Fate::Torn { bytes: dice.below(len_bytes + 1) },
                        _ => Fate::Garbled { seed: dice.next() },
                    }
                }
            }
        }
    }
}
