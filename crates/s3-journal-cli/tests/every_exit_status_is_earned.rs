//! Each exit status that can be brought about on one machine, and what is said with it.

mod common;

use common::{Place, Running, fails_with, numbered, remove, run, succeeds, succeeds_with, text, until};

/// A store that nobody answers for.
const NOWHERE: [&str; 6] = [
    "--to=s3://bucket/prefix",
    "--endpoint=http://127.0.0.1:1",
    "--region=us-east-1",
    "--path-style",
    "--s3-access-key=nobody",
    "--id=tester",
];

#[test]
fn a_line_over_the_limit_is_65_with_its_number_and_what_came_before_arrives() {
    let place = Place::new();
    let input = format!("{}{}\nafter\n", numbered(0..41), "x".repeat(101));
    let error = fails_with(&mut place.write(&["--max-entry-bytes=100"]), input.as_bytes(), 65);
    assert!(error.contains("line 42 of standard input"), "{error}");
    assert!(error.contains("--max-entry-bytes") && error.contains("100B"), "{error}");
    assert_eq!(place.cat(), numbered(0..41));
}

#[test]
fn a_line_that_would_be_read_back_as_two_is_65_and_the_remedy_is_an_option_of_the_program() {
    let place = Place::new();
    let error = fails_with(&mut place.write(&["--delimiter=aba"]), b"oneabaxab", 65);
    assert!(error.contains("line 2 of standard input") && error.contains("--delimiter"), "{error}");
    assert!(!error.contains("allow_delimiter_in_entries"), "{error}");
    assert_eq!(succeeds(&mut place.read("cat", &[])), "oneaba");
}

#[test]
fn a_line_over_the_limit_of_a_file_that_was_begun_before_has_its_number_in_the_file() {
    let place = Place::new();
    let path = place.file("log", numbered(0..41));
    succeeds(&mut place.write(&[text(&path)]));
    place.file("log", format!("{}{}\n", numbered(0..41), "x".repeat(101)));
    let error = fails_with(&mut place.write(&["--max-entry-bytes=100", text(&path)]), b"", 65);
    assert!(error.contains("line 42 of") && error.contains("log"), "{error}");
}

#[test]
fn a_locked_local_directory_is_73_and_names_the_holder() {
    let place = Place::new();
    let mut running = Running::start(&mut place.write(&["--receipts"]));
    running.feed("a\n");
    until("the first writer has the directory", || running.stdout().contains("\"durable\":1"));
    let error = fails_with(&mut place.write(&[]), b"", 73);
    assert!(error.contains(&running.id().to_string()), "it names the process {}: {error}", running.id());
    running.end_input();
    assert_eq!(running.finish().status.code(), Some(0));
    succeeds_with(&mut place.write(&[]), b"b\n");
    assert_eq!(place.cat(), "a\nb\n");
}

#[test]
fn a_local_directory_that_cannot_be_one_is_73() {
    let place = Place::new();
    let file = place.file("file", "");
    let mut command = place.program(&["write"]);
    command.arg("--to").arg(place.bucket()).arg("--local-directory").arg(file.join("queue"));
    let error = fails_with(&mut command, b"a\n", 73);
    assert!(error.contains("queue"), "{error}");
}

#[test]
fn the_directory_of_another_journal_is_73_while_entries_wait_in_it() {
    let place = Place::new();
    let mut running = Running::start(&mut place.write(&["--receipts"]));
    running.feed("a\n");
    until("the line is durable", || running.stdout().contains("\"durable\":1"));
    running.kill();
    let mut other = place.program(&["write", "--id", "other"]);
    other.arg("--to").arg(place.bucket()).arg("--local-directory").arg(place.queue());
    let error = fails_with(&mut other, b"", 73);
    assert!(error.contains("tester") && error.contains("other"), "{error}");
    succeeds(&mut place.write(&[]));
    assert_eq!(place.cat(), "a\n");
}

#[test]
fn a_file_that_cannot_be_read_is_74_before_anything_is_taken() {
    let place = Place::new();
    let there = place.file("there", "a\n");
    let missing = place.path("missing");
    let error = fails_with(&mut place.write(&[text(&there), text(&missing)]), b"", 74);
    assert!(error.contains("missing"), "{error}");
    assert!(!place.queue().exists());
}

#[test]
fn an_unreachable_store_is_75_after_the_close_timeout_and_nothing_is_lost() {
    let place = Place::new();
    let mut command = place.program(&["write", "--close-timeout=100ms", "--json"]);
    command.args(NOWHERE).arg("--local-directory").arg(place.queue());
    command.env("S3_JOURNAL_S3_SECRET_KEY", "nothing");
    let output = run(&mut command, numbered(0..10).as_bytes());
    assert_eq!(output.status.code(), Some(75), "{}", common::stderr(&output));
    let error = common::stderr(&output);
    assert!(error.contains("10 entries") && error.contains(text(&place.queue())), "{error}");
    let summary = common::json(&String::from_utf8(output.stdout).unwrap());
    assert_eq!((&summary["entries"], &summary["remaining"]), (&10.into(), &10.into()), "{summary}");
    assert_eq!(place.status()["pending_entries"], 10);
}

#[test]
fn a_store_that_takes_nothing_is_told_once_and_the_upload_resumes_by_itself() {
    let place = Place::new();
    let obstacle = place.file("obstacle", "");
    let mut command = place.program(&["write", "--id", "tester"]);
    command.arg("--to").arg(obstacle.join("bucket")).arg("--local-directory").arg(place.queue());
    let mut running = Running::start(&mut command);
    running.feed("a\n");
    running.end_input();
    until("it is told", || running.stderr().contains("goes on by itself"));
    let told = running.stderr();
    assert!(told.contains("1 entry waits safely in") && told.contains(text(&place.queue())), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    remove(&obstacle);
    let output = running.finish();
    assert_eq!(output.status.code(), Some(0), "{}", common::stderr(&output));
    assert_eq!(succeeds(place.program(&["cat", "--to"]).arg(obstacle.join("bucket"))), "a\n");
}

#[test]
fn a_full_queue_that_is_to_refuse_is_75_and_names_the_first_line_not_taken() {
    let place = Place::new();
    let obstacle = place.file("obstacle", "");
    let mut command =
        place.program(&["write", "--when-full=refuse", "--max-queue-size=10", "--id", "tester"]);
    command.arg("--to").arg(obstacle.join("bucket")).arg("--local-directory").arg(place.queue());
    let error = fails_with(&mut command, numbered(0..1_000).as_bytes(), 75);
    assert!(error.contains("line 11 of standard input"), "{error}");
    assert_eq!(place.status()["pending_entries"], 10);
}

#[test]
fn a_full_disk_that_is_to_refuse_is_75_and_tells_what_was_taken_and_is_not_kept() {
    let place = Place::new();
    let obstacle = place.file("obstacle", "");
    let mut command = place.program(&["write", "--when-full=refuse", "--id", "tester"]);
    command.args(["--max-queue-bytes=8MiB", "--max-entry-bytes=64KiB", "--max-batch-bytes=64KiB"]);
    command.arg("--to").arg(obstacle.join("bucket")).arg("--local-directory").arg(place.queue());
    let lines = ("a".repeat(500) + "\n").repeat(40_000);
    let error = fails_with(&mut command, lines.as_bytes(), 75);
    let number = |before: &str, after: &str| -> u64 {
        let words = error.split(before).nth(1).unwrap_or_else(|| panic!("{before:?}: {error}"));
        words.split(after).next().unwrap().replace(',', "").parse().unwrap()
    };
    let first_not_taken = number("line ", " of standard input");
    let not_kept = number("not taken; the last ", " lines before it");
    assert!(not_kept > 0, "{error}");
    let kept = place.status()["pending_entries"].as_u64().unwrap();
    assert_eq!(kept + not_kept + 1, first_not_taken, "{error}");
    assert!(error.contains("--max-queue-bytes") && !error.contains("max_queue_bytes"), "{error}");
    assert!(error.contains("give them again") && error.contains("run the same command again"), "{error}");
}

#[test]
fn both_bounds_of_the_disk_hold_and_the_one_that_was_met_is_named() {
    for (bounds, met, other) in [
        (["--max-queue-bytes=64MiB", "--free-space-kept=1000TiB"], "--free-space-kept", "--max-queue-bytes"),
        (["--max-queue-bytes=8MiB", "--free-space-kept=0"], "--max-queue-bytes", "--free-space-kept"),
    ] {
        let place = Place::new();
        let obstacle = place.file("obstacle", "");
        let mut command = place.program(&["write", "--when-full=refuse", "--id", "tester"]);
        command.args(["--max-entry-bytes=64KiB", "--max-batch-bytes=64KiB"]).args(bounds);
        command.arg("--to").arg(obstacle.join("bucket")).arg("--local-directory").arg(place.queue());
        let lines = ("a".repeat(500) + "\n").repeat(40_000);
        let error = fails_with(&mut command, lines.as_bytes(), 75);
        let refusal = error.lines().last().unwrap();
        assert!(refusal.contains(met) && !refusal.contains(other), "{bounds:?}: {error}");
    }
}

#[test]
fn reading_from_an_unreachable_store_is_69() {
    let place = Place::new();
    let options = &NOWHERE[..5];
    let mut command = place.program(&["ls"]);
    command.args(options).env("S3_JOURNAL_S3_SECRET_KEY", "nothing");
    fails_with(&mut command, b"", 69);
}
