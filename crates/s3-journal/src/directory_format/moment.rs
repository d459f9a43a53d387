//! An instant as the two pattern languages see it.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::calendar::Calendar;

const NANOSECONDS_PER_SECOND: u32 = 1_000_000_000;

/// An instant in UTC.
pub(super) struct Moment {
    /// For Java's patterns: milliseconds, and Java's calendar.
    pub(super) calendar: Calendar,
    /// For strftime patterns: nanoseconds, and the Gregorian calendar at all times.
    pub(super) broken_down: BrokenDownTime,
}

impl Moment {
    pub(super) fn of(at: SystemTime) -> Self {
        match at.duration_since(UNIX_EPOCH) {
            Ok(after) => Self::new(i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).map_or(i64::MIN, |seconds| -seconds);
                match before.subsec_nanos() {
                    0 => Self::new(seconds, 0),
                    nanoseconds => Self::new(seconds.saturating_sub(1), NANOSECONDS_PER_SECOND - nanoseconds),
                }
            }
        }
    }

    /// The moment `nanoseconds` (less than a second) after `seconds` since 1970. Where an instant is beyond what a
    /// language knows, it is the first or last that it does: Java's are about 292 million years from 1970, jiff's
    /// are in the years -9999 to 9999.
    pub(super) fn new(seconds: i64, nanoseconds: u32) -> Self {
        let milliseconds = i128::from(seconds) * 1_000 + i128::from(nanoseconds / 1_000_000);
        let milliseconds =
            i64::try_from(milliseconds).unwrap_or(if seconds < 0 { i64::MIN } else { i64::MAX });
        let timestamp = Timestamp::new(seconds, nanoseconds.cast_signed()).unwrap_or(if seconds < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        Self {
            calendar: Calendar::at(milliseconds),
            broken_down: BrokenDownTime::from(&timestamp.to_zoned_datetime(TimeZone::UTC)),
        }
    }
}
