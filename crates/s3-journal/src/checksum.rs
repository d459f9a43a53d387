//! CRC-64/NVME, the one checksum that guards the disk and that S3 itself verifies, carried on from value to value.
//! Knows nothing.

use crc_fast::{CrcAlgorithm, Digest};

/// The checksum of no bytes.
pub const CRC64_EMPTY: u64 = 0;

/// The checksum of what `crc` is the checksum of, followed by `bytes`.
pub fn crc64_of(crc: u64, bytes: &[u8]) -> u64 {
    // The algorithm begins with all bits set and inverts its result
    // (NVM Express Base Specification 2.0, section 5.2.1.3.4), so a result inverted is the state it ended in.
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc64Nvme, !crc);
    digest.update(bytes);
    digest.finalize()
}

/// The parts that bytes fill, and the one they leave unfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSums {
    /// CRC-64/NVME of each part filled.
    pub filled: Vec<u64>,
    /// CRC-64/NVME of the part left unfilled, [`CRC64_EMPTY`] when nothing is in it.
    pub rest: u64,
}

/// Cuts `bytes`, which follow `len_before` bytes of an object, into parts of `part_size` bytes; `rest_before` is the
/// checksum of the part left unfilled by what went before.
pub fn part_sums(part_size: u64, len_before: u64, rest_before: u64, bytes: &[u8]) -> PartSums {
    let part_size = part_size.max(1);
    let mut sums = PartSums { filled: Vec::new(), rest: rest_before };
    let mut room = part_size - len_before % part_size;
    let mut bytes = bytes;
    while !bytes.is_empty() {
        let take = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let (now, later) = bytes.split_at(take);
        sums.rest = crc64_of(sums.rest, now);
        room -= take as u64;
        if room == 0 {
            sums.filled.push(sums.rest);
            sums.rest = CRC64_EMPTY;
            room = part_size;
        }
        bytes = later;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_carried_on_is_the_sum_of_the_whole() {
        // The check value of the catalogue of parametrised CRC algorithms.
        assert_eq!(crc64_of(CRC64_EMPTY, b"123456789"), 0xae8b_1486_0a79_9888);
        let text: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        for cut in [0, 1, 7, 8, 4096, 39_999, 40_000] {
            let (a, b) = text.split_at(cut);
            assert_eq!(crc64_of(crc64_of(CRC64_EMPTY, a), b), crc64_of(CRC64_EMPTY, &text), "cut at {cut}");
        }
    }

    #[test]
    fn parts_are_summed_alike_however_the_bytes_arrive() {
        let text: Vec<u8> = (0..251).cycle().take(1_000).collect();
        let whole = part_sums(64, 0, CRC64_EMPTY, &text);
        assert_eq!(whole.filled.len(), 15);
        let sums: Vec<_> = text.chunks(64).map(|part| crc64_of(CRC64_EMPTY, part)).collect();
        assert_eq!(whole.filled, sums[..15]);
        assert_eq!(whole.rest, sums[15]);
        for step in [1, 63, 64, 65, 129, 999] {
            let (mut filled, mut rest, mut len) = (Vec::new(), CRC64_EMPTY, 0);
            for piece in text.chunks(step) {
                let sums = part_sums(64, len, rest, piece);
                filled.extend(sums.filled);
                rest = sums.rest;
                len += piece.len() as u64;
            }
            assert_eq!(PartSums { filled, rest }, whole, "in pieces of {step}");
        }
    }
}
