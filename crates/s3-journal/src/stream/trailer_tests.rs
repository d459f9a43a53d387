//! The closing bytes of each format, against bytes that other programs write.

use std::io::Read as _;

use super::*;
use crate::stream::decoder;

#[test]
fn a_stream_of_nothing_is_whole() {
    for codec in Codec::ALL {
        let whole = trailer(codec, &Tail::default());
        let mut content = Vec::new();
        decoder(codec, whole.as_slice()).unwrap().read_to_end(&mut content).unwrap();
        assert_eq!(content, b"", "{codec}");
    }
}

#[test]
fn a_stream_of_nothing_is_what_the_formats_own_programs_write() {
    // `printf '' | xz --check=crc64 | xxd -p`
    let xz = hex("fd377a585a000004e6d6b446000000001cdf44211fb6f37d010000000004595a");
    assert_eq!(trailer(Codec::Lzma2, &Tail::default()), xz);
    // `printf '' | lz4 -BD | xxd -p`, but for the largest block and with it the header's checksum.
    let lz4 = trailer(Codec::Lz4, &Tail::default());
    assert!(lz4.starts_with(&hex("04224d18 44")));
    assert!(lz4.ends_with(&hex("00000000 055dcc02")));
    // `printf '' | zstd | xxd -p`, but for the descriptor: that program knows the size of what it is given.
    assert!(trailer(Codec::Zstd, &Tail::default()).ends_with(&hex("01000099e9d851")));
}

#[test]
fn lengths_and_sums_stand_where_the_formats_want_them() {
    let tail = Tail { raw_len: 0x1_2345_6789, stored_len: 100, checksum: 0x1122_3344_5566_7788 };
    assert_eq!(trailer(Codec::Gzip, &tail), hex("0300 88776655 89674523"));
    assert_eq!(trailer(Codec::Zstd, &tail), hex("010000 88776655"));
    assert_eq!(trailer(Codec::Lz4, &tail), hex("00000000 88776655"));
    assert_eq!(trailer(Codec::Snappy, &tail), b"");
    assert_eq!(trailer(Codec::None, &tail), b"");
    // Header of 12 bytes, 88 of block so far; end mark, 3 of padding, check.
    let xz = trailer(Codec::Lzma2, &tail);
    assert!(xz.starts_with(&hex("00 000000 8877665544332211")));
    // One record: 88 + 1 + 8 bytes unpadded, and the content's length, seven bits at a time.
    assert_eq!(xz[12..20], hex("00 01 61 89cf959a12"));
    assert!(xz.ends_with(b"\x02\x00\x00\x00\x00\x04YZ"));
}

#[test]
fn no_tail_makes_it_panic() {
    let extremes = [0, 1, 11, 12, 13, 24, u64::MAX];
    for codec in Codec::ALL {
        for raw_len in extremes {
            for stored_len in extremes {
                for checksum in extremes {
                    trailer(codec, &Tail { raw_len, stored_len, checksum });
                }
            }
        }
    }
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
