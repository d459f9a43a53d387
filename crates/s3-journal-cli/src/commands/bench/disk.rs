//! The disk: bytes one after the other with a sync now and then, as the log writes what is compressed, and small commits,
//! each with its sync. Knows the library's own file operations.

use std::io;
use std::path::Path;

use s3_journal::durable_queue::disk::{Disk, DiskFile, OpenMode, RealDisk};
use serde::Serialize;

use super::limits::Limits;
use super::sample;
use super::times::Times;
use crate::clock;
use crate::exit::{Exit, Failure};

/// What is written at once.
const PIECE_BYTES: usize = 1 << 20;
/// What is synced at once: a log at its full rate syncs what came together during the sync before, and bytes that only wait
/// in memory would count as written.
const SYNCED_BYTES: u64 = 8 << 20;
const COMMIT_BYTES: usize = 4 << 10;
/// The most commits: enough for one in a hundred.
const COMMITS: usize = 500;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiskFigures {
    /// Where.
    pub directory: String,
    /// So many bytes were written one after the other.
    pub sequential_bytes: u64,
    /// At this rate, with their syncs.
    pub sequential_bytes_per_second: f64,
    /// So many commits of 4 KiB.
    pub syncs: usize,
    /// 4 KiB written and synced: the middle one.
    pub sync_seconds: f64,
    /// The same: 99 of 100 took no longer.
    pub sync_99th_percentile_seconds: f64,
}

/// Measures in the directory `scratch`, on behalf of `directory`, above it.
///
/// # Errors
/// The disk fails, or is full.
pub fn measure(directory: &Path, scratch: &Path, limits: &Limits) -> Result<DiskFigures, Failure> {
    measure_in(directory, scratch, limits).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "; make room, or lower --max-bytes or name another --local-directory"
            }
            _ => "",
        };
        Failure::new(Exit::LocalIo, format!("{} can't be measured: {error}{remedy}", directory.display()))
    })
}

fn measure_in(directory: &Path, scratch: &Path, limits: &Limits) -> io::Result<DiskFigures> {
    let disk = RealDisk;
    let piece = sample::incompressible(PIECE_BYTES);
    // A disk with less is full, and says so itself.
    let room_bytes = (disk.space(scratch)?.available_bytes / 2).max(PIECE_BYTES as u64);
    let (sequential_bytes, seconds) =
        sequential(disk, scratch, &piece, limits.bytes.min(room_bytes), limits)?;
    let times = commits(disk, scratch, &piece, limits)?;
    Ok(DiskFigures {
        directory: directory.display().to_string(),
        sequential_bytes,
        sequential_bytes_per_second: sequential_bytes as f64 / seconds,
        syncs: times.count(),
        sync_seconds: times.within(50),
        sync_99th_percentile_seconds: times.within(99),
    })
}

/// Bytes and seconds.
fn sequential(
    disk: RealDisk,
    scratch: &Path,
    piece: &[u8],
    most_bytes: u64,
    limits: &Limits,
) -> io::Result<(u64, f64)> {
    let file = new_file(disk, &scratch.join("sequential"), most_bytes)?;
    let begun = clock::now();
    let (mut written, mut synced) = (0, 0);
    while written < most_bytes && !limits.is_over(begun) {
        let left = usize::try_from(most_bytes - written).unwrap_or(usize::MAX);
        let piece = piece.get(..left).unwrap_or(piece);
        file.write_at(piece, written)?;
        written += piece.len() as u64;
        if written - synced >= SYNCED_BYTES {
            file.sync()?;
            synced = written;
        }
    }
    file.sync()?;
    Ok((written, begun.elapsed().as_secs_f64()))
}

fn commits(disk: RealDisk, scratch: &Path, piece: &[u8], limits: &Limits) -> io::Result<Times> {
    let file = new_file(disk, &scratch.join("commits"), (COMMITS * COMMIT_BYTES) as u64)?;
    let commit = piece.get(..COMMIT_BYTES).unwrap_or(piece);
    let (all, mut times) = (clock::now(), Times::default());
    while times.count() == 0 || times.count() < COMMITS && !limits.is_over(all) {
        let begun = clock::now();
        file.write_at(commit, (times.count() * COMMIT_BYTES) as u64)?;
        file.sync()?;
        times.add(begun.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// Preallocated where the file system can, as slabs are.
fn new_file(disk: RealDisk, path: &Path, len_bytes: u64) -> io::Result<Box<dyn DiskFile>> {
    let file = disk.open(path, OpenMode::CreateNew)?;
    match file.preallocate(len_bytes) {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
        _ => {}
    }
    file.sync()?;
    Ok(file)
}
