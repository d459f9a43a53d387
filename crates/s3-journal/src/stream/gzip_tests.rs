#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use super::super::pieces::text;
use super::*;

fn stream(text: &[u8], batch_bytes: &[usize], workers: usize) -> Vec<u8> {
    let mut writer = Writer::with_workers(6, workers);
    let (mut out, mut rest, mut sizes) = (Vec::new(), text, batch_bytes.iter().cycle());
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        writer.write(batch, &mut out).unwrap();
        rest = after;
    }
    let tail = Tail { raw_len: text.len() as u64, stored_len: out.len() as u64, checksum: writer.checksum() };
    out.extend(trailer(&tail));
    out
}

#[test]
fn batches_in_pieces_and_small_ones_in_any_order_are_one_stream() {
    let text = text(5 << 20);
    for sizes in [&[1 << 20][..], &[8 << 10, 700_000, 100, 600_001, 1], &[512 << 10, 40], &[3 << 20]] {
        let one = stream(&text, sizes, 1);
        let mut back = Vec::new();
        MultiGzDecoder::new(one.as_slice()).read_to_end(&mut back).unwrap();
        assert!(back == text, "{sizes:?}");
        assert!(stream(&text, sizes, 3) == one, "other bytes with other workers: {sizes:?}");
    }
}

#[test]
fn pieces_cost_less_than_a_hundredth_of_the_size() {
    let text = text(4 << 20);
    let whole = stream(&text, &[100_000], 1).len();
    let pieces = stream(&text, &[1 << 20], 4).len();
    assert!(pieces <= whole + whole / 100, "{pieces} bytes in pieces, {whole} otherwise");
}
