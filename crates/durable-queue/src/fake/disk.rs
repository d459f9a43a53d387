//! The fake disk's face: how a test drives it, and [`Disk`] for those who use it. Knows the machine.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::faults::{Fault, Matcher};
use super::file::FakeFile;
use super::inode::Process;
use super::loss::{Fate, Loss, Unsynced};
use super::machine::{Machine, Stop};
use super::names::{NameChange, Node, is_root};
use super::operation::{Operation, OperationKind, Traced, name};
use crate::disk::{DirectoryLock, Disk, DiskFile, Entry, LockOutcome, OpenMode, Space};
use crate::sync::{Mutex, MutexGuard};

type Hook = Box<dyn FnOnce() + Send>;

/// A disk in memory that can lose power, fail and be full. See [`fake`](crate::fake).
///
/// A value is a *seat*: a place where processes run one after the other. Clones are the same seat; [`FakeDisk::seat`] is
/// another one on the same disk. [`FakeDisk::kill`] ends the process on this seat, and the next call comes from a new one.
#[derive(Clone)]
pub struct FakeDisk {
    pub(super) shared: Arc<Shared>,
    seat: usize,
}

pub(super) struct Shared {
    machine: Mutex<Machine>,
    during_sync: Mutex<Option<Hook>>,
    after_write: Mutex<Option<Hook>>,
}

impl Shared {
    pub(super) fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_during_sync(&self) -> Option<Hook> {
        self.during_sync.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn take_after_write(&self) -> Option<Hook> {
        self.after_write.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl std::fmt::Debug for FakeDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeDisk").field("seat", &self.seat).finish_non_exhaustive()
    }
}

impl Default for FakeDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeDisk {
    /// An empty disk without a limit, of blocks of 512 bytes.
    pub fn new() -> Self {
        Self::of(Machine::new(), 0)
    }

    fn of(machine: Machine, seat: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                machine: Mutex::new(machine),
                during_sync: Mutex::default(),
                after_write: Mutex::default(),
            }),
            seat,
        }
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.shared.machine()
    }

    /// A copy of the disk as it is now, page cache included, that goes its own way; nothing runs on it. Cheap: bytes are
    /// shared until they are written. Faults, watchers, a planned stop and the trace so far stay behind.
    pub fn fork(&self) -> Self {
        Self::of(self.machine().fork(), self.seat)
    }

    /// Another seat on the same disk, for a process beside this one.
    pub fn seat(&self) -> Self {
        let seat = self.machine().add_seat();
        Self { shared: Arc::clone(&self.shared), seat }
    }

    /// The process on this seat dies: its handles are dead and its locks free. What it wrote stays readable, whether synced or
    /// not.
    pub fn kill(&self) {
        self.machine().kill(self.seat);
    }

    /// Power is lost, and is back: all processes are dead, and of what wasn't synced `loss` is left.
    pub fn lose_power(&self, loss: Loss) {
        self.lose_power_by(loss.fates());
    }

    /// The same, with `fate` deciding for each block, length and name that wasn't synced: file after file, and then the names,
    /// each in the order in which they were written.
    pub fn lose_power_by(&self, mut fate: impl FnMut(&Unsynced<'_>) -> Fate) {
        self.machine().lose_power(&mut fate);
    }

    /// How often [`FakeDisk::lose_power_by`] would ask now.
    pub fn unsynced(&self) -> usize {
        let mut asked = 0;
        self.fork().lose_power_by(|_| {
            asked += 1;
            Fate::Lost
        });
        asked
    }

    /// A number that is the same for disks that hold the same, durably and in the cache, under the same names, so that a test
    /// needn't look twice at what it has seen. Not the same from one version of Rust to the next.
    pub fn fingerprint(&self) -> u64 {
        self.machine().fingerprint()
    }

    /// Everything stops just before the operation that is `operations` from now, until [`FakeDisk::kill`] or
    /// [`FakeDisk::lose_power`].
    pub fn stop_after(&self, operations: u64) {
        self.stop_within(operations, 0);
    }

    /// The same, but if that operation is a write, `written_bytes` of it are still written, as when a process is killed in a
    /// long write.
    pub fn stop_within(&self, operations: u64, written_bytes: u64) {
        let mut machine = self.machine();
        machine.stop = Some(Stop { at: machine.operations + operations, written_bytes });
    }

    /// Whether it has come to that stop.
    pub fn is_off(&self) -> bool {
        self.machine().is_off
    }

    /// How many operations there were that may have changed something.
    pub fn operations(&self) -> u64 {
        self.machine().operations
    }

    /// From now on operations that may change something are kept, for [`FakeDisk::take_trace`].
    pub fn keep_trace(&self) {
        self.machine().trace.get_or_insert_default();
    }

    /// The operations since the last call. The same seeds give the same trace, to the byte.
    pub fn take_trace(&self) -> Vec<Traced> {
        self.machine().trace.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Bytes read of each file since the last call, by its name.
    pub fn take_bytes_read(&self) -> BTreeMap<String, u64> {
        let mut read = BTreeMap::new();
        for inode in self.machine().inodes.values_mut().filter(|inode| inode.bytes_read > 0) {
            *read.entry(name(&inode.path).to_owned()).or_default() += std::mem::take(&mut inode.bytes_read);
        }
        read
    }

    /// Bytes that files may take; nothing: no limit. Names take no room.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.machine().capacity = bytes;
    }

    /// Bytes that files take, those among them that are open and have no name any more.
    pub fn used(&self) -> u64 {
        self.machine().used()
    }

    /// Bytes that are left.
    pub fn left(&self) -> u64 {
        self.machine().left()
    }

    /// What is written as one, or not at all, when power is lost: 512 (at first), or 4096.
    pub fn set_block_bytes(&self, bytes: u64) {
        self.machine().block_bytes = bytes.max(1);
    }

    /// Preallocating fails from now on: the file system can't.
    pub fn refuse_preallocation(&self) {
        self.machine().cannot_preallocate = true;
    }

    /// What can be read is from now on what is on the medium, but for what waits to be synced: memory is short. Shows what a
    /// failed sync dropped.
    pub fn evict(&self) {
        for inode in self.machine().inodes.values_mut() {
            inode.evict(0..u64::MAX);
        }
    }

    /// Lets operations that `matcher` means go wrong.
    pub fn inject(&self, fault: Fault, matcher: impl FnMut(&Operation) -> bool + Send + 'static) {
        self.inject_times(fault, u64::MAX, matcher);
    }

    /// The same, `times` times.
    pub fn inject_times(
        &self,
        fault: Fault,
        times: u64,
        matcher: impl FnMut(&Operation) -> bool + Send + 'static,
    ) {
        let matcher: Matcher = Box::new(matcher);
        self.machine().faults.inject(fault, times, matcher);
    }

    /// Reads of a range of a file fail, `times` times (`u64::MAX`: for ever).
    pub fn fail_reads(&self, path: &Path, range: std::ops::Range<u64>, times: u64) {
        let path = path.to_owned();
        self.inject_times(Fault::Fails(io::ErrorKind::Other), times, move |operation| {
            operation.kind == OperationKind::Read
                && *operation.path == *path
                && operation.offset_bytes < range.end
                && range.start < operation.offset_bytes.saturating_add(operation.len_bytes)
        });
    }

    /// Nothing goes wrong any more. What went wrong stays so.
    pub fn mend(&self) {
        self.machine().faults.clear();
    }

    /// Has `hook` called while the next sync of a file runs: what it does, that sync misses.
    pub fn during_next_sync(&self, hook: impl FnOnce() + Send + 'static) {
        *self.shared.during_sync.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    /// Has `hook` called when the next write to a file has succeeded, before it returns.
    pub fn after_next_write(&self, hook: impl FnOnce() + Send + 'static) {
        *self.shared.after_write.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    /// Has `watch` called before each operation that may change something. It must not use the disk.
    pub fn watch(&self, watch: impl FnMut(&Operation) + Send + 'static) {
        self.machine().watch = Some(Box::new(watch));
    }

    /// The paths of all files, sorted.
    pub fn files(&self) -> Vec<PathBuf> {
        let machine = self.machine();
        machine
            .names
            .all()
            .filter(|(_, node)| matches!(node, Node::File(_)))
            .map(|(path, _)| path.to_path_buf())
            .collect()
    }

    /// What a file holds, as a process would read it; nothing if there is none.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let machine = self.machine();
        let id = machine.names.file(path)?;
        Some(machine.inode(id).ok()?.live.to_vec())
    }

    /// Changes a file behind everybody's back, durably. Nothing happens if there is none.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let Some(mut content) = self.content(path) else { return };
        change(&mut content);
        self.plant(path, &content);
    }

    /// Puts a file there, or other bytes into one that is there, durably; and the directories that it needs.
    pub fn plant(&self, path: &Path, content: &[u8]) {
        self.machine().plant(path, content);
    }

    /// Takes a file away, durably.
    pub fn lose_file(&self, path: &Path) {
        let mut machine = self.machine();
        if let Some(id) = machine.names.file(path) {
            machine.names.uproot(path);
            let _ = machine.with_inode(id, |inode| inode.links = inode.links.saturating_sub(1));
        }
    }

    fn begin(&self, operation: &Operation) -> io::Result<(MutexGuard<'_, Machine>, Process)> {
        let mut machine = self.machine();
        let process = machine.process(self.seat);
        machine.begin_plain(process, operation)?;
        Ok((machine, process))
    }
}

#[derive(Debug)]
struct FakeLock {
    disk: FakeDisk,
    path: Arc<Path>,
    process: Process,
}

impl DirectoryLock for FakeLock {}

impl Drop for FakeLock {
    fn drop(&mut self) {
        let mut machine = self.disk.machine();
        if machine.locks.get(&self.path).is_some_and(|(holder, _)| *holder == self.process) {
            machine.locks.remove(&self.path);
        }
    }
}

impl Disk for FakeDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        let parent = {
            let machine = self.machine();
            machine.alive(machine.process(self.seat))?;
            match machine.names.get(directory) {
                Some(Node::Directory) => return Ok(()),
                Some(Node::File(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
                None => directory.parent().filter(|parent| !is_root(parent)),
            }
        };
        if let Some(parent) = parent {
            self.create_directory(parent)?;
        }
        let path: Arc<Path> = Arc::from(directory);
        let operation = Operation::new(OperationKind::CreateDirectory, Arc::clone(&path));
        let (mut machine, _) = self.begin(&operation)?;
        machine.rename(NameChange { operation, adds: Some((path, Node::Directory)), removes: None })?;
        drop(machine);
        self.sync_directory(directory.parent().unwrap_or(Path::new("/")))
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let path: Arc<Path> = Arc::from(path);
        let found = self.machine().names.get(&path);
        let (mut machine, process, inode) = match (mode, found) {
            (OpenMode::CreateNew, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (OpenMode::CreateNew, None) => {
                let operation = Operation::new(OperationKind::Create, Arc::clone(&path));
                let (mut machine, process) = self.begin(&operation)?;
                machine.check_parent(&path)?;
                let inode = machine.add_inode(&path);
                let adds = Some((path, Node::File(inode)));
                machine.rename(NameChange { operation, adds, removes: None })?;
                (machine, process, inode)
            }
            (_, Some(Node::File(inode))) => {
                let (machine, process) = self.begin(&Operation::new(OperationKind::Open, path))?;
                (machine, process, inode)
            }
            (_, Some(Node::Directory)) => return Err(io::ErrorKind::IsADirectory.into()),
            (_, None) => {
                let machine = self.machine();
                machine.alive(machine.process(self.seat))?;
                return Err(io::ErrorKind::NotFound.into());
            }
        };
        machine.with_inode(inode, |inode| inode.handles.push(process))?;
        drop(machine);
        Ok(Box::new(FakeFile { shared: Arc::clone(&self.shared), inode, process }))
    }

    fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let (machine, _) = self.begin(&Operation::new(OperationKind::List, Arc::from(directory)))?;
        if !machine.names.is_directory(directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let entries = machine.names.within(directory).filter_map(|(path, node)| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some(match node {
                Node::Directory => Entry { name, is_directory: true, len_bytes: 0 },
                Node::File(id) => {
                    let len_bytes = machine.inode(id).map_or(0, |inode| inode.live.len());
                    Entry { name, is_directory: false, len_bytes }
                }
            })
        });
        Ok(entries.collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let node = self.machine().names.get(from).ok_or(io::ErrorKind::NotFound)?;
        let (from, to): (Arc<Path>, Arc<Path>) = (Arc::from(from), Arc::from(to));
        let mut operation = Operation::new(OperationKind::Rename, Arc::clone(&from));
        operation.to = Some(Arc::clone(&to));
        let (mut machine, _) = self.begin(&operation)?;
        machine.check_parent(&to)?;
        if from.parent() != to.parent() {
            return Err(machine.note(io::ErrorKind::CrossesDevices));
        }
        if from != to {
            let (adds, removes) = (Some((to, node)), Some((from, node)));
            machine.rename(NameChange { operation, adds, removes })?;
        }
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to): (Arc<Path>, Arc<Path>) = (Arc::from(from), Arc::from(to));
        let node = self.machine().names.get(&from).ok_or(io::ErrorKind::NotFound)?;
        let mut operation = Operation::new(OperationKind::Link, from);
        operation.to = Some(Arc::clone(&to));
        let (mut machine, _) = self.begin(&operation)?;
        machine.check_parent(&to)?;
        if machine.names.get(&to).is_some() {
            return Err(machine.note(io::ErrorKind::AlreadyExists));
        }
        machine.rename(NameChange { operation, adds: Some((to, node)), removes: None })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let node = {
            let machine = self.machine();
            machine.alive(machine.process(self.seat))?;
            match machine.names.get(path).ok_or(io::ErrorKind::NotFound)? {
                Node::Directory => return Err(io::ErrorKind::IsADirectory.into()),
                node @ Node::File(_) => node,
            }
        };
        let path: Arc<Path> = Arc::from(path);
        let operation = Operation::new(OperationKind::Remove, Arc::clone(&path));
        let (mut machine, _) = self.begin(&operation)?;
        machine.rename(NameChange { operation, adds: None, removes: Some((path, node)) })
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let path: Arc<Path> = Arc::from(path);
        let operation = Operation::new(OperationKind::RemoveDirectory, Arc::clone(&path));
        let (mut machine, _) = self.begin(&operation)?;
        let error = match machine.names.get(&path) {
            None => Some(io::ErrorKind::NotFound),
            Some(Node::File(_)) => Some(io::ErrorKind::NotADirectory),
            Some(Node::Directory) if machine.names.within(&path).next().is_some() => {
                Some(io::ErrorKind::DirectoryNotEmpty)
            }
            Some(Node::Directory) => None,
        };
        if let Some(error) = error {
            return Err(machine.note(error));
        }
        machine.rename(NameChange { operation, adds: None, removes: Some((path, Node::Directory)) })
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let operation = Operation::new(OperationKind::SyncDirectory, Arc::from(directory));
        let mut machine = self.machine();
        let process = machine.process(self.seat);
        let fault = machine.begin(process, &operation)?;
        if let Some(error) = fault.and_then(Fault::error) {
            return Err(error.into());
        }
        if !machine.names.is_directory(directory) {
            return Err(machine.note(io::ErrorKind::NotFound));
        }
        if fault != Some(Fault::Lies) {
            machine.names.sync(directory);
        }
        machine.tidy_if_worth_it();
        Ok(())
    }

    /// What is written into the lock file takes no room and is no operation of its own: it tells of this computer's process,
    /// and so isn't the same each time.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<LockOutcome> {
        let path: Arc<Path> = Arc::from(path);
        let operation = Operation::new(OperationKind::Lock, Arc::clone(&path));
        let (mut machine, process) = self.begin(&operation)?;
        machine.check_parent(&path)?;
        if let Some((_, holder)) = machine.locks.get(&path) {
            return Ok(LockOutcome::Held { holder: holder.clone() });
        }
        let inode = match machine.names.get(&path) {
            Some(Node::Directory) => return Err(machine.note(io::ErrorKind::IsADirectory)),
            Some(Node::File(inode)) => inode,
            None => {
                let inode = machine.add_inode(&path);
                let adds = Some((Arc::clone(&path), Node::File(inode)));
                machine.rename(NameChange { operation, adds, removes: None })?;
                inode
            }
        };
        machine.with_inode(inode, |inode| inode.replace(holder.as_bytes()))?;
        machine.locks.insert(Arc::clone(&path), (process, holder.to_owned()));
        drop(machine);
        Ok(LockOutcome::Locked(Box::new(FakeLock { disk: self.clone(), path, process })))
    }

    fn lock_holder(&self, path: &Path) -> io::Result<Option<String>> {
        Ok(self.machine().locks.get(path).map(|(_, holder)| holder.clone()))
    }

    fn space(&self, directory: &Path) -> io::Result<Space> {
        let (machine, _) = self.begin(&Operation::new(OperationKind::Space, Arc::from(directory)))?;
        let available_bytes = machine.left();
        Ok(Space { total_bytes: machine.capacity.unwrap_or(available_bytes), available_bytes })
    }
}
