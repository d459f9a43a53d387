//! Damage to the files of a dead log. None of it can make a right sum but by chance. Knows the fake disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use durable_queue::Position;
use durable_queue::fake::FakeDisk;

use super::opening::{directory, slab_number, slab_path};
use crate::bytes::Bytes;

/// Bytes of a slab's header: damage to it is always refused, and most of the fuzzer's offsets are meant for the frames.
const HEADER_BYTES: usize = 4096;

/// One thing that happens to a file.
#[derive(Debug)]
pub struct Damage {
    /// Which of the files.
    file: u8,
    at: u16,
    what: What,
}

#[derive(Debug)]
enum What {
    Flip {
        bit: u8,
    },
    /// A few bytes are others.
    Mask {
        mask: u8,
        len: u8,
    },
    Zero {
        len: u16,
    },
    /// Everything from there on is gone.
    Cut,
    Extend {
        byte: u8,
        len: u8,
    },
    /// Two ranges of the file change places.
    Swap {
        with: u16,
        len: u8,
    },
    /// A range of another file, at the same offset, takes its place.
    Stale {
        from: u8,
        len: u16,
    },
    Remove,
    /// It is there under another name, too.
    Copy {
        number: u8,
    },
    /// Two files change names.
    Exchange {
        with: u8,
    },
}

impl Damage {
    pub fn read(bytes: &mut Bytes<'_, '_>) -> Self {
        let what = bytes.byte();
        let (file, at) = (bytes.byte(), bytes.short());
        let what = match what % 16 {
            0..=3 => What::Flip { bit: bytes.byte() % 8 },
            4..=5 => What::Mask { mask: bytes.byte().max(1), len: bytes.byte() },
            6..=7 => What::Zero { len: bytes.short() },
            8..=9 => What::Cut,
            10 => What::Extend { byte: bytes.byte(), len: bytes.byte() },
            11 => What::Swap { with: bytes.short(), len: bytes.byte() },
            12 => What::Stale { from: bytes.byte(), len: bytes.short() },
            13 => What::Remove,
            14 => What::Copy { number: bytes.byte() },
            _ => What::Exchange { with: bytes.byte() },
        };
        Self { file, at, what }
    }

    pub fn befall(&self, disk: &FakeDisk) {
        let files: Vec<PathBuf> = disk.files().into_iter().filter(|path| !path.ends_with("lock")).collect();
        let pick = |file: u8| files.get(usize::from(file) % files.len().max(1));
        let Some(path) = pick(self.file) else { return };
        let bytes = disk.content(path).unwrap_or_default();
        let at = place(self.at, bytes.len());
        let until = |len: usize| (at + len).min(bytes.len());
        let mut changed = bytes.clone();
        match &self.what {
            What::Flip { bit } => changed
                .get_mut(at..)
                .and_then(<[u8]>::first_mut)
                .into_iter()
                .for_each(|byte| *byte ^= 1 << bit),
            What::Mask { mask, len } => {
                changed[at..until(usize::from(*len))].iter_mut().for_each(|byte| *byte ^= mask);
            }
            What::Zero { len } => changed[at..until(usize::from(*len))].fill(0),
            What::Cut => changed.truncate(at),
            What::Extend { byte, len } => changed.resize(bytes.len() + usize::from(*len), *byte),
            What::Swap { with, len } => {
                let with = place(*with, bytes.len());
                let len = usize::from(*len).min(bytes.len() - at.max(with)).min(at.abs_diff(with));
                changed[at..at + len].copy_from_slice(&bytes[with..with + len]);
                changed[with..with + len].copy_from_slice(&bytes[at..at + len]);
            }
            What::Stale { from, len } => {
                let other = pick(*from).and_then(|path| disk.content(path)).unwrap_or_default();
                let end = until(usize::from(*len)).min(other.len()).max(at);
                changed[at..end].copy_from_slice(other.get(at..end).unwrap_or_default());
            }
            What::Remove => return disk.lose_file(path),
            What::Copy { number } => return disk.plant(&slab_path(u64::from(*number)), &bytes),
            What::Exchange { with } => {
                let Some(other) = pick(*with) else { return };
                let others = disk.content(other).unwrap_or_default();
                disk.plant(other, &bytes);
                return disk.plant(path, &others);
            }
        }
        disk.plant(path, &changed);
    }
}

/// Where a number points in a file: the upper half of them into its header.
fn place(at: u16, len: usize) -> usize {
    let within = usize::from(at & 0x7fff);
    if len <= HEADER_BYTES || at & 0x8000 != 0 {
        within % len.clamp(1, HEADER_BYTES)
    } else {
        HEADER_BYTES + within % (len - HEADER_BYTES)
    }
    .min(len)
}

/// What the slabs hold, by number.
pub fn slabs(disk: &FakeDisk) -> BTreeMap<u64, Vec<u8>> {
    let files = disk.files().into_iter().filter(|path| path.starts_with(directory()));
    files.filter_map(|path| Some((slab_number(&path)?, disk.content(&path)?))).collect()
}

/// The first byte of the slabs that isn't as it was.
pub fn first_difference(before: &BTreeMap<u64, Vec<u8>>, after: &BTreeMap<u64, Vec<u8>>) -> Option<Position> {
    let numbers = before.keys().chain(after.keys()).copied();
    let differences = numbers.filter_map(|number| {
        let offset = match (before.get(&number), after.get(&number)) {
            (Some(one), Some(two)) => {
                let differs = one.iter().zip(two).position(|(one, two)| one != two);
                differs.or((one.len() != two.len()).then_some(one.len().min(two.len())))?
            }
            _ => 0,
        };
        Some(Position { slab: number, offset_bytes: offset as u64 })
    });
    differences.min()
}
