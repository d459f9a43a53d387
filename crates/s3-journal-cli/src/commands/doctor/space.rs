//! Whether there is room for entries to wait. Pure.

use super::check::{Check, Need, Outcome};
use crate::human;

/// As it is told.
pub const NAME: &str = "free_space";
/// What a `write` leaves free unless told otherwise, of a hundred.
const KEPT_PERCENT: u64 = 5;

/// So much is free of a file system of that size.
pub fn judge(free_bytes: u64, total_bytes: u64) -> Check {
    let needs = [Need::Outages];
    let percent = u128::from(free_bytes) * 100 / u128::from(total_bytes.max(1));
    let words = format!("{} of {} ({percent} %)", human::bytes(free_bytes), human::bytes(total_bytes));
    if percent > u128::from(KEPT_PERCENT) {
        return Check::ok(NAME, &needs, words);
    }
    Check::new(
        NAME,
        Outcome::Failed,
        &needs,
        format!("{words}: a `write` leaves {KEPT_PERCENT} % free, so that hardly anything can wait here"),
        "make room, or lower --free-space-kept of `write`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_write_would_leave_free_is_no_room() {
        assert_eq!(judge(6 << 30, 100 << 30).outcome, Outcome::Ok);
        for (free, total) in [(5 << 30, 100 << 30), (0, 1), (0, 0)] {
            let check = judge(free, total);
            assert_eq!((check.outcome, check.exit), (Outcome::Failed, None));
            assert!(check.remedy.contains("--free-space-kept"));
        }
    }
}
