//! Which calls go wrong, and how: options, and the dice that decide. Knows nothing of a bucket's content.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::bucket::{BucketError, BucketErrorKind};

/// The calls of a [`Bucket`](crate::bucket::Bucket).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Call {
    /// [`Bucket::put`](crate::bucket::Bucket::put)
    Put,
    /// [`Bucket::create_upload`](crate::bucket::Bucket::create_upload)
    CreateUpload,
    /// [`Bucket::upload_part`](crate::bucket::Bucket::upload_part)
    UploadPart,
    /// [`Bucket::complete_upload`](crate::bucket::Bucket::complete_upload)
    CompleteUpload,
    /// [`Bucket::abort_upload`](crate::bucket::Bucket::abort_upload)
    AbortUpload,
    /// [`Bucket::delete`](crate::bucket::Bucket::delete)
    Delete,
    /// [`Bucket::list_parts`](crate::bucket::Bucket::list_parts)
    ListParts,
    /// [`Bucket::list_uploads`](crate::bucket::Bucket::list_uploads)
    ListUploads,
    /// [`Bucket::head`](crate::bucket::Bucket::head)
    Head,
    /// [`Bucket::get_range`](crate::bucket::Bucket::get_range)
    GetRange,
    /// [`Bucket::list`](crate::bucket::Bucket::list)
    List,
}

/// What goes wrong with one call. A call is carried out or not, and answered truthfully or not: four cases, of which
/// three are faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Not carried out, and no answer.
    LostRequest,
    /// Carried out, but no answer.
    LostAnswer,
    /// Not carried out, and answered with an error of this kind.
    Refused(BucketErrorKind),
    /// Carried out, but answered with an error of this kind.
    DoneButFailed(BucketErrorKind),
    /// The upload is aborted, as a lifecycle rule does, and then the call is carried out. Other calls are unharmed.
    UploadAborted,
}

/// How often calls go wrong, and what the store can't do at all. The default is a store without a fault.
///
/// Probabilities are per call, 0 to 1; those of single faults are added up, so keep their sum at 1 or below.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties of a store, switched one by one")]
pub struct Faults {
    /// Probability of [`Fault::LostRequest`].
    pub lost_request: f64,
    /// Probability of [`Fault::LostAnswer`].
    pub lost_answer: f64,
    /// Probability of [`Fault::Refused`], with one of `refusals`.
    pub refused: f64,
    /// Kinds for `refused` and for `done_but_failed`. [`BucketErrorKind::NoSuchUpload`] comes only with an upload that is
    /// really aborted, or else as [`BucketErrorKind::Unavailable`].
    pub refusals: Vec<BucketErrorKind>,
    /// Probability of [`Fault::DoneButFailed`], with [`BucketErrorKind::Unavailable`].
    pub done_but_failed: f64,
    /// Probability of [`Fault::UploadAborted`].
    pub upload_aborted: f64,
    /// Probability that a Complete is answered with 200 and an error in the body; nothing was done.
    pub complete_error_in_200: f64,
    /// Probability that an outage begins: no call is carried out until it is over.
    pub outage: f64,
    /// An outage lasts for 1 to this many calls; 0 when only its time counts.
    pub outage_calls: u32,
    /// An outage lasts up to this long by the fake's clock, and until its calls are over.
    pub outage_time: Duration,
    /// Kinds of answers during an outage, one for the whole of it.
    pub outage_kinds: Vec<BucketErrorKind>,
    /// HEAD is answered 403, whether there is an object or not.
    pub heads_forbidden: bool,
    /// GET is answered 403.
    pub gets_forbidden: bool,
    /// Listing objects, uploads and parts is answered 403.
    pub lists_forbidden: bool,
    /// Create-only writes are answered 501, as by OpenStack Swift.
    pub conditional_writes_unsupported: bool,
    /// Create-only writes overwrite, as in Garage. What was promised of a bucket doesn't hold there.
    pub conditional_writes_ignored: bool,
    /// HEAD and the list of parts tell no checksums, as by OpenStack Swift.
    pub checksums_withheld: bool,
}

impl Default for Faults {
    fn default() -> Self {
        use BucketErrorKind as Kind;
        Self {
            lost_request: 0.0,
            lost_answer: 0.0,
            refused: 0.0,
            refusals: vec![
                Kind::Unavailable,
                Kind::Throttled,
                Kind::NotSent,
                Kind::Forbidden,
                Kind::Conflict,
            ],
            done_but_failed: 0.0,
            upload_aborted: 0.0,
            complete_error_in_200: 0.0,
            outage: 0.0,
            outage_calls: 8,
            outage_time: Duration::ZERO,
            outage_kinds: vec![
                Kind::Unavailable,
                Kind::NoAnswer,
                Kind::NotSent,
                Kind::Forbidden,
                Kind::Throttled,
            ],
            heads_forbidden: false,
            gets_forbidden: false,
            lists_forbidden: false,
            conditional_writes_unsupported: false,
            conditional_writes_ignored: false,
            checksums_withheld: false,
        }
    }
}

impl Faults {
    /// Every kind of fault at once, so that about one call in `1 / probability` goes wrong.
    pub fn all(probability: f64) -> Self {
        let each = probability / 6.0;
        Self {
            lost_request: each,
            lost_answer: each,
            refused: each,
            done_but_failed: each,
            upload_aborted: each,
            complete_error_in_200: each,
            outage: each / 8.0,
            ..Self::default()
        }
    }
}

/// How often what was called and went wrong, since the bucket was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FakeCounts {
    /// Calls made, by kind.
    pub calls: BTreeMap<Call, u64>,
    /// [`Fault::LostRequest`]s.
    pub lost_requests: u64,
    /// [`Fault::LostAnswer`]s.
    pub lost_answers: u64,
    /// [`Fault::Refused`]s, those of outages and of what the store can't do included.
    pub refusals: u64,
    /// [`Fault::DoneButFailed`]s.
    pub done_but_failed: u64,
    /// [`Fault::UploadAborted`]s.
    pub uploads_aborted: u64,
}

impl FakeCounts {
    /// All faults together.
    pub fn faults(&self) -> u64 {
        self.lost_requests + self.lost_answers + self.refusals + self.done_but_failed + self.uploads_aborted
    }

    fn count(&mut self, fault: Fault) {
        let counter = match fault {
            Fault::LostRequest => &mut self.lost_requests,
            Fault::LostAnswer => &mut self.lost_answers,
            Fault::Refused(_) => &mut self.refusals,
            Fault::DoneButFailed(_) => &mut self.done_but_failed,
            Fault::UploadAborted => &mut self.uploads_aborted,
        };
        *counter += 1;
    }
}

/// A call as far as the dice need to know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) call: Call,
    pub(super) has_upload: bool,
    pub(super) create_only: bool,
}

/// Decides for each call what goes wrong with it. The same seed, options and order of calls give the same faults.
#[derive(Debug)]
pub(super) struct Dice {
    state: u64,
    pub(super) faults: Faults,
    pub(super) counts: FakeCounts,
    planned: BTreeMap<Call, VecDeque<Fault>>,
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    kind: BucketErrorKind,
    calls_left: u32,
    until: Duration,
}

impl Dice {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let (counts, planned) = (FakeCounts::default(), BTreeMap::new());
        Self { state: seed, faults, counts, planned, outage: None }
    }

    pub(super) fn plan(&mut self, call: Call, fault: Fault) {
        self.planned.entry(call).or_default().push_back(fault);
    }

    pub(super) fn begin_outage(&mut self, kind: BucketErrorKind) {
        self.outage = Some(Outage { kind, calls_left: u32::MAX, until: Duration::MAX });
    }

    pub(super) fn end_outage(&mut self) {
        self.outage = None;
    }

    /// What goes wrong with this call, at the time `now`.
    pub(super) fn decide(&mut self, attempt: Attempt, now: Duration) -> Option<Fault> {
        *self.counts.calls.entry(attempt.call).or_default() += 1;
        // As many numbers for each call, whatever they are needed for: so one option more leaves the others' faults alone.
        let rolls: [f64; 6] = std::array::from_fn(|_| self.roll());
        let planned = self.planned.get_mut(&attempt.call).and_then(VecDeque::pop_front);
        let fault =
            planned.or_else(|| self.refused_always(attempt)).or_else(|| self.rolled(attempt, now, rolls));
        if let Some(fault) = fault {
            self.counts.count(fault);
        }
        fault
    }

    fn refused_always(&self, attempt: Attempt) -> Option<Fault> {
        let faults = &self.faults;
        let forbidden = match attempt.call {
            Call::Head => faults.heads_forbidden,
            Call::GetRange => faults.gets_forbidden,
            Call::List | Call::ListParts | Call::ListUploads => faults.lists_forbidden,
            _ => false,
        };
        if forbidden {
            return Some(Fault::Refused(BucketErrorKind::Forbidden));
        }
        let unsupported = attempt.create_only && faults.conditional_writes_unsupported;
        unsupported.then_some(Fault::Refused(BucketErrorKind::Unsupported))
    }

    fn rolled(&mut self, attempt: Attempt, now: Duration, rolls: [f64; 6]) -> Option<Fault> {
        let [begin, length, time, outage_kind, which, kind] = rolls;
        let faults = &self.faults;
        if self.outage.is_none() && begin < faults.outage {
            let calls_left = scaled(length, faults.outage_calls).max(u32::from(faults.outage_calls > 0));
            let until = now.saturating_add(faults.outage_time.mul_f64(time));
            let kind = pick(&faults.outage_kinds, outage_kind).unwrap_or(BucketErrorKind::Unavailable);
            self.outage = Some(Outage { kind, calls_left, until });
        }
        if let Some(outage) = &mut self.outage {
            if outage.calls_left > 0 || now < outage.until {
                outage.calls_left = outage.calls_left.saturating_sub(1);
                return Some(Fault::Refused(outage.kind));
            }
            self.outage = None;
        }
        let in_200 = if attempt.call == Call::CompleteUpload { faults.complete_error_in_200 } else { 0.0 };
        let refusal = match pick(&faults.refusals, kind).unwrap_or(BucketErrorKind::Unavailable) {
            BucketErrorKind::NoSuchUpload if attempt.has_upload => Fault::UploadAborted,
            BucketErrorKind::NoSuchUpload => Fault::Refused(BucketErrorKind::Unavailable),
            kind => Fault::Refused(kind),
        };
        let aborted = if attempt.has_upload { faults.upload_aborted } else { 0.0 };
        let mut sum = 0.0;
        [
            (faults.lost_request, Fault::LostRequest),
            (faults.lost_answer, Fault::LostAnswer),
            (faults.refused, refusal),
            (faults.done_but_failed, Fault::DoneButFailed(BucketErrorKind::Unavailable)),
            (in_200, Fault::Refused(BucketErrorKind::Unavailable)),
            (aborted, Fault::UploadAborted),
        ]
        .into_iter()
        .find_map(|(probability, fault)| {
            sum += probability;
            (which < sum).then_some(fault)
        })
    }

    /// The next number from 0 up to 1, of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
    /// generators", OOPSLA 2014).
    fn roll(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A whole number below `limit`, plus one; 0 when the limit is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a roll is from 0 up to 1")]
fn scaled(roll: f64, limit: u32) -> u32 {
    ((roll * f64::from(limit)) as u32 + 1).min(limit)
}

fn pick(kinds: &[BucketErrorKind], roll: f64) -> Option<BucketErrorKind> {
    let limit = u32::try_from(kinds.len()).unwrap_or(u32::MAX);
    kinds.get(scaled(roll, limit).saturating_sub(1) as usize).copied()
}

/// The answer that goes with a kind, with the code that Amazon S3 gives.
pub(super) fn error(kind: BucketErrorKind, call: Call) -> BucketError {
    let code = match kind {
        BucketErrorKind::NotFound => "NoSuchKey",
        BucketErrorKind::NoSuchUpload => "NoSuchUpload",
        BucketErrorKind::NoSuchBucket => "NoSuchBucket",
        BucketErrorKind::PreconditionFailed => "PreconditionFailed",
        BucketErrorKind::Conflict => "ConditionalRequestConflict",
        BucketErrorKind::Forbidden => "AccessDenied",
        BucketErrorKind::InvalidPart => "InvalidPart",
        BucketErrorKind::BadDigest => "BadDigest",
        BucketErrorKind::Unsupported => "NotImplemented",
        BucketErrorKind::Throttled => "SlowDown",
        BucketErrorKind::Unavailable => "InternalError",
        BucketErrorKind::NoAnswer => "Timeout",
        BucketErrorKind::NotSent => "ConnectionRefused",
        BucketErrorKind::Other => "Other",
    };
    BucketError::new(kind, code, format!("injected into {call:?}"))
}
