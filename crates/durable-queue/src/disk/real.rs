//! The real disk: [`Disk`] by system calls. Knows nothing but the trait.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use super::{DirectoryLock, Disk, DiskFile, Entry, LockOutcome, OpenMode, Space};
use crate::sabotage;

/// The longest text read back from a lock file.
const HOLDER_BYTES_MAX: usize = 256;

/// The computer's own file systems.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

#[derive(Debug)]
struct RealFile {
    file: File,
}

#[derive(Debug)]
struct RealLock {
    /// The lock lives as long as the open file.
    _file: File,
}

impl DirectoryLock for RealLock {}

fn no_follow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0)
}

fn sync_path(directory: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).open(directory)?.sync_all()
}

impl Disk for RealDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        if directory.is_dir() {
            return Ok(());
        }
        let parent = match directory.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => Path::new("/"),
        };
        self.create_directory(parent)?;
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
            other => other?,
        }
        sync_path(parent)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).mode(0o600).custom_flags(no_follow());
        match mode {
            OpenMode::Read => {}
            OpenMode::ReadWrite => {
                options.write(true);
            }
            OpenMode::CreateNew => {
                options.write(true).create_new(true);
            }
        }
        Ok(Box::new(RealFile { file: options.open(path)? }))
    }

    fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Removed since the directory was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if metadata.is_file() || metadata.is_dir() {
                let is_directory = metadata.is_dir();
                let len_bytes = if is_directory { 0 } else { metadata.len() };
                entries.push(Entry { name, is_directory, len_bytes });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the shim that the ban points to")]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the shim that the ban points to")]
    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        sync_path(directory)
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<LockOutcome> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.write_all_at(holder.as_bytes(), 0)?;
                Ok(LockOutcome::Locked(Box::new(RealLock { _file: file })))
            }
            Err(TryLockError::WouldBlock) if sabotage::DIRECTORY_LOCK.is_on() => {
                Ok(LockOutcome::Held { holder: holder_in(&file) })
            }
            Err(TryLockError::WouldBlock) => Ok(LockOutcome::Locked(Box::new(RealLock { _file: file }))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes a shared lock for a moment where nobody holds the file, which is the only way to ask; an opening that falls into
    /// that moment is told that the directory is in use.
    fn lock_holder(&self, path: &Path) -> io::Result<Option<String>> {
        let file = match OpenOptions::new().read(true).custom_flags(no_follow()).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(holder_in(&file))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn space(&self, directory: &Path) -> io::Result<Space> {
        let stat = rustix::fs::statvfs(directory)?;
        Ok(Space {
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            available_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }
}

fn holder_in(lock: &File) -> String {
    let mut text = vec![0; HOLDER_BYTES_MAX];
    let read = lock.read_at(&mut text, 0).unwrap_or(0);
    text.truncate(read);
    String::from_utf8_lossy(&text).trim().to_owned()
}

impl DiskFile for RealFile {
    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // fdatasync also writes the length when it is needed to read the bytes back (fdatasync(2)); on macOS the standard
        // library calls F_FULLFSYNC.
        self.file.sync_data()
    }

    #[cfg(target_os = "linux")]
    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), 0, len_bytes).map_err(
            |errno| {
                if errno == rustix::io::Errno::OPNOTSUPP || errno == rustix::io::Errno::NOSYS {
                    io::ErrorKind::Unsupported.into()
                } else {
                    errno.into()
                }
            },
        )
    }

    #[cfg(not(target_os = "linux"))]
    fn preallocate(&self, _len_bytes: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.file.set_len(len_bytes)
    }

    #[cfg(target_os = "linux")]
    fn forget_cached(&self, offset: u64, len_bytes: u64) {
        // Advice only: what it fails to drop, the kernel drops by itself later.
        let _ = rustix::fs::fadvise(
            &self.file,
            offset,
            std::num::NonZeroU64::new(len_bytes),
            rustix::fs::Advice::DontNeed,
        );
    }

    #[cfg(not(target_os = "linux"))]
    fn forget_cached(&self, _offset: u64, _len_bytes: u64) {}
}
