//! Compressors: the product's streams, and the same libraries alone. Knows `s3_journal::stream`.

use std::fmt;
use std::io::{self, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameInfo};
use s3_journal::stream::{Codec, Encoder, trailer};

use crate::MIB;

/// A format and a level.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The format.
    pub codec: Codec,
    /// The level; without one, the format's default here.
    pub level: Option<i32>,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level.or(self.codec.default_level()) {
            None => write!(f, "{}", self.codec),
            Some(level) => write!(f, "{}:{level}", self.codec),
        }
    }
}

/// Each format at its default level, and at a fast one where it has levels.
pub fn settings() -> Vec<Setting> {
    let fast = [(Codec::Gzip, 1), (Codec::Zstd, 1), (Codec::Lzma2, 0)];
    let mut settings = Vec::new();
    for codec in Codec::ALL {
        settings.push(Setting { codec, level: None });
        let levels = fast.iter().filter(|(fast, _)| *fast == codec);
        settings.extend(levels.map(|(_, level)| Setting { codec, level: Some(*level) }));
    }
    settings
}

impl Setting {
    /// Compresses `raw` as the product does, a piece per batch, and returns the object's length in bytes.
    pub fn ours(self, raw: &[u8], batch_bytes: usize) -> usize {
        let mut object = ObjectStream::new(self);
        for batch in raw.chunks(batch_bytes) {
            object.write(batch);
        }
        object.close()
    }

    /// Compresses `raw` with the library alone: its own stream writer, without a flush before the end.
    pub fn reference(self, raw: &[u8]) -> usize {
        let level = self.level.or(self.codec.default_level()).unwrap_or_default();
        let mut sink = Counted::default();
        match self.codec {
            Codec::Gzip => {
                let level = flate2::Compression::new(level.unsigned_abs());
                let mut writer = flate2::write::GzEncoder::new(&mut sink, level);
                feed(&mut writer, raw).and_then(|()| writer.finish().map(|_| ()))
            }
            Codec::Zstd => zstd(&mut sink, level, raw),
            Codec::Snappy => {
                let mut writer = snap::write::FrameEncoder::new(&mut sink);
                feed(&mut writer, raw).and_then(|()| writer.flush())
            }
            Codec::Lz4 => {
                let info = FrameInfo::new().block_mode(BlockMode::Linked).block_size(BlockSize::Max256KB);
                let info = info.content_checksum(true);
                let mut writer = lz4_flex::frame::FrameEncoder::with_frame_info(info, &mut sink);
                feed(&mut writer, raw).and_then(|()| writer.finish().map(|_| ()).map_err(io::Error::other))
            }
            Codec::Lzma2 => {
                let mut writer = liblzma::write::XzEncoder::new(&mut sink, level.unsigned_abs());
                feed(&mut writer, raw).and_then(|()| writer.finish().map(|_| ()))
            }
            _ => {
                let mut copy = Vec::with_capacity(MIB);
                for piece in raw.chunks(MIB) {
                    copy.clear();
                    copy.extend_from_slice(piece);
                    std::hint::black_box(copy.as_slice());
                }
                sink.write_all(raw)
            }
        }
        .expect("the library compresses");
        sink.len_bytes
    }
}

/// With the window and the checksum that the product sets, so that only the way of using the library differs.
fn zstd(sink: &mut Counted, level: i32, raw: &[u8]) -> io::Result<()> {
    let mut writer = zstd::stream::write::Encoder::new(sink, level)?;
    writer.include_checksum(true)?;
    if level <= 8 {
        writer.window_log(22)?;
    }
    feed(&mut writer, raw)?;
    writer.finish().map(|_| ())
}

fn feed(writer: &mut impl Write, raw: &[u8]) -> io::Result<()> {
    raw.chunks(MIB).try_for_each(|piece| writer.write_all(piece))
}

/// Counts what is written and keeps nothing.
#[derive(Debug, Default)]
struct Counted {
    len_bytes: usize,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.len_bytes += std::hint::black_box(bytes).len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The stream of one object, its bytes thrown away.
#[derive(Debug)]
pub struct ObjectStream {
    encoder: Encoder,
    out: Vec<u8>,
}

impl ObjectStream {
    /// Begins a stream.
    pub fn new(setting: Setting) -> Self {
        let encoder = Encoder::new(setting.codec, setting.level).expect("the level exists");
        Self { encoder, out: Vec::new() }
    }

    /// Compresses one batch.
    pub fn write(&mut self, batch: &[u8]) {
        self.out.clear();
        self.encoder.write(batch, &mut self.out).expect("the encoder compresses");
        std::hint::black_box(self.out.as_slice());
    }

    /// Bytes before compression so far.
    pub fn raw_bytes(&self) -> u64 {
        self.encoder.tail().raw_len
    }

    /// Ends the stream and returns its length in bytes.
    pub fn close(&self) -> usize {
        let tail = self.encoder.tail();
        let stored = usize::try_from(tail.stored_len).expect("it fitted in memory");
        stored + trailer(self.encoder.codec(), &tail).len()
    }
}
