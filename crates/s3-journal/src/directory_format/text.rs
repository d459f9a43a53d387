//! A piece's text at a moment. Knows both languages.

use super::moment::Moment;
use super::piece::{Part, Piece};
use super::{simple_date_format, strftime};

impl Piece {
    /// Writes the piece's text at a moment behind `text`.
    pub(super) fn write(&self, moment: &Moment, text: &mut String) {
        match &self.part {
            Part::Literal(character) => text.push(*character),
            Part::Field { field, width } => {
                simple_date_format::write(*field, *width, &moment.calendar, text);
            }
            Part::Directive(directive) => match strftime::format(directive, moment) {
                Ok(formatted) => text.push_str(&formatted),
                // Each directive is tried when the pattern is read, and none depends on the instant in whether it can
                // be formatted. Should one nevertheless, its own text is a directory that is as good as any.
                Err(_) => text.push_str(directive),
            },
        }
    }
}
