//! What the figures mean together: for each compressor, which of disk, compressor and store holds a `write` up. Pure.

use s3_journal::read::escaped;
use serde::Serialize;

use super::Leftover;
use super::compressors::CompressorFigures;
use super::disk::DiskFigures;
use super::store::StoreFigures;
use crate::human;

/// Everything that was found.
#[derive(Debug)]
pub struct Report {
    /// The disk.
    pub disk: DiskFigures,
    /// The store.
    pub store: StoreFigures,
    /// What was compressed.
    pub sample: SampleFigures,
    /// Each compressor.
    pub compressors: Vec<CompressorFigures>,
    /// What couldn't be removed again.
    pub left_behind: Vec<String>,
}

/// What was compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SampleFigures {
    /// So much.
    pub bytes: usize,
    /// They were nobody's entries.
    pub is_made_up: bool,
}

/// What a `write` waits for most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bottleneck {
    /// Writing to the local disk.
    Disk,
    /// Compressing.
    Compressor,
    /// Sending parts to the store.
    Store,
}

impl Bottleneck {
    fn words(self) -> &'static str {
        match self {
            Self::Disk => "the disk",
            Self::Compressor => "the compressor",
            Self::Store => "the store",
        }
    }
}

/// With one compressor; all rates are of entries' bytes, before compression.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict<'r> {
    #[serde(flatten)]
    compressor: &'r CompressorFigures,
    /// What the disk takes.
    disk_bytes_per_second: f64,
    /// What the store takes.
    store_bytes_per_second: f64,
    /// What holds it up.
    bottleneck: Bottleneck,
    /// The most that can go through.
    at_most_bytes_per_second: f64,
}

impl<'r> Verdict<'r> {
    fn of(compressor: &'r CompressorFigures, disk: &DiskFigures, store: &StoreFigures) -> Self {
        // Disk and store have the compressed bytes, so they carry as many times more of the entries'.
        let disk_bytes_per_second = disk.sequential_bytes_per_second * compressor.ratio;
        let store_bytes_per_second = store.parts_bytes_per_second * compressor.ratio;
        let mut least = (Bottleneck::Store, store_bytes_per_second);
        let others = [
            (Bottleneck::Compressor, compressor.bytes_per_second),
            (Bottleneck::Disk, Some(disk_bytes_per_second)),
        ];
        for (what, rate) in others {
            if let Some(rate) = rate.filter(|rate| *rate < least.1) {
                least = (what, rate);
            }
        }
        let (bottleneck, at_most_bytes_per_second) = least;
        Self {
            compressor,
            disk_bytes_per_second,
            store_bytes_per_second,
            bottleneck,
            at_most_bytes_per_second,
        }
    }
}

/// All of it, for programs.
#[derive(Debug, Serialize)]
pub struct ForPrograms<'r> {
    disk: &'r DiskFigures,
    store: &'r StoreFigures,
    sample: SampleFigures,
    compressors: Vec<Verdict<'r>>,
    fastest: Option<&'r str>,
    left_behind: &'r [String],
}

impl Report {
    /// The same, with what is left behind.
    pub fn with(mut self, left: Vec<Leftover>) -> Self {
        self.left_behind = left.into_iter().map(|leftover| leftover.what).collect();
        self
    }

    /// As one JSON object.
    pub fn for_programs(&self) -> ForPrograms<'_> {
        ForPrograms {
            disk: &self.disk,
            store: &self.store,
            sample: self.sample,
            compressors: self.verdicts(),
            fastest: self.fastest().map(|verdict| verdict.compressor.name.as_str()),
            left_behind: &self.left_behind,
        }
    }

    fn verdicts(&self) -> Vec<Verdict<'_>> {
        self.compressors.iter().map(|one| Verdict::of(one, &self.disk, &self.store)).collect()
    }

    /// With which most goes through; of equals the first.
    fn fastest(&self) -> Option<Verdict<'_>> {
        self.verdicts().into_iter().reduce(|best, other| {
            if other.at_most_bytes_per_second > best.at_most_bytes_per_second { other } else { best }
        })
    }

    /// As a table, and what it says in words.
    pub fn lines(&self) -> Vec<String> {
        let (disk, store) = (&self.disk, &self.store);
        let row = |what: &str, figure: &str| format!("  {what:<56}{figure:>12}");
        let written = format!("{} one after the other, with syncs", human::bytes(disk.sequential_bytes));
        let put = format!("an object of 1 KiB, the middle one of {}", store.puts);
        let parts = format!(
            "{} of {}, {} at once",
            human::counted(store.parts, "part", "parts"),
            human::bytes(store.part_bytes),
            store.parts_at_once
        );
        let mut lines = vec![
            escaped(&format!("disk: {}", disk.directory)).into_owned(),
            row(&written, &rate(disk.sequential_bytes_per_second)),
            row(&format!("4 KiB and a sync, the middle one of {}", disk.syncs), &short(disk.sync_seconds)),
            row("99 of 100 of them take no longer than", &short(disk.sync_99th_percentile_seconds)),
            escaped(&format!("store: {}", store.name)).into_owned(),
            row(&put, &short(store.put_seconds)),
            row("the slowest of them", &short(store.put_slowest_seconds)),
            row("so many fit into a second, one after the other", &format!("{:.0}", store.puts_per_second)),
            row(&parts, &rate(store.parts_bytes_per_second)),
            String::new(),
            "What each takes of entries, before compression:".to_owned(),
            cells("compressor", "ratio", "compressor", "disk", "store", "a `write`", "is held up by"),
        ];
        for verdict in self.verdicts() {
            lines.push(cells(
                &verdict.compressor.name,
                &format!("{:.2}", verdict.compressor.ratio),
                &verdict.compressor.bytes_per_second.map_or_else(|| "-".to_owned(), rate),
                &rate(verdict.disk_bytes_per_second),
                &rate(verdict.store_bytes_per_second),
                &rate(verdict.at_most_bytes_per_second),
                verdict.bottleneck.words(),
            ));
        }
        lines.push(String::new());
        lines.extend(self.words());
        lines
    }

    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(fastest) = self.fastest() {
            let Verdict { compressor, bottleneck, at_most_bytes_per_second, .. } = fastest;
            words.push(format!(
                "Most goes through with --compressor {}: at most {}, held up by {}.",
                compressor.name,
                rate(at_most_bytes_per_second),
                bottleneck.words()
            ));
        }
        words.push(format!(
            "An entry is durable no sooner than after a sync ({}), and uploaded no sooner than after a put ({}).",
            short(self.disk.sync_seconds),
            short(self.store.put_seconds)
        ));
        let shared = if self.store.name.starts_with("file:") {
            "processors, and the disk if the bucket is on the same one"
        } else {
            "processors"
        };
        words.push(format!(
            "Each was measured alone: in a `write` they share the {shared}, and reading lines takes its part, too."
        ));
        if self.sample.is_made_up {
            words.push(
                "The entries were made up: --sample FILE measures the compressors on yours.".to_owned(),
            );
        }
        words
    }
}

fn cells(name: &str, ratio: &str, compressor: &str, disk: &str, store: &str, all: &str, by: &str) -> String {
    format!("  {name:<11}{ratio:>6}{compressor:>12}{disk:>12}{store:>12}{all:>12}  {by}")
}

/// So many bytes in a second, for people.
pub fn rate(bytes_per_second: f64) -> String {
    match bytes_per_second / 1e6 {
        mega @ ..9.995 => format!("{mega:.2} MB/s"),
        mega => format!("{mega:.0} MB/s"),
    }
}

/// A short time, for people.
pub fn short(seconds: f64) -> String {
    match seconds {
        ..0.009_995 => format!("{:.2} ms", seconds * 1e3),
        ..0.999_5 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
