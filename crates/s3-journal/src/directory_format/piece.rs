//! One piece of a pattern: a character that stands for itself, or something that is made of the instant.

/// A part of a pattern and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The character of the pattern it begins at, from 1.
    pub(super) position: usize,
    pub(super) part: Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Stands for itself.
    Literal(char),
    /// A letter of a Java pattern, repeated `width` times.
    Field { field: Field, width: usize },
    /// A directive of a strftime pattern, with its percent sign.
    Directive(String),
}

/// The fields that Java's letters stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Era,
    Year,
    WeekYear,
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfYear,
    DayOfMonth,
    DayOfWeekInMonth,
    DayName,
    DayNumber,
    HalfDay,
    Hour0To23,
    Hour1To24,
    Hour0To11,
    Hour1To12,
    Minute,
    Second,
    Millisecond,
    ZoneName,
    ZoneOffset,
    ZoneIso,
}
