//! Every short life of the log and of the task queue, cut short at every point: what takes too long for the tests of
//! `durable-queue` itself. The worlds and the exploring are those of its tests (`crates/durable-queue/tests/support`); here they
//! go further, in a release build, on all processors.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls `work` with each item, on all processors.
///
/// # Panics
/// If `work` fails: with the first error.
pub fn side_by_side<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let worker = || {
            while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) = work(item) {
                    // Nobody begins anything more.
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            match worker.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => panic!("{error}"),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
}
