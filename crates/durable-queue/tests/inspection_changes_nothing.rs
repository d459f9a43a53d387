//! A log can be looked at beside its writer, or after its death, by whoever may read it.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use durable_queue::{Class, OpenError, inspect};
use support::Texts;
use support::client::Count;
use support::world::{Act, World, directory, slab};

#[test]
fn beside_a_writer_after_its_death_and_after_its_end() {
    let mut world = World::new(1);
    let look = |world: &World| {
        world.disk.take_texts();
        let mut count = Count::default();
        let inspected = inspect(&world.disk, &directory(), &mut count).unwrap();
        assert_eq!(world.disk.take_texts(), Vec::<String>::new(), "it only reads");
        (inspected, count.total())
    };
    let log = world.open().unwrap().unwrap();
    let (inspected, count) = look(&world);
    assert_eq!((inspected.identity, inspected.was_clean, count), (Some(log.identity()), false, 0));
    world.run(
        &log,
        &[Act::Prepare, Act::Append(9000), Act::Append(9000), Act::Write, Act::Append(10), Act::Write],
    );
    let (inspected, count) = look(&world);
    assert_eq!((inspected.slabs.len(), count, inspected.torn), (2, 3, None));
    assert_eq!(inspected.slabs[1].end_bytes, log.written().offset_bytes);
    assert_eq!(inspected.slabs[0].end_bytes, inspected.slabs[0].len_bytes);

    world.disk.kill();
    let end = log.written().offset_bytes;
    world.disk.tamper(&slab(2), |content| content[usize::try_from(end).unwrap() + 20] = 1);
    let (inspected, count) = look(&world);
    let torn = inspected.torn.unwrap();
    assert_eq!((count, torn.offset_bytes, torn.kept_as), (3, end, None));

    let log = world.open().unwrap().unwrap();
    world.append(&log, 10, Class::Data);
    log.close().unwrap();
    let (inspected, count) = look(&world);
    assert_eq!((inspected.was_clean, count, inspected.slabs.len()), (true, 4, 3));
}

#[test]
fn a_directory_without_a_log_and_none_at_all_are_told_apart() {
    let world = World::new(1);
    let missing = inspect(&world.disk, &directory(), &mut Count::default()).unwrap_err();
    assert!(matches!(missing, OpenError::NotUsable { .. }), "{missing:?}");
    let empty = tempfile::tempdir().unwrap();
    let inspected = inspect(&durable_queue::disk::RealDisk, empty.path(), &mut Count::default()).unwrap();
    assert_eq!((inspected.identity, inspected.slabs.len()), (None, 0));
}

#[test]
fn beside_a_busy_writer_on_a_real_disk_it_always_sees_a_prefix() {
    let directory = tempfile::tempdir().unwrap();
    let options = support::world::small_options(directory.path());
    let environment = durable_queue::Environment::system();
    let log = durable_queue::Log::open(environment, options, &mut Count::default()).unwrap();
    let log = log.begin(&0_u64.to_le_bytes()).unwrap();
    let _threads = log.start().unwrap();
    let writer = {
        let log = log.clone();
        std::thread::spawn(move || {
            for number in 0..400 {
                while support::client::append(&log, number, 700, Class::Data).is_err() {
                    log.wait_for_room(None);
                }
                if number % 50 == 49 {
                    log.release_before(log.durable());
                }
            }
        })
    };
    let mut newest = 0;
    while !writer.is_finished() {
        let mut count = Count::default();
        inspect(&durable_queue::disk::RealDisk, directory.path(), &mut count).unwrap();
        assert!(count.total() >= newest, "{} after {newest}", count.total());
        newest = count.total();
    }
    writer.join().unwrap();
    log.close().unwrap();
    let mut count = Count::default();
    inspect(&durable_queue::disk::RealDisk, directory.path(), &mut count).unwrap();
    assert_eq!(count.total(), 400);
}
