//! yaque: segments written with write(2). One sender and one receiver, so several threads share the sender under a lock.

use std::path::Path;
use std::sync::Mutex;

use yaque::{Receiver, Sender};

use super::{About, Opening, Rival};

pub const ABOUT: About = About {
    name: "yaque",
    version: "0.6.6",
    has_fsync: false,
    has_no_fsync: true,
    has_sync: false,
    has_take: true,
    has_recovery: true,
    durable: "never: it has no sync at all; a put is handed to the operating system; no checksum but one of the length",
    lost_by_kill: "nothing",
    setup: "`channel`, defaults; `recovery::recover` before it is opened, as after a kill",
    open,
};

struct Yaque {
    sender: Mutex<Sender>,
    receiver: Mutex<Receiver>,
}

fn open(directory: &Path, _opening: Opening) -> Box<dyn Rival> {
    if directory.join("send.lock").exists() {
        yaque::recovery::recover(directory).expect("yaque recovers");
    }
    let (sender, receiver) = yaque::channel(directory).expect("yaque opens");
    Box::new(Yaque { sender: Mutex::new(sender), receiver: Mutex::new(receiver) })
}

impl Rival for Yaque {
    fn put(&self, _thread: usize, task: &[u8]) {
        let mut sender = self.sender.lock().expect("nobody panics");
        assert!(sender.try_send(task).is_ok(), "yaque takes it");
    }

    fn sync(&self) {
        unreachable!("yaque has no sync");
    }

    fn take(&self, tasks: usize) -> u64 {
        let mut receiver = self.receiver.lock().expect("nobody panics");
        let mut bytes = 0;
        for _ in 0..tasks {
            let Ok(task) = receiver.try_recv() else { panic!("yaque gives less than was put") };
            bytes += std::hint::black_box(&*task).len() as u64;
            task.commit().expect("yaque commits");
        }
        bytes
    }
}
