//! Tells a visitor what judged slabs hold, and where they are damaged. Knows frames and the survey.

use super::scan::{Piece, Pieces};
use super::survey::{Head, Survey};
use super::{Damage, Record, Visitor, io_error};
use crate::bytes::{narrow, wide};
use crate::disk::{Disk, DiskFile, OpenMode};
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
            note: header.note,
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

/// Tells `visitor` of the newest whole checkpoint and of the records after it, and of all damage; says what that was.
///
/// # Errors
/// What the visitor refuses; the operating system's.
pub(crate) fn visit(
    disk: &dyn Disk,
    survey: &Survey,
    visitor: &mut dyn Visitor,
) -> Result<Vec<Damage>, OpenError> {
    let mut found = Vec::new();
    let Some(base) = &survey.base else { return Ok(found) };
    let first = survey.slabs.get(survey.visit_from).map_or(0, |head| head.header.number);
    for damage in &survey.damage {
        if damage.from.slab < first {
            tell(visitor, damage.clone(), &mut found)?;
        }
    }
    for (at, head) in survey.slabs.iter().enumerate().skip(survey.visit_from) {
        // What its head shows; that its checkpoint or its end is gone is found again among its frames.
        let of_head = |damage: &&Damage| {
            damage.from.slab == head.header.number && (head.is_missing || !damage.has_frames)
        };
        for damage in survey.damage.iter().filter(of_head) {
            tell(visitor, damage.clone(), &mut found)?;
        }
        if head.is_missing {
            continue;
        }
        let end = survey.end_of(at).unwrap_or(head.len_bytes);
        if at + 1 == survey.slabs.len() {
            visit_slab(&*base.file, head, end, visitor, &mut found)?;
        } else {
            let file = disk.open(&head.path, OpenMode::Read).map_err(io_error("open", &head.path))?;
            visit_slab(&*file, head, end, visitor, &mut found)?;
        }
    }
    if let Some(header) = base.torn_header {
        visitor.noted(header.note, header.index);
    }
    Ok(found)
}

fn tell(visitor: &mut dyn Visitor, damage: Damage, found: &mut Vec<Damage>) -> Result<(), OpenError> {
    visitor.damaged(&damage).map_err(|refusal| OpenError::Corrupt {
        file: damage.file.clone(),
        offset_bytes: damage.from.offset_bytes,
        reason: refusal.reason,
    })?;
    found.push(damage);
    Ok(())
}

/// Tells of one slab's frames, up to `end`.
fn visit_slab(
    file: &dyn DiskFile,
    head: &Head,
    end: u64,
    visitor: &mut dyn Visitor,
    found: &mut Vec<Damage>,
) -> Result<(), OpenError> {
    let read = |error| io_error("read", &head.path)(error);
    let number = head.header.number;
    let readable = end.min(head.len_bytes);
    let mut pieces = Pieces::new(file, head.header.salt, readable, None);
    let mut window = Window::default();
    let mut payload = Vec::new();
    let mut offset = FIRST_FRAME.min(end);
    while offset < end {
        let position = Position::new(number, offset);
        let piece = if offset < readable {
            pieces.at(offset).map_err(read)?
        } else {
            Piece::Bad { to: end, reason: "the end of the slab is missing", header: None, has_meta: false }
        };
        let refused = |reason| OpenError::Record { position, reason };
        let mut meta_of = |header: &Header| -> Result<Vec<u8>, OpenError> {
            let meta_at = offset + wide(FRAME_HEADER_BYTES);
            let len = narrow(u64::from(header.meta_len));
            Ok(window.get(file, meta_at, len, readable, READ_AHEAD_BYTES).map_err(read)?.to_vec())
        };
        let header = match piece {
            Piece::Good(header) => header,
            Piece::Bad { to, reason, header, has_meta } => {
                let is_record = |header: &Header| has_meta && header.kind >= CLIENT_KIND_MIN;
                let record = match header.filter(is_record) {
                    Some(header) => Some(Record::new(&header, position, meta_of(&header)?)),
                    None => None,
                };
                let damage = Damage {
                    file: head.path.clone(),
                    from: position,
                    to: Position::new(number, to),
                    reason: reason.to_owned(),
                    record,
                    note: header.map(|header| header.note),
                    index: header.map(|header| header.index),
                    has_frames: true,
                };
                tell(visitor, damage, found)?;
                offset = to;
                continue;
            }
        };
        let is_checkpoint = header.kind == KIND_CHECKPOINT;
        if is_checkpoint || !is_own(&header).map_err(refused)? {
            let meta = meta_of(&header)?;
            read_payload(&mut window, file, offset, &header, readable, &mut payload).map_err(read)?;
            if is_checkpoint {
                visitor.checkpoint(&payload).map_err(refused)?;
                visitor.noted(header.note, header.index);
            } else {
                visitor.record(&Record::new(&header, position, meta), &payload).map_err(refused)?;
            }
        } else {
            visitor.noted(header.note, header.index);
        }
        offset += header.frame_len();
    }
    Ok(())
}

fn read_payload(
    window: &mut Window,
    file: &dyn DiskFile,
    offset: u64,
    header: &Header,
    limit: u64,
    payload: &mut Vec<u8>,
) -> std::io::Result<()> {
    let from = offset + header.payload_start();
    let len = narrow(u64::from(header.payload_len));
    payload.clear();
    if len <= READ_AHEAD_BYTES {
        payload.extend_from_slice(window.get(file, from, len, limit, READ_AHEAD_BYTES)?);
        return Ok(());
    }
    payload.resize(len, 0);
    file.read_exact_at(payload, from)
}
