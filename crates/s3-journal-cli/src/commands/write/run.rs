//! One run of `write`: the thread that reads, the one that closes, the signals, and this one, which waits for what they
//! tell and decides.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use s3_journal::{Closed, FlushError, Health, Stats};

use super::ending::{Certainty, NotKept};
use super::options::in_memory;
use super::sink::Shared;
use crate::clock;
use crate::commands::store::in_flags;
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
    from_start: bool,
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
            from_start: flags.input.from_start,
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
            remaining: waiting(&stats),
            not_kept: stats.next_sequence.saturating_sub(stats.durable_sequence),
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
        let full = full_by(&stats);
        // A failed journal is its own end, told there.
        self.failed = self.shared.journal.failure().is_some();
        let in_trouble = stats.health != Health::Ok && !self.failed;
        let trouble = in_trouble.then_some(Trouble {
            message,
            stopped: stats.health == Health::Stopped,
            pending: waiting(&stats),
            full: full.as_deref(),
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
                let again = self.again();
                let what = format!("the journal has failed; what is durable is safe: {again}");
                return Err(Failure::caused(Exit::LocalIo, what, &error));
            }
        };
        let waiting = self.waiting(closed.remaining.saturating_sub(closed.not_durable));
        let not_kept = self.not_kept(self.shared.journal.next_sequence(), closed.not_durable);
        if let End::Failed(mut failure) = end {
            if not_kept.count() > 0 {
                // What was taken into memory before the disk was found full.
                let lines = human::counted(not_kept.count(), "line", "lines");
                let what = format!("; the last {lines} before it found no room on the disk and aren't kept");
                failure.message.push_str(&what);
                failure.message.push_str(&not_kept.remedy());
            }
            failure.message.push_str(&waiting);
            return Err(failure);
        }
        let mut what = String::new();
        if not_kept.count() > 0 {
            let stats = self.shared.journal.stats();
            let cause = full_by(&stats).unwrap_or_else(|| "the local disk has no room".to_owned());
            what = format!("{cause}; {}", not_kept.line(Certainty::Known));
            if not_kept.exit() != Exit::Waiting {
                return Err(Failure::new(not_kept.exit(), format!("{what}{waiting}")));
            }
            what.push_str("; ");
        }
        if closed.remaining == 0 {
            return match self.left_out() {
                Some(message) => Err(Failure::new(Exit::Data, message)),
                None => Ok(Exit::Done),
            };
        }
        if let Some(damage) = self.shared.journal.damage() {
            let message = format!(
                "{what}uploading has stopped: {damage}; write --quarantine leaves that out and goes on{waiting}"
            );
            return Err(Failure::new(Exit::Data, message));
        }
        let cause = self.why_not();
        let message = if waiting.is_empty() {
            format!("{what}{}", self.again())
        } else {
            format!("{what}the bucket hasn't everything yet{cause}{waiting}")
        };
        Err(Failure::new(Exit::Waiting, message))
    }

    /// The last `count` of the entries taken until now, which aren't durable.
    fn not_kept(&self, next_sequence: u64, count: u64) -> NotKept {
        let taken = next_sequence.saturating_sub(self.durable_at_start);
        let in_files = self.taken.in_files(&(taken.saturating_sub(count)..taken));
        NotKept { in_files, gone: count.saturating_sub(in_files) }
    }

    /// What was left out because of damage, if anything was.
    fn left_out(&self) -> Option<String> {
        let left_out = self.shared.journal.stats().left_out;
        let entries = human::counted(left_out, "entry is", "entries are");
        (left_out > 0).then(|| {
            format!(
                "{entries} left out because of damage on the local disk, and kept in {}; everything else is in the bucket",
                self.directory.join("quarantine").display()
            )
        })
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
        format!("; {wait} safely in {}: {}", self.directory.display(), self.again())
    }

    /// How the next run goes on.
    fn again(&self) -> &'static str {
        if self.from_start {
            // It would take the FILEs from their start once more.
            "run the same command again without --from-start"
        } else {
            "run the same command again"
        }
    }

    /// A second signal: what was taken is made durable, and the rest left to the next run.
    fn leave(&self) -> Result<Exit, Failure> {
        let journal = &self.shared.journal;
        let next = journal.next_sequence();
        if let Some(last) = next.checked_sub(1)
            && let Err(error) = journal.receipt(last).durable().wait_timeout(LAST_SYNC)
        {
            // A journal that was closed meanwhile has made everything durable; one that failed says so itself.
            tracing::debug!(error = causes(&error), "leaving");
        }
        let uploaded = journal.uploaded();
        let durable = journal.durable().clamp(uploaded, next.max(uploaded));
        if uploaded >= next {
            return Ok(Exit::Done);
        }
        let not_kept = self.not_kept(next, next.saturating_sub(durable));
        let why_not = self.why_not();
        let feared = match not_kept.count() {
            0 => String::new(),
            _ => format!("; the disk is slow or full: {}", not_kept.line(Certainty::Feared)),
        };
        let waiting = match self.waiting(durable - uploaded) {
            waiting if waiting.is_empty() => format!(": {}", self.again()),
            waiting => waiting,
        };
        Err(Failure::new(not_kept.exit(), format!("stopped by a second signal{why_not}{feared}{waiting}")))
    }
}

/// Entries that are safe here and not in the bucket.
fn waiting(stats: &Stats) -> u64 {
    stats.durable_sequence.saturating_sub(stats.uploaded_sequence)
}

/// By what the queue is full, if it is.
fn full_by(stats: &Stats) -> Option<String> {
    stats.full.map(|cause| in_flags(&cause.to_string()))
}

fn no_thread(error: &io::Error) -> Failure {
    Failure::new(Exit::Unexpected, format!("the operating system refuses a thread: {error}"))
}
