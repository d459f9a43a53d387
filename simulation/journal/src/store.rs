//! The simulated S3: a bucket in memory that is as strict as Amazon's, in several dialects, with permissions and outages.
//! Carries calls out; whether they arrive and are answered is the network's. Knows the faults.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use durable_queue::fake::{Dice, FakeClock};
use s3_journal::bucket::{Bucket, BucketError, BucketErrorKind, MemoryBucket, Metadata};
use s3_journal::simulation::{Answer, Call};

use crate::faults::{Fault, Faults};

/// What sets a store apart from Amazon's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dialect {
    /// It knows nothing of an upload once it is completed (MinIO, StorageGRID).
    pub forgets_completed: bool,
    /// ListParts tells no checksums (SeaweedFS).
    pub lists_no_sums: bool,
    /// HEAD tells no checksums (many).
    pub heads_no_sums: bool,
    /// It can't write create-only: 501 (Swift).
    pub cannot_condition: bool,
    /// Parts must be of one size, but for the last (R2).
    pub wants_equal_parts: bool,
}

/// What isn't permitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Denied {
    pub head: bool,
    pub list_parts: bool,
    pub list_uploads: bool,
    pub abort: bool,
}

/// What a store refuses everything with, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Nothing reaches it.
    Outage,
    Forbidden,
    NoSuchBucket,
    SlowDown,
}

/// An object that has come to be, or was written over.
#[derive(Debug)]
pub struct Written {
    pub key: String,
    pub bytes: Bytes,
    pub metadata: Metadata,
    /// An object at this key was taken away before.
    pub was_taken_away: bool,
    /// It was written over with other bytes, in a store that doesn't know create-only writes.
    pub is_other: bool,
}

/// The store.
#[derive(Debug, Clone)]
pub struct Store {
    bucket: MemoryBucket,
    pub dialect: Dialect,
    pub denied: Denied,
    pub denied_for_good: Denied,
    pub closed: Option<Closed>,
    /// What was written at each key, ever.
    sums: BTreeMap<String, (usize, u64)>,
    foreign: BTreeSet<String>,
    /// Where something foreign has been.
    ever_foreign: BTreeSet<String>,
    taken_away: BTreeSet<String>,
}

impl Store {
    pub fn draw(dice: &mut Dice, faults: Faults, clock: FakeClock) -> Self {
        let mut dialect = Dialect::default();
        if faults.has(Fault::Dialect) {
            dialect = Dialect {
                forgets_completed: dice.one_in(2),
                lists_no_sums: dice.one_in(3),
                heads_no_sums: dice.one_in(4),
                cannot_condition: dice.one_in(8),
                wants_equal_parts: dice.one_in(2),
            };
        }
        let mut denied_for_good = Denied::default();
        // Where looking isn't permitted, a foreign object at a key that was written to can't be told: SEMANTICS names it.
        if faults.has(Fault::Privilege) && dice.one_in(2) {
            let head = dice.one_in(2) && !faults.has(Fault::Foreign);
            denied_for_good = Denied {
                head,
                list_parts: dice.one_in(2),
                list_uploads: dice.one_in(2),
                abort: dice.one_in(4),
            };
        }
        let bucket = MemoryBucket::new()
            .with_part_size_min(1)
            .with_page_entries(1 + usize::try_from(dice.below(5)).unwrap_or(0))
            .with_repeated_complete(!dialect.forgets_completed)
            .with_clock(Arc::new(clock));
        Self {
            bucket,
            dialect,
            denied: Denied::default(),
            denied_for_good,
            closed: None,
            sums: BTreeMap::new(),
            foreign: BTreeSet::new(),
            ever_foreign: BTreeSet::new(),
            taken_away: BTreeSet::new(),
        }
    }

    /// Amazon's, with all permissions.
    pub fn plain(dialect: Dialect, clock: FakeClock) -> Self {
        let mut store = Self::draw(&mut Dice::new(0), Faults::NONE, clock);
        store.dialect = dialect;
        store.bucket = store.bucket.with_repeated_complete(!dialect.forgets_completed);
        store
    }

    /// A copy that goes its own way, and by another clock.
    pub fn fork(&self, clock: FakeClock) -> Self {
        Self { bucket: self.bucket.fork().with_clock(Arc::new(clock)), ..self.clone() }
    }

    /// The same for stores that hold the same.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        for (key, object) in self.bucket.objects() {
            (key, object.crc64nvme, object.metadata).hash(hasher);
        }
        for upload in self.bucket.open_uploads() {
            let parts = now(self.bucket.list_parts(&upload.key, &upload.upload_id)).unwrap_or_default();
            (upload.key, upload.upload_id).hash(hasher);
            for part in parts {
                (part.number, part.etag).hash(hasher);
            }
        }
    }

    /// The bucket itself, for a journal to be opened on and for readers.
    pub fn bucket(&self) -> MemoryBucket {
        self.bucket.clone()
    }

    /// Carries a call out; says what came to be by it.
    pub fn carry_out(&mut self, call: &Call) -> Result<(Answer, Option<Written>), String> {
        if let Some(refusal) = self.refusal(call) {
            return Ok((refused(call, &refusal), None));
        }
        if let Call::Complete { parts, .. } = call
            && self.dialect.wants_equal_parts
        {
            let mut before_last = parts.iter().rev().skip(1).map(|part| part.len_bytes);
            let first = before_last.next();
            if before_last.any(|len| Some(len) != first) {
                return Err(format!("the parts before the last are of several sizes: {parts:?}"));
            }
        }
        let mut answer = now(call.perform(&self.bucket));
        match &mut answer {
            Answer::ListParts(Ok(parts)) if self.dialect.lists_no_sums => {
                for part in parts {
                    part.crc64nvme = None;
                }
            }
            Answer::Head(Ok(Some(head))) if self.dialect.heads_no_sums => head.crc64nvme = None,
            _ => {}
        }
        let written = match (call, &answer) {
            (Call::Put { key, .. }, Answer::Put(Ok(())))
            | (Call::Complete { key, .. }, Answer::Complete(Ok(()))) => Some(self.written(key)?),
            _ => None,
        };
        Ok((answer, written))
    }

    fn refusal(&self, call: &Call) -> Option<(BucketErrorKind, &'static str)> {
        match self.closed {
            Some(Closed::Outage) => return Some((BucketErrorKind::NotSent, "Outage")),
            Some(Closed::Forbidden) => return Some((BucketErrorKind::Forbidden, "AccessDenied")),
            Some(Closed::NoSuchBucket) => return Some((BucketErrorKind::NoSuchBucket, "NoSuchBucket")),
            Some(Closed::SlowDown) => return Some((BucketErrorKind::Throttled, "SlowDown")),
            None => {}
        }
        let denied = match call {
            Call::Head { .. } => self.denied.head || self.denied_for_good.head,
            Call::ListParts { .. } => self.denied.list_parts || self.denied_for_good.list_parts,
            Call::ListUploads { .. } => self.denied.list_uploads || self.denied_for_good.list_uploads,
            Call::Abort { .. } => self.denied.abort || self.denied_for_good.abort,
            _ => false,
        };
        if denied {
            return Some((BucketErrorKind::Forbidden, "AccessDenied"));
        }
        let conditional =
            matches!(call, Call::Put { create_only: true, .. } | Call::Complete { create_only: true, .. });
        (conditional && self.dialect.cannot_condition)
            .then_some((BucketErrorKind::Unsupported, "NotImplemented"))
    }

    /// What is at a key now; whether it may be there.
    fn written(&mut self, key: &str) -> Result<Written, String> {
        let bytes = now(self.bucket.get_range(key, 0, u64::MAX)).map_err(|error| error.to_string())?;
        let head = now(self.bucket.head(key)).map_err(|error| error.to_string())?;
        let head = head.ok_or_else(|| format!("{key} was written and isn't there"))?;
        if self.foreign.contains(key) {
            return Err(format!("the foreign object at {key} was written over"));
        }
        let sum = (bytes.len(), head.crc64nvme.unwrap_or(0));
        let before = self.sums.insert(key.to_owned(), sum);
        let is_other = before.is_some_and(|before| before != sum);
        if let Some(before) = before
            && is_other
            && !self.dialect.cannot_condition
        {
            return Err(format!("{key} was written with other bytes: {} instead of {}", sum.0, before.0));
        }
        let was_taken_away = self.taken_away.contains(key);
        Ok(Written { key: key.to_owned(), bytes, metadata: head.metadata, was_taken_away, is_other })
    }

    /// Whether something is at a key.
    fn has(&self, key: &str) -> bool {
        now(self.bucket.head(key)).is_ok_and(|head| head.is_some())
    }

    /// A consumer takes an object away.
    pub fn take_away(&mut self, key: &str) {
        if self.bucket.delete(key) {
            self.taken_away.insert(key.to_owned());
        }
    }

    /// Whether an object was taken away: the stream in the bucket isn't whole any more.
    pub fn is_taken_from(&self) -> bool {
        !self.taken_away.is_empty()
    }

    /// Somebody else puts something at a free key.
    pub fn put_foreign(&mut self, key: &str) -> bool {
        let is_free = !self.has(key);
        if is_free {
            self.bucket.put_foreign(key, Bytes::from_static(b"something else"));
            self.foreign.insert(key.to_owned());
            self.ever_foreign.insert(key.to_owned());
        }
        is_free
    }

    /// Whether something foreign has been at the key: from then on the log doesn't call it sent.
    pub fn was_foreign(&self, key: &str) -> bool {
        self.ever_foreign.contains(key)
    }

    pub fn foreign(&self) -> Vec<String> {
        self.foreign.iter().cloned().collect()
    }

    /// Somebody else's object goes away.
    pub fn remove_foreign(&mut self, key: &str) {
        if self.foreign.remove(key) {
            self.bucket.delete(key);
        }
    }

    /// All uploads are aborted by somebody.
    pub fn abort_all(&self) -> usize {
        self.bucket.abort_all()
    }

    pub fn open_uploads(&self) -> Vec<String> {
        self.bucket
            .open_uploads()
            .into_iter()
            .map(|upload| format!("{} {}", upload.key, upload.upload_id))
            .collect()
    }

    /// Nothing is refused any more but what never was permitted; with `may_look` an operator permits looking, too.
    pub fn mend(&mut self, may_look: bool) {
        self.closed = None;
        self.denied = Denied::default();
        self.denied_for_good.head &= !may_look;
        for key in self.foreign() {
            self.remove_foreign(&key);
        }
    }
}

/// The answer to a call that failed.
pub fn refused(call: &Call, (kind, code): &(BucketErrorKind, &'static str)) -> Answer {
    let error = BucketError::new(*kind, *code, "simulated");
    match call {
        Call::Put { .. } => Answer::Put(Err(error)),
        Call::CreateUpload { .. } => Answer::CreateUpload(Err(error)),
        Call::UploadPart { .. } => Answer::UploadPart(Err(error)),
        Call::Complete { .. } => Answer::Complete(Err(error)),
        Call::Abort { .. } => Answer::Abort(Err(error)),
        Call::ListParts { .. } => Answer::ListParts(Err(error)),
        Call::ListUploads { .. } => Answer::ListUploads(Err(error)),
        Call::Head { .. } => Answer::Head(Err(error)),
    }
}

/// The output of a future that never waits, as a bucket in memory gives them.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a bucket in memory doesn't wait"),
    }
}
