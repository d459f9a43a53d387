//! A client of the log whose records are numbered from 0 and can be checked by their number alone. Its state, and so its
//! checkpoint, is how many there are.

use durable_queue::{
    AppendError, Appended, Class, Frame, Log, Position, Reader, Record, RecordError, Through, Visitor,
};

pub const DATA: u16 = 16;
pub const CONTROL: u16 = 17;

/// How many records there are, as the log tells it.
#[derive(Debug, Default)]
pub struct Count {
    pub checkpoint: Option<u64>,
    pub records: u64,
}

impl Count {
    pub fn total(&self) -> u64 {
        self.checkpoint.unwrap_or(0) + self.records
    }
}

impl Visitor for Count {
    fn checkpoint(&mut self, payload: &[u8]) -> Result<(), RecordError> {
        let bytes = payload.get(..8).and_then(|bytes| bytes.try_into().ok());
        self.checkpoint =
            Some(u64::from_le_bytes(bytes.ok_or_else(|| RecordError::new("a short checkpoint"))?));
        Ok(())
    }

    fn record(&mut self, record: &Record, payload: &[u8]) -> Result<(), RecordError> {
        if record.kind != DATA && record.kind != CONTROL && record.must_understand {
            return Err(RecordError::new(format!("kind {} isn't known", record.kind)));
        }
        check(record, payload, self.total()).map_err(RecordError::new)?;
        self.records += 1;
        Ok(())
    }
}

/// The payload of record `number`.
pub fn payload(number: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (number.wrapping_mul(31).wrapping_add(at.wrapping_mul(7)) % 251) as u8).collect()
}

pub fn check(record: &Record, bytes: &[u8], number: u64) -> Result<(), String> {
    if record.meta != number.to_le_bytes() {
        return Err(format!(
            "record {number} expected at {}, its meta is {:?}",
            record.position, record.meta
        ));
    }
    if bytes != payload(number, bytes.len()) {
        return Err(format!("record {number} has another payload"));
    }
    Ok(())
}

/// Appends record `number`, of `len` bytes.
pub fn append(log: &Log, number: u64, len: usize, class: Class) -> Result<Appended, AppendError> {
    let meta = number.to_le_bytes();
    let payload = payload(number, len);
    let kind = if class == Class::Data { DATA } else { CONTROL };
    log.append(&Frame::new(kind, false, &meta, &payload), class, &mut |checkpoint| {
        checkpoint.extend_from_slice(&number.to_le_bytes());
    })
}

/// As [`append`]; whoever calls it waits for the record to be durable.
pub fn append_awaited(log: &Log, number: u64, len: usize, class: Class) -> Result<Appended, AppendError> {
    let meta = number.to_le_bytes();
    let payload = payload(number, len);
    let kind = if class == Class::Data { DATA } else { CONTROL };
    log.append_awaited(&Frame::new(kind, false, &meta, &payload), class, &mut |checkpoint| {
        checkpoint.extend_from_slice(&number.to_le_bytes());
    })
}

/// Reads everything there is: the number of the first record and of the one after the last.
pub fn read_all(log: &Log, through: Through) -> Result<(u64, u64), String> {
    let mut reader = log.reader(Position::ZERO, through);
    let mut range: Option<(u64, u64)> = None;
    while let Some((record, payload)) = read_one(&mut reader)? {
        let meta = record.meta.as_slice().try_into().map_err(|_| "a short meta".to_owned())?;
        let number = u64::from_le_bytes(meta);
        let (first, next) = range.unwrap_or((number, number));
        check(&record, &payload, next)?;
        range = Some((first, next + 1));
    }
    Ok(range.unwrap_or((0, 0)))
}

pub fn read_one(reader: &mut Reader) -> Result<Option<(Record, Vec<u8>)>, String> {
    let Some(record) = reader.next().map_err(|error| error.to_string())? else { return Ok(None) };
    let mut payload = Vec::new();
    reader.read_checked(&record, &mut payload).map_err(|error| error.to_string())?;
    Ok(Some((record, payload)))
}
