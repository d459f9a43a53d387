//! One object's bytes, followed from batch to batch. Pure.

use super::report::{LocalObject, ObjectState};
use crate::checksum::{CRC64_EMPTY, crc64_of};
use crate::record::{Batch, Cut, Seal};

/// How far an object's bytes were met without a hole.
#[derive(Debug, Clone, Copy)]
struct Reached {
    next_sequence: u64,
    len_bytes: u64,
    crc64nvme: u64,
}

/// An object of which records were met.
#[derive(Debug)]
pub(super) struct Track {
    pub object: LocalObject,
    /// The running sum of its bytes; `None` when not all of them were met.
    sum: Option<u64>,
    /// Where the first hole is.
    reached: Option<Reached>,
    /// Something that can't be read was met: whether it was some of the object, the next of it tells.
    is_in_doubt: bool,
    /// Nothing of it is uploaded, since damage costs all of it.
    pub is_left_out: bool,
}

impl Track {
    /// An object that begins with the entry `first`; its begin `is_here`, or isn't.
    pub(super) fn new(number: u64, key: Option<String>, first: u64, next: u64, is_here: bool) -> Self {
        Self {
            object: LocalObject {
                number,
                key,
                state: ObjectState::Open,
                first_sequence: first,
                next_sequence: next,
                stored_bytes: 0,
                crc64nvme: 0,
                complete: is_here,
                ends_early: false,
                is_sealed: false,
                or_whole: None,
            },
            sum: is_here.then_some(CRC64_EMPTY),
            reached: None,
            is_in_doubt: false,
            is_left_out: false,
        }
    }

    /// Some of its bytes aren't here.
    pub(super) fn lose(&mut self) {
        if let Some(sum) = self.sum.take() {
            self.reached = Some(Reached {
                next_sequence: self.object.next_sequence,
                len_bytes: self.object.stored_bytes,
                crc64nvme: sum,
            });
        }
        self.object.complete = false;
        self.is_in_doubt = false;
    }

    /// Some of its bytes may be missing here.
    pub(super) fn doubt(&mut self) {
        self.is_in_doubt |= !self.object.is_sealed;
    }

    /// A batch of it, without its payload when that is damaged; whether its sums are right.
    pub(super) fn batch(&mut self, batch: &Batch, payload_len: u64, payload: Option<&[u8]>) -> bool {
        let before = batch.len_bytes.saturating_sub(payload_len);
        if std::mem::take(&mut self.is_in_doubt)
            && (batch.first != self.object.next_sequence || before != self.object.stored_bytes)
        {
            self.lose();
        }
        let mut is_right = true;
        match payload {
            None => self.lose(),
            Some(payload) => {
                if let Some(sum) = self.sum.map(|sum| crc64_of(sum, payload)) {
                    let len_bytes = self.object.stored_bytes.saturating_add(payload.len() as u64);
                    is_right = len_bytes == batch.len_bytes && sum == batch.crc64nvme;
                    if is_right { self.sum = Some(sum) } else { self.lose() }
                }
            }
        }
        self.object.next_sequence = batch.first.saturating_add(batch.entries);
        self.object.stored_bytes = batch.len_bytes;
        self.object.crc64nvme = batch.crc64nvme;
        is_right
    }

    /// Its end; whether its count and sums are right.
    pub(super) fn seal(&mut self, seal: &Seal, payload: &[u8]) -> bool {
        let counted = self.object.next_sequence.saturating_sub(self.object.first_sequence);
        let before = seal.len_bytes.saturating_sub(payload.len() as u64);
        if std::mem::take(&mut self.is_in_doubt)
            && (counted != seal.entries || before != self.object.stored_bytes)
        {
            self.lose();
        }
        let mut is_right = counted == seal.entries || !self.object.complete;
        if let Some(sum) = self.sum.map(|sum| crc64_of(sum, payload)) {
            let len_bytes = self.object.stored_bytes.saturating_add(payload.len() as u64);
            is_right &= len_bytes == seal.len_bytes && sum == seal.crc64nvme;
        }
        self.object.is_sealed = true;
        self.object.stored_bytes = seal.len_bytes;
        self.object.crc64nvme = seal.crc64nvme;
        self.object.complete &= is_right;
        is_right
    }

    /// It ends before the entry `first`, though more of it was written; whether count and sums of that end are right, as far as
    /// what is before it was met.
    pub(super) fn cut(&mut self, cut: &Cut, first: u64) -> bool {
        self.lose();
        let counted = first.saturating_sub(self.object.first_sequence);
        let mut is_right = self.object.key.is_none() || counted == cut.entries;
        let reached = self.reached.filter(|reached| reached.next_sequence == first);
        if let Some(reached) = reached {
            let len_bytes = reached.len_bytes.saturating_add(cut.trailer.len() as u64);
            is_right &=
                len_bytes == cut.len_bytes && crc64_of(reached.crc64nvme, &cut.trailer) == cut.crc64nvme;
        }
        let object = &mut self.object;
        object.complete = reached.is_some() && is_right;
        (object.is_sealed, object.ends_early) = (true, true);
        object.next_sequence = first;
        object.stored_bytes = cut.len_bytes;
        object.crc64nvme = cut.crc64nvme;
        object.or_whole = cut.whole.map(|whole| (whole.len_bytes, whole.crc64nvme));
        is_right
    }

    /// It was to end early, and had arrived whole before.
    pub(super) fn arrived_whole(&mut self, cut: &Cut) {
        let Some(whole) = cut.whole else { return };
        let object = &mut self.object;
        (object.ends_early, object.complete) = (false, false);
        object.next_sequence = object.first_sequence.saturating_add(whole.entries);
        (object.stored_bytes, object.crc64nvme) = (whole.len_bytes, whole.crc64nvme);
        object.or_whole = None;
    }

    /// The object, as far as anything is known of it.
    pub(super) fn finish(mut self, uploaded_number: u64) -> LocalObject {
        if self.is_in_doubt {
            self.lose();
        }
        self.object.state = match self.object.is_sealed {
            _ if self.is_left_out => ObjectState::LeftOut,
            _ if self.object.number < uploaded_number => ObjectState::Uploaded,
            true => ObjectState::Sealed,
            false => ObjectState::Open,
        };
        self.object
    }
}
