//! SIGINT and SIGTERM: the first stops the reading and carries what was taken to the bucket, the second leaves at once.

mod common;

use common::{Place, Running, json, json_lines, last_receipt, numbered, succeeds, until};

fn durable(running: &Running) -> u64 {
    last_receipt(&running.stdout()).map_or(0, |(durable, _)| durable)
}

/// A writer that waits for more input, with `lines` lines durable.
fn waiting(place: &Place, lines: u64, options: &[&str]) -> Running {
    let mut running = Running::start(&mut place.write(&[&["--receipts"], options].concat()));
    running.feed(&numbered(0..lines));
    until("the lines are durable", || durable(&running) == lines);
    running
}

#[test]
fn a_writer_that_waits_for_input_drains_and_succeeds() {
    for signal in ["INT", "TERM"] {
        let place = Place::new();
        let mut running = waiting(&place, 10, &[]);
        // The input stays open: the signal alone ends it.
        running.signal(signal);
        let output = running.finish();
        assert_eq!(output.status.code(), Some(0), "{signal}: {}", common::stderr(&output));
        let receipts = json_lines(&String::from_utf8(output.stdout).unwrap());
        assert_eq!(receipts.last(), Some(&serde_json::json!({"durable": 10, "uploaded": 10})));
        assert_eq!(place.cat(), numbered(0..10));
    }
}

#[test]
fn a_line_that_was_read_in_part_is_told_and_not_taken() {
    let place = Place::new();
    let mut running = Running::start(&mut place.write(&["--receipts"]));
    // So little goes through a pipe at once: with the lines the half one has been read, too.
    running.feed(&format!("{}half a li", numbered(0..10)));
    until("the lines are durable", || durable(&running) == 10);
    running.signal("TERM");
    let output = running.finish();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(place.cat(), numbered(0..10));
    assert!(common::stderr(&output).contains("9 bytes"), "{}", common::stderr(&output));
}

#[test]
fn a_second_signal_leaves_at_once_with_entries_waiting_safely() {
    let place = Place::new();
    // The bucket can't be made: a file is where its directory would be.
    let obstacle = place.file("obstacle", "");
    let mut command = place.program(&["write", "-v", "--receipts", "--id", "tester"]);
    command.arg("--to").arg(obstacle.join("bucket")).arg("--local-directory").arg(place.queue());
    let mut running = Running::start(&mut command);
    running.feed(&numbered(0..10));
    until("the lines are durable", || durable(&running) == 10);
    running.signal("TERM");
    until("it drains", || running.stderr().contains("SIGTERM"));
    assert!(running.is_running());
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.status.code(), Some(75), "{}", common::stderr(&output));
    assert_eq!(place.status()["pending_entries"], 10);
}

#[test]
fn files_stop_at_an_entry_and_go_on_there() {
    const LINES: u64 = 400_000;
    let place = Place::new();
    let path = place.file("log", numbered(0..LINES));
    let path = common::text(&path);
    let mut running =
        Running::start(&mut place.write(&["--receipts", "--json", "--max-batch-bytes=4k", path]));
    until("some of it is durable", || running.stdout().lines().count() > 1);
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.status.code(), Some(0), "{}", common::stderr(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    let taken = json(told.lines().next_back().unwrap())["entries"].as_u64().unwrap();
    assert!(place.cat() == numbered(0..taken), "{taken} lines were taken");
    succeeds(&mut place.write(&[path]));
    assert!(place.cat() == numbered(0..LINES));
}

#[test]
fn a_reading_that_a_full_queue_holds_up_is_given_up_when_its_time_is_up() {
    let place = Place::new();
    let obstacle = place.file("obstacle", "");
    let mut command = place.program(&[
        "write",
        "--receipts",
        "--id=tester",
        "--max-queue-size=10",
        "--close-timeout=100ms",
    ]);
    command.arg("--to").arg(obstacle.join("bucket")).arg("--local-directory").arg(place.queue());
    let mut running = Running::start(&mut command);
    running.feed(&numbered(0..1_000));
    until("the queue is full", || durable(&running) == 10);
    running.signal("TERM");
    let output = running.finish();
    assert_eq!(output.status.code(), Some(75), "{}", common::stderr(&output));
    assert!(
        common::stderr(&output).contains("line 11 of standard input was the first not taken"),
        "{output:?}"
    );
    assert_eq!(place.status()["pending_entries"], 10);
}

/// Lines that are far more than `crowded` has room for.
fn long_lines() -> String {
    (0..40_000).fold(String::new(), |lines, number| lines + &format!("{number} {}\n", "x".repeat(500)))
}

/// A writer to a bucket that takes nothing (a file is where its directory would be), with room on disk for 8 MiB.
fn crowded(place: &Place, close_timeout: &str, options: &[&str]) -> std::process::Command {
    let mut command = place.program(&["write", "--json", "--id=tester", "--max-queue-bytes=8MiB"]);
    command.args(["--max-entry-bytes=64KiB", "--max-batch-bytes=64KiB", "--close-timeout", close_timeout]);
    command.arg("--to").arg(place.path("obstacle").join("bucket"));
    command.arg("--local-directory").arg(place.queue()).args(options);
    command
}

/// Its end by a signal once the disk has no more room for it: status, words and summary.
fn stopped_when_full(mut running: Running) -> (Option<i32>, String, serde_json::Value) {
    until("the queue is full", || {
        running.stderr().contains("nothing more is taken: the queue takes as much")
    });
    running.signal("TERM");
    let output = running.finish();
    let summary = json(String::from_utf8_lossy(&output.stdout).trim());
    (output.status.code(), common::stderr(&output), summary)
}

#[test]
fn lines_of_a_file_that_found_no_room_are_not_lost_and_arrive_with_the_next_run() {
    let place = Place::new();
    let obstacle = place.file("obstacle", "");
    let lines = long_lines();
    let path = place.file("log", &lines);
    let running = Running::start(&mut crowded(&place, "100ms", &[common::text(&path)]));
    let (code, told, summary) = stopped_when_full(running);
    assert_eq!(code, Some(75), "{told}");
    let end = told.lines().last().unwrap();
    assert!(end.contains("the FILE still has") && end.contains("run the same command again"), "{end}");
    assert!(end.contains("--max-queue-bytes = 8388608") && !end.contains("lost"), "{end}");
    let number = |name: &str| summary[name].as_u64().unwrap();
    assert!(number("not_kept") > 0, "{summary}");
    assert_eq!(number("entries"), number("remaining") + number("not_kept"), "{summary}");
    assert_eq!(place.status()["pending_entries"], number("remaining"));
    common::remove(&obstacle);
    succeeds(&mut crowded(&place, "1h", &[common::text(&path)]));
    assert!(succeeds(place.program(&["cat", "--to"]).arg(obstacle.join("bucket"))) == lines);
}

#[test]
fn lines_of_standard_input_that_found_no_room_are_told_to_be_given_again() {
    let place = Place::new();
    place.file("obstacle", "");
    let mut running = Running::start(&mut crowded(&place, "100ms", &[]));
    let mut stdin = running.stdin.take().unwrap();
    // It stops reading before the end.
    let feeder =
        std::thread::spawn(move || drop(std::io::Write::write_all(&mut stdin, long_lines().as_bytes())));
    let (code, told, summary) = stopped_when_full(running);
    feeder.join().unwrap();
    assert_eq!(code, Some(74), "{told}");
    let end = told.lines().last().unwrap();
    assert!(end.contains("can't be read again: give them again") && !end.contains("FILE"), "{end}");
    assert!(summary["not_kept"].as_u64().unwrap() > 0, "{summary}");
    assert_eq!(place.status()["pending_entries"], summary["remaining"]);
}

#[test]
fn a_second_signal_does_not_count_as_safe_what_found_no_room() {
    let place = Place::new();
    place.file("obstacle", "");
    let path = place.file("log", long_lines());
    let mut running = Running::start(&mut crowded(&place, "1h", &["-v", common::text(&path)]));
    until("the queue is full", || {
        running.stderr().contains("nothing more is taken: the queue takes as much")
    });
    running.signal("TERM");
    until("it drains", || running.stderr().contains("SIGTERM"));
    running.signal("INT");
    let output = running.finish();
    let told = common::stderr(&output);
    assert_eq!(output.status.code(), Some(75), "{told}");
    let end = told.lines().last().unwrap();
    assert!(end.contains("may not be kept here; the FILE still has"), "{end}");
    let safe = place.status()["pending_entries"].as_u64().unwrap();
    let summary = json(String::from_utf8_lossy(&output.stdout).trim());
    assert_eq!(summary["remaining"], safe, "{end}");
    let (_, count) = end.split_once("again from there; ").unwrap();
    assert_eq!(count.split(' ').next().unwrap().replace(',', ""), safe.to_string(), "{end}");
}
