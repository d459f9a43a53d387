//! The state behind all handles of one fake disk, and the start and end of every operation. Knows inodes, names, faults.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::faults::{Fault, Faults};
use super::inode::{Inode, Process};
use super::loss::{Fate, Unsynced};
use super::names::{NameChange, Names, Node};
use super::operation::{Operation, OperationKind, Traced};
use crate::bytes::wide;

/// A disk that has no limit says that it has this much room.
const UNLIMITED_BYTES: u64 = 1 << 40;
/// Files can't be longer: a fake has to fit into memory.
const FILE_BYTES_MAX: u64 = 1 << 36;
/// How many inodes without a name there may be before they are looked for.
const NAMELESS_MAX: usize = 64;

/// Everything stops here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// Before the operation of this number.
    pub at: u64,
    /// Unless it is a write: then after so many of its bytes.
    pub written_bytes: u64,
}

/// Is called with each operation that changes something.
pub(super) type Watch = Box<dyn FnMut(&Operation) + Send>;

/// See the module.
pub(super) struct Machine {
    pub inodes: BTreeMap<u64, Inode>,
    pub names: Names,
    pub locks: BTreeMap<Arc<Path>, (Process, String)>,
    next_inode: u64,
    /// Of each seat.
    generations: Vec<u64>,
    pub operations: u64,
    pub stop: Option<Stop>,
    pub is_off: bool,
    pub trace: Option<Vec<Traced>>,
    pub capacity: Option<u64>,
    used: u64,
    pub cannot_preallocate: bool,
    pub block_bytes: u64,
    pub faults: Faults,
    pub watch: Option<Watch>,
}

pub(super) fn power_lost() -> io::Error {
    io::Error::other("power is lost")
}

impl Machine {
    pub(super) fn new() -> Self {
        Self {
            inodes: BTreeMap::new(),
            names: Names::default(),
            locks: BTreeMap::new(),
            next_inode: 0,
            generations: vec![0],
            operations: 0,
            stop: None,
            is_off: false,
            trace: None,
            capacity: None,
            used: 0,
            cannot_preallocate: false,
            block_bytes: 512,
            faults: Faults::default(),
            watch: None,
        }
    }

    /// A copy in which nobody runs. Faults and watchers stay behind.
    pub(super) fn fork(&self) -> Self {
        let mut copy = Self {
            inodes: self.inodes.clone(),
            names: self.names.clone(),
            next_inode: self.next_inode,
            generations: self.generations.clone(),
            operations: self.operations,
            trace: self.trace.as_ref().map(|_| Vec::new()),
            capacity: self.capacity,
            cannot_preallocate: self.cannot_preallocate,
            block_bytes: self.block_bytes,
            ..Self::new()
        };
        for seat in 0..copy.generations.len() {
            copy.kill(seat);
        }
        copy
    }

    pub(super) fn add_seat(&mut self) -> usize {
        self.generations.push(0);
        self.generations.len() - 1
    }

    /// The process that runs on a seat.
    pub(super) fn process(&self, seat: usize) -> Process {
        Process { seat, generation: self.generations.get(seat).copied().unwrap_or_default() }
    }

    /// The process on a seat dies.
    pub(super) fn kill(&mut self, seat: usize) {
        if let Some(generation) = self.generations.get_mut(seat) {
            *generation += 1;
        }
        self.locks.retain(|_, (holder, _)| holder.seat != seat);
        for inode in self.inodes.values_mut() {
            inode.handles.retain(|process| process.seat != seat);
        }
        self.is_off = false;
        self.stop = None;
        self.tidy();
    }

    /// Power is lost, and is back.
    pub(super) fn lose_power(&mut self, fate: &mut dyn FnMut(&Unsynced<'_>) -> Fate) {
        for inode in self.inodes.values_mut() {
            inode.lose_power(self.block_bytes, fate);
            inode.links = 0;
        }
        self.names.lose_power(fate);
        for (path, node) in self.names.all() {
            if let Node::File(id) = node
                && let Some(inode) = self.inodes.get_mut(&id)
            {
                inode.links += 1;
                inode.path = Arc::clone(path);
            }
        }
        for seat in 0..self.generations.len() {
            self.kill(seat);
        }
    }

    /// Whether a process may still do something.
    pub(super) fn alive(&self, process: Process) -> io::Result<()> {
        if self.is_off || self.process(process.seat) != process { Err(power_lost()) } else { Ok(()) }
    }

    /// Begins an operation: counts and traces it, and says what goes wrong with it if it isn't plainly to fail.
    pub(super) fn begin(&mut self, process: Process, operation: &Operation) -> io::Result<Option<Fault>> {
        self.alive(process)?;
        if !operation.kind.is_change() {
            return Ok(self.faults.of(operation));
        }
        if let Some(stop) = self.stop.filter(|stop| stop.at == self.operations) {
            self.is_off = true;
            if operation.kind != OperationKind::Write || stop.written_bytes == 0 {
                return Err(power_lost());
            }
            return Ok(Some(Fault::FailsAfter { bytes: stop.written_bytes, error: io::ErrorKind::Other }));
        }
        if let Some(trace) = &mut self.trace {
            let operation = operation.clone();
            trace.push(Traced { number: self.operations, operation, error: None });
        }
        self.operations += 1;
        if let Some(watch) = &mut self.watch {
            watch(operation);
        }
        let fault = self.faults.of(operation);
        if let Some(error) = fault.and_then(Fault::error) {
            self.note(error);
        }
        Ok(fault)
    }

    /// The same, for an operation that a fault can only make fail.
    pub(super) fn begin_plain(&mut self, process: Process, operation: &Operation) -> io::Result<()> {
        match self.begin(process, operation)?.and_then(Fault::error) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Notes in the trace that the last operation failed, and makes the error.
    pub(super) fn note(&mut self, error: io::ErrorKind) -> io::Error {
        if let Some(last) = self.trace.as_mut().and_then(|trace| trace.last_mut()) {
            last.error = Some(error);
        }
        error.into()
    }

    pub(super) fn used(&self) -> u64 {
        self.used
    }

    pub(super) fn left(&self) -> u64 {
        self.capacity.map_or(UNLIMITED_BYTES, |capacity| capacity.saturating_sub(self.used))
    }

    pub(super) fn inode(&self, id: u64) -> io::Result<&Inode> {
        self.inodes.get(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Changes an inode, and counts the room that it takes.
    pub(super) fn with_inode<T>(&mut self, id: u64, change: impl FnOnce(&mut Inode) -> T) -> io::Result<T> {
        let inode = self.inodes.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        let before = inode.room();
        let value = change(inode);
        self.used = (self.used + inode.room()).saturating_sub(before);
        Ok(value)
    }

    pub(super) fn add_inode(&mut self, path: &Arc<Path>) -> u64 {
        self.next_inode += 1;
        self.inodes.insert(self.next_inode, Inode::new(Arc::clone(path)));
        self.next_inode
    }

    /// Changes names, and counts the links of the files.
    pub(super) fn rename(&mut self, change: NameChange) -> io::Result<()> {
        let replaced = change.adds.as_ref().and_then(|(path, _)| self.names.file(path));
        if let Some(replaced) = replaced {
            self.with_inode(replaced, |inode| inode.links = inode.links.saturating_sub(1))?;
        }
        if let Some((path, Node::File(id))) = &change.adds {
            self.with_inode(*id, |inode| {
                inode.links += 1;
                inode.path = Arc::clone(path);
            })?;
        }
        if let Some((_, Node::File(id))) = &change.removes {
            self.with_inode(*id, |inode| inode.links = inode.links.saturating_sub(1))?;
        }
        self.names.change(change);
        Ok(())
    }

    /// Fails if `path` has no directory to be in.
    pub(super) fn check_parent(&self, path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(parent) if !self.names.is_directory(parent) => Err(io::ErrorKind::NotFound.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn check_end(end: Option<u64>) -> io::Result<u64> {
        end.filter(|end| *end <= FILE_BYTES_MAX).ok_or_else(|| io::ErrorKind::FileTooLarge.into())
    }

    /// See [`FakeDisk::fingerprint`](super::FakeDisk::fingerprint).
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let files: HashMap<u64, u64> = self
            .inodes
            .iter()
            .map(|(id, inode)| {
                let mut hasher = DefaultHasher::new();
                inode.hash(&mut hasher);
                (*id, hasher.finish())
            })
            .collect();
        self.names.hash(|id| files.get(&id).copied().unwrap_or_default(), &mut hasher);
        (self.capacity, self.cannot_preallocate, self.block_bytes).hash(&mut hasher);
        hasher.finish()
    }

    /// Forgets files that can't come back, and counts anew.
    pub(super) fn tidy(&mut self) {
        let named: HashSet<u64> = self.names.files().collect();
        self.inodes.retain(|id, inode| inode.is_held() || named.contains(id));
        self.used = self.inodes.values().map(Inode::room).sum();
    }

    /// [`Machine::tidy`], now and then.
    pub(super) fn tidy_if_worth_it(&mut self) {
        if self.inodes.len() > NAMELESS_MAX + 2 * self.names.all().count() {
            self.tidy();
        }
    }

    /// Puts a file there, and the directories it needs, durably.
    pub(super) fn plant(&mut self, path: &Path, bytes: &[u8]) {
        let mut above: Vec<&Path> =
            path.ancestors().skip(1).filter(|path| self.names.get(path).is_none()).collect();
        above.reverse();
        for directory in above {
            self.names.plant(&Arc::from(directory), Node::Directory);
        }
        let path = Arc::from(path);
        let id = self.names.file(&path).unwrap_or_else(|| {
            let id = self.add_inode(&path);
            self.names.plant(&path, Node::File(id));
            id
        });
        let _ = self.with_inode(id, |inode| {
            inode.links = inode.links.max(1);
            inode.replace(bytes);
            inode.allocated = wide(bytes.len());
        });
    }
}
