//! The local directory: whether it can be used, on which file system it is, how much room is there, how long a sync takes.
//! Knows the library's own file operations. A queue that is there is only looked at: what is written is beside it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use s3_journal::durable_queue::disk::{Disk, OpenMode, RealDisk};
use serde::Serialize;

use super::check::{Check, Need, Outcome};
use super::stop::Stop;
use super::{mounts::Mount, space};
use crate::clock;
use crate::commands::bench::Leftover;
use crate::commands::bench::report::short;
use crate::commands::bench::scratch::{REMEDY, Scratch};
use crate::commands::bench::times::Times;
use crate::exit::Exit;
use crate::files;

const COMMIT_BYTES: usize = 4 << 10;
/// So many commits are measured, unless they take longer than that together.
const COMMITS: usize = 50;
const COMMITS_SECONDS: f64 = 3.0;

/// The directory, and where something may be written for it.
#[derive(Debug)]
pub struct Local {
    directory: PathBuf,
    room: Room,
}

#[derive(Debug)]
enum Room {
    /// Here.
    Scratch(Scratch),
    /// Nowhere: a queue is there, and nothing can be written beside it on the same file system.
    Occupied,
    /// Nowhere: the directory can't be used.
    Unusable(io::Error),
}

/// What was measured; null where it wasn't.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DirectoryFigures {
    /// Where.
    pub directory: String,
    /// Which kind of file system.
    pub file_system: Option<String>,
    /// Where that is mounted.
    pub mount_point: Option<String>,
    /// Its size.
    pub total_bytes: Option<u64>,
    /// What is free of it.
    pub free_bytes: Option<u64>,
    /// So many commits of 4 KiB, each with its sync.
    pub syncs: usize,
    /// The middle one took so long.
    pub sync_seconds: Option<f64>,
    /// The slowest.
    pub sync_slowest_seconds: Option<f64>,
}

impl DirectoryFigures {
    /// For people.
    pub fn lines(&self) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        if let (Some(middle), Some(slowest)) = (self.sync_seconds, self.sync_slowest_seconds) {
            lines.push((format!("4 KiB and a sync, the middle one of {}", self.syncs), short(middle)));
            lines.push(("the slowest of them".to_owned(), short(slowest)));
        }
        lines
    }
}

impl Local {
    /// Makes room for what will be written, with this name.
    pub fn prepare(directory: &Path, name: &str) -> Self {
        let room = if is_queue(directory) {
            // Not ours to write to unless a `write` could: its lock is opened, and nothing else.
            match RealDisk.open(&directory.join("lock"), OpenMode::ReadWrite) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Room::Unusable(error),
                _ => beside(directory, name).map_or(Room::Occupied, Room::Scratch),
            }
        } else {
            Scratch::try_make(directory, name).map_or_else(Room::Unusable, Room::Scratch)
        };
        Self { directory: directory.to_owned(), room }
    }

    /// What is written to.
    pub fn scratch(&self) -> Option<&Path> {
        match &self.room {
            Room::Scratch(scratch) => Some(scratch.path()),
            _ => None,
        }
    }

    /// Removes what was written.
    ///
    /// # Errors
    /// What stays.
    pub fn remove(&self) -> Result<(), Leftover> {
        if let Room::Scratch(scratch) = &self.room { scratch.remove() } else { Ok(()) }
    }

    /// Tries everything, until `stop`.
    pub fn examine(&self, stop: &Stop) -> (Vec<Check>, DirectoryFigures) {
        let directory = self.directory.display().to_string();
        let mut figures = DirectoryFigures { directory, ..DirectoryFigures::default() };
        let mut checks = vec![self.usable()];
        checks.push(self.file_system(&mut figures));
        checks.push(self.free_space(&mut figures));
        match &self.room {
            Room::Scratch(scratch) => checks.extend(writes(scratch.path(), stop, &mut figures)),
            Room::Occupied => {
                let why = "not tried: a queue is there, and nothing can be written beside it";
                checks.extend(untried(why, "try it with a directory beside it on the same file system"));
            }
            Room::Unusable(_) => checks.extend(untried("not tried: it can't be written to", "")),
        }
        (checks, figures)
    }

    fn usable(&self) -> Check {
        let (name, needs) = ("local_directory", [Need::Write]);
        match &self.room {
            Room::Scratch(_) if is_queue(&self.directory) => Check::ok(
                name,
                &needs,
                "a queue is there; it was left alone, what follows was tried beside it",
            ),
            Room::Scratch(_) => Check::ok(name, &needs, "can be written to"),
            Room::Occupied => Check::ok(name, &needs, "a queue is there; it was left alone"),
            Room::Unusable(error) => {
                let detail = format!("{} can't be used: {error}", self.directory.display());
                Check::new(name, Outcome::Failed, &needs, detail, REMEDY).ends(Exit::Directory)
            }
        }
    }

    fn file_system(&self, figures: &mut DirectoryFigures) -> Check {
        let (name, needs) = ("file_system", [Need::Durable]);
        let Some(mount) = self.mount() else {
            return Check::new(
                name,
                Outcome::Unknown,
                &needs,
                "the operating system doesn't tell which it is",
                "",
            );
        };
        figures.file_system = Some(mount.kind.clone());
        figures.mount_point = Some(mount.point.display().to_string());
        let which = format!("{} at {}", mount.kind, mount.point.display());
        match mount.objection() {
            None => Check::ok(name, &needs, which),
            Some((why, remedy)) => {
                Check::new(name, Outcome::Failed, &needs, format!("{which}: {why}"), remedy)
            }
        }
    }

    fn mount(&self) -> Option<Mount> {
        let mut text = Vec::new();
        let mut file = files::open(Path::new("/proc/self/mountinfo")).ok()?;
        io::Read::read_to_end(&mut file, &mut text).ok()?;
        Mount::of(&String::from_utf8_lossy(&text), &existing(&self.directory)?)
    }

    fn free_space(&self, figures: &mut DirectoryFigures) -> Check {
        let place = existing(&self.directory).unwrap_or_else(|| self.directory.clone());
        match RealDisk.space(&place) {
            Ok(found) => {
                figures.total_bytes = Some(found.total_bytes);
                figures.free_bytes = Some(found.available_bytes);
                space::judge(found.available_bytes, found.total_bytes)
            }
            Err(error) => {
                let detail = format!("the operating system doesn't tell: {error}");
                Check::new(space::NAME, Outcome::Unknown, &[Need::Outages], detail, "")
            }
        }
    }
}

/// The directory, or what there is of it, without links.
fn existing(directory: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(directory).ok()?;
    absolute.ancestors().find_map(|path| path.canonicalize().ok())
}

/// Whether a journal keeps its entries there.
fn is_queue(directory: &Path) -> bool {
    let is_its = |name: &str| name == "lock" || name.strip_suffix(".slab").is_some();
    RealDisk.entries(directory).is_ok_and(|entries| entries.iter().any(|entry| is_its(&entry.name)))
}

/// Room beside a directory, if that is on the same file system.
fn beside(directory: &Path, name: &str) -> Option<Scratch> {
    let directory = directory.canonicalize().ok()?;
    let parent = directory.parent()?;
    let device = |path: &Path| files::look(path).ok().map(|metadata| metadata.dev());
    if device(parent)? != device(&directory)? {
        return None;
    }
    Scratch::try_make(parent, name).ok()
}

const SYNC: &str = "sync";
const PREALLOCATION: &str = "preallocation";

fn untried(why: &str, remedy: &str) -> [Check; 2] {
    [
        Check::new(SYNC, Outcome::Unknown, &[Need::Write, Need::Durable], why, remedy),
        Check::new(PREALLOCATION, Outcome::Unknown, &[Need::Outages], why, remedy),
    ]
}

/// Small commits, each with its sync, and room set aside for them before.
fn writes(scratch: &Path, stop: &Stop, figures: &mut DirectoryFigures) -> Vec<Check> {
    let mut times = Times::default();
    let measured = commits(scratch, stop, &mut times);
    if times.count() > 0 {
        figures.syncs = times.count();
        figures.sync_seconds = Some(times.within(50));
        figures.sync_slowest_seconds = Some(times.within(100));
    }
    let preallocates = match measured {
        Ok(preallocates) => preallocates,
        Err(error) => {
            let remedy = match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "make room, or name another --local-directory"
                }
                _ => "look at the disk, or name another --local-directory",
            };
            let needs = [Need::Write, Need::Durable];
            let detail = format!("writing and syncing failed: {error}");
            let failed = Check::new(SYNC, Outcome::Failed, &needs, detail, remedy).ends(Exit::LocalIo);
            let [_, untried] = untried("not tried: writing failed", "");
            return vec![failed, untried];
        }
    };
    let words = format!("{} with 4 KiB, the middle one of {}", short(times.within(50)), times.count());
    let preallocation = if preallocates {
        Check::ok(PREALLOCATION, &[Need::Outages], "room is set aside before it is needed")
    } else {
        let detail =
            "this file system can't set room aside: that the disk is full shows only when it is written to";
        Check::new(PREALLOCATION, Outcome::Missing, &[Need::Outages], detail, "")
    };
    vec![Check::ok(SYNC, &[Need::Write, Need::Durable], words), preallocation]
}

/// Whether room could be set aside.
fn commits(scratch: &Path, stop: &Stop, times: &mut Times) -> io::Result<bool> {
    let file = RealDisk.open(&scratch.join("commits"), OpenMode::CreateNew)?;
    let preallocates = match file.preallocate((COMMITS * COMMIT_BYTES) as u64) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => false,
        Err(error) => return Err(error),
    };
    file.sync()?;
    let (all, commit) = (clock::now(), [0x5a; COMMIT_BYTES]);
    while times.count() < COMMITS && all.elapsed().as_secs_f64() < COMMITS_SECONDS && !stop.is_stopped() {
        let begun = clock::now();
        file.write_at(&commit, (times.count() * COMMIT_BYTES) as u64)?;
        file.sync()?;
        times.add(begun.elapsed().as_secs_f64());
    }
    Ok(preallocates)
}
