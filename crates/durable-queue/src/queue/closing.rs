//! The end of queues: closing, deleting one, deleting all with their files.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::damage::DAMAGED_SUFFIX;
use super::error::{CloseError, DeleteError, SyncError};
use super::settling::Unrecorded;
use super::shared::Shared;
use crate::disk::{Disk, LockOutcome};
use crate::environment::holder;
use crate::slab::{LOCK_NAME, NEXT_NAME, TORN_SUFFIX, slab_number};

impl Shared {
    /// From now on every call is refused. False if that was so already.
    fn shut(&self, forgets_all: bool) -> bool {
        let mut state = self.lock();
        let was_open = std::mem::replace(&mut state.is_open, false);
        if was_open && forgets_all {
            for name in state.ledger.names() {
                state.ledger.delete(&name);
            }
        }
        state.wake_all();
        self.keeper.notify_all();
        was_open
    }

    /// Records what became of tasks, and closes the log.
    ///
    /// # Durability
    /// After `Ok` everything is durable.
    pub fn close(&self) -> Result<(), CloseError> {
        self.shut(false);
        let recorded = self.settle_all(false);
        let closed = self.log.close();
        match recorded {
            // That the log is closed already is nothing to report.
            Ok(_) | Err(Unrecorded::Closed) => closed.map_err(CloseError::Failed),
            Err(Unrecorded::Failed(failure)) => Err(CloseError::Failed(failure)),
            Err(Unrecorded::Full(reason)) => {
                let tasks = self.lock().ledger.settlement.len();
                Err(CloseError::Unrecorded { tasks, reason })
            }
        }
    }

    /// Forgets every task, and closes the log. First the log is told that all tasks are completed, so that a crash before the
    /// last file is gone brings none back.
    pub fn close_to_delete(&self) {
        self.shut(true);
        // The files go in any case, and with them what these couldn't write.
        let _ = self.settle_all(false);
        let _ = self.log.close();
    }

    /// Forgets one queue.
    ///
    /// # Durability
    /// Durable when it returns.
    pub fn delete_queue(&self, name: &str) -> Result<usize, SyncError> {
        let mut state = self.lock();
        if !state.is_open {
            return Err(SyncError::Closed);
        }
        let tasks = state.ledger.delete(name);
        self.settle(&mut state);
        self.release(&mut state);
        self.look(&mut state);
        state.wake_all();
        drop(state);
        self.settle_durably()?;
        Ok(tasks)
    }

    /// Forgets all queues there are.
    pub fn delete_all(&self) -> Result<usize, SyncError> {
        let names: Vec<Arc<str>> = self.lock().ledger.names();
        let mut tasks = 0;
        for name in names {
            tasks += self.delete_queue(&name)?;
        }
        Ok(tasks)
    }

    /// Removes the files of a closed log. The lock file stays: another process may be about to lock it, and would then hold
    /// the lock of a file that the next one doesn't find.
    ///
    /// # Durability
    /// The removals are durable when it returns.
    pub fn remove_files(&self) -> Result<(), DeleteError> {
        let (disk, directory) = (&*self.environment.disk, &*self.directory);
        let path = directory.join(LOCK_NAME);
        let error = |operation, path: &Path| {
            let path = path.to_owned();
            move |source| DeleteError::Io { operation, path, source }
        };
        let lock = match disk.lock(&path, &holder()).map_err(error("locking", &path))? {
            LockOutcome::Locked(lock) => lock,
            LockOutcome::Held { holder } => {
                return Err(DeleteError::Locked { holder, directory: directory.to_owned() });
            }
        };
        // In the order of their names: the oldest slab first, and each removal durable before the next, as the log itself
        // does it, so that what a crash leaves can be opened.
        for entry in disk.entries(directory).map_err(error("listing", directory))? {
            let name = &entry.name;
            let is_slab = slab_number(name).is_some();
            let is_ours =
                is_slab || name == NEXT_NAME || name.ends_with(TORN_SUFFIX) || name.ends_with(DAMAGED_SUFFIX);
            if entry.is_directory || !is_ours {
                continue;
            }
            remove(disk, &directory.join(name)).map_err(error("removing", &directory.join(name)))?;
            if is_slab {
                disk.sync_directory(directory).map_err(error("syncing", directory))?;
            }
        }
        disk.sync_directory(directory).map_err(error("syncing", directory))?;
        drop(lock);
        Ok(())
    }
}

fn remove(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
