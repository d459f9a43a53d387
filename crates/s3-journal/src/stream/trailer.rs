//! The bytes that close a stream. Pure: needs no encoder, so that an object can be closed after a crash.

use super::{Codec, Tail, gzip, lz4, snappy, xz, zstd};

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
        Codec::Snappy => snappy::trailer(tail),
        Codec::Lz4 => lz4::trailer(tail),
        Codec::Lzma2 => xz::trailer(tail),
    }
}

#[cfg(test)]
#[path = "trailer_tests.rs"]
mod tests;
