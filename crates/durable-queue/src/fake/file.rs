//! An open file of the fake disk. Knows the machine.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::disk::Shared;
use super::faults::Fault;
use super::inode::Process;
use super::machine::Machine;
use super::operation::{Operation, OperationKind};
use crate::bytes::{narrow, wide};
use crate::disk::DiskFile;

/// A process's handle.
pub(super) struct FakeFile {
    pub shared: Arc<Shared>,
    pub inode: u64,
    pub process: Process,
}

impl fmt::Debug for FakeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeFile").field("inode", &self.inode).finish_non_exhaustive()
    }
}

impl Drop for FakeFile {
    fn drop(&mut self) {
        let process = self.process;
        // A file that is gone with its power has no handles to give up.
        let _ = self.shared.machine().with_inode(self.inode, |inode| {
            if let Some(at) = inode.handles.iter().position(|handle| *handle == process) {
                inode.handles.swap_remove(at);
            }
        });
    }
}

impl FakeFile {
    fn operation(&self, machine: &Machine, kind: OperationKind, at: (u64, u64)) -> io::Result<Operation> {
        machine.alive(self.process)?;
        let path = Arc::clone(&machine.inode(self.inode)?.path);
        Ok(Operation { offset_bytes: at.0, len_bytes: at.1, ..Operation::new(kind, path) })
    }

    fn begin(&self, machine: &mut Machine, kind: OperationKind, at: (u64, u64)) -> io::Result<Option<Fault>> {
        let operation = self.operation(machine, kind, at)?;
        machine.begin(self.process, &operation)
    }

    fn begin_plain(&self, machine: &mut Machine, kind: OperationKind, len: u64) -> io::Result<()> {
        let operation = self.operation(machine, kind, (0, len))?;
        machine.begin_plain(self.process, &operation)
    }
}

impl DiskFile for FakeFile {
    fn len_bytes(&self) -> io::Result<u64> {
        let mut machine = self.shared.machine();
        self.begin_plain(&mut machine, OperationKind::Length, 0)?;
        Ok(machine.inode(self.inode)?.live.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut machine = self.shared.machine();
        let fault = self.begin(&mut machine, OperationKind::Read, (offset, wide(buffer.len())))?;
        if let Some(error) = fault.and_then(Fault::error) {
            return Err(error.into());
        }
        let most = if let Some(Fault::Short { bytes }) = fault { narrow(bytes).max(1) } else { buffer.len() };
        let (buffer, _) = buffer.split_at_mut(buffer.len().min(most));
        machine.with_inode(self.inode, |inode| {
            let read = inode.live.read(offset, buffer);
            inode.bytes_read += wide(read);
            read
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut machine = self.shared.machine();
        let len = wide(bytes.len());
        let fault = self.begin(&mut machine, OperationKind::Write, (offset, len))?;
        let (wanted, error) = match fault {
            Some(Fault::FailsAfter { bytes, error }) => (bytes.min(len), Some(error)),
            other => match other.and_then(Fault::error) {
                Some(error) => (0, Some(error)),
                None => (len, None),
            },
        };
        Machine::check_end(offset.checked_add(len))?;
        let left = machine.left();
        let fits = machine.with_inode(self.inode, |inode| {
            let room = inode.allocated.saturating_sub(offset).saturating_add(left);
            let fits = wanted.min(room);
            if fits > 0 {
                inode.allocated = inode.allocated.max(offset + fits);
            }
            inode.write(offset, bytes.get(..narrow(fits)).unwrap_or_default());
            fits
        })?;
        match error {
            _ if fits < wanted => Err(machine.note(io::ErrorKind::StorageFull)),
            Some(error) => Err(error.into()),
            None => {
                drop(machine);
                if let Some(hook) = self.shared.take_after_write() {
                    hook();
                }
                Ok(())
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut machine = self.shared.machine();
        let fault = self.begin(&mut machine, OperationKind::Sync, (0, 0))?;
        let block_bytes = machine.block_bytes;
        let error = fault.and_then(Fault::error);
        machine.with_inode(self.inode, |inode| match (fault, error) {
            (Some(Fault::SyncFails { loss, .. }), _) => inode.fail_sync(block_bytes, &mut loss.fates()),
            (_, Some(_)) => inode.fail_sync(block_bytes, &mut super::Loss::Lost.fates()),
            (Some(Fault::Lies), _) => {}
            _ => inode.sync(),
        })?;
        drop(machine);
        if let Some(error) = error {
            return Err(error.into());
        }
        if let Some(hook) = self.shared.take_during_sync() {
            hook();
        }
        Ok(())
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        let mut machine = self.shared.machine();
        self.begin_plain(&mut machine, OperationKind::Preallocate, len_bytes)?;
        if machine.cannot_preallocate {
            return Err(machine.note(io::ErrorKind::Unsupported));
        }
        Machine::check_end(Some(len_bytes))?;
        if len_bytes > machine.inode(self.inode)?.allocated.saturating_add(machine.left()) {
            return Err(machine.note(io::ErrorKind::StorageFull));
        }
        machine.with_inode(self.inode, |inode| {
            inode.allocated = inode.allocated.max(len_bytes);
            inode.extend(len_bytes);
        })
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        let mut machine = self.shared.machine();
        self.begin_plain(&mut machine, OperationKind::SetLen, len_bytes)?;
        Machine::check_end(Some(len_bytes))?;
        machine.with_inode(self.inode, |inode| {
            inode.allocated = inode.allocated.min(len_bytes);
            inode.set_len(len_bytes);
        })
    }

    fn forget_cached(&self, offset: u64, len_bytes: u64) {
        let mut machine = self.shared.machine();
        if machine.alive(self.process).is_ok() {
            let _ =
                machine.with_inode(self.inode, |inode| inode.evict(offset..offset.saturating_add(len_bytes)));
        }
    }
}
