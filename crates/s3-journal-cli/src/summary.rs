//! What a `write` has done, at its end.

use std::time::Duration;

use serde::Serialize;

use crate::human;

/// What a `write` has done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// Entries taken from the input.
    pub entries: u64,
    /// Their bytes, without delimiters.
    pub bytes: u64,
    /// Objects that arrived in the bucket.
    pub objects: u64,
    /// Entries that arrived in the bucket; those of an earlier run are among them.
    pub uploaded: u64,
    /// Entries that still wait in the local directory.
    pub remaining: u64,
    /// Entries taken that aren't durable: the local disk had no room for them, or failed.
    pub not_kept: u64,
    /// How long it took.
    pub seconds: f64,
}

impl Summary {
    /// One line for people.
    pub fn line(&self) -> String {
        let waiting = match self.remaining {
            0 => String::new(),
            remaining => {
                let wait = human::counted(remaining, "entry waits", "entries wait");
                format!("; {wait} in the local directory")
            }
        };
        let not_kept = match self.not_kept {
            0 => String::new(),
            not_kept => format!("; {} not kept", human::counted(not_kept, "entry", "entries")),
        };
        format!(
            "{} ({}) taken, {} in {} uploaded, in {}{waiting}{not_kept}",
            human::counted(self.entries, "entry", "entries"),
            human::bytes(self.bytes),
            human::counted(self.uploaded, "entry", "entries"),
            human::counted(self.objects, "object", "objects"),
            human::time(Duration::try_from_secs_f64(self.seconds).unwrap_or_default()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: Summary = Summary {
        entries: 1_000,
        bytes: 2_048,
        objects: 1,
        uploaded: 1_200,
        remaining: 0,
        not_kept: 0,
        seconds: 1.5,
    };

    #[test]
    fn for_people_it_is_a_line() {
        let line = SUMMARY.line();
        assert_eq!(line, "1,000 entries (2.00 KiB) taken, 1,200 entries in 1 object uploaded, in 1.5 s");
        let waiting = Summary { remaining: 1, ..SUMMARY }.line();
        assert!(waiting.ends_with("; 1 entry waits in the local directory"), "{waiting}");
        let full = Summary { not_kept: 2, ..SUMMARY }.line();
        assert!(full.ends_with("; 2 entries not kept"), "{full}");
    }

    #[test]
    fn for_programs_it_is_an_object() {
        let json = serde_json::to_value(SUMMARY).unwrap();
        for (name, value) in
            [("entries", 1_000), ("bytes", 2_048), ("objects", 1), ("uploaded", 1_200), ("remaining", 0)]
        {
            assert_eq!(json[name], value, "{name}");
        }
        assert_eq!(json["seconds"], 1.5);
    }
}
