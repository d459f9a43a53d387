//! The date patterns: no pattern panics; what is accepted makes, at any instant, a directory that a key can have: not longer
//! than the limit, no empty segment, no `.` or `..`, no control character; and is given back as it was.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arbitrary::{Arbitrary, Unstructured};
use s3_journal::DirectoryFormat;

use crate::bytes::Bytes;

/// What is tried.
#[derive(Debug)]
pub struct Input {
    /// Instants besides those that are always tried: seconds since 1970 and nanoseconds.
    instants: [(i64, u32); 2],
    /// The pattern.
    pattern: String,
}

/// 26 bytes: seconds, nanoseconds, twice. Then the pattern.
impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut bytes = Bytes(u);
        let instants = std::array::from_fn(|_| {
            let seconds = bytes.long().cast_signed();
            // Where people live, most often.
            let seconds = if bytes.byte() & 3 == 0 { seconds } else { seconds >> 29 };
            let nanoseconds = u32::from(bytes.short()) << 16 | u32::from(bytes.short());
            (seconds, nanoseconds % 1_000_000_000)
        });
        Ok(Self { instants, pattern: bytes.text() })
    }
}

/// Instants that are always tried: ends of years, of eras, and of what can be said.
const ALWAYS: [(i64, u32); 8] = [
    (0, 0),
    (0, 1),
    (-1, 999_999_999),
    // The changes to the year 1 and from the Julian calendar, the last second of 9999.
    (-62_135_769_601, 0),
    (-12_219_292_801, 1_000_000),
    (253_402_300_799, 999_999_999),
    (i64::MIN, 0),
    (i64::MAX, 999_999_999),
];

/// Tries it.
pub fn check(input: Input) {
    let Input { instants, pattern } = input;
    let format = match DirectoryFormat::parse(&pattern) {
        Ok(format) => format,
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
            return;
        }
    };
    assert!(pattern.len() <= DirectoryFormat::LONGEST_PATTERN);
    assert_eq!((format.pattern(), format.to_string().as_str()), (pattern.as_str(), pattern.as_str()));
    let is_finer_than_a_second = format.is_finer_than_a_second();
    for (seconds, nanoseconds) in ALWAYS.into_iter().chain(instants) {
        let Some(at) = instant(seconds, nanoseconds) else { continue };
        let directory = format.format(at);
        let context = || format!("{pattern:?} makes {directory:?} at {seconds} s {nanoseconds} ns");
        assert!(
            directory.len() <= DirectoryFormat::LONGEST_DIRECTORY,
            "{} bytes: {}",
            directory.len(),
            context()
        );
        assert!(!directory.contains(char::is_control), "{}", context());
        assert!(directory.split('/').all(|name| !matches!(name, "" | "." | "..")), "{}", context());
        assert_eq!(format.format(at), directory, "{}", context());
        if !is_finer_than_a_second
            && seconds >= 0
            && let Some(whole) = instant(seconds, 0)
        {
            assert_eq!(format.format(whole), directory, "not finer than a second: {}", context());
        }
    }
}

fn instant(seconds: i64, nanoseconds: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let whole = if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
    whole?.checked_add(Duration::from_nanos(nanoseconds.into()))
}
