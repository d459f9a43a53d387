//! Batches to one standard compressed stream, and back.
//!
//! An object in the bucket is a single stream of its format: one gzip member, one zstd frame, one xz stream with one
//! block, one LZ4 frame, one snappy framed stream. It is never a concatenation, because many readers stop silently
//! after the first member.
//!
//! The stream grows by one *piece* per batch. [`Encoder::write`] carries the window from batch to batch, so small
//! batches compress nearly as well as the whole, and ends each piece on a byte boundary. What closes the stream is
//! computed by [`trailer`] from the recorded [`Tail`] alone: after a crash, the pieces and the last tail are enough,
//! whatever became of the encoder.
//!
//! [`decoder`] reads such a stream back and is strict: a stream that is cut short, damaged, followed by anything, or
//! that asks for too much memory is an error.
//!
//! A batch of 512 KiB and more is compressed on several cores where the format allows it (gzip, snappy, LZ4). zstd and xz are not:
//! their pieces would have to be frames or blocks of their own, which many readers stop at.
//!
//! This module knows nothing of the rest of the crate, of files or clocks, and of threads only in `pieces`.
//!
//! ```
//! use s3_journal::stream::{Codec, Encoder, Tail, decoder, trailer};
//! use std::io::Read as _;
//!
//! let mut object = Vec::new();
//! let mut encoder = Encoder::new(Codec::Gzip, None)?;
//! encoder.write(b"first batch\n", &mut object)?;
//! encoder.write(b"second batch\n", &mut object)?;
//! let recorded: Tail = encoder.tail();
//! drop(encoder); // as in a crash: pieces and tail are left
//!
//! object.extend(trailer(Codec::Gzip, &recorded));
//! let mut text = String::new();
//! decoder(Codec::Gzip, object.as_slice())?.read_to_string(&mut text)?;
//! assert_eq!(text, "first batch\nsecond batch\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod codec;
mod decoder;
mod encoder;
mod error;
mod gzip;
mod lz4;
mod pieces;
mod snappy;
mod tail;
mod trailer;
mod xz;
mod zstd;

pub use codec::{Codec, LevelError, UnknownCodec};
pub use decoder::{Decoder, decoder};
pub use encoder::Encoder;
pub use error::{DecodeError, MAX_WINDOW_BYTES, StreamError};
pub use tail::Tail;
pub use trailer::trailer;
