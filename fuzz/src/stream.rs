//! The assembly of objects: entries, cut into batches and objects anywhere, each object closed from its last tail alone, are
//! one standard stream per object, which an independent decoder and the reader's own decode to exactly the entries. A flipped
//! bit, a cut, or something behind it gives an error or the same entries, never others.

use std::io::{self, Read};

use arbitrary::{Arbitrary, Unstructured};
use s3_journal::stream::{Codec, Encoder, Tail, decoder, trailer};

use crate::bytes::{Bytes, filling};

/// Bytes of entries, at most: what is repeated ends there.
const RAW_BYTES_MAX: usize = 256 << 10;
/// Batches, at most.
const BATCHES_MAX: usize = 48;
/// Of an object's bits, so many are flipped.
const FLIPS: usize = 3;

/// What is tried.
#[derive(Debug)]
pub struct Input {
    codec: Codec,
    level: Option<i32>,
    batches: Vec<Batch>,
    /// Where objects are flipped and cut.
    harm: u16,
    /// How much is read at a time.
    chunk: usize,
}

#[derive(Debug)]
struct Batch {
    entries: Vec<Vec<u8>>,
    /// The process dies behind this batch: what comes next goes into another object.
    ends_object: bool,
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut bytes = Bytes(u);
        let codec = Codec::ALL[usize::from(bytes.below(6))];
        let level = level(codec, bytes.byte());
        let harm = bytes.short();
        let chunk = usize::from(bytes.byte()) * 37 + 1;
        let mut batches = vec![Batch { entries: Vec::new(), ends_object: false }];
        let mut len = 0;
        while !bytes.is_over() && len < RAW_BYTES_MAX && batches.len() < BATCHES_MAX {
            let what = bytes.byte();
            let mut add = |mut entry: Vec<u8>| {
                entry.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
                len += entry.len() + 1;
                if let Some(batch) = batches.last_mut() {
                    batch.entries.push(entry);
                }
            };
            match what % 16 {
                0..=6 => add(bytes.few()),
                7..=8 => {
                    let (seed, len) = (bytes.byte(), usize::from(bytes.short()));
                    add(filling(seed, len));
                }
                // One entry, over and over.
                9..=10 => {
                    let (entry, times) = (bytes.few(), bytes.byte());
                    for _ in 0..times {
                        add(entry.clone());
                    }
                }
                11 => {
                    for _ in 0..bytes.byte() {
                        add(Vec::new());
                    }
                }
                12..=14 => batches.push(Batch { entries: Vec::new(), ends_object: false }),
                _ => {
                    if let Some(batch) = batches.last_mut() {
                        batch.ends_object = true;
                    }
                    batches.push(Batch { entries: Vec::new(), ends_object: false });
                }
            }
        }
        Ok(Self { codec, level, batches, harm, chunk })
    }
}

/// A level that is quick enough.
fn level(codec: Codec, byte: u8) -> Option<i32> {
    let (lowest, highest) = match codec {
        Codec::Gzip => (1, 9),
        Codec::Zstd => (-7, 12),
        Codec::Lzma2 => (0, 1),
        _ => return None,
    };
    // Without a level xz takes 32 MiB, and the time to clear them.
    if byte == 0 && codec != Codec::Lzma2 {
        None
    } else {
        Some(lowest + i32::from(byte) % (highest - lowest + 1))
    }
}

/// Tries it.
pub fn check(input: Input) {
    let Input { codec, level, batches, harm, chunk } = input;
    let mut writer = Object::new(codec, level);
    let mut first = true;
    for Batch { entries, ends_object } in batches {
        writer.add(&entries);
        if ends_object {
            let next = Object::new(codec, level);
            std::mem::replace(&mut writer, next).check(harm, chunk, first);
            first = false;
        }
    }
    writer.check(harm, chunk, first);
}

/// One object as the scribe makes it.
struct Object {
    codec: Codec,
    level: Option<i32>,
    encoder: Option<Encoder>,
    raw: Vec<u8>,
    /// Where in the entries' bytes the batches end.
    ends: Vec<usize>,
    stored: Vec<u8>,
    tail: Tail,
}

impl Object {
    fn new(codec: Codec, level: Option<i32>) -> Self {
        Self {
            codec,
            level,
            encoder: None,
            raw: Vec::new(),
            ends: Vec::new(),
            stored: Vec::new(),
            tail: Tail::default(),
        }
    }

    fn add(&mut self, entries: &[Vec<u8>]) {
        let begin = self.raw.len();
        for entry in entries {
            self.raw.extend_from_slice(entry);
            self.raw.push(b'\n');
        }
        let encoder = self.encoder.get_or_insert_with(|| {
            Encoder::new(self.codec, self.level).expect("a level that the format has")
        });
        let before = self.stored.len();
        encoder.write(&self.raw[begin..], &mut self.stored).expect("there is memory");
        let tail = encoder.tail();
        assert_eq!(tail.raw_len, self.raw.len() as u64);
        assert_eq!(tail.stored_len, self.stored.len() as u64);
        assert_eq!(self.stored.len() > before, self.raw.len() > begin);
        self.tail = tail;
        self.ends.push(self.raw.len());
    }

    /// The encoder is gone; what was recorded closes the object.
    fn check(mut self, harm: u16, chunk: usize, thorough: bool) {
        self.encoder = None;
        let codec = self.codec;
        let open_len = self.stored.len();
        let end = trailer(codec, &self.tail);
        assert_eq!(end, trailer(codec, &self.tail));
        self.stored.extend_from_slice(&end);
        let (raw, stored) = (&self.raw, &self.stored);

        let decoded = decode(codec, stored, chunk).unwrap_or_else(|error| panic!("{codec}: {error:?}"));
        same(codec, "the reader", &decoded, raw);
        let others = independent(codec, stored).unwrap_or_else(|error| panic!("{codec}: {error:?}"));
        same(codec, "an independent decoder", &others, raw);
        if !thorough {
            return;
        }

        // What there is of it before its end is all of its entries so far.
        if open_len > 0 {
            same(codec, "a reader of what isn't closed", &decode_prefix(codec, &stored[..open_len]), raw);
        }
        if codec == Codec::None || stored.is_empty() {
            return;
        }
        for garbage in [&b"\0"[..], b"\0\0\0\0", b"PK", &stored[..stored.len().min(40)]] {
            let longer = [stored, garbage].concat();
            assert!(
                decode(codec, &longer, chunk).is_err(),
                "{codec}: {garbage:?} behind the stream was passed over"
            );
        }
        for at in 0..FLIPS {
            let bit = (usize::from(harm) * (2 * at + 1) * 8191 + at) % (stored.len() * 8);
            let mut flipped = stored.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(decoded) = decode(codec, &flipped, chunk) {
                same(codec, &format!("a reader of an object with bit {bit} flipped"), &decoded, raw);
            }
        }
        let cut = usize::from(harm) % stored.len();
        match decode(codec, &stored[..cut], chunk) {
            // Its chunks stand alone, and there is no end mark.
            Ok(decoded) if codec == Codec::Snappy => assert!(raw.starts_with(&decoded)),
            Ok(_) => panic!("{codec}: the first {cut} bytes of {} were taken for all", stored.len()),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{codec}: {error:?}"),
        }
    }
}

fn same(codec: Codec, who: &str, decoded: &[u8], raw: &[u8]) {
    if decoded != raw {
        let at = decoded.iter().zip(raw).position(|(one, two)| one != two);
        panic!(
            "{codec}: {who} has {} bytes of {}, and the first other one at {at:?}",
            decoded.len(),
            raw.len()
        );
    }
}

/// By the product's reader.
fn decode(codec: Codec, stored: &[u8], chunk: usize) -> io::Result<Vec<u8>> {
    let mut decoder = decoder(codec, stored)?;
    let mut decoded = Vec::new();
    let mut buffer = vec![0; chunk];
    loop {
        match decoder.read(&mut buffer)? {
            0 => return Ok(decoded),
            len => decoded.extend_from_slice(&buffer[..len]),
        }
    }
}

/// What can be decoded before the end is missed.
fn decode_prefix(codec: Codec, stored: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    if let Ok(mut decoder) = decoder(codec, stored) {
        let _ = decoder.read_to_end(&mut decoded);
    }
    decoded
}

/// By a reader that shares nothing with the product's but the libraries beneath, in one go; fails unless all of it is one
/// stream.
fn independent(codec: Codec, stored: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut rest = stored;
    match codec {
        Codec::Gzip => {
            flate2::bufread::GzDecoder::new(&mut rest).read_to_end(&mut decoded)?;
        }
        Codec::Zstd => {
            let frame = zstd::zstd_safe::find_frame_compressed_size(stored)
                .map_err(|code| io::Error::other(zstd::zstd_safe::get_error_name(code)))?;
            rest = &stored[frame..];
            zstd::stream::read::Decoder::with_buffer(&stored[..frame])?.read_to_end(&mut decoded)?;
        }
        Codec::Lzma2 => {
            let stream = liblzma::stream::Stream::new_stream_decoder(64 << 20, 0)?;
            liblzma::bufread::XzDecoder::new_stream(&mut rest, stream).read_to_end(&mut decoded)?;
        }
        Codec::Lz4 => {
            lz4_flex::frame::FrameDecoder::new(&mut rest).read_to_end(&mut decoded)?;
        }
        Codec::Snappy => {
            snap::read::FrameDecoder::new(&mut rest).read_to_end(&mut decoded)?;
        }
        _ => {
            decoded.extend_from_slice(stored);
            rest = &[];
        }
    }
    if rest.is_empty() { Ok(decoded) } else { Err(io::Error::other(format!("{} bytes follow", rest.len()))) }
}
