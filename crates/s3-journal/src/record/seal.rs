//! The end of an object, computed from what its last batch recorded: so an object can be ended after a crash, and before a
//! damaged batch. Pure.

use super::{OpenObject, Seal};
use crate::checksum::{crc64_joined, part_sums};
use crate::object::SealReason;
use crate::stream::{Codec, trailer};

/// An object's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its record.
    pub seal: Seal,
    /// The record's payload: what closes the stream.
    pub trailer: Vec<u8>,
}

/// The end of `object`, as far as it has come.
pub fn end_of(object: &OpenObject, reason: SealReason) -> End {
    // The recorded name counts: the options may have changed since. A custom compressor's has no trailer.
    let codec = object.compressor.parse().unwrap_or(Codec::None);
    let trailer = trailer(codec, &object.tail());
    let sums = part_sums(object.part_size_bytes, object.len_bytes, object.part_crc64nvme, &trailer);
    let len_bytes = object.len_bytes + trailer.len() as u64;
    let mut parts = sums.filled;
    if !len_bytes.is_multiple_of(object.part_size_bytes.max(1)) {
        parts.push(sums.rest);
    }
    let seal = Seal {
        number: object.number,
        entries: object.entries,
        len_bytes,
        crc64nvme: crc64_joined(object.crc64nvme, &trailer, sums.own),
        parts,
        reason,
    };
    End { seal, trailer }
}
