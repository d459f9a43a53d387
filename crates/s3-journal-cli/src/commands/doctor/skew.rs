//! How far the store's clock is from ours, by when it says that it wrote an object. Pure.

use std::time::{Duration, SystemTime};

use crate::human;

/// Stores tell whole seconds.
const TOLD_TO: Duration = Duration::from_secs(1);
/// Less isn't worth a word; S3 refuses 15 minutes.
const TOLERATED: Duration = Duration::from_secs(5);

/// Between `before` and `after`, by our clock, an object was written; the store says `told`.
///
/// # Errors
/// In words, how far off our clock is.
pub fn judge(before: SystemTime, after: SystemTime, told: SystemTime) -> Result<String, String> {
    let earliest = before.checked_sub(TOLD_TO).unwrap_or(before);
    let (apart, which) = match (earliest.duration_since(told), told.duration_since(after)) {
        (Ok(ahead), _) => (ahead, "ahead of"),
        (_, Ok(behind)) => (behind, "behind"),
        _ => (Duration::ZERO, ""),
    };
    if apart <= TOLERATED {
        return Ok("agrees with the store's to a few seconds".to_owned());
    }
    let apart = human::time(Duration::from_secs(apart.as_secs()));
    Err(format!("this machine's clock is {apart} {which} the store's"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_few_seconds_are_nothing_and_more_is_told_with_its_direction() {
        for told in [994, 999, 1000, 1003, 1008] {
            assert!(judge(at(1000), at(1003), at(told)).is_ok(), "{told}");
        }
        let behind = judge(at(1000), at(1003), at(1063)).unwrap_err();
        assert!(
            behind.contains("behind") && behind.contains(&human::time(Duration::from_mins(1))),
            "{behind}"
        );
        let ahead = judge(at(10_000), at(10_003), at(9_000)).unwrap_err();
        assert!(ahead.contains("ahead of"), "{ahead}");
    }
}
