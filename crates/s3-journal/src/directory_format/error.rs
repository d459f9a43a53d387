//! Why a directory format is refused: what is wrong with it, where, and what to write instead.

/// Why a pattern isn't accepted as a directory format.
///
/// A `position` counts the characters of the pattern from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryFormatError {
    /// There is no pattern.
    #[error(
        "the directory format is empty: give a pattern such as yyyy/MM/dd, or leave the option out for it"
    )]
    EmptyPattern,

    /// The pattern is longer than [`DirectoryFormat::LONGEST_PATTERN`](super::DirectoryFormat::LONGEST_PATTERN).
    #[error("the directory format is {length} bytes long, and at most {limit} are accepted: shorten it")]
    PatternTooLong {
        /// Bytes of the pattern.
        length: usize,
        /// Bytes that are accepted.
        limit: usize,
    },

    /// A letter outside quotes stands for no field of a date.
    #[error(
        "the letter {letter} at character {position} of the directory format stands for no field of a date: \
         put it in single quotes to have it as it is, as in '{letter}'"
    )]
    UnknownLetter {
        /// The letter.
        letter: char,
        /// Where it is.
        position: usize,
    },

    /// A quote is opened and never closed.
    #[error(
        "the single quote at character {position} of the directory format is never closed: \
         close it behind the text that is to stand as it is, or write '' for a single quote"
    )]
    UnterminatedQuote {
        /// Where the quote opens.
        position: usize,
    },

    /// The letter `X` is repeated more often than there are forms of an ISO 8601 zone.
    #[error(
        "the letter X at character {position} of the directory format is repeated {width} times: \
         write X, XX or XXX (in UTC each of them is Z)"
    )]
    ZoneTooWide {
        /// Where the first one is.
        position: usize,
        /// How many there are.
        width: usize,
    },

    /// A directive of a strftime pattern can't be formatted.
    #[error(
        "{} at character {position} of the directory format is not a strftime directive that is understood: \
         use one such as %Y, %m, %d or %H, or write %% for a percent sign", directive.escape_debug()
    )]
    UnknownDirective {
        /// The directive, from its percent sign on.
        directive: String,
        /// Where its percent sign is.
        position: usize,
        /// What the formatter says of it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The directory could be longer than [`DirectoryFormat::LONGEST_DIRECTORY`](super::DirectoryFormat::LONGEST_DIRECTORY).
    #[error(
        "the directory format makes directories of up to {length} bytes, and at most {limit} fit a key beside the \
         object's name: use fewer or shorter fields"
    )]
    DirectoryTooLong {
        /// Bytes of the longest directory it can make.
        length: usize,
        /// Bytes that are accepted.
        limit: usize,
    },

    /// A directory would have a segment without a name, which many tools can't reach.
    #[error(
        "the directory format leaves a directory name empty at character {position}, as in {directory:?}: \
         have something before, between and after all slashes"
    )]
    EmptySegment {
        /// Where the slash is that has no name before it, or at the directory's end behind it.
        position: usize,
        /// A directory it makes.
        directory: String,
    },

    /// A directory would have a segment `.` or `..`, which file systems and many tools take for another directory.
    #[error(
        "the directory format makes the directory name {segment} at character {position}, as in {directory:?}: \
         add something to it, or leave it out"
    )]
    DotSegment {
        /// The segment.
        segment: String,
        /// Where it begins.
        position: usize,
        /// A directory it makes.
        directory: String,
    },

    /// A directory would hold a character that can't be seen.
    #[error(
        "the directory format makes the control character U+{:04X} at character {position}: \
         use only characters that can be seen", u32::from(*character)
    )]
    ControlCharacter {
        /// The character.
        character: char,
        /// Where it, or the directive that makes it, is.
        position: usize,
    },
}
