//! Damaged objects into the reader: no bytes panic, or take more memory than the reader's bounds, whatever they claim; and of a
//! journal one object of which is damaged by accident, `cat` writes what was written, up to the damage, and `verify` is content
//! only where nothing has changed.

use std::cell::OnceCell;
use std::io::{self, Read};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, UNIX_EPOCH};

use arbitrary::{Arbitrary, Unstructured};
use s3_journal::bucket::{Bucket, MemoryBucket, Put};
use s3_journal::durable_queue::checksum;
use s3_journal::object::{Id, Incarnation, KeyLayout, ObjectMetadata, ObjectName, Predecessor, RunId};
use s3_journal::read::{
    AHEAD_BYTES, CatOptions, Depth, HELD_BYTES, Proof, ReadError, Reader, Selection, VerifyOptions,
};
use s3_journal::stream::{Codec, Encoder, MAX_WINDOW_BYTES, decoder, trailer};

use crate::bytes::{Bytes, filling};
use crate::memory::Peak;

const PREFIX: &str = "events";
const OBJECTS_MAX: usize = 4;
/// A bomb that is still going off after so many bytes will do so for ever.
const DECODED_BYTES_MAX: usize = 24 << 20;
/// What a decoder may take beside its window: buffers and tables.
const BESIDE_BYTES: u64 = 12 << 20;
/// How often memory is looked at, in bytes decoded.
const LOOK_BYTES: usize = 1 << 20;

/// What is tried.
#[derive(Debug)]
pub enum Input {
    /// Bytes are decoded.
    Bytes {
        /// As what.
        codec: Codec,
        /// How much is asked for at a time.
        chunk: usize,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The only object of a journal holds these bytes.
    Object {
        /// As what.
        codec: Codec,
        /// How it is read.
        options: Options,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A journal, and damage to one of its objects.
    Journal {
        /// How its objects are compressed.
        codec: Codec,
        /// How it is read.
        options: Options,
        /// Entries of each object: a seed, and how many.
        objects: Vec<(u8, u8)>,
        /// Which is damaged, where and how.
        damage: Option<(u8, u16, Damage)>,
    },
}

/// How it is read.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    go_on: bool,
    while_writing: bool,
    /// Entries to be cut out.
    range: Option<(u64, u64)>,
}

/// What happens to an object's bytes. None of it makes a right checksum but by chance.
#[derive(Debug)]
pub enum Damage {
    /// One bit is flipped.
    Flip(u8),
    /// The rest is gone.
    Cut,
    /// A range is zeroed.
    Zero(u16),
    /// Bytes follow.
    Extend(Vec<u8>),
    /// Its beginning follows once more.
    Twice,
    /// A range is there twice.
    Repeat(u16),
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut bytes = Bytes(u);
        let mode = bytes.byte();
        let codec = Codec::ALL[usize::from(bytes.below(6))];
        let how = bytes.byte();
        if mode.is_multiple_of(3) {
            return Ok(Self::Bytes { codec, chunk: usize::from(how) * 257 + 1, bytes: bytes.rest() });
        }
        let options = Options {
            go_on: how & 1 == 1,
            while_writing: how & 2 == 2,
            range: (how & 4 == 4).then(|| {
                let from = u64::from(bytes.byte());
                (from, from + u64::from(bytes.byte()))
            }),
        };
        if mode % 3 == 1 {
            return Ok(Self::Object { codec, options, bytes: bytes.rest() });
        }
        let count = usize::from(bytes.byte()) % OBJECTS_MAX + 1;
        let objects: Vec<_> = (0..count).map(|_| (bytes.byte(), bytes.byte().max(1))).collect();
        let (which, at) = (bytes.byte(), bytes.short());
        let damage = match bytes.byte() % 8 {
            0 => None,
            1..=2 => Some(Damage::Flip(bytes.byte())),
            3 => Some(Damage::Cut),
            4 => Some(Damage::Zero(bytes.short())),
            5 => Some(Damage::Extend(bytes.few())),
            6 => Some(Damage::Twice),
            _ => Some(Damage::Repeat(bytes.short())),
        };
        Ok(Self::Journal { codec, options, objects, damage: damage.map(|damage| (which, at, damage)) })
    }
}

/// Tries it.
pub fn check(input: Input) {
    match input {
        Input::Bytes { codec, chunk, bytes } => decode(codec, chunk, &bytes),
        Input::Object { codec, options, bytes } => {
            let bucket = Objects::new();
            bucket.put(codec, 0, 0, None, bytes);
            let mut peak = Peak::begin();
            let _ = bucket.cat(options, &mut Limited::default());
            let _ = bucket.verify();
            let bound = MAX_WINDOW_BYTES + AHEAD_BYTES + HELD_BYTES + BESIDE_BYTES;
            peak.check(usize::try_from(bound).unwrap_or(usize::MAX), "the reader");
        }
        Input::Journal { codec, options, objects, damage } => journal(codec, options, &objects, damage),
    }
}

/// The bytes as the one stream of an object.
fn decode(codec: Codec, chunk: usize, bytes: &[u8]) {
    let mut peak = Peak::begin();
    let mut buffer = vec![0; chunk];
    let (mut decoded, mut looked) = (0, 0);
    let Ok(mut decoder) = decoder(codec, bytes) else { panic!("{codec}: no decoder") };
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => {
                // The end stays the end.
                assert!(matches!(decoder.read(&mut buffer), Ok(0)), "{codec}: something came behind the end");
                break;
            }
            Ok(len) => {
                assert!(len <= chunk);
                decoded += len;
            }
            Err(error) => {
                assert!(
                    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData),
                    "{codec}: {error:?}"
                );
                assert!(decoder.read(&mut buffer).is_err(), "{codec}: it goes on after {error:?}");
                break;
            }
        }
        if decoded >= looked {
            peak.look();
            looked = decoded + LOOK_BYTES;
        }
        if decoded > DECODED_BYTES_MAX {
            break;
        }
    }
    let bound = MAX_WINDOW_BYTES + BESIDE_BYTES;
    peak.check(usize::try_from(bound).unwrap_or(usize::MAX), codec.name());
}

fn journal(codec: Codec, options: Options, objects: &[(u8, u8)], damage: Option<(u8, u16, Damage)>) {
    let bucket = Objects::new();
    let mut texts: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut previous = None;
    let mut first = 0;
    let harmed = damage.as_ref().map(|(which, ..)| usize::from(*which) % objects.len());
    let mut is_damaged = false;
    for (number, (seed, count)) in objects.iter().enumerate() {
        let entries: Vec<Vec<u8>> = (0..*count).map(|at| entry(*seed, at)).collect();
        let sound = compress(codec, &entries);
        let crc64nvme = checksum(&sound);
        let described = Predecessor { entries: u64::from(*count), len_bytes: sound.len() as u64, crc64nvme };
        let stored = match &damage {
            Some((_, at, damage)) if harmed == Some(number) => damage.done_to(&sound, *at),
            _ => sound.clone(),
        };
        is_damaged |= stored != sound;
        bucket.put(codec, number as u64, first, previous, stored);
        previous = Some(described);
        first += u64::from(*count);
        texts.push(entries);
    }
    let harmed = harmed.filter(|_| is_damaged);
    let is_last = harmed.is_some_and(|harmed| harmed + 1 == objects.len());
    let mut out = Vec::new();
    let result = bucket.cat(options, &mut out);
    let is_within = |number: u64| options.range.is_none_or(|(from, to)| (from..to).contains(&number));
    let mut numbers = 0..;
    let mut expected = Vec::new();
    // Where the entries of each object end in what is expected.
    let mut ends = Vec::new();
    for entries in &texts {
        for (entry, number) in entries.iter().zip(&mut numbers) {
            if is_within(number) {
                expected.extend_from_slice(entry);
                expected.push(b'\n');
            }
        }
        ends.push(expected.len());
    }
    let Some(harmed) = harmed else {
        assert!(result.is_ok(), "{codec}: nothing is damaged, and {result:?}");
        assert!(out == expected, "{codec}: nothing is damaged, and other entries came back");
        assert!(bucket.verify(), "{codec}: nothing is damaged, and something was found");
        return;
    };
    let begin = if harmed == 0 { 0 } else { ends[harmed - 1] };
    let (before, behind) = (&expected[..begin], &expected[ends[harmed]..]);
    assert!(out.starts_with(before), "{codec}: what lies before the damage isn't there: {result:?}");
    let rest = &out[begin..];
    let own = &expected[begin..ends[harmed]];
    if is_last {
        // Nothing behind it says what it was. Without a checksum or an end of its own nothing can be told then; and some bits
        // mean nothing: those of a time in a header, for one.
        let tells = !matches!(codec, Codec::None | Codec::Snappy);
        if !tells || bucket.verify() {
            assert!(!tells || rest == own, "{codec}: damage passed for other entries: {result:?}");
            return;
        }
    }
    assert!(!bucket.verify(), "{codec}: object {harmed} is damaged, and nothing was found");
    if options.while_writing {
        // What is written of it before the damage shows may be of any kind; an error says so.
        let is_read = options.range.is_none_or(|(from, to)| from < to) && own.len() + behind.len() > 0;
        let cuts = options.range.is_some();
        assert!(result.is_err() || cuts || !is_read || options.go_on, "{codec}: damage passed: {result:?}");
    } else if result.is_ok() {
        // It was left out and told of, wasn't asked for, or is wanted by a range that ends before what is damaged.
        let is_right = rest == behind || rest == [own, behind].concat();
        assert!(is_right, "{codec}: other entries than were written came back: {result:?}");
        let told = result.is_ok_and(|findings| findings > 0);
        assert!(told || rest == [own, behind].concat(), "{codec}: entries are missing, and nothing is said");
    } else {
        assert!([own, behind].concat().starts_with(rest) || behind.starts_with(rest), "{codec}: {result:?}");
    }
}

fn entry(seed: u8, at: u8) -> Vec<u8> {
    let len = usize::from(seed.wrapping_mul(31).wrapping_add(at.wrapping_mul(17)) % 90);
    let mut entry = filling(seed, len);
    entry.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
    entry.extend_from_slice(at.to_string().as_bytes());
    entry
}

/// An object of two batches.
fn compress(codec: Codec, entries: &[Vec<u8>]) -> Vec<u8> {
    // The fastest of xz: the decoder is meant.
    let level = (codec == Codec::Lzma2).then_some(0);
    let mut encoder = Encoder::new(codec, level).expect("a level that the format has");
    let mut stored = Vec::new();
    for batch in entries.chunks(entries.len().div_ceil(2).max(1)) {
        let raw: Vec<u8> = batch.iter().flat_map(|entry| entry.iter().copied().chain([b'\n'])).collect();
        encoder.write(&raw, &mut stored).expect("there is memory");
    }
    stored.extend(trailer(codec, &encoder.tail()));
    stored
}

impl Damage {
    fn done_to(&self, sound: &[u8], at: u16) -> Vec<u8> {
        let at = usize::from(at) % sound.len().max(1);
        let until = |len: u16| (at + usize::from(len)).min(sound.len());
        let mut bytes = sound.to_vec();
        match self {
            Self::Flip(bit) => bytes[at] ^= 1 << (bit % 8),
            Self::Cut => bytes.truncate(at),
            Self::Zero(len) => bytes[at..until(*len)].fill(0),
            Self::Extend(more) => bytes.extend_from_slice(more),
            Self::Twice => bytes.extend_from_slice(sound),
            Self::Repeat(len) => drop(bytes.splice(at..at, sound[at..until(*len)].iter().copied())),
        }
        bytes
    }
}

/// One bucket and one reader for all inputs, since a reader has threads.
struct World {
    bucket: MemoryBucket,
    reader: Reader,
}

thread_local! {
    static WORLD: OnceCell<World> = const { OnceCell::new() };
}

/// The objects of one input; gone when dropped.
struct Objects;

impl Objects {
    fn new() -> Self {
        Self.empty();
        Self
    }

    fn empty(&self) {
        self.with(|world| {
            for key in world.bucket.objects().keys() {
                world.bucket.delete(key);
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&World) -> T) -> T {
        WORLD.with(|world| {
            act(world.get_or_init(|| {
                let bucket = MemoryBucket::new();
                let reader = Reader::new(Arc::new(bucket.clone()), PREFIX).expect("threads can be started");
                World { bucket, reader }
            }))
        })
    }

    fn put(&self, codec: Codec, number: u64, first: u64, previous: Option<Predecessor>, stored: Vec<u8>) {
        let name = ObjectName {
            id: Id::new("fuzz").expect("an id"),
            incarnation: Incarnation::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000), 7),
            number,
            first,
            run: RunId(9),
            suffix: codec.suffix().map(str::to_owned),
        };
        let key = KeyLayout::new(PREFIX, None).expect("no shards").key("2026/11/22", &name);
        let metadata = ObjectMetadata::new(&name, codec.name(), b"\n", UNIX_EPOCH, previous).to_map();
        let crc64nvme = checksum(&stored);
        let put = Put { key: &key, body: stored.into(), crc64nvme, metadata: &metadata, create_only: true };
        self.with(|world| {
            let mut request = world.bucket.put(put);
            let answer = request.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(answer, Poll::Ready(Ok(()))), "{answer:?}");
        });
    }

    /// What was found and left out.
    fn cat(&self, options: Options, out: &mut dyn io::Write) -> Result<usize, String> {
        let Options { go_on, while_writing, range } = options;
        let proof = if while_writing { Proof::WhileWriting } else { Proof::BeforeWriting };
        let options =
            CatOptions { go_on, proof, entry_bytes_max: DECODED_BYTES_MAX as u64, ..CatOptions::default() };
        let (from, to) = (range.map(|(from, _)| from), range.map(|(_, to)| to));
        let selection = Selection { from, to, ..Selection::default() };
        match self.with(|world| world.reader.cat(&selection, out, options)) {
            Ok(summary) => Ok(summary.findings.len()),
            Err(ReadError::NotWhole { finding, .. }) => Err(finding.text),
            Err(ReadError::Output(error)) if error.kind() == io::ErrorKind::StorageFull => {
                Err("a bomb".to_owned())
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Whether everything is whole.
    fn verify(&self) -> bool {
        let options = VerifyOptions { entry_bytes_max: DECODED_BYTES_MAX as u64, ..VerifyOptions::default() };
        let (selection, depth) = (Selection::default(), Depth::Deep);
        let report = self.with(|world| world.reader.verify(&selection, depth, options, &mut |_| {}));
        report.expect("the bucket answers").is_whole()
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.empty();
    }
}

/// Takes so much and no more.
#[derive(Default)]
struct Limited(usize);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > DECODED_BYTES_MAX { Err(io::ErrorKind::StorageFull.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
