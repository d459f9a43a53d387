//! Which file system a directory is on, from the text of Linux's `/proc/self/mountinfo` (proc_pid_mountinfo(5)), and whether
//! a queue should be there. Pure.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where.
    pub point: PathBuf,
    /// Which kind: `ext4`.
    pub kind: String,
}

impl Mount {
    /// The one that holds `directory`, an absolute path without links.
    pub fn of(mountinfo: &str, directory: &Path) -> Option<Self> {
        // Of two at one place the later one hides the earlier.
        mountinfo
            .lines()
            .filter_map(parse)
            .filter(|mount| directory.starts_with(&mount.point))
            .max_by_key(|mount| mount.point.components().count())
    }

    /// Why entries shouldn't wait there, and what to do; none where nothing speaks against it.
    pub fn objection(&self) -> Option<(&'static str, &'static str)> {
        const ELSEWHERE: &str = "name a --local-directory on a local disk";
        match self.kind.as_str() {
            "tmpfs" | "ramfs" | "devtmpfs" | "hugetlbfs" => {
                Some(("it is in memory: a restart of the machine takes every entry that waits", ELSEWHERE))
            }
            "overlay" | "overlayfs" | "aufs" => Some((
                "it is a layer of a container: what waits goes with the container",
                "name a --local-directory on a volume that outlives the container",
            )),
            "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "9p" | "ceph" | "afs" | "lustre" | "glusterfs" => {
                Some((
                    "it is on the network: an outage there stops the taking of entries, too, and whether a sync holds is the \
                 server's matter",
                    ELSEWHERE,
                ))
            }
            kind if kind == "fuse" || kind.starts_with("fuse.") || kind == "fuseblk" => Some((
                "it is a program's (FUSE): whether a sync holds and a lock excludes is that program's matter",
                ELSEWHERE,
            )),
            _ => None,
        }
    }
}

/// `36 35 98:0 /root /point options optional - kind source options`.
fn parse(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let point = before.split(' ').nth(4)?;
    let kind = after.split(' ').next()?;
    Some(Mount { point: PathBuf::from(unescaped(point)), kind: kind.to_owned() })
}

/// White space and backslashes are written as three octal digits.
fn unescaped(text: &str) -> OsString {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&first, others)) = rest.split_first() {
        let octal = |byte: &u8| char::from(*byte).to_digit(8);
        let value = match others {
            [a, b, c, ..] if first == b'\\' => octal(a)
                .zip(octal(b))
                .zip(octal(c))
                .and_then(|((a, b), c)| u8::try_from(a * 64 + b * 8 + c).ok()),
            _ => None,
        };
        bytes.push(value.unwrap_or(first));
        rest = if value.is_some() { others.get(3..).unwrap_or_default() } else { others };
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
#[path = "mounts_tests.rs"]
mod tests;
