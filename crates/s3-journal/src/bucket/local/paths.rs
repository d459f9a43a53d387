//! Which file a key is, and how its name is made durable. Knows the names of the private directory, and `Disk`.

use std::io;
use std::path::{Path, PathBuf};

use durable_queue::disk::Disk;

use super::io_error::failed;
use crate::bucket::rules;
use crate::bucket::{BucketError, BucketErrorKind};
use crate::sabotage;

/// What isn't an object lives here; every name that begins so is ours.
pub(super) const PRIVATE: &str = ".s3-journal";

/// The path of the object at `key`.
pub(super) fn object(root: &Path, key: &str) -> Result<PathBuf, BucketError> {
    rules::check_key_length(key)?;
    if let Some(problem) = key_problem(key) {
        let message = format!("the key \"{}\" {problem}", key.escape_debug());
        return Err(BucketError::new(BucketErrorKind::Other, "InvalidKey", message));
    }
    Ok(root.join(key))
}

/// Why a key can't be a path below a directory, if so.
pub(super) fn key_problem(key: &str) -> Option<&'static str> {
    if key.chars().any(char::is_control) {
        return Some("has a control character");
    }
    key.split('/').find_map(|segment| match segment {
        "" => Some("has an empty segment, which no file can have"),
        "." | ".." => Some("has a segment \".\" or \"..\""),
        _ if segment.starts_with(PRIVATE) => Some("has a segment that begins with .s3-journal"),
        _ => None,
    })
}

/// Where what is known about the object at `key` is kept.
pub(super) fn about(root: &Path, key: &str) -> PathBuf {
    root.join(PRIVATE).join("about").join(key)
}

pub(super) fn staged(root: &Path) -> PathBuf {
    root.join(PRIVATE).join("staged")
}

pub(super) fn uploads(root: &Path) -> PathBuf {
    root.join(PRIVATE).join("uploads")
}

/// The directory that holds `path`, in a form that can be opened.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    }
}

/// Makes every name durable from `directory` up to the bucket's own directory: any of them may be new, or made by a process
/// that died before it could sync.
pub(super) fn sync_up(disk: &dyn Disk, root: &Path, directory: &Path) -> Result<(), BucketError> {
    directory.ancestors().take_while(|above| above.starts_with(root)).try_for_each(|above| {
        match sabotage::LOCAL_SYNC_DIRECTORY.guard(|| disk.sync_directory(above)) {
            // Nothing can be pending there.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => Ok(()),
            other => other.map_err(failed("could not sync", above)),
        }
    })
}
