//! What is known about an object besides its bytes: user metadata, length, checksum, when it was written.
//! Knows `Disk` and where the records are.
//!
//! A record is a small JSON file of its own number in the key's directory, written and synced *before* the object becomes
//! visible. A writer that loses the race for the key, or dies before it, may leave a record behind that describes another
//! object than the one that is there: so a record counts only for bytes of the very length and checksum that it names, and
//! only if no other record says otherwise of the same bytes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_queue::disk::{Disk, OpenMode};
use serde::{Deserialize, Serialize};

use super::io_error::{failed, ignore_absent, is_absent};
use super::paths::{self, PRIVATE};
use crate::bucket::{BucketError, Metadata};

/// Records of a later version are left alone.
const VERSION: u32 = 1;

/// No record is longer: 2 KiB of metadata, each byte of it escaped.
const RECORD_BYTES_MAX: u64 = 64 << 10;

/// What is known about an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct About {
    version: u32,
    len_bytes: u64,
    /// Sixteen hex digits.
    crc64nvme: String,
    written_unix_ms: u64,
    metadata: Metadata,
}

impl About {
    pub(super) fn new(len_bytes: u64, crc64nvme: u64, written: SystemTime, metadata: &Metadata) -> Self {
        let written_unix_ms = unix_ms(written);
        let crc64nvme = format!("{crc64nvme:016x}");
        Self { version: VERSION, len_bytes, crc64nvme, written_unix_ms, metadata: metadata.clone() }
    }

    pub(super) fn written(&self) -> Option<SystemTime> {
        from_unix_ms(self.written_unix_ms)
    }

    pub(super) fn into_metadata(self) -> Metadata {
        self.metadata
    }

    /// Writes the record and returns its path.
    ///
    /// # Durability
    /// Record and name are durable after `Ok`.
    pub(super) fn write(&self, disk: &dyn Disk, root: &Path, key: &str) -> Result<PathBuf, BucketError> {
        let directory = paths::about(root, key);
        disk.create_directory(&directory).map_err(failed("could not create the directory", &directory))?;
        let bytes = serde_json::to_vec(self)
            .map_err(io::Error::other)
            .map_err(failed("could not describe", &directory))?;
        let mut number = 0_u64;
        let (path, file) = loop {
            let path = directory.join(format!("{PRIVATE}-{number}.json"));
            match disk.open(&path, OpenMode::CreateNew) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(failed("could not create", &path)(error)),
            }
        };
        let written = file.write_at(&bytes, 0).and_then(|()| file.sync());
        let synced = written
            .map_err(failed("could not write", &path))
            .and_then(|()| paths::sync_up(disk, root, &directory));
        if let Err(error) = synced {
            let _ = disk.remove(&path);
            return Err(error);
        }
        Ok(path)
    }

    /// The record of the object at `key` that has this length and checksum, if it is beyond doubt.
    pub(super) fn find(
        disk: &dyn Disk,
        root: &Path,
        key: &str,
        len_bytes: u64,
        crc64nvme: u64,
    ) -> Result<Option<Self>, BucketError> {
        let crc64nvme = format!("{crc64nvme:016x}");
        let mut fitting = BTreeSet::new();
        for path in records(disk, root, key)? {
            let record = read(disk, &path).map_err(failed("could not read", &path))?;
            let fits = |record: &Self| {
                record.version == VERSION && record.len_bytes == len_bytes && record.crc64nvme == crc64nvme
            };
            fitting.extend(record.filter(fits));
        }
        let first = fitting.pop_first();
        Ok(first.filter(|first| fitting.iter().all(|other| other.metadata == first.metadata)))
    }
}

/// Removes every record of `key`, whose object is no more.
pub(super) fn remove_all(disk: &dyn Disk, root: &Path, key: &str) {
    remove_records(disk, root, key, None);
}

/// Removes every record of `key` but `kept`: they describe objects that never were, or are no more.
pub(super) fn remove_others(disk: &dyn Disk, root: &Path, key: &str, kept: &Path) {
    remove_records(disk, root, key, Some(kept));
}

fn remove_records(disk: &dyn Disk, root: &Path, key: &str, kept: Option<&Path>) {
    for path in records(disk, root, key).unwrap_or_default() {
        if Some(path.as_path()) != kept {
            // One that stays is told apart by what it describes.
            let _ = disk.remove(&path);
        }
    }
}

fn records(disk: &dyn Disk, root: &Path, key: &str) -> Result<Vec<PathBuf>, BucketError> {
    let directory = paths::about(root, key);
    let entries = match disk.entries(&directory) {
        Err(error) if is_absent(&error) => Vec::new(),
        other => other.map_err(failed("could not list", &directory))?,
    };
    let is_record = |name: &str| name.starts_with(PRIVATE);
    Ok(entries
        .into_iter()
        .filter(|entry| is_record(&entry.name))
        .map(|entry| directory.join(entry.name))
        .collect())
}

/// `None` for what isn't a whole record, or was just removed.
fn read(disk: &dyn Disk, path: &Path) -> io::Result<Option<About>> {
    match read_small(disk, path) {
        Err(error) if is_absent(&error) => Ok(None),
        other => Ok(other?.and_then(|bytes| serde_json::from_slice(&bytes).ok())),
    }
}

/// The bytes of a record; `None` when it is too long to be one.
pub(super) fn read_small(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = disk.open(path, OpenMode::Read)?;
    let len = file.len_bytes()?;
    if len > RECORD_BYTES_MAX {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Some(bytes))
}

pub(super) fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn from_unix_ms(unix_ms: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(unix_ms))
}

/// Takes a record back.
pub(super) fn remove(disk: &dyn Disk, path: &Path) {
    // One that stays is told apart by what it describes.
    let _ = ignore_absent(disk.remove(path));
}
