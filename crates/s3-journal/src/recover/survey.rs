//! Whose uploads are open, and since when nothing was heard of whoever wrote them. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use crate::bucket::{ObjectEntry, OpenUpload, Part};
use crate::object::{Id, Incarnation, ObjectName, RecoveryName, RecoveryRole};

/// A key whose object is, or was, being uploaded: up to the point before `.journal`, all that lies beside it begins so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// The object's key.
    pub(super) key: String,
    /// Its name.
    pub(super) name: ObjectName,
}

impl Target {
    /// Reads a key; `None` when it isn't one of a journal's objects.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let name = ObjectName::parse(key.rsplit('/').next()?)?;
        Some(Self { key: key.to_owned(), name })
    }

    fn directory(&self) -> &str {
        self.key.get(..self.key.rfind('/').map_or(0, |slash| slash + 1)).unwrap_or_default()
    }

    /// What the keys of everything beside it begin with.
    pub(super) fn stem(&self) -> String {
        let bare = ObjectName { suffix: None, ..self.name.clone() }.to_string();
        format!("{}{}.", self.directory(), bare.strip_suffix(".journal").unwrap_or(&bare))
    }

    /// The key of something beside it.
    pub(super) fn beside(&self, role: RecoveryRole) -> String {
        format!("{}{}", self.directory(), RecoveryName { torn: self.name.clone(), role })
    }

    /// What a key is to it.
    pub(super) fn role_of(&self, key: &str) -> Option<RecoveryRole> {
        let name = RecoveryName::parse(key.strip_prefix(self.directory())?)?;
        (name.torn == self.name).then_some(name.role)
    }

    /// Its shard, if the first directory after the prefix can be one.
    pub(super) fn shard(&self, prefix_len: usize) -> Option<char> {
        let (top, _) = self.key.get(prefix_len..)?.split_once('/')?;
        let mut top = top.chars();
        top.next().filter(|digit| top.next().is_none() && matches!(digit, '0'..='9' | 'a'..='z'))
    }
}

/// The journals asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) id: Option<Id>,
    pub(super) incarnation: Option<Incarnation>,
}

impl Wanted {
    fn holds(&self, name: &ObjectName) -> bool {
        self.id.as_ref().is_none_or(|id| *id == name.id)
            && self.incarnation.as_ref().is_none_or(|incarnation| *incarnation == name.incarnation)
    }
}

/// One life of a directory, by its id and incarnation.
type Life = (Id, Incarnation);

/// When something was last heard of an incarnation: the newest of its objects and of its uploads.
#[derive(Debug, Clone, Copy, Default)]
struct Signs {
    newest: Option<SystemTime>,
    /// Some upload's time isn't told.
    is_unknown: bool,
}

impl Signs {
    fn add(&mut self, at: Option<SystemTime>) {
        self.newest = self.newest.max(at);
    }
}

/// What is under the prefix, told name by name. Memory: by incarnation and by target, not by object.
#[derive(Debug, Default)]
pub(super) struct Survey {
    wanted: Wanted,
    targets: BTreeSet<Target>,
    noted: BTreeSet<Target>,
    lives: BTreeMap<Life, Signs>,
    /// The newest objects of each incarnation with their times: one that a recovery completed is no sign of life.
    newest: BTreeMap<Life, Vec<(SystemTime, ObjectName)>>,
}

/// How many of an incarnation's newest objects are remembered.
const NEWEST_MAX: usize = 4;

impl Survey {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// An open upload.
    pub(super) fn upload(&mut self, upload: &OpenUpload) {
        let Some(target) = Target::parse(&upload.key).filter(|target| self.wanted.holds(&target.name)) else {
            return;
        };
        let life = (target.name.id.clone(), target.name.incarnation.clone());
        let signs = self.lives.entry(life).or_default();
        signs.add(upload.initiated);
        signs.is_unknown |= upload.initiated.is_none();
        self.targets.insert(target);
    }

    /// An object.
    pub(super) fn object(&mut self, object: &ObjectEntry) {
        let (directory, last) = object.key.split_at(object.key.rfind('/').map_or(0, |slash| slash + 1));
        if let Some(name) = ObjectName::parse(last) {
            if let Some(modified) = object.modified.filter(|_| self.wanted.holds(&name)) {
                let newest = self.newest.entry((name.id.clone(), name.incarnation.clone())).or_default();
                newest.push((modified, name));
                newest.sort_unstable_by(|one, two| two.cmp(one));
                newest.truncate(NEWEST_MAX);
            }
        } else if let Some(RecoveryName { torn, role: RecoveryRole::Note { .. } }) = RecoveryName::parse(last)
            && self.wanted.holds(&torn)
        {
            self.noted.insert(Target { key: format!("{directory}{torn}"), name: torn });
        }
    }

    /// Everything that a recovery could be about, in the order of names, and whether one was begun.
    pub(super) fn targets(&self) -> Vec<(Target, bool)> {
        let all: BTreeSet<&Target> = self.targets.union(&self.noted).collect();
        all.into_iter().map(|target| (target.clone(), self.noted.contains(target))).collect()
    }

    /// How long nothing was heard of whoever wrote a target; `None` when the store doesn't tell.
    pub(super) fn silent_for(&self, target: &Target, now: SystemTime) -> Option<Duration> {
        let life = (target.name.id.clone(), target.name.incarnation.clone());
        let mut signs = self.lives.get(&life).copied().unwrap_or_default();
        for (modified, name) in self.newest.get(&life).into_iter().flatten() {
            if !self.noted.iter().any(|noted| noted.name == *name) {
                signs.add(Some(*modified));
            }
        }
        let newest = signs.newest.filter(|_| !signs.is_unknown)?;
        // What lies in the future was heard of just now.
        Some(now.duration_since(newest).unwrap_or_default())
    }
}

/// How many parts, and how many bytes of them, follow each other from the first on without a hole.
pub(super) fn usable(parts: &[Part]) -> (usize, u64) {
    let row = (1..).zip(parts).take_while(|(number, part)| part.number == *number);
    row.fold((0, 0), |(count, bytes), (_, part)| (count + 1, bytes + part.len_bytes))
}

/// The parts from the first on that make exactly so many bytes.
pub(super) fn making(parts: &[Part], len_bytes: u64) -> Option<&[Part]> {
    let (count, _) = usable(parts);
    let mut sum = 0;
    for (at, part) in parts.get(..count)?.iter().enumerate() {
        sum += part.len_bytes;
        if sum == len_bytes {
            return parts.get(..=at);
        }
    }
    None
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
