//! Directories of files made by hand: arbitrary bytes, and slabs encoded after the documentation in `slab.rs` and `frame.rs`,
//! by code of its own. Knows how a directory is opened.

use std::collections::BTreeMap;

use durable_queue::fake::FakeDisk;
use durable_queue::{Log, Position, Record, Through, checksum};

use super::opening::{Opened, Told, directory, environment, open_in_every_way, options, slab_path};
use crate::bytes::{Bytes, filling};
use crate::frame::mend_frames;

const FILES_MAX: usize = 5;
const FRAMES_MAX: usize = 8;
const HEADER_BYTES: usize = 4096;
const FRAME_HEADER_BYTES: usize = 64;
const CHECKPOINT: u16 = 1;

/// The files of a directory.
#[derive(Debug)]
pub struct Directory {
    files: Vec<(Name, Content)>,
}

#[derive(Debug, Clone, Copy)]
enum Name {
    /// The slab that follows the file before.
    Next,
    Slab(u64),
    Other(&'static str),
}

#[derive(Debug)]
enum Content {
    /// As they are.
    Raw(Vec<u8>),
    /// Behind the right header of a slab, with the sums of what look like frames put right.
    Headed(Vec<u8>),
    Frames {
        wrong: u8,
        frames: Vec<Frame>,
        behind: Behind,
    },
}

#[derive(Debug)]
enum Behind {
    Zeros(usize),
    Bytes(Vec<u8>),
}

/// A frame, right but for what is `wrong`.
#[derive(Debug)]
struct Frame {
    kind: u16,
    wrong: u8,
    value: u64,
    payload: Vec<u8>,
}

// What can be wrong with a slab's header ...
const IDENTITY: u8 = 1;
const PREDECESSOR: u8 = 2;
const NUMBER: u8 = 4;
const NO_CHECKPOINT: u8 = 8;
const VERSION: u8 = 16;
const SUM: u8 = 32;
// ... and with a frame.
const INDEX: u8 = 1;
const DURABLE_THROUGH: u8 = 2;
const PREDECESSOR_END: u8 = 4;
const HEADER_SUM: u8 = 8;
const META_SUM: u8 = 16;
const PAYLOAD_SUM: u8 = 32;
const LENGTHS: u8 = 64;
/// Not wrong: it says that all before it was synced.
const ALL_DURABLE: u8 = 128;

impl Directory {
    pub fn read(bytes: &mut Bytes<'_, '_>) -> Self {
        let mut files = Vec::new();
        while !bytes.is_over() && files.len() < FILES_MAX {
            let name = match bytes.byte() {
                0..=199 => Name::Next,
                200..=229 => Name::Slab(bytes.byte().into()),
                230..=239 => Name::Other("next.tmp"),
                240..=244 => Name::Other("0000000000000001-000000004096-0000000000000000.torn"),
                245..=249 => Name::Other("lock"),
                _ => Name::Other("9999999999999999.slab"),
            };
            let content = match bytes.byte() % 8 {
                0 => Content::Raw(bytes.few()),
                1 => Content::Headed(bytes.few()),
                _ => Content::read_frames(bytes),
            };
            files.push((name, content));
        }
        Self { files }
    }

    pub fn check(self) {
        let disk = FakeDisk::new();
        let mut known = Known::default();
        let mut previous: Option<Previous> = None;
        disk.plant(&directory().join("lock"), b"somebody");
        for (name, content) in self.files {
            let next = previous.as_ref().map_or(1, |previous| previous.number + 1);
            let (number, path) = match name {
                Name::Next => (next, slab_path(next)),
                Name::Slab(number) => (number, slab_path(number)),
                Name::Other(name) => (next, directory().join(name)),
            };
            let (bytes, this) = content.bytes(number, previous.as_ref(), &mut known);
            disk.plant(&path, &bytes);
            if matches!(name, Name::Next | Name::Slab(_)) {
                previous = Some(this);
            }
        }
        let opened = open_in_every_way(&disk);
        if let Opened::Yes { told, .. } = opened {
            told.records.iter().for_each(|(record, payload)| known.check(record, payload));
            go_on(&disk, &told, &known);
        }
    }
}

/// Begins a slab, reads everything, and opens it once more.
fn go_on(disk: &FakeDisk, told: &Told, known: &Known) {
    let mut again = Told::default();
    let opening = Log::open(environment(disk, 1002), options(), &mut again).expect("it was opened before");
    assert_eq!(&again, told);
    let log = opening.begin(b"all of that").expect("the disk has room");
    let mut reader = log.reader(Position::ZERO, Through::Durable);
    let mut payload = Vec::new();
    while let Ok(Some(record)) = reader.next() {
        if reader.read_checked(&record, &mut payload).is_ok() {
            known.check(&record, &payload);
        }
    }
    disk.kill();
    match super::opening::open(disk, 1003) {
        Opened::Yes { told, cut: None } => {
            assert_eq!(told.checkpoint.as_deref(), Some(&b"all of that"[..]));
            assert!(told.records.is_empty());
        }
        other => panic!("it was opened and begun, and then {other:?}"),
    }
}

/// The slab that a next one follows.
#[derive(Debug, Default)]
struct Previous {
    number: u64,
    salt: u64,
    end: u64,
    next_index: u64,
}

/// The frames that are there, by place, with their right sums. Bytes that came as they are may hold others.
#[derive(Debug, Default)]
struct Known {
    frames: BTreeMap<Position, (u16, Vec<u8>, Vec<u8>)>,
    has_raw_bytes: bool,
}

impl Known {
    fn check(&self, record: &Record, payload: &[u8]) {
        assert!(record.kind >= 16, "a frame of the log's own was told as a record: {record:?}");
        assert_eq!(checksum(payload), record.payload_crc);
        if self.has_raw_bytes {
            return;
        }
        match self.frames.get(&record.position) {
            Some((kind, meta, known)) => {
                assert_eq!((record.kind, &record.meta[..], payload), (*kind, &meta[..], &known[..]));
            }
            None => panic!("nobody wrote {record:?}"),
        }
    }
}

impl Content {
    fn read_frames(bytes: &mut Bytes<'_, '_>) -> Self {
        // Most are right.
        let sometimes = |what: u8| if what < 192 { 0 } else { what & 63 };
        let wrong = sometimes(bytes.byte());
        let count = usize::from(bytes.byte()) % FRAMES_MAX;
        let frames = (0..count)
            .map(|_| {
                let kind = u16::from(bytes.byte() % 24);
                let wrong = bytes.byte();
                let (wrong, is_all_durable) = (if wrong & 15 == 0 { wrong >> 1 } else { 0 }, wrong & 16 != 0);
                let wrong = match wrong {
                    0 => 0,
                    _ => 1 << (bytes.byte() % 7),
                };
                let value = if wrong == 0 { 0 } else { bytes.long() >> (bytes.byte() % 64) };
                let (seed, len) = (bytes.byte(), usize::from(bytes.byte()));
                let payload = filling(seed, len);
                Frame { kind, wrong: wrong | if is_all_durable { ALL_DURABLE } else { 0 }, value, payload }
            })
            .collect();
        let behind = match bytes.byte() {
            len @ 0..=127 => Behind::Zeros(usize::from(len) * 8),
            128..=191 => Behind::Zeros(0),
            _ => Behind::Bytes(bytes.few()),
        };
        Self::Frames { wrong, frames, behind }
    }

    fn bytes(self, number: u64, previous: Option<&Previous>, known: &mut Known) -> (Vec<u8>, Previous) {
        let salt = 0x5a17 + number;
        let next_index = previous.map_or(0, |previous| previous.next_index);
        match self {
            Self::Raw(bytes) => {
                known.has_raw_bytes = true;
                (bytes, Previous { number, salt, end: 4096, next_index })
            }
            Self::Headed(mut frames) => {
                known.has_raw_bytes = true;
                mend_frames(salt, &mut frames);
                let mut bytes = header(number, salt, previous, 0);
                bytes.extend(frames);
                let end = bytes.len() as u64;
                (bytes, Previous { number, salt, end, next_index: next_index + 1 })
            }
            Self::Frames { wrong, frames, behind } => {
                let mut slab =
                    Slab { number, salt, next_index, bytes: header(number, salt, previous, wrong) };
                if wrong & NO_CHECKPOINT == 0 {
                    let end = previous.map_or(0, |previous| previous.end);
                    let meta = [end.to_le_bytes(), [0; 8]].concat();
                    let frame = Frame { kind: CHECKPOINT, wrong: 0, value: 0, payload: b"state".to_vec() };
                    slab.push(&frame, meta, known);
                }
                for frame in &frames {
                    let meta = if frame.kind == CHECKPOINT || frame.wrong & PREDECESSOR_END != 0 {
                        [frame.value.to_le_bytes(), [0; 8]].concat()
                    } else {
                        frame.value.to_le_bytes()[..usize::from(frame.kind) % 8].to_vec()
                    };
                    slab.push(frame, meta, known);
                }
                let Slab { next_index, mut bytes, .. } = slab;
                let end = bytes.len() as u64;
                match behind {
                    Behind::Zeros(len) => bytes.resize(bytes.len() + len, 0),
                    Behind::Bytes(behind) => {
                        known.has_raw_bytes |= !behind.is_empty();
                        bytes.extend(behind);
                    }
                }
                (bytes, Previous { number, salt, end, next_index })
            }
        }
    }
}

fn header(number: u64, salt: u64, previous: Option<&Previous>, wrong: u8) -> Vec<u8> {
    let is = |what: u8| wrong & what != 0;
    let (before, before_salt) =
        previous.map_or((number.wrapping_sub(1), 0x5a16 + number), |p| (p.number, p.salt));
    let (before, before_salt) = if number == 1 { (0, 0) } else { (before, before_salt) };
    let mut bytes = b"\x89dqslab\n".to_vec();
    bytes.extend((if is(VERSION) { 2_u32 } else { 1 }).to_le_bytes());
    bytes.extend(4096_u32.to_le_bytes());
    bytes.extend([if is(IDENTITY) { 8 } else { 7 }; 16]);
    bytes.extend((if is(NUMBER) { number ^ 1 } else { number }).to_le_bytes());
    bytes.extend(salt.to_le_bytes());
    bytes.extend(before.to_le_bytes());
    bytes.extend((if is(PREDECESSOR) { before_salt ^ 1 } else { before_salt }).to_le_bytes());
    bytes.extend(6144_u64.to_le_bytes());
    bytes.extend(1_700_000_000_000_u64.to_le_bytes());
    bytes.resize(HEADER_BYTES - 8, 0);
    let sum = checksum(&bytes) ^ u64::from(is(SUM));
    bytes.extend(sum.to_le_bytes());
    bytes
}

struct Slab {
    number: u64,
    salt: u64,
    next_index: u64,
    bytes: Vec<u8>,
}

impl Slab {
    fn push(&mut self, frame: &Frame, meta: Vec<u8>, known: &mut Known) {
        let Frame { kind, wrong, value, payload } = frame;
        let is = |what: u8| wrong & what != 0;
        let len = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let offset = self.bytes.len() as u64;
        let index = if is(INDEX) { *value } else { self.next_index };
        let mut durable_through = if is(ALL_DURABLE) { offset } else { 0 };
        if is(DURABLE_THROUGH) {
            durable_through = *value;
        }
        let (mut meta_len, mut payload_len) = (len(meta.len()), len(payload.len()));
        if is(LENGTHS) {
            let [a, b, c, d, rest @ ..] = value.to_le_bytes();
            (meta_len, payload_len) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(rest));
        }
        let mut body = Vec::with_capacity(FRAME_HEADER_BYTES - 8);
        body.extend(kind.to_le_bytes());
        body.extend(1_u16.to_le_bytes().map(|byte| byte & u8::from(*kind < 16)));
        body.extend(meta_len.to_le_bytes());
        body.extend(payload_len.to_le_bytes());
        body.extend([0; 4]);
        body.extend(index.to_le_bytes());
        body.extend(durable_through.to_le_bytes());
        body.extend((checksum(&meta) ^ u64::from(is(META_SUM))).to_le_bytes());
        body.extend((checksum(payload) ^ u64::from(is(PAYLOAD_SUM))).to_le_bytes());
        body.extend([0; 8]);
        let covered = [&self.salt.to_le_bytes()[..], &offset.to_le_bytes(), &body].concat();
        let sum = checksum(&covered) ^ u64::from(is(HEADER_SUM));
        self.bytes.extend(sum.to_le_bytes());
        self.bytes.extend(body);
        self.bytes.extend(&meta);
        self.bytes.extend(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.next_index = index.wrapping_add(1);
        if wrong & (HEADER_SUM | META_SUM | PAYLOAD_SUM | LENGTHS) == 0 {
            let place = Position { slab: self.number, offset_bytes: offset };
            known.frames.insert(place, (*kind, meta, payload.clone()));
        }
    }
}
