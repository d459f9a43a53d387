use durable_queue::{Class, Environment, Frame, Log, LogOptions, Step};

use super::*;
use crate::record::{Batch, Kind, Opening};

struct Nothing;

impl durable_queue::Visitor for Nothing {
    fn checkpoint(&mut self, _: &[u8]) -> Result<(), durable_queue::RecordError> {
        Ok(())
    }

    fn record(&mut self, _: &durable_queue::Record, _: &[u8]) -> Result<(), durable_queue::RecordError> {
        Ok(())
    }
}

fn append(log: &Log, number: u64, payload_bytes: usize) {
    let opening = Opening {
        key: format!("key-{number}"),
        metadata: [].into(),
        directory: String::new(),
        part_size_bytes: 8 << 20,
        compressor: "none".into(),
    };
    let batch = Record::Batch(Batch {
        number,
        first: number,
        entries: 1,
        opening: Some(opening),
        ..Batch::default()
    });
    let mut meta = Vec::new();
    batch.encode_into(&mut meta);
    let payload = vec![b'x'; payload_bytes];
    let frame = Frame::new(Kind::Batch as u16, true, &meta, &payload);
    while log.append(&frame, Class::Data, &mut |_| {}).is_err() {
        while [log.prepare_step(), log.write_step(), log.sync_step()].contains(&Step::Worked) {}
    }
    while [log.prepare_step(), log.write_step(), log.sync_step()].contains(&Step::Worked) {}
}

/// Where a slab is gone and nothing tells how long it was, it counts as removed as soon as it is the oldest, even if the next object
/// was in it.
#[test]
fn where_its_place_is_gone_it_goes_on_with_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let options = LogOptions { slab_size_bytes: 128 << 10, ..LogOptions::new(directory.path()) };
    let log = Log::open(Environment::system(), options, &mut Nothing).unwrap().begin(&[]).unwrap();
    let place = log.durable();
    for number in 0..4 {
        append(&log, number, 48 << 10);
    }
    log.release_before(log.appended());
    while log.prepare_step() == Step::Worked {}
    assert!(log.oldest() > place);
    let number = {
        let mut reader = log.reader(log.oldest(), Through::Durable);
        let Record::Batch(batch) = decode(&reader.next().unwrap().unwrap()).unwrap() else { panic!() };
        batch.number
    };
    for expected in [number, 0] {
        let mut loader = Loader::new(log.clone(), place, 4);
        loader.expect(expected, None);
        match loader.next() {
            Ok(Loaded::Opened(plan)) => assert_eq!((plan.number, expected), (number, number)),
            Err(error) => assert!(error.is_damage() && expected != number, "{error}"),
            other => panic!("{other:?}"),
        }
    }
}
