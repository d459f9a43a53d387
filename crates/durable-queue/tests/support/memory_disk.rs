//! A disk in memory that models power loss: bytes, lengths and names that weren't synced may be kept, lost, zeroed or torn,
//! block by block, as a seed says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use durable_queue::disk::{DirectoryLock, Disk, DiskFile, Entry, LockOutcome, OpenMode, Space};

use super::Dice;

/// What a disk writes as one, or not at all.
const BLOCK_BYTES: usize = 512;

/// What becomes of what wasn't synced when power is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of it is gone.
    Lost,
    /// All of it is there by chance.
    Kept,
    /// Each block, length and name goes its own way.
    Random(u64),
}

/// A file operation that isn't durable yet.
#[derive(Debug, Clone)]
enum FileChange {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
    Extend(usize),
}

#[derive(Debug, Clone)]
enum NameChange {
    Add { path: PathBuf, inode: u64 },
    Rename { from: PathBuf, to: PathBuf, inode: u64 },
    Remove { path: PathBuf },
}

#[derive(Debug, Default, Clone)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<FileChange>,
    allocated: usize,
}

type Watch = Box<dyn FnMut(&str) + Send>;

/// Which call a fault is meant for.
pub type Matcher = Box<dyn FnMut(&str) -> bool + Send>;

#[derive(Default)]
struct Inner {
    inodes: HashMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    unsynced_names: Vec<NameChange>,
    directories: HashSet<PathBuf>,
    locks: HashMap<PathBuf, String>,
    next_inode: u64,
    /// Handles of earlier processes are dead.
    process: u64,
    operations: u64,
    power_fails_at: Option<u64>,
    is_off: bool,
    trace: Vec<String>,
    bytes_read: BTreeMap<String, u64>,
    capacity: Option<u64>,
    cannot_preallocate: bool,
    fail: Option<(Matcher, io::ErrorKind)>,
    skip: Option<Matcher>,
    watch: Option<Watch>,
}

type Hook = Box<dyn FnOnce() + Send>;

/// See the module. Clones are the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    inner: Arc<Mutex<Inner>>,
    during_sync: Arc<Mutex<Option<Hook>>>,
}

impl std::fmt::Debug for MemoryDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryDisk")
    }
}

fn power_lost() -> io::Error {
    io::Error::other("power is lost")
}

fn apply(content: &mut Vec<u8>, change: &FileChange) {
    match change {
        FileChange::Write { offset, bytes } => {
            let end = offset + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*offset..end].copy_from_slice(bytes);
        }
        FileChange::SetLen(len) => content.resize(*len, 0),
        FileChange::Extend(len) => content.resize(content.len().max(*len), 0),
    }
}

fn apply_name(names: &mut BTreeMap<PathBuf, u64>, change: &NameChange) {
    match change {
        NameChange::Add { path, inode } => {
            names.insert(path.clone(), *inode);
        }
        NameChange::Rename { from, to, inode } => {
            if names.get(from) == Some(inode) {
                names.remove(from);
            }
            names.insert(to.clone(), *inode);
        }
        NameChange::Remove { path } => {
            names.remove(path);
        }
    }
}

impl Inode {
    fn change(&mut self, change: FileChange) {
        apply(&mut self.live, &change);
        self.unsynced.push(change);
    }

    fn lose_power(&mut self, loss: Loss, dice: &mut Dice) {
        for change in std::mem::take(&mut self.unsynced) {
            match (loss, &change) {
                (Loss::Lost, _) => {}
                (Loss::Kept, _) => apply(&mut self.durable, &change),
                (Loss::Random(_), FileChange::Write { offset, bytes }) => {
                    tear(&mut self.durable, *offset, bytes, dice);
                }
                (Loss::Random(_), _) => {
                    if dice.one_in(2) {
                        apply(&mut self.durable, &change);
                    }
                }
            }
        }
        self.live = self.durable.clone();
        self.allocated = self.live.len();
    }
}

/// Each block of a write goes its own way.
fn tear(content: &mut Vec<u8>, offset: usize, bytes: &[u8], dice: &mut Dice) {
    let mut at = offset;
    let end = offset + bytes.len();
    while at < end {
        let block_end = (at / BLOCK_BYTES + 1) * BLOCK_BYTES;
        let piece = &bytes[at - offset..block_end.min(end) - offset];
        let write = |bytes: Vec<u8>| FileChange::Write { offset: at, bytes };
        match dice.below(5) {
            0 | 1 => apply(content, &write(piece.to_vec())),
            2 => {}
            3 => apply(content, &write(vec![0; piece.len()])),
            _ => {
                let kept = usize::try_from(dice.below(piece.len() as u64 + 1)).unwrap();
                apply(content, &write(piece[..kept].to_vec()));
            }
        }
        at = block_end;
    }
}

impl Inner {
    /// Counts an operation that changes something; power may fail just before it.
    fn begin(&mut self, process: u64, description: &str) -> io::Result<()> {
        self.alive(process)?;
        if self.power_fails_at == Some(self.operations) {
            self.is_off = true;
            return Err(power_lost());
        }
        self.operations += 1;
        self.trace.push(description.to_owned());
        if let Some(watch) = &mut self.watch {
            watch(description);
        }
        if let Some((matcher, kind)) = &mut self.fail
            && matcher(description)
        {
            return Err((*kind).into());
        }
        Ok(())
    }

    fn alive(&self, process: u64) -> io::Result<()> {
        if self.is_off || process != self.process { Err(power_lost()) } else { Ok(()) }
    }

    fn skips(&mut self) -> bool {
        let last = self.trace.last().cloned().unwrap_or_default();
        self.skip.as_mut().is_some_and(|matcher| matcher(&last))
    }

    fn used(&self) -> u64 {
        let named: HashSet<u64> = self.names.values().copied().collect();
        self.inodes.iter().filter(|(id, _)| named.contains(id)).map(|(_, inode)| inode.allocated as u64).sum()
    }

    fn left(&self) -> u64 {
        self.capacity.map_or(1 << 40, |capacity| capacity.saturating_sub(self.used()))
    }

    fn name_of(&self, inode: u64) -> String {
        self.names.iter().find(|(_, id)| **id == inode).map_or_else(|| "?".to_owned(), |(path, _)| name(path))
    }

    fn name(&mut self, change: NameChange) {
        apply_name(&mut self.names, &change);
        self.unsynced_names.push(change);
    }
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

impl MemoryDisk {
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy that goes its own way. Faults stay behind.
    pub fn fork(&self) -> Self {
        let inner = self.inner();
        let copy = Inner {
            inodes: inner.inodes.clone(),
            names: inner.names.clone(),
            durable_names: inner.durable_names.clone(),
            unsynced_names: inner.unsynced_names.clone(),
            directories: inner.directories.clone(),
            next_inode: inner.next_inode,
            operations: inner.operations,
            capacity: inner.capacity,
            cannot_preallocate: inner.cannot_preallocate,
            ..Inner::default()
        };
        Self { inner: Arc::new(Mutex::new(copy)), during_sync: Arc::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Power fails just before the operation that is `operations` from now.
    pub fn fail_power_after(&self, operations: u64) {
        let mut inner = self.inner();
        inner.power_fails_at = Some(inner.operations + operations);
    }

    pub fn is_off(&self) -> bool {
        self.inner().is_off
    }

    /// Power is lost, and is back.
    pub fn lose_power(&self, loss: Loss) {
        let mut inner = self.inner();
        let mut dice = Dice::new(if let Loss::Random(seed) = loss { seed } else { 0 });
        let mut ids: Vec<u64> = inner.inodes.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            inner.inodes.get_mut(&id).unwrap().lose_power(loss, &mut dice);
        }
        for change in std::mem::take(&mut inner.unsynced_names) {
            let keeps = match loss {
                Loss::Lost => false,
                Loss::Kept => true,
                Loss::Random(_) => dice.one_in(2),
            };
            if keeps {
                apply_name(&mut inner.durable_names, &change);
            }
        }
        inner.names = inner.durable_names.clone();
        drop(inner);
        self.kill();
    }

    /// The process dies; what it wrote stays readable, whether synced or not.
    pub fn kill(&self) {
        let mut inner = self.inner();
        inner.process += 1;
        inner.locks.clear();
        inner.is_off = false;
        inner.power_fails_at = None;
    }

    pub fn operations(&self) -> u64 {
        self.inner().operations
    }

    pub fn take_trace(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().trace)
    }

    /// Bytes read of each file since the last call.
    pub fn take_bytes_read(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.inner().bytes_read)
    }

    /// Bytes that files may take; nothing: no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.inner().capacity = bytes;
    }

    pub fn left(&self) -> u64 {
        self.inner().left()
    }

    pub fn refuse_preallocation(&self) {
        self.inner().cannot_preallocate = true;
    }

    /// Calls that match fail with `kind`; a sync that fails drops what was to be synced.
    pub fn fail_when(&self, kind: io::ErrorKind, matcher: impl FnMut(&str) -> bool + Send + 'static) {
        self.inner().fail = Some((Box::new(matcher), kind));
    }

    pub fn mend(&self) {
        self.inner().fail = None;
    }

    /// Syncs that match do nothing and say that they did.
    pub fn skip_when(&self, matcher: impl FnMut(&str) -> bool + Send + 'static) {
        self.inner().skip = Some(Box::new(matcher));
    }

    /// Has `hook` called while the next sync of a file runs: what it does, that sync may miss.
    pub fn during_next_sync(&self, hook: impl FnOnce() + Send + 'static) {
        *self.during_sync.lock().unwrap() = Some(Box::new(hook));
    }

    /// Has `watch` called with each operation.
    pub fn watch(&self, watch: impl FnMut(&str) + Send + 'static) {
        self.inner().watch = Some(Box::new(watch));
    }

    pub fn names(&self) -> Vec<String> {
        self.inner().names.keys().map(|path| name(path)).collect()
    }

    pub fn content(&self, path: &Path) -> Vec<u8> {
        let inner = self.inner();
        inner.inodes[&inner.names[path]].live.clone()
    }

    pub fn find(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = self.inner();
        Some(inner.inodes[inner.names.get(path)?].live.clone())
    }

    /// Changes a file behind everybody's back, durably.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.inner();
        let id = inner.names[path];
        let inode = inner.inodes.get_mut(&id).unwrap();
        change(&mut inode.live);
        inode.durable = inode.live.clone();
        inode.unsynced.clear();
    }

    /// Puts a file there, durably.
    pub fn plant(&self, path: &Path, content: Vec<u8>) {
        let mut inner = self.inner();
        inner.next_inode += 1;
        let id = inner.next_inode;
        let inode =
            Inode { live: content.clone(), allocated: content.len(), durable: content, unsynced: Vec::new() };
        inner.inodes.insert(id, inode);
        inner.names.insert(path.to_owned(), id);
        inner.durable_names.insert(path.to_owned(), id);
    }

    /// Takes a file away, durably.
    pub fn lose_file(&self, path: &Path) {
        let mut inner = self.inner();
        inner.names.remove(path);
        inner.durable_names.remove(path);
    }
}

#[derive(Debug)]
struct MemoryLock {
    disk: MemoryDisk,
    path: PathBuf,
    process: u64,
}

impl DirectoryLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        let mut inner = self.disk.inner();
        if inner.process == self.process {
            inner.locks.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    inode: u64,
    process: u64,
}

impl Disk for MemoryDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        let process = inner.process;
        inner.alive(process)?;
        inner.directories.insert(directory.to_owned());
        Ok(())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.inner();
        let process = inner.process;
        let inode = match (mode, inner.names.get(path).copied()) {
            (OpenMode::CreateNew, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (OpenMode::CreateNew, None) => {
                inner.begin(process, &format!("create {}", name(path)))?;
                inner.next_inode += 1;
                let inode = inner.next_inode;
                inner.inodes.insert(inode, Inode::default());
                inner.name(NameChange::Add { path: path.to_owned(), inode });
                inode
            }
            (_, Some(inode)) => inode,
            (_, None) => return Err(io::ErrorKind::NotFound.into()),
        };
        inner.alive(process)?;
        drop(inner);
        Ok(Box::new(MemoryFile { disk: self.clone(), inode, process }))
    }

    fn entries(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let inner = self.inner();
        inner.alive(inner.process)?;
        if !inner.directories.contains(directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let in_directory = inner.names.iter().filter(|(path, _)| path.parent() == Some(directory));
        Ok(in_directory
            .map(|(path, inode)| Entry {
                name: name(path),
                is_directory: false,
                len_bytes: inner.inodes[inode].live.len() as u64,
            })
            .collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        let process = inner.process;
        let inode = *inner.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        inner.begin(process, &format!("rename {} {}", name(from), name(to)))?;
        inner.name(NameChange::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        let process = inner.process;
        let inode = *inner.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        if inner.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        inner.begin(process, &format!("link {} {}", name(from), name(to)))?;
        inner.name(NameChange::Add { path: to.to_owned(), inode });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        let process = inner.process;
        inner.alive(process)?;
        if !inner.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        inner.begin(process, &format!("remove {}", name(path)))?;
        inner.name(NameChange::Remove { path: path.to_owned() });
        Ok(())
    }

    fn remove_directory(&self, directory: &Path) -> io::Result<()> {
        self.inner().directories.remove(directory);
        Ok(())
    }

    fn sync_directory(&self, _directory: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        let process = inner.process;
        if let Err(error) = inner.begin(process, "sync directory") {
            if !inner.is_off {
                inner.unsynced_names.clear();
            }
            return Err(error);
        }
        if !inner.skips() {
            for change in std::mem::take(&mut inner.unsynced_names) {
                apply_name(&mut inner.durable_names, &change);
            }
        }
        Ok(())
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<LockOutcome> {
        let mut inner = self.inner();
        let process = inner.process;
        inner.alive(process)?;
        if let Some(holder) = inner.locks.get(path) {
            return Ok(LockOutcome::Held { holder: holder.clone() });
        }
        inner.locks.insert(path.to_owned(), holder.to_owned());
        drop(inner);
        Ok(LockOutcome::Locked(Box::new(MemoryLock { disk: self.clone(), path: path.to_owned(), process })))
    }

    fn space(&self, _directory: &Path) -> io::Result<Space> {
        let inner = self.inner();
        inner.alive(inner.process)?;
        Ok(Space { total_bytes: inner.capacity.unwrap_or(1 << 40), available_bytes: inner.left() })
    }
}

impl MemoryFile {
    fn describe(&self, inner: &Inner, what: &str) -> String {
        format!("{what} {}", inner.name_of(self.inode))
    }

    fn begin(&self, inner: &mut Inner, what: &str) -> io::Result<()> {
        let description = self.describe(inner, what);
        inner.begin(self.process, &description)
    }
}

impl DiskFile for MemoryFile {
    fn len_bytes(&self) -> io::Result<u64> {
        let inner = self.disk.inner();
        inner.alive(self.process)?;
        Ok(inner.inodes[&self.inode].live.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut inner = self.disk.inner();
        inner.alive(self.process)?;
        let content = &inner.inodes[&self.inode].live;
        let from = usize::try_from(offset).unwrap().min(content.len());
        let len = buffer.len().min(content.len() - from);
        buffer[..len].copy_from_slice(&content[from..from + len]);
        let name = inner.name_of(self.inode);
        *inner.bytes_read.entry(name).or_default() += len as u64;
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut inner = self.disk.inner();
        self.begin(&mut inner, "write")?;
        let left = usize::try_from(inner.left()).unwrap();
        let offset = usize::try_from(offset).unwrap();
        let inode = inner.inodes.get_mut(&self.inode).unwrap();
        let room = inode.allocated.saturating_sub(offset) + left;
        let fits = bytes.len().min(room);
        inode.allocated = inode.allocated.max(offset + fits);
        inode.change(FileChange::Write { offset, bytes: bytes[..fits].to_vec() });
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut inner = self.disk.inner();
        if let Err(error) = self.begin(&mut inner, "sync") {
            if !inner.is_off && inner.process == self.process {
                inner.inodes.get_mut(&self.inode).unwrap().unsynced.clear();
            }
            return Err(error);
        }
        if !inner.skips() {
            let inode = inner.inodes.get_mut(&self.inode).unwrap();
            for change in std::mem::take(&mut inode.unsynced) {
                apply(&mut inode.durable, &change);
            }
        }
        drop(inner);
        let hook = self.disk.during_sync.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        Ok(())
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        let mut inner = self.disk.inner();
        self.begin(&mut inner, "preallocate")?;
        if inner.cannot_preallocate {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let left = inner.left();
        let inode = inner.inodes.get_mut(&self.inode).unwrap();
        if len_bytes > inode.allocated as u64 + left {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let len = usize::try_from(len_bytes).unwrap();
        inode.allocated = inode.allocated.max(len);
        inode.change(FileChange::Extend(len));
        Ok(())
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        let mut inner = self.disk.inner();
        self.begin(&mut inner, "truncate")?;
        let len = usize::try_from(len_bytes).unwrap();
        let inode = inner.inodes.get_mut(&self.inode).unwrap();
        inode.allocated = inode.allocated.min(len);
        inode.change(FileChange::SetLen(len));
        Ok(())
    }

    fn forget_cached(&self, _offset: u64, _len_bytes: u64) {}
}
