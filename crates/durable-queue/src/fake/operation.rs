//! What is asked of the fake disk, as values: what faults are matched on and what a trace consists of. Knows nothing.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The calls of [`Disk`](crate::disk::Disk) and [`DiskFile`](crate::disk::DiskFile).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OperationKind {
    /// Of one directory, without those above it.
    CreateDirectory,
    /// [`OpenMode::CreateNew`](crate::disk::OpenMode::CreateNew)
    Create,
    /// [`DiskFile::write_at`](crate::disk::DiskFile::write_at)
    Write,
    /// [`DiskFile::sync`](crate::disk::DiskFile::sync)
    Sync,
    /// [`DiskFile::preallocate`](crate::disk::DiskFile::preallocate)
    Preallocate,
    /// [`DiskFile::set_len`](crate::disk::DiskFile::set_len)
    SetLen,
    /// [`Disk::rename`](crate::disk::Disk::rename)
    Rename,
    /// [`Disk::hard_link`](crate::disk::Disk::hard_link)
    Link,
    /// [`Disk::remove`](crate::disk::Disk::remove)
    Remove,
    /// [`Disk::remove_directory`](crate::disk::Disk::remove_directory)
    RemoveDirectory,
    /// [`Disk::sync_directory`](crate::disk::Disk::sync_directory)
    SyncDirectory,
    /// [`Disk::lock`](crate::disk::Disk::lock)
    Lock,
    /// Opening a file that is there.
    Open,
    /// [`DiskFile::read_at`](crate::disk::DiskFile::read_at)
    Read,
    /// [`DiskFile::len_bytes`](crate::disk::DiskFile::len_bytes)
    Length,
    /// [`Disk::entries`](crate::disk::Disk::entries)
    List,
    /// [`Disk::space`](crate::disk::Disk::space)
    Space,
}

impl OperationKind {
    /// Whether it may change what is on the disk. Only such operations are counted and traced: between two of them a crash
    /// finds the same.
    pub fn is_change(self) -> bool {
        !matches!(self, Self::Open | Self::Read | Self::Length | Self::List | Self::Space)
    }

    fn word(self) -> &'static str {
        match self {
            Self::CreateDirectory => "create-directory",
            Self::Create => "create",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Preallocate => "preallocate",
            Self::SetLen => "truncate",
            Self::Rename => "rename",
            Self::Link => "link",
            Self::Remove => "remove",
            Self::RemoveDirectory => "remove-directory",
            Self::SyncDirectory => "sync-directory",
            Self::Lock => "lock",
            Self::Open => "open",
            Self::Read => "read",
            Self::Length => "length",
            Self::List => "list",
            Self::Space => "space",
        }
    }
}

/// One call. As text `{}` is short, with names but without directories; `{:#}` has everything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Which call.
    pub kind: OperationKind,
    /// The file's or directory's path; of an open file the name it was given last.
    pub path: Arc<Path>,
    /// The new name, of a rename or a link.
    pub to: Option<Arc<Path>>,
    /// Where, of a read or a write.
    pub offset_bytes: u64,
    /// How many bytes, of a read or a write; to which length, of a preallocation or a truncation.
    pub len_bytes: u64,
}

impl Operation {
    pub(super) fn new(kind: OperationKind, path: Arc<Path>) -> Self {
        Self { kind, path, to: None, offset_bytes: 0, len_bytes: 0 }
    }

    /// The last component of the path; empty if it isn't UTF-8.
    pub fn name(&self) -> &str {
        name(&self.path)
    }

    /// Whether it is this call on a file or directory of this name.
    pub fn is(&self, kind: OperationKind, name: &str) -> bool {
        self.kind == kind && self.name() == name
    }
}

pub(super) fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use OperationKind::{Preallocate, Read, SetLen, SyncDirectory, Write};
        let word = self.kind.word();
        if !f.alternate() {
            return match (&self.to, self.kind) {
                (Some(to), _) => write!(f, "{word} {} {}", self.name(), name(to)),
                (None, SyncDirectory) => f.write_str("sync directory"),
                (None, _) => write!(f, "{word} {}", self.name()),
            };
        }
        write!(f, "{word} {}", self.path.display())?;
        match (&self.to, self.kind) {
            (Some(to), _) => write!(f, " {}", to.display()),
            (None, Read | Write) => write!(f, " {}+{}", self.offset_bytes, self.len_bytes),
            (None, Preallocate | SetLen) => write!(f, " {}", self.len_bytes),
            _ => Ok(()),
        }
    }
}

/// An operation as a trace has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traced {
    /// How many operations that change something came before it, since the disk was made.
    pub number: u64,
    /// What was asked.
    pub operation: Operation,
    /// How it failed, if it did.
    pub error: Option<io::ErrorKind>,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#}", self.number, self.operation)?;
        self.error.map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}
