//! What a log's directory may hold, and opening it: it works, or is refused with an error that names the damage, and never
//! panics; opening twice gives the same; an inspection says what opening does; what is refused isn't changed.
//!
//! * `slabs`: files of arbitrary bytes, and slabs made by hand after the format's documentation, right but for what the fuzzer
//!   wants wrong: only what was put there is handed out.
//! * `script`: a log's client, its death, and damage to the files. Nothing is handed out that wasn't appended, and nothing that
//!   was durable and lies before the damage is lost.

mod accepting;
mod damage;
mod opening;
mod script;
mod slabs;

use arbitrary::{Arbitrary, Unstructured};

use crate::bytes::Bytes;

/// What is tried.
#[derive(Debug)]
pub enum Input {
    /// Files.
    Slabs(slabs::Directory),
    /// A life.
    Script(script::Script),
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut bytes = Bytes(u);
        Ok(match bytes.byte() & 1 {
            0 => Self::Slabs(slabs::Directory::read(&mut bytes)),
            _ => Self::Script(script::Script::read(&mut bytes)),
        })
    }
}

/// Tries it.
pub fn check(input: Input) {
    match input {
        Input::Slabs(directory) => directory.check(),
        Input::Script(script) => script.check(),
    }
}
