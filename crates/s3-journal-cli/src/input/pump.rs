//! Carries what is read into the journal, entry by entry, until the inputs end, the reading is stopped, or something
//! can't be taken.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::gate::Gate;
use super::origins::Origins;
use super::position::{Position, Start};
use super::sources::{Input, Source};
use super::splitter::{Splitter, TooLong};
use crate::exit::{Exit, Failure};
use crate::human::Size;

/// What takes the entries: the journal.
pub trait Sink {
    /// Takes an entry; may wait.
    ///
    /// # Errors
    /// What the program ends with.
    fn take(&self, entry: &[u8]) -> Result<(), Refused>;

    /// Takes an entry with the position of what follows it.
    ///
    /// # Errors
    /// What the program ends with.
    fn take_at(&self, entry: &[u8], source: u64, position: &[u8]) -> Result<(), Refused>;

    /// The last position taken of a source.
    fn position(&self, source: u64) -> Option<Vec<u8>>;
}

/// An entry wasn't taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It can't be an entry; the text says why, beginning with what the line is.
    Entry(String),
    /// The journal takes no more.
    Journal(Failure),
}

/// What has been taken so far, for those who watch.
#[derive(Debug, Default)]
pub struct Taken {
    entries: AtomicU64,
    bytes: AtomicU64,
    unfinished: AtomicU64,
    origins: Origins,
}

impl Taken {
    /// Entries taken.
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// Their bytes, without delimiters.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of a line whose end hasn't been read, of an input that can't be read again: what a stop now would cut off.
    pub fn unfinished(&self) -> Cut {
        Cut { bytes: self.unfinished.load(Ordering::Relaxed) }
    }

    /// How many of these entries, counted from the first that was taken, came from files.
    pub fn in_files(&self, entries: &Range<u64>) -> u64 {
        self.origins.in_files(entries)
    }
}

/// How the reading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The inputs are at their end.
    Finished,
    /// It was stopped.
    Stopped(Cut),
    /// It can't go on.
    Failed(Failure),
}

/// What a stop cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cut {
    /// Bytes of a last line that had been read in part, from an input that can't be read again.
    pub bytes: u64,
}

/// Reads the inputs.
#[derive(Debug)]
pub struct Pump<S> {
    /// Where the entries go.
    pub sink: S,
    /// What stops it.
    pub gate: Arc<Gate>,
    /// What it has done.
    pub taken: Arc<Taken>,
    /// Read files from their start.
    pub from_start: bool,
    /// Cuts the entries.
    pub splitter: Splitter,
}

impl<S: Sink> Pump<S> {
    /// Reads all inputs, one after the other.
    pub fn run(mut self, inputs: &[Input]) -> End {
        for input in inputs {
            match self.read_input(input) {
                Ok(Go::On) => {}
                Ok(Go::Stop(cut)) => return End::Stopped(cut),
                Err(failure) => return End::Failed(failure),
            }
        }
        End::Finished
    }

    fn read_input(&mut self, input: &Input) -> Result<Go, Failure> {
        if self.gate.is_stopped() {
            return Ok(Go::Stop(Cut::default()));
        }
        let source = Source::open(input, self.from_start, |source| self.sink.position(source))
            .map_err(|error| input.unreadable(&error))?;
        self.taken.origins.begin(self.taken.entries(), matches!(source, Source::File(_)));
        match source {
            Source::Stream(mut stream) => self.read(input, &mut stream, None),
            Source::File(mut tracked) => {
                announce(input, tracked.start);
                let track = Track { source: tracked.source, position: tracked.position };
                self.read(input, &mut tracked.file, Some(track))
            }
        }
    }

    fn read(
        &mut self,
        input: &Input,
        reader: &mut dyn Read,
        mut track: Option<Track>,
    ) -> Result<Go, Failure> {
        self.splitter.clear();
        let mut line = track.map_or(0, |track| track.position.entries);
        loop {
            // Told before the read begins: the gate makes it seen by whoever stops the reading.
            let unfinished = if track.is_some() { 0 } else { self.splitter.pending_bytes() as u64 };
            self.taken.unfinished.store(unfinished, Ordering::Relaxed);
            if !self.gate.begin_read() {
                return Ok(self.cut(track.is_some(), 0));
            }
            let read = read_some(reader, self.splitter.room());
            let counts = self.gate.end_read();
            let len = read.map_err(|error| input.unreadable(&error))?;
            if !counts {
                return Ok(self.cut(track.is_some(), len));
            }
            self.splitter.filled(len);
            if len == 0 {
                if let Some(rest) = self.splitter.rest().map_err(|error| too_long(input, line, error))? {
                    let taken = take(&self.sink, rest, 0, &mut track);
                    let counted = (1, rest.len() as u64);
                    taken.map_err(|refused| at_line(input, line, refused))?;
                    self.count(counted);
                }
                return Ok(Go::On);
            }
            let mut counted = (0, 0);
            let result = self.take_read(input, &mut line, &mut track, &mut counted);
            self.count(counted);
            if !result? {
                return Ok(Go::Stop(Cut::default()));
            }
        }
    }

    /// Takes every whole entry that has been read; `false` when it was stopped before the last, which only a file
    /// may be: it is read again from there.
    fn take_read(
        &mut self,
        input: &Input,
        line: &mut u64,
        track: &mut Option<Track>,
        counted: &mut (u64, u64),
    ) -> Result<bool, Failure> {
        let delimiter_len = self.splitter.delimiter_len() as u64;
        while let Some(entry) = self.splitter.next_entry().map_err(|error| too_long(input, *line, error))? {
            if track.is_some() && self.gate.is_stopped() {
                return Ok(false);
            }
            take(&self.sink, entry, delimiter_len, track)
                .map_err(|refused| at_line(input, *line, refused))?;
            *line += 1;
            counted.0 += 1;
            counted.1 += entry.len() as u64;
        }
        Ok(true)
    }

    fn count(&self, (entries, bytes): (u64, u64)) {
        self.taken.entries.fetch_add(entries, Ordering::Relaxed);
        self.taken.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn cut(&self, can_be_read_again: bool, just_read: usize) -> Go {
        let bytes = if can_be_read_again { 0 } else { (self.splitter.pending_bytes() + just_read) as u64 };
        Go::Stop(Cut { bytes })
    }
}

/// Whether the next input is read.
enum Go {
    On,
    Stop(Cut),
}

/// Where a file is known by, and how far it has been taken.
#[derive(Debug, Clone, Copy)]
struct Track {
    source: u64,
    position: Position,
}

/// Takes an entry; with a file's position moved behind it, which is kept only if it was taken.
fn take(
    sink: &impl Sink,
    entry: &[u8],
    delimiter_len: u64,
    track: &mut Option<Track>,
) -> Result<(), Refused> {
    let Some(track) = track else { return sink.take(entry) };
    let mut next = track.position;
    next.offset_bytes += entry.len() as u64 + delimiter_len;
    next.entries += 1;
    sink.take_at(entry, track.source, &next.encode())?;
    track.position = next;
    Ok(())
}

/// A read that a signal didn't interrupt.
fn read_some(reader: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn too_long(input: &Input, lines_before: u64, error: TooLong) -> Failure {
    let limit = Size(error.max_bytes as u64);
    let what = format!("it is longer than --max-entry-bytes, {limit}; shorten it or raise the limit");
    at_line(input, lines_before, Refused::Entry(what))
}

fn at_line(input: &Input, lines_before: u64, refused: Refused) -> Failure {
    match refused {
        Refused::Entry(what) => Failure::new(
            Exit::Data,
            format!(
                "line {} of {} can't be an entry: {what}. Reading stopped there; what came before it was taken",
                lines_before.saturating_add(1),
                input.name()
            ),
        ),
        Refused::Journal(mut failure) => {
            failure.message = format!(
                "{}; line {} of {} was the first not taken",
                failure.message,
                lines_before.saturating_add(1),
                input.name()
            );
            failure
        }
    }
}

/// Says where reading a file begins, if it isn't the obvious place.
fn announce(input: &Input, start: Start) {
    let file = input.name();
    match start {
        Start::New => tracing::debug!(file, "reading a file from its start"),
        Start::Resume { offset_bytes, .. } => tracing::info!(file, offset_bytes, "going on with a file"),
        Start::Replaced => {
            tracing::warn!(file, "the file isn't the one that was read before: reading it from its start");
        }
        Start::Truncated { offset_bytes } => tracing::warn!(
            file,
            offset_bytes,
            "the file is shorter than what was read of it before: reading it from its start"
        ),
    }
}

#[cfg(test)]
#[path = "pump_tests.rs"]
mod tests;
