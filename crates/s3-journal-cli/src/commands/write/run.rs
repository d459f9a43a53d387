//! One run of `write`: the thread that reads, the one that closes, the signals, and this one, which waits for what they
//! tell and decides.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use s3_journal::{Closed, FlushError, Health};

use super::options::in_memory;
use super::sink::Shared;
use crate::clock;
use crate::exit::{Exit, Failure, causes};
use crate::flags::write::{WhenFull, WriteFlags};
use crate::human;
use crate::input::gate::Gate;
use crate::input::pump::{Cut, End, Pump, Taken};
use crate::input::sources::Input;
use crate::input::splitter::Splitter;
use crate::parked::{Trouble, Watch};
use crate::progress::{self, Figures, Progress};
use crate::receipts::{self, Finish};
use crate::signals;
use crate::summary::Summary;
use crate::terminal::{Level, say};

/// How often the journal is looked at where there is no progress to show.
const LOOKED_EVERY: Duration = Duration::from_millis(500);

/// How long a second signal waits for what was taken to become durable: a disk that hangs doesn't hold the program.
const LAST_SYNC: Duration = Duration::from_secs(2);

/// What the other threads tell.
enum Event {
    /// A signal came.
    Signal(&'static str),
    /// The reading has ended.
    Read(End),
    /// The journal is closed.
    Closed(Result<Closed, FlushError>),
    /// The last receipt is written.
    ReceiptsDone,
}

/// Why the work ended before its end.
enum Interrupted {
    /// A second signal: leave at once.
    Leave,
    /// The machine refuses something.
    Failed(Failure),
}

/// A run, from the open journal to its end.
pub struct Run {
    shared: Shared,
    directory: PathBuf,
    started: Instant,
    close_timeout: Option<Duration>,
    refuses: bool,
    /// Until it runs.
    pump: Option<Pump<Shared>>,
    taken: Arc<Taken>,
    gate: Arc<Gate>,
    sender: Sender<Event>,
    events: Receiver<Event>,
    /// Until the last receipt is written.
    receipts: Option<Finish>,
    durable_at_start: u64,
    signals: u32,
    watch: Watch,
    progress: Option<Progress>,
    /// The journal has failed.
    failed: bool,
    /// The reading was given up before it ended.
    is_reading: bool,
}

impl Run {
    /// Prepares a run; listens to signals from now on.
    pub fn new(
        shared: Shared,
        flags: &WriteFlags,
        directory: PathBuf,
        started: Instant,
        shows_progress: bool,
    ) -> Result<Self, Failure> {
        let (sender, events) = mpsc::channel();
        let signalled = sender.clone();
        signals::listen(move |name| signalled.send(Event::Signal(name)).is_ok())
            .map_err(|error| no_thread(&error))?;
        let mut receipts = None;
        if flags.input.receipts {
            let finish = Finish::default();
            let done = sender.clone();
            receipts::start(shared.clone(), io::stdout(), finish.clone(), move || {
                drop(done.send(Event::ReceiptsDone));
            })
            .map_err(|error| no_thread(&error))?;
            receipts = Some(finish);
        }
        let entry_bytes_max = in_memory("max-entry-bytes", flags.input.max_entry_bytes.0)?;
        let (taken, gate) = (Arc::<Taken>::default(), Arc::<Gate>::default());
        let pump = Pump {
            sink: shared.clone(),
            gate: Arc::clone(&gate),
            taken: Arc::clone(&taken),
            from_start: flags.input.from_start,
            splitter: Splitter::new(flags.input.delimiter.as_bytes(), entry_bytes_max),
        };
        Ok(Self {
            durable_at_start: shared.journal.durable(),
            shared,
            directory,
            started,
            close_timeout: flags.input.close_timeout.map(|time| time.0),
            refuses: flags.queue.when_full == WhenFull::Refuse,
            pump: Some(pump),
            taken,
            gate,
            sender,
            events,
            receipts,
            signals: 0,
            watch: Watch::default(),
            progress: shows_progress.then(|| Progress::start(started)),
            failed: false,
            is_reading: false,
        })
    }

    /// Reads, drains, closes.
    pub fn carry_out(&mut self, inputs: Vec<Input>) -> Result<Exit, Failure> {
        let result = self.read_and_close(inputs);
        if let Some(progress) = self.progress.take() {
            progress.finish();
        }
        match result {
            Ok(exit) => exit,
            Err(Interrupted::Leave) => self.leave(),
            Err(Interrupted::Failed(failure)) => Err(failure),
        }
    }

    /// What was done.
    pub fn summary(&self) -> Summary {
        let stats = self.shared.journal.stats();
        Summary {
            entries: self.taken.entries(),
            bytes: self.taken.bytes(),
            objects: stats.uploaded_objects,
            uploaded: stats.uploaded,
            remaining: stats.pending_entries,
            seconds: clock::now().saturating_duration_since(self.started).as_secs_f64(),
        }
    }

    fn read_and_close(&mut self, inputs: Vec<Input>) -> Result<Result<Exit, Failure>, Interrupted> {
        let end = self.read(inputs)?;
        if let End::Stopped(Cut { bytes: bytes @ 1.. }) = end {
            let bytes = human::counted(bytes, "byte", "bytes");
            say(Level::Warn, &format!("{bytes} of a line that had no end yet were read and not taken"));
        }
        // What isn't to wait for room isn't to wait for the store either, unless somebody says for how long.
        let refused = matches!(&end, End::Failed(failure) if failure.exit == Exit::Waiting);
        let timeout = self.close_timeout.or((self.refuses && refused).then_some(Duration::ZERO));
        let closed = self.close(timeout)?;
        self.last_entry()?;
        self.last_receipt()?;
        Ok(self.outcome(end, closed))
    }

    /// Reads the inputs until they end, a signal stops it, or the journal takes no more.
    fn read(&mut self, inputs: Vec<Input>) -> Result<End, Interrupted> {
        let Some(pump) = self.pump.take() else { return Ok(End::Finished) };
        let read = self.sender.clone();
        thread::Builder::new()
            .name("reading".to_owned())
            .spawn(move || drop(read.send(Event::Read(pump.run(&inputs)))))
            .map_err(|error| Interrupted::Failed(no_thread(&error)))?;
        // Once the reading has been stopped it ends soon, but where the queue is full.
        let mut deadline = None;
        loop {
            match self.next_event(deadline) {
                Some(Event::Read(end)) => return Ok(end),
                Some(Event::Signal(_)) if self.signals > 1 => return Err(Interrupted::Leave),
                Some(Event::Signal(name)) => {
                    tracing::info!(
                        signal = name,
                        "reading has been stopped; what was taken goes to the bucket"
                    );
                    if self.gate.stop() {
                        return Ok(End::Stopped(self.taken.unfinished()));
                    }
                    deadline = self.close_timeout.map(|timeout| clock::now() + timeout);
                }
                None if deadline.is_some_and(|deadline| clock::now() >= deadline) => {
                    self.is_reading = true;
                    return Ok(End::Stopped(self.taken.unfinished()));
                }
                // Nothing more can be taken, and the next line may never come.
                None if self.failed && self.gate.stop() => {
                    return Ok(End::Stopped(self.taken.unfinished()));
                }
                Some(_) | None => {}
            }
        }
    }

    /// Where the reading was still held up by a full queue when its time was up: says which entry wasn't taken. The closed
    /// journal has told the thread so.
    fn last_entry(&mut self) -> Result<(), Interrupted> {
        while self.is_reading {
            if let Some(Event::Signal(_)) = self.next_event(None)
                && self.signals > 1
            {
                return Err(Interrupted::Leave);
            }
        }
        Ok(())
    }

    /// Closes the journal on a thread of its own, so that a second signal is heard.
    fn close(&mut self, timeout: Option<Duration>) -> Result<Result<Closed, FlushError>, Interrupted> {
        let (journal, closed) = (Arc::clone(&self.shared.journal), self.sender.clone());
        thread::Builder::new()
            .name("closing".to_owned())
            .spawn(move || {
                // A century is as good as for ever.
                let result = journal.close_within(timeout.unwrap_or(Duration::from_hours(24 * 365 * 100)));
                drop(closed.send(Event::Closed(result)));
            })
            .map_err(|error| Interrupted::Failed(no_thread(&error)))?;
        loop {
            match self.next_event(None) {
                Some(Event::Closed(result)) => return Ok(result),
                Some(Event::Signal(_)) if self.signals > 1 => return Err(Interrupted::Leave),
                Some(Event::Signal(name)) => {
                    tracing::info!(
                        signal = name,
                        "everything goes to the bucket; a second signal leaves at once"
                    );
                }
                Some(_) | None => {}
            }
        }
    }

    /// Lets the last receipt out; a parent process that doesn't read it is waited for.
    fn last_receipt(&mut self) -> Result<(), Interrupted> {
        if let Some(finish) = &self.receipts {
            finish.finish();
        }
        while self.receipts.is_some() {
            if let Some(Event::Signal(_)) = self.next_event(None)
                && self.signals > 1
            {
                return Err(Interrupted::Leave);
            }
        }
        Ok(())
    }

    /// The next thing that is told, or nothing for a while; looks after progress and trouble in between.
    fn next_event(&mut self, deadline: Option<Instant>) -> Option<Event> {
        let tick = if self.progress.is_some() { progress::DRAWN_EVERY } else { LOOKED_EVERY };
        let now = clock::now();
        let wait = deadline.map_or(tick, |deadline| tick.min(deadline.saturating_duration_since(now)));
        // The only error is that time is up: this run holds a sender itself.
        let event = self.events.recv_timeout(wait).ok();
        match event {
            Some(Event::Signal(_)) => self.signals += 1,
            // Whenever it comes: a parent process may stop listening at any time.
            Some(Event::ReceiptsDone) => self.receipts = None,
            Some(Event::Read(ref end)) if self.is_reading => {
                self.is_reading = false;
                if let End::Failed(failure) = end {
                    say(Level::Warn, &failure.message);
                }
            }
            Some(Event::Read(_) | Event::Closed(_)) => {}
            None => self.look(clock::now()),
        }
        event
    }

    fn look(&mut self, now: Instant) {
        let stats = self.shared.journal.stats();
        let message = stats.last_error.as_ref().map_or("", |error| error.message.as_str());
        let directory = self.directory.display().to_string();
        // A failed journal is its own end, told there.
        self.failed = self.shared.journal.failure().is_some();
        let in_trouble = stats.health != Health::Ok && !self.failed;
        let trouble = in_trouble.then_some(Trouble {
            message,
            stopped: stats.health == Health::Stopped,
            pending: stats.pending_entries,
            directory: &directory,
        });
        if let Some(line) = self.watch.look(now, trouble) {
            say(Level::Warn, &line);
        }
        if let Some(progress) = &mut self.progress {
            progress.show(
                now,
                &Figures {
                    entries: self.taken.entries(),
                    bytes: self.taken.bytes(),
                    durable: stats.durable_sequence.saturating_sub(self.durable_at_start),
                    uploaded: stats.uploaded,
                    stored_bytes: stats.uploaded_bytes,
                    pending: stats.pending_entries,
                },
            );
        }
    }

    fn outcome(&self, end: End, closed: Result<Closed, FlushError>) -> Result<Exit, Failure> {
        let closed = match closed {
            Ok(closed) => closed,
            Err(error) => {
                let what = "the journal has failed; what is durable is safe: run the same command again";
                return Err(Failure::caused(Exit::LocalIo, what, &error));
            }
        };
        let waiting = self.waiting(closed.remaining.saturating_sub(closed.not_durable));
        if let End::Failed(mut failure) = end {
            if closed.not_durable > 0 {
                // What was taken into memory before the disk was found full.
                let lines = human::counted(closed.not_durable, "line", "lines");
                let what =
                    format!("; the last {lines} before it found no room on the disk and aren't kept: ");
                failure.message.push_str(&what);
                failure.message.push_str("give them again, too (a FILE is read again from there)");
            }
            failure.message.push_str(&waiting);
            return Err(failure);
        }
        if closed.not_durable > 0 {
            let lost = human::counted(closed.not_durable, "entry", "entries");
            let message = format!("the local disk had no room for the last {lost}, which are lost{waiting}");
            return Err(Failure::new(Exit::LocalIo, message));
        }
        if closed.remaining == 0 {
            return Ok(Exit::Done);
        }
        let cause = self.why_not();
        Err(Failure::new(Exit::Waiting, format!("the bucket hasn't everything yet{cause}{waiting}")))
    }

    /// What keeps the store from taking anything, if something does; to follow a sentence.
    fn why_not(&self) -> String {
        let stats = self.shared.journal.stats();
        match stats.last_error.filter(|_| stats.health != Health::Ok) {
            Some(error) => format!(": {}", error.message),
            None => String::new(),
        }
    }

    /// Where what remains waits, and what to do about it; to follow a sentence.
    fn waiting(&self, remaining: u64) -> String {
        if remaining == 0 {
            return String::new();
        }
        let wait = human::counted(remaining, "entry waits", "entries wait");
        format!("; {wait} safely in {}: run the same command again", self.directory.display())
    }

    /// A second signal: what was taken is made durable, and the rest left to the next run.
    fn leave(&self) -> Result<Exit, Failure> {
        let journal = &self.shared.journal;
        if let Some(last) = journal.next_sequence().checked_sub(1) {
            match journal.receipt(last).durable().wait_timeout(LAST_SYNC) {
                Ok(true) => {}
                Ok(false) => say(Level::Warn, "the disk is slow: the last entries may not be durable"),
                // A journal that was closed meanwhile has made everything durable; one that failed says so itself.
                Err(error) => tracing::debug!(error = causes(&error), "leaving"),
            }
        }
        let remaining = journal.next_sequence().saturating_sub(journal.uploaded());
        if remaining == 0 {
            return Ok(Exit::Done);
        }
        Err(Failure::new(
            Exit::Waiting,
            format!("stopped by a second signal{}{}", self.why_not(), self.waiting(remaining)),
        ))
    }
}

fn no_thread(error: &io::Error) -> Failure {
    Failure::new(Exit::Unexpected, format!("the operating system refuses a thread: {error}"))
}
