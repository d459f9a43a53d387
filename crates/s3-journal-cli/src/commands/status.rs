//! `status`: what a local directory holds and waits for; offline, without a lock, beside a running `write`.

use s3_journal::read::escaped;
use s3_journal::{DamageStatus, LeftOut, Status};

use super::store;
use crate::exit::{Exit, Failure};
use crate::flags::status::StatusFlags;
use crate::human;
use crate::output::{Flow, Output};
use crate::paths;

/// Runs it.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(flags: &StatusFlags, output: &mut Output) -> Result<Exit, Failure> {
    let directory = paths::local_directory(flags.local_directory.as_deref(), flags.id.as_deref())?;
    let status = s3_journal::status(&directory).map_err(|error| store::look_failure(&error))?;
    if flags.json {
        output.json(&status)?;
    } else {
        for (name, value) in lines(&status) {
            if output.line(&format!("{name:<16}{}", escaped(&value)))? == Flow::Gone {
                return Ok(Exit::Done);
            }
        }
    }
    output.finish()?;
    Ok(Exit::Done)
}

/// What is told to people.
fn lines(status: &Status) -> Vec<(&'static str, String)> {
    let objects = human::counted(status.pending_objects, "object", "objects");
    let mut lines = vec![
        ("local directory", status.local_directory.display().to_string()),
        ("journal", format!("{} {}", status.id, status.incarnation)),
        ("bucket", place(&status.store, &status.prefix)),
        ("written", human::counted(status.next_sequence, "entry", "entries")),
        ("uploaded", human::counted(status.uploaded_sequence, "entry", "entries")),
        ("waiting", format!("{}, in {objects}", human::counted(status.pending_entries, "entry", "entries"))),
    ];
    if let Some(key) = &status.open_object {
        let entries = human::counted(status.open_object_entries, "entry", "entries");
        lines.push(("open object", format!("{key}: {entries}, {}", human::bytes(status.open_object_bytes))));
    }
    lines.push((
        "on disk",
        format!("{}, {}", human::counted(status.slabs, "slab", "slabs"), human::bytes(status.bytes)),
    ));
    if let Some(bytes) = status.buffers_bytes_max {
        lines.push(("buffers", format!("{} of memory at the most", human::bytes(bytes))));
    }
    if status.sources > 0 {
        lines.push(("positions", format!("of {}", human::counted(status.sources, "source", "sources"))));
    }
    let end = if status.was_clean { "in order" } else { "running, or it was killed" };
    lines.push(("last writer", end.to_owned()));
    if status.torn_bytes > 0 {
        let torn = human::counted(status.torn_bytes, "byte", "bytes");
        lines.push(("torn end", format!("{torn} that were never acknowledged")));
    }
    lines.extend(status.damage.iter().map(|damage| ("damage", damaged(damage))));
    if status.left_out_entries > 0 {
        let entries = human::counted(status.left_out_entries, "entry", "entries");
        lines.push(("left out", format!("{entries} because of damage; the last:")));
    }
    lines.extend(status.left_out.iter().map(|left_out| ("", left_out_of(left_out))));
    lines
}

fn damaged(damage: &DamageStatus) -> String {
    let DamageStatus { file, offset_bytes, reason, first, next, .. } = damage;
    let entries = match (first, next) {
        (Some(first), Some(next)) if first == next => "no entry".to_owned(),
        (Some(first), Some(next)) => range(*first, *next),
        (Some(first), None) => format!("entries from {first} on, as far as anything is known"),
        (None, _) => "entries known when it is read".to_owned(),
    };
    format!("{} at offset {offset_bytes}: {reason}; {entries}", file.display())
}

fn left_out_of(left_out: &LeftOut) -> String {
    let good = match left_out.good_entries {
        0 => String::new(),
        good => format!(", {good} of them whole"),
    };
    let entries = range(left_out.first, left_out.next);
    format!("{entries}, of object {}{good}: {}", left_out.number, left_out.kept_as.display())
}

fn range(first: u64, next: u64) -> String {
    let last = next.saturating_sub(1);
    if last <= first { format!("entry {first}") } else { format!("entries {first} to {last}") }
}

fn place(store: &str, prefix: &str) -> String {
    if prefix.is_empty() { store.to_owned() } else { format!("{store}/{prefix}") }
}
