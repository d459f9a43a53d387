//! Reads the bytes of one task after the other. Knows the log's readers, and keeps a few that stand where the next task is
//! likely to be, so that tasks taken in order are read ahead.

use std::io;
use std::path::PathBuf;
use std::sync::PoisonError;

use super::record::{self, KIND_TASK};
use crate::error::ReadError;
use crate::log::{Log, Reader, Through};
use crate::position::Position;
use crate::slab::slab_path;
use crate::sync::Mutex;

/// How many readers are kept while nobody reads, each with at most twice 256 KiB read ahead.
const READERS_KEPT_MAX: usize = 4;
/// A reader so many bytes before a task reads on to it; further, a fresh one is cheaper.
const SKIP_BYTES_MAX: u64 = 64 << 10;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Readers {
    idle: Mutex<Vec<Reader>>,
}

/// Why a task can't be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// Now and ever.
    Damaged { file: PathBuf, offset_bytes: u64, reason: String },
    /// Perhaps only now.
    Io(ReadError),
}

impl Readers {
    /// The bytes of the task `id`, whose frame is at `place`.
    pub fn read(&self, log: &Log, place: Position, id: u64) -> Result<Vec<u8>, Unreadable> {
        if let Some(mut reader) = self.near(place)
            && let Ok(data) = read(log, &mut reader, place, id)
        {
            self.keep(reader);
            return Ok(data);
        }
        // Whatever was wrong may be in a record before this one.
        let mut reader = log.reader(place, Through::Written);
        let data = read(log, &mut reader, place, id)?;
        self.keep(reader);
        Ok(data)
    }

    fn near(&self, place: Position) -> Option<Reader> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let distance = |reader: &Reader| {
            let at = reader.position();
            let distance = place.offset_bytes.checked_sub(at.offset_bytes)?;
            (at.slab == place.slab && distance <= SKIP_BYTES_MAX).then_some(distance)
        };
        let (_, index) =
            idle.iter().enumerate().filter_map(|(index, reader)| Some((distance(reader)?, index))).min()?;
        Some(idle.swap_remove(index))
    }

    fn keep(&self, reader: Reader) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= READERS_KEPT_MAX {
            // The one that was used least recently: `swap_remove` moves only ones that come back at the end.
            idle.remove(0);
        }
        idle.push(reader);
    }
}

fn read(log: &Log, reader: &mut Reader, place: Position, id: u64) -> Result<Vec<u8>, Unreadable> {
    let damaged = |reason: String| Unreadable::Damaged {
        file: slab_path(&log.options().directory, place.slab),
        offset_bytes: place.offset_bytes,
        reason,
    };
    let refused = |error: ReadError| match error {
        ReadError::Corrupt { file, offset_bytes, reason } => {
            Unreadable::Damaged { file, offset_bytes, reason }
        }
        ReadError::Io { source, .. } if is_lost(&source) => {
            damaged(format!("the disk can't read it: {source}"))
        }
        ReadError::Io { .. } => Unreadable::Io(error),
        ReadError::Released { .. } | ReadError::OutOfRange { .. } => damaged(error.to_string()),
    };
    loop {
        let Some(record) = reader.next().map_err(refused)? else {
            return Err(damaged("the log ends before it".to_owned()));
        };
        if record.position < place {
            continue;
        }
        let is_it = record.position == place
            && record.kind == KIND_TASK
            && record::task(&record.meta).is_ok_and(|task| task.id == id);
        if !is_it {
            return Err(damaged("another record is in its place".to_owned()));
        }
        let mut data = Vec::new();
        reader.read_checked(&record, &mut data).map_err(refused)?;
        return Ok(data);
    }
}

/// Whether an error says that the medium lost the bytes, where another may pass.
fn is_lost(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}
