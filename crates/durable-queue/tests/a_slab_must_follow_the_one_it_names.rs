//! Slabs whose own bytes are in order, and that don't belong where they lie: of another log, or after another slab. Their
//! checksums fit, as those of a file that was restored from elsewhere do.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use std::path::{Path, PathBuf};

use durable_queue::{Class, Environment, Log, OpenError, Step, checksum};
use support::client::{Count, append};
use support::world::small_options;

/// Offsets in a slab's header: see `slab.rs`.
const IDENTITY: usize = 16;
const PREDECESSOR_SALT: usize = 56;
const CRC: usize = 4088;

/// A log of three slabs and more; returns its newest slab but one.
fn log_in(directory: &Path) -> PathBuf {
    let mut count = Count::default();
    let log = Log::open(Environment::system(), small_options(directory), &mut count).unwrap();
    let log = log.begin(&count.total().to_le_bytes()).unwrap();
    for number in 0..12 {
        while log.prepare_step() == Step::Worked {}
        append(&log, number, 4_000, Class::Data).unwrap();
        while log.write_step() == Step::Worked {}
        while log.sync_step() == Step::Worked {}
    }
    let newest = log.appended().slab;
    assert!(newest > 3, "{newest}");
    log.close().unwrap();
    directory.join(format!("{:016}.slab", newest - 1))
}

fn refusal(directory: &Path) -> Option<String> {
    match Log::open(Environment::system(), small_options(directory), &mut Count::default()) {
        Ok(_) => None,
        Err(OpenError::Corrupt { file, offset_bytes, reason }) => {
            Some(format!("{}+{offset_bytes}: {reason}", file.display()))
        }
        Err(other) => panic!("{other}"),
    }
}

/// Changes a byte of the header, and the header's checksum with it.
#[expect(clippy::disallowed_methods, reason = "it is somebody else who changes the file")]
fn forge(slab: &Path, at: usize) {
    let mut bytes = std::fs::read(slab).unwrap();
    bytes[at] ^= 1;
    let crc = checksum(&bytes[..CRC]);
    bytes[CRC..CRC + 8].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(slab, bytes).unwrap();
}

#[test]
fn one_of_another_log_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let slab = log_in(directory.path());
    assert_eq!(refusal(directory.path()), None);
    forge(&slab, IDENTITY);
    let refusal = refusal(directory.path()).unwrap();
    assert!(
        refusal.contains(slab.to_str().unwrap()) && refusal.contains("belongs to another log"),
        "{refusal}"
    );
}

#[test]
fn one_that_follows_another_slab_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let slab = log_in(directory.path());
    forge(&slab, PREDECESSOR_SALT);
    let refusal = refusal(directory.path()).unwrap();
    assert!(
        refusal.contains(slab.to_str().unwrap()) && refusal.contains("doesn't follow the slab before"),
        "{refusal}"
    );
}
