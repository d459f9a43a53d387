//! The store: every question in its turn, so that each finds what it needs, and everything that was made removed at the end.
//! Knows the library's buckets; what an answer means is [`super::answer`]'s.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use s3_journal::bucket::{Bucket, BucketErrorKind};
use s3_journal::durable_queue::clock::{Clock, SystemClock};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use super::answer::{self, Answer, Refusal};
use super::check::Check;
use super::question::Question;
use super::stop::Stop;
use super::traces::Traces;
use crate::commands::bench::Leftover;
use crate::commands::bench::report::{rate, short};
use crate::commands::bench::times::Times;
use crate::exit::{Exit, Failure};

/// A bucket, and the names in it that are written to: the key, and keys that begin with it.
#[derive(Debug)]
pub struct Store {
    bucket: Arc<dyn Bucket>,
    key: String,
    runtime: Runtime,
}

/// What was found.
#[derive(Debug)]
pub struct StoreFound {
    /// Every question's.
    pub checks: Vec<Check>,
    /// What it took.
    pub figures: StoreFigures,
}

/// How fast the store answers; null where it wasn't measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StoreFigures {
    /// So many objects of 1 KiB were written, one after the other.
    pub puts: usize,
    /// The middle one took so long.
    pub put_seconds: Option<f64>,
    /// The slowest.
    pub put_slowest_seconds: Option<f64>,
    /// Length of the part that was sent.
    pub part_bytes: Option<u64>,
    /// It took so long.
    pub part_seconds: Option<f64>,
    /// At this rate.
    pub part_bytes_per_second: Option<f64>,
}

impl StoreFigures {
    /// For people.
    pub fn lines(&self) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        if let (Some(middle), Some(slowest)) = (self.put_seconds, self.put_slowest_seconds) {
            lines.push((format!("an object of 1 KiB, the middle one of {}", self.puts), short(middle)));
            lines.push(("the slowest of them".to_owned(), short(slowest)));
        }
        if let Some(per_second) = self.part_bytes_per_second {
            lines.push(("one part of 5 MiB".to_owned(), rate(per_second)));
        }
        lines
    }
}

impl Store {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn new(bucket: Arc<dyn Bucket>, key: String) -> Result<Self, Failure> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| {
            Failure::caused(Exit::Unexpected, "the operating system refuses a thread", &error)
        })?;
        Ok(Self { bucket, key, runtime })
    }

    /// The key's whole address.
    pub fn place(&self) -> String {
        format!("{}/{}", self.bucket.name(), self.key)
    }

    /// Asks everything, until `stop`; what can't be removed again is added to `left`.
    pub fn examine(&self, stop: &Stop, left: &mut Vec<Leftover>) -> StoreFound {
        self.runtime.block_on(async {
            let mut asking = Asking::new(self.bucket.as_ref(), &self.key, stop);
            asking.everything().await;
            let found = asking.found();
            left.extend(asking.traces.remove(self.bucket.as_ref()).await);
            found
        })
    }
}

/// What is known so far.
pub struct Asking<'a> {
    /// Who is asked.
    pub bucket: &'a dyn Bucket,
    /// Our object's key.
    pub key: &'a str,
    stop: &'a Stop,
    clock: SystemClock,
    /// When the first request was made.
    pub begun: SystemTime,
    /// What must go again.
    pub traces: Traces,
    /// What was answered.
    pub answers: BTreeMap<Question, Answer>,
    /// Writes refuse taken keys; off where the store can't do that.
    pub create_only: bool,
    /// How long small objects took.
    pub put_times: Times,
    /// The part that was sent: bytes and seconds.
    pub part: Option<(usize, f64)>,
    why_not: &'static str,
}

impl<'a> Asking<'a> {
    fn new(bucket: &'a dyn Bucket, key: &'a str, stop: &'a Stop) -> Self {
        let clock = SystemClock::new();
        Self {
            bucket,
            key,
            stop,
            begun: clock.wall(),
            clock,
            traces: Traces::default(),
            answers: BTreeMap::new(),
            create_only: true,
            put_times: Times::default(),
            part: None,
            why_not: "not tried: it takes what was refused before",
        }
    }

    /// Notes an answer.
    pub fn note(&mut self, question: Question, answer: impl Into<Answer>) {
        self.answers.insert(question, answer.into());
    }

    /// Notes that it was done, and so is permitted.
    pub fn permitted(&mut self, question: Question) {
        let words = match question.permission() {
            Some(permission) if self.is_s3() => format!("permitted ({permission})"),
            _ => "works".to_owned(),
        };
        self.note(question, Answer::Done(words));
    }

    /// Whether there are permissions to speak of.
    pub fn is_s3(&self) -> bool {
        self.bucket.name().starts_with("s3://")
    }

    /// Whether it asks who comes.
    fn has_credentials(&self) -> bool {
        ["s3://", "gs://", "az://"].iter().any(|scheme| self.bucket.name().starts_with(scheme))
    }

    /// Now, by the wall.
    pub fn wall(&self) -> SystemTime {
        self.clock.wall()
    }

    /// Whether this was done.
    pub fn is_done(&self, question: Question) -> bool {
        matches!(self.answers.get(&question), Some(Answer::Done(_)))
    }

    /// Whether nothing more is to be asked.
    pub fn is_over(&self) -> bool {
        self.stop.is_stopped()
    }

    async fn everything(&mut self) {
        self.put().await;
        self.judge_first();
        if !self.is_done(Question::Reach) || !self.is_done(Question::Credentials) || self.is_over() {
            return;
        }
        self.look().await;
        self.put_again().await;
        self.read().await;
        self.put_damaged().await;
        self.upload().await;
        self.list_uploads().await;
        self.delete().await;
        self.measure_puts().await;
    }

    /// The first answer tells of three things more than it was asked for.
    fn judge_first(&mut self) {
        let refusal = match self.answers.get(&Question::Put) {
            Some(Answer::Refused(refusal)) => Some(refusal.clone()),
            _ => None,
        };
        match refusal {
            Some(refusal) if refusal.is_of_reach() => {
                self.why_not = "not tried: the store can't be reached";
                self.note(Question::Put, Answer::NotAsked(self.why_not));
                self.note(Question::Reach, Answer::Refused(refusal));
            }
            Some(refusal) if refusal.is_of_credentials() => {
                self.why_not = "not tried: the store doesn't take these credentials";
                self.note(Question::Put, Answer::NotAsked(self.why_not));
                self.note(Question::Reach, Answer::Done("it answers".to_owned()));
                self.judge_credentials(refusal);
            }
            refusal => {
                self.note(Question::Reach, Answer::Done("it answers".to_owned()));
                let words = match refusal {
                    _ if !self.has_credentials() => "none are needed",
                    Some(refusal) if refusal.kind == BucketErrorKind::Forbidden => {
                        "the store says no more of them than that something isn't permitted"
                    }
                    _ => "the store takes them",
                };
                self.note(Question::Credentials, Answer::Done(words.to_owned()));
            }
        }
    }

    fn judge_credentials(&mut self, refusal: Refusal) {
        if refusal.is_of_clock() {
            let words = "the store refuses this machine's time".to_owned();
            self.note(Question::Clock, Answer::Wrong(words));
        }
        self.note(Question::Credentials, Answer::Refused(refusal));
    }

    fn found(&self) -> StoreFound {
        let not_asked = Answer::NotAsked(self.why_not);
        let judge =
            |question: Question| answer::judge(question, self.answers.get(&question).unwrap_or(&not_asked));
        let mut figures = StoreFigures::default();
        if self.put_times.count() > 0 {
            figures.puts = self.put_times.count();
            figures.put_seconds = Some(self.put_times.within(50));
            figures.put_slowest_seconds = Some(self.put_times.within(100));
        }
        if let Some((bytes, seconds)) = self.part {
            figures.part_bytes = Some(bytes as u64);
            figures.part_seconds = Some(seconds);
            figures.part_bytes_per_second = Some(bytes as f64 / seconds);
        }
        StoreFound { checks: Question::ALL.into_iter().map(judge).collect(), figures }
    }
}
