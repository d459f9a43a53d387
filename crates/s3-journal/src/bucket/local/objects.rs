//! Whole objects: written, described, read. Knows `Disk` and the other rooms of the local bucket.

use std::io;
use std::path::Path;
use std::sync::PoisonError;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use durable_queue::disk::{DiskFile, LockOutcome, OpenMode};

use super::Store;
use super::about::{self, About};
use super::io_error::{failed, ignore_absent, is_absent};
use super::paths::{self, PRIVATE};
use super::staging::Staged;
use crate::bucket::rules;
use crate::bucket::{BucketError, BucketErrorKind, Head, Metadata, Put};
use crate::sabotage;

/// How much is read or copied at a time, in bytes.
pub(super) const CHUNK_BYTES: usize = 1 << 20;

impl Store {
    pub(super) fn put(&self, put: &Put<'_>) -> Result<(), BucketError> {
        let path = paths::object(&self.root, put.key)?;
        rules::check_metadata(put.metadata)?;
        rules::check_digest(&put.body, put.crc64nvme)?;
        if put.create_only {
            self.check_free(put.key, &path)?;
        }
        let staged = self.staging.create(&self.disk, &self.root)?;
        staged.file.write_at(&put.body, 0).map_err(failed("could not write", &staged.path))?;
        self.publish(put.key, &staged, (put.body.len() as u64, put.crc64nvme), put.metadata, put.create_only)
    }

    /// Makes a staged file the object at `key`: the only way an object comes to be.
    pub(super) fn publish(
        &self,
        key: &str,
        staged: &Staged,
        (len_bytes, crc64nvme): (u64, u64),
        metadata: &Metadata,
        create_only: bool,
    ) -> Result<(), BucketError> {
        sabotage::LOCAL_SYNC_OBJECT
            .guard(|| staged.file.sync())
            .map_err(failed("could not sync", &staged.path))?;
        let path = paths::object(&self.root, key)?;
        let directory = paths::parent(&path);
        self.disk.create_directory(directory).map_err(failed("could not create the directory", directory))?;
        let about = About::new(len_bytes, crc64nvme, self.clock.wall(), metadata);
        let about = about.write(self.disk.as_ref(), &self.root, key)?;
        let linked = if create_only && sabotage::LOCAL_CREATE_ONLY.is_on() {
            self.link(key, staged, &path)
        } else {
            self.replace(key, staged, &path)
        };
        if let Err(error) = linked {
            about::remove(self.disk.as_ref(), &about);
            return Err(error);
        }
        if let Err(error) = paths::sync_up(self.disk.as_ref(), &self.root, directory) {
            // The name may or may not survive. Taken back, the whole can be tried again with a new name; a sync of the old
            // one that succeeds later would prove nothing.
            if create_only && ignore_absent(self.disk.remove(&path)).is_ok() {
                about::remove(self.disk.as_ref(), &about);
            } else {
                self.unsure.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
            }
            return Err(error);
        }
        about::remove_others(self.disk.as_ref(), &self.root, key, &about);
        Ok(())
    }

    fn link(&self, key: &str, staged: &Staged, path: &Path) -> Result<(), BucketError> {
        match self.disk.hard_link(&staged.path, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.check_free(key, path)?;
                // Neither an object nor free: a directory, because other keys continue this one.
                Err(failed("could not create", path)(error))
            }
            other => other.map_err(failed("could not create", path)),
        }
    }

    /// Puts the file in the place of whatever is there, one writer at a time.
    fn replace(&self, key: &str, staged: &Staged, path: &Path) -> Result<(), BucketError> {
        let lock = self.root.join(PRIVATE).join("replace.lock");
        let holder = format!("process {}", std::process::id());
        let outcome = self.disk.lock(&lock, &holder).map_err(failed("could not lock", &lock))?;
        let LockOutcome::Locked(_lock) = outcome else {
            return Err(BucketError::new(
                BucketErrorKind::Throttled,
                "SlowDown",
                "another object is being replaced",
            ));
        };
        self.check_sure(key)?;
        let beside = paths::parent(path).join(format!("{PRIVATE}-replacing"));
        ignore_absent(self.disk.remove(&beside)).map_err(failed("could not remove", &beside))?;
        self.disk.hard_link(&staged.path, &beside).map_err(failed("could not create", &beside))?;
        self.disk.rename(&beside, path).map_err(|error| {
            let _ = self.disk.remove(&beside);
            failed("could not replace", path)(error)
        })
    }

    pub(super) fn check_free(&self, key: &str, path: &Path) -> Result<(), BucketError> {
        match self.open_object(path)? {
            Some(_) => Err(rules::key_taken(key)),
            None => Ok(()),
        }
    }

    fn check_sure(&self, key: &str) -> Result<(), BucketError> {
        if self.unsure.lock().unwrap_or_else(PoisonError::into_inner).contains(key) {
            let message = format!(
                "the directory of {key} could not be synced, nor the object taken back: check the disk, then start again"
            );
            return Err(BucketError::new(BucketErrorKind::Unavailable, "SyncFailed", message));
        }
        Ok(())
    }

    /// The file at `path`; `None` when nothing is there, or a directory.
    fn open_object(&self, path: &Path) -> Result<Option<Box<dyn DiskFile>>, BucketError> {
        let file = match self.disk.open(path, OpenMode::Read) {
            Err(error) if is_absent(&error) || error.kind() == io::ErrorKind::IsADirectory => {
                return Ok(None);
            }
            other => other.map_err(failed("could not open", path))?,
        };
        // A directory can be opened to read, but not read.
        match file.read_at(&mut [0], 0) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(None),
            other => other.map(|_| Some(file)).map_err(failed("could not read", path)),
        }
    }

    pub(super) fn head(&self, key: &str) -> Result<Option<Head>, BucketError> {
        let path = paths::object(&self.root, key)?;
        self.check_sure(key)?;
        let Some(file) = self.open_object(&path)? else { return Ok(None) };
        let (len_bytes, crc64nvme) = measure(file.as_ref()).map_err(failed("could not read", &path))?;
        paths::sync_up(self.disk.as_ref(), &self.root, paths::parent(&path))?;
        let about = About::find(self.disk.as_ref(), &self.root, key, len_bytes, crc64nvme)?;
        let modified = about.as_ref().and_then(About::written);
        let metadata = about.map(About::into_metadata).unwrap_or_default();
        Ok(Some(Head { len_bytes, crc64nvme: Some(crc64nvme), metadata, modified }))
    }

    /// Removes an object, and syncs its directory before it is told, also where nothing is there: a process that died may have
    /// removed it. What is known about it goes after it, so that it is never there without.
    pub(super) fn delete(&self, key: &str) -> Result<(), BucketError> {
        let path = paths::object(&self.root, key)?;
        let directory = paths::parent(&path);
        if self.open_object(&path)?.is_some() {
            ignore_absent(self.disk.remove(&path)).map_err(failed("could not remove", &path))?;
        }
        match self.disk.entries(directory) {
            // Nothing was ever there.
            Err(error) if is_absent(&error) => return Ok(()),
            other => other.map_err(failed("could not list", directory))?,
        };
        paths::sync_up(self.disk.as_ref(), &self.root, directory)?;
        about::remove_all(self.disk.as_ref(), &self.root, key);
        Ok(())
    }

    pub(super) fn get_range(
        &self,
        key: &str,
        offset_bytes: u64,
        len_bytes: u64,
    ) -> Result<Bytes, BucketError> {
        let path = paths::object(&self.root, key)?;
        let file = self.open_object(&path)?.ok_or_else(|| rules::not_found(key))?;
        let held = file.len_bytes().map_err(failed("could not read", &path))?;
        let len = len_bytes.min(held.saturating_sub(offset_bytes));
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, offset_bytes).map_err(failed("could not read", &path))?;
        Ok(bytes.into())
    }
}

/// Length and CRC-64/NVME of all bytes of a file.
fn measure(file: &dyn DiskFile) -> io::Result<(u64, u64)> {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut len_bytes = 0;
    loop {
        match file.read_at(&mut buffer, len_bytes) {
            Ok(0) => return Ok((len_bytes, digest.finalize())),
            Ok(read) => {
                digest.update(buffer.get(..read).unwrap_or_default());
                len_bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
