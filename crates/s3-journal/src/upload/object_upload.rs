//! The upload protocol for one object. Pure: it is told of parts, seals and answers, and says what to do next.
//!
//! What it keeps to (docs/DESIGN.md, "The upload protocol"):
//! * an object is proved by a success, by what a HEAD shows, or, where HEAD isn't permitted, by a refusal because the
//!   key is taken when only this journal can have taken it; nothing else releases local bytes;
//! * before the first request that can make the object visible, a *Sent* record is durable;
//! * a lost answer is settled by identity (length, checksum, metadata), never by existence;
//! * every write is create-only where the store can do that;
//! * an upload that is gone, conflicts or doesn't fit is begun anew from the log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use super::backoff::{BACKOFF_MAX, Backoff};
use super::call::{Answer, Call};
use super::pace::Pace;
use crate::bucket::{BucketError, BucketErrorKind, Head, Metadata, Part};
use crate::record::{SendingState, UploadedHow};
use crate::sabotage;

/// What the log says of an object when it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its number.
    pub number: u64,
    /// Its key.
    pub key: String,
    /// Its user metadata.
    pub metadata: Metadata,
    /// Size of its parts in bytes, all but the last.
    pub part_size_bytes: u64,
}

/// What the log says of an object when it is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealInfo {
    /// Its length in bytes.
    pub len_bytes: u64,
    /// CRC-64/NVME of its bytes.
    pub crc64nvme: u64,
}

/// A part's bytes.
#[derive(Debug, Clone)]
pub struct PartBody {
    /// The bytes.
    pub bytes: Bytes,
    /// Their CRC-64/NVME.
    pub crc64nvme: u64,
}

/// What is to be done.
#[derive(Debug)]
pub enum Action {
    /// Make this request and tell the answer, with the token.
    Call(Token, Call),
    /// Append that an upload was created; nothing waits for it.
    RecordUpload(String),
    /// Append that the object is about to be sent, and call [`ObjectUpload::sent_is_durable`] once that is durable.
    RecordSent,
    /// Append that nothing of ours is at the key after all; nothing waits for it.
    RecordRefused,
    /// Hand the object's parts over again, from the first.
    Rewind,
    /// The object is in the bucket.
    Done(UploadedHow),
}

/// What was found out about the store. Kept from object to object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Create-only writes work, or weren't yet found not to.
    pub create_only: bool,
    /// A HEAD was answered: looking is permitted. A refusal later on is one that will pass.
    pub may_look: bool,
    /// How many parts the store bears side by side.
    pub pace: Pace,
}

impl Default for Known {
    fn default() -> Self {
        Self { create_only: true, may_look: false, pace: Pace::default() }
    }
}

/// Ties an answer to what asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Answers to what an abandoned attempt asked for mean nothing to its successor.
    attempt: u32,
    /// The part, for parts.
    part: Option<u32>,
}

/// Why a HEAD is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// The log says that an earlier run sent the object.
    SentBefore,
    /// The key is taken.
    Taken,
    /// The upload is gone, or can't be completed: it is begun anew unless the object is there.
    NeedsNewUpload,
    /// No clear answer came.
    NoAnswer,
    /// The store can't write create-only: look before writing.
    BeforeWriting,
    /// Something else stood at the key.
    Foreign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Look(Doubt),
    LookForParts,
    Gather,
    Create,
    Parts,
    Finish,
    Done,
}

/// The upload of one object.
#[derive(Debug)]
pub struct ObjectUpload {
    plan: Plan,
    parallel_max: usize,
    phase: Phase,
    attempt: u32,
    /// A call other than a part's, or a record, is under way.
    busy: bool,
    not_before: Duration,
    /// Of calls that failed; over as soon as a write succeeds.
    backoff: Backoff,
    /// Of attempts to make the object visible: that looking works, or parts, doesn't mean that this will.
    write_backoff: Backoff,
    upload_id: Option<String>,
    /// What an earlier run's upload holds.
    reusable: BTreeMap<u32, Part>,
    done: BTreeMap<u32, Part>,
    waiting: BTreeMap<u32, PartBody>,
    flying: BTreeMap<u32, PartBody>,
    sealed: Option<SealInfo>,
    /// The *Sent* record is durable.
    sent_recorded: bool,
    /// A request that can make the object visible was sent and not clearly refused.
    may_be_there: bool,
    /// A Complete was sent for the present upload.
    complete_sent: bool,
    known: Known,
    /// The key was looked at just now, for stores that can't write create-only.
    looked: bool,
    foreign: bool,
    /// Something foreign was at the key before: a refusal proves nothing any more.
    was_foreign: bool,
    sweep_due: bool,
    reuploads: u64,
    orphans: BTreeSet<String>,
    /// Where it ends early: what it would have been, and may have arrived as before it was damaged here.
    whole: Option<SealInfo>,
    arrived_whole: bool,
}

impl ObjectUpload {
    /// The upload of the object that `plan` describes; `before` is what earlier runs recorded of it, and `sealed` its
    /// end, which must be known if they had sent it. `parallel_max` parts go up side by side.
    pub fn new(
        plan: Plan,
        before: &SendingState,
        sealed: Option<SealInfo>,
        known: Known,
        parallel_max: usize,
    ) -> Self {
        let phase = match (before.sent, &before.upload_id) {
            (true, _) => Phase::Look(Doubt::SentBefore),
            (false, Some(_)) => Phase::LookForParts,
            (false, None) => Phase::Gather,
        };
        Self {
            plan,
            parallel_max: parallel_max.max(1),
            phase,
            attempt: 0,
            busy: false,
            not_before: Duration::ZERO,
            backoff: Backoff::default(),
            write_backoff: Backoff::default(),
            upload_id: before.upload_id.clone(),
            reusable: BTreeMap::new(),
            done: BTreeMap::new(),
            waiting: BTreeMap::new(),
            flying: BTreeMap::new(),
            sealed,
            sent_recorded: before.sent,
            may_be_there: before.sent,
            complete_sent: before.sent && before.upload_id.is_some(),
            known,
            looked: false,
            foreign: false,
            was_foreign: false,
            sweep_due: false,
            reuploads: 0,
            orphans: BTreeSet::new(),
            whole: None,
            arrived_whole: false,
        }
    }

    /// The object ends early; this is what it would have been. An earlier request may have made it that.
    pub fn or_whole(&mut self, whole: SealInfo) {
        self.whole = Some(whole);
    }

    /// What is in the bucket is the object as it was before a part of it was damaged here.
    pub fn arrived_whole(&self) -> bool {
        self.arrived_whole
    }

    /// What the log says of the object.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether a part's bytes would be of use now.
    pub fn wants_part(&self) -> bool {
        let held_max = match self.phase {
            // A put takes up to two parts. More are of no use before there is an upload: with the store down they would only be held.
            Phase::Gather | Phase::Create => 2,
            Phase::Parts => self.parallel_max.max(2),
            _ => return false,
        };
        // A short part is the last: what follows it is the seal.
        self.whole_parts_held() < held_max
    }

    fn whole_parts_held(&self) -> usize {
        let held = self.waiting.values().chain(self.flying.values());
        held.filter(|body| body.bytes.len() as u64 >= self.plan.part_size_bytes).count()
    }

    /// Something that isn't ours is at the key.
    pub fn is_stopped_by_foreign_object(&self) -> bool {
        self.foreign
    }

    /// Whether the store may hold an upload of this object that nobody knows the id of.
    pub fn may_have_left_an_upload(&self) -> bool {
        self.sweep_due
    }

    /// What was found out about the store.
    pub fn known(&self) -> Known {
        self.known
    }

    /// How often the object was sent again although it had been sent.
    pub fn reuploads(&self) -> u64 {
        self.reuploads
    }

    /// When to ask again, if nothing happens before; `None` when only an event helps.
    pub fn wake_at(&self) -> Option<Duration> {
        (self.not_before > Duration::ZERO && self.phase != Phase::Done).then_some(self.not_before)
    }

    /// Part `number`'s bytes.
    pub fn part(&mut self, number: u32, body: PartBody) {
        let reusable = self.reusable.remove(&number).filter(|part| {
            sabotage::REUSED_PART_CHECKSUM.is_off()
                || part.len_bytes == body.bytes.len() as u64 && part.crc64nvme == Some(body.crc64nvme)
        });
        match reusable {
            Some(part) => {
                self.done.insert(number, part);
            }
            None => {
                self.waiting.insert(number, body);
            }
        }
    }

    /// The object ends here; every part has been or will be handed over.
    pub fn sealed(&mut self, sealed: SealInfo) {
        self.sealed = Some(sealed);
    }

    /// What [`Action::RecordSent`] asked for is done.
    pub fn sent_is_durable(&mut self) {
        self.busy = false;
        self.sent_recorded = true;
    }

    /// What to do now, by the monotonic clock.
    pub fn next(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        if now < self.not_before {
            return actions;
        }
        self.not_before = Duration::ZERO;
        if self.phase == Phase::Parts {
            self.send_parts(&mut actions);
        }
        while !self.busy {
            let phase = self.phase;
            self.advance(&mut actions);
            if phase == self.phase {
                break;
            }
        }
        actions
    }

    fn advance(&mut self, actions: &mut Vec<Action>) {
        match self.phase {
            Phase::Look(_) => self.call(actions, Call::Head { key: self.plan.key.clone() }),
            Phase::LookForParts => match self.upload_id.clone() {
                Some(upload_id) => {
                    self.call(actions, Call::ListParts { key: self.plan.key.clone(), upload_id });
                }
                None => self.phase = Phase::Gather,
            },
            Phase::Gather => self.gather(),
            Phase::Create => {
                let (key, metadata) = (self.plan.key.clone(), self.plan.metadata.clone());
                self.call(actions, Call::CreateUpload { key, metadata });
            }
            Phase::Parts => {
                self.send_parts(actions);
                if self.is_whole() && sabotage::KEPT_UNTIL_COMPLETE.is_off() {
                    self.proved(UploadedHow::Answered, actions);
                } else if self.is_whole() {
                    self.phase = Phase::Finish;
                }
            }
            Phase::Finish => self.finish(actions),
            Phase::Done => {}
        }
    }

    /// Decides between one put and an upload in parts, as soon as that can be decided.
    fn gather(&mut self) {
        let two_parts = self.plan.part_size_bytes.saturating_mul(2);
        let is_small = self.sealed.is_some_and(|sealed| sealed.len_bytes < two_parts);
        if is_small && self.is_whole() {
            self.phase = Phase::Finish;
        } else if !is_small && (self.sealed.is_some() || self.whole_parts_held() >= 2) {
            self.phase = Phase::Create;
        }
    }

    fn send_parts(&mut self, actions: &mut Vec<Action>) {
        let Some(upload_id) = self.upload_id.clone() else { return };
        while self.flying.len() < self.known.pace.allowed(self.parallel_max)
            && let Some((number, body)) = self.waiting.pop_first()
        {
            let call = Call::UploadPart {
                key: self.plan.key.clone(),
                upload_id: upload_id.clone(),
                number,
                body: body.bytes.clone(),
                crc64nvme: body.crc64nvme,
            };
            self.flying.insert(number, body);
            actions.push(Action::Call(Token { attempt: self.attempt, part: Some(number) }, call));
        }
    }

    /// Whether everything that the last request needs is at hand: the bytes of a put, or all parts in the upload.
    fn is_whole(&self) -> bool {
        let Some(sealed) = self.sealed else { return false };
        if self.upload_id.is_none() {
            let held: u64 = self.waiting.values().map(|body| body.bytes.len() as u64).sum();
            return held == sealed.len_bytes;
        }
        let parts = sealed.len_bytes.div_ceil(self.plan.part_size_bytes.max(1));
        self.waiting.is_empty() && self.flying.is_empty() && self.done.len() as u64 == parts
    }

    fn finish(&mut self, actions: &mut Vec<Action>) {
        let Some(sealed) = self.sealed else { return };
        // A key that was found foreign stays refused in the log, or a restart would take the other's object for ours.
        if !self.sent_recorded && !self.was_foreign && sabotage::SENT_BEFORE_SENDING.is_on() {
            self.busy = true;
            actions.push(Action::RecordSent);
            return;
        }
        if !self.known.create_only && !std::mem::take(&mut self.looked) {
            self.phase = Phase::Look(Doubt::BeforeWriting);
            return;
        }
        let (key, create_only) = (self.plan.key.clone(), self.known.create_only);
        let (len_bytes, crc64nvme) = (sealed.len_bytes, sealed.crc64nvme);
        let call = match self.upload_id.clone() {
            Some(upload_id) => {
                self.complete_sent = true;
                let parts = self.done.values().cloned().collect();
                let create_only = create_only && sabotage::CREATE_ONLY_COMPLETE.is_on();
                Call::Complete { key, upload_id, parts, len_bytes, crc64nvme, create_only }
            }
            None => {
                let body = self.put_body();
                let create_only = create_only && sabotage::CREATE_ONLY_PUT.is_on();
                Call::Put { key, body, crc64nvme, metadata: self.plan.metadata.clone(), create_only }
            }
        };
        self.call(actions, call);
    }

    fn put_body(&self) -> Bytes {
        let mut bodies = self.waiting.values();
        match (bodies.next(), bodies.next()) {
            (None, _) => Bytes::new(),
            (Some(only), None) => only.bytes.clone(),
            (Some(_), Some(_)) => {
                let bodies: Vec<&[u8]> = self.waiting.values().map(|body| &*body.bytes).collect();
                Bytes::from(bodies.concat())
            }
        }
    }

    fn call(&mut self, actions: &mut Vec<Action>, call: Call) {
        self.busy = true;
        actions.push(Action::Call(Token { attempt: self.attempt, part: None }, call));
    }

    /// The answer to a call. `random` is for the backoff.
    pub fn answered(&mut self, token: Token, answer: Answer, now: Duration, random: u64) -> Vec<Action> {
        let mut actions = Vec::new();
        if token.attempt != self.attempt {
            // An upload whose creation was abandoned while it was under way.
            if let Answer::CreateUpload(Ok(upload_id)) = answer {
                self.orphans.insert(upload_id);
            }
            return actions;
        }
        self.keep_pace(token, &answer, now);
        match token.part {
            Some(number) => self.part_answered(number, answer, now, random, &mut actions),
            None => {
                self.busy = false;
                match answer {
                    Answer::Head(head) => self.head_answered(head, now, random, &mut actions),
                    Answer::ListParts(parts) => self.parts_listed(parts, now, random, &mut actions),
                    Answer::CreateUpload(created) => self.created(created, now, random, &mut actions),
                    Answer::Put(put) => self.put_answered(put, now, random, &mut actions),
                    Answer::Complete(completed) => self.completed(completed, now, random, &mut actions),
                    Answer::UploadPart(_) | Answer::Abort(_) | Answer::ListUploads(_) => {}
                }
            }
        }
        actions
    }

    fn keep_pace(&mut self, token: Token, answer: &Answer, now: Duration) {
        let pace = &mut self.known.pace;
        match answer.error() {
            Some(error) if error.kind() == BucketErrorKind::Throttled => {
                // The part that this answers is still counted.
                let others = self.flying.len().saturating_sub(usize::from(token.part.is_some()));
                pace.throttled(self.parallel_max, others, now);
            }
            Some(_) => {}
            None => pace.succeeded(self.parallel_max, now),
        }
    }

    fn part_answered(
        &mut self,
        number: u32,
        answer: Answer,
        now: Duration,
        random: u64,
        actions: &mut Vec<Action>,
    ) {
        let Some(body) = self.flying.remove(&number) else { return };
        let Answer::UploadPart(answer) = answer else { return };
        match answer {
            Ok(etag) => {
                self.backoff.succeeded();
                let len_bytes = body.bytes.len() as u64;
                self.done.insert(number, Part { number, etag, len_bytes, crc64nvme: Some(body.crc64nvme) });
            }
            Err(error) if error.kind() == BucketErrorKind::NoSuchUpload => {
                self.waiting.insert(number, body);
                if self.complete_sent || self.may_be_there {
                    self.phase = Phase::Look(Doubt::NeedsNewUpload);
                } else {
                    self.begin_anew(now, random, actions);
                }
            }
            Err(_) => {
                self.waiting.insert(number, body);
                self.wait(now, random);
            }
        }
    }

    fn head_answered(
        &mut self,
        head: Result<Option<Head>, BucketError>,
        now: Duration,
        random: u64,
        actions: &mut Vec<Action>,
    ) {
        let Phase::Look(doubt) = self.phase else { return };
        self.known.may_look |= head.is_ok();
        match head {
            Ok(Some(head)) if self.sealed.is_some_and(|sealed| self.is_ours(&head, sealed)) => {
                self.proved(UploadedHow::Compared, actions);
            }
            Ok(Some(head))
                if self.whole.is_some_and(|whole| self.is_ours(&head, whole))
                    && sabotage::WHOLE_IS_OURS.is_on() =>
            {
                self.arrived_whole = true;
                self.proved(UploadedHow::Compared, actions);
            }
            Ok(Some(_)) => self.found_foreign(now, actions),
            Ok(None) => {
                self.foreign = false;
                match doubt {
                    Doubt::NeedsNewUpload => self.begin_anew(now, random, actions),
                    Doubt::Taken => {
                        // Taken a moment ago and free now, or a store that contradicts itself.
                        self.write_again();
                        self.wait_to_write(now, random);
                    }
                    Doubt::SentBefore | Doubt::NoAnswer | Doubt::BeforeWriting | Doubt::Foreign => {
                        self.reuploads += u64::from(doubt == Doubt::SentBefore && self.upload_id.is_none());
                        self.write_again();
                    }
                }
            }
            // Only where looking isn't permitted at all does a taken key speak for itself: credentials that have expired, say,
            // will be renewed, and it can be told then whose it is.
            Err(error)
                if error.kind() == BucketErrorKind::Forbidden
                    && doubt == Doubt::Taken
                    && self.known.may_look
                    && sabotage::LOOKING_IS_WAITED_FOR.is_on() =>
            {
                self.wait(now, random);
            }
            Err(error) if error.kind() == BucketErrorKind::Forbidden => match doubt {
                Doubt::Taken
                    if self.may_be_there
                        && (!self.was_foreign || sabotage::FOREIGN_STAYS_FOREIGN.is_off()) =>
                {
                    self.proved(UploadedHow::TakenBySelf, actions);
                }
                Doubt::Taken => self.found_foreign(now, actions),
                Doubt::NeedsNewUpload => self.begin_anew(now, random, actions),
                // Unknown: the next attempt's 200 or 412 decides.
                Doubt::SentBefore | Doubt::NoAnswer | Doubt::BeforeWriting | Doubt::Foreign => {
                    self.write_again();
                }
            },
            Err(_) => self.wait(now, random),
        }
        self.looked = self.phase == Phase::Finish;
    }

    /// Goes on to the request that makes the object visible, by way of what that still needs.
    fn write_again(&mut self) {
        self.phase = if self.is_whole() {
            Phase::Finish
        } else if self.upload_id.is_some() {
            Phase::LookForParts
        } else {
            Phase::Gather
        };
    }

    fn parts_listed(
        &mut self,
        parts: Result<Vec<Part>, BucketError>,
        now: Duration,
        random: u64,
        actions: &mut Vec<Action>,
    ) {
        match parts {
            Ok(parts) => {
                self.reusable = parts.into_iter().map(|part| (part.number, part)).collect();
                self.phase = Phase::Parts;
            }
            Err(error) => match error.kind() {
                BucketErrorKind::NoSuchUpload | BucketErrorKind::Forbidden | BucketErrorKind::Unsupported => {
                    // What can't be looked at isn't reused.
                    self.begin_anew(now, random, actions);
                }
                _ => self.wait(now, random),
            },
        }
    }

    fn created(
        &mut self,
        created: Result<String, BucketError>,
        now: Duration,
        random: u64,
        actions: &mut Vec<Action>,
    ) {
        match created {
            Ok(upload_id) => {
                self.backoff.succeeded();
                self.upload_id = Some(upload_id.clone());
                self.complete_sent = false;
                self.phase = Phase::Parts;
                actions.push(Action::RecordUpload(upload_id));
            }
            Err(error) => {
                self.sweep_due |= !is_clearly_refused(&error);
                self.wait(now, random);
            }
        }
    }

    fn put_answered(
        &mut self,
        put: Result<(), BucketError>,
        now: Duration,
        random: u64,
        actions: &mut Vec<Action>,
    ) {
        match put {
            Ok(()) => self.proved(UploadedHow::Answered, actions),
            Err(error) => self.write_failed(&error, now, random, actions),
        }
    }

    fn completed(
        &mut self,
        completed: Result<(), BucketError>,
        now: Duration,
        random: u64,
        actions: &mut Vec<Action>,
    ) {
        match completed {
            Ok(()) => self.proved(UploadedHow::Answered, actions),
            Err(error) => match error.kind() {
                BucketErrorKind::NoSuchUpload if sabotage::GONE_IS_NO_PROOF.is_off() => {
                    self.proved(UploadedHow::Answered, actions);
                }
                BucketErrorKind::NoSuchUpload => self.phase = Phase::Look(Doubt::NeedsNewUpload),
                // The store's own rule for a conflict, which may have been with an earlier request of ours; and parts that
                // don't fit, for whatever reason, can't be mended one by one.
                BucketErrorKind::Conflict
                | BucketErrorKind::InvalidPart
                | BucketErrorKind::BadDigest
                | BucketErrorKind::Other => {
                    self.may_be_there |= !error.has_no_side_effects();
                    self.phase = Phase::Look(Doubt::NeedsNewUpload);
                    self.wait_to_write(now, random);
                }
                _ => self.write_failed(&error, now, random, actions),
            },
        }
    }

    /// A Put or a Complete didn't succeed.
    fn write_failed(&mut self, error: &BucketError, now: Duration, random: u64, actions: &mut Vec<Action>) {
        match error.kind() {
            BucketErrorKind::PreconditionFailed if sabotage::TAKEN_IS_NO_PROOF.is_off() => {
                self.proved(UploadedHow::TakenBySelf, actions);
            }
            BucketErrorKind::PreconditionFailed => self.phase = Phase::Look(Doubt::Taken),
            BucketErrorKind::Unsupported if self.known.create_only => {
                self.known.create_only = false;
                self.phase = Phase::Look(Doubt::BeforeWriting);
            }
            _ if is_clearly_refused(error) => self.wait_to_write(now, random),
            _ if sabotage::KEPT_UNTIL_PROVED.is_off() => self.proved(UploadedHow::Answered, actions),
            _ => {
                self.may_be_there = true;
                self.phase = Phase::Look(Doubt::NoAnswer);
                self.wait_to_write(now, random);
            }
        }
    }

    fn is_ours(&self, head: &Head, sealed: SealInfo) -> bool {
        let length = head.len_bytes == sealed.len_bytes || sabotage::IDENTITY_LENGTH.is_off();
        let checksum = head.crc64nvme.is_none_or(|crc64nvme| crc64nvme == sealed.crc64nvme)
            || sabotage::IDENTITY_CHECKSUM.is_off();
        let metadata = self.plan.metadata.iter().all(|(name, value)| head.metadata.get(name) == Some(value))
            || sabotage::IDENTITY_METADATA.is_off();
        (length && checksum && metadata) || sabotage::IDENTITY.is_off()
    }

    fn proved(&mut self, how: UploadedHow, actions: &mut Vec<Action>) {
        // A put that won while an upload was open leaves the upload behind.
        if how != UploadedHow::Answered
            && let Some(upload_id) = self.upload_id.take()
        {
            self.orphans.insert(upload_id);
        }
        self.abort_orphans(actions);
        self.foreign = false;
        self.phase = Phase::Done;
        // Nor do answers that are still to come mean anything.
        self.waiting.clear();
        self.flying.clear();
        actions.push(Action::Done(how));
    }

    fn found_foreign(&mut self, now: Duration, actions: &mut Vec<Action>) {
        self.foreign = true;
        self.was_foreign = true;
        self.may_be_there = false;
        if std::mem::take(&mut self.sent_recorded) && sabotage::REFUSAL_RECORDED.is_on() {
            actions.push(Action::RecordRefused);
        }
        self.phase = Phase::Look(Doubt::Foreign);
        self.not_before = now + BACKOFF_MAX;
    }

    /// Begins the upload again from the object's first byte.
    fn begin_anew(&mut self, now: Duration, random: u64, actions: &mut Vec<Action>) {
        self.reuploads += u64::from(self.may_be_there);
        self.attempt += 1;
        self.known.pace.begun_anew();
        self.busy = false;
        // Most often it is gone already.
        self.orphans.extend(self.upload_id.take());
        self.complete_sent = false;
        self.reusable.clear();
        self.done.clear();
        self.waiting.clear();
        self.flying.clear();
        self.phase = Phase::Gather;
        self.wait_to_write(now, random);
        self.abort_orphans(actions);
        actions.push(Action::Rewind);
    }

    fn abort_orphans(&mut self, actions: &mut Vec<Action>) {
        for upload_id in std::mem::take(&mut self.orphans) {
            // Its answer belongs to no attempt: what can't be aborted now is swept later.
            let token = Token { attempt: u32::MAX, part: None };
            actions.push(Action::Call(token, Call::Abort { key: self.plan.key.clone(), upload_id }));
        }
    }

    fn wait_to_write(&mut self, now: Duration, random: u64) {
        if self.not_before <= now {
            self.not_before = now + self.write_backoff.failed(random);
        }
    }

    fn wait(&mut self, now: Duration, random: u64) {
        // Several parts that fail together are one failure of the store.
        if self.not_before <= now {
            self.not_before = now + self.backoff.failed(random);
        }
    }
}

/// Whether an answer leaves no doubt that the request was not carried out.
fn is_clearly_refused(error: &BucketError) -> bool {
    use BucketErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::Forbidden
            | Kind::NotSent
            | Kind::NoSuchBucket
            | Kind::BadDigest
            | Kind::PreconditionFailed
            | Kind::Unsupported
            | Kind::NoSuchUpload
            | Kind::NotFound
    )
}
