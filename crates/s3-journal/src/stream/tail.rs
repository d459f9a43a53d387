//! How far a stream has come, and the bytes that close it there. Pure: needs no encoder, so that an object can be
//! closed after a crash.

use super::{Codec, gzip, lz4, xz, zstd};

/// What closing a stream needs to know of it. Recorded with every batch.
///
/// A new stream's tail is [`Tail::default`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tail {
    /// Bytes before compression so far.
    pub raw_len: u64,
    /// Bytes of the stream so far.
    pub stored_len: u64,
    /// The format's own checksum of the bytes before compression so far: CRC-32 for gzip, XXH64 for zstd, XXH32 for lz4,
    /// CRC-64 for xz, and 0 for the formats that end without one.
    pub checksum: u64,
}

/// The bytes that close a stream left at `tail`: appended to its pieces they make it whole.
///
/// For a stream of which nothing has been stored yet (`stored_len` is 0) they are a whole stream of no content.
///
/// # Durability
///
/// The same codec and tail always give the same bytes: a seal can be repeated after a crash.
pub fn trailer(codec: Codec, tail: &Tail) -> Vec<u8> {
    match codec {
        Codec::None => Vec::new(),
        Codec::Gzip => gzip::trailer(tail),
        Codec::Zstd => zstd::trailer(tail),
        Codec::Snappy => super::snappy::trailer(tail),
        Codec::Lz4 => lz4::trailer(tail),
        Codec::Lzma2 => xz::trailer(tail),
    }
}

/// The low 32 bits of the recorded checksum, as the formats store them.
#[expect(clippy::cast_possible_truncation, reason = "the formats keep the low 32 bits")]
pub(super) const fn low_32_bits(value: u64) -> [u8; 4] {
    (value as u32).to_le_bytes()
}

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;
