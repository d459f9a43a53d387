//! What an object says of itself and of the one before it, as user metadata: the chain that a reader follows.
//! Fixed when the object is opened, so it holds nothing of the object's own length or sum. Knows nothing of buckets.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use minicbor::{Decode, Encode};
use thiserror::Error;

use super::key::ObjectName;

/// The version of what is written into buckets: names, metadata, streams.
pub const FORMAT: u32 = 1;

const KEY_FORMAT: &str = "journal-format";
const KEY_ID: &str = "journal-id";
const KEY_INCARNATION: &str = "journal-incarnation";
const KEY_RUN: &str = "journal-run";
const KEY_NUMBER: &str = "journal-number";
const KEY_FIRST: &str = "journal-first";
const KEY_COMPRESSOR: &str = "journal-compressor";
const KEY_DELIMITER: &str = "journal-delimiter";
const NO_DELIMITER: &str = "none";
const KEY_TIME: &str = "journal-time";
const KEY_PREVIOUS_ENTRIES: &str = "journal-previous-entries";
const KEY_PREVIOUS_LENGTH: &str = "journal-previous-length";
const KEY_RECOVERED: &str = "journal-recovered";
const KEY_PREVIOUS_CRC64NVME: &str = "journal-previous-crc64nvme";

/// What the next object says of the object before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Predecessor {
    /// How many entries it holds.
    #[n(0)]
    pub entries: u64,
    /// Its length in bytes, as stored.
    #[n(1)]
    pub len_bytes: u64,
    /// CRC-64/NVME of its bytes, as stored.
    #[n(2)]
    pub crc64nvme: u64,
}

/// An object's user metadata, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMetadata {
    /// The version of the format, [`FORMAT`].
    pub format: u32,
    /// The name it was written under.
    pub id: String,
    /// Which life of the local directory.
    pub incarnation: String,
    /// Which opening, as in the name.
    pub run: String,
    /// The object's number.
    pub number: u64,
    /// Sequence number of its first entry.
    pub first: u64,
    /// The compressor's name: `none`, `gzip`, ... or a custom one's.
    pub compressor: String,
    /// The bytes after each entry.
    pub delimiter: Vec<u8>,
    /// When its first batch was sealed, RFC 3339 in UTC.
    pub time: String,
    /// The object before it; `None` for the first of an incarnation.
    pub previous: Option<Predecessor>,
}

/// User metadata that isn't a journal's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// A field is missing.
    #[error(
        "metadata {name} is missing; the object was not written by a journal, or was copied without its metadata"
    )]
    Missing {
        /// Which.
        name: &'static str,
    },
    /// A field can't be read.
    #[error("metadata {name} has the value {value:?}, which can't be read")]
    Unreadable {
        /// Which.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// A newer format.
    #[error("the object has format {format} and this program reads up to {FORMAT}; use a newer one")]
    Newer {
        /// The object's format.
        format: u32,
    },
}

impl ObjectMetadata {
    /// What the object `name`, opened at `time`, says of itself.
    pub fn new(
        name: &ObjectName,
        compressor: &str,
        delimiter: &[u8],
        time: SystemTime,
        previous: Option<Predecessor>,
    ) -> Self {
        let time = jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self {
            format: FORMAT,
            id: name.id.to_string(),
            incarnation: name.incarnation.to_string(),
            run: name.run.to_string(),
            number: name.number,
            first: name.first,
            compressor: compressor.to_owned(),
            delimiter: delimiter.to_vec(),
            time: format!("{time:.3}"),
            previous,
        }
    }

    /// Whether this is what the object of that name would say of itself.
    pub fn is_of(&self, name: &ObjectName) -> bool {
        self.id == name.id.as_str()
            && self.incarnation == name.incarnation.as_str()
            && self.run == name.run.to_string()
            && self.number == name.number
            && self.first == name.first
    }

    /// When the object's first batch was sealed, read from its metadata alone.
    pub fn time_of(map: &BTreeMap<String, String>) -> Option<SystemTime> {
        let time: jiff::Timestamp = map.get(KEY_TIME)?.parse().ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(time.as_millisecond()).ok()?))
    }

    /// What a recovered object says of itself: all that the torn one said, and how many entries could be read.
    pub fn recovered(torn: &BTreeMap<String, String>, entries: u64) -> BTreeMap<String, String> {
        let mut map = torn.clone();
        map.insert(KEY_RECOVERED.to_owned(), entries.to_string());
        map
    }

    /// As names and values.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let mut map: BTreeMap<String, String> = [
            (KEY_FORMAT, self.format.to_string()),
            (KEY_ID, self.id.clone()),
            (KEY_INCARNATION, self.incarnation.clone()),
            (KEY_RUN, self.run.clone()),
            (KEY_NUMBER, self.number.to_string()),
            (KEY_FIRST, self.first.to_string()),
            (KEY_COMPRESSOR, self.compressor.clone()),
            // S3 drops empty values.
            (
                KEY_DELIMITER,
                if self.delimiter.is_empty() { NO_DELIMITER.to_owned() } else { to_hex(&self.delimiter) },
            ),
            (KEY_TIME, self.time.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(previous) = self.previous {
            map.insert(KEY_PREVIOUS_ENTRIES.to_owned(), previous.entries.to_string());
            map.insert(KEY_PREVIOUS_LENGTH.to_owned(), previous.len_bytes.to_string());
            map.insert(KEY_PREVIOUS_CRC64NVME.to_owned(), format!("{:016x}", previous.crc64nvme));
        }
        map
    }

    /// Reads what an object says of itself. Names that aren't ours are left alone.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub fn from_map(map: &BTreeMap<String, String>) -> Result<Self, MetadataError> {
        let format = number(map, KEY_FORMAT)?;
        if format > FORMAT {
            return Err(MetadataError::Newer { format });
        }
        let hex = text(map, KEY_DELIMITER)?;
        let hex = if hex == NO_DELIMITER { "" } else { hex };
        let delimiter = from_hex(hex)
            .ok_or_else(|| MetadataError::Unreadable { name: KEY_DELIMITER, value: hex.to_owned() })?;
        let previous = match map.get(KEY_PREVIOUS_ENTRIES) {
            None => None,
            Some(_) => {
                let crc = text(map, KEY_PREVIOUS_CRC64NVME)?;
                Some(Predecessor {
                    entries: number(map, KEY_PREVIOUS_ENTRIES)?,
                    len_bytes: number(map, KEY_PREVIOUS_LENGTH)?,
                    crc64nvme: u64::from_str_radix(crc, 16).map_err(|_| MetadataError::Unreadable {
                        name: KEY_PREVIOUS_CRC64NVME,
                        value: crc.to_owned(),
                    })?,
                })
            }
        };
        Ok(Self {
            format,
            id: text(map, KEY_ID)?.to_owned(),
            incarnation: text(map, KEY_INCARNATION)?.to_owned(),
            run: text(map, KEY_RUN)?.to_owned(),
            number: number(map, KEY_NUMBER)?,
            first: number(map, KEY_FIRST)?,
            compressor: text(map, KEY_COMPRESSOR)?.to_owned(),
            delimiter,
            time: text(map, KEY_TIME)?.to_owned(),
            previous,
        })
    }
}

fn text<'a>(map: &'a BTreeMap<String, String>, name: &'static str) -> Result<&'a str, MetadataError> {
    map.get(name).map(String::as_str).ok_or(MetadataError::Missing { name })
}

fn number<T: std::str::FromStr>(
    map: &BTreeMap<String, String>,
    name: &'static str,
) -> Result<T, MetadataError> {
    let value = text(map, name)?;
    value.parse().map_err(|_| MetadataError::Unreadable { name, value: value.to_owned() })
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> ObjectName {
        ObjectName::parse("web1-20231114T221320Z000000ab-00000007-000000000123-00c0ffee.journal.gz").unwrap()
    }

    #[test]
    fn metadata_is_read_back_as_it_was_written() {
        let previous = Predecessor { entries: 9, len_bytes: 1_000, crc64nvme: 0xdead };
        for (delimiter, previous) in [(&b"\r\n"[..], Some(previous)), (b"", None)] {
            let written = ObjectMetadata::new(&name(), "gzip", delimiter, SystemTime::UNIX_EPOCH, previous);
            assert_eq!(written.time, "1970-01-01T00:00:00.000Z");
            let map = written.to_map();
            let bytes: usize = map.iter().map(|(name, value)| name.len() + value.len()).sum();
            // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>
            assert!(bytes <= 2_048);
            assert_eq!(ObjectMetadata::from_map(&map).unwrap(), written);
            assert!(written.is_of(&name()));
        }
    }

    #[test]
    fn what_a_journal_did_not_write_is_told_apart() {
        assert_eq!(
            ObjectMetadata::from_map(&BTreeMap::new()).unwrap_err(),
            MetadataError::Missing { name: KEY_FORMAT }
        );
        let mut map = ObjectMetadata::new(&name(), "none", b"\n", SystemTime::UNIX_EPOCH, None).to_map();
        map.insert(KEY_FORMAT.to_owned(), "2".to_owned());
        assert_eq!(ObjectMetadata::from_map(&map).unwrap_err(), MetadataError::Newer { format: 2 });
        map.insert(KEY_FORMAT.to_owned(), "1".to_owned());
        map.insert(KEY_DELIMITER.to_owned(), "0".to_owned());
        assert!(matches!(ObjectMetadata::from_map(&map), Err(MetadataError::Unreadable { .. })));
    }
}
