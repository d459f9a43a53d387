//! The reader's manners with its source and with memory, apart from the formats.

use super::*;
use crate::stream::error::MAX_WINDOW_LOG;
use crate::stream::{Encoder, trailer};

/// Gives one byte at a time, interrupts before each, and fails at the end with `error`.
struct Drip<'a> {
    bytes: &'a [u8],
    interrupt: bool,
    error: Option<io::ErrorKind>,
}

impl Read for Drip<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.bytes.is_empty()
            && let Some(kind) = self.error.take()
        {
            return Err(kind.into());
        }
        let len = buf.len().min(1);
        self.bytes.read(&mut buf[..len])
    }
}

fn object(codec: Codec, raw: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(codec, None).unwrap();
    let mut out = Vec::new();
    encoder.write(raw, &mut out).unwrap();
    out.extend(trailer(codec, &encoder.tail()));
    out
}

fn said(error: &io::Error) -> &DecodeError {
    error.get_ref().and_then(|cause| cause.downcast_ref()).unwrap()
}

#[test]
fn a_source_may_be_slow_and_be_interrupted() {
    let raw = b"some content, some more content, and again some content".repeat(50);
    for codec in Codec::ALL {
        let bytes = object(codec, &raw);
        let source = Drip { bytes: &bytes, interrupt: false, error: None };
        let mut reader = decoder(codec, source).unwrap();
        let mut content = Vec::new();
        let mut buf = [0; 7];
        loop {
            assert_eq!(reader.read(&mut []).unwrap(), 0);
            match reader.read(&mut buf).unwrap() {
                0 => break,
                given => content.extend_from_slice(&buf[..given]),
            }
        }
        assert_eq!(content, raw, "{codec}");
        assert_eq!(reader.read(&mut buf).unwrap(), 0, "{codec}: the end stays the end");
    }
}

#[test]
fn an_error_of_the_source_is_passed_on_as_it_is_and_no_read_succeeds_after_it() {
    for codec in Codec::ALL {
        let bytes = object(codec, b"some content");
        for cut in [0, 3, bytes.len() - 1, bytes.len()] {
            // An `UnexpectedEof` of the source's own must not be taken for a short stream either.
            for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof] {
                let source = Drip { bytes: &bytes[..cut], interrupt: false, error: Some(kind) };
                let mut reader = decoder(codec, source).unwrap();
                let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
                assert_eq!(
                    (error.kind(), error.get_ref().is_none()),
                    (kind, true),
                    "{codec}, {cut}: {error:?}"
                );
                let again = reader.read(&mut [0; 8]).unwrap_err();
                assert!(matches!(said(&again), DecodeError::Spent { .. }), "{codec}");
            }
        }
    }
}

#[test]
fn a_failed_reader_does_not_end_as_if_all_were_well() {
    for codec in [Codec::Gzip, Codec::Zstd, Codec::Snappy, Codec::Lz4, Codec::Lzma2] {
        let bytes = object(codec, b"some content");
        let mut reader = decoder(codec, &bytes[..bytes.len() - 1]).unwrap();
        reader.read_to_end(&mut Vec::new()).unwrap_err();
        reader.read_to_end(&mut Vec::new()).unwrap_err();
    }
}

#[test]
fn a_zstd_window_is_taken_up_to_the_limit_and_not_beyond() {
    // RFC 8878, 3.1.1.1.2: the exponent over 10 in the five highest bits, eighths of it in the others.
    let frame = |window: u8| [&[0x28, 0xb5, 0x2f, 0xfd, 0x04, window], &trailer_of_nothing()[6..]].concat();
    let largest = u8::try_from(MAX_WINDOW_LOG - 10).unwrap() << 3;
    assert_eq!(decoder(Codec::Zstd, &*frame(largest)).unwrap().read(&mut [0; 8]).unwrap(), 0);
    for window in [largest + 1, largest + 8, 0xff] {
        let error = decoder(Codec::Zstd, &*frame(window)).unwrap().read(&mut [0; 8]).unwrap_err();
        assert!(matches!(said(&error), DecodeError::Memory { .. }), "{error:?}");
    }
}

fn trailer_of_nothing() -> Vec<u8> {
    trailer(Codec::Zstd, &crate::stream::Tail::default())
}

#[test]
fn an_xz_dictionary_over_the_limit_is_refused() {
    let mut bytes = object(Codec::Lzma2, b"some content");
    // The .xz File Format 1.1.0, 3.1 and 5.3.1: a block header of 12 bytes behind the stream's 12; its fifth byte is the
    // dictionary's size, 40 stands for 4 GiB less one; its last four are its CRC32.
    assert_eq!(bytes[12..16], [0x02, 0x00, 0x21, 0x01]);
    bytes[16] = 40;
    let crc = crc32fast::hash(&bytes[12..20]).to_le_bytes();
    bytes[20..24].copy_from_slice(&crc);
    let error = decoder(Codec::Lzma2, &*bytes).unwrap().read(&mut [0; 8]).unwrap_err();
    assert!(matches!(said(&error), DecodeError::Memory { .. }), "{error:?}");
}
