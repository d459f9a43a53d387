//! The three threads: a loop around each step. Only here does anything wait for work. Knows the steps.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::prepare::TRY_EVERY;
use super::state::{Bell, State};
use super::waiting::wait;
use super::write::WATERMARK_AFTER;
use super::{Commit, Step, lock};
use crate::sabotage;
use crate::sync::{Condvar, thread};

/// The threads that write, sync and prepare. Dropping this (or closing the log) ends them, after what was appended has been
/// written and, with [`LogOptions::fsync`](crate::LogOptions::fsync), synced.
#[derive(Debug)]
#[must_use = "the threads end when this is dropped"]
pub struct Threads {
    commit: Arc<Commit>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.commit.stop(&mut lock(&self.commit.threads));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Write,
    Sync,
    Prepare,
}

impl Job {
    /// Linux shows the first 15 characters of a thread's name.
    fn name(self) -> &'static str {
        match self {
            Self::Write => "log-write",
            Self::Sync => "log-sync",
            Self::Prepare => "log-prepare",
        }
    }

    fn bell(self, state: &mut State) -> &mut Bell {
        match self {
            Self::Write => &mut state.write_bell,
            Self::Sync => &mut state.sync_bell,
            Self::Prepare => &mut state.prepare_bell,
        }
    }
}

/// Lets the latch fall when a thread panics: nobody may wait for one that is gone.
pub(super) struct Dart<'a>(pub(super) &'a Commit);

impl Drop for Dart<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let error = io::Error::other("a thread of the log panicked");
            self.0.fail("work", &self.0.options.directory, error);
        }
    }
}

impl Commit {
    /// Starts the threads.
    pub(crate) fn start(self: &Arc<Self>) -> io::Result<Threads> {
        let mut threads = lock(&self.threads);
        if !threads.is_empty() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the log's threads run already"));
        }
        self.state().is_stopping = false;
        // Made first: should one not start, dropping it ends the others.
        let handle = Threads { commit: Arc::clone(self) };
        for job in [Job::Write, Job::Sync, Job::Prepare] {
            let commit = Arc::clone(self);
            let spawned = thread::Builder::new().name(job.name().to_owned()).spawn(move || commit.run(job));
            match spawned {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    drop(threads);
                    drop(handle);
                    return Err(error);
                }
            }
        }
        Ok(handle)
    }

    fn run(&self, job: Job) {
        let _dart = Dart(self);
        loop {
            let seen = {
                let mut state = self.state();
                if state.is_stopping {
                    return;
                }
                job.bell(&mut state).rung
            };
            let step = match job {
                Job::Write => self.write_step(),
                Job::Sync => self.sync_step(),
                Job::Prepare => self.prepare_step(),
            };
            match step {
                Step::Worked => {}
                Step::Finished => {
                    // Who let the latch fall has told nobody if it panicked.
                    self.tell();
                    return;
                }
                Step::Idle => self.sleep(job, seen),
            }
        }
    }

    /// Sleeps until the bell was rung since it was `seen`, or it is time to look again.
    fn sleep(&self, job: Job, seen: u64) {
        let mut state = self.state();
        let timeout = self.timeout(job, &state);
        let seen = if sabotage::BELL_COUNTED.is_off() { job.bell(&mut state).rung } else { seen };
        while job.bell(&mut state).rung == seen && !state.is_stopping {
            let bell = job.bell(&mut state);
            bell.is_asleep = true;
            bell.is_fast_asleep = timeout.is_none();
            let is_over;
            (state, is_over) = wait(self.wakes(job), state, timeout);
            if is_over {
                break;
            }
        }
        let bell = job.bell(&mut state);
        bell.is_asleep = false;
        bell.is_fast_asleep = false;
    }

    fn wakes(&self, job: Job) -> &Condvar {
        match job {
            Job::Write => &self.write_wakes,
            Job::Sync => &self.sync_wakes,
            Job::Prepare => &self.prepare_wakes,
        }
    }

    /// When to look again although nobody rang.
    fn timeout(&self, job: Job, state: &State) -> Option<Duration> {
        match job {
            Job::Write if state.is_stalled => Some(TRY_EVERY),
            Job::Write => state.may_lack_watermark(self.options.fsync).then_some(WATERMARK_AFTER),
            Job::Sync => None,
            Job::Prepare => {
                let is_waiting =
                    (state.prepared.is_none() && !state.is_rotating) || state.removable().is_some();
                is_waiting.then_some(TRY_EVERY)
            }
        }
    }

    /// Ends the threads, and does what they would still have done.
    pub(super) fn stop(&self, threads: &mut Vec<thread::JoinHandle<()>>) {
        {
            let mut state = self.state();
            state.is_stopping = true;
            self.ring_all(&mut state);
        }
        let me = thread::current().id();
        for thread in threads.drain(..).filter(|thread| thread.thread().id() != me) {
            // A panic has let the latch fall already.
            let _ = thread.join();
        }
        while self.write_step() == Step::Worked && !self.is_drained() {}
        while self.sync_step() == Step::Worked {}
    }
}
