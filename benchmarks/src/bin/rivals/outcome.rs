//! What a child process found, and how it tells it: a line of numbers. Knows Linux's `/proc`; elsewhere some of it is 0.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use s3_journal_benchmarks::measure::Sample;

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// How much was done, how long it took.
    pub sample: Sample,
    /// What the process caused to be written to the disk.
    pub written_bytes: f64,
    /// The most memory it had at once.
    pub memory_bytes: f64,
    /// Disk room of what is left in the directory.
    pub disk_bytes: f64,
}

impl Outcome {
    /// Looks at this process and its directory.
    pub fn look(sample: Sample, directory: &Path) -> Self {
        let field = |path, name: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            number.unwrap_or(0.0)
        };
        Self {
            sample,
            written_bytes: field("/proc/self/io", "write_bytes"),
            memory_bytes: field("/proc/self/status", "VmHWM") * 1024.0,
            disk_bytes: disk_bytes(directory),
        }
    }

    /// As a line.
    pub fn line(&self) -> String {
        let Self { sample, written_bytes, memory_bytes, disk_bytes } = self;
        let (wall, cpu) = (sample.wall.as_secs_f64(), sample.cpu.as_secs_f64());
        format!("{} {wall} {cpu} {written_bytes} {memory_bytes} {disk_bytes}", sample.amount)
    }

    /// From such a line; the last one, since some crates print, too.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<f64> =
            text.lines().next_back()?.split(' ').map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let &[amount, wall, cpu, written_bytes, memory_bytes, disk_bytes] = numbers.as_slice() else {
            return None;
        };
        let sample =
            Sample { amount, wall: Duration::from_secs_f64(wall), cpu: Duration::from_secs_f64(cpu) };
        Some(Self { sample, written_bytes, memory_bytes, disk_bytes })
    }
}

fn disk_bytes(directory: &Path) -> f64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => disk_bytes(&entry.path()),
        // stat(2): in units of 512 bytes, whatever the file system's block is.
        Ok(about) => about.blocks() as f64 * 512.0,
        Err(_) => 0.0,
    });
    sizes.sum()
}
