//! The pattern language of strftime, in UTC and the POSIX locale. What a directive prints is jiff's affair; here a pattern
//! is recognised and taken apart, so that an error can name the directive.

use jiff::fmt::strtime::{Config, PosixCustom};

use super::error::DirectoryFormatError;
use super::moment::Moment;
use super::piece::{Part, Piece};

/// Whether a pattern is one of strftime: it has a percent sign outside single quotes.
pub(super) fn is_meant(pattern: &str) -> bool {
    let mut quoted = false;
    pattern.chars().any(|character| {
        quoted ^= character == '\'';
        character == '%' && !quoted
    })
}

/// Takes a pattern apart. Single quotes mean nothing in it.
pub(super) fn compile(pattern: &str) -> Result<Vec<Piece>, DirectoryFormatError> {
    let moment = Moment::new(0, 0);
    let mut pieces = Vec::new();
    let mut characters = (1..).zip(pattern.chars()).peekable();
    while let Some((position, character)) = characters.next() {
        let part = if character == '%' {
            // % [flag] [width] [colons] [. [precision]] letter: as jiff's documentation has it.
            let mut directive = String::from(character);
            directive.extend(characters.next_if(|(_, next)| "_-0^#".contains(*next)).map(|(_, flag)| flag));
            while let Some((_, next)) =
                characters.next_if(|(_, next)| next.is_ascii_digit() || matches!(next, ':' | '.'))
            {
                directive.push(next);
            }
            directive.extend(characters.next().map(|(_, letter)| letter));
            if let Err(source) = format(&directive, &moment) {
                return Err(DirectoryFormatError::UnknownDirective {
                    directive,
                    position,
                    source: source.into(),
                });
            }
            Part::Directive(directive)
        } else {
            Part::Literal(character)
        };
        pieces.push(Piece { position, part });
    }
    Ok(pieces)
}

/// The text of one directive.
pub(super) fn format(directive: &str, moment: &Moment) -> Result<String, jiff::Error> {
    let posix = Config::new().custom(PosixCustom::new());
    moment.broken_down.to_string_with_config(&posix, directive)
}
