//! Questions about a stream's objects asked ahead, so that the next answers are on their way while this one is used; the
//! answers come in order, and what is ahead is bounded. Knows listing and store.

use std::collections::VecDeque;

use bytes::Bytes;

use super::listing::{Entry, Stream};
use super::store::{Coming, Store};
use crate::bucket::{BucketError, BucketErrorKind, Head};

/// Bytes asked for at once.
pub const RANGE_BYTES: u64 = 8 << 20;

/// Bytes that may be on their way or waiting to be used, ranges of one object or of several.
pub const AHEAD_BYTES: u64 = 3 * RANGE_BYTES;

/// Requests that may be under way at once.
pub const REQUESTS_AHEAD: usize = 32;

/// One question about the stream's object at a place of its `entries()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    /// What it is.
    Head(usize),
    /// Some of its bytes.
    Range {
        /// Its place.
        at: usize,
        /// From here.
        offset: u64,
        /// This many.
        len: u64,
    },
}

/// The ranges that make up an object of that length.
pub(super) fn ranges(at: usize, len_bytes: u64) -> impl Iterator<Item = Job> {
    (0..len_bytes.div_ceil(RANGE_BYTES)).map(move |range| {
        let offset = range * RANGE_BYTES;
        Job::Range { at, offset, len: RANGE_BYTES.min(len_bytes - offset) }
    })
}

#[derive(Debug)]
enum Answer {
    Head(Coming<Option<Head>>),
    Bytes(Coming<Bytes>, u64),
}

/// Answers in the order of the questions.
pub(super) struct Pipeline<'l> {
    store: &'l Store,
    stream: &'l Stream,
    jobs: std::iter::Peekable<Box<dyn Iterator<Item = Job> + 'l>>,
    ahead: VecDeque<Answer>,
    ahead_bytes: u64,
}

impl std::fmt::Debug for Pipeline<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").field("ahead", &self.ahead).finish_non_exhaustive()
    }
}

impl<'l> Pipeline<'l> {
    pub(super) fn new(store: &'l Store, stream: &'l Stream, jobs: impl Iterator<Item = Job> + 'l) -> Self {
        let jobs: Box<dyn Iterator<Item = Job> + 'l> = Box::new(jobs);
        Self { store, stream, jobs: jobs.peekable(), ahead: VecDeque::new(), ahead_bytes: 0 }
    }

    /// The answer to the next question, which is a HEAD.
    pub(super) fn head(&mut self) -> Result<Option<Head>, BucketError> {
        match self.take() {
            Some(Answer::Head(answer)) => answer.wait(),
            _ => Err(out_of_step()),
        }
    }

    /// The answer to the next question, which is a range.
    pub(super) fn bytes(&mut self) -> Result<Bytes, BucketError> {
        match self.take() {
            Some(Answer::Bytes(answer, _)) => answer.wait(),
            _ => Err(out_of_step()),
        }
    }

    /// Gives up the answers to the next questions.
    pub(super) fn skip(&mut self, questions: u64) {
        for _ in 0..questions {
            match self.ahead.pop_front() {
                Some(Answer::Bytes(_, len)) => self.ahead_bytes -= len,
                Some(Answer::Head(_)) => {}
                None => drop(self.jobs.next()),
            }
        }
    }

    fn take(&mut self) -> Option<Answer> {
        self.fill();
        let answer = self.ahead.pop_front();
        if let Some(Answer::Bytes(_, len)) = &answer {
            self.ahead_bytes -= len;
        }
        answer
    }

    fn fill(&mut self) {
        while self.ahead.len() < REQUESTS_AHEAD
            && let Some(job) = self.jobs.peek().copied()
        {
            let bytes = match job {
                Job::Head(_) => 0,
                Job::Range { len, .. } => len,
            };
            if bytes > 0 && self.ahead_bytes > 0 && self.ahead_bytes + bytes > AHEAD_BYTES {
                return;
            }
            self.jobs.next();
            let (Job::Head(at) | Job::Range { at, .. }) = job;
            let Some(entry) = self.stream.entries().get(at) else { return };
            let answer = self.ask(job, entry);
            self.ahead_bytes += bytes;
            self.ahead.push_back(answer);
        }
    }

    fn ask(&self, job: Job, entry: &Entry) -> Answer {
        let key = self.stream.key(entry);
        match job {
            Job::Head(_) => Answer::Head(self.store.head(key)),
            Job::Range { offset, len, .. } => Answer::Bytes(self.store.range(key, offset, len), len),
        }
    }
}

/// The walk and its plan differ: a mistake of this module's.
fn out_of_step() -> BucketError {
    BucketError::new(BucketErrorKind::Other, "", "the reader lost its place; please report this")
}
