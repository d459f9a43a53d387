//! An object's bytes as a reader. Knows the store.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};

use crate::bucket::BucketError;
use crate::read::{RANGE_BYTES, Store};

/// Reads an object from begin to end.
#[derive(Debug)]
pub(super) struct Source<'s> {
    store: &'s Store,
    key: &'s str,
    len_bytes: u64,
    offset: u64,
    chunk: Bytes,
    /// Why it ended early.
    failed: Option<BucketError>,
}

impl<'s> Source<'s> {
    pub(super) fn new(store: &'s Store, key: &'s str, len_bytes: u64) -> Self {
        Self { store, key, len_bytes, offset: 0, chunk: Bytes::new(), failed: None }
    }

    /// The store's answer, where `error` only says that it failed.
    ///
    /// # Errors
    /// `error` itself, if it isn't the store's.
    pub(super) fn failure(self, error: io::Error) -> Result<BucketError, io::Error> {
        self.failed.ok_or(error)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && self.offset < self.len_bytes {
            let len = RANGE_BYTES.min(self.len_bytes - self.offset);
            match self.store.range(self.key.to_owned(), self.offset, len).wait() {
                Ok(bytes) => {
                    self.offset += len;
                    self.chunk = bytes;
                }
                Err(error) => {
                    let told = io::Error::other(error.to_string());
                    self.failed = Some(error);
                    return Err(told);
                }
            }
        }
        let len = buf.len().min(self.chunk.len());
        self.chunk.split_to(len).copy_to_slice(buf.get_mut(..len).unwrap_or_default());
        Ok(len)
    }
}
