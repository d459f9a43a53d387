//! What the uploader does where the log can't be read on: it stops there, or passes by what is damaged, which was asked for. Knows
//! what damage comes to (`examine`) and how it is kept (`aside`).

use std::time::Duration;

use durable_queue::Position;

use super::super::aside::Aside;
use super::super::backoff::BACKOFF_MAX;
use super::super::examine::{Examined, Question, examine};
use super::super::loader::LoadError;
use super::{LOOK_AGAIN_AFTER, LoadFailure, Owner, Uploader, chain};
use crate::error::Stopped;
use crate::record::{Quarantined, Record};
use crate::sabotage;

impl Uploader {
    /// What comes next can't be loaded. Whether something was done about it.
    pub(super) fn cannot_load(&mut self, error: &LoadError, now: Duration) -> bool {
        if error.is_damage() {
            return self.damaged(error, now);
        }
        let again_at = error.may_pass().then(|| now + BACKOFF_MAX);
        self.stop(&chain(error), again_at, now);
        false
    }

    /// Nothing comes although the log is durable and an object was sealed: all of it is gone.
    pub(super) fn look_whether_it_is_gone(&mut self, now: Duration) -> bool {
        let log = self.setup.ledger.log();
        let ends = self.setup.ledger.ends();
        let number = self.setup.ledger.state(|state| state.uploaded_number);
        let is_sealed = number < ends.open.unwrap_or(ends.next_number);
        if self.at_hand.is_some() || self.loader.has_object() || !is_sealed || log.durable() < ends.appended {
            self.misses_object = false;
            return false;
        }
        if !std::mem::replace(&mut self.misses_object, true) {
            // What isn't there when it is looked for now isn't there at all.
            self.loader.finish_object(self.loader.start());
            return true;
        }
        self.misses_object = false;
        self.cannot_load(&LoadError::Missing { number, position: ends.appended }, now)
    }

    /// Stored bytes are damaged: nothing from there on is uploaded, unless they are to be passed by.
    pub(super) fn damaged(&mut self, error: &LoadError, now: Duration) -> bool {
        let ends = self.setup.ledger.ends();
        let (number, first) =
            self.setup.ledger.state(|state| (state.uploaded_number, state.uploaded_sequence));
        if number >= ends.next_number {
            // Nothing waits: what is damaged is none of anybody's entries.
            tracing::warn!("{}; nothing that is to be uploaded is missing there", chain(error));
            self.loader.finish_object(ends.appended);
            return true;
        }
        let is_sealed = number < ends.open.unwrap_or(ends.next_number);
        let start = self.loader.start();
        let question = Question { number, start, first, is_sealed };
        let examined = match examine(self.setup.ledger.log(), question) {
            Ok(Some(examined)) => examined,
            // It can be read after all, or each frame is as it was written and they don't fit together: the object is begun anew.
            Ok(None) => {
                self.stop(&chain(error), Some(now + BACKOFF_MAX), now);
                self.begin_object_anew();
                return false;
            }
            Err(error) => {
                self.stop(&chain(&error), error.may_pass().then(|| now + BACKOFF_MAX), now);
                return false;
            }
        };
        if examined.next.is_none() && ends.open == Some(number) && examined.is_open() {
            // What is damaged may be none of it: the next batch, or the object's end, tells.
            return self.look_again(&examined, now);
        }
        let is_last = examined.next.is_none() && ends.open.is_none();
        let follows = match examined.next {
            Some(next) => Some(next.first),
            None => {
                (is_last && self.setup.ledger.log().durable() >= ends.appended).then_some(ends.next_sequence)
            }
        };
        // No entry is missing: merely a number of an object isn't used, since damage left open whether it was.
        let costs_nothing = examined.cut.is_none() && examined.is_open() && follows == Some(examined.first);
        if !costs_nothing && !self.setup.quarantine && sabotage::QUARANTINE_IS_ASKED_FOR.is_on() {
            let text = examined.text();
            self.setup.uploaded.stop(&Stopped::Damaged(text.clone().into()));
            self.stop(&format!("{text}; open the journal with quarantine to leave it out"), None, now);
            return false;
        }
        let end = match (examined.next, ends.open) {
            (Some(next), _) => (next.position, next.number, next.first),
            (None, Some(open)) => {
                // What is still open may go on after the damage, and would be damaged as a whole: it ends first.
                self.setup.ledger.condemn(open);
                self.setup.scribe_bell.ring();
                return self.look_again(&examined, now);
            }
            (None, None) if self.setup.ledger.log().durable() < ends.appended => {
                self.setup.ledger.log().request_sync(ends.appended);
                return self.look_again(&examined, now);
            }
            (None, None) => (ends.appended, ends.next_number, ends.next_sequence),
        };
        self.quarantine(&examined, end, now)
    }

    /// What the damage comes to shows once more is in the log.
    pub(super) fn look_again(&mut self, examined: &Examined, now: Duration) -> bool {
        let again_at = Some(now + LOOK_AGAIN_AFTER);
        self.load_failure = Some(LoadFailure { reason: examined.text(), is_passing: true, again_at });
        false
    }

    /// Keeps aside what is damaged and what can't be without it, and records that it is passed by.
    pub(super) fn quarantine(
        &mut self,
        examined: &Examined,
        end: (Position, u64, u64),
        now: Duration,
    ) -> bool {
        let (cursor, next_number, next_sequence) = end;
        let next_sequence = next_sequence.max(examined.first);
        let incarnation = self.setup.incarnation.to_string();
        let directory = &self.setup.local_directory;
        let aside = Aside { directory, incarnation: &incarnation, examined, end: (cursor, next_sequence) };
        if let Err(error) = aside.keep(&*self.setup.disk) {
            let reason = format!("{}; and it can't be kept aside: {}", examined.text(), chain(&error));
            self.stop(&reason, Some(now + BACKOFF_MAX), now);
            return false;
        }
        let kept_as = aside.name();
        let what = if examined.first < next_sequence {
            "entries are left out of the stream, the object ends before them, and the next ones go on"
        } else {
            "no entry is left out of the stream"
        };
        tracing::warn!(
            key = examined.key.as_deref(),
            first = examined.first,
            next_sequence,
            kept_as,
            "{what}: {}",
            examined.text()
        );
        self.begin_object_anew();
        self.quarantining = true;
        self.records.push_back(Record::Quarantined(Quarantined {
            number: examined.number,
            from: examined.from,
            cursor,
            next_number,
            first: examined.first,
            next_sequence,
            cut: examined.cut.clone(),
            kept_as,
            good_entries: examined.good.iter().map(|batch| batch.entries).sum(),
        }));
        self.append_records();
        true
    }

    /// Forgets how far the object at hand has come. Answers that are still to come are to what was.
    pub(super) fn begin_object_anew(&mut self) {
        for (owner, _) in self.calls.values_mut() {
            if matches!(owner, Owner::Object(..)) {
                *owner = Owner::Nobody;
            }
        }
        self.at_hand = None;
        self.loader.finish_object(self.loader.start());
    }

    /// Nothing more is loaded: until then, or for good.
    pub(super) fn stop(&mut self, reason: &str, again_at: Option<Duration>, now: Duration) {
        let reason = format!("{reason}; entries submitted are kept, and nothing after this is uploaded");
        let key = self.at_hand.as_ref().map_or("", |at_hand| at_hand.upload.plan().key.as_str());
        self.reporter.stopped(key, &reason, now);
        self.load_failure = Some(LoadFailure { reason, is_passing: false, again_at });
    }

    /// That something is passed by is in the log.
    pub(super) fn quarantined(&mut self, quarantined: &Quarantined, end: Option<Position>) {
        let Some(end) = end else {
            // It is not, and never will be: nothing more is uploaded by this process.
            let now = self.setup.clock.monotonic();
            self.stop("damage can't be passed by since the log has failed", None, now);
            return;
        };
        self.quarantining = false;
        let left_out = quarantined.first..quarantined.next_sequence;
        self.setup.counters.quarantined(left_out.end - left_out.start);
        if sabotage::LEFT_OUT_IS_TOLD.is_on() {
            self.setup.uploaded.leave_out(left_out);
        }
        if quarantined.cut.is_some() {
            self.loader.finish_object(self.loader.start());
            return;
        }
        self.setup.uploaded.advance(quarantined.next_sequence);
        self.loader.finish_object(quarantined.cursor);
        self.setup.counters.set_oldest_pending(None);
        self.sweep_when_drained = true;
        self.setup.room.room_may_have_come();
        self.acknowledged.push_back((end, quarantined.cursor));
    }
}
