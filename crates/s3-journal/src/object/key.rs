//! The name of an object, written and read.
//!
//! `[<prefix>/][<shard>/]<directory>/<id>-<incarnation>-<number>-<first>-<run>.journal[.<suffix>]`
//!
//! * *incarnation*: when the local directory was made (UTC) and 8 random hex digits, `20261122T093407Z5f0c2a91`;
//! * *number*: from 0, dense over the incarnation, at least 8 digits;
//! * *first*: sequence number of the object's first entry, at least 12 digits;
//! * *run*: 8 random hex digits, drawn at each open.
//!
//! A name is read from its end, where every field has a fixed alphabet, so that an id may hold hyphens itself. Knows
//! nothing of buckets.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use thiserror::Error;

/// The longest key Amazon S3 takes, in bytes
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>).
pub const KEY_BYTES_MAX: usize = 1_024;

/// The longest id, in bytes.
pub const ID_BYTES_MAX: usize = 128;

/// The longest suffix, in bytes.
pub const SUFFIX_BYTES_MAX: usize = 32;

/// The most shards: one character each.
pub const SHARDS_MAX: u32 = 36;

const EXTENSION: &str = ".journal";
const NUMBER_DIGITS_MIN: usize = 8;
const FIRST_DIGITS_MIN: usize = 12;

/// An id that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdError {
    /// It is empty.
    #[error("an id must not be empty; give a name that is unique among the journals writing to one place")]
    Empty,
    /// It is too long.
    #[error("an id may have {ID_BYTES_MAX} bytes at most, this one has {len_bytes}")]
    TooLong {
        /// Its length.
        len_bytes: usize,
    },
    /// It has a character that isn't allowed.
    #[error("an id is made of A-Z a-z 0-9 . _ and -, and this one has {character:?}; leave that out")]
    Character {
        /// The first such character.
        character: char,
    },
    /// It is `.` or `..`, or begins with a dot or hyphen.
    #[error("an id begins with a letter, a digit or _, and this one begins with {character:?}")]
    Start {
        /// Its first character.
        character: char,
    },
}

/// A journal's id: unique among the journals that write to one place, the same across restarts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

impl Id {
    /// Checks and takes an id.
    ///
    /// # Errors
    /// [`IdError`] says which rule is broken.
    pub fn new(id: impl Into<String>) -> Result<Self, IdError> {
        let id = id.into();
        let Some(start) = id.chars().next() else { return Err(IdError::Empty) };
        if id.len() > ID_BYTES_MAX {
            return Err(IdError::TooLong { len_bytes: id.len() });
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(character) = id.chars().find(|c| !allowed(*c)) {
            return Err(IdError::Character { character });
        }
        if matches!(start, '.' | '-') {
            return Err(IdError::Start { character: start });
        }
        Ok(Self(id))
    }

    /// The id of a host: its name, with characters that an id can't have replaced by `_`.
    pub fn from_host_name(name: &str) -> Self {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let mut id: String =
            name.chars().map(|c| if allowed(c) { c } else { '_' }).take(ID_BYTES_MAX - 1).collect();
        if id.is_empty() || id.starts_with(['.', '-']) {
            id.insert(0, '_');
        }
        Self(id)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

/// One life of a local directory: when it was made, and 8 random hex digits. Order by name is order by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(String);

impl Incarnation {
    /// A directory made at `at`.
    pub fn new(at: SystemTime, random: u32) -> Self {
        let at = jiff::Timestamp::try_from(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self(format!("{}{random:08x}", at.strftime("%Y%m%dT%H%M%SZ")))
    }

    /// Reads one back; `None` when the text isn't one.
    pub fn parse(text: &str) -> Option<Self> {
        let shape = text.len() == 24
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 => byte == b'T',
                15 => byte == b'Z',
                0..=14 => byte.is_ascii_digit(),
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
        shape.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One opening of a journal: 8 random hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u32);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The part of a key after the directory: `<id>-<incarnation>-<number>-<first>-<run>.journal[.<suffix>]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// Whose object.
    pub id: Id,
    /// Which life of the local directory.
    pub incarnation: Incarnation,
    /// Its place among the incarnation's objects, from 0.
    pub number: u64,
    /// Sequence number of its first entry.
    pub first: u64,
    /// Which opening wrote it.
    pub run: RunId,
    /// What follows `.journal`, without the dot.
    pub suffix: Option<String>,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, incarnation, number, first, run, suffix } = self;
        write!(
            f,
            "{id}-{incarnation}-{number:0NUMBER_DIGITS_MIN$}-{first:0FIRST_DIGITS_MIN$}-{run}{EXTENSION}"
        )?;
        if let Some(suffix) = suffix {
            write!(f, ".{suffix}")?;
        }
        Ok(())
    }
}

impl ObjectName {
    /// Reads a name; `None` when it isn't one of a journal's objects.
    pub fn parse(name: &str) -> Option<Self> {
        // From the end: the suffix is what follows the last ".journal" that ends the run.
        let at = name.rfind(EXTENSION)?;
        let (stem, rest) = (name.get(..at)?, name.get(at + EXTENSION.len()..)?);
        let suffix = match rest.strip_prefix('.') {
            Some(suffix) if check_suffix(suffix).is_ok() => Some(suffix.to_owned()),
            None if rest.is_empty() => None,
            _ => return None,
        };
        let mut fields = stem.rsplitn(5, '-');
        let run = fields.next()?;
        let first = fields.next()?;
        let number = fields.next()?;
        let incarnation = fields.next()?;
        let id = fields.next()?;
        if run.len() != 8 || !run.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        Some(Self {
            id: Id::new(id).ok()?,
            incarnation: Incarnation::parse(incarnation)?,
            number: parse_digits(number, NUMBER_DIGITS_MIN)?,
            first: parse_digits(first, FIRST_DIGITS_MIN)?,
            run: RunId(u32::from_str_radix(run, 16).ok()?),
            suffix,
        })
    }
}

/// A number of at least `digits_min` digits, with no zeros in front beyond those.
fn parse_digits(text: &str, digits_min: usize) -> Option<u64> {
    let padded_right = text.len() == digits_min || (text.len() > digits_min && !text.starts_with('0'));
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if padded_right && digits { text.parse().ok() } else { None }
}

/// A key that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key could become longer than the store takes.
    #[error(
        "keys could reach {len_bytes} bytes and the store takes {max_bytes}; shorten prefix, id or directory format"
    )]
    TooLong {
        /// How long.
        len_bytes: usize,
        /// The store's limit.
        max_bytes: usize,
    },
    /// The suffix has a character it must not have, or is too long.
    #[error(
        "suffix {suffix:?} must be 1 to {SUFFIX_BYTES_MAX} of A-Z a-z 0-9 . _ -, and neither begin nor end with a dot"
    )]
    Suffix {
        /// The suffix.
        suffix: String,
    },
    /// More shards than there are names for, or none.
    #[error("shards must be 1 to {SHARDS_MAX}, not {shards}")]
    Shards {
        /// How many were asked for.
        shards: u32,
    },
}

/// Checks what follows `.journal.` in a key.
///
/// # Errors
/// [`KeyError::Suffix`].
pub fn check_suffix(suffix: &str) -> Result<(), KeyError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let right = (1..=SUFFIX_BYTES_MAX).contains(&suffix.len())
        && suffix.bytes().all(allowed)
        && !suffix.starts_with('.')
        && !suffix.ends_with('.')
        && !suffix.contains("..")
        // It would be read as the end of the name.
        && !suffix.contains("journal");
    if right { Ok(()) } else { Err(KeyError::Suffix { suffix: suffix.to_owned() }) }
}

/// Where in a bucket a journal's objects lie: what all its keys have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLayout {
    prefix: String,
    shards: Option<u32>,
}

impl KeyLayout {
    /// Keys under `prefix` (without slashes at its ends; empty for the whole bucket), over `shards` directories.
    ///
    /// # Errors
    /// [`KeyError::Shards`].
    pub fn new(prefix: &str, shards: Option<u32>) -> Result<Self, KeyError> {
        match shards {
            Some(shards) if !(1..=SHARDS_MAX).contains(&shards) => Err(KeyError::Shards { shards }),
            _ => Ok(Self { prefix: prefix.to_owned(), shards }),
        }
    }

    /// What every key starts with: empty, or the prefix and a slash.
    pub fn listing_prefix(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    /// The prefix, without slashes at its ends.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of an object: object n goes to shard n mod shards.
    pub fn key(&self, directory: &str, name: &ObjectName) -> String {
        let mut key = self.listing_prefix();
        if let Some(shards) = self.shards {
            let shard = u32::try_from(name.number % u64::from(shards)).unwrap_or(0);
            key.extend(char::from_digit(shard, SHARDS_MAX));
            key.push('/');
        }
        if !directory.is_empty() {
            key.push_str(directory);
            key.push('/');
        }
        key.push_str(&name.to_string());
        key
    }

    /// Checks that no key of this journal can be longer than `max_bytes`.
    ///
    /// # Errors
    /// [`KeyError::TooLong`].
    pub fn check_len(
        &self,
        directory: &str,
        id: &Id,
        suffix: Option<&str>,
        max_bytes: usize,
    ) -> Result<(), KeyError> {
        let longest = ObjectName {
            id: id.clone(),
            incarnation: Incarnation::new(SystemTime::UNIX_EPOCH, 0),
            number: u64::MAX,
            first: u64::MAX,
            run: RunId(0),
            suffix: suffix.map(str::to_owned),
        };
        let len_bytes = self.key(directory, &longest).len();
        if len_bytes <= max_bytes { Ok(()) } else { Err(KeyError::TooLong { len_bytes, max_bytes }) }
    }
}

/// A whole key, read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Its name.
    pub name: ObjectName,
    /// The key as the store has it.
    pub key: String,
}

impl ObjectKey {
    /// Reads a key under `prefix`; `None` when it isn't a journal's object.
    pub fn parse(key: &str) -> Option<Self> {
        let name = key.rsplit('/').next()?;
        Some(Self { name: ObjectName::parse(name)?, key: key.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn name() -> ObjectName {
        ObjectName {
            id: Id::new("web-1.eu_x").unwrap(),
            incarnation: Incarnation::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000), 0xab),
            number: 7,
            first: 123,
            run: RunId(0x00c0_ffee),
            suffix: Some("gz".to_owned()),
        }
    }

    #[test]
    fn a_name_is_read_back_as_it_was_written() {
        let written = name().to_string();
        assert_eq!(written, "web-1.eu_x-20231114T221320Z000000ab-00000007-000000000123-00c0ffee.journal.gz");
        assert_eq!(ObjectName::parse(&written), Some(name()));
        let bare = ObjectName { suffix: None, number: 123_456_789_012, first: u64::MAX, ..name() };
        assert_eq!(ObjectName::parse(&bare.to_string()), Some(bare));
    }

    #[test]
    fn a_longer_id_is_never_taken_for_ours() {
        let mine = ObjectName::parse(&format!("my{}", name())).unwrap();
        assert_eq!(mine.id.as_str(), "myweb-1.eu_x");
    }

    #[test]
    fn what_is_not_a_name_of_ours_is_left_alone() {
        let good = name().to_string();
        for bad in [
            "",
            "x.journal",
            &good.replace(".journal", ".log"),
            &good.replace("00000007", "7"),
            &good.replace("00000007", "000000007"),
            &good.replace("00c0ffee", "00C0FFEE"),
            &good.replace("T221320Z", "T22132Z"),
            &format!("{good}."),
            &format!("{good}/"),
        ] {
            assert_eq!(ObjectName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn whole_objects_go_round_the_shards() {
        let layout = KeyLayout::new("events/raw", Some(3)).unwrap();
        assert!(layout.key("2026/11/22", &name()).starts_with("events/raw/1/2026/11/22/web-1"));
        let plain = KeyLayout::new("", None).unwrap();
        assert!(plain.key("2026", &name()).starts_with("2026/web-1"));
        assert_eq!(KeyLayout::new("", Some(37)).unwrap_err(), KeyError::Shards { shards: 37 });
        let last = ObjectName { number: 35, ..name() };
        assert!(KeyLayout::new("", Some(36)).unwrap().key("d", &last).starts_with("z/d/"));
    }

    #[test]
    fn ids_that_could_escape_or_confuse_are_refused() {
        for bad in ["", ".", "..", "-a", "a/b", "a b", "a\n", "ä", &"x".repeat(129)] {
            assert!(Id::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Id::from_host_name("my host.local").as_str(), "my_host.local");
        assert_eq!(Id::from_host_name("").as_str(), "_");
        assert!(Id::new(Id::from_host_name("--").as_str()).is_ok());
    }

    #[test]
    fn a_key_that_could_grow_too_long_is_refused_beforehand() {
        let layout = KeyLayout::new(&"p".repeat(1000), None).unwrap();
        let id = Id::new("a").unwrap();
        assert!(matches!(layout.check_len("d", &id, None, KEY_BYTES_MAX), Err(KeyError::TooLong { .. })));
    }
}
