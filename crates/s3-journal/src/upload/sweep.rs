//! Which open uploads in the bucket may be given up: our own that nobody will complete, and, when asked for, those that
//! other incarnations of this id left long ago. Never anyone else's: keys are read whole, and id, incarnation and run
//! compared as such. Pure.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use crate::bucket::OpenUpload;
use crate::object::{Id, Incarnation, ObjectKey};
use crate::sabotage;

/// What a sweep goes by.
#[derive(Debug, Clone)]
pub struct SweepRules {
    /// Our id.
    pub id: Id,
    /// This life of the local directory.
    pub incarnation: Incarnation,
    /// The openings of it that are known: a copy of the directory has others.
    pub runs: VecDeque<u32>,
    /// Objects below this number are in the bucket: nothing of theirs is needed.
    pub uploaded_number: u64,
    /// Uploads of other incarnations of this id are given up when they are older.
    pub expiration: Option<Duration>,
}

impl SweepRules {
    /// Whether an open upload may be aborted, at `now` by the wall clock.
    pub fn may_abort(&self, upload: &OpenUpload, now: SystemTime) -> bool {
        let Some(key) = ObjectKey::parse(&upload.key) else { return false };
        let name = key.name;
        if name.id != self.id && sabotage::EXPIRATION_KNOWS_ITS_ID.is_on() {
            return false;
        }
        if name.incarnation == self.incarnation {
            let is_known = self.runs.contains(&name.run.0) || sabotage::SWEEP_KNOWS_ITS_RUNS.is_off();
            let is_over = name.number < self.uploaded_number || sabotage::SWEEP_LEAVES_THE_REST.is_off();
            return is_known && is_over;
        }
        let (Some(expiration), Some(initiated)) = (self.expiration, upload.initiated) else { return false };
        now.duration_since(initiated).is_ok_and(|age| age > expiration)
    }
}
