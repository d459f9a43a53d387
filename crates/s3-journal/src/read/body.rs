//! One object's stored bytes as a reader: summed while they pass, and held for a second pass where they are few. Knows
//! the pipeline.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use crc_fast::{CrcAlgorithm, Digest};

use super::pipeline::{Pipeline, RANGE_BYTES};
use crate::bucket::BucketError;

/// Bytes of an object that are held between the pass that proves it and the pass that writes it; larger objects are
/// fetched twice.
pub const HELD_BYTES: u64 = 16 << 20;

/// Reads the ranges of one object, the pipeline's next questions.
///
/// All ranges must be used or given up, so that the pipeline stands at the next object: [`Body::finish`].
#[derive(Debug)]
pub(super) struct Body<'p, 'l> {
    pipeline: &'p mut Pipeline<'l>,
    /// Bytes of the ranges not asked for yet.
    to_come: u64,
    chunk: Bytes,
    sum: Digest,
    len_bytes: u64,
    held: Option<Vec<Bytes>>,
    failed: Option<BucketError>,
}

/// What a whole body was.
#[derive(Debug)]
pub(super) struct Stored {
    /// Bytes that arrived.
    pub(super) len_bytes: u64,
    /// Their CRC-64/NVME.
    pub(super) crc64nvme: u64,
    /// The bytes, if they were to be held.
    pub(super) held: Option<Vec<Bytes>>,
}

impl<'p, 'l> Body<'p, 'l> {
    /// The object of that length; `hold` keeps its bytes.
    pub(super) fn new(pipeline: &'p mut Pipeline<'l>, len_bytes: u64, hold: bool) -> Self {
        Self {
            pipeline,
            to_come: len_bytes,
            chunk: Bytes::new(),
            sum: Digest::new(CrcAlgorithm::Crc64Nvme),
            len_bytes: 0,
            held: hold.then(Vec::new),
            failed: None,
        }
    }

    /// Reads what is left, gives up what can't be had, and tells what it was.
    ///
    /// # Errors
    /// The store's answer when a range couldn't be had.
    pub(super) fn finish(mut self) -> Result<Stored, BucketError> {
        self.chunk.clear();
        while self.failed.is_none() && self.more() {
            self.chunk.clear();
        }
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(Stored {
                len_bytes: self.len_bytes,
                crc64nvme: self.sum.finalize(),
                held: self.held.take(),
            }),
        }
    }

    /// The next range; false at the end and after a failure.
    fn more(&mut self) -> bool {
        if self.to_come == 0 {
            return false;
        }
        let asked = RANGE_BYTES.min(self.to_come);
        self.to_come -= asked;
        match self.pipeline.bytes() {
            Ok(bytes) => {
                if (bytes.len() as u64) < asked {
                    // It ends here, whatever the listing said.
                    self.give_up();
                }
                self.sum.update(&bytes);
                self.len_bytes += bytes.len() as u64;
                if let Some(held) = &mut self.held {
                    held.push(bytes.clone());
                }
                self.chunk = bytes;
                !self.chunk.is_empty()
            }
            Err(error) => {
                self.failed = Some(error);
                self.give_up();
                false
            }
        }
    }

    fn give_up(&mut self) {
        self.pipeline.skip(self.to_come.div_ceil(RANGE_BYTES));
        self.to_come = 0;
    }
}

impl Drop for Body<'_, '_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl Read for Body<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && !self.more() {
            return if self.failed.is_some() { Err(io::Error::other("the store failed")) } else { Ok(0) };
        }
        let len = buf.len().min(self.chunk.len());
        self.chunk.split_to(len).copy_to_slice(buf.get_mut(..len).unwrap_or_default());
        Ok(len)
    }
}

/// Reads bytes that were held.
#[derive(Debug)]
pub(super) struct Held<'h> {
    rest: std::slice::Iter<'h, Bytes>,
    chunk: &'h [u8],
}

impl<'h> Held<'h> {
    pub(super) fn new(held: &'h [Bytes]) -> Self {
        Self { rest: held.iter(), chunk: &[] }
    }
}

impl Read for Held<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.rest.next() {
                Some(next) => self.chunk = next,
                None => return Ok(0),
            }
        }
        self.chunk.read(buf)
    }
}
