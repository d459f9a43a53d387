//! Whatever the batches and wherever the encoder dies, pieces and trailer are one whole stream of their format, for
//! this crate's strict reader and for readers that others wrote.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the report")]

use std::io::{self, Read, Write as _};
use std::process::{Command, Stdio};

use s3_journal::stream::{Codec, DecodeError, Encoder, StreamError, Tail, decoder, trailer};

/// Formats and levels that are tried: the defaults, the ends of what needs little memory, and something between.
const LEVELS: &[(Codec, Option<i32>)] = &[
    (Codec::None, None),
    (Codec::Gzip, None),
    (Codec::Gzip, Some(1)),
    (Codec::Gzip, Some(9)),
    (Codec::Zstd, None),
    (Codec::Zstd, Some(-7)),
    (Codec::Zstd, Some(1)),
    (Codec::Zstd, Some(12)),
    (Codec::Snappy, None),
    (Codec::Lz4, None),
    (Codec::Lzma2, None),
    (Codec::Lzma2, Some(0)),
    (Codec::Lzma2, Some(6)),
];

/// The formats whose end is marked, and whose content is summed.
const CLOSED: [Codec; 4] = [Codec::Gzip, Codec::Zstd, Codec::Lz4, Codec::Lzma2];

#[test]
fn batches_of_any_size_come_back_as_they_went_in() {
    let text = text(2_200_000);
    let noise = noise(1_300_000);
    for &(codec, level) in LEVELS {
        for (size, batches) in [(1, 300), (100, 300), (8 << 10, 60), ((1 << 20) + 17, 2)] {
            for content in [&text, &noise] {
                let content = &content[..content.len().min(size * batches)];
                let object = Object::of(codec, level, content.chunks(size));
                assert_eq!(object.whole(), content, "{codec} {level:?}, batches of {size}");
            }
        }
    }
}

#[test]
fn an_object_is_whole_after_the_loss_of_its_encoder_at_any_batch() {
    let (text, noise) = (text(700_000), noise(300_000));
    let batches = [
        &text[..1],
        &text[1..3],
        &[],
        &noise[..5_000],
        &text[3..70_000],
        &noise[5_000..5_001],
        &text[70_000..70_100],
        &noise[10_000..210_000],
        &text[100_000..700_000],
        &[],
        &text[..66_000],
        b"\n",
    ];
    for &(codec, level) in LEVELS {
        let object = Object::of(codec, level, batches);
        let mut content = Vec::new();
        for (n, batch) in batches.iter().enumerate() {
            content.extend_from_slice(batch);
            assert_eq!(object.cut_after(n + 1), content, "{codec} {level:?}, after {} batches", n + 1);
        }
    }
}

#[test]
fn each_piece_lets_all_content_so_far_be_read() {
    let text = text(300_000);
    for &(codec, level) in LEVELS {
        let object = Object::of(codec, level, text.chunks(70_001));
        let mut bytes = Vec::new();
        for (n, piece) in object.pieces.iter().enumerate() {
            bytes.extend_from_slice(piece);
            let mut content = Vec::new();
            let end = decoder(codec, bytes.as_slice()).unwrap().read_to_end(&mut content);
            assert_eq!(
                content,
                text[..text.len().min((n + 1) * 70_001)],
                "{codec} {level:?}, {} pieces",
                n + 1
            );
            assert_eq!(end.is_err(), CLOSED.contains(&codec), "{codec} {level:?}: the end is missing");
        }
    }
}

#[test]
fn an_empty_write_changes_nothing() {
    for &(codec, level) in LEVELS {
        let mut encoder = Encoder::new(codec, level).unwrap();
        let mut out = b"before".to_vec();
        for _ in 0..2 {
            encoder.write(b"", &mut out).unwrap();
        }
        assert_eq!((out.as_slice(), encoder.tail()), (&b"before"[..], Tail::default()), "{codec}");
        encoder.write(b"content", &mut out).unwrap();
        let (len, tail) = (out.len(), encoder.tail());
        encoder.write(b"", &mut out).unwrap();
        assert_eq!((out.len(), encoder.tail()), (len, tail), "{codec}");
        assert_eq!(tail.stored_len, len as u64 - 6, "{codec}: what was in the buffer before is not counted");
        assert_eq!(tail.raw_len, 7);

        out.extend(trailer(codec, &tail));
        assert_eq!(decode(codec, &out[6..]).unwrap(), b"content", "{codec}");
    }
}

#[test]
fn the_same_batches_give_the_same_bytes() {
    let text = text(200_000);
    for &(codec, level) in LEVELS {
        let [first, second] = [(); 2].map(|()| Object::of(codec, level, text.chunks(30_000)));
        assert_eq!(first.bytes(), second.bytes(), "{codec} {level:?}");
    }
}

#[test]
fn the_window_is_carried_from_batch_to_batch() {
    // A batch that repeats the one before it costs next to nothing, though it can't be compressed by itself.
    let noise = noise(20_000);
    for codec in CLOSED {
        let object = Object::of(codec, None, [&noise[..], &noise[..]]);
        assert!(object.pieces[1].len() < 1_000, "{codec}: {}", object.pieces[1].len());
    }
}

#[test]
fn an_encoder_can_change_threads_and_refuses_a_wrong_level() {
    fn sent<T: Send>(_: &T) {}
    for codec in Codec::ALL {
        sent(&Encoder::new(codec, None).unwrap());
        assert!(matches!(Encoder::new(codec, Some(100)), Err(StreamError::Level(_))), "{codec}");
    }
}

#[test]
fn a_stream_that_is_cut_short_is_an_error_wherever_it_is_cut() {
    let content = [text(3_000), noise(400)].concat();
    for codec in CLOSED {
        let bytes = Object::of(codec, None, content.chunks(700)).bytes();
        for cut in 0..bytes.len() {
            assert_truncated(codec, &bytes[..cut]);
        }
    }
}

#[test]
fn a_snappy_stream_that_is_cut_short_is_an_error_but_between_chunks() {
    // The format has no end mark.
    let content = text(3_000);
    let object = Object::of(Codec::Snappy, None, content.chunks(700));
    let mut bytes = Vec::new();
    assert_truncated(Codec::Snappy, &bytes);
    for (n, piece) in object.pieces.iter().enumerate() {
        let whole = bytes.len() + piece.len();
        // The first piece is the identifier and a chunk.
        let identified = 10;
        for byte in piece {
            bytes.push(*byte);
            if bytes.len() == whole || bytes.len() == identified {
                let chunks = if bytes.len() == whole { n + 1 } else { 0 };
                let so_far = &content[..content.len().min(chunks * 700)];
                assert_eq!(decode(Codec::Snappy, &bytes).unwrap(), so_far);
            } else {
                assert_truncated(Codec::Snappy, &bytes);
            }
        }
    }
}

#[test]
fn a_flipped_bit_never_gives_wrong_content() {
    let content = [text(1_500), noise(300), text(1_500)].concat();
    for codec in [Codec::Gzip, Codec::Zstd, Codec::Lz4, Codec::Lzma2, Codec::Snappy] {
        let bytes = Object::of(codec, None, content.chunks(600)).bytes();
        let mut harmless = Vec::new();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match decode(codec, &flipped) {
                Err(_) => {}
                Ok(read) => {
                    assert_eq!(read, content, "{codec}: bit {bit} of {}", bytes.len() * 8);
                    harmless.push(bit);
                }
            }
        }
        // Some bits mean nothing: time and system in gzip's header, the size of zstd's window, what fills a byte up,
        // which of two equal places a match is taken from. They are few, and none of a stored checksum is among them.
        let checked = bytes.len() * 8 - if codec == Codec::Snappy { 0 } else { 32 };
        assert!(harmless.len() * 20 < bytes.len() * 8, "{codec}: {harmless:?}");
        assert!(harmless.iter().all(|bit| *bit < checked), "{codec}: {harmless:?}");
    }
}

#[test]
fn whatever_follows_the_stream_is_an_error() {
    for &(codec, level) in LEVELS.iter().filter(|(codec, _)| *codec != Codec::None) {
        let bytes = Object::of(codec, level, [&b"content"[..], b"more content"]).bytes();
        for garbage in [&b"\0"[..], b"\0\0\0\0", b"x", b"\xff\xff\xff\xff", &bytes[..1], &bytes] {
            decode(codec, &[&bytes, garbage].concat()).unwrap_err();
        }
        // As large as the reader's buffer and more, so that the end falls where reading begins again.
        let long = Object::of(codec, level, noise(200_000).chunks(100_000)).bytes();
        decode(codec, &[&long[..], b"x"].concat()).unwrap_err();
    }
}

#[test]
fn a_second_member_is_refused_as_one() {
    for codec in CLOSED.into_iter().chain([Codec::Snappy]) {
        let bytes = Object::of(codec, None, [b"content"]).bytes();
        let error = decode(codec, &[&bytes[..], &bytes].concat()).unwrap_err();
        assert!(matches!(said(&error), DecodeError::Trailing { .. }), "{codec}: {error}");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}

#[test]
fn a_stream_of_another_format_is_refused() {
    for made in Codec::ALL.into_iter().filter(|codec| *codec != Codec::None) {
        let bytes = Object::of(made, None, [b"content"]).bytes();
        for read in Codec::ALL.into_iter().filter(|codec| *codec != Codec::None && *codec != made) {
            let error = decode(read, &bytes).unwrap_err();
            assert!(
                matches!(said(&error), DecodeError::Damaged { .. } | DecodeError::Truncated { .. }),
                "{error}"
            );
        }
    }
}

#[test]
fn programs_and_libraries_of_others_read_the_objects() {
    let content = [text(1_000_000), noise(200_000), text(150_000)].concat();
    let mut readers = Readers::default();
    for &(codec, level) in LEVELS {
        for size in [997, 8 << 10, 1 << 20] {
            // Small batches are tried on less, to be quick.
            let content = &content[..content.len().min(size * 100)];
            let object = Object::of(codec, level, content.chunks(size));
            // As if the encoder had been lost half way, too.
            let half = object.pieces.len() / 2;
            for count in [half, object.pieces.len()] {
                let expected = &content[..content.len().min(count * size)];
                readers.check(codec, &object.bytes_after(count), expected);
            }
        }
    }
    eprintln!("readers that were asked: {:?}; missing here: {:?}", readers.asked, readers.missing);
    assert!(readers.asked.contains(&"snap") && readers.asked.contains(&"lz4_flex"));
}

/// One object's pieces and tails.
struct Object {
    codec: Codec,
    pieces: Vec<Vec<u8>>,
    tails: Vec<Tail>,
}

impl Object {
    fn of<B: AsRef<[u8]>>(codec: Codec, level: Option<i32>, batches: impl IntoIterator<Item = B>) -> Self {
        let mut encoder = Encoder::new(codec, level).unwrap();
        let mut object = Self { codec, pieces: Vec::new(), tails: Vec::new() };
        let (mut raw_len, mut stored_len) = (0, 0);
        for batch in batches {
            let mut piece = Vec::new();
            encoder.write(batch.as_ref(), &mut piece).unwrap();
            raw_len += batch.as_ref().len() as u64;
            stored_len += piece.len() as u64;
            let tail = encoder.tail();
            assert_eq!((tail.raw_len, tail.stored_len), (raw_len, stored_len));
            object.pieces.push(piece);
            object.tails.push(tail);
        }
        object
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes_after(self.pieces.len())
    }

    fn bytes_after(&self, batches: usize) -> Vec<u8> {
        let tail = if batches == 0 { Tail::default() } else { self.tails[batches - 1] };
        let mut bytes = self.pieces[..batches].concat();
        bytes.extend(trailer(self.codec, &tail));
        bytes
    }

    fn whole(&self) -> Vec<u8> {
        self.cut_after(self.pieces.len())
    }

    fn cut_after(&self, batches: usize) -> Vec<u8> {
        decode(self.codec, &self.bytes_after(batches)).unwrap()
    }
}

fn decode(codec: Codec, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    decoder(codec, bytes)?.read_to_end(&mut content)?;
    Ok(content)
}

fn said(error: &io::Error) -> &DecodeError {
    error.get_ref().and_then(|cause| cause.downcast_ref()).unwrap()
}

fn assert_truncated(codec: Codec, bytes: &[u8]) {
    let error = decode(codec, bytes).unwrap_err();
    assert!(
        matches!(said(&error), DecodeError::Truncated { .. }),
        "{codec}, {} bytes: {error:?}",
        bytes.len()
    );
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

/// What this machine has that can read the formats.
#[derive(Default)]
struct Readers {
    asked: Vec<&'static str>,
    missing: Vec<&'static str>,
    java: Option<tempfile::NamedTempFile>,
}

/// Each fails unless all of its input is one stream.
const PYTHON_GZIP: &str = "
import gzip, sys, zlib
data = sys.stdin.buffer.read()
member = zlib.decompressobj(31)
content = member.decompress(data)
assert member.eof and not member.unused_data
assert gzip.decompress(data) == content
sys.stdout.buffer.write(content)
";
const PYTHON_LZMA: &str = "
import lzma, sys
data = sys.stdin.buffer.read()
stream = lzma.LZMADecompressor(lzma.FORMAT_XZ)
content = stream.decompress(data)
assert stream.eof and not stream.unused_data and stream.check == lzma.CHECK_CRC64
sys.stdout.buffer.write(content)
";
const JAVA_GZIP: &str = "
public class Unpack {
    public static void main(String[] arguments) throws java.io.IOException {
        new java.util.zip.GZIPInputStream(System.in).transferTo(System.out);
        System.out.flush();
    }
}
";

impl Readers {
    fn check(&mut self, codec: Codec, bytes: &[u8], expected: &[u8]) {
        match codec {
            Codec::Gzip => {
                self.run("gzip", &["-dc"], bytes, expected);
                self.run("python3", &["-c", PYTHON_GZIP], bytes, expected);
                self.java(bytes, expected);
            }
            Codec::Zstd => self.run("zstd", &["-dcq"], bytes, expected),
            Codec::Lzma2 => {
                self.run("xz", &["-dc"], bytes, expected);
                self.run("python3", &["-c", PYTHON_LZMA], bytes, expected);
            }
            Codec::Lz4 => {
                self.run("lz4", &["-dcq"], bytes, expected);
                // Its reading of frames shares nothing with ours but the decoding of a block.
                let mut content = Vec::new();
                lz4_flex::frame::FrameDecoder::new(bytes).read_to_end(&mut content).unwrap();
                self.compare("lz4_flex", &content, expected);
            }
            Codec::Snappy => {
                let mut content = Vec::new();
                snap::read::FrameDecoder::new(bytes).read_to_end(&mut content).unwrap();
                self.compare("snap", &content, expected);
            }
            _ => assert_eq!(bytes, expected),
        }
    }

    /// A Java machine takes long to start: it is asked about the largest objects only.
    fn java(&mut self, bytes: &[u8], expected: &[u8]) {
        if expected.len() < 1_200_000 {
            return;
        }
        let source = self.java.get_or_insert_with(|| {
            let mut source = tempfile::Builder::new().prefix("Unpack").suffix(".java").tempfile().unwrap();
            source.write_all(JAVA_GZIP.as_bytes()).unwrap();
            source
        });
        let path = source.path().to_str().unwrap().to_owned();
        self.run("java", &[&path], bytes, expected);
    }

    fn run(&mut self, program: &'static str, arguments: &[&str], bytes: &[u8], expected: &[u8]) {
        if self.missing.contains(&program) {
            return;
        }
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.missing.push(program),
            child => child.unwrap(),
        };
        let mut input = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            // It fails when the program leaves early, which its exit status says better.
            scope.spawn(move || input.write_all(bytes));
            child.wait_with_output().unwrap()
        });
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} failed: {complaint}");
        self.compare(program, &output.stdout, expected);
    }

    fn compare(&mut self, reader: &'static str, content: &[u8], expected: &[u8]) {
        assert!(content == expected, "{reader} reads {} bytes of {}", content.len(), expected.len());
        if !self.asked.contains(&reader) {
            self.asked.push(reader);
        }
    }
}

/// English and source text, and log lines that are alike but not the same.
fn text(len: usize) -> Vec<u8> {
    let real = include_str!("an_object_is_one_standard_stream.rs");
    let words: Vec<&str> = real.split_whitespace().collect();
    let mut random = Random(0x5eed_0001);
    let mut text = real.as_bytes().to_vec();
    let mut time = 1_700_000_000_000_u64;
    while text.len() < len {
        time += random.next() % 90;
        let level = ["INFO", "INFO", "INFO", "WARN", "DEBUG"][random.below(5)];
        write!(text, "{time} {level} request={:08x} took={}us", random.next() >> 32, random.below(9_000))
            .unwrap();
        for _ in 0..random.below(12) {
            write!(text, " {}", words[random.below(words.len())]).unwrap();
        }
        text.push(b'\n');
    }
    text.truncate(len);
    text
}

/// Bytes that no compressor gains anything on.
fn noise(len: usize) -> Vec<u8> {
    let mut random = Random(0x5eed_0002);
    let mut noise = Vec::with_capacity(len + 8);
    while noise.len() < len {
        noise.extend_from_slice(&random.next().to_le_bytes());
    }
    noise.truncate(len);
    noise
}

/// xorshift64*: always the same from the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % bound
    }
}
