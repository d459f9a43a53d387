//! Bit rot: bytes of slabs that were synced change, vanish or turn to zeros behind everybody's back. Reads frames by what is documented of
//! them, with no code of the product's. Knows the disk.
//!
//! Only what the product promises to find is damaged: whole older slabs, and in the newest one frames of which a later frame says that
//! they were synced (what is beyond that can't be told from a torn write). That frame must be on the medium itself: what says so and is lost
//! with the power, or with a sync that fails, says nothing to the next opening. Nor does the last one, which may be written in part. The newest slab's header and
//! checkpoint are left alone: without them a log is refused.

use std::path::{Path, PathBuf};

use durable_queue::fake::{Dice, FakeDisk, Loss};

const FIRST_FRAME: usize = 4096;

/// A frame, by its header.
#[derive(Debug, Clone, Copy)]
struct Frame {
    at: usize,
    len: usize,
    /// Without its padding.
    used: usize,
    /// How far its writer had seen the slab synced.
    claim: u64,
}

fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    let bytes = bytes.get(at..at + len).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn frames(content: &[u8]) -> Vec<Frame> {
    let (mut frames, mut at) = (Vec::new(), FIRST_FRAME);
    while at + 64 <= content.len() && number(content, at, 8) != 0 {
        let len = 64 + number(content, at + 12, 4) + number(content, at + 16, 4);
        let Ok(used) = usize::try_from(len) else { break };
        let len = used.next_multiple_of(8);
        if at + len > content.len() {
            break;
        }
        frames.push(Frame { at, len, used, claim: number(content, at + 32, 8) });
        at += len;
    }
    frames
}

/// What of a frame is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its header.
    Header,
    /// The last byte of what follows the header.
    Content,
}

/// Flips a bit in the `nth` frame of a slab; whether there is such a frame.
pub fn flip(disk: &FakeDisk, slab: &Path, nth: usize, part: Part) -> bool {
    let Some(frame) = disk.content(slab).and_then(|content| frames(&content).get(nth).copied()) else {
        return false;
    };
    disk.tamper(slab, |content| {
        let at = match part {
            Part::Header => frame.at + 9,
            Part::Content => frame.at + frame.used - 1,
        };
        content.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
    });
    true
}

/// Damages something; says what, if there was anything to damage.
pub fn strike(disk: &FakeDisk, directory: &Path, dice: &mut Dice) -> Option<String> {
    let slabs: Vec<PathBuf> = disk
        .files()
        .into_iter()
        .filter(|path| path.parent() == Some(directory) && path.extension().is_some_and(|end| end == "slab"))
        .collect();
    let drawn = usize::try_from(dice.below(slabs.len().max(1) as u64)).unwrap_or(0);
    let slab = slabs.get(drawn)?;
    let content = disk.content(slab)?;
    let medium = disk.fork();
    medium.lose_power(Loss::Lost);
    // A slab after it that hasn't a frame yet is no successor: it may never become one.
    let begins = |slab: &PathBuf| medium.content(slab).is_some_and(|content| !frames(&content).is_empty());
    let is_newest = !slabs.iter().skip(drawn + 1).any(begins);
    let name = slab.file_name()?.to_string_lossy().into_owned();
    if !is_newest && dice.one_in(6) {
        let what = match dice.below(4) {
            0 if drawn > 0 => {
                disk.lose_file(slab);
                "is gone".to_owned()
            }
            1 => {
                let len = usize::try_from(dice.below(content.len() as u64)).unwrap_or(0);
                disk.tamper(slab, |content| content.truncate(len));
                format!("is cut to {len} bytes")
            }
            2 => {
                disk.tamper(slab, |content| content.iter_mut().take(FIRST_FRAME).for_each(|byte| *byte = 0));
                "has lost its header".to_owned()
            }
            _ => {
                let at = usize::try_from(dice.below(FIRST_FRAME as u64)).unwrap_or(0);
                disk.tamper(slab, |content| content.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1));
                format!("has a bit of its header flipped at {at}")
            }
        };
        return Some(format!("{name} {what}"));
    }
    let frames = frames(&medium.content(slab)?);
    let candidates: Vec<Frame> = frames
        .iter()
        .enumerate()
        .filter(|(place, frame)| {
            let is_told = |later: &Frame| later.claim >= (frame.at + frame.len) as u64;
            let whole = frames.len().saturating_sub(1);
            !is_newest || (*place > 0 && frames.iter().take(whole).skip(place + 1).any(is_told))
        })
        .map(|(_, frame)| *frame)
        .collect();
    let drawn = usize::try_from(dice.below(candidates.len().max(1) as u64)).unwrap_or(0);
    let frame = *candidates.get(drawn)?;
    let offset = usize::try_from(dice.below(frame.len as u64)).unwrap_or(0);
    let at = frame.at + offset;
    let what = if dice.one_in(3) {
        let len = (1 + usize::try_from(dice.below(512)).unwrap_or(0)).min(frame.at + frame.len - at);
        disk.tamper(slab, |content| content.iter_mut().skip(at).take(len).for_each(|byte| *byte = 0));
        format!("has {len} zeros at {at}")
    } else {
        let bit = dice.below(8);
        disk.tamper(slab, |content| content.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << bit));
        format!("has a bit flipped at {at}")
    };
    Some(format!("{name} {what}, in the frame at {}", frame.at))
}
