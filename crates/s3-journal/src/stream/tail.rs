//! How far a stream has come: all that closing it needs to know.

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

/// The low 32 bits of the recorded checksum, as the formats store them.
#[expect(clippy::cast_possible_truncation, reason = "the formats keep the low 32 bits")]
pub(super) const fn low_32_bits(value: u64) -> [u8; 4] {
    (value as u32).to_le_bytes()
}
