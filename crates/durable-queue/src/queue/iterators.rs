//! Tasks one after the other, as iterators. Knows what is shared.

use std::time::Duration;

use super::error::TakeError;
use super::queues::Queues;
use super::state::Deadline;
use super::task::Task;

/// When a sequence has no more tasks.
#[derive(Debug, Clone, Copy)]
enum Until {
    Closed,
    Empty,
    At(Duration),
}

/// The tasks of one queue, one after the other: made by [`Queues::task_seq`], [`Queues::immediate_task_seq`] and
/// [`Queues::interval_task_seq`].
///
/// Each task is its taker's to complete or retry; one that is dropped goes back to its place, and so comes next again.
///
/// A damaged task is an `Err` in its place, after which the sequence goes on. It ends when the queues are closed, and after
/// an `Err` that would only come again (a wrong name, a failed disk).
#[derive(Debug)]
pub struct Tasks<'a> {
    queues: &'a Queues,
    name: String,
    until: Until,
    is_over: bool,
}

impl<'a> Tasks<'a> {
    fn new(queues: &'a Queues, name: &str, until: Until) -> Self {
        Self { queues, name: name.to_owned(), until, is_over: false }
    }

    pub(super) fn endless(queues: &'a Queues, name: &str) -> Self {
        Self::new(queues, name, Until::Closed)
    }

    pub(super) fn immediate(queues: &'a Queues, name: &str) -> Self {
        Self::new(queues, name, Until::Empty)
    }

    pub(super) fn interval(queues: &'a Queues, name: &str, interval: Duration) -> Self {
        let until = Until::At(queues.shared().environment.clock.monotonic().saturating_add(interval));
        Self::new(queues, name, until)
    }
}

impl Iterator for Tasks<'_> {
    type Item = Result<Task, TakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let shared = self.queues.shared();
        let deadline = match self.until {
            Until::Closed => Deadline::Never,
            Until::Empty => shared.deadline_after(Duration::ZERO),
            // Also while tasks are there: the interval is the whole time that the sequence lasts.
            Until::At(at) if shared.environment.clock.monotonic() >= at => {
                self.is_over = true;
                return None;
            }
            Until::At(at) => Deadline::At(at),
        };
        let taken = shared.take(&self.name, deadline);
        self.is_over = match &taken {
            Ok(task) => task.is_none(),
            Err(TakeError::Corrupt { .. } | TakeError::Io { .. }) => false,
            Err(TakeError::Name(_) | TakeError::Failed(_) | TakeError::Closed) => true,
        };
        match taken {
            Err(TakeError::Closed) => None,
            other => other.transpose(),
        }
    }
}
