//! One object's recovery: looks at what is in the bucket, does the next step, and looks again. Knows the store, the steps and
//! the streams.

use std::io;

use super::error::RecoverError;
use super::prefix::{End, Prefix, Whole, copy, measure};
use super::sink::{self, Sink};
use super::source::Source;
use super::step::{self, Facts, Step};
use super::survey::{Target, making, usable};
use crate::bucket::{BucketError, BucketErrorKind, Metadata, OpenUpload, Part, UploadMarker};
use crate::object::{ObjectMetadata, RecoveryRole};
use crate::read::{Store, escaped, passes};
use crate::stream::Codec;

/// Steps of one recovery, those that are done again included.
const STEPS_MAX: u32 = 64;

/// An open upload with its parts.
#[derive(Debug, Clone)]
pub(super) struct OpenParts {
    pub(super) upload: OpenUpload,
    pub(super) parts: Vec<Part>,
}

/// What is in the bucket of one object.
#[derive(Debug, Default)]
pub(super) struct Found {
    note: Option<u64>,
    pub(super) at_key: Option<u64>,
    /// Entries and length of the recovered object.
    pub(super) recovered: Option<(u64, u64)>,
    pub(super) uploads: Vec<OpenParts>,
}

impl Found {
    fn facts(&self, is_empty: bool) -> Facts {
        let usable = match self.note {
            Some(noted) => self.making(noted).map(|_| noted),
            None => self.uploads.iter().map(|open| usable(&open.parts).1).max(),
        };
        Facts {
            note: self.note,
            at_key: self.at_key,
            recovered: self.recovered.is_some(),
            usable,
            is_open: !self.uploads.is_empty(),
            is_empty,
        }
    }

    /// The upload whose parts make an object of that length, and those parts.
    fn making(&self, len_bytes: u64) -> Option<(&OpenUpload, &[Part])> {
        self.uploads.iter().find_map(|open| Some((&open.upload, making(&open.parts, len_bytes)?)))
    }
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The readable entries are in the bucket.
    Recovered,
    /// There was no whole entry.
    NothingReadable,
    /// Nothing was to be done: the object itself is in the bucket.
    InBucket,
    /// Somebody writes to the upload.
    Living,
    /// Whoever wrote it uploaded it whole after all.
    CameBack,
    /// It was completed and can't be read here: why.
    Unreadable(String),
}

/// What the readable entries of the torn object are.
#[derive(Debug, Clone, Copy)]
struct Known {
    entries: u64,
    raw_bytes: u64,
    crc64nvme: u64,
}

pub(super) struct Rescue<'r> {
    pub(super) store: &'r Store,
    pub(super) target: &'r Target,
    pub(super) entry_bytes_max: u64,
}

/// An object's metadata, and how its bytes are read.
struct Described {
    metadata: Metadata,
    codec: Codec,
    delimiter: Vec<u8>,
}

/// What came of a step.
enum Did {
    /// It is to be looked at again.
    Step,
    /// The torn object has no whole entry.
    Empty,
    /// It ends here.
    End(Outcome),
}

impl Rescue<'_> {
    /// Looks at the bucket.
    pub(super) fn look(&self) -> Result<Found, RecoverError> {
        let mut found = Found::default();
        let stem = self.target.stem();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.page(&stem, after.as_deref()).wait();
            let page = page.map_err(|source| self.failed("listing", "s3:ListBucket", source))?;
            for object in page.objects {
                if object.key == self.target.key {
                    found.at_key = Some(object.len_bytes);
                }
                match self.target.role_of(&object.key) {
                    Some(RecoveryRole::Note { torn_bytes }) => found.note = found.note.or(Some(torn_bytes)),
                    Some(RecoveryRole::Recovered { entries }) => {
                        found.recovered = Some((entries, object.len_bytes));
                    }
                    None => {}
                }
            }
            match page.next.filter(|next| after.as_ref().is_none_or(|after| next > after)) {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        for upload in self.uploads_at(&self.target.key)? {
            let (key, upload_id) = (upload.key.clone(), upload.upload_id.clone());
            let parts = self.store.again(move |bucket| {
                let (key, upload_id) = (key.clone(), upload_id.clone());
                Box::pin(async move { bucket.list_parts(&key, &upload_id).await })
            });
            match parts.wait() {
                Ok(parts) => found.uploads.push(OpenParts { upload, parts }),
                // Completed or aborted just now.
                Err(error) if error.kind() == BucketErrorKind::NoSuchUpload => {}
                Err(source) => {
                    let permission = "s3:ListMultipartUploadParts";
                    return Err(self.failed("listing the parts of", permission, source));
                }
            }
        }
        Ok(found)
    }

    fn uploads_at(&self, key: &str) -> Result<Vec<OpenUpload>, RecoverError> {
        let mut uploads = Vec::new();
        let mut after: Option<UploadMarker> = None;
        loop {
            let page = self.store.uploads(key, after.as_ref()).wait();
            let permission = "s3:ListBucketMultipartUploads";
            let page = page.map_err(|source| self.failed("listing the uploads of", permission, source))?;
            uploads.extend(page.uploads.into_iter().filter(|upload| upload.key == key));
            match page.next.filter(|next| Some(next) != after.as_ref()) {
                Some(next) => after = Some(next),
                None => return Ok(uploads),
            }
        }
    }

    /// Goes through all steps, from wherever it stands.
    pub(super) fn run(&self) -> Result<(Outcome, Found), RecoverError> {
        let mut known: Option<Known> = None;
        let (mut is_empty, mut was_empty) = (false, false);
        let mut failures = 0;
        for _ in 0..STEPS_MAX {
            let found = self.look()?;
            let step = step::next(&found.facts(is_empty));
            tracing::debug!(key = self.target.key, ?step, "recovering");
            match self.step(step, &found, &mut known) {
                Ok(Did::Step) if step == Step::Done => {
                    let outcome = match found.recovered {
                        Some(_) => Outcome::Recovered,
                        None if was_empty => Outcome::NothingReadable,
                        None => Outcome::InBucket,
                    };
                    return Ok((outcome, found));
                }
                Ok(Did::Step) => failures = 0,
                Ok(Did::Empty) => (is_empty, was_empty) = (true, true),
                Ok(Did::End(outcome)) => return Ok((outcome, self.look()?)),
                Err(RecoverError::Store { source, doing, permission }) => {
                    use BucketErrorKind as Kind;
                    // Somebody else was faster, or it was done and the answer lost: the next look shows.
                    let looks_again = matches!(
                        source.kind(),
                        Kind::PreconditionFailed | Kind::NoSuchUpload | Kind::Conflict | Kind::InvalidPart
                    );
                    failures += 1;
                    let retries = self.store.retries();
                    if !(looks_again || passes(source.kind())) || failures >= retries.attempts {
                        return Err(RecoverError::Store { source, doing, permission });
                    }
                    let wait = retries.first_wait.saturating_mul(1 << failures.min(16));
                    self.store.pause(wait.min(retries.longest_wait));
                }
                Err(error) => return Err(error),
            }
        }
        Err(RecoverError::Restless { key: escaped(&self.target.key).into_owned() })
    }

    fn step(&self, step: Step, found: &Found, known: &mut Option<Known>) -> Result<Did, RecoverError> {
        match step {
            Step::Done => {}
            Step::Note { torn_bytes } => {
                let key = self.target.beside(RecoveryRole::Note { torn_bytes });
                let note = format!(
                    "The object {} is being recovered from an upload that was abandoned: while this note is there and that \
                     object has {torn_bytes} bytes, it is torn. Run `s3-journal recover --complete` to go on.\n",
                    self.target.name
                );
                sink::put(self.store, &key, note.into_bytes(), &Metadata::new())
                    .map_err(|source| self.failed("writing the note on", "s3:PutObject", source))?;
            }
            Step::Complete { torn_bytes } => {
                if let Some((upload, parts)) = found.making(torn_bytes) {
                    let (upload_id, sum) = (&upload.upload_id, together(parts));
                    sink::complete(self.store, &self.target.key, upload_id, parts, torn_bytes, sum)
                        .map_err(|source| self.failed("completing", "s3:PutObject", source))?;
                }
            }
            Step::Write => return self.write(found, known),
            Step::DeleteTorn => return self.delete_torn(found, known),
            Step::Forget => self.forget(found)?,
            Step::Living => {
                self.forget(found)?;
                return Ok(Did::End(Outcome::Living));
            }
            Step::CameBack => {
                self.forget(found)?;
                return Ok(Did::End(Outcome::CameBack));
            }
        }
        Ok(Did::Step)
    }

    fn forget(&self, found: &Found) -> Result<(), RecoverError> {
        let Some(torn_bytes) = found.note else { return Ok(()) };
        self.delete(&self.target.beside(RecoveryRole::Note { torn_bytes }))
    }

    fn delete(&self, key: &str) -> Result<(), RecoverError> {
        let key = key.to_owned();
        let deleted = self.store.once(move |bucket| Box::pin(async move { bucket.delete(&key).await }));
        deleted.wait().map_err(|source| {
            self.failed("deleting the torn object or the note of", "s3:DeleteObject", source)
        })
    }

    /// What the torn object says of itself, and how it is read; else why it can't be.
    fn described(&self, key: &str) -> Result<Result<Described, String>, RecoverError> {
        let head = self.store.head(key.to_owned()).wait();
        let head = head.map_err(|source| self.failed("asking for", "s3:GetObject", source))?;
        let Some(head) = head else { return Ok(Err("is gone".to_owned())) };
        let metadata = match ObjectMetadata::from_map(&head.metadata) {
            Ok(metadata) if metadata.is_of(&self.target.name) => metadata,
            Ok(_) => return Ok(Err("describes itself as another object".to_owned())),
            Err(error) => return Ok(Err(format!("isn't described: {error}"))),
        };
        let Ok(codec) = metadata.compressor.parse() else {
            let name = escaped(&metadata.compressor).into_owned();
            return Ok(Err(format!("was compressed by {name}, which this program can't undo")));
        };
        if metadata.delimiter.is_empty() {
            let why =
                "has entries without a delimiter, so that nobody can tell where the last whole one ends";
            return Ok(Err(why.to_owned()));
        }
        Ok(Ok(Described { metadata: head.metadata, codec, delimiter: metadata.delimiter }))
    }

    fn write(&self, found: &Found, known: &mut Option<Known>) -> Result<Did, RecoverError> {
        let (Some(len_bytes), key) = (found.at_key, &self.target.key) else { return Ok(Did::Step) };
        let Described { metadata, codec, delimiter } = match self.described(key)? {
            Ok(described) => described,
            Err(why) => return Ok(Did::End(Outcome::Unreadable(why))),
        };
        let prefix = self.measure(key, len_bytes, codec, &delimiter)?;
        let Prefix { entries, raw_bytes, end, .. } = prefix;
        if let End::Damaged(why) = end {
            return Ok(Did::End(Outcome::Unreadable(format!("is damaged: {}", escaped(&why)))));
        }
        if entries == 0 {
            return Ok(Did::Empty);
        }
        let recovered = self.target.beside(RecoveryRole::Recovered { entries });
        // Left by a recovery that was cut short: its parts are of no use.
        for left in self.uploads_at(&recovered)? {
            self.abort(&left)?;
        }
        let metadata = ObjectMetadata::recovered(&metadata, entries);
        let mut sink = Sink::new(self.store, &recovered, &metadata, len_bytes);
        let mut whole = Whole::new(codec).map_err(|source| self.stream_failed(source))?;
        let mut failed: Option<BucketError> = None;
        let copied = self.copy(key, len_bytes, codec, raw_bytes, &mut |bytes| {
            whole.write(bytes, sink.buffer())?;
            sink.flush().map_err(|error| {
                let told = io::Error::other(error.to_string());
                failed = Some(error);
                told
            })
        });
        let (crc64nvme, copied_bytes) = copied.map_err(|error| match failed.take() {
            Some(source) => self.failed("writing what could be read of", "s3:PutObject", source),
            None => error,
        })?;
        if copied_bytes != raw_bytes {
            return Ok(Did::End(Outcome::Unreadable("gave other bytes when it was read again".to_owned())));
        }
        whole.finish(sink.buffer());
        sink.finish()
            .map_err(|source| self.failed("writing what could be read of", "s3:PutObject", source))?;
        *known = Some(Known { entries, raw_bytes, crc64nvme });
        Ok(Did::Step)
    }

    /// Compares the recovered object with the torn one, and deletes that.
    fn delete_torn(&self, found: &Found, known: &mut Option<Known>) -> Result<Did, RecoverError> {
        let (Some(len_bytes), key) = (found.at_key, &self.target.key) else { return Ok(Did::Step) };
        if let Some((entries, recovered_bytes)) = found.recovered {
            let torn = match *known {
                Some(known) => known,
                None => match self.read(key, len_bytes)? {
                    Ok((torn, _)) => *known.insert(torn),
                    Err(why) => return Ok(Did::End(Outcome::Unreadable(why))),
                },
            };
            let recovered = self.target.beside(RecoveryRole::Recovered { entries });
            let proved = match self.read(&recovered, recovered_bytes)? {
                Ok((back, End::Whole)) => {
                    (back.entries, back.raw_bytes, back.crc64nvme)
                        == (torn.entries, torn.raw_bytes, torn.crc64nvme)
                        && back.entries == entries
                }
                _ => false,
            };
            if !proved {
                let why =
                    format!("isn't what {} holds, which should be its readable entries", escaped(&recovered));
                return Ok(Did::End(Outcome::Unreadable(why)));
            }
        }
        // Once more, so that nothing is deleted that was written meanwhile.
        let head = self.store.head(key.clone()).wait();
        let head = head.map_err(|source| self.failed("asking for", "s3:GetObject", source))?;
        if head.is_some_and(|head| head.len_bytes == len_bytes) {
            self.delete(key)?;
        }
        Ok(Did::Step)
    }

    /// All of an object's readable entries.
    fn read(&self, key: &str, len_bytes: u64) -> Result<Result<(Known, End), String>, RecoverError> {
        let Described { codec, delimiter, .. } = match self.described(key)? {
            Ok(described) => described,
            Err(why) => return Ok(Err(why)),
        };
        let Prefix { entries, raw_bytes, end, .. } = self.measure(key, len_bytes, codec, &delimiter)?;
        let (crc64nvme, _) = self.copy(key, len_bytes, codec, raw_bytes, &mut |_| Ok(()))?;
        Ok(Ok((Known { entries, raw_bytes, crc64nvme }, end)))
    }

    fn measure(
        &self,
        key: &str,
        len_bytes: u64,
        codec: Codec,
        delimiter: &[u8],
    ) -> Result<Prefix, RecoverError> {
        let mut source = Source::new(self.store, key, len_bytes);
        let measured = measure(codec, delimiter, self.entry_bytes_max, &mut source);
        measured.map_err(|error| self.source_failed(source, error))
    }

    fn copy(
        &self,
        key: &str,
        len_bytes: u64,
        codec: Codec,
        raw_bytes: u64,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(u64, u64), RecoverError> {
        let mut source = Source::new(self.store, key, len_bytes);
        let copied = copy(codec, raw_bytes, &mut source, take);
        copied.map_err(|error| self.source_failed(source, error))
    }

    /// Gives an upload up.
    pub(super) fn abort(&self, upload: &OpenUpload) -> Result<bool, RecoverError> {
        let (key, upload_id) = (upload.key.clone(), upload.upload_id.clone());
        let aborted = self.store.again(move |bucket| {
            let (key, upload_id) = (key.clone(), upload_id.clone());
            Box::pin(async move { bucket.abort_upload(&key, &upload_id).await })
        });
        match aborted.wait() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == BucketErrorKind::NoSuchUpload => Ok(false),
            Err(source) => Err(self.failed("aborting an upload of", "s3:AbortMultipartUpload", source)),
        }
    }

    fn source_failed(&self, source: Source<'_>, error: io::Error) -> RecoverError {
        match source.failure(error) {
            Ok(source) => self.failed("reading", "s3:GetObject", source),
            Err(error) => self.stream_failed(error),
        }
    }

    fn stream_failed(&self, source: io::Error) -> RecoverError {
        RecoverError::Stream { doing: format!("recovering {}", escaped(&self.target.key)), source }
    }

    fn failed(&self, doing: &str, permission: &'static str, source: BucketError) -> RecoverError {
        RecoverError::Store { doing: format!("{doing} {}", escaped(&self.target.key)), permission, source }
    }
}

/// CRC-64/NVME of all parts one after the other, where the store tells it of each.
fn together(parts: &[Part]) -> Option<u64> {
    let mut sums = parts.iter().map(|part| Some((part.crc64nvme?, part.len_bytes)));
    let (first, _) = sums.next()??;
    sums.try_fold(first, |sum, part| {
        let (crc64nvme, len_bytes) = part?;
        Some(crc_fast::checksum_combine(crc_fast::CrcAlgorithm::Crc64Nvme, sum, crc64nvme, len_bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_parts_make_the_sum_of_the_whole() {
        let pieces: [&[u8]; 4] = [b"some bytes", b"", b"others, more of them", b"x"];
        let part = |bytes: &&[u8]| Part {
            number: 1,
            etag: String::new(),
            len_bytes: bytes.len() as u64,
            crc64nvme: Some(durable_queue::checksum(bytes)),
        };
        let mut parts: Vec<Part> = pieces.iter().map(part).collect();
        assert_eq!(together(&parts), Some(durable_queue::checksum(&pieces.concat())));
        parts[2].crc64nvme = None;
        assert_eq!((together(&parts), together(&[])), (None, None));
    }
}
