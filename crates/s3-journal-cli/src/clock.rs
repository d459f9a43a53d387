//! The program's own clock: rates, deadlines, "at most once a minute".

use std::time::Instant;

/// Now, for measuring and for deadlines.
#[expect(
    clippy::disallowed_methods,
    reason = "the program measures itself; the journal's clock is the library's"
)]
pub fn now() -> Instant {
    Instant::now()
}
