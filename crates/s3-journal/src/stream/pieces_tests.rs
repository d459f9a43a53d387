#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

use super::*;

/// Lines that repeat words of long before, so that what is lost of a window shows in the size.
pub fn text(len: usize) -> Vec<u8> {
    let mut number = 88_172_645_463_325_252_u64;
    let mut out = Vec::with_capacity(len + 64);
    while out.len() < len {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        out.extend_from_slice(
            format!("level=info id={} took={}us\n", number % 997, number % 40_009).as_bytes(),
        );
    }
    out.truncate(len);
    out
}

fn batch(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at / 7 % 251).unwrap()).collect()
}

#[test]
fn pieces_come_out_in_their_order_whoever_worked_on_them() {
    let copy = |piece: Piece<'_>, out: &mut Vec<u8>| {
        out.extend_from_slice(piece.raw);
        out.extend_from_slice(&piece.before.len().to_le_bytes());
        // Never for this one.
        u8::try_from(out.len() % 7).map(drop).map_err(Cause::from)
    };
    for len in [2 * PIECE_BYTES, 3 * PIECE_BYTES + 1, 9 * PIECE_BYTES - 1] {
        let batch = batch(len);
        let mut expected = b"before".to_vec();
        for (number, piece) in batch.chunks(PIECE_BYTES).enumerate() {
            expected.extend_from_slice(piece);
            expected.extend_from_slice(&(number * PIECE_BYTES).to_le_bytes());
        }
        for workers in [0, 1, 2, 5, 20] {
            let mut out = b"before".to_vec();
            compress(&batch, workers, &mut out, copy).unwrap();
            assert!(out == expected, "{len} bytes, {workers} workers");
        }
    }
}

#[test]
fn a_piece_that_fails_fails_the_batch_and_nothing_is_appended() {
    let batch = batch(6 * PIECE_BYTES);
    let fails = |piece: Piece<'_>, out: &mut Vec<u8>| {
        out.push(1);
        if piece.before.len() == 3 * PIECE_BYTES { Err("no".into()) } else { Ok(()) }
    };
    for workers in [1, 3] {
        let mut out = vec![7];
        assert_eq!(compress(&batch, workers, &mut out, fails).unwrap_err().to_string(), "no");
        assert_eq!(out, [7]);
    }
}

#[test]
fn small_batches_stay_whole() {
    assert!(!is_cut(&batch(2 * PIECE_BYTES - 1)));
    assert!(is_cut(&batch(2 * PIECE_BYTES)));
    assert!((1..=WORKERS_MAX).contains(&workers()));
}

#[test]
fn a_window_is_the_end_of_all_that_came() {
    let all = batch(400);
    for step in [1, 7, 40, 200] {
        let mut window = Vec::new();
        for (number, raw) in all.chunks(step).enumerate() {
            keep_last(&mut window, raw, 50);
            let end = (number * step) + raw.len();
            assert_eq!(window, &all[end.saturating_sub(50)..end]);
        }
    }
}
