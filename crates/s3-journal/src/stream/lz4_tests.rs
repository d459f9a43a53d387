//! The reader takes every kind of frame the format has, not only those that are written here.

use std::io::Read as _;

use super::*;

/// A frame as its encoder's library writes it, of content that spans several blocks of every size.
fn frame(info: FrameInfo, content: &[u8]) -> Vec<u8> {
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn content() -> Vec<u8> {
    (0..400_000_u32)
        .flat_map(|n| n.wrapping_mul(n).wrapping_mul(2_654_435_761).to_be_bytes()[..3].to_vec())
        .collect()
}

fn decode(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    crate::stream::decoder(crate::stream::Codec::Lz4, bytes)?.read_to_end(&mut content)?;
    Ok(content)
}

#[test]
fn frames_with_every_option_are_read() {
    let content = [content(), b"the same again and again ".repeat(60_000)].concat();
    for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB] {
        for mode in [BlockMode::Linked, BlockMode::Independent] {
            for checksums in [false, true] {
                for len in [None, Some(content.len() as u64)] {
                    let info = FrameInfo::new()
                        .block_size(size)
                        .block_mode(mode)
                        .block_checksums(checksums)
                        .content_checksum(checksums)
                        .content_size(len);
                    assert!(decode(&frame(info.clone(), &content)).unwrap() == content, "{info:?}");
                }
            }
        }
    }
}

#[test]
fn batches_in_pieces_and_small_ones_in_any_order_are_one_frame() {
    let text = pieces::text(5 << 20);
    let stream = |sizes: &[usize], workers| {
        let mut writer = Writer::with_workers(workers);
        let (mut out, mut rest, mut sizes) = (Vec::new(), text.as_slice(), sizes.iter().cycle());
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            writer.write(batch, &mut out).unwrap();
            rest = after;
        }
        let tail =
            Tail { raw_len: text.len() as u64, stored_len: out.len() as u64, checksum: writer.checksum() };
        out.extend(trailer(&tail));
        out
    };
    let whole = stream(&[256 << 10], 1).len();
    for sizes in [&[1 << 20][..], &[8 << 10, 700_000, 100, 600_001, 1], &[512 << 10, 40], &[3 << 20]] {
        let one = stream(sizes, 1);
        assert!(decode(&one).unwrap() == text, "{sizes:?}");
        let mut back = Vec::new();
        lz4_flex::frame::FrameDecoder::new(one.as_slice()).read_to_end(&mut back).unwrap();
        assert!(back == text, "{sizes:?}, the library's reader");
        assert!(stream(sizes, 3) == one, "other bytes with other workers: {sizes:?}");
        assert!(one.len() <= whole + whole / 50, "{} of {whole} bytes: {sizes:?}", one.len());
    }
}

#[test]
fn the_header_is_the_one_the_library_would_write() {
    let info = FrameInfo::new().block_mode(BlockMode::Linked).block_size(BLOCK_SIZE).content_checksum(true);
    assert_eq!(frame(info, b"content")[..HEADER_LEN], header_bytes());
}

#[test]
fn what_the_header_and_the_blocks_claim_is_held_against_them() {
    let with_header = |descriptor: &[u8], rest: &[u8]| {
        [&MAGIC[..], descriptor, &[header_checksum(descriptor)], rest].concat()
    };
    let refused = |bytes: &[u8]| decode(bytes).unwrap_err().get_ref().unwrap().to_string();
    let end = [0; 4];
    let mut sized = vec![VERSION | CONTENT_SIZE, BD];
    sized.extend(3_u64.to_le_bytes());
    let three = [&[3, 0, 0, 0x80][..], b"abc", &end].concat();
    assert_eq!(decode(&with_header(&sized, &three)).unwrap(), b"abc");

    let too_long = (256 * 1024 + 1) | UNCOMPRESSED;
    for (what, bytes) in [
        ("content size", with_header(&sized, &end)),
        ("dictionary", with_header(&[VERSION | DICTIONARY_ID, BD], &end)),
        ("version 0", with_header(&[0, BD], &end)),
        ("reserved bit of FLG", with_header(&[VERSION | FLG_RESERVED, BD], &end)),
        ("reserved bits of BD", with_header(&[VERSION, BD | 1], &end)),
        ("block size 3", with_header(&[VERSION, 3 << 4], &end)),
        ("block too long", with_header(&[VERSION, BD], &too_long.to_le_bytes())),
        ("block of nonsense", with_header(&[VERSION, BD], &[2, 0, 0, 0, 0x0f, 0xff])),
        ("block with a match before the start", with_header(&[VERSION, BD], &[4, 0, 0, 0, 0x10, b'a', 9, 0])),
        ("legacy frame", [&0x184c_2102_u32.to_le_bytes()[..], &[0; 8]].concat()),
        ("skippable frame", [&0x184d_2a50_u32.to_le_bytes()[..], &[0; 8]].concat()),
    ] {
        assert!(refused(&bytes).contains("damaged"), "{what}: {}", refused(&bytes));
    }
}
