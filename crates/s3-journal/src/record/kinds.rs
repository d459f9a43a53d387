//! The journal's records, one type each, to bytes and back. Knows nothing but `object`'s types.

use std::collections::BTreeMap;
use std::fmt;

use durable_queue::Position;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::object::{Predecessor, SealReason};

/// Numbers of the journal's records in the log; smaller ones are the log's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// Entries, compressed.
    Batch = 16,
    /// The end of an object.
    Seal = 17,
    /// An upload in parts was created.
    UploadStarted = 18,
    /// The object's first visible write is about to be sent.
    Sent = 19,
    /// The object is proved to be in the bucket.
    Uploaded = 20,
    /// Entries from a damaged place on aren't uploaded, up to where the next object begins.
    Quarantined = 21,
}

/// A batch's record; its payload is the batch's bytes as they go into the object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Batch {
    /// Which object it belongs to.
    #[n(0)]
    pub number: u64,
    /// Sequence number of its first entry.
    #[n(1)]
    pub first: u64,
    /// How many entries.
    #[n(2)]
    pub entries: u64,
    /// Bytes of the object before compression, with this batch.
    #[n(3)]
    pub raw_len_bytes: u64,
    /// Bytes of the object as stored, with this batch.
    #[n(4)]
    pub len_bytes: u64,
    /// The compressed format's own checksum over the raw bytes so far.
    #[n(5)]
    pub stream_checksum: u64,
    /// CRC-64/NVME of the object as stored, with this batch.
    #[n(6)]
    pub crc64nvme: u64,
    /// CRC-64/NVME of each part that this batch fills.
    #[n(7)]
    pub parts: Vec<u64>,
    /// CRC-64/NVME of the part that it leaves unfilled.
    #[n(8)]
    pub part_crc64nvme: u64,
    /// Present when this batch opens the object.
    #[n(9)]
    pub opening: Option<Opening>,
    /// Positions of sources as of this batch.
    #[n(10)]
    pub positions: Vec<PositionUpdate>,
    /// When it was sealed: milliseconds since 1970, the time that directories go by.
    #[n(11)]
    pub time_unix_ms: i64,
}

/// What is decided once, when an object is opened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Opening {
    /// The full key.
    #[n(0)]
    pub key: String,
    /// User metadata, as it will be sent.
    #[n(1)]
    pub metadata: BTreeMap<String, String>,
    /// Its directory.
    #[n(2)]
    pub directory: String,
    /// Size of its parts, all but the last, in bytes.
    #[n(3)]
    pub part_size_bytes: u64,
    /// Name of the compressor.
    #[n(4)]
    pub compressor: String,
}

/// The last position of one source.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PositionUpdate {
    /// The source.
    #[n(0)]
    pub source: u64,
    /// Its position, opaque.
    #[n(1)]
    pub position: ByteVec,
}

/// The end of an object; its payload is what closes the stream.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Seal {
    /// Which object.
    #[n(0)]
    pub number: u64,
    /// How many entries it holds.
    #[n(1)]
    pub entries: u64,
    /// Its length in bytes, as stored.
    #[n(2)]
    pub len_bytes: u64,
    /// CRC-64/NVME of its bytes, as stored.
    #[n(3)]
    pub crc64nvme: u64,
    /// CRC-64/NVME of the parts that the payload fills, and of the last one if anything is left for it.
    #[n(4)]
    pub parts: Vec<u64>,
    /// Why it ends here.
    #[n(5)]
    pub reason: SealReason,
}

impl Seal {
    /// What the next object will say of this one.
    pub fn as_predecessor(&self) -> Predecessor {
        Predecessor { entries: self.entries, len_bytes: self.len_bytes, crc64nvme: self.crc64nvme }
    }
}

/// An upload in parts was created. A hint: losing it costs an upload that is swept later.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct UploadStarted {
    /// Of which object.
    #[n(0)]
    pub number: u64,
    /// The store's id for it.
    #[n(1)]
    pub upload_id: String,
}

/// The first request that can make the object visible is about to be sent; durable before it is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sent {
    /// Which object.
    #[n(0)]
    pub number: u64,
    /// Set afterwards, when the store's answers leave no doubt that nothing of ours is at the key.
    #[n(1)]
    pub refused: bool,
}

/// How it was proved that an object is in the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum UploadedHow {
    /// The store said so.
    #[n(0)]
    Answered,
    /// Length, checksum and metadata at the key are ours.
    #[n(1)]
    Compared,
    /// The key is taken, may not be looked at, and the log says that it was us.
    #[n(2)]
    TakenBySelf,
}

/// The object is in the bucket: its bytes here aren't needed any more.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Uploaded {
    /// Which object.
    #[n(0)]
    pub number: u64,
    /// Sequence number after its last entry.
    #[n(1)]
    pub next_sequence: u64,
    /// Where the next object begins in the log.
    #[n(2)]
    pub cursor: Position,
    /// How that is known.
    #[n(3)]
    pub how: UploadedHow,
    /// Its length in bytes, as stored.
    #[n(4)]
    pub len_bytes: u64,
    /// It was to end early, since part of it is damaged here, and turned out to have arrived whole before.
    #[n(5)]
    #[cbor(default)]
    pub whole: bool,
}

/// Damage in the queue is passed by: the object at hand ends before it, and what follows it up to the next object is left out.
/// Appended only when that was asked for, or if no entry is left out by it, and after the damage has been kept aside.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Quarantined {
    /// The object that was next to be uploaded.
    #[n(0)]
    pub number: u64,
    /// Where the first damaged record is, or should be: nothing is read from here on.
    #[n(1)]
    pub from: Position,
    /// Where the next object begins in the log.
    #[n(2)]
    pub cursor: Position,
    /// Its number.
    #[n(3)]
    pub next_number: u64,
    /// Sequence number of the first entry that is left out.
    #[n(4)]
    pub first: u64,
    /// Sequence number after the last.
    #[n(5)]
    pub next_sequence: u64,
    /// How the object ends; without it nothing of the object is good, and it isn't written.
    #[n(6)]
    pub cut: Option<Cut>,
    /// Where what is left out is kept, below the local directory.
    #[n(7)]
    pub kept_as: String,
    /// How many of the entries that are left out are in batches that are whole.
    #[n(8)]
    pub good_entries: u64,
}

/// The end that an object is given before its damaged part.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Cut {
    /// How many entries are left in it.
    #[n(0)]
    pub entries: u64,
    /// Its length in bytes, as stored.
    #[n(1)]
    pub len_bytes: u64,
    /// CRC-64/NVME of its bytes, as stored.
    #[n(2)]
    pub crc64nvme: u64,
    /// CRC-64/NVME of the parts that the trailer fills, and of the last one if anything is left for it.
    #[n(3)]
    pub parts: Vec<u64>,
    /// What closes the stream.
    #[n(4)]
    pub trailer: ByteVec,
    /// What it would have been, if that is known: it may have arrived so before the damage.
    #[n(5)]
    pub whole: Option<Predecessor>,
}

impl Cut {
    /// What the next object will say of this one.
    pub fn as_predecessor(&self) -> Predecessor {
        Predecessor { entries: self.entries, len_bytes: self.len_bytes, crc64nvme: self.crc64nvme }
    }
}

/// Any of the journal's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    Batch(Batch),
    Seal(Seal),
    UploadStarted(UploadStarted),
    Sent(Sent),
    Uploaded(Uploaded),
    Quarantined(Quarantined),
    /// A kind that this program doesn't know and needn't.
    Unknown,
}

/// A record that can't be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordDecodeError {
    /// Its kind is unknown, and it says that it must be understood.
    #[error("the record's kind {kind} is not known to this program; use a newer one")]
    Unknown {
        /// The kind.
        kind: u16,
    },
    /// Its checksum is right, but its content isn't what its kind has.
    #[error("the record of kind {kind} can't be read")]
    Content {
        /// The kind.
        kind: u16,
        /// What the decoder says.
        source: minicbor::decode::Error,
    },
}

impl Record {
    /// Reads a record's meta bytes.
    ///
    /// # Errors
    /// [`RecordDecodeError`].
    pub fn decode(kind: u16, must_understand: bool, meta: &[u8]) -> Result<Self, RecordDecodeError> {
        let decoded = match kind {
            16 => minicbor::decode(meta).map(Self::Batch),
            17 => minicbor::decode(meta).map(Self::Seal),
            18 => minicbor::decode(meta).map(Self::UploadStarted),
            19 => minicbor::decode(meta).map(Self::Sent),
            20 => minicbor::decode(meta).map(Self::Uploaded),
            21 => minicbor::decode(meta).map(Self::Quarantined),
            _ if must_understand => return Err(RecordDecodeError::Unknown { kind }),
            _ => return Ok(Self::Unknown),
        };
        decoded.map_err(|source| RecordDecodeError::Content { kind, source })
    }

    /// The record's kind; `None` for an unknown one.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Batch(_) => Kind::Batch,
            Self::Seal(_) => Kind::Seal,
            Self::UploadStarted(_) => Kind::UploadStarted,
            Self::Sent(_) => Kind::Sent,
            Self::Uploaded(_) => Kind::Uploaded,
            Self::Quarantined(_) => Kind::Quarantined,
            Self::Unknown => return None,
        })
    }

    /// Whether a program that doesn't know the kind must refuse the log: all but hints.
    pub fn must_understand(&self) -> bool {
        !matches!(self, Self::Unknown | Self::UploadStarted(_))
    }

    /// Replaces `meta` by the record's meta bytes.
    pub fn encode_into(&self, meta: &mut Vec<u8>) {
        meta.clear();
        let encoded = match self {
            Self::Batch(record) => minicbor::encode(record, &mut *meta),
            Self::Seal(record) => minicbor::encode(record, &mut *meta),
            Self::UploadStarted(record) => minicbor::encode(record, &mut *meta),
            Self::Sent(record) => minicbor::encode(record, &mut *meta),
            Self::Uploaded(record) => minicbor::encode(record, &mut *meta),
            Self::Quarantined(record) => minicbor::encode(record, &mut *meta),
            Self::Unknown => Ok(()),
        };
        // Writing to a Vec can't fail (its error type has no values).
        let _ = encoded;
    }
}

impl fmt::Display for UploadedHow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered => "the store confirmed it",
            Self::Compared => "what is at the key was compared",
            Self::TakenBySelf => "the key is taken and only this journal had written to it",
        })
    }
}
