//! The questions about whole objects: put, looked at, read, listed, deleted. Knows the library's buckets.

use std::time::SystemTime;

use bytes::Bytes;
use s3_journal::bucket::{BucketError, BucketErrorKind, Head, Metadata, Put};
use s3_journal::durable_queue::checksum;

use super::answer::Answer;
use super::question::Question;
use super::skew;
use super::store::Asking;
use crate::clock;
use crate::commands::bench::sample;

const SMALL_BYTES: usize = 1 << 10;
/// So many small objects are measured.
const PUTS: usize = 5;
/// The range that is read: neither from the beginning nor to the end.
const RANGE: std::ops::Range<usize> = 100..200;
/// What is written beside an object as a journal does.
const METADATA: (&str, &str) = ("journal-doctor", "was-here");

fn small() -> Bytes {
    Bytes::from(sample::incompressible(SMALL_BYTES))
}

fn metadata() -> Metadata {
    Metadata::from([(METADATA.0.to_owned(), METADATA.1.to_owned())])
}

impl Asking<'_> {
    /// Writes our object, as a journal does.
    pub async fn put(&mut self) {
        let mut done = self.put_one(self.key, None).await;
        if let Err(error) = &done
            && error.kind() == BucketErrorKind::Unsupported
        {
            self.note(Question::CreateOnlyPut, error);
            self.create_only = false;
            done = self.put_one(self.key, None).await;
        }
        match done {
            Ok(()) => self.permitted(Question::Put),
            Err(error) => self.note(Question::Put, &error),
        }
    }

    /// One small object; with another sum than its own, where one is given.
    async fn put_one(&mut self, key: &str, sum: Option<u64>) -> Result<(), BucketError> {
        let (body, metadata) = (small(), metadata());
        let crc64nvme = sum.unwrap_or_else(|| checksum(&body));
        let put = Put { key, body, crc64nvme, metadata: &metadata, create_only: self.create_only };
        let done = self.bucket.put(put).await;
        self.traces.written(key, &done);
        done
    }

    /// The same again, where it is taken now.
    pub async fn put_again(&mut self) {
        if !self.is_done(Question::Put) || !self.create_only || self.is_over() {
            return;
        }
        match self.put_one(self.key, None).await {
            Ok(()) => self.note(Question::CreateOnlyPut, Answer::Done(String::new())),
            Err(error) => self.note(Question::CreateOnlyPut, &error),
        }
    }

    /// Bytes that don't fit their sum.
    pub async fn put_damaged(&mut self) {
        if !self.is_done(Question::Put) || self.is_over() {
            return;
        }
        let key = format!("{}-damaged", self.key);
        match self.put_one(&key, Some(!checksum(&small()))).await {
            Ok(()) => self.note(Question::WrongChecksum, Answer::Done(String::new())),
            Err(error) => self.note(Question::WrongChecksum, &error),
        }
    }

    /// Looks at our object, and where nothing is.
    pub async fn look(&mut self) {
        if self.is_done(Question::Put) {
            let head = self.bucket.head(self.key).await;
            match head {
                Ok(Some(head)) => self.judge_head(&head),
                Ok(None) => {
                    let words = "the object that was just written isn't there".to_owned();
                    self.note(Question::Head, Answer::Wrong(words));
                }
                Err(error) => self.note(Question::Head, &error),
            }
        }
        if self.is_over() {
            return;
        }
        let absent = format!("{}-absent", self.key);
        let answer = match self.bucket.head(&absent).await {
            Ok(None) => Answer::Done("nothing is told from forbidden".to_owned()),
            Ok(Some(_)) => Answer::Wrong("something is said to be where nothing was written".to_owned()),
            Err(error) => Answer::from(&error),
        };
        self.note(Question::HeadAbsent, answer);
    }

    fn judge_head(&mut self, head: &Head) {
        let words = |words: &str| Answer::Done(words.to_owned());
        let body = small();
        if head.len_bytes == body.len() as u64 {
            self.permitted(Question::Head);
        } else {
            let words = format!("{} bytes are told of {} that were written", head.len_bytes, body.len());
            self.note(Question::Head, Answer::Wrong(words));
        }
        let sum = match head.crc64nvme {
            Some(sum) if sum == checksum(&body) => words("told with the object"),
            Some(_) => Answer::Wrong("another sum is told than the object's".to_owned()),
            None => Answer::Wrong("the store doesn't tell the sum of an object".to_owned()),
        };
        self.note(Question::HeadChecksum, sum);
        let has_metadata = head.metadata.get(METADATA.0).is_some_and(|value| value == METADATA.1);
        let told = if has_metadata {
            words("told with the object")
        } else {
            Answer::Wrong("the store doesn't tell an object's user metadata".to_owned())
        };
        self.note(Question::HeadMetadata, told);
        if let Some(modified) = head.modified {
            self.judge_clock(modified);
        }
    }

    fn judge_clock(&mut self, told: SystemTime) {
        let answer = match skew::judge(self.begun, self.wall(), told) {
            Ok(words) => Answer::Done(words),
            Err(words) => Answer::Wrong(words),
        };
        self.note(Question::Clock, answer);
    }

    /// Reads from the middle of our object, and lists it.
    pub async fn read(&mut self) {
        if self.is_done(Question::Put) && !self.is_over() {
            let (from, len) = (RANGE.start as u64, RANGE.len() as u64);
            match self.bucket.get_range(self.key, from, len).await {
                Ok(bytes) if small().get(RANGE).is_some_and(|range| *range == *bytes) => {
                    self.permitted(Question::Get);
                }
                Ok(_) => {
                    let words = "a range was asked for, and other bytes came back".to_owned();
                    self.note(Question::Get, Answer::Wrong(words));
                }
                Err(error) => self.note(Question::Get, &error),
            }
        }
        if self.is_over() {
            return;
        }
        let is_there = self.is_done(Question::Put);
        match self.bucket.list(self.key, None).await {
            Ok(page) => {
                let found = page.objects.into_iter().find(|object| object.key == self.key);
                // Where looking isn't permitted, a listing tells the time, too.
                if let Some(told) = found.as_ref().and_then(|object| object.modified)
                    && !self.answers.contains_key(&Question::Clock)
                {
                    self.judge_clock(told);
                }
                if found.is_some() == is_there {
                    self.permitted(Question::List);
                } else {
                    let words = "what is listed isn't what was written".to_owned();
                    self.note(Question::List, Answer::Wrong(words));
                }
            }
            Err(error) => self.note(Question::List, &error),
        }
    }

    /// Deletes our object; where none is, S3 asks for the same permission, and a directory for none.
    pub async fn delete(&mut self) {
        if self.is_over() || !self.is_s3() && !self.is_done(Question::Put) {
            return;
        }
        match self.bucket.delete(self.key).await {
            Ok(()) => {
                self.traces.deleted(self.key);
                self.permitted(Question::Delete);
            }
            Err(error) => self.note(Question::Delete, &error),
        }
    }

    /// Small objects one after the other, each deleted before the next; who may not delete writes over the one that stays.
    pub async fn measure_puts(&mut self) {
        if !self.is_done(Question::Put) {
            return;
        }
        let deletes = self.is_done(Question::Delete);
        self.create_only &= deletes;
        while self.put_times.count() < PUTS && !self.is_over() {
            let begun = clock::now();
            if self.put_one(self.key, None).await.is_err() {
                return;
            }
            self.put_times.add(begun.elapsed().as_secs_f64());
            if deletes {
                if self.bucket.delete(self.key).await.is_err() {
                    return;
                }
                self.traces.deleted(self.key);
            }
        }
    }
}
