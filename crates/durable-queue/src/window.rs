//! Reading a file through a read-ahead window, so that small reads in order cost few system calls. Knows `disk`.

use std::io;

use crate::bytes::{narrow, wide};
use crate::disk::DiskFile;

/// How much is read ahead: 256 KiB, a few hundred small frames, little against the memory of anything that uploads.
pub(crate) const READ_AHEAD_BYTES: usize = 256 << 10;

/// The part of one file that was read last.
#[derive(Debug, Default)]
pub(crate) struct Window {
    buffer: Vec<u8>,
    filled: usize,
    start: u64,
}

impl Window {
    /// Forgets what was read, before another file is read through it.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
    }

    /// The bytes at `offset..offset + len` if they are in the window.
    pub(crate) fn held(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let from = narrow(offset.checked_sub(self.start)?);
        self.buffer.get(..self.filled)?.get(from..from.checked_add(len)?)
    }

    /// All bytes in the window from `offset` on.
    pub(crate) fn rest(&self, offset: u64) -> &[u8] {
        let from = offset.checked_sub(self.start).map_or(usize::MAX, narrow);
        self.buffer.get(..self.filled).and_then(|held| held.get(from..)).unwrap_or_default()
    }

    /// The bytes at `offset..offset + len`, with up to `ahead` bytes read at once but none at or after `limit`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the file or `limit` ends before; the operating system's otherwise.
    pub(crate) fn get(
        &mut self,
        file: &dyn DiskFile,
        offset: u64,
        len: usize,
        limit: u64,
        ahead: usize,
    ) -> io::Result<&[u8]> {
        if offset.saturating_add(wide(len)) > limit {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.held(offset, len).is_none() {
            self.fill(file, offset, len.max(ahead.min(narrow(limit - offset))))?;
        }
        self.held(offset, len).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn fill(&mut self, file: &dyn DiskFile, offset: u64, want: usize) -> io::Result<()> {
        self.filled = 0;
        self.start = offset;
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        while let Some(rest) = self.buffer.get_mut(self.filled..want).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + wide(self.filled)) {
                Ok(0) => break,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.filled = 0;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}
