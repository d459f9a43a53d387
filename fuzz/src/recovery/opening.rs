//! Opens a directory in every way there is, and holds what is told against each other. Knows the log's face.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::accepting::open_and_read;
use durable_queue::fake::{FakeClock, FakeDisk, FakeRandom};
use durable_queue::{
    Cut, Environment, FreeSpace, Log, LogOptions, OpenError, Record, RecordError, Visitor, inspect,
};

/// What the log tells at its opening.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub checkpoint: Option<Vec<u8>>,
    pub records: Vec<(Record, Vec<u8>)>,
}

impl Visitor for Told {
    fn checkpoint(&mut self, payload: &[u8]) -> Result<(), RecordError> {
        // The log writes one at the beginning of a slab only; one made by hand may be anywhere, and is the newest then.
        self.checkpoint = Some(payload.to_vec());
        Ok(())
    }

    fn record(&mut self, record: &Record, payload: &[u8]) -> Result<(), RecordError> {
        assert!(self.checkpoint.is_some(), "a record before the checkpoint");
        self.records.push((record.clone(), payload.to_vec()));
        Ok(())
    }
}

/// What opening came to.
#[derive(Debug)]
pub enum Opened {
    Yes { told: Told, cut: Option<Cut> },
    Refused(String),
}

pub fn directory() -> &'static Path {
    Path::new("/log")
}

pub fn slab_path(number: u64) -> PathBuf {
    directory().join(format!("{number:016}.slab"))
}

/// The number of a slab.
pub fn slab_number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".slab")?.parse().ok()
}

pub fn options() -> LogOptions {
    LogOptions {
        slab_size_bytes: 6 << 10,
        control_reserve_bytes: 256,
        free_space_kept: FreeSpace::Bytes(0),
        ..LogOptions::new(directory())
    }
}

pub fn environment(disk: &FakeDisk, seed: u64) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(FakeClock::default()),
        random: Arc::new(FakeRandom::new(seed)),
    }
}

/// Opens it once and doesn't begin.
pub fn open(disk: &FakeDisk, seed: u64) -> Opened {
    let mut told = Told::default();
    let opened = Log::open(environment(disk, seed), options(), &mut told);
    let cut = match opened {
        Ok(opening) => opening.cut.clone(),
        Err(error) => return refused(&error),
    };
    Opened::Yes { told, cut }
}

/// Only what is wrong with the bytes is a reason: the disk works.
fn refused(error: &OpenError) -> Opened {
    match error {
        OpenError::Corrupt { .. } | OpenError::UnsupportedVersion { .. } | OpenError::Record { .. } => {
            Opened::Refused(error.to_string())
        }
        other => panic!("refused for {other:?}"),
    }
}

/// What all files hold but the lock.
fn files(disk: &FakeDisk) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = disk.files().into_iter().filter(|path| !path.ends_with("lock"));
    paths.map(|path| (path.clone(), disk.content(&path).unwrap_or_default())).collect()
}

/// Inspects the directory and opens it twice; `disk` itself is as it was before.
pub fn open_in_every_way(disk: &FakeDisk) -> Opened {
    let before = files(disk);
    let mut seen = Told::default();
    let inspected = inspect(disk, directory(), &mut seen);
    assert_eq!(files(disk), before, "an inspection changed something");

    let (accepting, disk) = (disk.fork(), disk.fork());
    let first = open(&disk, 1000);
    open_and_read(&accepting, &first);
    match (&first, inspected) {
        (Opened::Yes { told, cut }, Ok(inspected)) => {
            assert_eq!(&seen, told, "an inspection sees something else than opening");
            let place = |cut: &Cut| (cut.file.clone(), cut.offset_bytes, cut.len_bytes, cut.reason);
            assert_eq!(inspected.torn.as_ref().map(place), cut.as_ref().map(place));
        }
        (Opened::Refused(reason), Err(error)) => assert_eq!(&error.to_string(), reason),
        (opened, inspected) => panic!("opening says {opened:?}, an inspection {inspected:?}"),
    }
    disk.kill();
    let between = files(&disk);
    match (&first, open(&disk, 1001)) {
        (Opened::Refused(reason), Opened::Refused(again)) => {
            assert_eq!(&again, reason, "refused twice, for different reasons");
            assert_eq!(between, before, "opening was refused, and has changed something");
        }
        (Opened::Yes { told, .. }, Opened::Yes { told: again, cut }) => {
            assert_eq!(&again, told, "opening twice doesn't give the same");
            assert_eq!(cut, None, "what was cut is there again");
            assert_eq!(files(&disk), between, "there was something to repair again");
        }
        (first, second) => panic!("opened twice: {first:?}, then {second:?}"),
    }
    first
}
