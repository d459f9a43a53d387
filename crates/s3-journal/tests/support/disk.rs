//! The real disk, with faults that a test switches on and off.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use durable_queue::disk::{Disk, DiskFile, Entry, LockOutcome, OpenMode, RealDisk, Space};

/// What goes wrong now.
#[derive(Debug, Default)]
struct Faults {
    is_full: AtomicBool,
    syncs_fail: AtomicBool,
    reads_fail: AtomicBool,
}

/// The real disk with faults. A clone shares them. It can't reserve room, so that a full disk shows when it is written.
#[derive(Debug, Clone, Default)]
pub struct FaultyDisk {
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn DiskFile>,
    faults: Arc<Faults>,
}

impl FaultyDisk {
    pub fn set_full(&self, full: bool) {
        self.faults.is_full.store(full, Ordering::SeqCst);
    }

    pub fn let_syncs_fail(&self, fail: bool) {
        self.faults.syncs_fail.store(fail, Ordering::SeqCst);
    }

    pub fn let_reads_fail(&self, fail: bool) {
        self.faults.reads_fail.store(fail, Ordering::SeqCst);
    }
}

impl Disk for FaultyDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        RealDisk.create_directory(directory)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let file = RealDisk.open(path, mode)?;
        Ok(Box::new(FaultyFile { file, faults: Arc::clone(&self.faults) }))
    }

    fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        RealDisk.entries(directory)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_directory(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        RealDisk.sync_directory(directory)
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<LockOutcome> {
        RealDisk.lock(path, holder)
    }

    fn space(&self, directory: &Path) -> io::Result<Space> {
        RealDisk.space(directory)
    }
}

impl DiskFile for FaultyFile {
    fn len_bytes(&self) -> io::Result<u64> {
        self.file.len_bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.faults.reads_fail.load(Ordering::SeqCst) {
            return Err(io::Error::other("the test wants it"));
        }
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.faults.is_full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        if self.faults.syncs_fail.load(Ordering::SeqCst) {
            return Err(io::Error::other("the test wants it"));
        }
        self.file.sync()
    }

    fn preallocate(&self, _len_bytes: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.file.set_len(len_bytes)
    }

    fn forget_cached(&self, offset: u64, len_bytes: u64) {
        self.file.forget_cached(offset, len_bytes);
    }
}
