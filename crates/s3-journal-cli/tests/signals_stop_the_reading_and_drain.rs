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
