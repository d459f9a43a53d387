//! The proof that a queue directory is whole: every slab and frame read, what the records say held against their bytes and
//! against each other, and the whole against the bucket. Changes nothing, needs no lock. Knows records, the log and the
//! reader; nothing of the halves that write and upload.
//!
//! * `follow`: what the records mean together, and what is wrong with them (pure);
//! * `beside`: what the directory says beside what the bucket says;
//! * `findings`, `report`: the result, as data.

mod beside;
mod findings;
mod follow;
mod report;

use std::path::Path;

use durable_queue::disk::{Disk, RealDisk};

use crate::status::StatusError;
use follow::Follow;

pub use beside::BesideOptions;
pub use findings::{LocalFinding, LocalFindingKind};
pub use report::{LocalObject, LocalReport, LocalSlab, ObjectState, TornBytes};

/// How often it looks again when something seems wrong beside a running journal, whose directory changes meanwhile.
const LOOKS: usize = 5;

/// Reads a local directory whole and reports what it holds and what is wrong with it; changes nothing, needs no lock and no
/// bucket. What is wrong is no error but a finding.
///
/// A journal that is running on it is named in [`LocalReport::held_by`]; what it writes meanwhile may or may not be looked at.
///
/// # Durability
/// What it tells of the newest batches may not be on the medium yet.
///
/// # Errors
/// [`StatusError`]: the directory can't be read, or holds no journal.
pub fn verify_local(local_directory: impl AsRef<Path>) -> Result<LocalReport, StatusError> {
    verify_local_on(&RealDisk, local_directory.as_ref())
}

pub(crate) fn verify_local_on(disk: &dyn Disk, directory: &Path) -> Result<LocalReport, StatusError> {
    let mut report = look(disk, directory)?;
    for _ in 1..LOOKS {
        if report.is_whole() || report.held_by.is_none() {
            break;
        }
        report = look(disk, directory)?;
    }
    Ok(report)
}

fn look(disk: &dyn Disk, directory: &Path) -> Result<LocalReport, StatusError> {
    let mut follow = Follow::default();
    let audited = durable_queue::audit(disk, directory, &mut follow)?;
    if audited.slabs.is_empty() {
        return Err(StatusError::Empty { directory: directory.to_owned() });
    }
    Ok(follow.finish(directory, audited))
}
