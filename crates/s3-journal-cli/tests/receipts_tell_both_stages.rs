//! `--receipts`: a parent process in any language learns what is durable and what is uploaded, in order.

mod common;

use common::{Place, Running, json_lines, numbered, succeeds_with, until};

#[test]
fn receipts_grow_and_end_with_everything_uploaded() {
    let place = Place::new();
    let options = ["--receipts", "--max-batch-latency=1ms", "--max-batch-size=100", "--max-object-size=1"];
    let receipts = json_lines(&succeeds_with(&mut place.write(&options), numbered(0..2_000).as_bytes()));
    let counts: Vec<(u64, u64)> = receipts
        .iter()
        .map(|receipt| (receipt["durable"].as_u64().unwrap(), receipt["uploaded"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts.first(), Some(&(0, 0)), "the first tells where the journal stands");
    assert_eq!(counts.last(), Some(&(2_000, 2_000)));
    assert!(
        counts.windows(2).all(|pair| pair[0] != pair[1] && pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1)
    );
    assert!(counts.iter().all(|(durable, uploaded)| uploaded <= durable));
}

#[test]
fn durable_comes_while_the_input_is_open_and_long_before_the_upload() {
    let place = Place::new();
    let mut running = Running::start(&mut place.write(&["--receipts"]));
    for lines in 1..=3 {
        running.feed("x\n");
        until("the line is durable", || {
            json_lines(&running.stdout()).last().is_some_and(|receipt| receipt["durable"] == lines)
        });
    }
    assert_eq!(json_lines(&running.stdout()).last().unwrap()["uploaded"], 0);
    running.end_input();
    assert_eq!(running.finish().status.code(), Some(0));
    assert_eq!(json_lines(&running.stdout()).last().unwrap()["uploaded"], 3);
}

#[test]
fn where_no_latency_is_set_receipts_do_not_end_batches() {
    let place = Place::new();
    let options = ["--receipts", "--max-batch-latency=none", "--max-batch-size=10"];
    let mut running = Running::start(&mut place.write(&options));
    running.feed(&numbered(0..25));
    until("two batches are durable", || {
        json_lines(&running.stdout()).last().is_some_and(|receipt| receipt["durable"] == 20)
    });
    running.end_input();
    assert_eq!(running.finish().status.code(), Some(0));
    let durable: Vec<u64> =
        json_lines(&running.stdout()).iter().map(|receipt| receipt["durable"].as_u64().unwrap()).collect();
    assert!(durable.iter().all(|count| count % 10 == 0 || *count == 25), "{durable:?}");
}

#[test]
fn a_later_run_counts_on_from_the_one_before() {
    let place = Place::new();
    succeeds_with(&mut place.write(&[]), numbered(0..10).as_bytes());
    let receipts = json_lines(&succeeds_with(&mut place.write(&["--receipts"]), numbered(10..15).as_bytes()));
    assert_eq!(receipts.first(), Some(&serde_json::json!({"durable": 10, "uploaded": 10})));
    assert_eq!(receipts.last(), Some(&serde_json::json!({"durable": 15, "uploaded": 15})));
}

#[test]
fn a_parent_that_stops_listening_does_not_stop_the_journal() {
    let place = Place::new();
    let program = env!("CARGO_BIN_EXE_s3-journal");
    let pipeline = format!(
        "{{ {program} write --receipts --to '{}' --local-directory '{}'; echo status $? >&2; }} | true",
        common::text(&place.bucket()),
        common::text(&place.queue())
    );
    let mut command = std::process::Command::new("sh");
    place.quieten(&mut command);
    let output = common::run(command.args(["-c", &pipeline]), numbered(0..1_000).as_bytes());
    assert!(common::stderr(&output).ends_with("status 0\n"), "{}", common::stderr(&output));
    assert_eq!(place.cat(), numbered(0..1_000));
}
