//! A process dies between making the log's directory, or one above it, and syncing its name. The next one finds it there: it must
//! not take it for durable. (Found by simulation: a power loss later took the whole log, entries and all.)

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use std::path::Path;
use std::sync::Arc;

use durable_queue::fake::{FakeClock, FakeDisk, FakeRandom, Loss, OperationKind};
use durable_queue::{Class, Environment, Log, OpenError, Step};
use support::client::{Count, append};
use support::world::small_options;

fn environment(disk: &FakeDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(FakeClock::default()),
        random: Arc::new(FakeRandom::new(1)),
    }
}

fn open(disk: &FakeDisk, directory: &Path) -> Result<(Log, u64), OpenError> {
    let mut count = Count::default();
    let opening = Log::open(environment(disk), small_options(directory), &mut count)?;
    let total = count.total();
    Ok((opening.begin(&total.to_le_bytes())?, total))
}

#[test]
fn whichever_name_it_was() {
    let directory = Path::new("/above/between/log");
    for operations in 1..7 {
        let disk = FakeDisk::new();
        disk.keep_trace();
        disk.stop_after(operations);
        assert!(open(&disk, directory).is_err());
        let made = disk
            .take_trace()
            .iter()
            .filter(|traced| traced.operation.kind == OperationKind::CreateDirectory)
            .count();
        assert!(made > 0, "it stops after a directory was made");
        disk.kill();
        let (log, _) = open(&disk, directory).unwrap();
        append(&log, 0, 100, Class::Data).unwrap();
        while log.write_step() == Step::Worked {}
        while log.sync_step() == Step::Worked {}
        assert_eq!(log.durable(), log.appended());
        disk.lose_power(Loss::Lost);
        let (_, total) = open(&disk, directory).unwrap();
        assert_eq!(total, 1, "stopped after {operations} operations");
    }
}

/// No power loss shows this one, since publishing the next slab syncs the directory again before anything depends on it: so it is
/// the order that is held.
#[test]
fn what_is_in_it_is_made_durable_before_it_is_believed() {
    let (disk, directory) = (FakeDisk::new(), Path::new("/log"));
    drop(open(&disk, directory).unwrap());
    disk.kill();
    disk.keep_trace();
    drop(open(&disk, directory).unwrap());
    let trace: Vec<String> =
        disk.take_trace().iter().map(|traced| format!("{:#}", traced.operation)).collect();
    let place = |what: &str| trace.iter().position(|operation| operation == what);
    let directory_synced = place("sync-directory /log");
    assert!(
        directory_synced.is_some() && directory_synced < place("sync /log/0000000000000001.slab"),
        "{trace:?}"
    );
}
