//! A directory of its own in the local directory, on the very file system that a journal would use, and its removal. Knows
//! the library's own file operations.

use std::io;
use std::path::{Path, PathBuf};

use s3_journal::durable_queue::disk::{Disk, RealDisk};

use super::Leftover;
use crate::exit::{Exit, Failure};
use crate::files;

/// What to do where it can't be made.
pub const REMEDY: &str = "give --local-directory a directory that this user may write to";

/// The directory, empty at first.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// What had to be made above it, the deepest first.
    made: Vec<PathBuf>,
}

impl Scratch {
    /// Makes it below `directory`, which is made, too, when it is missing.
    ///
    /// # Errors
    /// It can't be made.
    pub fn make(directory: &Path, name: &str) -> Result<Self, Failure> {
        Self::try_make(directory, name).map_err(|error| {
            let directory = directory.display();
            Failure::new(Exit::Directory, format!("{directory} can't be used: {error}; {REMEDY}"))
        })
    }

    /// The same.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn try_make(directory: &Path, name: &str) -> io::Result<Self> {
        let is_missing = |path: &&Path| {
            let looked = if path.as_os_str().is_empty() { Ok(()) } else { files::look(path).map(drop) };
            looked.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        let made = directory.ancestors().take_while(is_missing).map(Path::to_owned).collect();
        let scratch = Self { path: directory.join(name), made };
        RealDisk.create_directory(&scratch.path).inspect_err(|_| scratch.remove_made())?;
        Ok(scratch)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, and what was made above it.
    ///
    /// # Errors
    /// What stays.
    pub fn remove(&self) -> Result<(), Leftover> {
        let emptied = || {
            for entry in RealDisk.entries(&self.path)? {
                RealDisk.remove(&self.path.join(entry.name))?;
            }
            RealDisk.remove_directory(&self.path)
        };
        let removed: io::Result<()> = emptied();
        removed.map_err(|error| Leftover {
            what: format!("the directory {}", self.path.display()),
            why: error.to_string(),
        })?;
        self.remove_made();
        Ok(())
    }

    fn remove_made(&self) {
        for directory in &self.made {
            // Only an empty one goes: by now there may be something of somebody else's in it.
            drop(RealDisk.remove_directory(directory));
        }
    }
}
