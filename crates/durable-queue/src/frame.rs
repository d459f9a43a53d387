//! A frame: one record of the log as bytes, and the checks that it must pass to be believed. Pure.
//!
//! All numbers are little-endian. A frame begins at a multiple of 8 bytes with a header of [`FRAME_HEADER_BYTES`]:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | CRC-64/NVME of the slab's salt, the frame's offset in its file, and the 56 bytes that follow |
//! | 8 | 2 | kind: 0..=15 are the log's own |
//! | 10 | 2 | flags: bit 0, a reader that doesn't know the kind must refuse it |
//! | 12 | 4 | length of meta |
//! | 16 | 4 | length of the payload |
//! | 20 | 4 | zero |
//! | 24 | 8 | index: dense over the whole log, across slabs |
//! | 32 | 8 | durable-through: the offset in this slab up to which the writer had seen it synced |
//! | 40 | 8 | CRC-64/NVME of meta |
//! | 48 | 8 | CRC-64/NVME of the payload |
//! | 56 | 8 | note: a number of the client's as of this frame (see [`Frame::noted`]); the log's own frames repeat the last one; 0 when there is none |
//!
//! then meta, the payload, and zeros up to the next multiple of 8. The header's checksum is checked before a length in it is
//! believed; salt and offset in it make stale, copied and misplaced frames fail. The other two are of the bare bytes.

use std::fmt;

use crate::bytes::{Fields, Put, wide};
use crate::sabotage;

/// Length of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 64;
/// Frames begin at multiples of this.
pub(crate) const FRAME_ALIGNMENT: u64 = 8;
/// The most bytes of meta in a frame: 64 KiB.
pub const META_BYTES_MAX: usize = 64 << 10;
/// The most bytes of payload in a frame: 1 GiB less one.
pub const PAYLOAD_BYTES_MAX: usize = (1 << 30) - 1;
/// The lowest kind that a client of the log may use; those below are the log's own.
pub const CLIENT_KIND_MIN: u16 = 16;

/// First frame of each slab: the client's state at that place.
pub(crate) const KIND_CHECKPOINT: u16 = 1;
/// Says how far the slab was synced, when no other frame came to say it.
pub(crate) const KIND_WATERMARK: u16 = 2;
/// The log was closed in order.
pub(crate) const KIND_CLOSED: u16 = 3;

const FLAG_MUST_UNDERSTAND: u16 = 1;
/// Salt and offset, which the header's checksum covers besides the header.
const SEED_BYTES: usize = 16;

/// CRC-64/NVME of `bytes`: the checksum of meta and payloads here, and the one S3 knows as `CRC64NVME`.
pub fn checksum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes)
}

/// [`checksum`] in pieces.
pub struct Checksum(crc_fast::Digest);

impl Checksum {
    /// Of no bytes yet.
    pub fn new() -> Self {
        Self(crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme))
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes added.
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Checksum").field(&self.value()).finish()
    }
}

/// A frame to be appended. Making one computes its checksums, so make it before taking any lock.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What it is: [`CLIENT_KIND_MIN`] or above.
    pub(crate) kind: u16,
    pub(crate) must_understand: bool,
    pub(crate) meta: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) meta_crc: u64,
    pub(crate) payload_crc: u64,
    pub(crate) note: u64,
}

impl<'a> Frame<'a> {
    /// A frame of `kind` ([`CLIENT_KIND_MIN`] or above). With `must_understand`, a reader that doesn't know the kind must
    /// refuse the log instead of passing over it.
    pub fn new(kind: u16, must_understand: bool, meta: &'a [u8], payload: &'a [u8]) -> Self {
        Self::with_payload_checksum(kind, must_understand, meta, payload, checksum(payload))
    }

    /// As [`Frame::new`], for a payload whose [`checksum`] is known already.
    pub fn with_payload_checksum(
        kind: u16,
        must_understand: bool,
        meta: &'a [u8],
        payload: &'a [u8],
        payload_crc: u64,
    ) -> Self {
        Self { kind, must_understand, meta, payload, meta_crc: checksum(meta), payload_crc, note: 0 }
    }

    /// With a number that says how far the client has come with this frame. It stands in the frame's header, and the log
    /// repeats it in frames of its own: so where frames are damaged, those that follow still tell what they amounted to.
    #[must_use]
    pub fn noted(self, note: u64) -> Self {
        Self { note, ..self }
    }

    /// Bytes it takes in a slab.
    pub fn bytes_on_disk(&self) -> u64 {
        len_on_disk(wide(self.meta.len()), wide(self.payload.len()))
    }

    /// The payload's [`checksum`].
    pub fn payload_checksum(&self) -> u64 {
        self.payload_crc
    }

    pub(crate) fn header(&self, index: u64, durable_through: u64) -> Header {
        Header {
            kind: self.kind,
            flags: if self.must_understand { FLAG_MUST_UNDERSTAND } else { 0 },
            // Both are checked against their limits before a frame is accepted.
            meta_len: u32::try_from(self.meta.len()).unwrap_or(u32::MAX),
            payload_len: u32::try_from(self.payload.len()).unwrap_or(u32::MAX),
            index,
            durable_through,
            meta_crc: self.meta_crc,
            payload_crc: self.payload_crc,
            note: self.note,
        }
    }

    /// Adds the whole frame to `buffer`.
    pub(crate) fn put(&self, buffer: &mut Vec<u8>, header: &Header, salt: u64, offset: u64) {
        buffer.extend_from_slice(&header.encode(salt, offset));
        buffer.extend_from_slice(self.meta);
        buffer.extend_from_slice(self.payload);
        let padding = crate::bytes::narrow(header.padding());
        buffer.resize(buffer.len() + padding, 0);
    }
}

fn len_on_disk(meta_len: u64, payload_len: u64) -> u64 {
    (wide(FRAME_HEADER_BYTES) + meta_len + payload_len).next_multiple_of(FRAME_ALIGNMENT)
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub kind: u16,
    pub flags: u16,
    pub meta_len: u32,
    pub payload_len: u32,
    pub index: u64,
    pub durable_through: u64,
    pub meta_crc: u64,
    pub payload_crc: u64,
    pub note: u64,
}

impl Header {
    pub(crate) fn encode(&self, salt: u64, offset: u64) -> [u8; FRAME_HEADER_BYTES] {
        let mut body = [0; FRAME_HEADER_BYTES - 8];
        Put(&mut body)
            .u16(self.kind)
            .u16(self.flags)
            .u32(self.meta_len)
            .u32(self.payload_len)
            .u32(0)
            .u64(self.index)
            .u64(self.durable_through)
            .u64(self.meta_crc)
            .u64(self.payload_crc)
            .u64(self.note);
        let mut header = [0; FRAME_HEADER_BYTES];
        Put(&mut header).u64(header_crc(&body, salt, offset)).put(&body);
        header
    }

    /// The header in `bytes` if its checksum fits this place, and nothing otherwise. Its lengths are as written then, but
    /// still to be held against [`Header::is_within_limits`] and the end of the file.
    pub(crate) fn decode(bytes: &[u8], salt: u64, offset: u64) -> Option<Self> {
        let mut fields = Fields(bytes.get(..FRAME_HEADER_BYTES)?);
        let crc = fields.u64();
        if crc != header_crc(fields.0, salt, offset) && sabotage::HEADER_CHECKSUM.is_on() {
            return None;
        }
        let (kind, flags) = (fields.u16(), fields.u16());
        let (meta_len, payload_len) = (fields.u32(), fields.u32());
        fields.u32();
        Some(Self {
            kind,
            flags,
            meta_len,
            payload_len,
            index: fields.u64(),
            durable_through: fields.u64(),
            meta_crc: fields.u64(),
            payload_crc: fields.u64(),
            note: fields.u64(),
        })
    }

    pub(crate) fn is_within_limits(&self) -> bool {
        wide_u32(self.meta_len) <= wide(META_BYTES_MAX)
            && wide_u32(self.payload_len) <= wide(PAYLOAD_BYTES_MAX)
    }

    pub(crate) fn must_understand(&self) -> bool {
        self.flags & FLAG_MUST_UNDERSTAND != 0
    }

    /// Bytes of the whole frame.
    pub(crate) fn frame_len(&self) -> u64 {
        len_on_disk(wide_u32(self.meta_len), wide_u32(self.payload_len))
    }

    /// Where the payload begins, from the start of the frame.
    pub(crate) fn payload_start(&self) -> u64 {
        wide(FRAME_HEADER_BYTES) + wide_u32(self.meta_len)
    }

    fn padding(&self) -> u64 {
        self.frame_len() - self.payload_start() - wide_u32(self.payload_len)
    }
}

fn wide_u32(len: u32) -> u64 {
    u64::from(len)
}

fn header_crc(body: &[u8], salt: u64, offset: u64) -> u64 {
    let (salt, offset) = if sabotage::HEADER_PLACE.is_off() { (0, 0) } else { (salt, offset) };
    let mut covered = [0; SEED_BYTES + FRAME_HEADER_BYTES - 8];
    Put(&mut covered).u64(salt).u64(offset).put(body);
    checksum(&covered)
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
