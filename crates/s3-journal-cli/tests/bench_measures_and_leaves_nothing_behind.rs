//! `bench` measures disk, store and compressors, and nothing of it stays; what has to stay is named.

mod bench_support;
mod common;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bench_support::CannedStore;
use common::{Place, Running, fails_with, json, make_directory, run, stderr, succeeds, text, until};

const SECRET: &str = "hunter2-hunter2";

/// A short one.
fn bench(place: &Place, more: &[&str]) -> Command {
    let mut command = place.program(&["bench"]);
    command.env("S3_JOURNAL_MAX_BYTES", "16MiB").env("S3_JOURNAL_MAX_TIME", "50ms");
    command.arg("--local-directory").arg(place.queue()).args(more);
    command
}

fn local(place: &Place, more: &[&str]) -> Command {
    let mut command = bench(place, more);
    command.arg("--to").arg(place.bucket());
    command
}

fn of_store(place: &Place, endpoint: &str) -> Command {
    let mut command =
        bench(place, &["--to=s3://bucket/prefix", "--region=us-east-1", "--endpoint", endpoint]);
    command.arg("--s3-access-key=nobody").env("S3_JOURNAL_S3_SECRET_KEY", SECRET);
    command
}

/// Every file and directory below one, but for what the local bucket keeps for itself.
fn names(directory: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name() == ".s3-journal" {
            continue;
        }
        found.push(entry.path().display().to_string());
        found.extend(names(&entry.path()));
    }
    found.sort();
    found
}

#[test]
fn it_tells_figures_of_all_and_leaves_neither_files_nor_objects() {
    let place = Place::new();
    let sample = place.file("sample", "an entry like all others\n".repeat(1000));
    let told = json(&succeeds(&mut local(&place, &["--json", "--sample", text(&sample)])));
    for (part, figure) in [
        ("disk", "sequential_bytes_per_second"),
        ("disk", "sync_seconds"),
        ("disk", "sync_99th_percentile_seconds"),
        ("store", "put_seconds"),
        ("store", "put_slowest_seconds"),
        ("store", "puts_per_second"),
        ("store", "parts_bytes_per_second"),
    ] {
        assert!(told[part][figure].as_f64().is_some_and(|figure| figure > 0.0), "{part} {figure}: {told}");
    }
    assert_eq!(told["disk"]["directory"], text(&place.queue()));
    assert_eq!(told["store"]["name"], format!("file://{}", place.bucket().display()));
    assert_eq!(told["sample"], serde_json::json!({ "bytes": 25_000, "is_made_up": false }));
    assert_eq!(told["left_behind"], serde_json::json!([]));
    let compressors = told["compressors"].as_array().unwrap();
    let names_told: Vec<&str> = compressors.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names_told, ["none", "gzip:7", "zstd:3", "snappy", "lz4", "lzma2:3"]);
    assert!(
        compressors[1]["ratio"].as_f64().is_some_and(|ratio| ratio > 10.0),
        "one line over and over: {told}"
    );
    for one in compressors {
        let (at_most, held_up) = (one["at_most_bytes_per_second"].as_f64().unwrap(), &one["bottleneck"]);
        let of = |name| one[name].as_f64().unwrap_or(f64::INFINITY);
        let rates = [
            ("disk", of("disk_bytes_per_second")),
            ("compressor", of("bytes_per_second")),
            ("store", of("store_bytes_per_second")),
        ];
        assert!(rates.iter().all(|(_, rate)| *rate >= at_most), "{one}");
        assert!(
            rates.iter().any(|(name, rate)| held_up == name && rate.total_cmp(&at_most).is_eq()),
            "{one}"
        );
    }
    assert!(!place.queue().exists(), "the local directory wasn't there before");
    assert_eq!(names(&place.bucket()), Vec::<String>::new());
}

#[test]
fn it_writes_and_sends_no_more_than_it_may() {
    let place = Place::new();
    let options =
        ["--json", "--part-size=1MiB", "--max-bytes=3MiB", "--max-time=1h", "--max-concurrent-uploads=9"];
    let sample = place.file("sample", "x\n");
    let told = json(&succeeds(local(&place, &options).arg("--sample").arg(sample)));
    assert_eq!(told["disk"]["sequential_bytes"], 3 << 20, "{told}");
    assert_eq!(told["store"]["parts"], 3, "{told}");
    assert_eq!(
        told["store"]["parts_at_once"], 3,
        "more than there are parts can't go up side by side: {told}"
    );
}

#[test]
fn a_journal_that_is_there_stays_as_it_was() {
    let place = Place::new();
    common::succeeds_with(&mut place.write(&[]), b"a\nb\n");
    let (before, objects) = (names(&place.queue()), names(&place.bucket()));
    let table = succeeds(&mut local(&place, &[]));
    assert!(table.contains("is held up by") && table.contains("--sample FILE"), "{table}");
    assert_eq!(names(&place.queue()), before);
    assert_eq!(names(&place.bucket()), objects);
    common::succeeds_with(&mut place.write(&[]), b"c\n");
    assert_eq!(place.cat(), "a\nb\nc\n");
    succeeds(place.read("verify", &["--deep", "--local"]).arg(place.queue()));
}

#[test]
fn directories_that_had_to_be_made_go_and_those_that_were_there_stay() {
    let place = Place::new();
    let there = place.path("there");
    make_directory(&there);
    let mut command = place.program(&["bench", "--max-bytes=8MiB", "--max-time=1ms", "--to"]);
    command.arg(place.bucket()).arg("--local-directory").arg(there.join("a/b"));
    succeeds(&mut command);
    assert!(there.is_dir());
    assert_eq!(names(&there), Vec::<String>::new());
}

#[test]
fn a_store_is_written_to_under_the_prefix_only_and_everything_is_taken_back() {
    let place = Place::new();
    let store = CannedStore::start(|_| None);
    let told = json(&succeeds(of_store(&place, &store.endpoint).arg("--json")));
    assert_eq!(told["store"]["name"], "s3://bucket/prefix");
    assert_eq!(told["left_behind"], serde_json::json!([]));
    let requests = store.requests();
    let key = "/bucket/prefix/s3-journal-bench-";
    assert!(
        requests.iter().all(|request| request.split(' ').nth(1).unwrap().starts_with(key)),
        "{requests:?}"
    );
    let is_of_upload = |request: &&String| request.contains("uploadId=the-upload");
    let puts = requests.iter().filter(|request| request.starts_with("PUT") && !is_of_upload(request)).count();
    let deletes =
        requests.iter().filter(|request| request.starts_with("DELETE") && !is_of_upload(request)).count();
    assert!(puts >= 2, "{requests:?}");
    assert_eq!(puts, deletes, "each object is deleted: {requests:?}");
    assert_eq!(store.count("POST"), 1, "{requests:?}");
    let last = requests.last().unwrap();
    assert!(last.starts_with("DELETE") && is_of_upload(&last), "the upload is aborted last: {requests:?}");
}

#[test]
fn an_object_that_may_not_be_deleted_is_one_and_is_named() {
    let place = Place::new();
    let may_not = |request: &str| {
        (request.starts_with("DELETE") && !request.contains("uploadId")).then_some("403 AccessDenied")
    };
    let store = CannedStore::start(may_not);
    let output = run(of_store(&place, &store.endpoint).arg("--json"), b"");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let left = json(&String::from_utf8_lossy(&output.stdout))["left_behind"].clone();
    let [object] = left.as_array().unwrap().as_slice() else { panic!("one thing stays: {left}") };
    let object = object.as_str().unwrap();
    assert!(object.starts_with("s3://bucket/prefix/s3-journal-bench-"), "{object}");
    assert!(
        said.contains(object) && said.contains("by hand") && said.contains("permission denied"),
        "{said}"
    );
    assert_eq!(
        store.count("DELETE"),
        2,
        "it is tried once, and the upload is aborted: {:?}",
        store.requests()
    );
    let key = object.trim_start_matches("s3:/");
    let is_elsewhere = |request: &String| !request.split(' ').nth(1).unwrap().starts_with(key);
    assert!(!store.requests().iter().any(is_elsewhere), "nothing else stays: {:?}", store.requests());
}

#[test]
fn a_store_without_create_only_writes_is_written_to_plainly() {
    let place = Place::new();
    let is_first = AtomicBool::new(true);
    let refuse = move |request: &str| {
        (request.starts_with("PUT") && is_first.swap(false, Ordering::Relaxed))
            .then_some("501 NotImplemented")
    };
    let store = CannedStore::start(refuse);
    succeeds(&mut of_store(&place, &store.endpoint));
}

#[test]
fn an_upload_whose_part_fails_is_aborted() {
    let place = Place::new();
    let refuse = |request: &str| request.contains("partNumber=2").then_some("500 InternalError");
    let store = CannedStore::start(refuse);
    let error = fails_with(&mut of_store(&place, &store.endpoint), b"", 69);
    assert!(error.contains("sending a part") && error.contains("InternalError"), "{error}");
    let last = store.requests().pop().unwrap();
    assert!(last.starts_with("DELETE") && last.contains("uploadId=the-upload"), "{:?}", store.requests());
    assert!(!place.queue().exists());
}

#[test]
fn what_the_store_refuses_is_told_with_a_status_of_its_own_and_no_secret() {
    for (answer, status, word) in [
        ("403 AccessDenied", 77, "s3:PutObject"),
        ("404 NoSuchBucket", 69, "create the bucket"),
        ("503 SlowDown", 69, "slow down"),
    ] {
        let place = Place::new();
        let store = CannedStore::start(move |_| Some(answer));
        let error = fails_with(&mut of_store(&place, &store.endpoint), b"", status);
        assert!(error.contains("putting s3://bucket/prefix/") && error.contains(word), "{error}");
        assert!(!error.contains(SECRET), "{error}");
        assert!(!place.queue().exists(), "nothing is left of the disk's part either");
    }
    let place = Place::new();
    let error = fails_with(&mut of_store(&place, "http://127.0.0.1:1"), b"", 69);
    assert!(error.contains("putting s3://bucket/prefix/") && error.contains("endpoint"), "{error}");
    assert!(!place.queue().exists());
}

/// A `bench` whose first request is under way, and what lets the store answer it.
fn waiting_bench(place: &Place) -> (Running, CannedStore, Arc<AtomicBool>) {
    let may_answer = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&may_answer);
    let store = CannedStore::start(move |_| {
        while !gate.load(Ordering::Relaxed) {
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
        None
    });
    let running = Running::start(&mut of_store(place, &store.endpoint));
    until("a request", || !store.requests().is_empty());
    (running, store, may_answer)
}

#[test]
fn a_signal_ends_it_once_everything_is_taken_back() {
    for signal in ["INT", "TERM"] {
        let place = Place::new();
        let (mut running, store, may_answer) = waiting_bench(&place);
        assert_eq!(names(&place.queue()).len(), 1, "the scratch directory");
        running.signal(signal);
        until("the signal is heard", || running.stderr().contains("second signal"));
        may_answer.store(true, Ordering::Relaxed);
        let output = running.finish();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains("nothing of it is left behind"), "{}", stderr(&output));
        assert!(output.stdout.is_empty(), "no figures of what wasn't measured");
        let methods: Vec<String> =
            store.requests().iter().map(|request| request.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(methods, ["PUT", "DELETE"], "what was put is deleted, and nothing more is begun");
        assert!(!place.queue().exists());
    }
}

#[test]
fn a_second_signal_ends_it_at_once_and_says_what_may_be_left() {
    let place = Place::new();
    let (mut running, _store, _may_answer) = waiting_bench(&place);
    running.signal("INT");
    until("the signal is heard", || running.stderr().contains("second signal"));
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let scratch = names(&place.queue()).pop().unwrap();
    let said = stderr(&output);
    assert!(said.contains(&scratch) && said.contains("s3://bucket/prefix/s3-journal-bench-"), "{said}");
}

#[test]
fn its_help_says_what_it_writes_and_which_permission_it_asks_for() {
    let help = succeeds(&mut Place::new().program(&["bench", "--help"]));
    assert!(help.contains("s3-journal-bench-") && help.contains("s3:DeleteObject"), "{help}");
}

#[test]
fn wrong_options_are_refused_before_anything_is_made() {
    let place = Place::new();
    let (empty, file) = (place.file("empty", ""), place.file("file", "x"));
    let absent = place.path("absent");
    let table: &[(&[&str], &[&str])] = &[
        (&["--sample", text(&empty)], &["--sample", text(&empty), "is empty", "name a file"]),
        (&["--sample", text(&absent)], &["--sample", text(&absent), "No such file", "name a file"]),
        (&["--sample", "/"], &["--sample", "directory", "name a file"]),
        (&["--max-time=0"], &["--max-time", "0", "5s"]),
        (&["--max-time=5"], &["--max-time", "5", "1h30m"]),
        (&["--max-bytes=0"], &["--max-bytes", "0", "256MiB"]),
        (&["--max-bytes=1MiB"], &["--max-bytes", "1MiB", "8MiB", "--part-size"]),
        (&["--part-size=0"], &["--part-size", "0B", "1B", "5GiB"]),
        (&["--part-size=8XB"], &["--part-size", "8XB", "8MiB"]),
        (&["--max-concurrent-uploads=0"], &["--max-concurrent-uploads", "0", "1"]),
        (&["--region=us-east-1"], &["--region", "s3://"]),
        (&["--id=.."], &["--id", ".."]),
    ];
    for (options, named) in table {
        let mut command = place.program(&["bench"]);
        if !options.contains(&"--id=..") {
            command.arg("--local-directory").arg(place.queue());
        }
        let error = fails_with(command.arg("--to").arg(place.bucket()).args(*options), b"", 2);
        for word in *named {
            assert!(error.contains(word), "{options:?} should name {word}: {error}");
        }
        assert!(!place.queue().exists() && !place.bucket().exists(), "{options:?} left something behind");
    }
    let mut small = place.program(&["bench", "--to=s3://bucket", "--region=us-east-1", "--part-size=1MiB"]);
    let error = fails_with(small.arg("--local-directory").arg(place.queue()), b"", 2);
    assert!(error.contains("--part-size") && error.contains("5MiB"), "{error}");
    let mut in_the_way = place.program(&["bench", "--to"]);
    let error = fails_with(in_the_way.arg(place.bucket()).arg("--local-directory").arg(&file), b"", 73);
    assert!(error.contains(text(&file)) && error.contains("--local-directory"), "{error}");
}
