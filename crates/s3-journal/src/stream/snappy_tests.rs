#![allow(clippy::unwrap_used, reason = "a test may stop")]

use super::*;

#[test]
fn a_batch_in_pieces_has_the_bytes_of_one_chunk_after_the_other() {
    let raw: Vec<u8> = (0_u32..300_000).flat_map(|at| (at / 3 % 10_007).to_le_bytes()).collect();
    let mut expected = STREAM_IDENTIFIER.to_vec();
    Packer::new().write(&raw, &mut expected).unwrap();
    for workers in [0, 1, 3] {
        let mut out = Vec::new();
        Writer::with_workers(workers).write(&raw, &mut out).unwrap();
        assert!(out == expected, "{workers} workers");
    }
}
