//! A journal as a [`std::io::Write`]: what the delimiter ends is an entry. Knows the journal's face only.

use std::io;

use memchr::memmem;

use crate::encode::Encode;
use crate::journal::Journal;
use crate::receipt::Receipt;

/// Bytes to entries: made by [`Journal::writer`].
///
/// What isn't ended by a delimiter yet is held back; [`EntryWriter::finish`], or dropping the writer, takes it as an entry,
/// too. With an empty delimiter each `write` is an entry.
///
/// ```
/// # use s3_journal::{Options, bucket::MemoryBucket};
/// # let scratch = tempfile::tempdir()?;
/// # let journal = s3_journal::journal(Options::new().bucket(std::sync::Arc::new(MemoryBucket::new()), "")
/// #     .local_directory(scratch.path()).max_batch_size(10))?;
/// use std::io::Write;
///
/// let mut writer = journal.writer();
/// write!(writer, "first\nsecond\nthi")?;
/// writer.write_all(b"rd\n")?;
/// writer.flush()?; // durable
/// assert_eq!(journal.durable(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EntryWriter<'journal, E>
where
    E: Encode<[u8]>,
{
    journal: &'journal Journal<E>,
    finder: memmem::Finder<'journal>,
    partial: Vec<u8>,
    last: Option<Receipt<'journal>>,
}

impl<E> Journal<E> {
    /// A [`std::io::Write`] that takes what the delimiter ends as entries.
    pub fn writer(&self) -> EntryWriter<'_, E>
    where
        E: Encode<[u8]>,
    {
        EntryWriter::new(self)
    }
}

impl<'journal, E> EntryWriter<'journal, E>
where
    E: Encode<[u8]>,
{
    fn new(journal: &'journal Journal<E>) -> Self {
        Self { journal, finder: memmem::Finder::new(journal.delimiter()), partial: Vec::new(), last: None }
    }

    /// Takes what isn't ended by a delimiter as an entry; returns the last entry's receipt.
    ///
    /// # Errors
    /// The journal's, as an [`io::Error`].
    pub fn finish(mut self) -> io::Result<Option<Receipt<'journal>>> {
        self.take_partial()?;
        Ok(self.last)
    }

    fn take_partial(&mut self) -> io::Result<()> {
        let partial = std::mem::take(&mut self.partial);
        if !partial.is_empty() {
            self.submit(&partial)?;
        }
        Ok(())
    }

    fn submit(&mut self, entry: &[u8]) -> io::Result<()> {
        self.last = Some(self.journal.submit(entry).map_err(io::Error::other)?);
        Ok(())
    }
}

impl<E> io::Write for EntryWriter<'_, E>
where
    E: Encode<[u8]>,
{
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let delimiter_len = self.finder.needle().len();
        if delimiter_len == 0 {
            self.submit(bytes)?;
            return Ok(bytes.len());
        }
        if self.partial.is_empty()
            && let Some(at) = self.finder.find(bytes)
        {
            self.submit(bytes.get(..at).unwrap_or_default())?;
            return Ok(at + delimiter_len);
        }
        // A delimiter may have begun in what is held back.
        let held = self.partial.len();
        self.partial.extend_from_slice(bytes);
        let from = held.saturating_sub(delimiter_len - 1);
        let found = self.finder.find(self.partial.get(from..).unwrap_or_default());
        let Some(at) = found.map(|at| from + at) else { return Ok(bytes.len()) };
        let mut entry = std::mem::take(&mut self.partial);
        entry.truncate(at);
        if let Err(error) = self.submit(&entry) {
            // The entry wasn't taken: the caller may try again with the same bytes.
            entry.truncate(held);
            self.partial = entry;
            return Err(error);
        }
        Ok(at + delimiter_len - held)
    }

    /// Waits until every entry taken is durable. What isn't ended by a delimiter yet is still held back.
    fn flush(&mut self) -> io::Result<()> {
        match self.last {
            None => Ok(()),
            Some(receipt) => receipt.durable().wait().map_err(io::Error::other),
        }
    }
}

impl<E> Drop for EntryWriter<'_, E>
where
    E: Encode<[u8]>,
{
    fn drop(&mut self) {
        // As with other writers: whoever wants to know of errors calls `finish`.
        let _ = self.take_partial();
    }
}
