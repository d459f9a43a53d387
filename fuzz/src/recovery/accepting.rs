//! Opens a directory for a client that accepts damage, and reads all of it: nothing panics, nothing goes round for ever, and where nothing is
//! damaged it is told what every other client is. Knows the log's face and `opening`.

use durable_queue::fake::FakeDisk;
use durable_queue::{Damage, Log, Position, ReadError, Record, RecordError, Step, Through, Visitor};

use super::opening::{Opened, Told, environment, options};

/// A client that goes on whatever is damaged.
#[derive(Default)]
struct Accepting {
    told: Told,
    damage: Vec<Damage>,
}

impl Visitor for Accepting {
    fn checkpoint(&mut self, payload: &[u8]) -> Result<(), RecordError> {
        self.told.checkpoint(payload)
    }

    fn record(&mut self, record: &Record, payload: &[u8]) -> Result<(), RecordError> {
        self.told.record(record, payload)
    }

    fn damaged(&mut self, damage: &Damage) -> Result<(), RecordError> {
        assert!(damage.from <= damage.to, "{damage:?}");
        self.damage.push(damage.clone());
        Ok(())
    }
}

/// Opens what is on `disk`, which stays as it is. `strict` is what a client that accepts nothing is told.
pub fn open_and_read(disk: &FakeDisk, strict: &Opened) {
    let disk = disk.fork();
    let mut visitor = Accepting::default();
    let opening = match (Log::open(environment(&disk, 2000), options(), &mut visitor), strict) {
        (Ok(opening), Opened::Yes { told, cut }) => {
            assert_eq!(
                (&visitor.told, visitor.damage.len()),
                (told, 0),
                "more is told to whom accepts damage"
            );
            assert_eq!(&opening.cut, cut);
            opening
        }
        (Err(error), Opened::Yes { .. }) => panic!("refused to whom accepts damage: {error}"),
        (Ok(opening), Opened::Refused(reason)) => {
            assert!(!visitor.damage.is_empty(), "nothing is damaged, and others are refused: {reason}");
            opening
        }
        (Err(_), Opened::Refused(_)) => return,
    };
    let Ok(log) = opening.begin(&[]) else { return };
    while [log.write_step(), log.sync_step()].contains(&Step::Worked) {}
    read(&log);
}

/// Reads to the end, past everything that is damaged.
fn read(log: &Log) {
    let mut reader = log.reader(log.oldest(), Through::Durable);
    let mut payload = Vec::new();
    let mut last = Position::ZERO;
    let mut skipped_in_a_row = 0;
    loop {
        match reader.next() {
            Ok(Some(record)) => {
                assert!(last < record.end, "{record:?} comes after {last}");
                last = record.end;
                skipped_in_a_row = 0;
                match reader.read_checked(&record, &mut payload) {
                    Ok(()) | Err(ReadError::Corrupt { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Ok(None) => return,
            Err(ReadError::Corrupt { .. }) => {
                let at = reader.position();
                reader.skip_damage().expect("damage can be passed by");
                skipped_in_a_row = if reader.position() == at { skipped_in_a_row + 1 } else { 0 };
                assert!(skipped_in_a_row < 4, "reading goes round at {at}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}
