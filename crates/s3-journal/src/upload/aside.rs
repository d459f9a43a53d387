//! What is left out of the stream because of damage, kept aside in files of its own: the damaged bytes, what is whole between
//! them, and a description. Knows `examine` and the disk.
//!
//! For each time that damage is passed by, in the directory `quarantine` below the local directory, with a name that says which
//! object and from which entry on, `NNNNNNNN-FFFFFFFFFFFF`:
//!
//! * `NAME-SLAB-OFFSET.frames`, one for each slab concerned: its bytes from OFFSET on, as they were found, up to where the next
//!   object begins. Frames in them are as in a slab, but for where they lie: see `frame.rs` of `durable-queue`.
//! * `NAME.entries`, where objects aren't compressed: the entries of the batches that are whole, each with its delimiter.
//! * `NAME.json`: object, key and compressor; the damaged places with the entries they cost; and each whole batch with its entries, the
//!   `.frames` file that holds it, and where in it its bytes are (`offset_bytes`, `len_bytes`, `crc64nvme`): what the compressor made of it.
//!   The batches of snappy and of custom compressors can be decompressed one by one; those of the others need what was before them.
//!
//! The description is written last: with it everything is there. Written again after a crash the files are the same.

use std::io;
use std::path::{Path, PathBuf};

use durable_queue::Position;
use durable_queue::disk::{Disk, OpenMode};
use serde::Serialize;

use super::examine::Examined;
use crate::sabotage;

/// The directory of what was left out, below the local directory.
pub const DIRECTORY: &str = "quarantine";

/// How much is copied at a time.
const PIECE_BYTES: usize = 256 << 10;

/// What couldn't be kept.
#[derive(Debug, thiserror::Error)]
#[error("{operation} of {} failed", path.display())]
pub struct AsideError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> AsideError {
    let path = path.to_owned();
    move |source| AsideError { operation, path, source }
}

/// The description.
#[derive(Debug, Serialize)]
struct Description<'a> {
    format: u32,
    incarnation: &'a str,
    number: u64,
    key: Option<&'a str>,
    compressor: Option<&'a str>,
    first: u64,
    next: u64,
    places: Vec<DescribedPlace<'a>>,
    frames: Vec<String>,
    good: Vec<DescribedBatch>,
    entries: Option<String>,
}

#[derive(Debug, Serialize)]
struct DescribedPlace<'a> {
    file: String,
    from_bytes: u64,
    to: Position,
    reason: &'a str,
    first: u64,
    next: Option<u64>,
}

#[derive(Debug, Serialize)]
struct DescribedBatch {
    number: u64,
    first: u64,
    entries: u64,
    file: String,
    offset_bytes: u64,
    len_bytes: u32,
    crc64nvme: String,
}

/// What is to be kept.
#[derive(Debug)]
pub struct Aside<'a> {
    /// The local directory.
    pub directory: &'a Path,
    /// In which life of it.
    pub incarnation: &'a str,
    /// What the damage comes to.
    pub examined: &'a Examined,
    /// Where the next object begins, and its first entry.
    pub end: (Position, u64),
}

impl Aside<'_> {
    /// The name of the description, below the local directory.
    pub fn name(&self) -> String {
        format!("{DIRECTORY}/{}.json", self.stem())
    }

    fn stem(&self) -> String {
        format!("{:08}-{:012}", self.examined.number, self.examined.first)
    }

    /// Keeps it.
    ///
    /// # Durability
    /// Everything is on the medium when it returns.
    ///
    /// # Errors
    /// The operating system's: it can be done again.
    pub fn keep(&self, disk: &dyn Disk) -> Result<(), AsideError> {
        let directory = self.directory.join(DIRECTORY);
        disk.create_directory(&directory).map_err(failed("making", &directory))?;
        // An earlier process may have made it and died.
        sabotage::SYNC_ASIDE_DIRECTORY
            .guard(|| disk.sync_directory(self.directory))
            .map_err(failed("sync", self.directory))?;
        let (from, to) = (self.examined.from, self.end.0);
        let mut frames = Vec::new();
        for slab in from.slab..=to.slab {
            let start = if slab == from.slab { from.offset_bytes } else { 0 };
            let end = if slab == to.slab { to.offset_bytes } else { u64::MAX };
            frames.extend(self.copy(disk, &directory, slab, start, end)?);
        }
        let entries = self.entries(disk, &directory)?;
        let description = self.describe(&frames, entries);
        let text = serde_json::to_vec_pretty(&description).unwrap_or_default();
        write(disk, &directory.join(format!("{}.json", self.stem())), &mut |target| {
            target.write_at(&text, 0)
        })?;
        sabotage::SYNC_ASIDE_DIRECTORY
            .guard(|| disk.sync_directory(&directory))
            .map_err(failed("sync", &directory))
    }

    fn frames_name(&self, slab: u64) -> (String, u64) {
        let from = self.examined.from;
        let start = if slab == from.slab { from.offset_bytes } else { 0 };
        (format!("{}-{slab:016}-{start:012}.frames", self.stem()), start)
    }

    /// Copies a slab's bytes; its file's name, if there is such a slab.
    fn copy(
        &self,
        disk: &dyn Disk,
        directory: &Path,
        slab: u64,
        start: u64,
        end: u64,
    ) -> Result<Option<String>, AsideError> {
        let path = self.slab_path(slab);
        let source = match disk.open(&path, OpenMode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            source => source.map_err(failed("open", &path))?,
        };
        let end = end.min(source.len_bytes().map_err(failed("length", &path))?);
        if end <= start {
            return Ok(None);
        }
        let (name, _) = self.frames_name(slab);
        let mut buffer = vec![0; PIECE_BYTES];
        write(disk, &directory.join(&name), &mut |target| {
            let mut offset = start;
            while offset < end {
                let len = usize::try_from(end - offset).unwrap_or(usize::MAX).min(PIECE_BYTES);
                let Some(piece) = buffer.get_mut(..len) else { break };
                source.read_exact_at(piece, offset)?;
                target.write_at(piece, offset - start)?;
                offset += len as u64;
            }
            Ok(())
        })?;
        Ok(Some(name))
    }

    /// Writes the entries that can be read as they are.
    fn entries(&self, disk: &dyn Disk, directory: &Path) -> Result<Option<String>, AsideError> {
        let examined = self.examined;
        if examined.good.is_empty() || examined.compressor.as_deref() != Some("none") {
            return Ok(None);
        }
        let good = examined.good.iter().filter(|batch| batch.number == examined.number);
        let name = format!("{}.entries", self.stem());
        let mut batches = Vec::new();
        for batch in good {
            let path = self.slab_path(batch.payload.slab);
            let source = disk.open(&path, OpenMode::Read).map_err(failed("open", &path))?;
            batches.push((source, batch.payload.offset_bytes, batch.len_bytes));
        }
        write(disk, &directory.join(&name), &mut |target| {
            let mut written = 0;
            for (source, offset, len_bytes) in &batches {
                let mut bytes = vec![0; usize::try_from(*len_bytes).unwrap_or(usize::MAX)];
                source.read_exact_at(&mut bytes, *offset)?;
                target.write_at(&bytes, written)?;
                written += bytes.len() as u64;
            }
            Ok(())
        })?;
        Ok(Some(name))
    }

    fn describe(&self, frames: &[String], entries: Option<String>) -> Description<'_> {
        let examined = self.examined;
        let places = examined.places.iter().map(|place| DescribedPlace {
            file: place.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            from_bytes: place.from.offset_bytes,
            to: place.to,
            reason: &place.reason,
            first: place.first,
            next: place.next,
        });
        let good = examined.good.iter().map(|batch| {
            let (file, start) = self.frames_name(batch.payload.slab);
            DescribedBatch {
                number: batch.number,
                first: batch.first,
                entries: batch.entries,
                file,
                offset_bytes: batch.payload.offset_bytes - start,
                len_bytes: batch.len_bytes,
                crc64nvme: format!("{:016x}", batch.crc64nvme),
            }
        });
        Description {
            format: 1,
            incarnation: self.incarnation,
            number: examined.number,
            key: examined.key.as_deref(),
            compressor: examined.compressor.as_deref(),
            first: examined.first,
            next: self.end.1,
            places: places.collect(),
            frames: frames.to_vec(),
            good: good.collect(),
            entries,
        }
    }

    fn slab_path(&self, slab: u64) -> PathBuf {
        self.directory.join(format!("{slab:016}.slab"))
    }
}

/// A new file instead of what an earlier attempt may have left of it.
fn write(
    disk: &dyn Disk,
    path: &Path,
    fill: &mut dyn FnMut(&dyn durable_queue::disk::DiskFile) -> io::Result<()>,
) -> Result<(), AsideError> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", path)(error));
        }
        _ => {}
    }
    let target = disk.open(path, OpenMode::CreateNew).map_err(failed("create", path))?;
    fill(&*target).map_err(failed("copy", path))?;
    sabotage::SYNC_ASIDE.guard(|| target.sync()).map_err(failed("sync", path))
}
