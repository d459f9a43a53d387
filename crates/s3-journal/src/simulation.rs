//! A journal without threads: its rooms as they are, and their steps to be taken one by one, so that a simulation can
//! decide what happens next. Adds no decision of its own: what the threads' loops do between steps is done by whoever steps.
//! Not part of the public interface.

use std::path::Path;
use std::sync::Arc;

use durable_queue::Log;
use durable_queue::disk::Disk;

use crate::encode::AsIs;
use crate::error::{JournalFailure, OpenError, Stopped, SubmitError};
use crate::opening::{Rooms, put_together};
use crate::options::Options;
use crate::status::{Status, StatusError, status_on};
use crate::write::Patience;

pub use crate::upload::{Answer, Call, CallId, UploaderStep};
pub use crate::write::ScribeStep;

/// A journal whose steps somebody else takes. Dropping it is the death of the process.
#[derive(Debug)]
pub struct Stepped {
    rooms: Rooms,
    scribe_is_finished: bool,
}

impl Stepped {
    /// Opens the local directory; `slab_size_bytes` is the size of its slabs.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: Options<AsIs>, slab_size_bytes: u64) -> Result<Self, OpenError> {
        let mut settings = options.raw.check()?;
        settings.slab_size_bytes = slab_size_bytes;
        Ok(Self { rooms: put_together(settings)?, scribe_is_finished: false })
    }

    /// The log, for its steps.
    pub fn log(&self) -> &Log {
        self.rooms.shared.ledger.log()
    }

    /// Takes an entry, if there is room.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn try_submit(&self, entry: &[u8], position: Option<(u64, &[u8])>) -> Result<u64, SubmitError> {
        let mut encode = |out: &mut Vec<u8>| {
            out.extend_from_slice(entry);
            Ok(())
        };
        self.rooms.shared.intake.submit(Patience::None, &mut encode, position)
    }

    /// The last position taken of a source.
    pub fn position(&self, source: u64) -> Option<Vec<u8>> {
        self.rooms.shared.intake.position(source)
    }

    /// Sequence number of the next entry.
    pub fn next_sequence(&self) -> u64 {
        self.rooms.shared.intake.next_sequence()
    }

    /// How many entries are durable.
    pub fn durable(&self) -> u64 {
        self.rooms.shared.durable.count()
    }

    /// How many entries are told to be in the bucket.
    pub fn uploaded(&self) -> u64 {
        self.rooms.shared.uploaded.count()
    }

    /// Ends batch and object.
    pub fn seal(&self) -> u64 {
        self.rooms.shared.intake.seal()
    }

    /// Takes no more entries.
    pub fn close_intake(&self) {
        self.rooms.shared.intake.close();
    }

    /// One step of the scribe's thread. `None`: it has ended.
    pub fn scribe_step(&mut self) -> Option<ScribeStep> {
        if self.scribe_is_finished {
            return None;
        }
        match self.rooms.scribe.step() {
            Ok(ScribeStep::Finished) => {
                self.scribe_is_finished = true;
                None
            }
            Ok(step) => Some(step),
            Err(failure) => {
                self.rooms.shared.fail(&failure);
                self.scribe_is_finished = true;
                None
            }
        }
    }

    /// One step of the upload's thread.
    pub fn upload_step(&mut self) -> UploaderStep {
        let step = self.rooms.uploader.step();
        if let Some(failure) = self.rooms.uploader.failure() {
            self.rooms.shared.fail(failure);
        }
        step
    }

    /// What other threads do just when the upload's next step has found that the log holds nothing more.
    pub fn meanwhile(&mut self, meanwhile: impl FnOnce() + Send + 'static) {
        self.rooms.uploader.meanwhile(Box::new(meanwhile));
    }

    /// The answer to one of its calls; what is to be asked next.
    pub fn answered(&mut self, id: CallId, answer: Answer) -> Vec<(CallId, Call)> {
        self.rooms.uploader.answered(id, answer)
    }

    /// Whether looking at a key has been permitted at some time: whose a taken one is can be waited for then.
    pub fn may_look(&self) -> bool {
        self.rooms.uploader.may_look()
    }

    /// Whether open uploads are being swept.
    pub fn is_sweeping(&self) -> bool {
        self.rooms.uploader.is_sweeping()
    }

    /// What stopped the journal, if something has.
    pub fn failure(&self) -> Option<Arc<JournalFailure>> {
        self.rooms.shared.failure()
    }

    /// Whether something foreign, or damage, holds the upload up.
    pub fn is_stopped(&self) -> bool {
        let mut stats = crate::stats::Stats::default();
        self.rooms.shared.counters.tell(&mut stats);
        stats.health == crate::stats::Health::Stopped
    }

    /// The damage past which the upload doesn't get.
    pub fn damage(&self) -> Option<Arc<str>> {
        match self.rooms.shared.uploaded.stopped() {
            Some(Stopped::Damaged(reason)) => Some(reason),
            _ => None,
        }
    }

    /// The last thing that went wrong.
    pub fn last_error(&self) -> Option<String> {
        let mut stats = crate::stats::Stats::default();
        self.rooms.shared.counters.tell(&mut stats);
        stats.last_error.map(|error| error.message)
    }

    /// The entries that are left out because of damage, the last ones of the local directory's life.
    pub fn left_out(&self) -> Vec<std::ops::Range<u64>> {
        self.rooms
            .shared
            .ledger
            .state(|state| state.gaps.iter().map(|gap| gap.first..gap.next_sequence).collect())
    }

    /// How often an object was sent again although it had been sent.
    pub fn reuploaded(&self) -> u64 {
        let mut stats = crate::stats::Stats::default();
        self.rooms.shared.counters.tell(&mut stats);
        stats.reuploaded
    }
}

/// What a local directory holds, and, of the object that is next to be uploaded, whether the log says that it may have been
/// sent.
///
/// # Errors
/// [`StatusError`].
pub fn look(disk: &dyn Disk, directory: &Path) -> Result<(Status, u64, bool), StatusError> {
    let status = status_on(disk, directory)?;
    let mut visitor = crate::ledger::StateVisitor::default();
    durable_queue::inspect(disk, directory, &mut visitor)?;
    let (number, sent) =
        visitor.state.map_or((0, false), |state| (state.uploaded_number, state.sending.sent));
    Ok((status, number, sent))
}
