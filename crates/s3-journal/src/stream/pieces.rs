//! A large batch cut into pieces that are compressed side by side. Where it is cut depends on its length alone, so that the same batches
//! give the same bytes on every machine. Of all this module, only this room knows threads, and they end before it returns.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::error::Cause;

/// Bytes of a piece. Beside compressing it, starting a thread costs nothing that can be measured, and what a cut costs of the ratio
/// stays below a thousandth.
pub(super) const PIECE_BYTES: usize = 256 << 10;

/// The most that are worked on at a time, which bounds the memory.
const WORKERS_MAX: usize = 8;

/// Whether a batch is cut at all.
pub(super) fn is_cut(raw: &[u8]) -> bool {
    raw.len() >= 2 * PIECE_BYTES
}

/// How many pieces may be worked on at a time: one for each core.
pub(super) fn workers() -> usize {
    static WORKERS: OnceLock<usize> = OnceLock::new();
    *WORKERS.get_or_init(|| thread::available_parallelism().map_or(1, |cores| cores.get().min(WORKERS_MAX)))
}

/// Where a piece is: the bytes before it in the batch, and its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub before: &'a [u8],
    pub raw: &'a [u8],
}

impl Piece<'_> {
    fn of(batch: &[u8], number: usize) -> Option<Piece<'_>> {
        let start = number.checked_mul(PIECE_BYTES).filter(|start| *start < batch.len())?;
        let (before, rest) = batch.split_at_checked(start)?;
        Some(Piece { before, raw: rest.get(..PIECE_BYTES).unwrap_or(rest) })
    }
}

/// Compresses the pieces of `batch` with `compress`, `workers` at a time, and appends what comes of them to `out` in their order. After
/// an error `out` is as it was.
///
/// # Errors
/// One of those that pieces met.
pub(super) fn compress(
    batch: &[u8],
    workers: usize,
    out: &mut Vec<u8>,
    compress: impl Fn(Piece<'_>, &mut Vec<u8>) -> Result<(), Cause> + Sync,
) -> Result<(), Cause> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Vec<u8>)>, Cause> {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = Piece::of(batch, number) else { return Ok(done) };
            let mut packed = Vec::new();
            compress(piece, &mut packed)?;
            done.push((number, packed));
        }
    };
    let shares = thread::scope(|scope| {
        let start = |_| thread::Builder::new().name("s3-journal-pack".to_owned()).spawn_scoped(scope, work);
        // One that can't be started leaves its share to the others.
        let helpers: Vec<_> = (1..workers).map_while(|number| start(number).ok()).collect();
        let own = work();
        let panicked = |_| Err("a thread that compressed has panicked".into());
        let theirs = helpers.into_iter().map(|helper| helper.join().unwrap_or_else(panicked));
        std::iter::once(own).chain(theirs).collect::<Vec<_>>()
    });
    let shares = shares.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut pieces: Vec<_> = shares.into_iter().flatten().collect();
    pieces.sort_unstable_by_key(|(number, _)| *number);
    for (_, packed) in pieces {
        out.extend_from_slice(&packed);
    }
    Ok(())
}

/// The last `len` bytes.
pub(super) fn last(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(len)..).unwrap_or_default()
}

/// Keeps in `window` the last `len` bytes of a stream that goes on with `raw`.
pub(super) fn keep_last(window: &mut Vec<u8>, raw: &[u8], len: usize) {
    let new = last(raw, len);
    let old = window.len().min(len.saturating_sub(new.len()));
    window.drain(..window.len() - old);
    window.extend_from_slice(new);
}

#[cfg(test)]
#[path = "pieces_tests.rs"]
mod tests;
#[cfg(test)]
pub(super) use tests::text;
