//! Small mistakes of the kind that the scenarios are for, each found by both schedulers; and what isn't a mistake isn't.

#![allow(clippy::pedantic, missing_docs, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use schedules::{Scenario, Scheduler, run};
use schedules_sync::{Condvar, Mutex, Surprises, atomic, begin, thread};

const EXECUTIONS: usize = 500;

fn found(once: fn()) -> Vec<String> {
    let scenario = Scenario::new("a mistake", "", once);
    [Scheduler::Random, Scheduler::Pct]
        .into_iter()
        .filter_map(|scheduler| run(&scenario, scheduler, EXECUTIONS, 1).err())
        .map(|failure| failure.what)
        .collect()
}

fn wake(looks_under_the_lock: bool, timeouts: u32, times_out: bool) {
    begin(Surprises { timeouts, ..Surprises::default() });
    let shared = Arc::new((Mutex::new(()), Condvar::new(), atomic::AtomicBool::new(false)));
    let waker = Arc::clone(&shared);
    let woken = thread::Builder::new().spawn(move || {
        let (lock, condvar, is_done) = &*waker;
        let guard = looks_under_the_lock.then(|| lock.lock().unwrap());
        is_done.store(true, atomic::Ordering::SeqCst);
        condvar.notify_one();
        drop(guard);
    });
    let (lock, condvar, is_done) = &*shared;
    let mut guard = lock.lock().unwrap();
    while !is_done.load(atomic::Ordering::SeqCst) {
        guard = if times_out {
            condvar.wait_timeout(guard, Duration::from_secs(1)).unwrap().0
        } else {
            condvar.wait(guard).unwrap()
        };
    }
    drop(guard);
    woken.unwrap().join().unwrap();
    assert_eq!(thread::running(), 0);
}

#[test]
fn a_wake_between_looking_and_waiting_is_lost() {
    let whats = found(|| wake(false, 0, false));
    assert!(whats.len() == 2 && whats.iter().all(|what| what.starts_with("deadlock!")), "{whats:?}");
}

#[test]
fn a_timeout_does_not_hide_that() {
    let whats = found(|| wake(false, 0, true));
    assert!(whats.len() == 2 && whats.iter().all(|what| what.starts_with("deadlock!")), "{whats:?}");
}

#[test]
fn under_the_lock_no_wake_is_lost() {
    assert_eq!(found(|| wake(true, 0, false)), [""; 0]);
    assert_eq!(found(|| wake(true, 3, true)), [""; 0]);
}

#[test]
fn a_timeout_may_come_beside_a_wake() {
    // Whoever takes a wait that timed out for one that wasn't woken is mistaken.
    let whats = found(|| {
        begin(Surprises { timeouts: 1, ..Surprises::default() });
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let waker = Arc::clone(&shared);
        let woken = thread::Builder::new().spawn(move || {
            *waker.0.lock().unwrap() = true;
            waker.1.notify_one();
        });
        let mut is_done = shared.0.lock().unwrap();
        while !*is_done {
            let timed_out;
            (is_done, timed_out) = shared.1.wait_timeout(is_done, Duration::from_secs(1)).unwrap();
            assert!(!(timed_out.timed_out() && *is_done), "timed out, and done");
        }
        drop(is_done);
        woken.unwrap().join().unwrap();
    });
    assert!(
        whats.len() == 2 && whats.iter().all(|what| what.starts_with("timed out, and done")),
        "{whats:?}"
    );
}
