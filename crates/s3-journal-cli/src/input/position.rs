//! How far a file has been read, as the journal keeps it beside each entry, and what a file found later makes of it.

use super::fingerprint::Fingerprint;

/// The version of the bytes below.
const VERSION: u8 = 1;
const ENCODED_BYTES: usize = 1 + 8 + 8 + 8 + 8 + 2 + 8;

/// Which file it is for the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The device it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

impl FileId {
    /// The number under which the journal keeps the file's position: any that differs from other files' will do, and
    /// two that meet are told apart by what the position says.
    pub fn source(self) -> u64 {
        // The finalizer of SplitMix64 (Steele, Lea, Flood 2014): each bit of the input moves half of the output's.
        let mut mixed = self.inode ^ self.device.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// How far a file has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Which file.
    pub file: FileId,
    /// Everything before this byte is in the journal.
    pub offset_bytes: u64,
    /// How many entries that were, for messages.
    pub entries: u64,
    /// What the file began with.
    pub fingerprint: Fingerprint,
}

impl Position {
    /// The bytes that the journal keeps.
    pub fn encode(&self) -> [u8; ENCODED_BYTES] {
        let mut bytes = [0; ENCODED_BYTES];
        let fields = [
            &[VERSION][..],
            &self.file.device.to_le_bytes(),
            &self.file.inode.to_le_bytes(),
            &self.offset_bytes.to_le_bytes(),
            &self.entries.to_le_bytes(),
            &self.fingerprint.len_bytes.to_le_bytes(),
            &self.fingerprint.crc64.to_le_bytes(),
        ];
        let mut rest = bytes.as_mut_slice();
        for field in fields {
            if let Some(place) = rest.split_off_mut(..field.len()) {
                place.copy_from_slice(field);
            }
        }
        bytes
    }

    /// Reads them back; `None` when they aren't this program's.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk::<1>()?;
        if bytes.len() != ENCODED_BYTES || *version != [VERSION] {
            return None;
        }
        let (device, rest) = rest.split_first_chunk()?;
        let (inode, rest) = rest.split_first_chunk()?;
        let (offset_bytes, rest) = rest.split_first_chunk()?;
        let (entries, rest) = rest.split_first_chunk()?;
        let (len_bytes, rest) = rest.split_first_chunk()?;
        let (crc64, _) = rest.split_first_chunk()?;
        Some(Self {
            file: FileId { device: u64::from_le_bytes(*device), inode: u64::from_le_bytes(*inode) },
            offset_bytes: u64::from_le_bytes(*offset_bytes),
            entries: u64::from_le_bytes(*entries),
            fingerprint: Fingerprint {
                len_bytes: u16::from_le_bytes(*len_bytes),
                crc64: u64::from_le_bytes(*crc64),
            },
        })
    }
}

/// Where reading a file begins, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At its first byte: it wasn't read before.
    New,
    /// Where the journal ends.
    Resume {
        /// The first byte that isn't in the journal.
        offset_bytes: u64,
        /// Entries before it.
        entries: u64,
    },
    /// At its first byte: another file has taken its place.
    Replaced,
    /// At its first byte: it is shorter than what was read of it.
    Truncated {
        /// What was read of it.
        offset_bytes: u64,
    },
}

impl Start {
    /// What is to be done with a file of `len_bytes` bytes whose beginning, as far as `known` looked, is `beginning`.
    pub fn of(known: Position, len_bytes: u64, beginning: Fingerprint) -> Self {
        let Position { offset_bytes, entries, fingerprint, .. } = known;
        if len_bytes < offset_bytes {
            Self::Truncated { offset_bytes }
        } else if beginning == fingerprint {
            Self::Resume { offset_bytes, entries }
        } else {
            Self::Replaced
        }
    }
}

#[cfg(test)]
#[path = "position_tests.rs"]
mod tests;
