//! The formats an object can have: their names, suffixes and levels. Knows no encoder.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The format of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// The bytes as they are.
    None,
    /// gzip, RFC 1952.
    Gzip,
    /// Zstandard, RFC 8878.
    Zstd,
    /// Google's framing format for snappy.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
    /// LZMA2 in an `.xz` stream.
    Lzma2,
}

impl Codec {
    /// Every format, in the order in which they are named to people.
    pub const ALL: [Self; 6] = [Self::None, Self::Gzip, Self::Zstd, Self::Snappy, Self::Lz4, Self::Lzma2];

    /// The name by which options and metadata know the format. [`FromStr`] takes it back.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Lzma2 => "lzma2",
        }
    }

    /// The usual file name suffix, without the dot.
    pub const fn suffix(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gz"),
            Self::Zstd => Some("zst"),
            Self::Snappy => Some("snappy"),
            Self::Lz4 => Some("lz4"),
            Self::Lzma2 => Some("xz"),
        }
    }

    /// The level used when none is given; nothing for a format without levels.
    ///
    /// They are the defaults of the formats' own programs, save for two. gzip's 6 is a little larger as zlib-rs makes it than
    /// as zlib does (25.34 and 25.11 of 100 MB of text); its 7 isn't (25.03), and still takes less time. xz's 6 needs 94 MiB
    /// to encode where 3 needs 32, and takes about three times as long.
    pub const fn default_level(self) -> Option<i32> {
        match self {
            Self::Gzip => Some(7),
            Self::Zstd | Self::Lzma2 => Some(3),
            Self::None | Self::Snappy | Self::Lz4 => None,
        }
    }

    /// The levels that may be given; nothing for a format without levels.
    ///
    /// In zstd 0 stands for the default, a negative level is faster than 1, and from 20 up the window is 32 to 128 MiB,
    /// which RFC 8878 (3.1.1.1.2) does not oblige a reader to take.
    pub const fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Self::Gzip => Some(1..=9),
            Self::Zstd => Some(-7..=22),
            Self::Lzma2 => Some(0..=9),
            Self::None | Self::Snappy | Self::Lz4 => None,
        }
    }

    /// Checks a level before it is used.
    ///
    /// # Errors
    ///
    /// When the format takes no level, or not this one; the error names the range.
    pub fn check_level(self, level: Option<i32>) -> Result<(), LevelError> {
        match (level, self.levels()) {
            (None, _) => Ok(()),
            (Some(level), Some(levels)) if levels.contains(&level) => Ok(()),
            (Some(level), Some(levels)) => Err(LevelError::OutOfRange {
                codec: self,
                level,
                lowest: *levels.start(),
                highest: *levels.end(),
            }),
            (Some(level), None) => Err(LevelError::NoLevels { codec: self, level }),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Codec {
    type Err = UnknownCodec;

    /// Takes the names that [`Codec::name`] gives, and `xz` for `lzma2`.
    fn from_str(name: &str) -> Result<Self, UnknownCodec> {
        match name {
            "xz" => Ok(Self::Lzma2),
            _ => Self::ALL
                .into_iter()
                .find(|codec| codec.name() == name)
                .ok_or_else(|| UnknownCodec { name: name.to_owned() }),
        }
    }
}

/// A compressor's name that means nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no compressor is called {name:?}; use one of none, gzip, zstd, snappy, lz4, lzma2")]
#[non_exhaustive]
pub struct UnknownCodec {
    /// The name that was given.
    pub name: String,
}

/// A compression level that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LevelError {
    /// The format has no such level.
    #[error("{codec} has no level {level}; use one from {lowest} to {highest}")]
    OutOfRange {
        /// The format.
        codec: Codec,
        /// The level that was given.
        level: i32,
        /// The lowest level the format has.
        lowest: i32,
        /// The highest level the format has.
        highest: i32,
    },
    /// The format has no levels at all.
    #[error("{codec} takes no level; leave out the {level}")]
    NoLevels {
        /// The format.
        codec: Codec,
        /// The level that was given.
        level: i32,
    },
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
