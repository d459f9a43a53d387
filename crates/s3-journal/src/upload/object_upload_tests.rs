use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::backoff::{BACKOFF_MAX, BACKOFF_MIN};
use super::call::{Answer, Call};
use super::object_upload::*;
use super::pace::RAISE_INTERVAL;
use crate::bucket::{BucketError, BucketErrorKind as Kind, Head, Metadata, Part};
use crate::checksum::{CRC64_EMPTY, crc64_of};
use crate::record::{SendingState, UploadedHow};

const KEY: &str = "events/2026/11/22/web1-20261122T093407Z5f0c2a91-00000007-000000000100-0badcafe.journal";
const PART: usize = 10;
const SECOND: Duration = Duration::from_secs(1);

/// What the uploader around the protocol does, by hand: hands parts over when they are wanted, and keeps what is asked
/// for until the test answers it.
struct Desk {
    upload: ObjectUpload,
    content: Vec<u8>,
    /// The object isn't sealed before the test says so.
    is_open: bool,
    next_part: usize,
    seal_told: bool,
    now: Duration,
    calls: Vec<(Token, Call)>,
    aborts: Vec<String>,
    uploads_recorded: Vec<String>,
    /// Asked for and not yet durable.
    sent_asked: bool,
    sent_records: usize,
    refused_records: usize,
    rewinds: usize,
    done: Option<UploadedHow>,
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

fn crc(bytes: &[u8]) -> u64 {
    crc64_of(CRC64_EMPTY, bytes)
}

fn plan() -> Plan {
    let metadata = [("journal-number", "7"), ("journal-run", "0badcafe")];
    let metadata: Metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Plan { number: 7, key: KEY.to_owned(), metadata, part_size_bytes: PART as u64 }
}

fn error(kind: Kind) -> BucketError {
    BucketError::new(kind, "Code", "as the test wants it")
}

fn was_sent(upload_id: Option<&str>) -> SendingState {
    SendingState { sent: true, upload_id: upload_id.map(str::to_owned) }
}

impl Desk {
    fn new(len: usize) -> Self {
        Self::after(len, &SendingState::default())
    }

    /// An object of which earlier runs recorded `before`.
    fn after(len: usize, before: &SendingState) -> Self {
        Self::with(len, before, 4)
    }

    fn with(len: usize, before: &SendingState, parallel_max: usize) -> Self {
        Self::begin(content(len), false, before, parallel_max)
    }

    /// An object that isn't sealed yet.
    fn growing(len: usize) -> Self {
        Self::begin(content(len), true, &SendingState::default(), 4)
    }

    fn begin(content: Vec<u8>, is_open: bool, before: &SendingState, parallel_max: usize) -> Self {
        let seal = SealInfo { len_bytes: content.len() as u64, crc64nvme: crc(&content) };
        let upload =
            ObjectUpload::new(plan(), before, before.sent.then_some(seal), Known::default(), parallel_max);
        let mut desk = Self {
            upload,
            content,
            is_open,
            next_part: 0,
            seal_told: false,
            now: SECOND,
            calls: Vec::new(),
            aborts: Vec::new(),
            uploads_recorded: Vec::new(),
            sent_asked: false,
            sent_records: 0,
            refused_records: 0,
            rewinds: 0,
            done: None,
        };
        desk.run();
        desk
    }

    fn seal(&self) -> SealInfo {
        SealInfo { len_bytes: self.content.len() as u64, crc64nvme: crc(&self.content) }
    }

    fn head(&self) -> Head {
        let SealInfo { len_bytes, crc64nvme } = self.seal();
        Head { len_bytes, crc64nvme: Some(crc64nvme), metadata: plan().metadata, modified: None }
    }

    fn foreign(&self) -> Head {
        Head { metadata: Metadata::new(), ..self.head() }
    }

    fn held_part(&self, number: u32) -> Part {
        let bytes = self.part_bytes(number as usize - 1).unwrap();
        Part {
            number,
            etag: format!("held-{number}"),
            len_bytes: bytes.len() as u64,
            crc64nvme: Some(crc(bytes)),
        }
    }

    /// Part `index`, from 0. Of an object that grows only whole ones are handed over.
    fn part_bytes(&self, index: usize) -> Option<&[u8]> {
        let part = self.content.chunks(PART).nth(index)?;
        (!self.is_open || part.len() == PART).then_some(part)
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Call(_, Call::Abort { key, upload_id }) => {
                    assert_eq!(key, KEY);
                    self.aborts.push(upload_id);
                }
                Action::Call(token, call) => self.calls.push((token, call)),
                Action::RecordUpload(upload_id) => self.uploads_recorded.push(upload_id),
                Action::RecordSent => {
                    self.sent_asked = true;
                    self.sent_records += 1;
                }
                Action::RecordRefused => self.refused_records += 1,
                Action::Rewind => {
                    self.rewinds += 1;
                    (self.next_part, self.seal_told) = (0, false);
                }
                Action::Done(how) => assert_eq!(self.done.replace(how), None, "done twice"),
            }
        }
    }

    /// Everything that can be done without an answer.
    fn run(&mut self) {
        for _ in 0..1_000 {
            let mut worked = false;
            while self.upload.wants_part() {
                if let Some(bytes) = self.part_bytes(self.next_part) {
                    let body = PartBody { bytes: Bytes::copy_from_slice(bytes), crc64nvme: crc(bytes) };
                    self.next_part += 1;
                    self.upload.part(u32::try_from(self.next_part).unwrap(), body);
                } else if !self.is_open && !self.seal_told {
                    self.seal_told = true;
                    let seal = self.seal();
                    self.upload.sealed(seal);
                } else {
                    break;
                }
                worked = true;
            }
            let actions = self.upload.next(self.now);
            worked |= !actions.is_empty();
            self.carry_out(actions);
            if !worked {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    fn sent_is_durable(&mut self) {
        assert!(std::mem::take(&mut self.sent_asked), "nothing asked for it");
        self.upload.sent_is_durable();
        self.run();
    }

    /// The only call that is under way.
    fn call(&self) -> &Call {
        match self.calls.as_slice() {
            [(_, call)] => call,
            calls => panic!("one call was expected, and these are under way: {calls:?}"),
        }
    }

    fn answer(&mut self, answer: Answer) {
        let (token, _) = self.calls.remove(0);
        self.answer_late(token, answer);
    }

    fn answer_late(&mut self, token: Token, answer: Answer) {
        let actions = self.upload.answered(token, answer, self.now, u64::MAX);
        self.carry_out(actions);
        self.run();
    }

    /// Answers a call with an error, whatever the call is.
    fn fail(&mut self, kind: Kind) {
        let answer = match self.calls.first().map(|(_, call)| call) {
            Some(Call::Put { .. }) => Answer::Put(Err(error(kind))),
            Some(Call::CreateUpload { .. }) => Answer::CreateUpload(Err(error(kind))),
            Some(Call::UploadPart { .. }) => Answer::UploadPart(Err(error(kind))),
            Some(Call::Complete { .. }) => Answer::Complete(Err(error(kind))),
            Some(Call::ListParts { .. }) => Answer::ListParts(Err(error(kind))),
            Some(Call::Head { .. }) => Answer::Head(Err(error(kind))),
            call => panic!("no answer for {call:?}"),
        };
        self.answer(answer);
    }

    fn created(&mut self, upload_id: &str) {
        assert!(matches!(self.call(), Call::CreateUpload { .. }), "{:?}", self.call());
        self.answer(Answer::CreateUpload(Ok(upload_id.to_owned())));
    }

    fn shows(&mut self, head: Option<Head>) {
        assert!(matches!(self.call(), Call::Head { .. }), "{:?}", self.call());
        self.answer(Answer::Head(Ok(head)));
    }

    /// Answers every part under way, and those that follow.
    fn parts_arrive(&mut self) {
        while let Some(Call::UploadPart { number, .. }) = self.calls.first().map(|(_, call)| call) {
            let etag = format!("etag-{number}");
            self.answer(Answer::UploadPart(Ok(etag)));
        }
    }

    /// Lets the backoff pass.
    fn wait(&mut self) -> Duration {
        assert!(self.calls.is_empty(), "{:?}", self.calls);
        let wake_at = self.upload.wake_at().expect("it waits for no time");
        let waited = wake_at.checked_sub(self.now).expect("it waits for a time that has passed");
        self.now = wake_at.saturating_sub(Duration::from_micros(1));
        self.run();
        assert!(self.calls.is_empty() && !self.sent_asked, "too early");
        self.now = wake_at;
        self.run();
        waited
    }

    fn wait_if_it_waits(&mut self) {
        if self.calls.is_empty() && !self.sent_asked && self.upload.wake_at().is_some() {
            self.wait();
        }
    }

    fn is_put(&self) -> bool {
        match self.call() {
            Call::Put { body, crc64nvme, .. } => {
                assert_eq!(&body[..], &self.content[..], "what is put is the object");
                assert_eq!(*crc64nvme, crc(&self.content));
                true
            }
            _ => false,
        }
    }

    fn completes(&self, upload: &str) -> bool {
        match self.call() {
            Call::Complete { upload_id, parts, len_bytes, crc64nvme, .. } => {
                assert_eq!((*len_bytes, *crc64nvme), (self.content.len() as u64, crc(&self.content)));
                let numbers: Vec<_> = parts.iter().map(|part| part.number as usize).collect();
                assert!(numbers.iter().copied().eq(1..=self.content.len().div_ceil(PART)), "{numbers:?}");
                upload_id == upload
            }
            _ => false,
        }
    }

    fn looks(&self) -> bool {
        matches!(self.call(), Call::Head { key } if key == KEY)
    }

    fn is_done(&self) -> bool {
        assert!(self.calls.is_empty());
        self.done.is_some()
    }
}

/// An object of one part, its put under way.
fn at_put() -> Desk {
    let mut desk = Desk::new(PART - 3);
    desk.sent_is_durable();
    assert!(desk.is_put());
    desk
}

/// An object of three parts, its Complete under way.
fn at_complete() -> Desk {
    let mut desk = Desk::new(PART * 2 + 5);
    desk.created("one");
    desk.parts_arrive();
    desk.sent_is_durable();
    assert!(desk.completes("one"));
    desk
}

// --- the way without a fault ---

#[test]
fn an_object_below_two_parts_goes_up_in_one_put() {
    for parallel_max in [1, 2, 3, 8] {
        for len in [1, PART - 1, PART, PART + 1, 2 * PART - 1] {
            let mut desk = Desk::with(len, &SendingState::default(), parallel_max);
            desk.sent_is_durable();
            assert!(desk.is_put(), "{len} bytes, {parallel_max} side by side: {:?}", desk.call());
            desk.answer(Answer::Put(Ok(())));
            assert_eq!(desk.done, Some(UploadedHow::Answered));
            assert!(desk.is_done() && desk.uploads_recorded.is_empty() && desk.aborts.is_empty());
        }
    }
}

#[test]
fn an_object_of_two_parts_and_more_goes_up_in_parts() {
    for parallel_max in [1, 2, 3, 8] {
        for len in [2 * PART, 2 * PART + 1, 7 * PART, 7 * PART + 9] {
            let mut desk = Desk::with(len, &SendingState::default(), parallel_max);
            desk.created("one");
            assert_eq!(desk.uploads_recorded, ["one"]);
            desk.parts_arrive();
            desk.sent_is_durable();
            assert!(desk.completes("one"));
            desk.answer(Answer::Complete(Ok(())));
            assert_eq!(desk.done, Some(UploadedHow::Answered));
            assert!(desk.is_done() && desk.aborts.is_empty(), "a completed upload isn't aborted");
        }
    }
}

#[test]
fn parts_go_up_while_the_object_still_grows_and_nothing_is_visible_before_its_end() {
    let mut desk = Desk::growing(3 * PART + 2);
    desk.created("one");
    desk.parts_arrive();
    assert!(desk.calls.is_empty() && !desk.sent_asked, "the end isn't known");
    assert_eq!(desk.next_part, 3);
    desk.is_open = false;
    desk.run();
    desk.parts_arrive();
    desk.sent_is_durable();
    assert!(desk.completes("one"));
}

#[test]
fn an_object_that_grows_waits_for_its_second_part_before_it_decides() {
    let mut desk = Desk::growing(PART + 9);
    assert!(desk.calls.is_empty());
    desk.is_open = false;
    desk.run();
    desk.sent_is_durable();
    assert!(desk.is_put());
}

#[test]
fn never_more_parts_are_under_way_or_held_than_may_be() {
    for parallel_max in [1, 3, 4] {
        let mut desk = Desk::with(20 * PART, &SendingState::default(), parallel_max);
        assert!(desk.next_part <= 2, "held before the upload is there");
        desk.created("one");
        let mut answered = 0;
        loop {
            assert!(desk.calls.len() <= parallel_max);
            assert!(desk.next_part - answered <= parallel_max.max(2), "memory is bounded");
            let Some(Call::UploadPart { number, .. }) = desk.calls.last().map(|(_, call)| call) else {
                break;
            };
            let etag = format!("etag-{number}");
            // The newest first: answers come in any order.
            let (token, _) = desk.calls.pop().unwrap();
            desk.answer_late(token, Answer::UploadPart(Ok(etag)));
            answered += 1;
        }
        assert_eq!(answered, 20);
        desk.sent_is_durable();
        assert!(desk.completes("one"));
    }
}

#[test]
fn the_sent_record_is_durable_before_the_first_request_that_can_make_the_object_visible() {
    for len in [PART, 3 * PART] {
        let mut desk = Desk::new(len);
        if len > PART {
            desk.created("one");
            desk.parts_arrive();
        }
        assert!(desk.sent_asked && desk.calls.is_empty());
        desk.now += 3_600 * SECOND;
        desk.run();
        assert!(desk.calls.is_empty(), "however long that takes");
        desk.sent_is_durable();
        assert!(matches!(desk.call(), Call::Put { .. } | Call::Complete { .. }));
        desk.fail(Kind::Unavailable);
        desk.wait();
        desk.shows(None);
        desk.wait_if_it_waits();
        assert_eq!(desk.sent_records, 1, "once a key is enough");
    }
}

#[test]
fn every_write_is_create_only() {
    let desk = at_put();
    assert!(matches!(desk.call(), Call::Put { create_only: true, .. }));
    let desk = at_complete();
    assert!(matches!(desk.call(), Call::Complete { create_only: true, .. }));
}

#[test]
fn the_metadata_of_the_plan_goes_with_a_put_and_with_the_creation_of_an_upload() {
    let desk = at_put();
    assert!(matches!(desk.call(), Call::Put { metadata, .. } if *metadata == plan().metadata));
    let desk = Desk::new(2 * PART);
    assert!(matches!(desk.call(), Call::CreateUpload { metadata, .. } if *metadata == plan().metadata));
}

// --- lost answers ---

#[test]
fn a_put_whose_answer_was_lost_is_recognised_by_looking() {
    for kind in [Kind::NoAnswer, Kind::Unavailable, Kind::Throttled, Kind::Other, Kind::Conflict] {
        let mut desk = at_put();
        desk.fail(kind);
        desk.wait();
        assert!(desk.looks());
        desk.shows(Some(desk.head()));
        assert_eq!(desk.done, Some(UploadedHow::Compared), "{kind:?}");
        assert_eq!(desk.upload.reuploads(), 0);
    }
}

#[test]
fn a_put_that_was_not_carried_out_is_made_again() {
    let mut desk = at_put();
    desk.fail(Kind::NoAnswer);
    desk.wait();
    desk.shows(None);
    desk.wait_if_it_waits();
    assert!(desk.is_put());
    desk.answer(Answer::Put(Ok(())));
    assert_eq!(desk.done, Some(UploadedHow::Answered));
}

#[test]
fn a_clear_refusal_is_tried_again_without_looking() {
    for kind in [Kind::Forbidden, Kind::NotSent, Kind::NoSuchBucket, Kind::BadDigest, Kind::NotFound] {
        let mut desk = at_put();
        for _ in 0..20 {
            desk.fail(kind);
            desk.wait();
            assert!(desk.is_put(), "{kind:?}: parked, never dropped");
        }
        desk.answer(Answer::Put(Ok(())));
        assert!(desk.is_done());
    }
}

#[test]
fn a_complete_whose_answer_was_lost_is_recognised_by_looking() {
    for kind in [Kind::NoAnswer, Kind::Unavailable, Kind::Throttled] {
        let mut desk = at_complete();
        desk.fail(kind);
        desk.wait();
        assert!(desk.looks());
        desk.shows(Some(desk.head()));
        assert_eq!(desk.done, Some(UploadedHow::Compared), "{kind:?}");
    }
}

#[test]
fn a_complete_that_failed_inside_a_200_is_settled_by_looking_and_made_again() {
    // The back-end tells an error in a 200's body as the store having failed.
    let mut desk = at_complete();
    desk.fail(Kind::Unavailable);
    desk.wait();
    desk.shows(None);
    desk.wait_if_it_waits();
    assert!(desk.completes("one"), "the same upload, the same parts");
    assert_eq!(desk.rewinds, 0);
    desk.answer(Answer::Complete(Ok(())));
    assert!(desk.is_done());
}

#[test]
fn a_part_whose_answer_was_lost_is_sent_again_under_its_number() {
    let mut desk = Desk::new(3 * PART);
    desk.created("one");
    desk.fail(Kind::NoAnswer);
    desk.parts_arrive();
    desk.wait();
    assert!(matches!(desk.call(), Call::UploadPart { number: 1, upload_id, .. } if upload_id == "one"));
    desk.parts_arrive();
    desk.sent_is_durable();
    assert!(desk.completes("one"));
    assert_eq!(desk.rewinds, 0);
}

#[test]
fn a_creation_whose_answer_was_lost_is_made_again_and_the_upload_it_may_have_left_is_swept() {
    let mut desk = Desk::new(3 * PART);
    desk.fail(Kind::NoAnswer);
    assert!(desk.upload.may_have_left_an_upload());
    desk.wait();
    desk.created("two");
    desk.parts_arrive();
    desk.sent_is_durable();
    desk.answer(Answer::Complete(Ok(())));
    assert!(desk.is_done() && desk.upload.may_have_left_an_upload());

    let mut refused = Desk::new(3 * PART);
    refused.fail(Kind::Forbidden);
    assert!(!refused.upload.may_have_left_an_upload(), "a clear refusal left nothing");
}

// --- identity ---

#[test]
fn an_object_is_ours_only_if_length_checksum_and_metadata_are() {
    let ours = at_put().head();
    let with = |change: &dyn Fn(&mut Head)| {
        let mut head = ours.clone();
        change(&mut head);
        head
    };
    let foreign = [
        with(&|head| head.len_bytes += 1),
        with(&|head| head.crc64nvme = Some(1)),
        with(&|head| head.metadata.clear()),
        with(&|head| drop(head.metadata.insert("journal-run".into(), "00000000".into()))),
    ];
    for head in foreign {
        let mut desk = at_put();
        desk.fail(Kind::PreconditionFailed);
        desk.shows(Some(head));
        assert!(desk.upload.is_stopped_by_foreign_object() && desk.done.is_none());
    }
    let ours = [
        ours.clone(),
        with(&|head| head.crc64nvme = None),
        with(&|head| drop(head.metadata.insert("x-added-by-the-store".into(), "1".into()))),
    ];
    for head in ours {
        let mut desk = at_put();
        desk.fail(Kind::PreconditionFailed);
        desk.shows(Some(head));
        assert_eq!(desk.done, Some(UploadedHow::Compared));
    }
}

#[test]
fn an_object_that_arrived_whole_before_it_was_damaged_here_is_no_foreign_one() {
    let whole = SealInfo { len_bytes: 77, crc64nvme: 5 };
    let mut head = at_put().head();
    (head.len_bytes, head.crc64nvme) = (whole.len_bytes, Some(whole.crc64nvme));
    let mut desk = at_put();
    desk.upload.or_whole(whole);
    desk.fail(Kind::PreconditionFailed);
    desk.shows(Some(head));
    assert_eq!((desk.done, desk.upload.arrived_whole()), (Some(UploadedHow::Compared), true));
}

#[test]
fn a_taken_key_is_settled_by_looking() {
    for mut desk in [at_put(), at_complete()] {
        desk.fail(Kind::PreconditionFailed);
        assert!(desk.looks(), "at once: no fault is in it");
        desk.shows(Some(desk.head()));
        assert_eq!(desk.done, Some(UploadedHow::Compared));
    }
}

#[test]
fn an_upload_that_is_not_needed_any_more_is_aborted() {
    let mut desk = at_complete();
    desk.fail(Kind::PreconditionFailed);
    desk.shows(Some(desk.head()));
    assert_eq!(desk.aborts, ["one"]);
}

#[test]
fn a_taken_key_that_is_free_when_looked_at_is_tried_again_after_a_wait() {
    for mut desk in [at_put(), at_complete()] {
        let mut waited = Duration::ZERO;
        for _ in 0..12 {
            desk.fail(Kind::PreconditionFailed);
            desk.shows(None);
            waited = waited.max(desk.wait());
            assert!(matches!(desk.call(), Call::Put { .. } | Call::Complete { .. }));
        }
        assert!(
            waited > BACKOFF_MIN * 8,
            "a store that contradicts itself isn't asked without end: {waited:?}"
        );
    }
}

#[test]
fn a_taken_key_on_the_first_request_is_foreign_when_it_may_not_be_looked_at() {
    for mut desk in [at_put(), at_complete()] {
        desk.fail(Kind::PreconditionFailed);
        desk.fail(Kind::Forbidden);
        assert!(desk.upload.is_stopped_by_foreign_object() && desk.done.is_none());
        assert_eq!(desk.refused_records, 1, "nothing of ours is there, and the log says so");
    }
}

#[test]
fn a_taken_key_that_was_sent_to_before_is_ours_when_it_may_not_be_looked_at() {
    for mut desk in [at_put(), at_complete()] {
        desk.fail(Kind::NoAnswer);
        desk.wait();
        desk.fail(Kind::Forbidden);
        desk.wait_if_it_waits();
        assert!(
            matches!(desk.call(), Call::Put { .. } | Call::Complete { .. }),
            "unknown: the next answer decides"
        );
        desk.fail(Kind::PreconditionFailed);
        desk.fail(Kind::Forbidden);
        assert_eq!(desk.done, Some(UploadedHow::TakenBySelf));
    }
}

/// Found by simulation: credentials that expired just then made somebody else's object ours, and the entries were let go.
#[test]
fn a_taken_key_is_waited_for_where_looking_was_permitted_before() {
    for mut desk in [at_put(), at_complete()] {
        desk.fail(Kind::NoAnswer);
        desk.wait();
        desk.shows(None);
        desk.wait_if_it_waits();
        desk.fail(Kind::PreconditionFailed);
        for _ in 0..3 {
            desk.fail(Kind::Forbidden);
            assert_eq!(desk.done, None, "it can't be told whose it is");
            desk.wait();
            assert!(matches!(desk.call(), Call::Head { .. }), "it is looked at again");
        }
        let foreign = desk.foreign();
        desk.shows(Some(foreign));
        assert!(desk.upload.is_stopped_by_foreign_object());
    }
}

#[test]
fn a_key_that_an_earlier_run_sent_to_is_ours_when_it_is_taken_and_may_not_be_looked_at() {
    let mut desk = Desk::after(PART, &was_sent(None));
    assert!(desk.looks());
    desk.fail(Kind::Forbidden);
    desk.wait_if_it_waits();
    assert!(desk.is_put());
    assert_eq!(desk.sent_records, 0, "the log says so already");
    desk.fail(Kind::PreconditionFailed);
    desk.fail(Kind::Forbidden);
    assert_eq!(desk.done, Some(UploadedHow::TakenBySelf));
}

#[test]
fn refusals_leave_no_doubt_that_could_make_a_foreign_object_ours() {
    let mut desk = at_put();
    desk.fail(Kind::Forbidden);
    desk.wait();
    desk.fail(Kind::NotSent);
    desk.wait();
    desk.fail(Kind::PreconditionFailed);
    desk.fail(Kind::Forbidden);
    assert!(desk.upload.is_stopped_by_foreign_object());
}

#[test]
fn a_key_once_found_foreign_is_never_taken_for_ours_without_looking() {
    let mut desk = at_put();
    desk.fail(Kind::PreconditionFailed);
    desk.fail(Kind::Forbidden);
    desk.wait();
    desk.fail(Kind::Forbidden);
    desk.wait_if_it_waits();
    assert!(desk.is_put(), "it is tried, since it can't be looked at");
    assert_eq!(desk.sent_records, 1, "a restart must not take the other's object for ours either");
    // The answer is lost: perhaps it was carried out, more likely the other's object is still there.
    desk.fail(Kind::NoAnswer);
    desk.wait();
    desk.fail(Kind::Forbidden);
    desk.wait_if_it_waits();
    desk.fail(Kind::PreconditionFailed);
    desk.fail(Kind::Forbidden);
    assert!(desk.done.is_none() && desk.upload.is_stopped_by_foreign_object());
    // Whoever acts on it ends it.
    desk.wait();
    desk.shows(None);
    desk.wait_if_it_waits();
    desk.answer(Answer::Put(Ok(())));
    assert!(desk.is_done());
}

// --- foreign objects ---

#[test]
fn a_foreign_object_is_looked_at_again_at_the_longest_backoff_and_the_upload_goes_on_when_it_is_gone() {
    for mut desk in [at_put(), at_complete()] {
        desk.fail(Kind::PreconditionFailed);
        for _ in 0..5 {
            desk.shows(Some(desk.foreign()));
            assert!(desk.upload.is_stopped_by_foreign_object());
            assert!(desk.calls.is_empty(), "nothing is written");
            assert_eq!(desk.wait(), BACKOFF_MAX);
            assert!(desk.looks());
        }
        assert_eq!(desk.refused_records, 1);
        desk.shows(None);
        assert!(!desk.upload.is_stopped_by_foreign_object());
        desk.wait_if_it_waits();
        match desk.call() {
            Call::Put { .. } => {
                assert!(desk.is_put());
                desk.answer(Answer::Put(Ok(())));
            }
            _ => {
                assert!(desk.completes("one"));
                desk.answer(Answer::Complete(Ok(())));
            }
        }
        assert_eq!(desk.done, Some(UploadedHow::Answered));
    }
}

#[test]
fn a_foreign_object_found_after_a_restart_gives_way_to_the_whole_object() {
    for (len, upload_id) in [(PART, None), (3 * PART, None), (3 * PART, Some("old"))] {
        let mut desk = Desk::after(len, &was_sent(upload_id));
        desk.shows(Some(desk.foreign()));
        assert!(desk.upload.is_stopped_by_foreign_object());
        desk.wait();
        desk.shows(None);
        desk.wait_if_it_waits();
        // Nothing was loaded before: all of it must be now.
        if let Call::ListParts { .. } = desk.call() {
            desk.answer(Answer::ListParts(Ok(Vec::new())));
        }
        if let Some((_, Call::CreateUpload { .. })) = desk.calls.first() {
            desk.created("new");
        }
        desk.parts_arrive();
        if desk.sent_asked {
            desk.sent_is_durable();
        }
        if len == PART {
            assert!(desk.is_put());
        } else {
            assert!(desk.completes(upload_id.unwrap_or("new")));
        }
    }
}

#[test]
fn a_foreign_object_that_may_not_be_looked_at_after_a_restart_gives_way_to_the_whole_object() {
    let mut desk = Desk::after(PART, &was_sent(None));
    desk.shows(Some(desk.foreign()));
    desk.wait();
    desk.fail(Kind::Forbidden);
    desk.wait_if_it_waits();
    assert!(desk.is_put());
}

// --- uploads that are gone ---

#[test]
fn an_upload_gone_before_complete_was_sent_is_begun_again_from_the_log() {
    let mut desk = Desk::new(3 * PART);
    desk.created("one");
    desk.fail(Kind::NoSuchUpload);
    assert_eq!(desk.rewinds, 1);
    desk.calls.clear();
    desk.wait();
    desk.created("two");
    desk.parts_arrive();
    desk.sent_is_durable();
    assert!(desk.completes("two"));
    desk.answer(Answer::Complete(Ok(())));
    assert!(desk.is_done());
    assert_eq!(desk.upload.reuploads(), 0, "it had never been sent");
}

#[test]
fn an_upload_gone_at_complete_is_looked_for_first() {
    let mut desk = at_complete();
    desk.fail(Kind::NoSuchUpload);
    assert!(desk.looks(), "NoSuchUpload is what a completed upload answers, too");
    desk.shows(Some(desk.head()));
    assert_eq!(desk.done, Some(UploadedHow::Compared));

    let mut desk = at_complete();
    desk.fail(Kind::NoSuchUpload);
    desk.shows(None);
    assert_eq!(desk.rewinds, 1, "aborted by somebody: every byte is still here");
    desk.wait();
    desk.created("two");
    desk.parts_arrive();
    assert!(desk.completes("two"));
}

#[test]
fn an_upload_gone_at_complete_is_sent_anew_when_it_may_not_be_looked_at() {
    let mut desk = at_complete();
    desk.fail(Kind::NoAnswer);
    desk.wait();
    desk.fail(Kind::Forbidden);
    desk.wait_if_it_waits();
    desk.fail(Kind::NoSuchUpload);
    desk.fail(Kind::Forbidden);
    assert_eq!(desk.rewinds, 1);
    desk.wait();
    desk.created("two");
    desk.parts_arrive();
    assert!(desk.completes("two"), "the 200 or 412 decides");
    desk.fail(Kind::PreconditionFailed);
    desk.fail(Kind::Forbidden);
    assert_eq!(desk.done, Some(UploadedHow::TakenBySelf));
    assert_eq!(desk.aborts.last().map(String::as_str), Some("two"));
    assert_eq!(desk.upload.reuploads(), 1);
}

/// Found by simulation: a Complete that was answered with a conflict had been carried out, and where looking isn't permitted the
/// journal then took its own object for a foreign one, for good.
#[test]
fn an_object_completed_in_spite_of_a_conflict_is_ours_when_it_may_not_be_looked_at() {
    for kind in [Kind::Conflict, Kind::Other] {
        let mut desk = at_complete();
        desk.fail(kind);
        desk.wait();
        desk.fail(Kind::Forbidden);
        assert_eq!(desk.rewinds, 1);
        desk.wait_if_it_waits();
        desk.created("two");
        desk.parts_arrive();
        assert!(desk.completes("two"), "the 200 or 412 decides");
        desk.fail(Kind::PreconditionFailed);
        desk.fail(Kind::Forbidden);
        assert_eq!(desk.done, Some(UploadedHow::TakenBySelf));
    }
    // What doesn't fit was certainly not completed.
    for kind in [Kind::InvalidPart, Kind::BadDigest] {
        let mut desk = at_complete();
        desk.fail(kind);
        desk.wait();
        desk.fail(Kind::Forbidden);
        desk.wait_if_it_waits();
        desk.created("two");
        desk.parts_arrive();
        desk.fail(Kind::PreconditionFailed);
        desk.fail(Kind::Forbidden);
        assert!(desk.upload.is_stopped_by_foreign_object());
    }
}

#[test]
fn a_foreign_object_found_where_an_upload_is_gone_leaves_nothing_half() {
    let mut desk = at_complete();
    desk.fail(Kind::NoSuchUpload);
    desk.shows(Some(desk.foreign()));
    assert!(desk.upload.is_stopped_by_foreign_object());
    desk.wait();
    desk.shows(None);
    desk.wait_if_it_waits();
    assert!(desk.completes("one"), "it may have been no more than a rumour");
    desk.fail(Kind::NoSuchUpload);
    desk.shows(None);
    desk.wait();
    desk.created("two");
    desk.parts_arrive();
    assert!(desk.completes("two"));
}

#[test]
fn our_own_object_is_recognised_while_it_is_being_sent_anew() {
    // The first Complete had no answer, the upload was then gone, and nothing was at the key.
    let mut desk = at_complete();
    desk.fail(Kind::NoAnswer);
    desk.wait();
    desk.shows(None);
    desk.wait_if_it_waits();
    desk.fail(Kind::NoSuchUpload);
    desk.shows(None);
    desk.wait();
    // While it is sent anew, before its end is read again, the second upload is gone as well, and the first one's
    // Complete has been carried out after all.
    assert!(matches!(desk.call(), Call::CreateUpload { .. }));
    desk.seal_told = true;
    desk.created("two");
    desk.fail(Kind::NoSuchUpload);
    desk.calls.retain(|(_, call)| matches!(call, Call::Head { .. }));
    desk.shows(Some(desk.head()));
    assert_eq!(desk.done, Some(UploadedHow::Compared));
}

#[test]
fn a_conflict_is_looked_at_and_then_begun_anew() {
    let mut desk = at_complete();
    desk.fail(Kind::Conflict);
    desk.wait();
    assert!(desk.looks());
    desk.shows(Some(desk.head()));
    assert_eq!(desk.done, Some(UploadedHow::Compared), "it was our own request that conflicted");

    let mut desk = at_complete();
    desk.fail(Kind::Conflict);
    desk.wait();
    desk.shows(None);
    assert_eq!((desk.rewinds, desk.aborts.as_slice()), (1, &["one".to_owned()][..]));
    desk.wait_if_it_waits();
    desk.created("two");
    desk.parts_arrive();
    assert!(desk.completes("two"));
}

#[test]
fn parts_that_do_not_fit_are_sent_anew_in_a_fresh_upload() {
    for kind in [Kind::InvalidPart, Kind::BadDigest, Kind::Other] {
        let mut desk = at_complete();
        desk.fail(kind);
        desk.wait();
        desk.shows(None);
        assert_eq!((desk.rewinds, desk.aborts.as_slice()), (1, &["one".to_owned()][..]), "{kind:?}");
        desk.wait_if_it_waits();
        desk.created("two");
        desk.parts_arrive();
        assert!(desk.completes("two"));
    }
}

#[test]
fn an_upload_that_never_fits_is_begun_anew_ever_more_slowly() {
    let mut desk = at_complete();
    let (mut waited, mut round) = (Duration::ZERO, 0);
    for _ in 0..12 {
        desk.fail(Kind::InvalidPart);
        let start = desk.now;
        desk.wait_if_it_waits();
        desk.shows(None);
        desk.wait_if_it_waits();
        waited = waited.max(desk.now.saturating_sub(start));
        round += 1;
        desk.created(&format!("again-{round}"));
        desk.parts_arrive();
    }
    assert!(waited > BACKOFF_MIN * 8, "{waited:?}");
}

// --- what an earlier run left ---

#[test]
fn what_an_earlier_run_sent_is_looked_for_before_anything_is_sent_again() {
    for upload_id in [None, Some("old")] {
        let mut desk = Desk::after(3 * PART, &was_sent(upload_id));
        assert!(desk.looks());
        assert_eq!(desk.next_part, 0, "no byte is read for it");
        desk.shows(Some(desk.head()));
        assert_eq!(desk.done, Some(UploadedHow::Compared));
        assert_eq!(desk.aborts.len(), usize::from(upload_id.is_some()));
    }
}

#[test]
fn what_an_earlier_run_sent_and_somebody_removed_is_sent_again_and_counted() {
    let mut desk = Desk::after(PART, &was_sent(None));
    desk.shows(None);
    desk.wait_if_it_waits();
    assert!(desk.is_put());
    desk.answer(Answer::Put(Ok(())));
    assert_eq!((desk.done, desk.upload.reuploads()), (Some(UploadedHow::Answered), 1));

    let mut desk = Desk::after(3 * PART, &was_sent(Some("old")));
    desk.shows(None);
    assert!(matches!(desk.call(), Call::ListParts { upload_id, .. } if upload_id == "old"));
    desk.fail(Kind::NoSuchUpload);
    desk.wait();
    desk.created("new");
    desk.parts_arrive();
    desk.answer(Answer::Complete(Ok(())));
    assert_eq!((desk.done, desk.upload.reuploads()), (Some(UploadedHow::Answered), 1));
}

#[test]
fn parts_of_an_earlier_run_are_used_again_only_if_length_and_checksum_are_equal() {
    let before = SendingState { sent: false, upload_id: Some("old".to_owned()) };
    let mut desk = Desk::after(5 * PART, &before);
    let listed = vec![
        desk.held_part(1),
        Part { crc64nvme: Some(1), ..desk.held_part(2) },
        Part { len_bytes: 3, ..desk.held_part(3) },
        Part { crc64nvme: None, ..desk.held_part(4) },
        Part { number: 9, ..desk.held_part(5) },
    ];
    desk.answer(Answer::ListParts(Ok(listed)));
    let mut sent = Vec::new();
    while let Some(Call::UploadPart { number, upload_id, .. }) = desk.calls.first().map(|(_, call)| call) {
        assert_eq!(upload_id, "old");
        sent.push(*number);
        let etag = format!("new-{number}");
        desk.answer(Answer::UploadPart(Ok(etag)));
    }
    assert_eq!(sent, [2, 3, 4, 5]);
    desk.sent_is_durable();
    assert!(desk.completes("old"));
    let Call::Complete { parts, .. } = desk.call() else { unreachable!() };
    let etags: Vec<_> = parts.iter().map(|part| part.etag.as_str()).collect();
    assert_eq!(etags, ["held-1", "new-2", "new-3", "new-4", "new-5"], "our own list, not the store's");
    assert!(desk.uploads_recorded.is_empty());
}

#[test]
fn an_upload_of_an_earlier_run_that_may_not_be_listed_is_given_up_for_a_new_one() {
    for kind in [Kind::Forbidden, Kind::Unsupported] {
        let before = SendingState { sent: false, upload_id: Some("old".to_owned()) };
        let mut desk = Desk::after(3 * PART, &before);
        desk.fail(kind);
        assert_eq!(desk.aborts, ["old"]);
        desk.wait();
        desk.created("new");
        desk.parts_arrive();
        desk.sent_is_durable();
        assert!(desk.completes("new"));
    }
}

#[test]
fn a_listing_that_fails_is_asked_for_again() {
    let before = SendingState { sent: false, upload_id: Some("old".to_owned()) };
    let mut desk = Desk::after(3 * PART, &before);
    desk.fail(Kind::Unavailable);
    desk.wait();
    assert!(matches!(desk.call(), Call::ListParts { .. }));
    assert_eq!(desk.rewinds, 0);
}

// --- answers that come late ---

#[test]
fn answers_to_an_abandoned_attempt_mean_nothing_to_its_successor() {
    let mut desk = Desk::new(4 * PART);
    desk.created("one");
    let late: Vec<_> = desk.calls.drain(1..).map(|(token, _)| token).collect();
    desk.fail(Kind::NoSuchUpload);
    desk.wait();
    desk.created("two");
    let under_way = desk.calls.len();
    for (token, answer) in late.into_iter().zip([
        Answer::UploadPart(Ok("of the first upload".to_owned())),
        Answer::UploadPart(Err(error(Kind::NoSuchUpload))),
        Answer::UploadPart(Err(error(Kind::Forbidden))),
    ]) {
        desk.answer_late(token, answer);
    }
    assert_eq!((desk.calls.len(), desk.rewinds), (under_way, 1));
    desk.parts_arrive();
    desk.sent_is_durable();
    let Call::Complete { parts, .. } = desk.call() else { panic!("{:?}", desk.call()) };
    assert!(parts.iter().all(|part| part.etag.starts_with("etag-")));
}

#[test]
fn an_upload_that_an_abandoned_attempt_created_late_is_aborted() {
    let mut desk = Desk::new(3 * PART);
    let (token, _) = desk.calls[0];
    desk.created("one");
    desk.fail(Kind::NoSuchUpload);
    desk.calls.clear();
    desk.answer_late(token, Answer::CreateUpload(Ok("late".to_owned())));
    assert!(desk.uploads_recorded.iter().all(|upload_id| upload_id != "late"));
    desk.wait();
    desk.created("two");
    desk.parts_arrive();
    desk.sent_is_durable();
    desk.answer(Answer::Complete(Ok(())));
    assert!(desk.aborts.contains(&"late".to_owned()));
}

#[test]
fn an_object_that_is_done_stays_done_whatever_comes_late() {
    for late in [
        Answer::UploadPart(Err(error(Kind::NoSuchUpload))),
        Answer::UploadPart(Err(error(Kind::NoAnswer))),
        Answer::UploadPart(Ok("late".to_owned())),
    ] {
        // An upload of an earlier run whose Complete was carried out while its parts are being sent again.
        let mut desk = Desk::after(4 * PART, &was_sent(Some("old")));
        desk.shows(None);
        desk.answer(Answer::ListParts(Ok(Vec::new())));
        let (token, _) = desk.calls.pop().unwrap();
        desk.fail(Kind::NoSuchUpload);
        desk.calls.retain(|(_, call)| matches!(call, Call::Head { .. }));
        desk.shows(Some(desk.head()));
        assert_eq!(desk.done, Some(UploadedHow::Compared));
        desk.answer_late(token, late);
        desk.now += 3_600 * SECOND;
        desk.run();
        assert!(desk.calls.is_empty() && desk.upload.wake_at().is_none() && !desk.upload.wants_part());
    }
}

// --- stores that can't write create-only ---

#[test]
fn a_store_without_create_only_writes_is_looked_at_before_each_write() {
    for mut desk in [at_put(), at_complete()] {
        desk.fail(Kind::Unsupported);
        assert!(desk.looks() && !desk.upload.known().create_only);
        desk.shows(None);
        desk.wait_if_it_waits();
        assert!(matches!(
            desk.call(),
            Call::Put { create_only: false, .. } | Call::Complete { create_only: false, .. }
        ));
        desk.fail(Kind::Forbidden);
        desk.wait();
        assert!(desk.looks(), "what was seen a while ago doesn't count");
        desk.shows(Some(desk.foreign()));
        assert!(desk.upload.is_stopped_by_foreign_object(), "nothing is overwritten");
        desk.wait();
        desk.shows(None);
        desk.wait_if_it_waits();
        assert!(matches!(desk.call(), Call::Put { .. } | Call::Complete { .. }));
    }
}

#[test]
fn what_was_seen_before_the_parts_went_up_does_not_count_as_looking_before_writing() {
    let content = content(3 * PART);
    let seal = SealInfo { len_bytes: content.len() as u64, crc64nvme: crc(&content) };
    let mut desk = Desk::new(3 * PART);
    desk.upload = ObjectUpload::new(
        plan(),
        &was_sent(None),
        Some(seal),
        Known { create_only: false, ..Known::default() },
        4,
    );
    (desk.next_part, desk.seal_told) = (0, false);
    desk.calls.clear();
    desk.run();
    desk.shows(None);
    desk.created("one");
    desk.parts_arrive();
    assert!(desk.looks());
    desk.shows(None);
    assert!(desk.completes("one"));
}

// --- backoff ---

#[test]
fn waits_grow_to_the_longest_and_begin_again_after_success() {
    let mut desk = Desk::new(3 * PART);
    let mut longest = Duration::ZERO;
    for _ in 0..15 {
        desk.fail(Kind::Unavailable);
        longest = longest.max(desk.wait());
    }
    assert!(longest > BACKOFF_MIN * 8 && longest <= BACKOFF_MAX + Duration::from_millis(1));
    desk.created("one");
    desk.fail(Kind::Unavailable);
    desk.parts_arrive();
    assert!(desk.wait() <= BACKOFF_MIN + Duration::from_millis(1));
}

#[test]
fn a_store_that_fails_every_put_and_answers_every_look_is_asked_ever_more_slowly() {
    for len in [PART, 3 * PART] {
        let mut desk = if len == PART { at_put() } else { at_complete() };
        let mut longest = Duration::ZERO;
        for _ in 0..15 {
            let start = desk.now;
            desk.fail(Kind::Unavailable);
            desk.wait();
            desk.shows(None);
            desk.wait_if_it_waits();
            longest = longest.max(desk.now.saturating_sub(start));
        }
        assert!(longest > BACKOFF_MIN * 8, "{longest:?}");
    }
}

#[test]
fn parts_that_fail_together_are_one_failure() {
    let mut desk = Desk::new(4 * PART);
    desk.created("one");
    while !desk.calls.is_empty() {
        desk.fail(Kind::Unavailable);
    }
    assert!(desk.wait() <= BACKOFF_MIN + Duration::from_millis(1));
    assert_eq!(desk.calls.len(), 4, "all of them are sent again");
}

#[test]
fn no_kind_of_answer_ends_an_upload() {
    let kinds = [
        Kind::NotFound,
        Kind::NoSuchUpload,
        Kind::NoSuchBucket,
        Kind::PreconditionFailed,
        Kind::Conflict,
        Kind::Forbidden,
        Kind::InvalidPart,
        Kind::BadDigest,
        Kind::Unsupported,
        Kind::Throttled,
        Kind::Unavailable,
        Kind::NoAnswer,
        Kind::NotSent,
        Kind::Other,
    ];
    for kind in kinds {
        for len in [PART, 4 * PART] {
            for before in [SendingState::default(), was_sent(None), was_sent(Some("old"))] {
                let mut desk = Desk::after(len, &before);
                let mut state = BTreeMap::new();
                for round in 0..60 {
                    if desk.sent_asked {
                        desk.sent_is_durable();
                    }
                    if desk.calls.is_empty() {
                        desk.wait();
                        continue;
                    }
                    *state.entry(format!("{:?}", std::mem::discriminant(&desk.calls[0].1))).or_insert(0) += 1;
                    desk.fail(kind);
                    assert!(
                        round < 59 || desk.done.is_none(),
                        "{kind:?} of {len} after {before:?}: {state:?}"
                    );
                }
                // And then the store comes back, with nothing at the key.
                for _ in 0..60 {
                    if desk.done.is_some() {
                        break;
                    }
                    if desk.sent_asked {
                        desk.sent_is_durable();
                    }
                    let answer = match desk.calls.first().map(|(_, call)| call) {
                        None => {
                            desk.wait();
                            continue;
                        }
                        Some(Call::Put { .. }) => {
                            assert!(desk.is_put());
                            Answer::Put(Ok(()))
                        }
                        Some(Call::Complete { upload_id, .. }) => {
                            let upload_id = upload_id.clone();
                            assert!(desk.completes(&upload_id));
                            Answer::Complete(Ok(()))
                        }
                        Some(Call::CreateUpload { .. }) => Answer::CreateUpload(Ok("new".to_owned())),
                        Some(Call::UploadPart { number, .. }) => {
                            Answer::UploadPart(Ok(format!("etag-{number}")))
                        }
                        Some(Call::ListParts { .. }) => Answer::ListParts(Ok(Vec::new())),
                        Some(Call::Head { .. }) => Answer::Head(Ok(None)),
                        call => panic!("{call:?}"),
                    };
                    desk.answer(answer);
                }
                assert!(desk.is_done(), "{kind:?} of {len} after {before:?}");
            }
        }
    }
}

#[test]
fn a_store_that_asks_to_slow_down_gets_fewer_parts_side_by_side_and_more_again_in_time() {
    let mut desk = Desk::with(200 * PART, &SendingState::default(), 8);
    desk.created("one");
    assert_eq!(desk.calls.len(), 8);
    // All eight are refused: one decrease, not eight.
    for _ in 0..8 {
        desk.fail(Kind::Throttled);
    }
    desk.wait();
    assert_eq!(desk.calls.len(), 4);
    desk.fail(Kind::Throttled);
    while !desk.calls.is_empty() {
        desk.answer(Answer::UploadPart(Ok("etag".to_owned())));
    }
    desk.wait();
    assert_eq!(desk.calls.len(), 2);
    // Other failures say nothing of the pace.
    desk.fail(Kind::Unavailable);
    assert_eq!(desk.upload.known().pace.allowed(8), 2);
    desk.answer(Answer::UploadPart(Ok("etag".to_owned())));
    desk.wait();
    for under_way in 3..=8 {
        desk.now += RAISE_INTERVAL;
        desk.answer(Answer::UploadPart(Ok("etag".to_owned())));
        assert_eq!(desk.calls.len(), under_way);
    }
    desk.parts_arrive();
    assert!(desk.sent_asked, "every part arrived");
}
