//! The fields of an instant in the calendar that Java's date patterns use: `java.util.GregorianCalendar`, in UTC, as
//! `Locale.US` has it (weeks begin on Sunday, and the week with the first day of a year or month is its first one).
//!
//! That calendar is the Julian one up to Thursday, 4 October 1582; the next day is Friday, 15 October 1582, Gregorian.
//! Days are counted from 1970-01-01, years astronomically (the year before 1 is 0) until they are told by era.
//!
//! How the cut-over and the weeks of years before Christ behave was learnt by reading OpenJDK's `GregorianCalendar`; the
//! code here is its own.

const MILLISECONDS_PER_DAY: i64 = 86_400_000;

/// 15 October 1582, Gregorian: the first day of the new reckoning.
const CUT_OVER: i64 = -141_427;
const CUT_OVER_YEAR: i64 = 1582;
const CUT_OVER_MONTH: i64 = 10;
/// Days of the cut-over's month that were there: 1 to 4 October.
const OLD_DAYS_OF_CUT_OVER_MONTH: i64 = 4;

/// What a date pattern can ask of an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) before_christ: bool,
    /// Year of the era, from 1.
    pub(super) year: i64,
    /// Astronomical year of the week.
    pub(super) week_year: i64,
    /// From 1.
    pub(super) month: i64,
    pub(super) day_of_month: i64,
    pub(super) day_of_year: i64,
    /// From Sunday = 0.
    pub(super) weekday: i64,
    pub(super) week_of_year: i64,
    pub(super) week_of_month: i64,
    /// From 1: 2 on the second Monday of a month.
    pub(super) day_of_week_in_month: i64,
    /// 0 to 23.
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) millisecond: i64,
}

impl Calendar {
    /// The fields at so many milliseconds since 1970-01-01T00:00:00Z.
    pub(super) fn at(milliseconds: i64) -> Self {
        let day = milliseconds.div_euclid(MILLISECONDS_PER_DAY);
        let time = milliseconds.rem_euclid(MILLISECONDS_PER_DAY);
        let reckoning = if day < CUT_OVER { Reckoning::Julian } else { Reckoning::Gregorian };
        let year = reckoning.year_of(day);
        let (month, day_of_month) = reckoning.month_and_day(year, day);

        let new_year = new_year(year);
        let next_new_year = self::new_year(year + 1);
        let month_begin = if (year, month) == (CUT_OVER_YEAR, CUT_OVER_MONTH) {
            CUT_OVER - OLD_DAYS_OF_CUT_OVER_MONTH
        } else {
            day - (day_of_month - 1)
        };
        let week_of_year = if day >= week_begin(next_new_year) { 1 } else { week_number(new_year, day) };
        Self {
            before_christ: year <= 0,
            year: if year <= 0 { 1 - year } else { year },
            week_year: week_year(year, day),
            month,
            day_of_month,
            day_of_year: day - new_year + 1,
            weekday: weekday(day),
            week_of_year,
            week_of_month: week_number(month_begin, day),
            day_of_week_in_month: (day - month_begin) / 7 + 1,
            hour: time / 3_600_000,
            minute: time / 60_000 % 60,
            second: time / 1_000 % 60,
            millisecond: time % 1_000,
        }
    }
}

/// The two ways of placing leap years.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reckoning {
    Julian,
    Gregorian,
}

impl Reckoning {
    /// The day that a year begins on.
    fn new_year(self, year: i64) -> i64 {
        let before = year - 1;
        let julian = 365 * before + before.div_euclid(4);
        match self {
            // 1 January of the year 1 was 719,164 days before 1970 in this reckoning, and 719,162 in the other.
            Self::Julian => julian - 719_164,
            Self::Gregorian => julian - before.div_euclid(100) + before.div_euclid(400) - 719_162,
        }
    }

    /// The year that a day is in.
    fn year_of(self, day: i64) -> i64 {
        let (years_per_cycle, days_per_cycle) = match self {
            Self::Julian => (4, 4 * 365 + 1),
            Self::Gregorian => (400, 400 * 365 + 97),
        };
        // A guess by the mean length of a year, which is off by a year here and there.
        let mut year = (day * years_per_cycle).div_euclid(days_per_cycle) + 1970;
        while self.new_year(year) > day {
            year -= 1;
        }
        while self.new_year(year + 1) <= day {
            year += 1;
        }
        year
    }

    /// Month and day of the month, both from 1, of a day in a year.
    fn month_and_day(self, year: i64, day: i64) -> (i64, i64) {
        let leap_day = self.new_year(year + 1) - self.new_year(year) - 365;
        let mut rest = day - self.new_year(year);
        let mut month = 1;
        for length in [31, 28 + leap_day, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if rest < length {
                break;
            }
            rest -= length;
            month += 1;
        }
        (month, rest + 1)
    }
}

/// The day that a year begins on, in the reckoning that was in use then.
fn new_year(year: i64) -> i64 {
    if year <= CUT_OVER_YEAR { Reckoning::Julian.new_year(year) } else { Reckoning::Gregorian.new_year(year) }
}

/// From Sunday = 0; 1970-01-01 was a Thursday.
fn weekday(day: i64) -> i64 {
    (day + 4).rem_euclid(7)
}

/// The Sunday that the week of a day begins on.
fn week_begin(day: i64) -> i64 {
    day - weekday(day)
}

/// The number of the week a day is in, where week 1 is the one with the day `first`.
fn week_number(first: i64, day: i64) -> i64 {
    (day - week_begin(first)) / 7 + 1
}

/// The year whose first week, or a later one, a day of `year` is in: the next one where it has days in this week.
///
/// Before the year 1 Java looks at another year's beginning to tell whether it has, since it counts the years of an
/// era forwards there too: for 3 BC (the year -2) at the year 2. What it prints is what is wanted here.
fn week_year(year: i64, day: i64) -> i64 {
    let looked_at = if year <= 0 { -year } else { year + 1 };
    let days_left = new_year(year + 1) - day;
    if days_left <= weekday(new_year(looked_at)) { year + 1 } else { year }
}
