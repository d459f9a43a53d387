//! What is compared: `durable-queue`, other crates, and a bare file, behind one face. Each is set up as its own documentation
//! advises; what had to be added around one is told in [`About::setup`]. Knows nothing of what is measured.

mod bare_file;
mod durable_queue;
mod fjall;
mod okaywal;
mod queue_file;
mod raft_engine;
mod segment_buffer;
mod walrus;
mod yaque;

use std::path::Path;

/// A queue, or what can stand in for one.
pub trait Rival: std::marker::Sync {
    /// Puts a task. Opened with fsync, it is durable when this returns.
    fn put(&self, thread: usize, task: &[u8]);

    /// Makes everything durable that was put. Only where [`About::has_sync`].
    fn sync(&self);

    /// Takes and completes the `tasks` oldest tasks of those that thread 0 put, one by one, and says how many bytes they had.
    /// Completions needn't be durable.
    fn take(&self, tasks: usize) -> u64;
}

/// Who it is and what it can do.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five things that it can do or not, independent of each other"
)]
pub struct About {
    /// Name, as on crates.io.
    pub name: &'static str,
    /// Version.
    pub version: &'static str,
    /// Whether a put can wait until its task is durable.
    pub has_fsync: bool,
    /// Whether a put can do without.
    pub has_no_fsync: bool,
    /// Whether all that was put can be made durable in one go.
    pub has_sync: bool,
    /// Whether tasks are taken in order and completed.
    pub has_take: bool,
    /// Whether what was put is there after a restart.
    pub has_recovery: bool,
    /// What a put with fsync promises.
    pub durable: &'static str,
    /// What a put without fsync loses when the process is killed.
    pub lost_by_kill: &'static str,
    /// How it is set up here.
    pub setup: &'static str,
    /// Opens it in a directory, which may hold what an earlier process left behind.
    pub open: fn(&Path, Opening) -> Box<dyn Rival>,
}

/// How it is opened.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// When what is put is to be durable.
    pub sync: Sync,
    /// At least so many bytes will wait.
    pub waiting_bytes: u64,
}

/// When what is put is to be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// When its put returns.
    Each,
    /// When [`Rival::sync`] returns.
    AtEnd,
    /// Never.
    Never,
}

impl About {
    /// Whether it can be had like this.
    pub fn can(&self, sync: Sync) -> bool {
        match sync {
            Sync::Each => self.has_fsync,
            Sync::AtEnd => self.has_sync,
            Sync::Never => self.has_no_fsync,
        }
    }
}

/// All, `durable-queue` first.
pub const ALL: [&About; 9] = [
    &durable_queue::ABOUT,
    &yaque::ABOUT,
    &queue_file::ABOUT,
    &okaywal::ABOUT,
    &walrus::ABOUT,
    &raft_engine::ABOUT,
    &fjall::ABOUT,
    &segment_buffer::ABOUT,
    &bare_file::ABOUT,
];
