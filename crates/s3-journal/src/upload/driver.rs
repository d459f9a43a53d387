//! The loop around the uploader's step: makes its calls on a runtime of its own, waits, and ends when it is told to.
//! Knows the uploader, the bucket and threads; decides nothing.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durable_queue::clock::Clock;
use tokio::runtime::Runtime;

use super::call::{Answer, Call, CallId};
use super::uploader::Uploader;
use crate::bucket::Bucket;
use crate::error::JournalFailure;
use crate::sync::{Doorbell, lock};

/// How long a closing journal waits, at most, for open uploads to be swept: everything is in the bucket by then.
const SWEEP_TIME_MAX: Duration = Duration::from_secs(10);

/// When the loop ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Not.
    Never,
    /// Once everything is uploaded and swept, or it is this time.
    Drained { until: Option<Duration> },
    /// Now.
    Now,
}

/// What is shared with the loop from outside.
#[derive(Debug)]
pub struct UploadDriver {
    bell: Arc<Doorbell>,
    end: Mutex<End>,
    clock: Arc<dyn Clock>,
}

impl UploadDriver {
    /// For a loop that `bell` wakes.
    pub fn new(bell: Arc<Doorbell>, clock: Arc<dyn Clock>) -> Self {
        Self { bell, end: Mutex::new(End::Never), clock }
    }

    /// Something may have changed in the log.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Lets the loop end once everything is uploaded, and what was left open is swept: until this time at most.
    pub fn end_when_drained(&self, until: Option<Duration>) {
        let mut end = lock(&self.end);
        if *end == End::Never {
            *end = End::Drained { until };
        }
        drop(end);
        self.bell.ring();
    }

    /// Lets the loop end now; what is under way is abandoned, and settled when the journal is opened again.
    pub fn end_now(&self) {
        *lock(&self.end) = End::Now;
        self.bell.ring();
    }
}

/// Runs the uploader until it is told to end. `failed` is told what stops the journal.
pub fn run(
    mut uploader: Uploader,
    bucket: &Arc<dyn Bucket>,
    runtime: Runtime,
    driver: &UploadDriver,
    failed: &dyn Fn(&Arc<JournalFailure>),
) {
    let (sender, answers) = channel();
    let mut sweep_until = None;
    loop {
        let mut calls = take_answers(&mut uploader, &answers);
        let step = uploader.step();
        calls.extend(step.calls);
        for (id, call) in calls {
            make(&runtime, Arc::clone(bucket), id, call, sender.clone(), Arc::clone(&driver.bell));
        }
        if let Some(failure) = uploader.failure() {
            failed(failure);
        }
        let now = driver.clock.monotonic();
        let mut wake_at = step.wake_at;
        let end = *lock(&driver.end);
        match end {
            End::Now => break,
            End::Drained { until } => {
                let swept_by = step.drained.then(|| *sweep_until.get_or_insert(now + SWEEP_TIME_MAX));
                let until = [until, swept_by].into_iter().flatten().min();
                let is_over = until.is_some_and(|until| now >= until);
                if is_over || (step.drained && !uploader.is_sweeping()) {
                    break;
                }
                wake_at = [wake_at, until].into_iter().flatten().min();
            }
            End::Never => {}
        }
        if step.worked {
            continue;
        }
        let timeout = wake_at.map(|at| at.saturating_sub(now));
        // A clock that isn't real may let the time pass by itself, once nothing else is to be waited for.
        let passed = step.only_backs_off && timeout.is_some_and(|timeout| driver.clock.skip(timeout));
        if !passed {
            driver.bell.wait(timeout);
        }
    }
    // What is under way isn't waited for: a request without an answer is settled by identity later.
    runtime.shutdown_background();
}

fn take_answers(uploader: &mut Uploader, answers: &Receiver<(CallId, Answer)>) -> Vec<(CallId, Call)> {
    let mut calls = Vec::new();
    while let Ok((id, answer)) = answers.try_recv() {
        calls.extend(uploader.answered(id, answer));
    }
    calls
}

fn make(
    runtime: &Runtime,
    bucket: Arc<dyn Bucket>,
    id: CallId,
    call: Call,
    answers: Sender<(CallId, Answer)>,
    bell: Arc<Doorbell>,
) {
    let without_answer = call.without_answer();
    let task = runtime.spawn(async move { call.perform(&*bucket).await });
    runtime.spawn(async move {
        // A back-end that panics gave no answer.
        let answer = task.await.unwrap_or(without_answer);
        // The loop may have ended meanwhile.
        let _ = answers.send((id, answer));
        bell.ring();
    });
}
