//! What can go wrong with queues, one type for each operation, each saying what to do next. Knows the log's errors.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::name::NameError;
use crate::error::{FullReason, LogFailure, ReadError};
use crate::position::Position;

/// An option, or two together, that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("option {option} = {value} is refused: {remedy}")]
#[non_exhaustive]
pub struct OptionError {
    /// The option's name, that of its function in [`QueueOptions`](super::QueueOptions).
    pub option: &'static str,
    /// What it was set to.
    pub value: String,
    /// What to do instead.
    pub remedy: &'static str,
}

/// Why queues can't be opened. Nothing was changed, save that a torn tail may have been cut as
/// [`Log::open`](crate::Log::open) tells.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueuesOpenError {
    /// An option is wrong.
    #[error("the options contradict themselves or make no sense")]
    Options(#[from] OptionError),
    /// The log can't be opened: locked, damaged, not usable, of another program ...
    #[error("the queues' log can't be opened")]
    Log(#[from] crate::error::OpenError),
    /// A record can't be read. Tasks behind it may be fine, but which were completed can't be known.
    #[error("the queues' records can't be read: restore the file, or move the directory aside to begin anew")]
    Read(#[from] ReadError),
    /// A thread can't be started.
    #[error("a thread can't be started: free some resources and open again")]
    Thread(#[source] io::Error),
}

/// Why a task wasn't put.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutError {
    /// The name can't be one of a queue. The task isn't stored.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There was no room on disk until the time was up (a put without a time waits for it instead). The task isn't stored:
    /// complete some, or free space, and put it again.
    #[error("there is no room for the task: {reason}: complete tasks or free space, then put it again")]
    Full {
        /// Why not.
        reason: FullReason,
    },
    /// The task is over the limit and never fits. It isn't stored.
    #[error("a task of {bytes} bytes is over the limit of {limit_bytes}: split it")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The most there may be.
        limit_bytes: u64,
    },
    /// Writing or syncing failed, now or earlier. Whether this task is stored shows when the queues are opened again.
    #[error(
        "the queues' disk has failed: mend it and open the queues again to see whether the task is there"
    )]
    Failed(#[source] Arc<LogFailure>),
    /// The queues were closed or deleted. The task isn't stored.
    #[error("the queues are closed")]
    Closed,
}

/// Why no task was taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TakeError {
    /// The name can't be one of a queue.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The next task is damaged on disk. It was set aside; the next call goes on with the task after it.
    #[error(
        "task {task} of queue {queue:?} is damaged in {} at offset {offset_bytes} ({reason}) and was set aside: {}",
        file.display(), kept(kept_as.as_ref())
    )]
    Corrupt {
        /// The queue's name.
        queue: String,
        /// The task's number.
        task: u64,
        /// The damaged file.
        file: PathBuf,
        /// Where in it.
        offset_bytes: u64,
        /// What is wrong.
        reason: String,
        /// The file that its bytes were copied to as they are. Nothing if that failed: the task stays in the log then and
        /// is found again at the next open.
        kept_as: Option<PathBuf>,
    },
    /// The operating system refused to read the task, which is back at its place: try again.
    #[error(
        "reading a task of queue {queue:?} failed: try again, and look after the disk if it keeps failing"
    )]
    Io {
        /// The queue's name.
        queue: String,
        /// What was refused.
        source: ReadError,
    },
    /// No task is there, and since writing or syncing failed there won't be: mend the disk and open the queues again.
    #[error("the queues' disk has failed: mend it and open the queues again")]
    Failed(#[source] Arc<LogFailure>),
    /// The queues were closed or deleted.
    #[error("the queues are closed")]
    Closed,
}

fn kept(path: Option<&PathBuf>) -> String {
    path.map_or_else(
        || "its bytes couldn't be copied and stay where they are".to_owned(),
        |path| format!("its bytes are kept in {}", path.display()),
    )
}

/// Why a completion or retry isn't sure. The task is done with in this process all the same; it may come again after the
/// next open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// Writing or syncing failed, now or earlier.
    #[error(
        "the queues' disk has failed, so that the task may come again: mend it and open the queues again"
    )]
    Failed(#[source] Arc<LogFailure>),
    /// The queues were closed or deleted before.
    #[error("the queues are closed, so that the task may come again")]
    Closed,
}

/// Why [`Queues::fsync`](super::Queues::fsync) or [`Queues::delete_queue`](super::Queues::delete_queue) didn't make
/// everything durable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// Writing or syncing failed, now or earlier.
    #[error("the queues' disk has failed: mend it and open the queues again")]
    Failed(#[source] Arc<LogFailure>),
    /// The queues were closed or deleted before.
    #[error("the queues are closed")]
    Closed,
}

/// What couldn't be done when closing. The queues are closed all the same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// Writing or syncing failed, now or earlier.
    #[error("the queues' disk has failed: what wasn't durable may be lost or come again")]
    Failed(#[source] Arc<LogFailure>),
    /// The disk has no room even for records that free some.
    #[error(
        "{tasks} completed or retried tasks couldn't be recorded ({reason}) and come again: free some space"
    )]
    Unrecorded {
        /// How many.
        tasks: usize,
        /// Why.
        reason: FullReason,
    },
}

/// Why not everything was deleted. No task is left, but files are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// Another process opened the directory meanwhile: the files are its own now.
    #[error("{} was opened by {holder} meanwhile and isn't removed", directory.display())]
    Locked {
        /// What the holder wrote into the lock file.
        holder: String,
        /// The queues' directory.
        directory: PathBuf,
    },
    /// The operating system refused.
    #[error("{operation} of {} failed: remove the directory by hand", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

/// A damaged task that was met since the open: see [`TakeError::Corrupt`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAside {
    /// The queue's name.
    pub queue: String,
    /// The task's number.
    pub task: u64,
    /// Where its record is.
    pub position: Position,
    /// The damaged file.
    pub file: PathBuf,
    /// Where in it.
    pub offset_bytes: u64,
    /// What is wrong.
    pub reason: String,
    /// The file that its bytes were copied to as they are, if that went well.
    pub kept_as: Option<PathBuf>,
}
