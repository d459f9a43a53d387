//! Safeguards that a test can switch off one at a time, to show that it would notice. Knows nothing.
//!
//! Each fsync, checksum, rule and precondition that correctness rests on is named here once and asked for where it acts.
//! Only a build with the feature `sabotage` can switch anything off; in any other [`Safeguard::is_off`] is `false` before
//! the program runs, and nothing of this is left in it. Not part of the public interface.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// One safeguard.
#[derive(Debug)]
pub struct Safeguard {
    name: &'static str,
    guards: &'static str,
    off: AtomicBool,
}

impl Safeguard {
    /// A safeguard that works; `guards` says what would go wrong without it.
    pub const fn new(name: &'static str, guards: &'static str) -> Self {
        Self { name, guards, off: AtomicBool::new(false) }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What would go wrong without it.
    pub fn guards(&self) -> &'static str {
        self.guards
    }

    /// Whether it is switched off.
    #[inline]
    pub fn is_off(&self) -> bool {
        cfg!(feature = "sabotage") && (self.off.load(Ordering::Relaxed) || is_off_by_environment(self.name))
    }

    /// Whether it works.
    #[inline]
    pub fn is_on(&self) -> bool {
        !self.is_off()
    }

    /// Does what is guarded, or only says so.
    ///
    /// # Errors
    /// What `act` returns.
    #[inline]
    pub fn guard(&self, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if self.is_off() { Ok(()) } else { act() }
    }

    /// Switches it off, or on again. Without the feature nothing happens.
    pub fn switch(&self, off: bool) {
        self.off.store(off, Ordering::Relaxed);
    }
}

/// The variable that switches one off by its name for a whole process.
#[cfg(feature = "sabotage")]
fn is_off_by_environment(name: &str) -> bool {
    use std::sync::OnceLock;
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| std::env::var("S3_JOURNAL_SABOTAGE").ok()).as_deref() == Some(name)
}

#[cfg(not(feature = "sabotage"))]
const fn is_off_by_environment(_name: &str) -> bool {
    false
}

/// Declares safeguards and the list of them all.
#[doc(hidden)]
#[macro_export]
macro_rules! safeguards {
    ($($constant:ident $name:literal $guards:literal;)*) => {
        $(#[doc = $guards] pub static $constant: $crate::sabotage::Safeguard = $crate::sabotage::Safeguard::new($name, $guards);)*
        /// All of them.
        pub static ALL: &[&$crate::sabotage::Safeguard] = &[$(&$constant),*];
    };
}

safeguards! {
    SYNC_WRITTEN "sync-written" "what was written is on the medium before it counts as durable";
    SYNC_ENDED_SLAB "sync-ended-slab" "a slab is whole on the medium before its successor has a name";
    SYNC_CUT_SLAB "sync-cut-slab" "an ended slab's length is on the medium before its successor has a name";
    SYNC_ROTATED_DIRECTORY "sync-rotated-directory" "a slab's name is on the medium before a frame in it counts";
    SYNC_PREPARED_SLAB "sync-prepared-slab" "a slab's header and room are on the medium before it is used";
    SYNC_PREPARED_DIRECTORY "sync-prepared-directory" "the prepared slab's name is on the medium before it is renamed";
    SYNC_REMOVED_DIRECTORY "sync-removed-directory" "slabs vanish oldest first, also at a power loss";
    SYNC_NAMES_ABOVE "sync-names-above" "the names that lead to the log are on the medium before it is used";
    SYNC_OPENED_DIRECTORY "sync-opened-directory" "names are on the medium before what they name is believed";
    SYNC_OPENED_SLAB "sync-opened-slab" "bytes are on the medium before they are believed at opening";
    SYNC_FIRST_DIRECTORY "sync-first-directory" "a run's first slab has its name on the medium before it counts";
    SYNC_FIRST_CHECKPOINT "sync-first-checkpoint" "a run's first checkpoint is on the medium before the log is open";
    SYNC_CUT_TAIL "sync-cut-tail" "a torn tail stays cut once opening has gone on";
    SYNC_TORN_COPY "sync-torn-copy" "bytes that are cut are on the medium in their own file before";
    SYNC_TORN_DIRECTORY "sync-torn-directory" "the file that keeps cut bytes has its name on the medium before they are cut";
    SYNC_DROPPED_DIRECTORY "sync-dropped-directory" "a slab that was put aside doesn't come back under its old name";
    HEADER_CHECKSUM "header-checksum" "a length is believed only once its header is known to be whole";
    HEADER_PLACE "header-place" "stale, copied and misplaced frames fail";
    META_CHECKSUM "meta-checksum" "a frame's meta is as it was written";
    PAYLOAD_CHECKSUM "payload-checksum" "a frame's payload is as it was written";
    SLAB_CHECKSUM "slab-checksum" "a slab's header is as it was written";
    SLAB_LINK "slab-link" "a slab follows the one that it names";
    SLAB_IDENTITY "slab-identity" "a slab of another log isn't read as one of this";
    DENSE_INDEX "dense-index" "a missing frame shows";
    PREDECESSOR_END "predecessor-end" "a slab whose end is missing shows";
    WATERMARK "watermark" "damage to acknowledged bytes is told from a torn tail";
    SYNCED_WHOLE "synced-whole" "a slab with a successor must be whole";
    IDLE_WATERMARK "idle-watermark" "damage to the newest acknowledged bytes shows once the writer has been idle";
    ROTATION_OUTCOME "rotation-outcome" "a failed sync is known before another sync of the same file may succeed";
    ROTATION_LATCH "rotation-latch" "no slab gets a successor after a sync failed";
    LATCH "latch" "nothing counts as durable after a failed sync";
    CHECKPOINT_DURABLE "checkpoint-durable" "a slab goes only once its successor's checkpoint is on the medium";
    CONTROL_RESERVE "control-reserve" "what frees space can always be written";
    DIRECTORY_LOCK "directory-lock" "one process at a time writes to a directory";
    READ_META_CHECKSUM "read-meta-checksum" "a record that is read back is as it was written";
    READ_PAYLOAD_CHECKSUM "read-payload-checksum" "a task that is taken is as it was put";
    TASK_DURABLE "task-durable" "a task that was put is on the medium";
    PUBLISH_AFTER_SYNC "publish-after-sync" "only what was written before a sync began counts as synced by it";
    SYNC_TURN "sync-turn" "of two syncs, the one that learns that bytes are lost is believed";
    WAKE_DURABLE "wake-durable" "who waits for durability learns of it";
    HAND_OVER "hand-over" "what an appender that is alone leaves undone is done by the threads";
    BELL_COUNTED "bell-counted" "what comes between a thread's look and its sleep wakes it";
    LOOK_AGAIN "look-again" "a task that became visible just before its taker waited is found";
}
