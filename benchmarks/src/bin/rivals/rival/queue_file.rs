//! queue-file: a ring in one file. It may be used by one thread only, so that thread is a thread of its own, asked over a channel.
//! It adds in one go what waits for it, which is group commit by hand.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use queue_file::QueueFile;

use super::{About, Opening, Rival, Sync};

pub const ABOUT: About = About {
    name: "queue-file",
    version: "2.0.0",
    has_fsync: true,
    has_no_fsync: true,
    has_sync: true,
    has_take: true,
    has_recovery: true,
    durable: "fdatasync of the element, then of the header; checksums",
    lost_by_kill: "all since the last sync: the header that counts tasks isn't written before",
    setup: "defaults; it isn't `Send`, so one thread owns it; with fsync that thread adds what waits with `add_n` (a group commit of ours); without fsync `set_sync_writes(false)` and `set_skip_write_header_on_add(true)`, and it is used by one thread directly",
    open,
};

enum Request {
    Put(Vec<u8>, SyncSender<()>),
    Flush(SyncSender<()>),
    Take(usize, SyncSender<u64>),
    /// Many tasks of one thread: what a program does that uses it in one thread only.
    PutMany(Vec<Vec<u8>>, SyncSender<()>),
}

struct Owned {
    owner: Sender<Request>,
    /// Tasks on their way, so that one thread doesn't pay for a channel it doesn't need.
    is_direct: bool,
    waiting: std::sync::Mutex<Vec<Vec<u8>>>,
}

/// Handed over at once where the channel's cost is not to be measured.
const DIRECT: usize = 256;

fn open(directory: &Path, opening: Opening) -> Box<dyn Rival> {
    let path = directory.join("queue");
    let (owner, requests) = channel();
    let (opened, when_open) = sync_channel(1);
    std::thread::spawn(move || {
        let mut queue = QueueFile::open(path).expect("queue-file opens");
        if opening.sync != Sync::Each {
            queue.set_sync_writes(false);
            queue.set_skip_write_header_on_add(true);
        }
        opened.send(()).expect("somebody waits");
        own(&mut queue, &requests);
    });
    when_open.recv().expect("queue-file opens");
    Box::new(Owned { owner, is_direct: opening.sync != Sync::Each, waiting: std::sync::Mutex::default() })
}

fn own(queue: &mut QueueFile, requests: &Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        let (mut tasks, mut told) = (Vec::new(), Vec::new());
        for request in std::iter::once(first).chain(requests.try_iter()) {
            match request {
                Request::Put(task, done) => {
                    tasks.push(task);
                    told.push(done);
                }
                Request::PutMany(tasks, done) => {
                    for task in tasks {
                        queue.add(&task).expect("queue-file takes it");
                    }
                    told.push(done);
                }
                Request::Flush(done) => {
                    queue.sync_all().expect("queue-file syncs");
                    told.push(done);
                }
                Request::Take(count, done) => done.send(take(queue, count)).expect("somebody waits"),
            }
        }
        if !tasks.is_empty() {
            queue.add_n(&tasks).expect("queue-file takes them");
        }
        for done in told {
            done.send(()).expect("somebody waits");
        }
    }
}

fn take(queue: &mut QueueFile, count: usize) -> u64 {
    let (mut bytes, mut task) = (0, Vec::new());
    for _ in 0..count {
        assert!(queue.peek_into(&mut task).expect("queue-file reads"), "queue-file gives less than was put");
        bytes += std::hint::black_box(&task).len() as u64;
        queue.remove().expect("queue-file removes it");
    }
    bytes
}

impl Owned {
    fn ask<T>(&self, request: impl FnOnce(SyncSender<T>) -> Request) -> T {
        let (done, answer) = sync_channel(1);
        self.owner.send(request(done)).expect("the owner lives");
        answer.recv().expect("the owner answers")
    }

    fn hand_over(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().expect("nobody panics"));
        if !waiting.is_empty() {
            self.ask(|done| Request::PutMany(waiting, done));
        }
    }
}

impl Rival for Owned {
    fn put(&self, _thread: usize, task: &[u8]) {
        if !self.is_direct {
            return self.ask(|done| Request::Put(task.to_vec(), done));
        }
        let mut waiting = self.waiting.lock().expect("nobody panics");
        waiting.push(task.to_vec());
        if waiting.len() == DIRECT {
            drop(waiting);
            self.hand_over();
        }
    }

    fn sync(&self) {
        self.hand_over();
        self.ask(Request::Flush);
    }

    fn take(&self, tasks: usize) -> u64 {
        self.hand_over();
        self.ask(|done| Request::Take(tasks, done))
    }
}
