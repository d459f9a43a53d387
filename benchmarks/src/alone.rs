//! What the machine does without this project: the disk, a copy. The floor that the product's figures stand on.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};

use crate::measure::Stopwatch;

/// Size of the files, as of the log's slabs.
const FILE_BYTES: u64 = 64 << 20;

/// The disk, written from one end: preallocated files, one after the other, as the log's slabs are.
#[derive(Debug)]
pub struct SequentialDisk {
    directory: PathBuf,
    file: File,
    at: u64,
    number: u64,
    /// Runs while something is written or synced; not while a file is made ready.
    pub watch: Stopwatch,
}

impl SequentialDisk {
    /// Writes into `directory`.
    pub fn new(directory: &Path) -> Self {
        let directory = directory.to_owned();
        let file = next_file(&directory, 0);
        Self { directory, file, at: 0, number: 0, watch: Stopwatch::default() }
    }

    /// Appends `bytes`, which must be shorter than a file.
    pub fn write(&mut self, bytes: &[u8]) {
        let len = bytes.len() as u64;
        if self.at + len > FILE_BYTES {
            // As the log does: what is left behind is synced.
            self.sync();
            self.number += 1;
            self.file = next_file(&self.directory, self.number);
            self.at = 0;
        }
        self.watch.start();
        self.file.write_all_at(bytes, self.at).expect("the scratch file can be written");
        self.watch.stop();
        self.at += len;
    }

    /// Makes what was written durable: `fdatasync`.
    pub fn sync(&mut self) {
        self.watch.start();
        self.file.sync_data().expect("the scratch file can be synced");
        self.watch.stop();
    }
}

fn next_file(directory: &Path, number: u64) -> File {
    if let Some(old) = number.checked_sub(4) {
        // Long read by nobody; may be gone already.
        let _ = fs::remove_file(directory.join(old.to_string()));
    }
    let file = File::options()
        .create_new(true)
        .read(true)
        .write(true)
        .open(directory.join(number.to_string()))
        .expect("the scratch directory can be written to");
    // Where a file system can't preallocate, the log goes without, too.
    let _ = fallocate(&file, FallocateFlags::empty(), 0, FILE_BYTES);
    file.sync_all().expect("the scratch file can be synced");
    file
}

/// Reads all files of a directory, 1 MiB at a time, and says how many bytes they have.
pub fn read_all(directory: &Path) -> u64 {
    let mut buffer = vec![0; crate::MIB];
    let mut total = 0;
    for entry in fs::read_dir(directory).expect("the scratch directory can be read").flatten() {
        let Ok(file) = File::open(entry.path()) else { continue };
        let mut at = 0;
        while let Ok(len @ 1..) = file.read_at(&mut buffer, at) {
            at += len as u64;
        }
        total += at;
    }
    total
}

/// Copies lines into a buffer of a batch's size, which is emptied when full: what a `submit` can't do without.
#[derive(Debug)]
pub struct Copy {
    buffer: Vec<u8>,
}

impl Default for Copy {
    fn default() -> Self {
        Self { buffer: Vec::with_capacity(2 * crate::MIB) }
    }
}

impl Copy {
    /// Copies one line and a newline.
    pub fn line(&mut self, line: &[u8]) {
        if self.buffer.len() >= crate::MIB {
            std::hint::black_box(self.buffer.as_slice());
            self.buffer.clear();
        }
        self.buffer.extend_from_slice(line);
        self.buffer.push(b'\n');
    }
}
