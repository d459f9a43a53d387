//! Where objects begin and end. Pure: told the time and what is open, it says whether the open object ends here and in
//! which directory a new one would lie. Every decision is recorded in the log by the caller and never made again.

use std::time::{Duration, SystemTime};

use minicbor::{Decode, Encode};
use serde::Serialize;

use crate::directory_format::DirectoryFormat;
use crate::sabotage;

/// A clock may go back by less than this without the directory following it: smaller steps are corrections, and an
/// object must not go back to yesterday's directory for them.
pub const CLOCK_STEP_FOLLOWED: Duration = Duration::from_hours(24);

/// Why an object ended where it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SealReason {
    /// The date gave another directory.
    #[n(0)]
    Directory,
    /// It reached the size limit.
    #[n(1)]
    Size,
    /// It reached the age limit.
    #[n(2)]
    Age,
    /// The caller flushed.
    #[n(3)]
    Flush,
    /// The journal was closed.
    #[n(4)]
    Close,
    /// It was found open when the journal was opened.
    #[n(5)]
    Restart,
    /// A limit of queue or disk stopped the journal, and nothing else was left to free.
    #[n(6)]
    Full,
    /// Something in it is damaged on the local disk.
    #[n(7)]
    Quarantine,
}

/// When objects end.
#[derive(Debug, Clone)]
pub struct LayoutLimits {
    /// Sealed once this many bytes are stored.
    pub object_size_max_bytes: u64,
    /// Sealed once it is this old.
    pub object_age_max: Duration,
}

/// The object that is open, as far as the layout cares.
#[derive(Debug, Clone, Copy)]
pub struct Boundary<'a> {
    /// Its directory.
    pub directory: &'a str,
    /// When it was opened, by the wall clock.
    pub opened_at: SystemTime,
    /// Bytes stored so far.
    pub len_bytes: u64,
}

/// The rules.
#[derive(Debug, Clone)]
pub struct Layout {
    format: DirectoryFormat,
    limits: LayoutLimits,
}

/// The time that dates go by, and whether it had to follow a clock that went back by a day or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutTime {
    /// The time to use.
    pub time: SystemTime,
    /// Set when it lies before the last one.
    pub stepped_back: bool,
}

impl Layout {
    /// Objects in directories named by `format`, ending by `limits`.
    pub fn new(format: DirectoryFormat, limits: LayoutLimits) -> Self {
        Self { format, limits }
    }

    /// The time to go by, given the last one used: a clock that is less than [`CLOCK_STEP_FOLLOWED`] behind isn't
    /// followed.
    pub fn time(last: SystemTime, clock: SystemTime) -> LayoutTime {
        match last.duration_since(clock) {
            Ok(behind) if behind >= CLOCK_STEP_FOLLOWED => LayoutTime { time: clock, stepped_back: true },
            Ok(_) if sabotage::DATE_HOLDS.is_on() => LayoutTime { time: last, stepped_back: false },
            _ => LayoutTime { time: clock, stepped_back: false },
        }
    }

    /// The directory of an object opened at `time`.
    pub fn directory(&self, time: SystemTime) -> String {
        self.format.format(time)
    }

    /// Whether the open object ends before anything more goes into it, at `time`.
    pub fn ends(&self, open: &Boundary<'_>, time: SystemTime) -> Option<SealReason> {
        if open.len_bytes >= self.limits.object_size_max_bytes {
            return Some(SealReason::Size);
        }
        if self.directory(time) != open.directory {
            return Some(SealReason::Directory);
        }
        // A clock that was followed back shows the object as opened in the future: it is then as old as it can be.
        let age = time.duration_since(open.opened_at).unwrap_or(self.limits.object_age_max);
        (age >= self.limits.object_age_max).then_some(SealReason::Age)
    }

    /// How long the open object has, at most, before [`Layout::ends`] must be asked again.
    pub fn look_again_after(&self, open: &Boundary<'_>, time: SystemTime) -> Duration {
        let left = (open.opened_at + self.limits.object_age_max).duration_since(time).unwrap_or_default();
        // Dates change on whole seconds (or finer, when the pattern is): asking once a second is cheap and never late
        // by more than that.
        left.min(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn layout() -> Layout {
        Layout::new(
            DirectoryFormat::default(),
            LayoutLimits { object_size_max_bytes: 1_000, object_age_max: 300 * SECOND },
        )
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn an_object_ends_by_size_date_and_age() {
        let layout = layout();
        let open = Boundary { directory: "1970/01/01", opened_at: at(100), len_bytes: 999 };
        assert_eq!(layout.ends(&open, at(399)), None);
        assert_eq!(layout.ends(&Boundary { len_bytes: 1_000, ..open }, at(100)), Some(SealReason::Size));
        assert_eq!(layout.ends(&open, at(400)), Some(SealReason::Age));
        let late = Boundary { opened_at: at(86_399), ..open };
        assert_eq!(layout.ends(&late, at(86_400)), Some(SealReason::Directory));
        assert_eq!(layout.directory(at(86_400)), "1970/01/02");
    }

    #[test]
    fn a_small_step_back_of_the_clock_is_not_followed_and_a_large_one_is() {
        let day = CLOCK_STEP_FOLLOWED.as_secs();
        assert_eq!(
            Layout::time(at(10 * day), at(9 * day + 1)),
            LayoutTime { time: at(10 * day), stepped_back: false }
        );
        assert_eq!(
            Layout::time(at(10 * day), at(9 * day)),
            LayoutTime { time: at(9 * day), stepped_back: true }
        );
        assert_eq!(Layout::time(at(1), at(2)), LayoutTime { time: at(2), stepped_back: false });
    }

    #[test]
    fn an_object_from_the_future_ends_at_once() {
        let open = Boundary { directory: "1970/01/01", opened_at: at(5_000), len_bytes: 1 };
        assert_eq!(layout().ends(&open, at(100)), Some(SealReason::Age));
    }
}
