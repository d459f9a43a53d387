//! Objects made by hand, with right names, metadata and streams, for the tests of the reader.
#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the report")]

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use s3_journal::bucket::{
    Abilities, Bucket, BucketError, BucketErrorKind, BucketFuture, Complete, Head, MemoryBucket, Metadata,
    ObjectPage, Part, Put, UploadMarker, UploadPage, UploadPart,
};
use s3_journal::object::{Id, Incarnation, KeyLayout, ObjectMetadata, ObjectName, Predecessor, RunId};
use s3_journal::read::{
    CatOptions, CatSummary, Depth, Finding, FindingKind, ReadError, Reader, Report, Retries, Selection,
    VerifyOptions,
};
use s3_journal::stream::{Codec, Encoder, trailer};

/// What every test's keys begin with.
pub const PREFIX: &str = "events/raw";

/// A journal's upload half, by hand.
pub struct Writer {
    pub bucket: MemoryBucket,
    pub id: String,
    pub incarnation: Incarnation,
    pub run: u32,
    pub shards: Option<u32>,
    pub compressor: String,
    pub delimiter: Vec<u8>,
    pub number: u64,
    pub first: u64,
    pub previous: Option<Predecessor>,
    pub time: SystemTime,
}

impl Clone for Writer {
    /// A copied directory: it goes on by itself, into the same bucket.
    fn clone(&self) -> Self {
        Self {
            bucket: self.bucket.clone(),
            id: self.id.clone(),
            incarnation: self.incarnation.clone(),
            compressor: self.compressor.clone(),
            delimiter: self.delimiter.clone(),
            ..*self
        }
    }
}

impl Writer {
    pub fn new(bucket: &MemoryBucket, id: &str) -> Self {
        Self {
            bucket: bucket.clone(),
            id: id.to_owned(),
            incarnation: Incarnation::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000), 0xab),
            run: 1,
            shards: None,
            compressor: "gzip".to_owned(),
            delimiter: b"\n".to_vec(),
            number: 0,
            first: 0,
            previous: None,
            time: SystemTime::UNIX_EPOCH,
        }
    }

    /// Writes one object of those entries, in two batches, and returns its key.
    pub fn object(&mut self, entries: &[String]) -> String {
        let mut raw = Vec::new();
        for entry in entries {
            raw.extend_from_slice(entry.as_bytes());
            raw.extend_from_slice(&self.delimiter);
        }
        let stored = match self.compressor.parse() {
            Ok(codec) => compress(codec, &raw),
            Err(_) => raw.iter().map(|byte| !byte).collect(),
        };
        self.raw(stored, entries.len() as u64)
    }

    /// `objects` objects of `entries` entries each; each entry tells its sequence number. Returns the keys.
    pub fn objects(&mut self, objects: u64, entries: u64) -> Vec<String> {
        (0..objects)
            .map(|_| {
                let texts: Vec<String> = (self.first..self.first + entries).map(entry).collect();
                self.object(&texts)
            })
            .collect()
    }

    /// Writes an object of those bytes as they are.
    pub fn raw(&mut self, stored: Vec<u8>, entries: u64) -> String {
        let name = ObjectName {
            id: Id::new(self.id.clone()).unwrap(),
            incarnation: self.incarnation.clone(),
            number: self.number,
            first: self.first,
            run: RunId(self.run),
            suffix: Some("gz".to_owned()),
        };
        let directory = format!("2026/11/{:02}", self.number / 4 + 1);
        let key = KeyLayout::new(PREFIX, self.shards).unwrap().key(&directory, &name);
        let metadata =
            ObjectMetadata::new(&name, &self.compressor, &self.delimiter, self.time, self.previous);
        let crc64nvme = sum(&stored);
        let len_bytes = stored.len() as u64;
        put(&self.bucket, &key, stored, &metadata.to_map());
        self.previous = Some(Predecessor { entries, len_bytes, crc64nvme });
        self.number += 1;
        self.first += entries;
        key
    }

    /// Goes on as after a restart.
    pub fn restart(&mut self) {
        self.run += 1;
    }
}

/// The text of an entry that tells its sequence number, of various lengths.
pub fn entry(sequence: u64) -> String {
    format!("entry {sequence} {}", "x".repeat(usize::try_from(sequence * 7 % 31).unwrap()))
}

/// The entries of a range as `cat` writes them.
pub fn text(range: std::ops::Range<u64>) -> String {
    range.map(|sequence| entry(sequence) + "\n").collect()
}

pub fn sum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes)
}

pub fn compress(codec: Codec, raw: &[u8]) -> Vec<u8> {
    let mut stored = Vec::new();
    let mut encoder = Encoder::new(codec, None).unwrap();
    let (one, two) = raw.split_at(raw.len() / 2);
    encoder.write(one, &mut stored).unwrap();
    encoder.write(two, &mut stored).unwrap();
    stored.extend(trailer(codec, &encoder.tail()));
    stored
}

/// Puts bytes at a key, whatever was there.
pub fn put(bucket: &MemoryBucket, key: &str, stored: Vec<u8>, metadata: &Metadata) {
    let body = Bytes::from(stored);
    let crc64nvme = sum(&body);
    let put = Put { key, body, crc64nvme, metadata, create_only: false };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(bucket.put(put)).unwrap();
}

/// Changes an object's bytes and leaves its metadata.
pub fn change(bucket: &MemoryBucket, key: &str, how: impl FnOnce(&mut Vec<u8>)) {
    let object = bucket.objects().remove(key).unwrap();
    let mut stored = object.body.to_vec();
    how(&mut stored);
    put(bucket, key, stored, &object.metadata);
}

pub fn reader(bucket: impl Bucket) -> Reader {
    let wait = Duration::from_micros(1);
    Reader::new(Arc::new(bucket), PREFIX).unwrap().with_retries(Retries {
        attempts: 5,
        first_wait: wait,
        longest_wait: wait,
    })
}

/// A journal's id as a selection.
pub fn of(id: &str) -> Selection {
    Selection::of(Id::new(id).unwrap())
}

pub fn verify(bucket: &MemoryBucket, depth: Depth) -> Report {
    reader(bucket.clone())
        .verify(&Selection::default(), depth, VerifyOptions::default(), &mut |_| {})
        .unwrap()
}

/// A verification of everything with these options.
pub fn narrowed(bucket: &MemoryBucket, depth: Depth, options: VerifyOptions) -> Report {
    reader(bucket.clone()).verify(&Selection::default(), depth, options, &mut |_| {}).unwrap()
}

/// Kinds and object numbers of what is found.
pub fn found(report: &Report) -> Vec<(FindingKind, u64)> {
    report.findings.iter().map(|finding| (finding.kind, finding.numbers.first)).collect()
}

pub fn cat(
    bucket: &MemoryBucket,
    selection: &Selection,
    options: CatOptions,
) -> (String, Result<CatSummary, ReadError>) {
    let mut out = Vec::new();
    let summary = reader(bucket.clone()).cat(selection, &mut out, options);
    (String::from_utf8_lossy(&out).into_owned(), summary)
}

/// What `cat` stopped at.
pub fn stop(result: Result<CatSummary, ReadError>) -> (Finding, CatSummary) {
    match result {
        Err(ReadError::NotWhole { finding, written }) => (*finding, *written),
        other => panic!("{other:?}"),
    }
}

/// A bucket whose answers fail now and then, come in small pieces, and are remembered.
#[derive(Debug)]
pub struct Shaky {
    pub inner: MemoryBucket,
    /// How often each question fails before it is answered.
    pub failures: u32,
    pub kind: BucketErrorKind,
    /// Most bytes of one answer.
    pub piece_bytes: u64,
    /// Listed, and gone when it is asked for.
    pub gone: Option<String>,
    /// Each page of a listing leads to itself.
    pub stuck: bool,
    pub calls: AtomicU64,
    /// How often each question was asked.
    pub asked: Mutex<BTreeMap<String, u32>>,
}

impl Shaky {
    pub fn new(inner: &MemoryBucket) -> Self {
        Self {
            inner: inner.clone(),
            failures: 0,
            kind: BucketErrorKind::Unavailable,
            piece_bytes: u64::MAX,
            gone: None,
            stuck: false,
            calls: AtomicU64::new(0),
            asked: Mutex::default(),
        }
    }

    /// A question that was answered before isn't to be asked again.
    fn check(&self, question: String) -> Result<(), BucketError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut asked = self.asked.lock().unwrap();
        let before = asked.entry(question).or_default();
        *before += 1;
        match (*before - 1).cmp(&self.failures) {
            Less => Err(BucketError::new(self.kind, "Shaky", "")),
            Equal => Ok(()),
            Greater => panic!("asked again after the answer: {asked:?}"),
        }
    }
}

fn never<T>() -> BucketFuture<'static, T> {
    Box::pin(async { panic!("a reader doesn't write") })
}

impl Bucket for Shaky {
    fn name(&self) -> String {
        "shaky".to_owned()
    }

    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    fn put<'a>(&'a self, _: Put<'a>) -> BucketFuture<'a, ()> {
        never()
    }

    fn create_upload<'a>(&'a self, _: &'a str, _: &'a Metadata) -> BucketFuture<'a, String> {
        never()
    }

    fn upload_part<'a>(&'a self, _: UploadPart<'a>) -> BucketFuture<'a, String> {
        never()
    }

    fn complete_upload<'a>(&'a self, _: Complete<'a>) -> BucketFuture<'a, ()> {
        never()
    }

    fn abort_upload<'a>(&'a self, _: &'a str, _: &'a str) -> BucketFuture<'a, ()> {
        never()
    }

    fn list_parts<'a>(&'a self, _: &'a str, _: &'a str) -> BucketFuture<'a, Vec<Part>> {
        never()
    }

    fn list_uploads<'a>(&'a self, _: &'a str, _: Option<&'a UploadMarker>) -> BucketFuture<'a, UploadPage> {
        never()
    }

    fn delete<'a>(&'a self, _: &'a str) -> BucketFuture<'a, ()> {
        never()
    }

    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
        Box::pin(async move {
            self.check(format!("{key} head"))?;
            if self.gone.as_deref() == Some(key) { Ok(None) } else { self.inner.head(key).await }
        })
    }

    fn get_range<'a>(&'a self, key: &'a str, offset_bytes: u64, len_bytes: u64) -> BucketFuture<'a, Bytes> {
        Box::pin(async move {
            self.check(format!("{key} {offset_bytes}+{len_bytes}"))?;
            if self.gone.as_deref() == Some(key) {
                return Err(BucketError::new(BucketErrorKind::NotFound, "NoSuchKey", ""));
            }
            self.inner.get_range(key, offset_bytes, len_bytes.min(self.piece_bytes)).await
        })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        Box::pin(async move {
            if self.stuck {
                let page = self.inner.list(prefix, None).await?;
                let next = page.objects.last().map(|object| object.key.clone());
                return Ok(ObjectPage { next, ..page });
            }
            self.check(format!("{prefix} after {after:?}"))?;
            self.inner.list(prefix, after).await
        })
    }
}
