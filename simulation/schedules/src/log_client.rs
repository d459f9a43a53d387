//! A client of the log on several threads at once, what it was promised, and whether that was kept. Its records are numbered in
//! the order of the log, as the product's own tests have them.

use std::sync::Arc;
use std::time::Duration;

use durable_queue::fake::FakeDisk;
use durable_queue::{
    AppendError, Appended, Class, FreeSpace, Log, LogFailure, LogOptions, OpenError, Position, Room, Through,
};
use schedules_sync::Mutex;

use crate::client::{Count, append, append_awaited, read_all};
use crate::world::{World, tell};

/// No more is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The log is closed.
    Closed,
    /// The log has failed.
    Failed,
}

/// See the module.
pub struct Client {
    /// The log.
    pub log: Log,
    disk: FakeDisk,
    /// The number of the next record: held over an append, so that numbers are in the order of the log.
    next: Mutex<u64>,
    /// Nobody meets here: no thread is changed while it is held.
    notes: std::sync::Mutex<Notes>,
}

/// What happened so far.
#[derive(Debug, Default)]
struct Notes {
    appended: u64,
    /// Records that somebody was told are durable: all before this number.
    durable: u64,
    failures: Vec<Arc<LogFailure>>,
    cuts: Vec<Cut>,
}

/// The disk as a power loss at some moment finds it, and how many records were known to be durable just before.
#[derive(Debug)]
struct Cut {
    disk: FakeDisk,
    durable: u64,
}

/// Slabs for a few records of up to 3,000 bytes.
pub fn options() -> LogOptions {
    LogOptions {
        slab_size_bytes: 12 << 10,
        control_reserve_bytes: 512,
        free_space_kept: FreeSpace::Bytes(0),
        pending_bytes_max: 4 << 10,
        ..LogOptions::new("/log")
    }
}

impl Client {
    /// Opens the log of a new disk.
    pub fn open(world: &World, options: LogOptions) -> Arc<Self> {
        let mut count = Count::default();
        let opening = Log::open(world.environment(&world.disk), options, &mut count).unwrap();
        let log = opening.begin(&0_u64.to_le_bytes()).unwrap();
        Arc::new(Self {
            log,
            disk: world.disk.clone(),
            next: Mutex::new(0),
            notes: std::sync::Mutex::default(),
        })
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    /// Appends a record, waiting for room: its number, and where it ends.
    pub fn append(&self, len: u64, timeout: Option<Duration>) -> Result<(u64, Position), End> {
        self.append_by(append, len, timeout)
    }

    /// As [`Client::append`]; [`Client::wait_durable`] is to follow.
    pub fn append_awaited(&self, len: u64, timeout: Option<Duration>) -> Result<(u64, Position), End> {
        self.append_by(append_awaited, len, timeout)
    }

    fn append_by(
        &self,
        append: fn(&Log, u64, usize, Class) -> Result<Appended, AppendError>,
        len: u64,
        timeout: Option<Duration>,
    ) -> Result<(u64, Position), End> {
        loop {
            let mut next = self.next.lock().unwrap();
            let failure = match append(&self.log, *next, usize::try_from(len).unwrap(), Class::Data) {
                Ok(appended) => {
                    let number = *next;
                    *next += 1;
                    self.notes().appended = *next;
                    return Ok((number, appended.end));
                }
                Err(AppendError::Busy | AppendError::Full { .. }) => {
                    drop(next);
                    match self.log.wait_for_room(timeout) {
                        Room::Room | Room::TimedOut => continue,
                        Room::Closed => return Err(End::Closed),
                        Room::Failed(failure) => failure,
                    }
                }
                Err(AppendError::Failed(failure)) => failure,
                Err(AppendError::Closed) => return Err(End::Closed),
                Err(error) => panic!("{error}"),
            };
            return Err(self.failed(failure));
        }
    }

    /// Waits until record `number`, which ends at `end`, is durable, and notes that it is.
    pub fn wait_durable(&self, number: u64, end: Position, timeout: Option<Duration>) -> Result<(), End> {
        if !self.log.options().fsync {
            self.log.request_sync(end);
        }
        loop {
            match self.log.wait_durable(end, timeout) {
                Ok(true) => {
                    let mut notes = self.notes();
                    notes.durable = notes.durable.max(number + 1);
                    tell(|| format!("record {number} is known to be durable"));
                    return Ok(());
                }
                Ok(false) => {
                    assert!(timeout.is_some(), "a wait without an end ended before {end} was durable");
                }
                Err(failure) => return Err(self.failed(failure)),
            }
        }
    }

    /// Closes the log: what was appended before is durable then, and no thread of the log runs any more.
    pub fn close(&self) -> Result<(), End> {
        let appended = self.notes().appended;
        let closed = self.log.close();
        assert_eq!(schedules_sync::thread::running(), 0, "threads outlive closing");
        match closed {
            Ok(()) => {
                let mut notes = self.notes();
                notes.durable = notes.durable.max(appended);
                Ok(())
            }
            Err(failure) => Err(self.failed(failure)),
        }
    }

    fn failed(&self, failure: Arc<LogFailure>) -> End {
        tell(|| format!("somebody is told: {failure}"));
        self.notes().failures.push(failure);
        End::Failed
    }

    /// The power goes just now: for a copy of the disk, so that this life goes on.
    pub fn cut_power(&self) {
        let durable = self.notes().durable;
        tell(|| format!("power is cut, {durable} durable"));
        let disk = self.disk.fork();
        self.notes().cuts.push(Cut { disk, durable });
    }

    /// How many records were appended.
    pub fn appended(&self) -> u64 {
        self.notes().appended
    }

    /// How many records somebody knows to be durable.
    pub fn durable(&self) -> u64 {
        self.notes().durable
    }

    /// Whoever was told of a failure was told of the first one.
    pub fn check_failures(&self) {
        let first = self.log.failure();
        for failure in &self.notes().failures {
            let is_first = first.as_ref().is_some_and(|first| Arc::ptr_eq(first, failure));
            assert!(is_first, "somebody was told of {failure:?}, the first was {first:?}");
        }
    }

    /// After the last thread: whatever power loss there was, everything that was known to be durable is there, in order, once.
    pub fn check(&self, world: &World) {
        let cuts = std::mem::take(&mut self.notes().cuts);
        for cut in cuts {
            self.check_disk(world, &cut.disk, cut.durable);
        }
        self.check_disk(world, &self.disk.fork(), self.durable());
    }

    /// After an orderly closing: it shows, and nothing is missing.
    pub fn check_closed(&self, world: &World) {
        let disk = self.disk.fork();
        assert!(self.check_disk(world, &disk, self.appended()), "closing didn't leave its mark");
    }

    /// Says whether the log was closed in order.
    fn check_disk(&self, world: &World, disk: &FakeDisk, durable: u64) -> bool {
        tell(|| "power is lost, and the log opened again".to_owned());
        disk.lose_power(world.loss());
        let appended = self.appended();
        let mut count = Count::default();
        let opened = Log::open(world.environment(disk), self.log.options().clone(), &mut count)
            .and_then(|opening| {
                let was_clean = opening.was_clean;
                Ok((opening.begin(&count.total().to_le_bytes())?, was_clean))
            })
            .map_err(|error: OpenError| format!("{error}: {error:?}"));
        let (log, was_clean) = opened.unwrap();
        let total = count.total();
        assert!(
            durable <= total && total <= appended,
            "{total} recovered, of {durable} durable and {appended} appended"
        );
        let (_, next) = read_all(&log, Through::Durable).unwrap();
        assert!(next == total || next == 0, "{next} can be read, {total} were told");
        log.close().unwrap();
        was_clean
    }
}
