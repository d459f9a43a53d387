//! Tells a visitor what a judged slab holds. Knows frames and the survey.

use super::survey::Survey;
use super::{Record, Visitor, io_error};
use crate::bytes::{narrow, wide};
use crate::error::{OpenError, RecordError};
use crate::frame::{
    CLIENT_KIND_MIN, FRAME_HEADER_BYTES, Header, KIND_CHECKPOINT, KIND_CLOSED, KIND_WATERMARK,
};
use crate::position::Position;
use crate::slab::FIRST_FRAME;
use crate::window::{READ_AHEAD_BYTES, Window};

impl Record {
    /// The record of the frame at `position`.
    pub(crate) fn new(header: &Header, position: Position, meta: Vec<u8>) -> Self {
        let at = |offset| Position::new(position.slab, position.offset_bytes + offset);
        Self {
            kind: header.kind,
            must_understand: header.must_understand(),
            index: header.index,
            position,
            end: at(header.frame_len()),
            payload: at(header.payload_start()),
            payload_len: header.payload_len,
            payload_crc: header.payload_crc,
            meta,
        }
    }
}

/// Whether a frame is the log's own. One of a kind that isn't known here is passed over, unless it says that it mustn't.
pub(crate) fn is_own(header: &Header) -> Result<bool, RecordError> {
    let is_known = matches!(header.kind, KIND_CHECKPOINT | KIND_WATERMARK | KIND_CLOSED);
    if header.kind < CLIENT_KIND_MIN && !is_known && header.must_understand() {
        let kind = header.kind;
        return Err(RecordError::new(format!(
            "it is of the unknown kind {kind}: use a newer version of this program"
        )));
    }
    Ok(header.kind < CLIENT_KIND_MIN)
}

/// Tells `visitor` of the checkpoint and the records of the slab that was scanned.
///
/// # Errors
/// What the visitor refuses; the operating system's.
pub(crate) fn visit(survey: &Survey, visitor: &mut dyn Visitor) -> Result<(), OpenError> {
    let (Some(base), Some(head)) = (&survey.base, survey.slabs.last()) else { return Ok(()) };
    let mut window = Window::default();
    let mut payload = Vec::new();
    let mut offset = FIRST_FRAME;
    while offset < base.end {
        let read = io_error("read", &head.path);
        let bytes =
            window.get(&*base.file, offset, FRAME_HEADER_BYTES, base.end, READ_AHEAD_BYTES).map_err(read)?;
        let Some(header) = Header::decode(bytes, head.header.salt, offset) else {
            return Err(OpenError::Corrupt {
                file: head.path.clone(),
                offset_bytes: offset,
                reason: "a frame that was good a moment ago isn't any more".to_owned(),
            });
        };
        let position = Position::new(head.header.number, offset);
        let refused = |reason| OpenError::Record { position, reason };
        let is_checkpoint = header.kind == KIND_CHECKPOINT;
        if !is_own(&header).map_err(refused)? || is_checkpoint {
            let meta_at = offset + wide(FRAME_HEADER_BYTES);
            let meta = window
                .get(&*base.file, meta_at, narrow(u64::from(header.meta_len)), base.end, READ_AHEAD_BYTES)
                .map_err(io_error("read", &head.path))?
                .to_vec();
            read_payload(&mut window, base, offset, &header, &mut payload)
                .map_err(io_error("read", &head.path))?;
            if is_checkpoint {
                visitor.checkpoint(&payload).map_err(refused)?;
            } else {
                visitor.record(&Record::new(&header, position, meta), &payload).map_err(refused)?;
            }
        }
        offset += header.frame_len();
    }
    Ok(())
}

fn read_payload(
    window: &mut Window,
    base: &super::Base,
    offset: u64,
    header: &Header,
    payload: &mut Vec<u8>,
) -> std::io::Result<()> {
    let from = offset + header.payload_start();
    let len = narrow(u64::from(header.payload_len));
    payload.clear();
    if len <= READ_AHEAD_BYTES {
        payload.extend_from_slice(window.get(&*base.file, from, len, base.end, READ_AHEAD_BYTES)?);
        return Ok(());
    }
    payload.resize(len, 0);
    base.file.read_exact_at(payload, from)
}
