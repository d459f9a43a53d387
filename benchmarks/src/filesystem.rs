//! What kind of file system a directory is on. Knows Linux's list of mounts.

use std::fs;
use std::path::{Path, PathBuf};

/// The kind of the file system that holds `path`, such as `ext4`; `unknown` where the system doesn't tell.
pub fn kind_of(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // proc_pid_mountinfo(5): field 5 is the mount point, the kind follows the field "-". Later lines lie over earlier ones.
    let mount_of = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        let point = before.split(' ').nth(4)?.replace("\\040", " ");
        Some((PathBuf::from(point), after.split(' ').next()?.to_owned()))
    };
    mounts
        .lines()
        .filter_map(mount_of)
        .filter(|(point, _)| path.starts_with(point))
        .max_by_key(|(point, _)| point.components().count())
        .map_or_else(|| "unknown".to_owned(), |(_, kind)| kind)
}

/// Whether files there are only in memory, so that a sync costs nothing and means nothing.
pub fn is_memory(kind: &str) -> bool {
    matches!(kind, "tmpfs" | "ramfs" | "devtmpfs")
}
