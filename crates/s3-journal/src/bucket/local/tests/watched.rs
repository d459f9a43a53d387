//! A disk that keeps an eye on the order of operations, and can die or refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use durable_queue::disk::{Disk, DiskFile, Entry, LockOutcome, OpenMode, RealDisk, Space};

/// The real disk, watched. It only notes what is synced: no test here cuts the power.
#[derive(Debug, Clone, Default)]
pub(super) struct WatchedDisk {
    watch: Arc<Mutex<Watch>>,
}

#[derive(Debug, Default)]
struct Watch {
    /// Files with bytes that aren't on the medium.
    unsynced_files: BTreeSet<PathBuf>,
    /// Directories with names that aren't.
    unsynced_directories: BTreeSet<PathBuf>,
    refused: BTreeMap<&'static str, io::ErrorKind>,
    refused_once_published: Vec<&'static str>,
    operations: u64,
    dies_at: Option<u64>,
    /// Objects made visible, and which of the above was unsynced then.
    published: Vec<(PathBuf, Vec<PathBuf>)>,
}

impl WatchedDisk {
    /// A disk that does nothing any more from the operation of this number on.
    pub(super) fn dying(at: u64) -> Self {
        let disk = Self::default();
        disk.watch.lock().unwrap().dies_at = Some(at);
        disk
    }

    /// Refuses every operation of a name from now on.
    pub(super) fn refuse(&self, operation: &'static str, kind: io::ErrorKind) {
        self.watch.lock().unwrap().refused.insert(operation, kind);
    }

    /// Refuses operations of these names as soon as an object has become visible.
    pub(super) fn refuse_once_published(&self, operations: &[&'static str]) {
        self.watch.lock().unwrap().refused_once_published = operations.to_vec();
    }

    pub(super) fn refuse_nothing(&self) {
        let mut watch = self.watch.lock().unwrap();
        watch.refused.clear();
        watch.refused_once_published.clear();
    }

    pub(super) fn is_dead(&self) -> bool {
        let watch = self.watch.lock().unwrap();
        watch.dies_at.is_some_and(|dies_at| watch.operations > dies_at)
    }

    /// The objects that became visible, each with the files and directories that weren't durable at that moment.
    pub(super) fn published(&self) -> Vec<(PathBuf, Vec<PathBuf>)> {
        self.watch.lock().unwrap().published.clone()
    }

    /// Directories with names that aren't durable now.
    pub(super) fn unsynced_directories(&self) -> BTreeSet<PathBuf> {
        self.watch.lock().unwrap().unsynced_directories.clone()
    }

    fn step(&self, operation: &'static str) -> io::Result<()> {
        let mut watch = self.watch.lock().unwrap();
        watch.operations += 1;
        if watch.dies_at.is_some_and(|dies_at| watch.operations > dies_at) {
            return Err(io::Error::other("the process is dead"));
        }
        watch.refused.get(operation).map_or(Ok(()), |kind| Err((*kind).into()))
    }

    fn named(&self, path: &Path) {
        let parent = path.parent().unwrap().to_owned();
        self.watch.lock().unwrap().unsynced_directories.insert(parent);
    }
}

#[derive(Debug)]
struct WatchedFile {
    disk: WatchedDisk,
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl Disk for WatchedDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        self.step("create_directory")?;
        match std::fs::DirBuilder::new().recursive(true).create(directory) {
            Err(_) if directory.is_dir() => Ok(()),
            other => other,
        }
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        self.step("open")?;
        let file = RealDisk.open(path, mode)?;
        if mode == OpenMode::CreateNew {
            assert!(
                path.to_string_lossy().contains("/.s3-journal"),
                "{} is written in the open",
                path.display()
            );
            self.named(path);
        }
        Ok(Box::new(WatchedFile { disk: self.clone(), path: path.to_owned(), file }))
    }

    fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        self.step("entries")?;
        RealDisk.entries(directory)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename")?;
        RealDisk.rename(from, to)?;
        let mut watch = self.watch.lock().unwrap();
        if watch.unsynced_files.remove(from) {
            watch.unsynced_files.insert(to.to_owned());
        }
        drop(watch);
        self.named(to);
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("hard_link")?;
        RealDisk.hard_link(from, to)?;
        if !to.to_string_lossy().contains("/.s3-journal") {
            let mut watch = self.watch.lock().unwrap();
            let matters = |path: &&PathBuf| *path == from || path.to_string_lossy().contains("/about");
            let files = watch.unsynced_files.iter().filter(matters);
            let unsynced = files.chain(watch.unsynced_directories.iter().filter(matters)).cloned().collect();
            watch.published.push((to.to_owned(), unsynced));
            let refused: Vec<_> =
                watch.refused_once_published.iter().map(|name| (*name, io::ErrorKind::Other)).collect();
            watch.refused.extend(refused);
        }
        self.named(to);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step("remove")?;
        self.watch.lock().unwrap().unsynced_files.remove(path);
        RealDisk.remove(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.step("remove_directory")?;
        RealDisk.remove_directory(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.step("sync_directory")?;
        self.watch.lock().unwrap().unsynced_directories.remove(directory);
        Ok(())
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<LockOutcome> {
        self.step("lock")?;
        RealDisk.lock(path, holder)
    }

    fn space(&self, directory: &Path) -> io::Result<Space> {
        self.step("space")?;
        RealDisk.space(directory)
    }
}

impl DiskFile for WatchedFile {
    fn len_bytes(&self) -> io::Result<u64> {
        self.file.len_bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.step("read")?;
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.step("write")?;
        self.file.write_at(bytes, offset)?;
        self.disk.watch.lock().unwrap().unsynced_files.insert(self.path.clone());
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.step("sync")?;
        self.disk.watch.lock().unwrap().unsynced_files.remove(&self.path);
        Ok(())
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        self.disk.step("preallocate")?;
        self.file.preallocate(len_bytes)
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.disk.step("set_len")?;
        self.file.set_len(len_bytes)
    }

    fn forget_cached(&self, offset: u64, len_bytes: u64) {
        self.file.forget_cached(offset, len_bytes);
    }
}
