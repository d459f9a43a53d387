//! Work for the task queue. Knows durable-queue's face.

use durable_queue::{QueueOptions, Queues};
use tempfile::TempDir;

use crate::scratch;
use crate::text::Lines;

/// Queues in a scratch directory.
#[derive(Debug)]
pub struct ScratchQueues {
    queues: Queues,
    _directory: TempDir,
}

impl ScratchQueues {
    /// Opens new queues; with `fsync`, each put is durable before it returns.
    pub fn open(fsync: bool) -> Self {
        let directory = scratch::directory();
        let options = QueueOptions::new().fsync_put(fsync);
        let queues = Queues::open(directory.path(), options).expect("the queues open");
        Self { queues, _directory: directory }
    }

    /// Puts `tasks` tasks of `len_bytes` bytes from `threads` threads.
    pub fn put(&self, lines: &Lines, len_bytes: usize, tasks: u64, threads: u64) {
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let share = tasks / threads + u64::from(thread < tasks % threads);
                scope.spawn(move || {
                    for number in 0..share {
                        let piece = usize::try_from(number * threads + thread).expect("fits");
                        self.queues.put("work", lines.piece(piece, len_bytes)).expect("the queue takes it");
                    }
                });
            }
        });
    }

    /// Takes and completes `tasks` tasks that were put.
    pub fn take(&self, tasks: u64) {
        for _ in 0..tasks {
            let task = self.queues.take("work").expect("the queue gives it");
            std::hint::black_box(task.data());
            task.complete().expect("it counts as done");
        }
    }
}
