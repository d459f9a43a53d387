//! Buffers of parts, used again when the last reader of one is gone, and never cleared: clearing one only to fill it again takes time.
//! Knows nothing.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::sync::lock;

/// Those that nobody uses.
#[derive(Debug)]
pub struct Pool {
    spare: Mutex<Vec<Vec<u8>>>,
    spare_max: usize,
}

impl Pool {
    /// Keeps so many at the most.
    pub fn new(spare_max: usize) -> Self {
        Self { spare: Mutex::default(), spare_max }
    }

    /// One with nothing in it.
    pub fn take(&self) -> Filled {
        Filled { buffer: lock(&self.spare).pop().unwrap_or_default(), len: 0 }
    }

    /// Lets others read it; it comes back when the last of them is done.
    pub fn lend(self: &Arc<Self>, filled: Filled) -> Bytes {
        Bytes::from_owner(Loan { filled, pool: Arc::clone(self) })
    }
}

/// A buffer, and how much of its beginning is filled.
#[derive(Debug, Default)]
pub struct Filled {
    buffer: Vec<u8>,
    len: usize,
}

impl Filled {
    /// Whether it was taken from a pool, or filled.
    pub fn has_buffer(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// How much is filled.
    pub fn len(&self) -> usize {
        self.len
    }

    /// What is filled.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Room for `more` bytes behind that, with anything in it.
    pub fn room(&mut self, more: usize) -> &mut [u8] {
        let end = self.len.saturating_add(more);
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        self.buffer.get_mut(self.len..end).unwrap_or_default()
    }

    /// So many bytes of the room are filled.
    pub fn grow(&mut self, more: usize) {
        self.len = self.len.saturating_add(more).min(self.buffer.len());
    }

    /// Nothing is filled.
    pub fn clear(&mut self) {
        self.len = 0;
    }
}

/// A buffer on loan.
struct Loan {
    filled: Filled,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        self.filled.bytes()
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut spare = lock(&self.pool.spare);
        if spare.len() < self.pool.spare_max {
            spare.push(std::mem::take(&mut self.filled.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(filled: &mut Filled, bytes: &[u8]) {
        filled.room(bytes.len()).copy_from_slice(bytes);
        filled.grow(bytes.len());
    }

    #[test]
    fn a_buffer_comes_back_with_its_last_reader_and_shows_nothing_of_before() {
        let pool = Arc::new(Pool::new(1));
        let mut first = pool.take();
        fill(&mut first, b"a long part");
        let place = first.bytes().as_ptr();
        let part = pool.lend(first);
        let reader = part.clone();
        drop(part);
        assert_eq!(&reader[..], b"a long part");
        assert!(!pool.take().has_buffer(), "somebody still reads it");
        drop(reader);
        let mut second = pool.take();
        assert_eq!((second.bytes(), second.len()), (&b""[..], 0));
        fill(&mut second, b"a");
        fill(&mut second, b"b");
        assert_eq!(second.bytes(), b"ab");
        assert_eq!(second.bytes().as_ptr(), place, "it is used again");
        second.clear();
        assert_eq!(second.bytes(), b"");
    }

    #[test]
    fn no_more_are_kept_than_may_be() {
        let pool = Arc::new(Pool::new(1));
        let lent = [b"x", b"y"].map(|bytes| {
            let mut filled = pool.take();
            fill(&mut filled, bytes);
            pool.lend(filled)
        });
        drop(lent);
        assert!(pool.take().has_buffer());
        assert!(!pool.take().has_buffer());
    }
}
