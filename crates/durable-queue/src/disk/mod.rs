//! The few file operations that this crate and the crates above it use, as a trait, so that a simulated disk can stand in
//! for the real one. Knows nothing of frames, slabs or queues.
//!
//! Everything a program relies on after a power loss is explicit here: bytes are on the medium only after
//! [`DiskFile::sync`], names only after [`Disk::sync_directory`].

mod real;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::io;
use std::path::Path;

pub use real::RealDisk;

/// How [`Disk::open`] opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    ReadWrite,
    /// A new file, mode 0600, to read and write; [`io::ErrorKind::AlreadyExists`] when there is one.
    CreateNew,
}

/// Room on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// The size of the file system.
    pub total_bytes: u64,
    /// What an unprivileged process may still use.
    pub available_bytes: u64,
}

/// What [`Disk::entries`] tells of one name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, without its directory.
    pub name: String,
    /// Whether it is a directory. Symbolic links are neither followed nor listed.
    pub is_directory: bool,
    /// Length in bytes, 0 for a directory.
    pub len_bytes: u64,
}

/// How an attempt to lock a directory ended.
#[derive(Debug)]
pub enum LockOutcome {
    /// Ours until dropped.
    Locked(Box<dyn DirectoryLock>),
    /// Somebody else's; what the holder wrote into the lock file (its process id and host), empty if unreadable.
    Held {
        /// The holder's own words.
        holder: String,
    },
}

/// A lock that is given up when dropped, or when the process dies.
pub trait DirectoryLock: Debug + Send + Sync {}

/// The file operations used by this crate.
///
/// Paths are given whole. No operation follows a symbolic link in the last component.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Makes `directory` and what is missing above it, mode 0700, and syncs each new name into its parent.
    ///
    /// # Errors
    /// The operating system's; a file in the way is an error.
    fn create_directory(&self, directory: &Path) -> io::Result<()>;

    /// Opens a file.
    ///
    /// # Errors
    /// The operating system's; a symbolic link is an error.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>>;

    /// The regular files and directories in `directory`, sorted by name; names that aren't UTF-8 are left out.
    ///
    /// # Errors
    /// The operating system's.
    fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>>;

    /// Gives `from` the name `to`, replacing what had it. Both in one directory.
    ///
    /// # Errors
    /// The operating system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives the file `from` the second name `to`; [`io::ErrorKind::AlreadyExists`] when that is taken.
    ///
    /// # Errors
    /// The operating system's.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name.
    ///
    /// # Errors
    /// The operating system's.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// The operating system's.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Makes names created, renamed and removed in `directory` durable.
    ///
    /// # Errors
    /// The operating system's. The caller must not pretend that a later call would mend it.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// Takes the lock file `path` (made when missing) for this process and writes `holder` into it.
    ///
    /// # Errors
    /// The operating system's; a lock held by another process is [`LockOutcome::Held`], not an error.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<LockOutcome>;

    /// What the process that holds the lock file `path` just now wrote into it; nothing if none does, or if this disk can't
    /// tell. Changes nothing.
    ///
    /// # Errors
    /// The operating system's; a lock file that isn't there is held by nobody.
    fn lock_holder(&self, path: &Path) -> io::Result<Option<String>> {
        let _ = path;
        Ok(None)
    }

    /// Room on the file system that holds `directory`.
    ///
    /// # Errors
    /// The operating system's.
    fn space(&self, directory: &Path) -> io::Result<Space>;
}

/// An open file. Reads and writes name their offset, so one handle serves several threads.
pub trait DiskFile: Debug + Send + Sync {
    /// Length in bytes.
    ///
    /// # Errors
    /// The operating system's.
    fn len_bytes(&self) -> io::Result<u64>;

    /// Reads up to `buffer.len()` bytes; 0 means the end of the file.
    ///
    /// # Errors
    /// The operating system's.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// The operating system's; some of the bytes may have been written then.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Puts content and length of this file on the medium.
    ///
    /// # Durability
    /// After `Ok` the bytes written so far survive a power loss; the file's *name* does only after [`Disk::sync_directory`].
    ///
    /// # Errors
    /// The operating system's. After an error the written bytes may be gone although a repeated call succeeds
    /// (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020): latch it, don't retry it.
    fn sync(&self) -> io::Result<()>;

    /// Reserves room for the first `len_bytes` bytes, extending the file with zeros.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] where the file system can't; [`io::ErrorKind::StorageFull`] where there is no room.
    fn preallocate(&self, len_bytes: u64) -> io::Result<()>;

    /// Cuts or extends the file to `len_bytes` bytes.
    ///
    /// # Errors
    /// The operating system's.
    fn set_len(&self, len_bytes: u64) -> io::Result<()>;

    /// Tells the operating system that a range won't be read again soon. Advice: failures are ignored.
    fn forget_cached(&self, offset: u64, len_bytes: u64);

    /// Reads exactly `buffer.len()` bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the file ends before; the operating system's otherwise.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + filled as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
