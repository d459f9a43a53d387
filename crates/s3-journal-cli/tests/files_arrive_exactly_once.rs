//! FILEs: however often they are named, and wherever a run before was cut off, each line arrives once.

mod common;

use common::{
    Place, Running, append, fails_with, json, last_receipt, numbered, remove, run, succeeds, succeeds_with,
    text, until,
};

#[test]
fn files_named_twice_and_in_a_second_run_arrive_once() {
    let place = Place::new();
    let (one, two) = (place.file("one", "a\nb\n"), place.file("two", "c"));
    let files = [text(&one), text(&two), text(&one)];
    succeeds(&mut place.write(&files));
    let summary = json(&succeeds(place.write(&files).arg("--json")));
    assert_eq!(summary["entries"], 0);
    assert_eq!(place.cat(), "a\nb\nc\n");
}

#[test]
fn standard_input_may_stand_among_them() {
    let place = Place::new();
    let (one, two) = (place.file("one", "a\n"), place.file("two", "c\n"));
    succeeds_with(&mut place.write(&[text(&one), "-", text(&two)]), b"b\n");
    assert_eq!(place.cat(), "a\nb\nc\n");
}

#[test]
fn what_a_file_has_gained_since_arrives_by_the_next_run() {
    let place = Place::new();
    let path = place.file("log", numbered(0..10));
    succeeds(&mut place.write(&[text(&path)]));
    append(&path, &numbered(10..20));
    succeeds(&mut place.write(&[text(&path)]));
    assert_eq!(place.cat(), numbered(0..20));
}

#[test]
fn a_replaced_file_is_a_new_one_and_a_truncated_one_is_warned_of() {
    let place = Place::new();
    let path = place.file("log", numbered(0..10));
    succeeds(&mut place.write(&[text(&path)]));
    // In place, longer, with another beginning: the inode is the same.
    place.file("log", numbered(100..120));
    let output = run(&mut place.write(&[text(&path)]), b"");
    assert_eq!(output.status.code(), Some(0));
    assert!(common::stderr(&output).contains("isn't the one that was read before"), "{output:?}");
    place.file("log", numbered(200..203));
    let output = run(&mut place.write(&[text(&path)]), b"");
    assert!(common::stderr(&output).contains("shorter than what was read"), "{output:?}");
    assert_eq!(place.cat(), [numbered(0..10), numbered(100..120), numbered(200..203)].concat());
}

#[test]
fn from_start_reads_a_file_again() {
    let place = Place::new();
    let path = place.file("log", "a\n");
    succeeds(&mut place.write(&[text(&path)]));
    succeeds(&mut place.write(&["--from-start", text(&path)]));
    assert_eq!(place.cat(), "a\na\n");
    let error = fails_with(&mut place.write(&["--from-start"]), b"", 2);
    assert!(error.contains("--from-start") && error.contains("FILE"), "{error}");
}

#[test]
fn a_file_is_taken_up_where_a_killed_run_left_it() {
    const LINES: u64 = 300_000;
    let place = Place::new();
    let path = place.file("log", numbered(0..LINES));
    let mut kills = 0;
    loop {
        let mut running = Running::start(&mut place.write(&[
            "--receipts",
            "--max-batch-latency=1ms",
            "--max-batch-bytes=8k",
            text(&path),
        ]));
        // Each run gets a little further before it is killed; the last one reaches the end.
        let goal = (kills + 1) * LINES / 5;
        until("a fifth of the file is durable, or the end", || {
            last_receipt(&running.stdout()).is_some_and(|(durable, _)| durable >= goal)
                || !running.is_running()
        });
        let output = running.kill();
        if output.status.success() {
            break;
        }
        kills += 1;
    }
    succeeds(&mut place.write(&[text(&path)]));
    assert!(
        place.cat() == numbered(0..LINES),
        "a line is missing, doubled or out of order after {kills} kills"
    );
    succeeds(&mut place.read("verify", &["--deep"]));
}

#[test]
fn each_kill_before_a_full_queue_leaves_the_place_to_go_on_at() {
    let place = Place::new();
    let path = place.file("log", numbered(0..1_000));
    let obstacle = place.file("obstacle", "");
    let write = |queue: &str| {
        let mut command = place.program(&["write", "--receipts", "--id=tester", queue, text(&path)]);
        command.arg("--to").arg(obstacle.join("bucket")).arg("--local-directory").arg(place.queue());
        command
    };
    for full in [1, 10, 300, 999] {
        let running = Running::start(&mut write(&format!("--max-queue-size={full}")));
        until("the queue is full", || {
            last_receipt(&running.stdout()).is_some_and(|(durable, _)| durable == full)
        });
        running.kill();
        assert_eq!(place.status()["pending_entries"], full);
    }
    remove(&obstacle);
    succeeds(&mut write("--max-queue-size=1000"));
    let mut cat = place.program(&["cat", "--to"]);
    assert_eq!(succeeds(cat.arg(obstacle.join("bucket"))), numbered(0..1_000));
}
