//! The log's threads and those who use it.

use std::sync::Arc;
use std::time::Duration;

use durable_queue::fake::Dice;
use durable_queue::{LogOptions, Position, Step, Through};
use schedules_sync::{Condvar, Mutex};
use shuttle::thread::{JoinHandle, spawn};

use crate::client::{check, read_all, read_one};
use crate::log_client::{Client, End, options};
use crate::world::World;

/// Waits until a thread has ended.
fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|_| panic!("a thread panicked"))
}

/// Some waits are without an end, some aren't.
fn timeout(dice: &mut Dice) -> Option<Duration> {
    dice.one_in(2).then_some(Duration::from_secs(1))
}

/// Appends records until it has appended `count` or may not any more; waits for some of them, as it says of some beforehand, not
/// always for the last one, and the power may go after one.
fn append_some(client: &Client, dice: &mut Dice, count: u64, len_max: u64) -> Result<(), End> {
    let cut_after = dice.below(count * 3);
    for n in 0..count {
        let is_awaited = dice.one_in(2);
        let (len, time) = (dice.below(len_max), timeout(dice));
        let (number, end) =
            if is_awaited { client.append_awaited(len, time)? } else { client.append(len, time)? };
        if is_awaited || dice.one_in(2) {
            client.wait_durable(number, end, timeout(dice))?;
        }
        if n == cut_after {
            client.cut_power();
        }
    }
    Ok(())
}

fn appenders(
    world: &World,
    client: &Arc<Client>,
    threads: u64,
    count: u64,
    len_max: u64,
) -> Vec<JoinHandle<Result<(), End>>> {
    (0..threads)
        .map(|_| {
            let (client, mut dice) = (Arc::clone(client), world.dice());
            spawn(move || append_some(&client, &mut dice, count, len_max))
        })
        .collect()
}

/// Threads append and wait for their records; the log is abandoned, its threads only ended.
pub fn group_commit() {
    let world = World::begin();
    let client = Client::open(&world, LogOptions { fsync: world.one_in(2), ..options() });
    let threads = client.log.start().unwrap();
    for appender in appenders(&world, &client, 3, 2, 900) {
        join(appender).unwrap();
    }
    drop(threads);
    assert_eq!(schedules_sync::thread::running(), 0, "threads outlive their handle");
    assert_eq!(client.log.written(), client.log.appended());
    if client.log.options().fsync {
        assert_eq!(client.log.durable(), client.log.appended());
    }
    client.check(&world);
}

/// More is appended than slabs and memory hold; a reader follows, and what it has read is released.
pub fn room() {
    const APPENDERS: u64 = 2;
    const EACH: u64 = 4;
    let world = World::begin();
    let slab_size_bytes = options().slab_size_bytes;
    let bytes_max = world.one_in(2).then_some(slab_size_bytes * 2);
    let client = Client::open(&world, LogOptions { bytes_max, fsync: world.one_in(2), ..options() });
    let threads = client.log.start().unwrap();
    // Some are larger than the slab that is ready.
    let len_max = if bytes_max.is_none() && world.one_in(2) { 16_000 } else { 3000 };
    let appenders = appenders(&world, &client, APPENDERS, EACH, len_max);
    let reader = {
        let (client, mut dice) = (Arc::clone(&client), world.dice());
        // Where nothing is synced unasked, whoever waits for room asks for nothing.
        let is_durable = client.log.options().fsync && dice.one_in(2);
        let through = if is_durable { Through::Durable } else { Through::Written };
        spawn(move || follow(&client, APPENDERS * EACH, through, bytes_max.is_none() && dice.one_in(2)))
    };
    for appender in appenders {
        join(appender).unwrap();
    }
    join(reader);
    // Together with the thread that does the same.
    while client.log.prepare_step() == Step::Worked {}
    client.close().unwrap();
    drop(threads);
    client.check(&world);
    client.check_closed(&world);
}

/// Reads `total` records as they come, and releases them: each as soon as it is read, or all at the end.
fn follow(client: &Client, total: u64, through: Through, at_the_end: bool) {
    let news = Arc::new((Mutex::new(0_u64), Condvar::new()));
    let telling = Arc::clone(&news);
    client.log.on_progress(Box::new(move || {
        *telling.0.lock().unwrap() += 1;
        telling.1.notify_all();
    }));
    let mut reader = client.log.reader(Position::ZERO, through);
    let mut next = 0;
    while next < total {
        let seen = *news.0.lock().unwrap();
        if let Some((record, payload)) = read_one(&mut reader).unwrap() {
            check(&record, &payload, next).unwrap();
            next += 1;
            if !at_the_end || next == total {
                client.log.release_before(record.end);
            }
            continue;
        }
        let mut count = news.0.lock().unwrap();
        while *count == seen {
            count = news.1.wait(count).unwrap();
        }
    }
}

/// The log is closed, by two at once, while others append and wait.
pub fn closing() {
    let world = World::begin();
    let client = Client::open(&world, LogOptions { fsync: world.one_in(2), ..options() });
    let threads = client.log.start().unwrap();
    let appenders = appenders(&world, &client, 2, 3, 2500);
    let closers: Vec<_> = (0..2)
        .map(|_| {
            let client = Arc::clone(&client);
            spawn(move || {
                client.close().unwrap();
                client.cut_power();
            })
        })
        .collect();
    if world.one_in(4) {
        // Ends the threads beside those who close.
        drop(threads);
    }
    for closer in closers {
        join(closer);
    }
    for appender in appenders {
        assert!(matches!(join(appender), Ok(()) | Err(End::Closed)), "the log failed");
    }
    client.close().unwrap();
    assert_eq!(client.log.durable(), client.log.appended());
    assert_eq!(read_all(&client.log, Through::Durable).unwrap().1, client.appended());
    client.check(&world);
    client.check_closed(&world);
}

/// A write or a sync fails while others append, wait and close.
pub fn latch() {
    let world = World::begin();
    let client = Client::open(&world, LogOptions { fsync: world.one_in(2), ..options() });
    world.fail_one(12);
    let threads = client.log.start().unwrap();
    let appenders = appenders(&world, &client, 3, 3, 3000);
    let closing = world.one_in(3).then(|| {
        let client = Arc::clone(&client);
        spawn(move || client.close())
    });
    let ends: Vec<_> = appenders.into_iter().map(join).collect();
    let closed = closing.map(join);
    let has_failed = client.log.failure().is_some();
    let durable = client.log.durable();
    if has_failed {
        assert_eq!(client.append(1, None).unwrap_err(), End::Failed);
        assert_eq!(client.close(), Err(End::Failed));
        assert_eq!(client.log.durable(), durable, "something became durable after the failure");
    } else {
        let ended_by_closing = |end: &Result<(), End>| *end == Err(End::Closed) && closed.is_some();
        assert!(ends.iter().all(|end| end.is_ok() || ended_by_closing(end)), "{ends:?}");
        // It may fail now.
        let _ = client.close();
    }
    drop(threads);
    client.check_failures();
    client.check(&world);
}

/// A sync fails while a slab is ended: the next one would say that all is well.
pub fn rotation_latch() {
    let world = World::begin();
    let client = Client::open(&world, options());
    // This slab is nearly full and the next one ready.
    while client.log.prepare_step() == Step::Worked {}
    client.append(3500, None).unwrap();
    assert_eq!(client.log.write_step(), Step::Worked);
    world.fail_a_sync(3);
    let threads = client.log.start().unwrap();
    for appender in appenders(&world, &client, 2, 2, 3500) {
        // That it fails depends on how many syncs there are.
        let _ = join(appender);
    }
    drop(threads);
    let _ = client.close();
    client.check_failures();
    client.check(&world);
}

/// The threads are ended and started again while others append and wait.
pub fn restart() {
    let world = World::begin();
    let client = Client::open(&world, options());
    let appenders = appenders(&world, &client, 2, 3, 1500);
    for _ in 0..2 {
        let threads = client.log.start().unwrap();
        assert!(client.log.start().is_err(), "the threads run twice");
        drop(threads);
        assert_eq!(schedules_sync::thread::running(), 0, "threads outlive their handle");
    }
    let threads = client.log.start().unwrap();
    for appender in appenders {
        join(appender).unwrap();
    }
    drop(threads);
    assert_eq!(client.log.durable(), client.log.appended());
    client.check(&world);
}
