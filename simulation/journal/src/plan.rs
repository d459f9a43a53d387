//! What one seed's journal is told: its options. Knows the faults.

use std::time::Duration;

use durable_queue::fake::Dice;
use s3_journal::{Compressor, Options};

use crate::faults::{Fault, Faults};

/// A journal's options, small enough that everything that takes many entries elsewhere takes few here.
#[derive(Debug, Clone)]
pub struct Plan {
    pub compressor: Compressor,
    pub delimiter: Vec<u8>,
    pub batch_latency: Option<Duration>,
    pub batch_entries: u64,
    pub batch_bytes: usize,
    pub entry_bytes: usize,
    pub fsync: bool,
    pub shards: Option<u32>,
    pub object_bytes: u64,
    pub object_age: Duration,
    pub part_bytes: u64,
    pub parallel: usize,
    pub queue_entries: Option<u64>,
    pub format: &'static str,
    pub expiration: Option<Duration>,
    pub slab_bytes: u64,
    /// Decided by whoever damages the queue.
    pub quarantine: bool,
}

impl Plan {
    /// Options of which everything may differ from opening to opening but what makes a directory another journal's.
    pub fn draw(dice: &mut Dice) -> Self {
        let compressor = match dice.below(40) {
            0..=15 => Compressor::None,
            16..=23 => Compressor::Gzip,
            24..=30 => Compressor::Zstd,
            31..=34 => Compressor::Snappy,
            35..=38 => Compressor::Lz4,
            _ => Compressor::Lzma2,
        };
        Self {
            compressor,
            delimiter: if dice.one_in(20) { Vec::new() } else { b"\n".to_vec() },
            batch_latency: (!dice.one_in(5)).then(|| Duration::from_millis(1 + dice.below(200))),
            batch_entries: 1 + dice.below(12),
            batch_bytes: 64 + small(dice.below(2_000)),
            entry_bytes: 100 + small(dice.below(900)),
            fsync: !dice.one_in(7),
            shards: dice.one_in(4).then(|| 1 + u32::try_from(dice.below(36)).unwrap_or(0)),
            object_bytes: 200 + dice.below(3_000),
            object_age: Duration::from_millis(200 + dice.below(400_000)),
            part_bytes: 64 + dice.below(700),
            parallel: 1 + small(dice.below(4)),
            queue_entries: dice.one_in(8).then(|| 3 + dice.below(40)),
            format: match dice.below(4) {
                0 => "yyyy/MM/dd/HH/mm",
                1 => "yyyy/MM/dd/HH",
                _ => "yyyy/MM/dd",
            },
            expiration: dice.one_in(6).then(|| Duration::from_secs(60 + dice.below(4_000))),
            slab_bytes: (78 << 10) + dice.below(24 << 10),
            quarantine: false,
        }
    }

    /// The same journal, opened again: perhaps with other options. The delimiter stays: entries are cut by it.
    #[must_use]
    pub fn again(&self, dice: &mut Dice, faults: Faults) -> Self {
        if !faults.has(Fault::Options) || !dice.one_in(3) {
            return self.clone();
        }
        let Self { fsync, quarantine, .. } = *self;
        Self { delimiter: self.delimiter.clone(), fsync, quarantine, ..Self::draw(dice) }
    }

    /// The options, but for the world they are used in.
    pub fn options(&self) -> Options {
        let mut options = Options::new()
            .id("sim")
            .compressor(self.compressor.clone())
            .delimiter(self.delimiter.clone())
            .max_batch_size(self.batch_entries)
            .max_batch_bytes(self.batch_bytes)
            .max_entry_bytes(self.entry_bytes)
            .fsync(self.fsync)
            .max_object_size(self.object_bytes)
            .max_object_age(self.object_age)
            .part_size(self.part_bytes)
            .max_concurrent_uploads(self.parallel)
            .quarantine(self.quarantine)
            .s3_directory_format(self.format);
        if matches!(self.compressor, Compressor::Zstd) {
            options = options.compression_level(1);
        }
        if matches!(self.compressor, Compressor::Lzma2) {
            options = options.compression_level(0);
        }
        if let Some(latency) = self.batch_latency {
            options = options.max_batch_latency(latency);
        }
        if let Some(shards) = self.shards {
            options = options.shards(shards);
        }
        if let Some(entries) = self.queue_entries {
            options = options.max_queue_size(entries);
        }
        if let Some(expiration) = self.expiration {
            options = options.expiration(expiration);
        }
        options
    }
}

fn small(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
