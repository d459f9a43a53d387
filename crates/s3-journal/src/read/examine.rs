//! One object read from begin to end, and what is wrong with its bytes. Knows pipeline and scan.

use std::error::Error;
use std::io::{self, Write};

use super::body::{Body, Held, Stored};
use super::chain::Seen;
use super::cutter::Cut;
use super::error::ReadError;
use super::escaped;
use super::findings::{Finding, FindingKind};
use super::listing::{Entry, Stream};
use super::pipeline::Pipeline;
use super::scan::{CUSTOM_OBJECT_BYTES_MAX, Decompressors, Inverse, Scan, ScanError, Scanned};
use super::store::Store;
use crate::bucket::{BucketError, BucketErrorKind};
use crate::object::ObjectMetadata;

/// What all reading of a stream needs.
#[derive(Clone, Copy)]
pub(super) struct Examiner<'r> {
    pub(super) store: &'r Store,
    pub(super) stream: &'r Stream,
    pub(super) decompressors: &'r Decompressors,
    /// Whether delimiters are looked for at all.
    pub(super) count_entries: bool,
    pub(super) entry_bytes_max: u64,
}

/// One object: where it is listed, and what it and its store say of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Described<'o> {
    pub(super) entry: &'o Entry,
    pub(super) metadata: &'o ObjectMetadata,
    /// The store's own sum.
    pub(super) crc64nvme: Option<u64>,
}

/// What a pass over an object's bytes showed.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) scanned: Scanned,
    /// `None` when the pass ended before the object did.
    pub(super) stored: Option<Stored>,
    pub(super) problem: Option<Finding>,
    counted: bool,
}

impl Examined {
    /// What the next object is held against.
    pub(super) fn seen(&self, entry: Entry) -> Seen {
        let listed = Seen::listed(entry);
        let entries = (self.counted && self.problem.is_none()).then_some(self.scanned.entries);
        let damaged = self.problem.is_some();
        match &self.stored {
            Some(stored) => Seen {
                len_bytes: stored.len_bytes,
                crc64nvme: Some(stored.crc64nvme),
                entries,
                damaged,
                ..listed
            },
            None => Seen { damaged, ..listed },
        }
    }
}

/// How far a pass goes, and what is kept of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    pub(super) cut: Cut,
    pub(super) stop_after_cut: bool,
    pub(super) hold: bool,
}

impl Pass {
    /// All of it, to look at only.
    pub(super) const PROOF: Self = Self { cut: Cut::WHOLE, stop_after_cut: false, hold: false };
}

impl<'r> Examiner<'r> {
    /// The delimiter to look for.
    pub(super) fn delimiter<'m>(&self, metadata: &'m ObjectMetadata) -> &'m [u8] {
        if self.count_entries { &metadata.delimiter } else { &[] }
    }

    /// A failure of the store's while an object was read.
    pub(super) fn store_error(&self, entry: &Entry, source: BucketError) -> ReadError {
        let doing = format!("reading {}", escaped(&self.stream.key(entry)));
        ReadError::Store { doing, source }
    }

    /// What undoes an object's compressor.
    ///
    /// # Errors
    /// When nothing here does.
    fn scan<'m>(&self, object: Described<'m>, pass: Pass) -> Result<Scan<'m>, ReadError>
    where
        'r: 'm,
    {
        let Described { entry, metadata, .. } = object;
        let key = || escaped(&self.stream.key(entry)).into_owned();
        let Some(inverse) = self.decompressors.find(&metadata.compressor) else {
            return Err(ReadError::NoInverse { compressor: metadata.compressor.clone(), key: key() });
        };
        if matches!(inverse, Inverse::Custom(_)) && entry.len_bytes > CUSTOM_OBJECT_BYTES_MAX {
            let (len_bytes, max_bytes) = (entry.len_bytes, CUSTOM_OBJECT_BYTES_MAX);
            return Err(ReadError::TooLargeToHold { key: key(), len_bytes, max_bytes });
        }
        Ok(Scan {
            inverse,
            delimiter: self.delimiter(metadata),
            entry_bytes_max: self.entry_bytes_max,
            cut: pass.cut,
            stop_after_cut: pass.stop_after_cut,
        })
    }

    /// Reads an object whose ranges are the pipeline's next questions, and leaves the pipeline behind them.
    ///
    /// # Errors
    /// When the store or the output fails, or the object's compressor is unknown. What is wrong with the object is no
    /// error but [`Examined::problem`].
    pub(super) fn fetched(
        &self,
        pipeline: &mut Pipeline<'_>,
        object: Described<'_>,
        pass: Pass,
        out: &mut dyn Write,
    ) -> Result<Examined, ReadError> {
        let scan = self.scan(object, pass)?;
        let entry = object.entry;
        let mut body = Body::new(pipeline, entry.len_bytes, pass.hold);
        let mut scanned = Scanned::default();
        let end = scan.run(&mut body, out, &mut scanned);
        let counted = !scan.delimiter.is_empty();
        let over = pass.stop_after_cut && pass.cut.end.is_some_and(|end| counted && scanned.entries >= end);
        if over && end.is_ok() {
            return Ok(Examined { scanned, stored: None, problem: None, counted });
        }
        let problem = self.problem(entry, end, scanned)?;
        match body.finish() {
            Ok(stored) => {
                let changed = self.changed(object, &stored);
                let problem = changed.or(problem);
                Ok(Examined { scanned, stored: Some(stored), problem, counted })
            }
            Err(error) if error.kind() == BucketErrorKind::NotFound => {
                let gone = Finding::on(FindingKind::Vanished, self.stream, entry, "was listed and is gone")
                    .certain();
                Ok(Examined { scanned, stored: None, problem: Some(gone), counted })
            }
            Err(error) => Err(self.store_error(entry, error)),
        }
    }

    /// Reads an object again whose bytes were held.
    ///
    /// # Errors
    /// When the output fails.
    pub(super) fn held(
        &self,
        held: &[bytes::Bytes],
        object: Described<'_>,
        pass: Pass,
        out: &mut dyn Write,
    ) -> Result<Examined, ReadError> {
        let scan = self.scan(object, pass)?;
        let mut scanned = Scanned::default();
        let end = scan.run(&mut Held::new(held), out, &mut scanned);
        let problem = self.problem(object.entry, end, scanned)?;
        Ok(Examined { scanned, stored: None, problem, counted: !scan.delimiter.is_empty() })
    }

    /// Reads an object's bytes as they are: all that can be done with one that isn't described.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn raw(
        &self,
        pipeline: &mut Pipeline<'_>,
        entry: &Entry,
    ) -> Result<Option<Stored>, ReadError> {
        match Body::new(pipeline, entry.len_bytes, false).finish() {
            Ok(stored) => Ok(Some(stored)),
            Err(error) if error.kind() == BucketErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.store_error(entry, error)),
        }
    }

    /// Bytes that aren't those the store has listed and summed.
    fn changed(&self, object: Described<'_>, stored: &Stored) -> Option<Finding> {
        let Described { entry, crc64nvme, .. } = object;
        if stored.len_bytes != entry.len_bytes {
            let text = format!("was listed with {} bytes and gave {}", entry.len_bytes, stored.len_bytes);
            return Some(Finding::on(FindingKind::Changed, self.stream, entry, text).certain());
        }
        let told = crc64nvme.filter(|told| *told != stored.crc64nvme)?;
        let text = format!(
            "is damaged: its bytes have the CRC-64/NVME {:016x}, and the store says {told:016x}",
            stored.crc64nvme
        );
        Some(Finding::on(FindingKind::Damaged, self.stream, entry, text).certain())
    }

    fn problem(
        &self,
        entry: &Entry,
        end: Result<(), ScanError>,
        found: Scanned,
    ) -> Result<Option<Finding>, ReadError> {
        let damaged = |text: String| {
            let finding = Finding::on(FindingKind::Damaged, self.stream, entry, text);
            Ok(Some(finding.certain()))
        };
        match end {
            Ok(()) => Ok(None),
            Err(ScanError::Write(error)) => Err(ReadError::Output(error)),
            Err(ScanError::Decode(error)) => damaged(format!(
                "is damaged after {} entries that could be decoded: {}",
                found.entries,
                escaped(&chain_of(&error))
            )),
            Err(ScanError::TooLong) => damaged(format!(
                "has an entry of more than {} bytes after {} others; if a journal wrote that, raise the limit",
                self.entry_bytes_max, found.entries
            )),
            Err(ScanError::OpenEntry { len_bytes }) => damaged(format!(
                "ends with {len_bytes} bytes that no delimiter follows, after {} entries",
                found.entries
            )),
        }
    }
}

/// An error and what caused it.
fn chain_of(error: &io::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
