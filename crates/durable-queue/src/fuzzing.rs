//! The codec of frames and the scan of a slab by themselves, for the fuzz targets: through the log's face a frame can only be
//! had with a directory around it, some hundred times slower, and without the fields that the log keeps to itself. Adds no
//! decision of its own. Not part of the public interface.

use std::io;

use crate::disk::DiskFile;
use crate::frame::{FRAME_HEADER_BYTES, Frame, Header};
use crate::recovery::{Verdict, scan};
use crate::slab::FIRST_FRAME;

/// Length of a frame's header.
pub const HEADER_BYTES: usize = FRAME_HEADER_BYTES;
/// Where a slab's first frame is.
pub const FIRST_FRAME_OFFSET: u64 = FIRST_FRAME;

/// What a frame's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// What it is.
    pub kind: u16,
    /// Bit 0: a reader that doesn't know the kind must refuse it.
    pub flags: u16,
    /// Bytes of meta.
    pub meta_len: u32,
    /// Bytes of payload.
    pub payload_len: u32,
    /// Its number over the whole log.
    pub index: u64,
    /// How far the slab was seen synced.
    pub durable_through: u64,
    /// Sum of meta.
    pub meta_crc: u64,
    /// Sum of the payload.
    pub payload_crc: u64,
}

impl From<Header> for Fields {
    fn from(header: Header) -> Self {
        let Header { kind, flags, meta_len, payload_len, index, durable_through, meta_crc, payload_crc } =
            header;
        Self { kind, flags, meta_len, payload_len, index, durable_through, meta_crc, payload_crc }
    }
}

impl Fields {
    fn header(self) -> Header {
        let Self { kind, flags, meta_len, payload_len, index, durable_through, meta_crc, payload_crc } = self;
        Header { kind, flags, meta_len, payload_len, index, durable_through, meta_crc, payload_crc }
    }

    /// The header's bytes, in their place.
    pub fn encode(self, salt: u64, offset: u64) -> [u8; HEADER_BYTES] {
        self.header().encode(salt, offset)
    }

    /// How long the frame is, if the lengths are within the format's limits.
    pub fn len_within_limits(self) -> Option<u64> {
        let header = self.header();
        header.is_within_limits().then(|| header.frame_len())
    }
}

/// The whole frame as it stands in a slab.
pub fn encode(frame: &Frame<'_>, index: u64, durable_through: u64, salt: u64, offset: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.put(&mut bytes, &frame.header(index, durable_through), salt, offset);
    bytes
}

/// The header in `bytes`, if its checksum fits its place.
pub fn decode(bytes: &[u8], salt: u64, offset: u64) -> Option<Fields> {
    Header::decode(bytes, salt, offset).map(Fields::from)
}

/// What is to be done with a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It ends here.
    Ends {
        /// Where.
        at: u64,
    },
    /// What follows is to be cut.
    Cut {
        /// From here on.
        at: u64,
    },
    /// It is refused.
    Corrupt {
        /// Where the damage is.
        at: u64,
    },
}

/// What a scan found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// By the tail rule.
    pub judgement: Judgement,
    /// The first frame, if it is good.
    pub first: Option<Fields>,
    /// The last good one before anything bad.
    pub last: Option<Fields>,
}

/// Scans the frames of a slab of `len_bytes` bytes.
///
/// # Errors
/// The file's.
pub fn scan_slab(
    file: &dyn DiskFile,
    salt: u64,
    len_bytes: u64,
    was_synced_whole: bool,
) -> io::Result<Scanned> {
    let scanned = scan(file, salt, len_bytes, was_synced_whole)?;
    let judgement = match scanned.verdict {
        Verdict::Ends { at } => Judgement::Ends { at },
        Verdict::Cut { at, .. } => Judgement::Cut { at },
        Verdict::Corrupt { at, .. } => Judgement::Corrupt { at },
    };
    Ok(Scanned { judgement, first: scanned.first.map(Fields::from), last: scanned.last.map(Fields::from) })
}
