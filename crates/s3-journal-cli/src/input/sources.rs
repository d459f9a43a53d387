//! The inputs of one run, one after the other: standard input, files that keep their positions, and what can only be
//! read once (a named pipe).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::fingerprint::{FINGERPRINT_BYTES_MAX, Fingerprint};
use super::position::{FileId, Position, Start};
use crate::exit::{Exit, Failure};
use crate::files;

/// How many numbers are tried for a file whose own is taken by another source.
const SOURCE_TRIES_MAX: u64 = 16;

/// One input, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Standard,
    /// A file.
    File(PathBuf),
}

impl Input {
    /// The inputs that the arguments name: standard input for none and for `-`.
    pub fn of_arguments(arguments: &[PathBuf]) -> Vec<Self> {
        if arguments.is_empty() {
            return vec![Self::Standard];
        }
        let named =
            |path: &PathBuf| if path.as_os_str() == "-" { Self::Standard } else { Self::File(path.clone()) };
        arguments.iter().map(named).collect()
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Standard => "standard input".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Refuses, before anything is journaled, what can't be read at all.
    ///
    /// # Errors
    /// A directory is a mistake on the command line; a file that isn't there or may not be read is local I/O.
    pub fn check(&self) -> Result<(), Failure> {
        let Self::File(path) = self else { return Ok(()) };
        let unreadable = |error| self.unreadable(&error);
        let metadata = files::look(path).map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!("{} is a directory; name the files in it", path.display())));
        }
        if metadata.is_file() {
            drop(files::open(path).map_err(unreadable)?);
        }
        Ok(())
    }

    /// An error met while reading it.
    pub fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::new(Exit::LocalIo, format!("{} can't be read: {error}", self.name()))
    }
}

/// An open input.
pub enum Source {
    /// Something that can be read once only.
    Stream(Box<dyn Read + Send>),
    /// A file that goes on where the journal ends.
    File(Tracked),
}

/// A file and how far the journal has it.
#[derive(Debug)]
pub struct Tracked {
    /// The file, at the first byte to read.
    pub file: File,
    /// The number that its positions have in the journal.
    pub source: u64,
    /// The position of the first byte to read.
    pub position: Position,
    /// How that came about.
    pub start: Start,
}

impl Source {
    /// Opens an input. `known` tells what the journal keeps for a source number.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(input: &Input, from_start: bool, known: impl Fn(u64) -> Option<Vec<u8>>) -> io::Result<Self> {
        match input {
            Input::Standard => Ok(Self::Stream(Box::new(io::stdin()))),
            Input::File(path) => Self::open_file(path, from_start, known),
        }
    }

    fn open_file(path: &Path, from_start: bool, known: impl Fn(u64) -> Option<Vec<u8>>) -> io::Result<Self> {
        let mut file = files::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(Self::Stream(Box::new(file)));
        }
        let id = FileId { device: metadata.dev(), inode: metadata.ino() };
        let (source, known) = find_source(id, known);
        let start = match known {
            Some(known) if !from_start => {
                let beginning = Fingerprint::of(&mut file, known.fingerprint.len_bytes)?;
                Start::of(known, metadata.len(), beginning)
            }
            _ => Start::New,
        };
        let fingerprint = Fingerprint::of(&mut file, FINGERPRINT_BYTES_MAX)?;
        let (offset_bytes, entries) = match start {
            Start::Resume { offset_bytes, entries } => (offset_bytes, entries),
            Start::New | Start::Replaced | Start::Truncated { .. } => (0, 0),
        };
        file.seek(SeekFrom::Start(offset_bytes))?;
        let position = Position { file: id, offset_bytes, entries, fingerprint };
        Ok(Self::File(Tracked { file, source, position, start }))
    }
}

/// The number to keep the file's position under, and the position that is there: the file's own number, or the next
/// that no other source has.
fn find_source(id: FileId, known: impl Fn(u64) -> Option<Vec<u8>>) -> (u64, Option<Position>) {
    let own = id.source();
    for source in (0..SOURCE_TRIES_MAX).map(|add| own.wrapping_add(add)) {
        let Some(bytes) = known(source) else { return (source, None) };
        match Position::decode(&bytes) {
            Some(position) if position.file == id => return (source, Some(position)),
            _ => {}
        }
    }
    (own, None)
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
