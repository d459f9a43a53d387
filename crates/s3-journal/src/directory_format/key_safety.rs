//! Whether the directories of a pattern can be part of an object's key: not too long, no segment empty, `.` or `..`, and
//! no character that can't be seen.

use super::error::DirectoryFormatError;
use super::moment::Moment;
use super::piece::Piece;

/// Instants, in seconds and nanoseconds since 1970, whose directories are looked at. No field of a date holds a slash, a
/// dot or a control character at one instant and not at another, but the fraction of a second is left out by some
/// directives where it is zero; and each field is the longest it can be at one of these.
const SAMPLES: [(i64, u32); 6] = [
    (0, 0),
    // A Wednesday in September, as late in the day as can be.
    (1_790_207_999, 0),
    (1_790_207_999, 987_654_321),
    // The ends of what the languages know.
    (i64::MIN, 0),
    (i64::MAX, 999_999_999),
    // In the year 9999 before 1: strftime's years are the longest there too.
    (-377_000_000_000, 123_456_789),
];

/// Refuses a pattern some of whose directories aren't fit for a key, or are longer than `limit` bytes.
pub(super) fn check(pieces: &[Piece], limit: usize) -> Result<(), DirectoryFormatError> {
    let mut longest = vec![0; pieces.len()];
    for (seconds, nanoseconds) in SAMPLES {
        let moment = Moment::new(seconds, nanoseconds);
        let mut directory = Vec::new();
        for (piece, longest) in pieces.iter().zip(&mut longest) {
            let mut text = String::new();
            piece.write(&moment, &mut text);
            *longest = text.len().max(*longest);
            directory.extend(text.chars().map(|character| (piece.position, character)));
        }
        check_characters(&directory)?;
        check_segments(&directory)?;
    }
    let length = longest.iter().sum();
    if length > limit {
        return Err(DirectoryFormatError::DirectoryTooLong { length, limit });
    }
    Ok(())
}

fn check_characters(directory: &[(usize, char)]) -> Result<(), DirectoryFormatError> {
    match directory.iter().find(|(_, character)| character.is_control()) {
        Some(&(position, character)) => Err(DirectoryFormatError::ControlCharacter { character, position }),
        None => Ok(()),
    }
}

fn check_segments(directory: &[(usize, char)]) -> Result<(), DirectoryFormatError> {
    let text = || directory.iter().map(|&(_, character)| character).collect::<String>();
    let end = directory.last().map_or(1, |&(position, _)| position);
    let mut segment = String::new();
    let mut begin = None;
    for &(position, character) in directory.iter().chain(&[(end, '/')]) {
        if character != '/' {
            segment.push(character);
            begin.get_or_insert(position);
            continue;
        }
        if segment.is_empty() {
            return Err(DirectoryFormatError::EmptySegment { position, directory: text() });
        }
        if segment == "." || segment == ".." {
            return Err(DirectoryFormatError::DotSegment {
                segment,
                position: begin.unwrap_or(position),
                directory: text(),
            });
        }
        segment.clear();
        begin = None;
    }
    Ok(())
}
