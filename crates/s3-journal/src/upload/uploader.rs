//! Objects to the bucket, strictly in order: loads from the log, drives each object's protocol, appends what it asks to
//! be recorded, acknowledges, frees slabs, sweeps. [`Uploader::step`] never blocks on the bucket: it hands out calls
//! and is told the answers.

mod damage;
mod sweeping;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use durable_queue::Position;
use durable_queue::clock::Clock;
use durable_queue::disk::Disk;
use durable_queue::random::Random;

use super::backoff::Backoff;
use super::call::{Answer, Call, CallId};
use super::loader::{Loaded, Loader, Sealed};
use super::object_upload::{Action, Known, ObjectUpload, SealInfo, Token};
use super::report::{self, Reporter};
use crate::bucket::{BucketErrorKind, UploadMarker};
use crate::error::JournalFailure;
use crate::ledger::{Ledger, LedgerError};
use crate::milestone::Milestone;
use crate::object::{Id, Incarnation, ObjectMetadata};
use crate::record::{Record, SendingState, Sent, UploadStarted, Uploaded, UploadedHow};
use crate::sabotage;
use crate::stats::Counters;
use crate::sync::Doorbell;

/// How often uploads of other incarnations are looked at, when an expiration is set.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);

/// How long it is waited, at a time, for the log to tell what damage comes to.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Somebody who waits for entries to leave the queue.
pub trait Room: std::fmt::Debug + Send + Sync {
    /// Some have.
    fn room_may_have_come(&self);
}

/// What an uploader works by.
#[derive(Debug)]
pub struct UploaderSetup {
    /// Where records come from and go to.
    pub ledger: Arc<Ledger>,
    /// Who is told of uploaded entries.
    pub uploaded: Arc<Milestone>,
    /// Whose submitters may have room when entries have left the queue.
    pub room: Arc<dyn Room>,
    /// Who counts.
    pub counters: Arc<Counters>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// For the backoff.
    pub random: Arc<dyn Random>,
    /// The bucket's name, for messages.
    pub store: String,
    /// What all keys start with.
    pub listing_prefix: String,
    /// Whose objects.
    pub id: Id,
    /// In which life of the directory.
    pub incarnation: Incarnation,
    /// Parts that go up side by side.
    pub parallel_max: usize,
    /// Size of new objects' parts in bytes.
    pub part_size_bytes: u64,
    /// Uploads of other incarnations of this id are given up when they are older.
    pub expiration: Option<Duration>,
    /// Where the queue is, and on which disk.
    pub local_directory: PathBuf,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// Damage in the queue is passed by, and kept aside.
    pub quarantine: bool,
    /// Who ends an object that is damaged while it is still open.
    pub scribe_bell: Arc<Doorbell>,
}

/// What to do after a step.
#[derive(Debug, Default)]
pub struct UploaderStep {
    /// Requests to make; tell each answer by `Uploader::answered`.
    pub calls: Vec<(CallId, Call)>,
    /// Something was done: step again.
    pub worked: bool,
    /// When to step again if nothing happens, by the monotonic clock.
    pub wake_at: Option<Duration>,
    /// A call that failed is made again then, and nothing else is waited for.
    pub only_backs_off: bool,
    /// Everything that is sealed is uploaded and acknowledged.
    pub drained: bool,
}

/// Whose answer a call's is.
#[derive(Debug, Clone, Copy)]
enum Owner {
    Object(u64, Token),
    /// An object's that was begun anew since.
    Nobody,
    Sweep,
    SweepAbort,
}

/// The object at hand.
#[derive(Debug)]
struct AtHand {
    upload: ObjectUpload,
    sealed: Option<Sealed>,
    /// The *Sent* record ends here in the log and isn't durable yet.
    sent_end: Option<Position>,
}

/// What stopped the upload.
#[derive(Debug)]
struct LoadFailure {
    reason: String,
    /// It is only waited for the log to tell more.
    is_passing: bool,
    /// When to look again; never for damage.
    again_at: Option<Duration>,
}

impl LoadFailure {
    fn waits(&self, now: Duration) -> bool {
        self.again_at.is_none_or(|at| now < at)
    }
}

/// How far the sweep has come.
#[derive(Debug)]
enum Sweep {
    Idle,
    /// Due, not before this time.
    Due(Duration),
    /// A page is asked for.
    Listing,
    /// A page was looked at, and there is another.
    More(UploadMarker),
    /// The store doesn't permit it.
    NotPermitted,
}

/// The uploader.
#[derive(Debug)]
pub struct Uploader {
    setup: UploaderSetup,
    loader: Loader,
    at_hand: Option<AtHand>,
    /// Records that the log had no room for yet, in order.
    records: VecDeque<Record>,
    /// The object is proved; its acknowledgement waits in `records`.
    acknowledging: bool,
    /// Acknowledgements that aren't durable yet: where they end, and what they free.
    acknowledged: VecDeque<(Position, Position)>,
    calls: BTreeMap<CallId, (Owner, &'static str)>,
    next_call: u64,
    known: Known,
    sweep: Sweep,
    sweep_backoff: Backoff,
    /// An abort failed: don't list again before this time.
    sweep_not_before: Duration,
    /// Sweep again once drained: an upload may have been left whose id nobody learnt.
    sweep_when_drained: bool,
    next_expiry: Duration,
    reporter: Reporter,
    /// The log can't be read further.
    load_failure: Option<LoadFailure>,
    /// What is to be passed by, kept aside already: its record waits in `records`.
    quarantining: bool,
    /// Nothing came although something should be there. It may have come to be durable just after it was looked for.
    misses_object: bool,
    #[cfg(feature = "simulation")]
    meanwhile: Meanwhile,
    failed: Option<Arc<JournalFailure>>,
}

/// What other threads do just when the log was found to hold nothing more.
#[cfg(feature = "simulation")]
#[derive(Default)]
struct Meanwhile(Option<Box<dyn FnOnce() + Send>>);

#[cfg(feature = "simulation")]
impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Meanwhile").field(&self.0.is_some()).finish()
    }
}

impl Uploader {
    /// An uploader that goes on where the ledger's state says.
    pub fn new(setup: UploaderSetup) -> Self {
        let (cursor, pending) =
            setup.ledger.state(|state| (state.cursor, state.uploaded_number < state.next_number));
        let cursor = cursor.max(setup.ledger.log().oldest());
        let loader = Loader::new(setup.ledger.log().clone(), cursor, setup.parallel_max.max(2));
        let now = setup.clock.monotonic();
        Self {
            loader,
            at_hand: None,
            records: VecDeque::new(),
            acknowledging: false,
            acknowledged: VecDeque::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            known: Known::default(),
            sweep: Sweep::Due(now),
            sweep_backoff: Backoff::default(),
            sweep_not_before: Duration::ZERO,
            sweep_when_drained: pending,
            next_expiry: now + SWEEP_INTERVAL,
            reporter: Reporter::default(),
            load_failure: None,
            quarantining: false,
            misses_object: false,
            #[cfg(feature = "simulation")]
            meanwhile: Meanwhile::default(),
            failed: None,
            setup,
        }
    }

    /// What stopped the whole journal, if the uploader found it.
    pub fn failure(&self) -> Option<&Arc<JournalFailure>> {
        self.failed.as_ref()
    }

    /// Whether looking at a key has been permitted at some time.
    #[cfg(feature = "simulation")]
    pub fn may_look(&self) -> bool {
        self.known_now().may_look
    }

    fn known_now(&self) -> Known {
        self.at_hand.as_ref().map_or(self.known, |at_hand| at_hand.upload.known())
    }

    /// Once, just when the log is found to hold nothing more, this is done.
    #[cfg(feature = "simulation")]
    pub fn meanwhile(&mut self, meanwhile: Box<dyn FnOnce() + Send>) {
        self.meanwhile = Meanwhile(Some(meanwhile));
    }

    /// Whether a sweep is due or under way.
    pub fn is_sweeping(&self) -> bool {
        let aborts = self.calls.values().any(|(owner, _)| matches!(owner, Owner::SweepAbort));
        aborts || matches!(self.sweep, Sweep::Due(_) | Sweep::Listing | Sweep::More(_))
    }

    /// Does what can be done now.
    pub fn step(&mut self) -> UploaderStep {
        let now = self.setup.clock.monotonic();
        let mut step = UploaderStep::default();
        step.worked |= self.append_records();
        step.worked |= self.free();
        step.worked |= self.load(now);
        step.worked |= self.look_whether_sent_is_durable();
        let actions = self.at_hand.as_mut().map(|at_hand| at_hand.upload.next(now)).unwrap_or_default();
        step.worked |= !actions.is_empty();
        self.carry_out(actions, &mut step.calls);
        self.sweep(now, &mut step.calls);
        self.ask_for_sync();
        (step.wake_at, step.only_backs_off) = self.wake_at();
        step.drained = self.is_drained();
        self.report_health();
        step
    }

    /// The answer to a call.
    pub fn answered(&mut self, id: CallId, answer: Answer) -> Vec<(CallId, Call)> {
        let now = self.setup.clock.monotonic();
        let mut calls = Vec::new();
        let Some((owner, what)) = self.calls.remove(&id) else { return calls };
        match (answer.error(), owner) {
            (None, _) => self.setup.counters.call_succeeded(),
            (Some(error), Owner::Object(..) | Owner::Nobody) => {
                // A taken key, or an upload that is gone, is settled by looking: no news for an operator.
                let expected = match error.kind() {
                    BucketErrorKind::PreconditionFailed | BucketErrorKind::NoSuchUpload => true,
                    // That it can't write create-only is told once it took a plain write: it may be something else.
                    BucketErrorKind::Unsupported => is_write(what) && self.known_now().create_only,
                    _ => false,
                };
                if !expected {
                    self.setup.counters.call_failed(what, error, self.setup.clock.wall());
                    self.reporter.call_failed(what, &self.setup.store, error, now);
                }
            }
            (Some(error), _) => tracing::debug!(what, %error, "sweeping open uploads failed"),
        }
        match owner {
            Owner::Object(number, token) => {
                let random = self.random();
                let at_hand = self.at_hand.as_mut().filter(|at_hand| at_hand.upload.plan().number == number);
                if let Some(at_hand) = at_hand {
                    let actions = at_hand.upload.answered(token, answer, now, random);
                    self.carry_out(actions, &mut calls);
                }
            }
            // It may have created an upload that nobody knows of.
            Owner::Nobody => self.sweep_when_drained = true,
            Owner::Sweep => self.swept(answer, now, &mut calls),
            Owner::SweepAbort => self.aborted(&answer, now),
        }
        calls
    }

    fn random(&self) -> u64 {
        // Without randomness the waits are merely not spread.
        let mut bytes = [0; 8];
        let _ = self.setup.random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Brings the protocol what it wants from the log.
    fn load(&mut self, now: Duration) -> bool {
        if self.acknowledging
            || self.quarantining
            || self.load_failure.as_ref().is_some_and(|failure| failure.waits(now))
        {
            return false;
        }
        self.load_failure = None;
        let mut worked = false;
        loop {
            let wants = match &self.at_hand {
                None => true,
                Some(at_hand) => at_hand.upload.wants_part(),
            };
            if !wants {
                return worked;
            }
            if self.at_hand.is_none() {
                let (number, cut) =
                    self.setup.ledger.state(|state| (state.uploaded_number, state.cut.clone()));
                self.loader.expect(number, cut);
            }
            let loaded = self.loader.next();
            #[cfg(feature = "simulation")]
            if matches!(loaded, Ok(Loaded::Nothing))
                && let Some(meanwhile) = self.meanwhile.0.take()
            {
                meanwhile();
            }
            match loaded {
                Ok(Loaded::Nothing) => return self.look_whether_it_is_gone(now) || worked,
                Ok(Loaded::Opened(mut plan)) => {
                    self.misses_object = false;
                    let (number, cut) =
                        self.setup.ledger.state(|state| (state.uploaded_number, state.cut.clone()));
                    let chain = self.setup.ledger.state(|state| state.chain_of(plan.number));
                    if let Some(previous) = chain.filter(|_| sabotage::CHAIN_SHOWS_THE_GAP.is_on()) {
                        ObjectMetadata::set_previous(&mut plan.metadata, previous);
                    }
                    let whole = cut
                        .filter(|cut| cut.number == plan.number && number == plan.number)
                        .and_then(|cut| cut.cut?.whole)
                        .map(|whole| SealInfo { len_bytes: whole.len_bytes, crc64nvme: whole.crc64nvme });
                    self.setup.counters.set_oldest_pending(ObjectMetadata::time_of(&plan.metadata));
                    let before = self.setup.ledger.state(|state| {
                        if state.uploaded_number == plan.number {
                            state.sending.clone()
                        } else {
                            SendingState::default()
                        }
                    });
                    // What was sent was sealed: its length and sum are needed to recognise it.
                    let sealed = if before.sent { self.loader.look_for_seal() } else { Ok(None) };
                    match sealed {
                        Ok(sealed) => {
                            let info = sealed.map(|sealed| sealed.info);
                            let (known, parallel_max) = (self.known, self.setup.parallel_max);
                            let mut upload = ObjectUpload::new(plan, &before, info, known, parallel_max);
                            if let Some(whole) = whole {
                                upload.or_whole(whole);
                            }
                            self.at_hand = Some(AtHand { upload, sealed, sent_end: None });
                        }
                        Err(error) => {
                            self.loader.forget_object();
                            return self.cannot_load(&error, now) || worked;
                        }
                    }
                }
                Ok(Loaded::Part(number, body)) => {
                    if let Some(at_hand) = &mut self.at_hand {
                        at_hand.upload.part(number, body);
                    }
                }
                Ok(Loaded::Sealed(sealed)) => {
                    if let Some(at_hand) = &mut self.at_hand {
                        at_hand.upload.sealed(sealed.info);
                        at_hand.sealed = Some(sealed);
                    }
                }
                Err(error) => return self.cannot_load(&error, now) || worked,
            }
            worked = true;
        }
    }

    fn carry_out(&mut self, actions: Vec<Action>, calls: &mut Vec<(CallId, Call)>) {
        let Some(number) = self.at_hand.as_ref().map(|at_hand| at_hand.upload.plan().number) else { return };
        for action in actions {
            match action {
                Action::Call(token, call) => calls.push(self.register(Owner::Object(number, token), call)),
                Action::RecordUpload(upload_id) => {
                    self.records.push_back(Record::UploadStarted(UploadStarted { number, upload_id }));
                }
                Action::RecordSent => self.records.push_back(Record::Sent(Sent { number, refused: false })),
                Action::RecordRefused => self.records.push_back(Record::Sent(Sent { number, refused: true })),
                Action::Rewind => {
                    self.loader.rewind();
                    if let Some(at_hand) = &mut self.at_hand {
                        at_hand.sent_end = None;
                    }
                }
                Action::Done(how) => self.proved(number, how),
            }
        }
        self.append_records();
    }

    fn register(&mut self, owner: Owner, call: Call) -> (CallId, Call) {
        let id = CallId(self.next_call);
        self.next_call += 1;
        let what = match &call {
            Call::Put { .. } => "PutObject",
            Call::CreateUpload { .. } => "CreateMultipartUpload",
            Call::UploadPart { .. } => "UploadPart",
            Call::Complete { .. } => "CompleteMultipartUpload",
            Call::Abort { .. } => "AbortMultipartUpload",
            Call::ListParts { .. } => "ListParts",
            Call::ListUploads { .. } => "ListMultipartUploads",
            Call::Head { .. } => "HeadObject",
        };
        // An abort that comes to nothing is made good by a sweep.
        let owner = if matches!(call, Call::Abort { .. }) { Owner::SweepAbort } else { owner };
        self.calls.insert(id, (owner, what));
        (id, call)
    }

    fn proved(&mut self, number: u64, how: UploadedHow) {
        let Some(at_hand) = &self.at_hand else { return };
        // What was proved was sent, and what was sent was sealed.
        let Some(sealed) = at_hand.sealed else { return };
        let upload = &at_hand.upload;
        if self.known.create_only && !upload.known().create_only {
            report::overwrites(&self.setup.store, upload.known().may_look);
        }
        self.known = upload.known();
        self.sweep_when_drained |= upload.may_have_left_an_upload();
        let whole = upload.arrived_whole();
        self.setup.counters.object_uploaded(number, sealed.info.len_bytes, upload.reuploads());
        tracing::info!(
            key = %upload.plan().key,
            bytes = sealed.info.len_bytes,
            next_sequence = sealed.next_sequence,
            "object uploaded: {how}"
        );
        self.records.push_back(Record::Uploaded(Uploaded {
            number,
            next_sequence: sealed.next_sequence,
            cursor: sealed.end,
            how,
            len_bytes: sealed.info.len_bytes,
            whole,
        }));
        self.acknowledging = true;
        if whole {
            // It had arrived before part of it was damaged: that part is in the bucket.
            let arrived = self.setup.ledger.state(|state| {
                let cut = state.cut.as_ref()?;
                let parts = cut.cut.as_ref()?;
                Some((cut.first, (parts.whole?.entries).saturating_sub(parts.entries)))
            });
            if let Some((first, entries)) = arrived {
                self.setup.uploaded.arrived(first..first + entries);
                self.setup.counters.not_quarantined(entries);
            }
        }
        self.setup.uploaded.advance(sealed.next_sequence);
    }

    /// Appends what waits to be recorded, as far as the log has room.
    fn append_records(&mut self) -> bool {
        let mut worked = false;
        while let Some(record) = self.records.pop_front() {
            let end = match self.setup.ledger.append(&record, &[]) {
                Ok(appended) => Some(appended.end),
                Err(LedgerError::Busy | LedgerError::Full(_)) => {
                    self.records.push_front(record);
                    return worked;
                }
                // What was durable before the failure is still uploaded; that it was is known to this process only, and
                // found out again by looking at the bucket when the journal is reopened.
                Err(LedgerError::Failed(failure)) => {
                    self.failed.get_or_insert(failure);
                    None
                }
                Err(LedgerError::Closed) => None,
            };
            worked = true;
            self.recorded(&record, end);
        }
        worked
    }

    fn recorded(&mut self, record: &Record, end: Option<Position>) {
        match record {
            Record::Sent(sent) if !sent.refused => {
                if let Some(at_hand) = &mut self.at_hand {
                    match end {
                        Some(end) => {
                            at_hand.sent_end = Some(end);
                            self.setup.ledger.log().request_sync(end);
                        }
                        None => at_hand.upload.sent_is_durable(),
                    }
                }
            }
            Record::Uploaded(uploaded) => {
                self.acknowledging = false;
                self.at_hand = None;
                self.setup.counters.set_oldest_pending(None);
                self.loader.finish_object(uploaded.cursor);
                // Not before the state says so: whoever still finds no room then asks for the open object to be ended, and
                // that is done only if no other object waits.
                self.setup.room.room_may_have_come();
                if let Some(end) = end {
                    self.acknowledged.push_back((end, uploaded.cursor));
                }
            }
            Record::Quarantined(quarantined) => self.quarantined(quarantined, end),
            _ => {}
        }
    }

    fn look_whether_sent_is_durable(&mut self) -> bool {
        let durable = self.setup.ledger.log().durable();
        let failed = self.setup.ledger.log().failure().is_some();
        let Some(at_hand) = &mut self.at_hand else { return false };
        match at_hand.sent_end {
            // A log that has failed makes nothing durable any more: see `append_records`.
            Some(end) if end <= durable || failed => {
                at_hand.sent_end = None;
                at_hand.upload.sent_is_durable();
                true
            }
            _ => false,
        }
    }

    /// Frees slabs whose entries are all in the bucket, once the acknowledgement is durable.
    fn free(&mut self) -> bool {
        let durable = self.setup.ledger.log().durable();
        let mut freed = None;
        while let Some((end, cursor)) = self.acknowledged.front().copied() {
            if end > durable && sabotage::RELEASED_WHEN_ACKNOWLEDGED.is_on() {
                break;
            }
            freed = Some(cursor);
            self.acknowledged.pop_front();
        }
        if let Some(cursor) = freed {
            self.setup.ledger.log().release_before(cursor);
        }
        freed.is_some()
    }

    /// Without fsync per batch nothing becomes durable by itself: asks for what is worth an upload.
    fn ask_for_sync(&self) {
        let log = self.setup.ledger.log();
        let (appended, durable) = (log.appended(), log.durable());
        if durable >= appended {
            return;
        }
        let sealed = self.setup.ledger.state(|state| {
            state.open.as_ref().map_or(state.next_number, |open| open.number) > state.uploaded_number
        });
        let waiting_bytes = if appended.slab == durable.slab {
            appended.offset_bytes.saturating_sub(durable.offset_bytes)
        } else {
            u64::MAX
        };
        if sealed || !self.acknowledged.is_empty() || waiting_bytes >= self.setup.part_size_bytes {
            log.request_sync(appended);
        }
    }

    fn is_drained(&self) -> bool {
        self.at_hand.is_none()
            && self.records.is_empty()
            && self.setup.ledger.state(crate::record::State::is_drained)
    }

    /// When to step again at the latest, and whether that is only to make a call again that failed.
    fn wake_at(&self) -> (Option<Duration>, bool) {
        let now = self.setup.clock.monotonic();
        let upload = self.at_hand.as_ref().and_then(|at_hand| at_hand.upload.wake_at());
        let sweep = match &self.sweep {
            Sweep::Due(at) => Some(*at),
            Sweep::More(_) => Some(now),
            Sweep::Idle | Sweep::Listing | Sweep::NotPermitted => None,
        };
        let expiry = matches!(self.sweep, Sweep::Idle) && self.setup.expiration.is_some();
        let expiry = expiry.then_some(self.next_expiry);
        let load = self.load_failure.as_ref().and_then(|failure| failure.again_at);
        // Records that found no room are tried again soon.
        let records = (!self.records.is_empty()).then(|| now + Duration::from_millis(100));
        let waits_for_log =
            records.is_some() || self.at_hand.as_ref().is_some_and(|at_hand| at_hand.sent_end.is_some());
        let backoff = [upload, sweep].into_iter().flatten().min();
        let wake_at = [backoff, expiry, load, records].into_iter().flatten().min();
        (wake_at, backoff.is_some() && backoff == wake_at && !waits_for_log && self.calls.is_empty())
    }

    fn report_health(&mut self) {
        if let Some(at_hand) = &self.at_hand
            && at_hand.upload.is_stopped_by_foreign_object()
        {
            let key = at_hand.upload.plan().key.clone();
            let reason = format!(
                "an object that this journal didn't write is at the key {key}; it is left alone and entries are kept; remove it and the upload goes on"
            );
            self.reporter.stopped(&key, &reason, self.setup.clock.monotonic());
            self.setup.counters.upload_stopped(reason, self.setup.clock.wall());
            return;
        }
        match &self.load_failure {
            Some(failure) if !failure.is_passing => {
                self.setup.counters.upload_stopped(failure.reason.clone(), self.setup.clock.wall());
            }
            _ => self.setup.counters.upload_goes_on(),
        }
    }
}

/// Whether a call makes an object visible.
fn is_write(what: &str) -> bool {
    matches!(what, "PutObject" | "CompleteMultipartUpload")
}

/// An error with its causes, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
