use std::time::Duration;

use super::*;
use crate::disk::{Disk, RealDisk};
use crate::queue::{QueueOptions, Queues};

fn options() -> QueueOptions {
    QueueOptions::new().slab_size(16 << 10).fsync_put(false)
}

/// Fills slabs until the first one is gone, all its tasks having been completed or moved.
fn fill_until_first_slab_goes(queues: &Queues, directory: &Path) {
    let first = crate::slab::slab_name(1);
    for _ in 0..10_000 {
        if !RealDisk.entries(directory).unwrap().iter().any(|entry| entry.name == first) {
            return;
        }
        queues.put("churn", [b'x'; 1000]).unwrap();
        queues.take_timeout("churn", Duration::from_mins(1)).unwrap().unwrap().complete().unwrap();
    }
    panic!("the first slab stays");
}

#[test]
fn a_task_that_is_moved_between_taking_and_reading_is_read_where_it_is_now() {
    let directory = tempfile::tempdir().unwrap();
    let queues = Queues::open(directory.path(), options()).unwrap();
    queues.put("a", "moved").unwrap();
    let shared = queues.shared();
    let (queue, entry) = shared.claim("a", shared.deadline_after(Duration::from_mins(1))).unwrap().unwrap();
    fill_until_first_slab_goes(&queues, directory.path());
    let task = shared.deliver(queue, entry).unwrap().unwrap();
    assert_eq!(task.data(), b"moved");
    task.complete().unwrap();
}

#[test]
fn a_task_whose_queue_is_deleted_between_taking_and_reading_is_nobodys() {
    let directory = tempfile::tempdir().unwrap();
    let queues = Queues::open(directory.path(), options()).unwrap();
    queues.put("a", "deleted").unwrap();
    let shared = queues.shared();
    let (queue, entry) = shared.claim("a", shared.deadline_after(Duration::from_mins(1))).unwrap().unwrap();
    queues.delete_queue("a").unwrap();
    fill_until_first_slab_goes(&queues, directory.path());
    assert!(shared.deliver(queue, entry).unwrap().is_none());
    assert!(queues.set_aside().is_empty());
}
