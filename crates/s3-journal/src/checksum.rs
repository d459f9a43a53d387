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

/// From this length on, putting two checksums together takes less time than another pass over the bytes.
const COMBINED_BYTES: usize = 64 << 10;

/// The checksum of what `crc` is the checksum of, followed by `bytes`, whose own one is `own`.
pub fn crc64_joined(crc: u64, bytes: &[u8], own: u64) -> u64 {
    if crc == CRC64_EMPTY {
        return own;
    }
    if bytes.len() < COMBINED_BYTES {
        return crc64_of(crc, bytes);
    }
    multiply(crc, power_of_bytes(bytes.len() as u64)) ^ own
}

/// The polynomial of CRC-64/NVME, its highest power first bit to the right (NVM Express Base Specification 2.0, section 5.2.1.3.4: 9A6C 9329 AC4B C9B5h).
const POLYNOMIAL: u64 = 0x9a6c_9329_ac4b_c9b5;

/// x to the power of 0 in that order of bits.
const ONE: u64 = 1 << 63;

/// Two polynomials' product modulo [`POLYNOMIAL`].
fn multiply(mut a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    while a != 0 {
        if a & ONE != 0 {
            product ^= b;
        }
        a <<= 1;
        b = if b & 1 == 0 { b >> 1 } else { (b >> 1) ^ POLYNOMIAL };
    }
    product
}

/// What moves a checksum by so many bytes: the way of zlib's `crc32_combine`, some microseconds. The library's own takes longer than
/// another pass over a MiB.
fn power_of_bytes(mut len: u64) -> u64 {
    // x to the power of 8, which is a byte; then of 16, 32, ...
    let (mut product, mut power) = (ONE, ONE >> 8);
    while len != 0 {
        if len & 1 == 1 {
            product = multiply(product, power);
        }
        power = multiply(power, power);
        len >>= 1;
    }
    product
}

/// The parts that bytes fill, and the one they leave unfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSums {
    /// CRC-64/NVME of each part filled.
    pub filled: Vec<u64>,
    /// CRC-64/NVME of the part left unfilled, [`CRC64_EMPTY`] when nothing is in it.
    pub rest: u64,
    /// CRC-64/NVME of the bytes themselves.
    pub own: u64,
}

/// Cuts `bytes`, which follow `len_before` bytes of an object, into parts of `part_size` bytes; `rest_before` is the
/// checksum of the part left unfilled by what went before. Where there are many bytes, each is summed once.
pub fn part_sums(part_size: u64, len_before: u64, rest_before: u64, bytes: &[u8]) -> PartSums {
    let part_size = part_size.max(1);
    let mut sums = PartSums { filled: Vec::new(), rest: rest_before, own: CRC64_EMPTY };
    let mut room = part_size - len_before % part_size;
    let mut bytes = bytes;
    while !bytes.is_empty() {
        let take = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let (now, later) = bytes.split_at(take);
        let piece = crc64_of(CRC64_EMPTY, now);
        sums.rest = crc64_joined(sums.rest, now, piece);
        sums.own = crc64_joined(sums.own, now, piece);
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
    fn sums_put_together_are_those_of_another_pass() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(|at| (at / 3).to_le_bytes()).collect();
        let before = crc64_of(CRC64_EMPTY, b"before");
        for len in [0, 1, COMBINED_BYTES - 1, COMBINED_BYTES, COMBINED_BYTES + 1, 1 << 20, text.len()] {
            let bytes = &text[..len];
            let own = crc64_of(CRC64_EMPTY, bytes);
            assert_eq!(crc64_joined(before, bytes, own), crc64_of(before, bytes), "{len}");
            assert_eq!(crc64_joined(CRC64_EMPTY, bytes, own), own, "{len}");
        }
        for part_size in [100_000, 1 << 20, 5 << 20] {
            let sums = part_sums(part_size, 6, before, &text);
            let all = [b"before", text.as_slice()].concat();
            let parts: Vec<_> = all
                .chunks(usize::try_from(part_size).unwrap())
                .map(|part| crc64_of(CRC64_EMPTY, part))
                .collect();
            assert_eq!([sums.filled, vec![sums.rest]].concat(), parts, "{part_size}");
            assert_eq!(sums.own, crc64_of(CRC64_EMPTY, &text), "{part_size}");
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
                assert_eq!(sums.own, crc64_of(CRC64_EMPTY, piece));
            }
            assert_eq!((filled, rest), (whole.filled.clone(), whole.rest), "in pieces of {step}");
        }
    }
}
