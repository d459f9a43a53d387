//! What was left out of the stream because of damage, since that was asked for: as the records say it, and which of the findings
//! it explains. Pure. Counts by itself, as `follow` does, and not by the code that the journal follows its records with.

use super::findings::{LocalFinding, LocalFindingKind as Kind};
use super::report::LocalLeftOut;
use crate::read::Sequences;
use crate::record::{Gap, Quarantined, State};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Oldest first.
    gaps: Vec<Gap>,
    /// In all, also those that no checkpoint remembers one by one.
    entries: u64,
    /// The records that were met.
    records: Vec<Quarantined>,
}

impl LeftOut {
    /// Believes a checkpoint, where records before it are missing or weren't looked at.
    pub(super) fn believe(&mut self, state: &State) {
        if !self.agrees(state) {
            self.gaps = state.gaps.iter().cloned().collect();
        }
        self.entries = state.left_out_entries;
    }

    /// Whether a checkpoint remembers what was counted here; the oldest it may have forgotten.
    pub(super) fn agrees(&self, state: &State) -> bool {
        let extent = |gap: &Gap| (gap.number, gap.first, gap.next_sequence);
        let (here, said) = (self.gaps.iter().rev().map(extent), state.gaps.iter().rev().map(extent));
        self.entries == state.left_out_entries
            && state.gaps.len() <= self.gaps.len()
            && here.zip(said).all(|(here, said)| here == said)
    }

    /// More is left out. What was told of the same object before is replaced: more of it turned out to be damaged.
    pub(super) fn add(&mut self, quarantined: &Quarantined) {
        if let Some(before) = self.gaps.pop_if(|gap| gap.number == quarantined.number) {
            self.entries = self.entries.saturating_sub(before.next_sequence.saturating_sub(before.first));
        }
        if quarantined.first < quarantined.next_sequence {
            self.entries = self.entries.saturating_add(quarantined.next_sequence - quarantined.first);
            self.gaps.push(Gap {
                number: quarantined.number,
                first: quarantined.first,
                next_sequence: quarantined.next_sequence,
                kept_as: quarantined.kept_as.clone(),
                good_entries: quarantined.good_entries,
                whole_object: quarantined.cut.is_none(),
            });
        }
        self.records.push(quarantined.clone());
    }

    /// An object had arrived whole before it was to end early: so many entries more aren't missing.
    pub(super) fn arrived(&mut self, number: u64, entries: u64) {
        let Some(gap) = self.gaps.last_mut().filter(|gap| gap.number == number) else { return };
        gap.first = gap.first.saturating_add(entries).min(gap.next_sequence);
        gap.good_entries = gap.good_entries.min(gap.next_sequence - gap.first);
        self.entries = self.entries.saturating_sub(entries);
        self.gaps.retain(|gap| gap.first < gap.next_sequence);
    }

    /// Which of the records explains a finding.
    fn explanation(&self, finding: &LocalFinding) -> Option<usize> {
        if !matches!(finding.kind, Kind::Damaged | Kind::MissingEntries | Kind::WrongSum) {
            return None;
        }
        self.records.iter().rposition(|record| match finding.sequences {
            Some(Sequences { from, to }) => {
                record.first <= from && to.is_some_and(|to| to <= record.next_sequence)
            }
            None => {
                finding.position.is_some_and(|position| record.from <= position && position < record.cursor)
            }
        })
    }

    /// Takes what it explains out of the findings.
    pub(super) fn finish(self, findings: &mut Vec<LocalFinding>) -> (Vec<LocalLeftOut>, u64) {
        let mut left_out: Vec<LocalLeftOut> = Vec::new();
        for gap in &self.gaps {
            left_out.push(LocalLeftOut {
                number: gap.number,
                sequences: Some(Sequences::new(gap.first, gap.next_sequence)),
                good_entries: gap.good_entries,
                whole_object: gap.whole_object,
                kept_as: gap.kept_as.clone(),
                is_kept: false,
                damage: Vec::new(),
            });
        }
        // What cost no entry is in no checkpoint's memory.
        for record in &self.records {
            if !left_out.iter().any(|known| known.number == record.number) {
                left_out.push(LocalLeftOut {
                    number: record.number,
                    sequences: None,
                    good_entries: 0,
                    whole_object: record.cut.is_none(),
                    kept_as: record.kept_as.clone(),
                    is_kept: false,
                    damage: Vec::new(),
                });
            }
        }
        left_out.sort_by_key(|known| known.number);
        findings.retain_mut(|finding| {
            let number =
                self.explanation(finding).and_then(|at| self.records.get(at)).map(|record| record.number);
            let of = number.and_then(|number| left_out.iter_mut().find(|known| known.number == number));
            let Some(of) = of else { return true };
            of.damage.push(finding.clone());
            false
        });
        (left_out, self.entries)
    }
}
