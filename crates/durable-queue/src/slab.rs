//! A slab: one file of frames. Its header, its name, and the open file. Knows `disk` and `frame`.
//!
//! A slab begins with a header of [`SLAB_HEADER_BYTES`], little-endian:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic: `89 64 71 73 6c 61 62 0a` |
//! | 8 | 4 | format version |
//! | 12 | 4 | length of this header |
//! | 16 | 16 | identity of the log: random, the same in each of its slabs |
//! | 32 | 8 | number of this slab, from 1 |
//! | 40 | 8 | salt: random for each slab |
//! | 48 | 16 | number and salt of the slab before it; zeros in the first |
//! | 64 | 8 | size in bytes that was meant for it |
//! | 72 | 8 | when it was made, milliseconds since 1970 |
//! | 80 | .. | zeros |
//! | 4088 | 8 | CRC-64/NVME of all before |
//!
//! Magic, version and checksum stay where they are in every later version, so that an old program can refuse a new file.
//! The first frame is a checkpoint whose meta is ours: where the frames of the slab before it end (8 bytes) and 8 zeros.
//! So no length of a file ever needs to be believed.

use std::path::{Path, PathBuf};

use crate::bytes::{Fields, Put, wide};
use crate::disk::DiskFile;
use crate::frame::checksum;
use crate::sabotage;

/// Length of a slab's header, and so the offset of its first frame.
pub(crate) const SLAB_HEADER_BYTES: usize = 4096;
/// [`SLAB_HEADER_BYTES`] as an offset.
pub(crate) const FIRST_FRAME: u64 = 4096;
/// The format version written here, and the newest one read.
pub(crate) const FORMAT_VERSION: u32 = 1;
/// The slab that is made ready before it is needed.
pub(crate) const NEXT_NAME: &str = "next.tmp";
/// The file that one process at a time holds.
pub(crate) const LOCK_NAME: &str = "lock";
/// What ends the name of a file with bytes cut off at recovery.
pub(crate) const TORN_SUFFIX: &str = ".torn";
/// Length of a checkpoint's meta.
pub(crate) const CHECKPOINT_META_BYTES: usize = 16;

const MAGIC: [u8; 8] = *b"\x89dqslab\n";
const CRC_OFFSET: usize = SLAB_HEADER_BYTES - 8;
const SALT_OFFSET: usize = 40;
const NAME_DIGITS: usize = 16;
const SLAB_SUFFIX: &str = ".slab";

/// A slab's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlabHeader {
    pub identity: [u8; 16],
    pub number: u64,
    pub salt: u64,
    /// Number and salt of the slab before; (0, 0) in the first.
    pub predecessor: (u64, u64),
    pub size_bytes: u64,
    pub created_unix_ms: u64,
}

/// Why bytes aren't the header of a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadSlab {
    Damaged(&'static str),
    NewerVersion(u32),
}

impl SlabHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut header = vec![0; SLAB_HEADER_BYTES];
        Put(&mut header)
            .put(&MAGIC)
            .u32(FORMAT_VERSION)
            .u32(4096)
            .put(&self.identity)
            .u64(self.number)
            .u64(self.salt)
            .u64(self.predecessor.0)
            .u64(self.predecessor.1)
            .u64(self.size_bytes)
            .u64(self.created_unix_ms);
        let crc = checksum(header.get(..CRC_OFFSET).unwrap_or_default());
        Put(header.get_mut(CRC_OFFSET..).unwrap_or_default()).u64(crc);
        header
    }

    /// What stands where a header has its salt, whatever the rest of it is.
    pub(crate) fn salt_in(bytes: &[u8]) -> Option<u64> {
        Some(Fields(bytes.get(SALT_OFFSET..CRC_OFFSET)?).u64())
    }

    /// Decodes a header from the first bytes of a file.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadSlab> {
        let (Some(covered), Some(stored)) =
            (bytes.get(..CRC_OFFSET), bytes.get(CRC_OFFSET..SLAB_HEADER_BYTES))
        else {
            return Err(BadSlab::Damaged("the file is shorter than a slab's header"));
        };
        let mut fields = Fields(covered);
        if fields.array() != MAGIC {
            return Err(BadSlab::Damaged("it doesn't begin as a slab does"));
        }
        if checksum(covered) != Fields(stored).u64() && sabotage::SLAB_CHECKSUM.is_on() {
            return Err(BadSlab::Damaged("the checksum of the slab's header is wrong"));
        }
        let version = fields.u32();
        if version != FORMAT_VERSION {
            return Err(BadSlab::NewerVersion(version));
        }
        fields.u32();
        Ok(Self {
            identity: fields.array(),
            number: fields.u64(),
            salt: fields.u64(),
            predecessor: (fields.u64(), fields.u64()),
            size_bytes: fields.u64(),
            created_unix_ms: fields.u64(),
        })
    }
}

/// Meta of a checkpoint: where the frames of the slab before it end.
pub(crate) fn checkpoint_meta(predecessor_end: u64) -> [u8; CHECKPOINT_META_BYTES] {
    let mut meta = [0; CHECKPOINT_META_BYTES];
    Put(&mut meta).u64(predecessor_end);
    meta
}

/// Where the frames of the slab before end, from a checkpoint's meta.
pub(crate) fn predecessor_end(meta: &[u8]) -> Option<u64> {
    (meta.len() == CHECKPOINT_META_BYTES).then(|| Fields(meta).u64())
}

/// The name of slab `number`.
pub(crate) fn slab_name(number: u64) -> String {
    format!("{number:0NAME_DIGITS$}{SLAB_SUFFIX}")
}

/// The number in the name of a slab; nothing if it isn't one.
pub(crate) fn slab_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SLAB_SUFFIX)?;
    let is_name = digits.len() == NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_name { digits.parse().ok() } else { None }
}

/// Where slab `number` is.
pub(crate) fn slab_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(slab_name(number))
}

/// The name of the file that keeps the bytes cut off a slab at `offset`. The salt tells slabs apart that came to have one
/// number after another.
pub(crate) fn torn_name(number: u64, offset: u64, salt: u64) -> String {
    format!("{number:0NAME_DIGITS$}-{offset:012}-{salt:016x}{TORN_SUFFIX}")
}

/// An open slab that is, or is about to be, written.
#[derive(Debug)]
pub(crate) struct SlabFile {
    pub number: u64,
    pub salt: u64,
    /// The most bytes that may be written into it.
    pub size_bytes: u64,
    /// Whether room for them is reserved on disk.
    pub is_preallocated: bool,
    /// Its name once it is published.
    pub path: PathBuf,
    pub file: Box<dyn DiskFile>,
}

/// What a slab of this kind needs at least: its header, a checkpoint of `checkpoint_payload` bytes, `frames` bytes and the
/// reserve.
pub(crate) fn size_needed(checkpoint_payload: u64, frames: u64, reserve: u64) -> u64 {
    FIRST_FRAME
        + checkpoint_len(checkpoint_payload)
        + frames
        + reserve
        + wide(crate::frame::FRAME_HEADER_BYTES)
}

fn checkpoint_len(payload: u64) -> u64 {
    (wide(crate::frame::FRAME_HEADER_BYTES + CHECKPOINT_META_BYTES) + payload)
        .next_multiple_of(crate::frame::FRAME_ALIGNMENT)
}

#[cfg(test)]
#[path = "slab_tests.rs"]
mod tests;
