//! Looking at a log without opening it: beside a running writer, or after its death. Changes nothing, takes no lock. Knows
//! recovery.

use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::error::OpenError;
use crate::recovery::{Cut, Damage, Survey, SurveyMode, Visitor, survey, visit};

/// How often it looks again when what it sees doesn't fit together: beside a writer that turns slabs over, a look isn't one
/// moment.
const LOOKS: usize = 10;

/// A slab as an inspection finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlabOnDisk {
    /// Its number.
    pub number: u64,
    /// Its file.
    pub file: PathBuf,
    /// Length of the file: more than its frames take while it is written.
    pub len_bytes: u64,
    /// Where its frames end.
    pub end_bytes: u64,
}

/// What an inspection found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspected {
    /// The log's identity; nothing if there is no log yet.
    pub identity: Option<[u8; 16]>,
    /// Whether it was closed in order. Never beside a running writer.
    pub was_clean: bool,
    /// Its slabs, oldest first.
    pub slabs: Vec<SlabOnDisk>,
    /// Bytes after the last good frame that opening would cut. Beside a running writer: a write under way.
    pub torn: Option<Cut>,
    /// Damage to acknowledged bytes, as far as opening the log would look. Only what the visitor accepted: else there is no answer.
    pub damage: Vec<Damage>,
}

/// Tells `visitor` of the newest checkpoint and the records after it, as opening the log would; changes nothing.
///
/// # Durability
/// What it tells may not be on the medium yet.
///
/// # Errors
/// See [`OpenError`]; a directory that isn't there is [`OpenError::NotUsable`].
pub fn inspect(disk: &dyn Disk, directory: &Path, visitor: &mut dyn Visitor) -> Result<Inspected, OpenError> {
    let mut look = survey(disk, directory, SurveyMode::Inspect);
    for _ in 1..LOOKS {
        let is_damaged = look.as_ref().is_ok_and(Survey::is_damaged);
        if !is_damaged && !matches!(look, Err(OpenError::Corrupt { .. } | OpenError::Io { .. })) {
            break;
        }
        look = survey(disk, directory, SurveyMode::Inspect);
    }
    let survey = look.map_err(|error| match error {
        OpenError::Io { operation: "listing", source, .. } => {
            OpenError::NotUsable { directory: directory.to_owned(), source }
        }
        other => other,
    })?;
    let damage = visit(disk, &survey, visitor)?;
    let slabs = survey.slabs.iter().enumerate().map(|(at, head)| SlabOnDisk {
        number: head.header.number,
        file: head.path.clone(),
        len_bytes: head.len_bytes,
        end_bytes: survey.end_of(at).unwrap_or(head.len_bytes),
    });
    Ok(Inspected {
        identity: survey.slabs.last().map(|head| head.header.identity),
        was_clean: survey.base.as_ref().is_none_or(|base| base.was_clean) && survey.dropped.is_none(),
        slabs: slabs.collect(),
        torn: survey.torn(),
        damage,
    })
}
