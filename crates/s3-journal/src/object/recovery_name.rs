//! The names of what a recovery puts beside a torn object, written and read. Knows nothing of buckets.
//!
//! * `<id>-<incarnation>-<number>-<first>-<run>.<entries>.recovered.journal[.<suffix>]`: the entries that could be read of
//!   it, as a whole object; how many (at least 12 digits) is all that no later object says.
//! * `<id>-<incarnation>-<number>-<first>-<run>.<length>.recovering.journal[.<suffix>]`: a note that the object of that name
//!   and that length (at least 12 digits) is the torn one, there for as long as the recovery lasts.
//!
//! Neither parses as an [`ObjectName`]: programs that don't know of recoveries leave both alone.

use std::fmt;

use super::key::{ObjectName, check_suffix};

const EXTENSION: &str = ".journal";
const RECOVERED: &str = "recovered";
const RECOVERING: &str = "recovering";
const DIGITS_MIN: usize = 12;

/// What an object of a recovery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecoveryRole {
    /// The readable entries of a torn object, as a whole one.
    Recovered {
        /// How many.
        entries: u64,
    },
    /// The note that a recovery is under way.
    Note {
        /// Length of the torn object in bytes.
        torn_bytes: u64,
    },
}

/// The last segment of a key that a recovery writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecoveryName {
    /// The torn object's name.
    pub torn: ObjectName,
    /// What this is.
    pub role: RecoveryRole,
}

impl fmt::Display for RecoveryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = ObjectName { suffix: None, ..self.torn.clone() }.to_string();
        let stem = bare.strip_suffix(EXTENSION).unwrap_or(&bare);
        let (count, word) = match self.role {
            RecoveryRole::Recovered { entries } => (entries, RECOVERED),
            RecoveryRole::Note { torn_bytes } => (torn_bytes, RECOVERING),
        };
        write!(f, "{stem}.{count:0DIGITS_MIN$}.{word}{EXTENSION}")?;
        match &self.torn.suffix {
            Some(suffix) => write!(f, ".{suffix}"),
            None => Ok(()),
        }
    }
}

impl RecoveryName {
    /// Reads a name; `None` when it isn't one of a recovery's objects.
    pub fn parse(name: &str) -> Option<Self> {
        let at = name.rfind(EXTENSION)?;
        let (stem, rest) = (name.get(..at)?, name.get(at + EXTENSION.len()..)?);
        if rest.strip_prefix('.').is_some_and(|suffix| check_suffix(suffix).is_err()) {
            return None;
        }
        let (stem, word) = stem.rsplit_once('.')?;
        let (stem, count) = stem.rsplit_once('.')?;
        let padded_right = count.len() == DIGITS_MIN || (count.len() > DIGITS_MIN && !count.starts_with('0'));
        let count: u64 =
            count.parse().ok().filter(|_| padded_right && count.bytes().all(|b| b.is_ascii_digit()))?;
        let role = match word {
            RECOVERED => RecoveryRole::Recovered { entries: count },
            RECOVERING => RecoveryRole::Note { torn_bytes: count },
            _ => return None,
        };
        Some(Self { torn: ObjectName::parse(&format!("{stem}{EXTENSION}{rest}"))?, role })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TORN: &str = "web-1-20231114T221320Z000000ab-00000007-000000000123-00c0ffee.journal.gz";

    #[test]
    fn a_name_is_read_back_as_it_was_written_and_is_no_objects_name() {
        let torn = ObjectName::parse(TORN).unwrap();
        for torn in [torn.clone(), ObjectName { suffix: None, ..torn.clone() }] {
            for role in [
                RecoveryRole::Recovered { entries: 456 },
                RecoveryRole::Recovered { entries: u64::MAX },
                RecoveryRole::Note { torn_bytes: 0 },
            ] {
                let name = RecoveryName { torn: torn.clone(), role };
                assert_eq!(RecoveryName::parse(&name.to_string()), Some(name.clone()));
                assert_eq!(ObjectName::parse(&name.to_string()), None);
            }
        }
        let name = RecoveryName { torn, role: RecoveryRole::Recovered { entries: 456 } };
        let written = name.to_string();
        assert_eq!(
            written,
            "web-1-20231114T221320Z000000ab-00000007-000000000123-00c0ffee.000000000456.recovered.journal.gz"
        );
        assert_eq!(RecoveryName::parse(TORN), None);
        for bad in [
            written.replace("000000000456", "456"),
            written.replace("000000000456", "0000000000456"),
            written.replace("000000000456", "+00000000456"),
            written.replace("recovered", "recover"),
            written.replace(".journal", ""),
            format!("{written}."),
        ] {
            assert_eq!(RecoveryName::parse(&bad), None, "{bad}");
        }
    }
}
