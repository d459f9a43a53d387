//! Many appenders on the computer's own disk: everything durable, in order, and there again after opening.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use durable_queue::{AppendError, Class, Environment, Log, LogOptions, OpenError, Position, Step, Through};
use support::client::{Count, append, read_all};
use support::world::small_options;

fn open(options: LogOptions) -> (Log, Count) {
    let mut count = Count::default();
    let opening = Log::open(Environment::system(), options, &mut count).unwrap();
    assert!(opening.was_clean && opening.cut.is_none());
    (opening.begin(&count.total().to_le_bytes()).unwrap(), count)
}

fn options(directory: &Path) -> LogOptions {
    LogOptions { slab_size_bytes: 256 << 10, pending_bytes_max: 64 << 10, ..small_options(directory) }
}

const APPENDERS: u64 = 8;
const EACH: u64 = 250;

/// Appends from many threads; the number is drawn together with the append, so that the records are in order.
fn append_all(log: &Log, from: u64, waits: bool) {
    let next = Mutex::new(from);
    std::thread::scope(|scope| {
        for appender in 0..APPENDERS {
            let next = &next;
            scope.spawn(move || {
                for n in 0..EACH {
                    let end = loop {
                        let mut next = next.lock().unwrap();
                        match append(log, *next, usize::try_from(n * 13 % 1700).unwrap(), Class::Data) {
                            Ok(appended) => {
                                *next += 1;
                                break appended.end;
                            }
                            Err(AppendError::Busy) => {
                                drop(next);
                                log.wait_for_room(None);
                            }
                            Err(error) => panic!("{error}"),
                        }
                    };
                    if waits && n % 10 == appender {
                        log.request_sync(end);
                        assert!(log.wait_durable(end, None).unwrap());
                        let durable = log.durable();
                        assert!(durable >= end && log.written() >= durable);
                    }
                }
            });
        }
    });
}

#[test]
fn all_of_it_is_durable_and_in_order_after_reopening() {
    for fsync in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let options = LogOptions { fsync, ..options(directory.path()) };
        let (log, _) = open(options.clone());
        let threads = log.start().unwrap();
        assert!(log.start().is_err());
        append_all(&log, 0, true);
        let total = APPENDERS * EACH;
        log.request_sync(log.appended());
        assert!(log.wait_durable(log.appended(), None).unwrap());
        assert_eq!(read_all(&log, Through::Durable).unwrap(), (0, total));
        let stats = log.stats();
        assert!(stats.slabs > 4 && stats.frames_appended == total, "{stats:?}");
        assert!(stats.syncs < total, "commits are grouped: {stats:?}");
        log.close().unwrap();
        drop((log, threads));

        let (log, count) = open(options);
        assert_eq!(count.total(), total);
        assert_eq!(read_all(&log, Through::Durable).unwrap(), (0, total));
        let threads = log.start().unwrap();
        append_all(&log, total, false);
        // Ending the threads writes and syncs what is left, as far as the log syncs by itself.
        drop(threads);
        assert_eq!((log.written(), log.durable() == log.appended()), (log.appended(), fsync));
        log.close().unwrap();
        assert_eq!(read_all(&log, Through::Durable).unwrap(), (0, 2 * total));
    }
}

#[test]
fn a_reader_follows_the_writers_and_slabs_are_removed_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(options(directory.path()));
    let _threads = log.start().unwrap();
    let follower = {
        let log = log.clone();
        std::thread::spawn(move || {
            let (moved, news) = std::sync::mpsc::channel();
            log.on_progress(Box::new(move || moved.send(()).unwrap_or_default()));
            let mut reader = log.reader(Position::ZERO, Through::Durable);
            let mut next = 0;
            while next < APPENDERS * EACH {
                match support::client::read_one(&mut reader).unwrap() {
                    Some((record, payload)) => {
                        support::client::check(&record, &payload, next).unwrap();
                        next += 1;
                        log.release_before(record.end);
                        reader.forget_cached_before(record.end);
                    }
                    None => news.recv().unwrap(),
                }
            }
        })
    };
    append_all(&log, 0, false);
    follower.join().unwrap();
    // Together with the thread that does the same.
    while log.prepare_step() != Step::Idle {}
    assert_eq!(log.stats().slabs, 1, "{:?}", log.stats());
    log.close().unwrap();
}

#[test]
fn a_second_opener_is_refused_and_told_who_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(options(directory.path()));
    let error =
        Log::open(Environment::system(), options(directory.path()), &mut Count::default()).unwrap_err();
    let OpenError::Locked { holder, .. } = error else { panic!("{error:?}") };
    assert!(holder.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
    drop(log);
    let _opening =
        Log::open(Environment::system(), options(directory.path()), &mut Count::default()).unwrap();
}

#[test]
fn waiting_ends_with_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(options(directory.path()));
    let end = append(&log, 0, 10, Class::Data).unwrap().end;
    assert!(!log.wait_durable(end, Some(Duration::from_millis(1))).unwrap());
    assert!(!log.wait_durable(end, Some(Duration::ZERO)).unwrap());
}

#[test]
fn a_directory_that_is_a_file_is_not_usable() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::File::options().write(true).create_new(true).open(&path).unwrap();
    let error = Log::open(Environment::system(), options(&path), &mut Count::default()).unwrap_err();
    assert!(matches!(error, OpenError::NotUsable { .. }), "{error:?}");
}
