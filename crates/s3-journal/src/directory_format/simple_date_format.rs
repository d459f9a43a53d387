//! The pattern language of Java's `java.text.SimpleDateFormat`, in UTC and `Locale.US`: its letters, its quotes, and the
//! text of each field. The rules are those of its documentation (Java 17), and where that is silent, of what it prints and
//! of OpenJDK's source, which was read for the rules (see `calendar`); no code is taken from it.

use std::fmt::Write;

use super::calendar::Calendar;
use super::error::DirectoryFormatError;
use super::piece::{Field, Part, Piece};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The letters of a month's or weekday's short name.
const SHORT: usize = 3;
/// From so many letters on, names are long.
const LONG_FROM: usize = 4;
/// The most often that `X` may be repeated.
const WIDEST_ISO_ZONE: usize = 3;

/// Takes a pattern apart.
pub(super) fn compile(pattern: &str) -> Result<Vec<Piece>, DirectoryFormatError> {
    let mut pieces: Vec<Piece> = Vec::new();
    // Where a quote is open, its position.
    let mut quote = None;
    let mut characters = (1..).zip(pattern.chars()).peekable();
    while let Some((position, character)) = characters.next() {
        let part = if character == '\'' {
            if characters.next_if(|&(_, next)| next == '\'').is_some() {
                // Two quotes are one, inside quotes and outside.
                Part::Literal('\'')
            } else {
                quote = if quote.is_some() { None } else { Some(position) };
                continue;
            }
        } else if quote.is_some() || !character.is_ascii_alphabetic() {
            Part::Literal(character)
        } else {
            let field = field_of(character)
                .ok_or(DirectoryFormatError::UnknownLetter { letter: character, position })?;
            let mut width = 1;
            while characters.next_if(|&(_, next)| next == character).is_some() {
                width += 1;
            }
            if field == Field::ZoneIso && width > WIDEST_ISO_ZONE {
                return Err(DirectoryFormatError::ZoneTooWide { position, width });
            }
            Part::Field { field, width }
        };
        pieces.push(Piece { position, part });
    }
    match quote {
        Some(position) => Err(DirectoryFormatError::UnterminatedQuote { position }),
        None => Ok(pieces),
    }
}

fn field_of(letter: char) -> Option<Field> {
    Some(match letter {
        'G' => Field::Era,
        'y' => Field::Year,
        'Y' => Field::WeekYear,
        // L is the month's name standing alone, which is no other name in English.
        'M' | 'L' => Field::Month,
        'w' => Field::WeekOfYear,
        'W' => Field::WeekOfMonth,
        'D' => Field::DayOfYear,
        'd' => Field::DayOfMonth,
        'F' => Field::DayOfWeekInMonth,
        'E' => Field::DayName,
        'u' => Field::DayNumber,
        'a' => Field::HalfDay,
        'H' => Field::Hour0To23,
        'k' => Field::Hour1To24,
        'K' => Field::Hour0To11,
        'h' => Field::Hour1To12,
        'm' => Field::Minute,
        's' => Field::Second,
        'S' => Field::Millisecond,
        'z' => Field::ZoneName,
        'Z' => Field::ZoneOffset,
        'X' => Field::ZoneIso,
        _ => return None,
    })
}

/// Writes a field, its letter repeated `width` times, behind `text`.
pub(super) fn write(field: Field, width: usize, at: &Calendar, text: &mut String) {
    let value = match field {
        Field::Era => return text.push_str(if at.before_christ { "BC" } else { "AD" }),
        Field::Month if width >= SHORT => return name(&MONTHS, at.month - 1, width, text),
        Field::DayName => return name(&WEEKDAYS, at.weekday, width, text),
        Field::HalfDay => return text.push_str(if at.hour < 12 { "AM" } else { "PM" }),
        Field::ZoneName if width >= LONG_FROM => return text.push_str("Coordinated Universal Time"),
        Field::ZoneName => return text.push_str("UTC"),
        Field::ZoneOffset => return text.push_str("+0000"),
        Field::ZoneIso => return text.push('Z'),
        Field::Year => at.year,
        Field::WeekYear => at.week_year,
        Field::Month => at.month,
        Field::WeekOfYear => at.week_of_year,
        Field::WeekOfMonth => at.week_of_month,
        Field::DayOfYear => at.day_of_year,
        Field::DayOfMonth => at.day_of_month,
        Field::DayOfWeekInMonth => at.day_of_week_in_month,
        Field::DayNumber if at.weekday == 0 => 7,
        Field::DayNumber => at.weekday,
        Field::Hour1To24 if at.hour == 0 => 24,
        Field::Hour0To23 | Field::Hour1To24 => at.hour,
        Field::Hour1To12 if at.hour % 12 == 0 => 12,
        Field::Hour0To11 | Field::Hour1To12 => at.hour % 12,
        Field::Minute => at.minute,
        Field::Second => at.second,
        Field::Millisecond => at.millisecond,
    };
    let digits = match field {
        // Two letters for a year mean its last two digits.
        Field::Year | Field::WeekYear if width == 2 => value.unsigned_abs() % 100,
        _ => value.unsigned_abs(),
    };
    // A minus sign stands before the zeros and isn't counted; -100 in two digits is -00.
    let sign = if value < 0 { "-" } else { "" };
    // Writing to a string doesn't fail.
    let _ = write!(text, "{sign}{digits:0width$}");
}

fn name(names: &[&str], index: i64, width: usize, text: &mut String) {
    let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default();
    text.push_str(if width >= LONG_FROM { name } else { name.get(..SHORT).unwrap_or(name) });
}
