//! What the Clojure library gets wrong (`durable_queue.clj`), each by the name of what happens there.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "these are tests: what is wrong here must stop them"
)]

mod queue_support;
mod support;

use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use durable_queue::fake::{FakeDisk, Loss};
use durable_queue::queue::{CloseError, PutError, QueuesOpenError, SettleError, TakeError};
use durable_queue::{OpenError, Queues, ReadError};
use queue_support::{directory, drain, eventually, open, slab, slabs, small, stats, try_open, waiting};
use support::Texts;

/// Where `needle` is in a slab.
fn find(disk: &FakeDisk, number: u64, needle: &[u8]) -> usize {
    let content = disk.content(&slab(number)).unwrap();
    content.windows(needle.len()).position(|window| window == needle).unwrap()
}

fn flip(disk: &FakeDisk, number: u64, at: usize) {
    disk.tamper(&slab(number), |content| content[at] ^= 0x20);
}

/// Three tasks, in slab 1, closed. Slab 2 is the newest, which alone is checked whole at open.
fn three() -> FakeDisk {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for text in ["first task", "second task", "third task"] {
        queues.put("a", text).unwrap();
    }
    queues.close().unwrap();
    open(&disk, small()).close().unwrap();
    disk
}

/// Its checksum takes in only the low bytes of shifted lengths, and the length is believed before any check: a damaged one
/// makes it read past the task, or take the rest of the slab for none.
#[test]
fn a_damaged_length_is_seen_before_it_is_believed() {
    let disk = three();
    let at = find(&disk, 1, b"second task");
    // The header is 64 bytes and the meta, CBOR of number and name, 4; the payload's length is at offset 16 of the header.
    for byte in 0..4 {
        let disk = disk.fork();
        flip(&disk, 1, at - 4 - 64 + 16 + byte);
        let outcome = try_open(&disk, small());
        match outcome {
            Err(QueuesOpenError::Read(ReadError::Corrupt { file, offset_bytes, .. })) => {
                assert_eq!((file, offset_bytes), (slab(1), at as u64 - 4 - 64));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// It stops reading a slab at the first thing that looks wrong, without a word: all tasks behind are lost.
#[test]
fn corruption_is_reported_with_its_place_and_the_queue_goes_on_behind_it() {
    let disk = three();
    flip(&disk, 1, find(&disk, 1, b"second task") + 3);
    let queues = open(&disk, small());
    assert_eq!(queues.take("a").unwrap().data(), b"first task");
    let first = queues.take("a").unwrap();
    let Err(TakeError::Corrupt { queue, file, offset_bytes, kept_as, task, .. }) = queues.take("a") else {
        panic!("it was taken for good");
    };
    assert_eq!((queue.as_str(), &file, task), ("a", &slab(1), first.id() + 1));
    let frame = usize::try_from(offset_bytes).unwrap();
    let kept = disk.content(&kept_as.clone().unwrap()).unwrap();
    assert_eq!(kept, disk.content(&slab(1)).unwrap()[frame..frame + kept.len()]);
    assert!(kept.windows(11).any(|window| window == b"secOnd task"), "the bytes as they are");
    queues.fsync().unwrap();
    let after = disk.fork();
    after.lose_power(Loss::Lost);
    assert_eq!(
        after.content(kept_as.as_ref().unwrap()).unwrap(),
        kept,
        "kept for good before it is given up here"
    );
    assert_eq!(queues.take("a").unwrap().data(), b"third task");
    let aside = queues.set_aside();
    assert_eq!((aside.len(), aside[0].task, &aside[0].kept_as), (1, task, &kept_as));
    let counts = stats(&queues, "a");
    assert_eq!((counts.enqueued, counts.completed, counts.in_progress), (3, 0, 1));
    first.complete().unwrap();
    assert_eq!(drain(&queues, "a"), ["third task"]);
    eventually("a damaged task that is kept elsewhere keeps no slab", || {
        !disk.names().contains(&"0000000000000001.slab".to_owned())
    });
    queues.close().unwrap();
    let queues = open(&disk, small());
    assert!(waiting(&queues, "a").is_empty(), "it isn't met again");
    assert_eq!(disk.content(&kept_as.unwrap()).unwrap(), kept, "nor are its bytes touched");
}

/// As above, where there is no room to keep the bytes.
#[test]
fn a_damaged_task_whose_bytes_cannot_be_copied_stays_on_disk_and_is_met_again() {
    let disk = three();
    flip(&disk, 1, find(&disk, 1, b"first task"));
    let queues = open(&disk, small());
    disk.fail_when(ErrorKind::StorageFull, |operation| operation.contains(".damaged"));
    assert!(matches!(queues.take("a"), Err(TakeError::Corrupt { kept_as: None, .. })));
    assert_eq!(drain(&queues, "a"), ["second task", "third task"]);
    disk.mend();
    queues.close().unwrap();
    assert!(disk.names().contains(&"0000000000000001.slab".to_owned()));
    let queues = open(&disk, small());
    assert!(matches!(queues.take("a"), Err(TakeError::Corrupt { kept_as: Some(_), .. })));
    assert!(queues.try_take("a").unwrap().is_none());
}

/// As above, in the slab that was written last: it is checked whole at open, where a torn end is told from damage.
#[test]
fn corruption_in_the_newest_slab_is_reported_at_open_and_changes_nothing() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    queues.put("a", "first task").unwrap();
    queues.put("a", "second task").unwrap();
    let at = find(&disk, 1, b"first task");
    queues.close().unwrap();
    flip(&disk, 1, at);
    let before = disk.content(&slab(1)).unwrap();
    assert!(matches!(
        try_open(&disk, small()),
        Err(QueuesOpenError::Log(OpenError::Corrupt { file, offset_bytes, .. }))
            if file == slab(1) && usize::try_from(offset_bytes).unwrap() < at
    ));
    assert_eq!(disk.content(&slab(1)).unwrap(), before);
}

/// As above, met in the slab that is being written.
#[test]
fn corruption_under_an_open_queue_is_met_when_the_task_is_taken() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    queues.put("a", "first task").unwrap();
    queues.put("a", "second task").unwrap();
    flip(&disk, 1, find(&disk, 1, b"first task"));
    assert!(matches!(queues.take("a"), Err(TakeError::Corrupt { kept_as: Some(_), .. })));
    assert_eq!(drain(&queues, "a"), ["second task"]);
}

#[test]
fn sequences_go_on_behind_a_damaged_task() {
    let disk = three();
    flip(&disk, 1, find(&disk, 1, b"second task"));
    let queues = open(&disk, small());
    let outcomes: Vec<_> = queues.immediate_task_seq("a").collect();
    assert!(matches!(&outcomes[..], [Ok(_), Err(TakeError::Corrupt { .. }), Ok(_)]), "{outcomes:?}");
}

#[test]
fn a_damaged_old_task_does_not_keep_others_from_being_moved_away_from_it_for_ever() {
    let disk = three();
    flip(&disk, 1, find(&disk, 1, b"second task"));
    let queues = open(&disk, small());
    let fill = |queues: &Queues| {
        for _ in 0..100 {
            queues.put("churn", [b'x'; 1000]).unwrap();
            queues.take("churn").unwrap().complete().unwrap();
        }
    };
    fill(&queues);
    assert!(disk.names().contains(&"0000000000000001.slab".to_owned()), "it can't be moved");
    let held = queues.take("a").unwrap();
    assert!(matches!(queues.take("a"), Err(TakeError::Corrupt { kept_as: Some(_), .. })));
    fill(&queues);
    eventually("its slab goes once it is set aside", || slabs(&disk) <= 5);
    held.complete().unwrap();
    assert_eq!(drain(&queues, "a"), ["third task"]);
}

#[test]
fn complete_if_leaves_damaged_tasks_to_whoever_takes_them() {
    let disk = three();
    flip(&disk, 1, find(&disk, 1, b"second task"));
    let queues = open(&disk, small().complete_if(|bytes| bytes.starts_with(b"third")));
    assert_eq!(drain_but_errors(&queues), (vec!["first task".to_owned()], 1));
}

fn drain_but_errors(queues: &Queues) -> (Vec<String>, usize) {
    let (mut texts, mut errors) = (Vec::new(), 0);
    for task in queues.immediate_task_seq("a") {
        match task {
            Ok(task) => {
                texts.push(String::from_utf8(task.to_vec()).unwrap());
                task.complete().unwrap();
            }
            Err(_) => errors += 1,
        }
    }
    (texts, errors)
}

/// It never syncs a directory: a power loss can take a whole slab's name with all its synced tasks.
#[test]
fn new_slabs_are_durable_by_name() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for n in 0..60 {
        queues.put("a", format!("{n:01000}")).unwrap();
        let after = disk.fork();
        after.lose_power(Loss::Lost);
        assert_eq!(waiting(&open(&after, small()), "a").len(), n + 1);
    }
    assert!(slabs(&disk) > 3);
}

/// It takes no lock: two processes write into each other's slabs.
#[test]
fn a_directory_is_opened_once_and_the_second_is_told_by_whom() {
    let directory = tempfile::tempdir().unwrap();
    let queues = Queues::open(directory.path(), small()).unwrap();
    match Queues::open(directory.path(), small()) {
        Err(QueuesOpenError::Log(OpenError::Locked { holder, .. })) => {
            assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        }
        other => panic!("{other:?}"),
    }
    queues.close().unwrap();
    Queues::open(directory.path(), small()).unwrap();
}

/// Each sync forces the whole mapped slab, for each task.
#[test]
fn puts_that_come_during_a_sync_share_the_next() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().slab_size(1 << 20));
    let (tell, first_sync) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&syncs);
    disk.watch_texts(move |operation| {
        if operation == "sync 0000000000000001.slab" && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            tell.send(()).unwrap();
            let _ = may_go_on.recv();
        }
    });
    std::thread::scope(|scope| {
        let queues = &queues;
        scope.spawn(|| queues.put("a", "first").unwrap());
        first_sync.recv().unwrap();
        for n in 0..31 {
            scope.spawn(move || queues.put("a", format!("{n}")).unwrap());
        }
        eventually("all are appended", || stats(queues, "a").enqueued == 32);
        drop(go_on);
    });
    // What the writer had in hand already, and the rest; and one for luck.
    let syncs = syncs.load(Ordering::SeqCst);
    assert!(syncs <= 4, "{syncs} syncs for 32 puts");
}

/// It deletes slabs whose tasks are done only when it is opened or needs a new one.
#[test]
fn done_slabs_are_deleted_while_the_queues_are_open() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for n in 0..60 {
        queues.put("a", format!("{n:01000}")).unwrap();
    }
    assert!(slabs(&disk) > 3);
    drain(&queues, "a");
    eventually("they go", || slabs(&disk) == 1);
}

/// `put!` stores the task and then waits for room in the queue: one that "wasn't put" is there after a restart.
#[test]
fn a_put_that_found_no_room_stores_nothing() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().max_queue_size(1));
    assert!(queues.try_put("a", "one").unwrap());
    assert!(!queues.try_put("a", "two").unwrap());
    queues.close().unwrap();
    assert_eq!(waiting(&open(&disk, small()), "a"), ["one"]);
}

/// A failed sync throws at whoever calls, and the next call goes on as if nothing had happened.
#[test]
fn after_a_failed_sync_nothing_pretends_to_be_durable() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    queues.put("a", "one").unwrap();
    queues.put("a", "two").unwrap();
    let held = queues.take("a").unwrap();
    disk.fail_when(ErrorKind::Other, |operation| operation == "sync 0000000000000001.slab");
    assert!(matches!(queues.put("a", "three"), Err(PutError::Failed(_))));
    disk.mend();
    assert!(matches!(queues.put("a", "four"), Err(PutError::Failed(_))));
    assert!(matches!(held.complete(), Err(SettleError::Failed(_))));
    assert_eq!(queues.take("a").unwrap().data(), b"two", "what is durable can be taken");
    let _two = queues.take("a").unwrap();
    assert!(matches!(queues.take("a"), Err(TakeError::Failed(_))), "and nothing else is waited for");
    assert!(matches!(queues.task_seq("a").collect::<Vec<_>>()[..], [Err(TakeError::Failed(_))]));
    assert!(matches!(queues.close(), Err(CloseError::Failed(_))));
    disk.lose_power(Loss::Lost);
    let after = waiting(&open(&disk, small()), "a");
    assert_eq!(after, ["one", "two"], "the completion wasn't told either");
}

/// Its names become names of files, munged.
#[test]
fn names_of_queues_are_no_names_of_files() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    queues.put("../x", "one").unwrap();
    queues.close().unwrap();
    assert_eq!(disk.names(), ["0000000000000001.slab"]);
    assert!(disk.names().iter().all(|name| directory().join(name).parent() == Some(&directory())));
}
