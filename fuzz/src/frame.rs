//! The frame decoder: arbitrary bytes never panic; what decodes encodes to the same bytes; what was encoded decodes; one
//! flipped bit is never accepted; and a slab of frames with one flipped bit is judged as the tail rule says.

use std::io;

use arbitrary::{Arbitrary, Unstructured};
use durable_queue::disk::DiskFile;
use durable_queue::fuzzing::{self, FIRST_FRAME_OFFSET, Fields, HEADER_BYTES, Judgement, Scanned};
use durable_queue::{Frame, META_BYTES_MAX, PAYLOAD_BYTES_MAX};

use crate::bytes::{Bytes, filling};

/// Frames in a slab, at most.
const FRAMES_MAX: usize = 12;

/// What is tried.
#[derive(Debug)]
pub enum Input {
    /// Bytes that claim to be a header, at a place.
    Header {
        /// The slab's salt.
        salt: u64,
        /// Where in the file.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Bytes that claim to be the frames of a slab.
    Slab {
        /// The slab's salt.
        salt: u64,
        /// Whether a later slab says that it was synced whole.
        was_synced_whole: bool,
        /// Sums of headers are put right first, at multiples of 8.
        mends: bool,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Frames, as the log would write them, and one bit to flip.
    Frames {
        /// The slab's salt.
        salt: u64,
        /// Whether a later slab says that it was synced whole.
        was_synced_whole: bool,
        /// The frames.
        frames: Vec<Spec>,
        /// Zeros that follow.
        zeros: u8,
        /// Which bit to flip, if any.
        bit: Option<usize>,
    },
}

/// A frame to be written.
#[derive(Debug)]
pub struct Spec {
    kind: u16,
    must_understand: bool,
    meta: Vec<u8>,
    payload: Payload,
    /// Up to the end of which of the frames before it the slab had been synced; 0 for none.
    durable: usize,
}

#[derive(Debug)]
enum Payload {
    Filling {
        seed: u8,
        len: usize,
    },
    /// All frames before it, as they stand in the slab.
    Copies,
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut bytes = Bytes(u);
        let mode = bytes.byte();
        let salt = bytes.byte().into();
        Ok(match mode % 4 {
            0 => Self::Header { salt, offset: u64::from(bytes.short()) * 8, bytes: bytes.rest() },
            mode @ 1..=2 => Self::Slab {
                salt,
                was_synced_whole: bytes.byte() == 1,
                mends: mode == 2,
                bytes: bytes.rest(),
            },
            _ => {
                let was_synced_whole = bytes.byte() == 1;
                let bit = usize::from(bytes.short());
                let zeros = bytes.byte();
                let mut frames = Vec::new();
                while !bytes.is_over() && frames.len() < FRAMES_MAX {
                    frames.push(Spec {
                        kind: bytes.byte().into(),
                        must_understand: bytes.byte() & 1 == 1,
                        durable: usize::from(bytes.below(16)),
                        payload: match bytes.byte() {
                            u8::MAX => Payload::Copies,
                            len => Payload::Filling {
                                seed: bytes.byte(),
                                len: usize::from(len) * usize::from(len) / 32,
                            },
                        },
                        meta: {
                            let len = usize::from(bytes.below(32));
                            filling(bytes.byte(), len)
                        },
                    });
                }
                Self::Frames { salt, was_synced_whole, frames, zeros, bit: bit.checked_sub(1) }
            }
        })
    }
}

/// Tries it.
pub fn check(input: Input) {
    match input {
        Input::Header { salt, offset, bytes } => header(salt, offset, &bytes),
        Input::Slab { salt, was_synced_whole, mends, mut bytes } => {
            if mends {
                mend_frames(salt, &mut bytes);
            }
            slab(salt, was_synced_whole, bytes);
        }
        Input::Frames { salt, was_synced_whole, frames, zeros, bit } => {
            written(salt, was_synced_whole, &frames, zeros, bit);
        }
    }
}

fn header(salt: u64, offset: u64, bytes: &[u8]) {
    let Some(fields) = fuzzing::decode(bytes, salt, offset) else {
        // With the right sum, whatever else the bytes say, it decodes.
        let mut mended = bytes.to_vec();
        mended.resize(HEADER_BYTES, 0);
        let sum = sum_of(salt, offset, &mended);
        mended[..8].copy_from_slice(&sum);
        return header(salt, offset, &mended);
    };
    let mut expected = bytes[..HEADER_BYTES].to_vec();
    // The field that the format keeps for later is zero in what is written here.
    expected[20..24].fill(0);
    let sum = sum_of(salt, offset, &expected);
    expected[..8].copy_from_slice(&sum);
    assert_eq!(fields.encode(salt, offset)[..], expected, "{fields:?} encodes to something else");
    if let Some(len) = fields.len_within_limits() {
        assert!(
            fields.meta_len as usize <= META_BYTES_MAX && fields.payload_len as usize <= PAYLOAD_BYTES_MAX
        );
        let bare = HEADER_BYTES as u64 + u64::from(fields.meta_len) + u64::from(fields.payload_len);
        assert!(len.is_multiple_of(8) && len >= bare && len < bare + 8);
    }
    assert_eq!(fuzzing::decode(bytes, salt ^ 1, offset), None, "another slab's frame was accepted");
    assert_eq!(fuzzing::decode(bytes, salt, offset ^ 8), None, "a misplaced frame was accepted");
    assert_eq!(fuzzing::decode(&bytes[..HEADER_BYTES - 1], salt, offset), None);
    // Of all of them, some each time.
    for bit in (usize::from(bytes[0])..HEADER_BYTES * 8).step_by(61) {
        let mut flipped = bytes[..HEADER_BYTES].to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(fuzzing::decode(&flipped, salt, offset), None, "bit {bit} of a header was flipped");
    }
}

/// The sum of a header, as `frame.rs` documents it.
fn sum_of(salt: u64, offset: u64, header: &[u8]) -> [u8; 8] {
    let covered = [&salt.to_le_bytes()[..], &offset.to_le_bytes(), &header[8..HEADER_BYTES]].concat();
    durable_queue::checksum(&covered).to_le_bytes()
}

/// Puts right the sums of a slab's frames, as far as their lengths lead.
pub fn mend_frames(salt: u64, bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(frame) = bytes.get_mut(at..).filter(|frame| frame.len() >= HEADER_BYTES) {
        let length =
            |range: std::ops::Range<usize>| frame[range].try_into().map_or(0, u32::from_le_bytes) as usize;
        let (meta_end, payload_len) = (HEADER_BYTES + length(12..16), length(16..20));
        let payload_end = meta_end + payload_len;
        for (sum_at, content) in [(40, HEADER_BYTES..meta_end), (48, meta_end..payload_end)] {
            let sum = durable_queue::checksum(frame.get(content).unwrap_or_default());
            frame[sum_at..sum_at + 8].copy_from_slice(&sum.to_le_bytes());
        }
        let sum = sum_of(salt, FIRST_FRAME_OFFSET + at as u64, frame);
        frame[..8].copy_from_slice(&sum);
        at += payload_end.next_multiple_of(8);
    }
}

fn slab(salt: u64, was_synced_whole: bool, bytes: Vec<u8>) {
    let end = FIRST_FRAME_OFFSET + bytes.len() as u64;
    let file = Frames(bytes);
    let scanned = scan(&file, salt, was_synced_whole);
    let at = match scanned.judgement {
        Judgement::Ends { at } | Judgement::Cut { at } | Judgement::Corrupt { at } => at,
    };
    assert!((FIRST_FRAME_OFFSET..=end).contains(&at), "{scanned:?} of a file of {end} bytes");
    assert_eq!(scanned.first.is_some(), scanned.last.is_some());
    assert_eq!(scanned.first.is_some(), at > FIRST_FRAME_OFFSET, "{scanned:?}");
    if let Judgement::Ends { at } | Judgement::Cut { at } = scanned.judgement {
        // What is kept is the same without what was cut, and is good.
        let kept = file.0[..usize::try_from(at - FIRST_FRAME_OFFSET).unwrap_or(usize::MAX)].to_vec();
        let again = scan(&Frames(kept), salt, true);
        assert_eq!(again, Scanned { judgement: Judgement::Ends { at }, ..scanned });
    }
}

fn written(salt: u64, was_synced_whole: bool, frames: &[Spec], zeros: u8, bit: Option<usize>) {
    let mut bytes = Vec::new();
    // Where each frame begins, where what its sums cover ends, and up to where it says that the slab was synced.
    let mut places: Vec<(usize, usize, u64)> = Vec::new();
    let mut ends = vec![0];
    let mut headers: Vec<Fields> = Vec::new();
    for (index, spec) in (0..).zip(frames) {
        let payload = match spec.payload {
            Payload::Filling { seed, len } => filling(seed, len),
            Payload::Copies => bytes.clone(),
        };
        let offset = FIRST_FRAME_OFFSET + bytes.len() as u64;
        let durable_through = ends[spec.durable % ends.len()];
        let note = salt.rotate_left(40) ^ index;
        let frame = Frame::new(spec.kind, spec.must_understand, &spec.meta, &payload).noted(note);
        let encoded = fuzzing::encode(&frame, index, durable_through, salt, offset);
        assert_eq!(encoded.len() as u64, frame.bytes_on_disk());
        let fields = fuzzing::decode(&encoded, salt, offset).expect("what was encoded decodes");
        assert_eq!(
            (fields.kind, fields.flags, fields.index, fields.durable_through, fields.note),
            (spec.kind, u16::from(spec.must_understand), index, durable_through, note)
        );
        assert_eq!(
            (fields.meta_len as usize, fields.payload_len as usize, fields.len_within_limits()),
            (spec.meta.len(), payload.len(), Some(encoded.len() as u64))
        );
        assert_eq!(fields.payload_crc, durable_queue::checksum(&payload));
        headers.push(fields);
        places.push((
            bytes.len(),
            bytes.len() + HEADER_BYTES + spec.meta.len() + payload.len(),
            durable_through,
        ));
        bytes.extend(encoded);
        ends.push(FIRST_FRAME_OFFSET + bytes.len() as u64);
    }
    let end = FIRST_FRAME_OFFSET + bytes.len() as u64;
    let frames_len = bytes.len();
    bytes.resize(frames_len + usize::from(zeros), 0);
    let file_end = FIRST_FRAME_OFFSET + bytes.len() as u64;
    let bit = bit.filter(|_| !bytes.is_empty()).map(|bit| bit % (bytes.len() * 8));
    if let Some(bit) = bit {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    // The frame that was hit, unless it was in its padding.
    let hit =
        bit.and_then(|bit| places.iter().position(|(begin, end, _)| (*begin..*end).contains(&(bit / 8))));
    let good = hit.unwrap_or(frames.len());
    let at = hit.map_or(end, |hit| FIRST_FRAME_OFFSET + places[hit].0 as u64);
    let has_bytes_after = hit.is_some() || bit.is_some_and(|bit| bit / 8 >= frames_len);
    let header_was_hit = hit.zip(bit).is_some_and(|(hit, bit)| bit / 8 < places[hit].0 + HEADER_BYTES);
    let claims = places.iter().enumerate().filter(|(at, _)| !header_was_hit || Some(*at) != hit);
    let seen_synced = claims.map(|(_, (_, _, durable_through))| *durable_through).max().unwrap_or(0);
    let judgement = if seen_synced > at || (was_synced_whole && at < file_end) {
        Judgement::Corrupt { at }
    } else if has_bytes_after {
        Judgement::Cut { at }
    } else {
        Judgement::Ends { at }
    };
    let (first, last) = (headers[..good].first().copied(), headers[..good].last().copied());
    assert_eq!(
        scan(&Frames(bytes), salt, was_synced_whole),
        Scanned { judgement, first, last },
        "bit {bit:?} was flipped"
    );
}

fn scan(file: &Frames, salt: u64, was_synced_whole: bool) -> Scanned {
    let len_bytes = FIRST_FRAME_OFFSET + file.0.len() as u64;
    fuzzing::scan_slab(file, salt, len_bytes, was_synced_whole).expect("a file in memory can be read")
}

/// A slab without its header.
#[derive(Debug)]
struct Frames(Vec<u8>);

impl DiskFile for Frames {
    fn len_bytes(&self) -> io::Result<u64> {
        Ok(FIRST_FRAME_OFFSET + self.0.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset - FIRST_FRAME_OFFSET).map_err(io::Error::other)?;
        let rest = self.0.get(from..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn preallocate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn forget_cached(&self, _: u64, _: u64) {}
}
