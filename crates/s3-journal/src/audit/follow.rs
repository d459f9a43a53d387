//! What a log's records mean together: told of each in order, and of what is damaged, it says which entries and objects are
//! here, what was uploaded, and what is wrong. Pure.
//!
//! It believes no record's word where it can count itself: sequence numbers, lengths and sums are carried on from batch to
//! batch and held against what the records say. It goes on behind damage: the next good batch or checkpoint says where, and the
//! notes in frame headers. Where damage was passed by, since that was asked for, it goes on as the record of that says, and the damage is no
//! finding (`left_out`).

use std::path::Path;

use durable_queue::{Audited, AuditedDamage, Auditor, Position, Record as Frame};

use super::findings::{LocalFinding, LocalFindingKind as Kind};
use super::left_out::LeftOut;
use super::report::{LocalReport, LocalSlab, TornBytes};
use super::track::Track;
use crate::read::{FINDINGS_MAX, Sequences, escaped};
use crate::record::{Batch, Kind as RecordKind, OpenObject, Quarantined, Record, Seal, State, Uploaded};

/// Damage whose entries are known once something good follows.
#[derive(Debug, Clone, Copy)]
struct Unsettled {
    /// Which finding.
    at: usize,
    /// Sequence number of the entry after the last good one.
    from: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Follow {
    state: Option<State>,
    /// The next entry, counted; `None` before the first record.
    next: Option<u64>,
    next_number: u64,
    uploaded_number: u64,
    uploaded_sequence: u64,
    /// The open object, as the last checkpoint says.
    open: Option<OpenObject>,
    tracks: Vec<Track>,
    /// The object that is next to be uploaded ends early.
    cut: Option<Quarantined>,
    passed_by: LeftOut,
    unsettled: Vec<Unsettled>,
    /// Something was damaged since the last checkpoint: control records may be lost, so that the next checkpoint is right.
    is_lossy: bool,
    /// Behind this, nothing was ever acknowledged.
    is_over: bool,
    first: Option<u64>,
    records: u64,
    torn: Vec<TornBytes>,
    findings: Vec<LocalFinding>,
    left_out: u64,
}

impl Auditor for Follow {
    fn checkpoint(&mut self, file: &Path, position: Position, payload: &[u8]) {
        if self.is_over {
            return;
        }
        match State::decode(payload) {
            Ok(state) => self.follow_checkpoint(file, position, state),
            Err(error) => self.contradiction(file, position, &error.to_string()),
        }
    }

    fn record(&mut self, file: &Path, frame: &Frame, payload: &[u8]) {
        if self.is_over {
            return;
        }
        self.records += 1;
        let is_batch = frame.kind == RecordKind::Batch as u16;
        if !is_batch {
            self.noted(frame.note);
        }
        match Record::decode(frame.kind, frame.must_understand, &frame.meta) {
            Ok(Record::Batch(batch)) => self.batch(file, frame, &batch, Some(payload)),
            Ok(Record::Seal(seal)) => self.seal(file, frame, &seal, payload),
            Ok(Record::Uploaded(uploaded)) => self.uploaded(file, frame.position, &uploaded),
            Ok(Record::Quarantined(quarantined)) => self.quarantined(file, frame.position, &quarantined),
            Ok(Record::UploadStarted(_) | Record::Sent(_) | Record::Unknown) => {}
            Err(error) => self.contradiction(file, frame.position, &crate::upload::chain(&error)),
        }
    }

    fn damage(&mut self, damage: &AuditedDamage) {
        if self.is_over {
            return;
        }
        let AuditedDamage { file, offset_bytes, position, len_bytes, reason, .. } = damage;
        if !damage.acknowledged {
            // Opening cuts everything from here on, good or bad.
            self.is_over = true;
            let (file, reason) = (file.clone(), reason.clone());
            self.torn.push(TornBytes { file, offset_bytes: *offset_bytes, len_bytes: *len_bytes, reason });
            return;
        }
        self.is_lossy = true;
        let found = LocalFinding::new(Kind::Damaged, escaped(reason)).at(file, *position, Some(*len_bytes));
        let frame = damage.record.as_ref();
        let record =
            frame.and_then(|frame| Record::decode(frame.kind, frame.must_understand, &frame.meta).ok());
        match (frame, record) {
            (Some(frame), Some(Record::Batch(batch))) => {
                let damaged = Sequences::new(batch.first, batch.first.saturating_add(batch.entries));
                self.batch(file, frame, &batch, None);
                let key = self.track(batch.number).and_then(|track| track.object.key.clone());
                self.find(found.exactly(damaged).of_object(batch.number, key));
            }
            (_, Some(record)) => {
                if let Record::Seal(seal) = &record {
                    self.lose_bytes(seal.number);
                }
                self.find(found);
            }
            (_, None) => {
                if let Some(last) = self.tracks.last_mut() {
                    last.doubt();
                }
                if self.findings.len() < FINDINGS_MAX {
                    let from = self.next.unwrap_or(0);
                    self.unsettled.push(Unsettled { at: self.findings.len(), from });
                }
                self.find(found);
                self.noted(damage.note.unwrap_or(0));
            }
        }
    }

    /// Whatever is missing before this, the sequence had come as far as the note says.
    fn noted(&mut self, note: u64) {
        if let Some(next) = note.checked_sub(1).filter(|_| !self.is_over && !self.unsettled.is_empty()) {
            self.settle(next);
            self.next = self.next.max(Some(next));
        }
    }
}

impl Follow {
    fn find(&mut self, finding: LocalFinding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.left_out += 1;
        }
    }

    fn contradiction(&mut self, file: &Path, position: Position, text: &str) {
        self.is_lossy = true;
        let found = LocalFinding::new(Kind::Contradiction, escaped(text));
        self.find(found.at(file, position, None));
    }

    fn track(&mut self, number: u64) -> Option<&mut Track> {
        self.tracks.iter_mut().rev().find(|track| track.object.number == number)
    }

    /// Some of an object's bytes aren't here.
    fn lose_bytes(&mut self, number: u64) {
        if let Some(track) = self.track(number) {
            track.lose();
        }
    }

    /// What was damaged lies before this entry.
    fn settle(&mut self, to: u64) {
        let several = self.unsettled.len() > 1;
        for Unsettled { at, from } in std::mem::take(&mut self.unsettled) {
            if let Some(finding) = self.findings.get_mut(at).filter(|_| from < to) {
                finding.sequences = Some(Sequences::new(from, to));
                finding.exact = !several;
            }
        }
    }

    /// Entries begin here; says what is wrong with that.
    fn begin(&mut self, file: &Path, position: Position, first: u64) {
        if self.unsettled.is_empty()
            && let Some(next) = self.next
        {
            let (kind, what, from, to) = match next.cmp(&first) {
                std::cmp::Ordering::Less => (Kind::MissingEntries, "missing before this place", next, first),
                std::cmp::Ordering::Greater => {
                    (Kind::DuplicateEntries, "here for the second time", first, next)
                }
                std::cmp::Ordering::Equal => return,
            };
            let found = LocalFinding::new(kind, format!("entries are {what}"));
            return self.find(found.at(file, position, None).exactly(Sequences::new(from, to)));
        }
        self.settle(first);
    }

    fn follow_checkpoint(&mut self, file: &Path, position: Position, state: State) {
        let is_other = self.state.as_ref().is_some_and(|before| before.identity != state.identity);
        if is_other {
            // Another journal took the directory over, which it may when nothing waits in it.
            let waits = self.next.is_some_and(|next| next > self.uploaded_sequence);
            if waits && !self.is_lossy {
                let text =
                    "another journal begins here while entries of the one before wait for their upload";
                self.contradiction(file, position, text);
            }
            self.settle(self.next.unwrap_or(0));
            self.tracks.clear();
            self.passed_by = LeftOut::default();
            self.passed_by.believe(&state);
            self.cut.clone_from(&state.cut);
        } else {
            self.begin(file, position, state.next_sequence);
            let counted = (self.next_number, self.uploaded_number, self.uploaded_sequence);
            let said = (state.next_number, state.uploaded_number, state.uploaded_sequence);
            if self.state.is_some() && !self.is_lossy && counted != said {
                let text = format!(
                    "the checkpoint counts {} objects, {} of them and {} entries uploaded, and the records before it {}, \
                     {} and {}",
                    said.0, said.1, said.2, counted.0, counted.1, counted.2
                );
                self.contradiction(file, position, &text);
            } else if self.state.is_some() && !self.is_lossy && !self.passed_by.agrees(&state) {
                let text = "the checkpoint counts other entries as left out than the records before it";
                self.contradiction(file, position, text);
            }
            self.passed_by.believe(&state);
            if let Some(cut) = state.cut.as_ref().filter(|cut| self.cut.as_ref() != Some(cut)) {
                self.end_early(file, position, cut);
            }
            self.cut.clone_from(&state.cut);
        }
        self.is_lossy = false;
        self.next = Some(state.next_sequence);
        self.next_number = state.next_number;
        self.uploaded_number = state.uploaded_number;
        self.uploaded_sequence = state.uploaded_sequence;
        self.open.clone_from(&state.open);
        self.state = Some(state);
    }

    /// A batch; without its payload when that is damaged.
    fn batch(&mut self, file: &Path, frame: &Frame, batch: &Batch, payload: Option<&[u8]>) {
        self.begin(file, frame.position, batch.first);
        self.first.get_or_insert(batch.first);
        let end = batch.first.saturating_add(batch.entries);
        self.next = Some(end);
        if let Some(opening) = &batch.opening {
            if !self.is_lossy && self.state.is_some() && batch.number != self.next_number {
                let text = format!("object {} begins, and {} is next", batch.number, self.next_number);
                self.contradiction(file, frame.position, &text);
            }
            self.next_number = batch.number.saturating_add(1);
            self.open = None;
            let key = Some(opening.key.clone());
            self.tracks.push(Track::new(batch.number, key, batch.first, batch.first, true));
        } else if self.track(batch.number).is_none() {
            self.half_known(file, frame, batch);
        }
        let Some(track) = self.track(batch.number) else { return };
        if !track.batch(batch, u64::from(frame.payload_len), payload) {
            let key = track.object.key.clone();
            let text = "the bytes of the object up to here aren't those that the record sums up";
            let found = LocalFinding::new(Kind::WrongSum, text).at(file, frame.position, None);
            self.find(found.of_object(batch.number, key).exactly(Sequences::new(batch.first, end)));
        }
    }

    /// A batch of an object whose begin isn't here.
    fn half_known(&mut self, file: &Path, frame: &Frame, batch: &Batch) {
        let open = self.open.take().filter(|open| open.number == batch.number);
        let first = open.as_ref().map_or(batch.first, |open| open.first);
        let key = open.map(|open| open.key);
        if first < batch.first && !self.is_lossy {
            let text = "the begin of the object was removed from the log";
            let found = LocalFinding::new(Kind::MissingEntries, text).at(file, frame.position, None);
            // Told only if it isn't in the bucket: what is, may go.
            self.find(found.of_object(batch.number, key.clone()).exactly(Sequences::new(first, batch.first)));
        }
        self.tracks.push(Track::new(batch.number, key, first, batch.first, false));
    }

    fn seal(&mut self, file: &Path, frame: &Frame, seal: &Seal, payload: &[u8]) {
        let Some(track) = self.track(seal.number) else { return };
        if !track.seal(seal, payload) {
            let object = &track.object;
            let (key, entries) =
                (object.key.clone(), Sequences::new(object.first_sequence, object.next_sequence));
            let text = "the object isn't the one that the record at its end sums up";
            let found = LocalFinding::new(Kind::WrongSum, text).at(file, frame.position, None);
            self.find(found.of_object(seal.number, key).within(entries));
        }
    }

    /// Damage is passed by.
    fn quarantined(&mut self, file: &Path, position: Position, quarantined: &Quarantined) {
        let (number, next_number) = (quarantined.number, quarantined.next_number);
        let is_in_turn = number == self.uploaded_number
            && number < next_number
            && next_number <= self.next_number
            && quarantined.first <= quarantined.next_sequence;
        if !is_in_turn && !self.is_lossy && self.state.is_some() {
            let text = format!(
                "objects from {number} to {next_number} are left out, and {} is next to be uploaded and {} to be begun",
                self.uploaded_number, self.next_number
            );
            self.contradiction(file, position, &text);
        }
        let next_first = self.track(next_number).map(|track| track.object.first_sequence);
        if let Some(first) = next_first.filter(|first| *first != quarantined.next_sequence && !self.is_lossy)
        {
            let text = format!(
                "entries up to {} are left out, and the object after them begins with {first}",
                quarantined.next_sequence
            );
            self.contradiction(file, position, &text);
        }
        self.passed_by.add(quarantined);
        if quarantined.cut.is_some() {
            self.end_early(file, position, quarantined);
            self.cut = Some(quarantined.clone());
        } else {
            self.cut = None;
            self.uploaded_number = next_number;
            self.uploaded_sequence = quarantined.next_sequence;
        }
        let first_left_out = number.saturating_add(u64::from(quarantined.cut.is_some()));
        for track in &mut self.tracks {
            track.is_left_out |= (first_left_out..next_number).contains(&track.object.number);
        }
    }

    /// An object ends before damage.
    fn end_early(&mut self, file: &Path, position: Position, quarantined: &Quarantined) {
        let Quarantined { number, first, cut: Some(cut), .. } = quarantined else { return };
        let Some(track) = self.track(*number) else { return };
        if !track.cut(cut, *first) {
            let object = &track.object;
            let (key, entries) = (object.key.clone(), Sequences::new(object.first_sequence, *first));
            let text = "the object isn't the one that the record of its early end sums up";
            let found = LocalFinding::new(Kind::WrongSum, text).at(file, position, None);
            self.find(found.of_object(*number, key).within(entries));
        }
    }

    fn uploaded(&mut self, file: &Path, position: Position, uploaded: &Uploaded) {
        let is_next = uploaded.number == self.uploaded_number && uploaded.number < self.next_number;
        if !is_next && !self.is_lossy && self.state.is_some() {
            let text = format!(
                "object {} is acknowledged as uploaded, and {} is next",
                uploaded.number, self.uploaded_number
            );
            self.contradiction(file, position, &text);
        }
        let cut = self.cut.take().filter(|cut| cut.number == uploaded.number);
        let end = match &cut {
            // What is left out counts as passed.
            Some(cut) => Some(cut.next_sequence),
            None => self.track(uploaded.number).map(|track| track.object.next_sequence),
        };
        if let Some(end) = end.filter(|end| *end != uploaded.next_sequence && !self.is_lossy) {
            let text = format!(
                "object {} is acknowledged up to entry {}, and ends before {end}",
                uploaded.number, uploaded.next_sequence
            );
            self.contradiction(file, position, &text);
        }
        if let Some((early, whole)) = cut
            .as_ref()
            .filter(|_| uploaded.whole)
            .and_then(|cut| cut.cut.as_ref())
            .and_then(|cut| Some((cut, cut.whole?)))
        {
            self.passed_by.arrived(uploaded.number, whole.entries.saturating_sub(early.entries));
            if let Some(track) = self.track(uploaded.number) {
                track.arrived_whole(early);
            }
        }
        self.uploaded_number = cut.map_or(uploaded.number.saturating_add(1), |cut| cut.next_number);
        self.uploaded_sequence = uploaded.next_sequence;
    }

    /// The report on all that was told.
    pub(super) fn finish(mut self, directory: &Path, audited: Audited) -> LocalReport {
        for Unsettled { at, from } in std::mem::take(&mut self.unsettled) {
            if let Some(finding) = self.findings.get_mut(at) {
                (finding.sequences, finding.exact) = (Some(Sequences::since(from)), false);
            }
        }
        let (uploaded_number, uploaded_sequence) = (self.uploaded_number, self.uploaded_sequence);
        if self.state.is_none() && self.findings.is_empty() {
            self.find(LocalFinding::new(Kind::Contradiction, "no checkpoint was found"));
        }
        let next_sequence = self.next.unwrap_or(0);
        self.miss_what_waits(next_sequence);
        // The begin of an object may be gone once it is in the bucket.
        self.findings.retain(|finding| {
            finding.kind != Kind::MissingEntries
                || finding.number.is_none_or(|number| number >= uploaded_number)
        });
        for finding in &mut self.findings {
            let wanted = |sequences: Sequences| sequences.to.is_none_or(|to| to > uploaded_sequence);
            finding.needed = finding.sequences.is_some_and(wanted);
        }
        let (left_out, left_out_entries) = self.passed_by.finish(&mut self.findings);
        let objects = self.tracks.into_iter().map(|track| track.finish(uploaded_number));
        let identity = self.state.map(|state| state.identity);
        let text = |get: fn(&crate::record::Identity) -> &String| {
            identity.as_ref().map(|identity| get(identity).clone()).unwrap_or_default()
        };
        LocalReport {
            local_directory: directory.to_owned(),
            held_by: audited.holder,
            id: text(|identity| &identity.id),
            incarnation: text(|identity| &identity.incarnation),
            store: text(|identity| &identity.store),
            prefix: text(|identity| &identity.prefix),
            was_clean: audited.was_clean,
            first_sequence: self.first,
            next_sequence,
            uploaded_sequence,
            next_number: self.next_number,
            uploaded_number,
            records: self.records,
            slabs: audited
                .slabs
                .into_iter()
                .map(|slab| LocalSlab {
                    number: slab.number,
                    file: slab.file,
                    bytes: slab.len_bytes,
                    end_bytes: slab.end_bytes,
                    synced_bytes: slab.synced_bytes,
                    frames: slab.frames,
                })
                .collect(),
            objects: objects.collect(),
            compared_objects: 0,
            torn: self.torn,
            left_out,
            left_out_entries,
            findings: self.findings,
            findings_left_out: self.left_out,
        }
    }

    /// Entries that wait for their upload, and whose slabs are gone without a trace.
    fn miss_what_waits(&mut self, next_sequence: u64) {
        let waiting = self.tracks.iter().find(|track| track.object.number >= self.uploaded_number);
        let from = waiting.map_or(next_sequence, |track| track.object.first_sequence);
        if from > self.uploaded_sequence && !self.findings.iter().any(|found| found.kind == Kind::Damaged) {
            let text = "entries that wait for their upload aren't in the log";
            let missing = Sequences::new(self.uploaded_sequence, from);
            self.find(LocalFinding::new(Kind::MissingEntries, text).exactly(missing));
        }
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
