//! The date pattern that names the directory of an object in the bucket: what a pattern may say, and the directory it
//! makes of an instant. It asks no clock, and knows nothing of objects, keys or stores.
//!
//! Two languages are read. A pattern with a `%` outside single quotes is a `strftime` pattern (`strftime.rs`); every
//! other one is a pattern of Java's `java.text.SimpleDateFormat` (`simple_date_format.rs`). Both are in UTC and English.

mod calendar;
mod error;
mod key_safety;
mod moment;
mod piece;
mod simple_date_format;
mod strftime;
#[cfg(test)]
mod tests;
mod text;

pub use error::DirectoryFormatError;

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use self::moment::Moment;
use self::piece::{Field, Part, Piece};

/// A pattern that makes a directory of an instant, such as `yyyy/MM/dd`.
///
/// A pattern is read by the rules of Java's
/// [`SimpleDateFormat`](https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/text/SimpleDateFormat.html)
/// in UTC and `Locale.US`, and gives the text that Java gives, before the year 1 and at the change from the Julian to
/// the Gregorian calendar (1582) too:
///
/// | letter | field | at 2026-03-07 13:05:09.042 |
/// |---|---|---|
/// | `G` | era | `AD` |
/// | `y`, `Y` | year, year of the week (`yy`, `YY`: its last two digits) | `2026` |
/// | `M`, `L` | month: number, from three letters on its name | `3`, `MM` `03`, `MMM` `Mar`, `MMMM` `March` |
/// | `w`, `W` | week of the year, of the month (weeks begin on Sunday; the one with the first day is the first) | `10`, `1` |
/// | `D`, `d` | day of the year, of the month | `66`, `7` |
/// | `F` | which such weekday of the month | `1` |
/// | `E`, `u` | weekday: name, number from Monday = 1 | `Sat`, `EEEE` `Saturday`, `6` |
/// | `a` | half of the day | `PM` |
/// | `H`, `k` | hour of the day 0-23, 1-24 | `13` |
/// | `K`, `h` | hour of the half day 0-11, 1-12 | `1` |
/// | `m`, `s`, `S` | minute, second, millisecond | `5`, `9`, `42` |
/// | `z`, `Z`, `X` | zone | `UTC`, `zzzz` `Coordinated Universal Time`, `+0000`, `Z` |
///
/// A letter repeated pads its number with zeros to that width. What is in single quotes stands for itself, `''` is a
/// quote, and so do all characters that aren't letters of the English alphabet.
///
/// A pattern with a `%` outside single quotes is a `strftime` pattern instead, with the directives that
/// [`jiff`](https://docs.rs/jiff/1/jiff/fmt/strtime/index.html#conversion-specifications) lists, in UTC and the POSIX locale.
/// It reaches the years -9999 to 9999; an instant beyond is taken as the first or the last of them.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use s3_journal::DirectoryFormat;
///
/// let at = UNIX_EPOCH + Duration::from_millis(1_772_888_709_042);
/// assert_eq!(DirectoryFormat::parse("yyyy/MM/dd")?.format(at), "2026/03/07");
/// assert_eq!(DirectoryFormat::parse("'year='yyyy/'week='ww")?.format(at), "year=2026/week=10");
/// assert_eq!(DirectoryFormat::parse("%Y/%j")?.format(at), "2026/066");
/// # Ok::<(), s3_journal::DirectoryFormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryFormat {
    pattern: String,
    pieces: Vec<Piece>,
}

impl DirectoryFormat {
    /// The longest pattern that is accepted, in bytes. It bounds how far a letter can be repeated.
    pub const LONGEST_PATTERN: usize = 256;

    /// The longest directory that a pattern may make at any instant, in bytes: half of the 1,024 bytes that
    /// [S3 gives a key](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
    pub const LONGEST_DIRECTORY: usize = 512;

    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// Refuses what the pattern's language refuses; a pattern that is empty or longer than
    /// [`LONGEST_PATTERN`](Self::LONGEST_PATTERN); and one whose directories could be longer than
    /// [`LONGEST_DIRECTORY`](Self::LONGEST_DIRECTORY), could have an empty segment (a slash at the beginning or end, or
    /// two in a row), a segment `.` or `..`, or a control character. The error tells what, where and the remedy.
    pub fn parse(pattern: &str) -> Result<Self, DirectoryFormatError> {
        if pattern.is_empty() {
            return Err(DirectoryFormatError::EmptyPattern);
        }
        if pattern.len() > Self::LONGEST_PATTERN {
            return Err(DirectoryFormatError::PatternTooLong {
                length: pattern.len(),
                limit: Self::LONGEST_PATTERN,
            });
        }
        let pieces = if strftime::is_meant(pattern) {
            strftime::compile(pattern)?
        } else {
            simple_date_format::compile(pattern)?
        };
        key_safety::check(&pieces, Self::LONGEST_DIRECTORY)?;
        Ok(Self { pattern: pattern.to_owned(), pieces })
    }

    /// The directory of an instant, with no slash at its beginning or end.
    ///
    /// Java knows milliseconds: finer parts of `at` are dropped (towards the past) by its patterns.
    pub fn format(&self, at: SystemTime) -> String {
        self.at(&Moment::of(at))
    }

    /// The pattern, as it was given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether two instants of the same second, from 1970 on, can have different directories.
    ///
    /// An object lies in one directory, so such a pattern makes an object of nearly every batch: worth a warning.
    pub fn is_finer_than_a_second(&self) -> bool {
        // Any second tells it: from 1970 on no field looks at the fraction at some instants only. (Before, jiff's %s drops the
        // fraction towards 1970, and so goes on within a second.)
        let second = 1_790_207_999;
        self.at(&Moment::new(second, 0)) != self.at(&Moment::new(second, 987_654_321))
    }

    fn at(&self, moment: &Moment) -> String {
        let mut directory = String::with_capacity(self.pattern.len());
        for piece in &self.pieces {
            piece.write(moment, &mut directory);
        }
        directory
    }
}

/// `yyyy/MM/dd`.
impl Default for DirectoryFormat {
    fn default() -> Self {
        let field = |position, field, width| Piece { position, part: Part::Field { field, width } };
        let slash = |position| Piece { position, part: Part::Literal('/') };
        Self {
            pattern: "yyyy/MM/dd".to_owned(),
            pieces: vec![
                field(1, Field::Year, 4),
                slash(5),
                field(6, Field::Month, 2),
                slash(8),
                field(9, Field::DayOfMonth, 2),
            ],
        }
    }
}

/// The pattern, as it was given.
impl fmt::Display for DirectoryFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.pattern)
    }
}

impl FromStr for DirectoryFormat {
    type Err = DirectoryFormatError;

    fn from_str(pattern: &str) -> Result<Self, Self::Err> {
        Self::parse(pattern)
    }
}
