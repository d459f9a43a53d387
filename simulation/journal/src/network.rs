//! Calls on their way to the store, and answers on their way back: some arrive late, twice, or never. Knows the store.

use std::hash::{Hash, Hasher};

use durable_queue::fake::Dice;
use s3_journal::bucket::BucketErrorKind;
use s3_journal::simulation::{Answer, Call, CallId};

use crate::faults::{Fault, Faults};
use crate::store::{Store, Written, refused};
use crate::trace::Trace;

#[derive(Debug)]
struct Flight {
    id: CallId,
    call: Call,
    /// Once it was carried out, or never will be.
    answer: Option<Answer>,
}

/// A call that is carried out although nobody waits for its answer any more.
#[derive(Debug, Clone)]
struct Late {
    call: Call,
}

/// What came of one step of the network.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Objects that came to be, in this order.
    pub written: Vec<Written>,
    /// An answer for somebody.
    pub answer: Option<(CallId, Answer)>,
    /// It was a call that nobody waits for any more.
    pub is_late: bool,
}

/// The network.
#[derive(Debug, Default)]
pub struct Network {
    flights: Vec<Flight>,
    late: Vec<Late>,
    /// The answer to a repetition came instead of the first one's.
    pub has_doubled: bool,
    /// The world stops before it takes one step more than this.
    pub steps_left: Option<u64>,
    /// Steps so far.
    pub steps: u64,
    is_cut: bool,
}

impl Network {
    pub fn send(&mut self, calls: Vec<(CallId, Call)>, trace: &mut Trace) {
        for (id, call) in calls {
            trace.note(|| format!("  asks {} {}", id.0, describe(&call)));
            self.flights.push(Flight { id, call, answer: None });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Whether calls that nobody waits for are still to arrive.
    pub fn has_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Whether it came to the step before which everything stops.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// A network in which the calls that were on their way are still carried out, or aren't.
    pub fn after_death(&self, are_late: bool) -> Self {
        let open = self.flights.iter().filter(|flight| are_late && flight.answer.is_none());
        let late =
            open.map(|flight| Late { call: flight.call.clone() }).chain(self.late.iter().cloned()).collect();
        Self { late, has_doubled: self.has_doubled, ..Self::default() }
    }

    /// The same for networks in which the same calls arrive late.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        for late in &self.late {
            describe(&late.call).hash(hasher);
        }
    }

    /// Keys that are being written to.
    pub fn keys(&self) -> Vec<String> {
        let keys = self.flights.iter().filter(|flight| flight.answer.is_none()).filter_map(|flight| {
            match &flight.call {
                Call::Put { key, .. } | Call::Complete { key, .. } | Call::CreateUpload { key, .. } => {
                    Some(key.clone())
                }
                _ => None,
            }
        });
        keys.collect()
    }

    /// The process dies: what it asked may still be carried out.
    pub fn forget(&mut self, dice: &mut Dice, faults: Faults) {
        for flight in std::mem::take(&mut self.flights) {
            if flight.answer.is_none() && faults.has(Fault::LateCall) && dice.one_in(2) {
                self.late.push(Late { call: flight.call });
            }
        }
    }

    /// One of the calls that nobody waits for arrives.
    pub fn arrive_late(
        &mut self,
        store: &mut Store,
        dice: &mut Dice,
        trace: &mut Trace,
    ) -> Result<Delivered, String> {
        let mut delivered = Delivered { is_late: true, ..Delivered::default() };
        if self.late.is_empty() {
            return Ok(delivered);
        }
        let at = usize::try_from(dice.below(self.late.len() as u64)).unwrap_or(0);
        let Late { call } = self.late.swap_remove(at);
        let (answer, written) = store.carry_out(&call)?;
        trace.note(|| format!("  late: {} gives {}", describe(&call), outcome(&answer)));
        delivered.written.extend(written);
        Ok(delivered)
    }

    /// One of the calls goes on: is carried out, or answered.
    pub fn step(
        &mut self,
        store: &mut Store,
        dice: &mut Dice,
        faults: Faults,
        trace: &mut Trace,
    ) -> Result<Delivered, String> {
        let mut delivered = Delivered::default();
        if self.flights.is_empty() {
            return Ok(delivered);
        }
        if self.steps_left == Some(self.steps) {
            self.is_cut = true;
            return Ok(delivered);
        }
        self.steps += 1;
        let at = usize::try_from(dice.below(self.flights.len() as u64)).unwrap_or(0);
        let Some(flight) = self.flights.get_mut(at) else { return Ok(delivered) };
        let id = flight.id;
        if let Some(answer) = flight.answer.take() {
            self.flights.swap_remove(at);
            trace.note(|| format!("  is told {}: {}", id.0, outcome(&answer)));
            delivered.answer = Some((id, answer));
            return Ok(delivered);
        }
        let call = flight.call.clone();
        let mut carry_out = |trace: &mut Trace, delivered: &mut Delivered| -> Result<Answer, String> {
            let (answer, written) = store.carry_out(&call)?;
            trace.note(|| format!("  carried out {}: {} gives {}", id.0, describe(&call), outcome(&answer)));
            delivered.written.extend(written);
            Ok(answer)
        };
        let is_write = matches!(call, Call::Put { .. } | Call::Complete { .. });
        let error = |kind, code| refused(&call, &(kind, code));
        let fault = draw(dice, faults);
        let mut late = None;
        let answer = match fault {
            Some(Fault::LostAnswer) => {
                if dice.one_in(2) {
                    carry_out(trace, &mut delivered)?;
                }
                error(BucketErrorKind::NoAnswer, "Lost")
            }
            Some(Fault::LateCall) => {
                late = Some(Late { call: call.clone() });
                error(BucketErrorKind::NoAnswer, "Late")
            }
            Some(Fault::ServerError) => match dice.below(4) {
                0 => {
                    carry_out(trace, &mut delivered)?;
                    error(BucketErrorKind::Unavailable, "InternalError")
                }
                1 => error(BucketErrorKind::Throttled, "SlowDown"),
                2 if is_write => error(BucketErrorKind::Other, "Unheard"),
                _ => error(BucketErrorKind::Unavailable, "InternalError"),
            },
            Some(Fault::DuplicateCall) => {
                let first = carry_out(trace, &mut delivered)?;
                let second = carry_out(trace, &mut delivered)?;
                self.has_doubled |= is_write;
                if dice.one_in(2) { first } else { second }
            }
            Some(Fault::Conflict) if is_write => {
                if dice.one_in(3) {
                    late = Some(Late { call: call.clone() });
                }
                error(BucketErrorKind::Conflict, "ConditionalRequestConflict")
            }
            Some(Fault::DamagedOnTheWay)
                if matches!(call, Call::Put { .. } | Call::UploadPart { .. } | Call::Complete { .. }) =>
            {
                error(BucketErrorKind::BadDigest, "BadDigest")
            }
            _ => carry_out(trace, &mut delivered)?,
        };
        trace.note(|| format!("  call {} ({fault:?}) will be answered {}", id.0, outcome(&answer)));
        self.late.extend(late);
        if let Some(flight) = self.flights.get_mut(at) {
            flight.answer = Some(answer);
        }
        Ok(delivered)
    }
}

fn draw(dice: &mut Dice, faults: Faults) -> Option<Fault> {
    if !dice.one_in(4) {
        return None;
    }
    let of = [
        Fault::LostAnswer,
        Fault::LateCall,
        Fault::ServerError,
        Fault::DuplicateCall,
        Fault::Conflict,
        Fault::DamagedOnTheWay,
    ];
    let drawn = of.get(usize::try_from(dice.below(of.len() as u64)).unwrap_or(0)).copied()?;
    faults.has(drawn).then_some(drawn)
}

/// A call in a few words.
pub fn describe(call: &Call) -> String {
    match call {
        Call::Put { key, body, create_only, .. } => {
            format!("Put {key} {} bytes create_only={create_only}", body.len())
        }
        Call::CreateUpload { key, .. } => format!("CreateUpload {key}"),
        Call::UploadPart { key, upload_id, number, body, .. } => {
            format!("UploadPart {key} {upload_id} {number} {} bytes", body.len())
        }
        Call::Complete { key, upload_id, parts, len_bytes, create_only, .. } => {
            format!(
                "Complete {key} {upload_id} {} parts {len_bytes} bytes create_only={create_only}",
                parts.len()
            )
        }
        Call::Abort { key, upload_id } => format!("Abort {key} {upload_id}"),
        Call::ListParts { key, upload_id } => format!("ListParts {key} {upload_id}"),
        Call::ListUploads { prefix, after } => format!("ListUploads {prefix} after {after:?}"),
        Call::Head { key } => format!("Head {key}"),
    }
}

fn outcome(answer: &Answer) -> String {
    match (answer.error(), answer) {
        (Some(error), _) => format!("{:?}", error.kind()),
        (None, Answer::Head(Ok(None))) => "nothing".to_owned(),
        (None, Answer::ListUploads(Ok(page))) => format!("{} uploads", page.uploads.len()),
        (None, Answer::ListParts(Ok(parts))) => format!("{} parts", parts.len()),
        (None, Answer::CreateUpload(Ok(id))) => id.clone(),
        _ => "success".to_owned(),
    }
}
