//! kill -9: what a receipt called durable arrives, once and in order; what follows it in the bucket is what came next.

mod common;

use std::io::Write;

use common::{Place, Running, json, last_receipt, numbered, succeeds, until};

#[test]
fn durable_lines_are_there_once_and_in_order_after_a_kill_and_a_drain() {
    for compressor in ["none", "gzip"] {
        let place = Place::new();
        let options =
            ["--receipts", "--max-batch-latency=5ms", "--max-batch-bytes=16k", "--compressor", compressor];
        let mut running = Running::start(&mut place.write(&options));
        let mut stdin = running.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || {
            // Endless: only the kill ends it.
            for block in 0.. {
                if stdin.write_all(numbered(block * 1_000..block * 1_000 + 1_000).as_bytes()).is_err() {
                    return;
                }
            }
        });
        until("much is durable", || {
            last_receipt(&running.stdout()).is_some_and(|(durable, _)| durable > 50_000)
        });
        let output = running.kill();
        feeder.join().unwrap();
        let (durable, _) = last_receipt(&String::from_utf8(output.stdout).unwrap()).unwrap();

        succeeds(&mut place.write(&["--compressor", compressor]));
        let lines = place.cat();
        let arrived = lines.lines().count() as u64;
        assert!(arrived >= durable, "{durable} lines were durable and {arrived} arrived");
        assert!(lines == numbered(0..arrived), "a line is missing, doubled or out of order");
        succeeds(&mut place.read("verify", &["--deep"]));
    }
}

#[test]
fn empty_input_drains_what_an_earlier_run_left() {
    let place = Place::new();
    // Nothing leaves before the object is sealed, and it isn't.
    let mut running = Running::start(&mut place.write(&["--receipts"]));
    running.feed(&numbered(0..100));
    until("all is durable", || last_receipt(&running.stdout()).is_some_and(|(durable, _)| durable == 100));
    running.kill();
    assert_eq!(place.objects().len(), 0);
    assert_eq!(place.status()["pending_entries"], 100);

    let summary = json(&succeeds(&mut place.write(&["--json"])));
    assert_eq!((&summary["entries"], &summary["uploaded"]), (&0.into(), &100.into()), "{summary}");
    assert_eq!(place.cat(), numbered(0..100));
    assert_eq!(place.status()["pending_entries"], 0);
}
