//! `doctor` tries what a `write` needs, says what is missing and what to do, and nothing of it stays.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod bench_support;
mod common;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bench_support::CannedStore;
use common::{Place, Running, fails_with, json, make_directory, run, stderr, succeeds, until};
use serde_json::Value;

const SECRET: &str = "hunter2-hunter2";
const OF_STORE: [&str; 19] = [
    "reach",
    "credentials",
    "clock",
    "put",
    "create_only_put",
    "wrong_checksum",
    "create_upload",
    "upload_part",
    "create_only_complete",
    "abort_upload",
    "head",
    "head_absent",
    "head_checksum",
    "head_metadata",
    "get",
    "list",
    "list_parts",
    "list_uploads",
    "delete",
];
const OF_DIRECTORY: [&str; 5] = ["local_directory", "file_system", "free_space", "sync", "preallocation"];

fn local(place: &Place, more: &[&str]) -> Command {
    let mut command = place.program(&["doctor"]);
    command.arg("--to").arg(place.bucket()).args(more);
    command
}

fn of_store(place: &Place, endpoint: &str, more: &[&str]) -> Command {
    let mut command =
        place.program(&["doctor", "--to=s3://bucket/prefix", "--region=us-east-1", "--endpoint", endpoint]);
    command.arg("--s3-access-key=nobody").env("S3_JOURNAL_S3_SECRET_KEY", SECRET).args(more);
    command
}

fn stdout_json(output: &std::process::Output) -> Value {
    json(&String::from_utf8_lossy(&output.stdout))
}

fn outcome<'a>(told: &'a Value, name: &str) -> &'a str {
    let checks = told["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("no {name} in {told}"))["outcome"].as_str().unwrap()
}

fn names(told: &Value) -> Vec<&str> {
    told["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect()
}

/// Every file and directory below one, but for what the local bucket keeps for itself.
fn paths(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name() != ".s3-journal" {
            found.push(entry.path().display().to_string());
            found.extend(paths(&entry.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn all_is_tried_and_nothing_stays() {
    let place = Place::new();
    let told = json(&succeeds(local(&place, &["--json", "--local-directory"]).arg(place.queue())));
    assert_eq!(names(&told), [&OF_STORE[..], &OF_DIRECTORY].concat());
    for name in OF_STORE.iter().chain(&["local_directory", "sync"]) {
        assert_eq!(outcome(&told, name), "ok", "{name}: {told}");
    }
    assert_eq!((&told["can_write"], &told["left_behind"]), (&Value::Bool(true), &serde_json::json!([])));
    assert_eq!((&told["policy"], &told["lifecycle"]), (&Value::Null, &Value::Null), "it isn't Amazon's");
    for (part, figure) in [
        ("store_figures", "put_seconds"),
        ("store_figures", "put_slowest_seconds"),
        ("store_figures", "part_bytes_per_second"),
        ("directory_figures", "sync_seconds"),
        ("directory_figures", "sync_slowest_seconds"),
        ("directory_figures", "total_bytes"),
    ] {
        assert!(told[part][figure].as_f64().is_some_and(|figure| figure > 0.0), "{part} {figure}: {told}");
    }
    assert!(!place.queue().exists(), "the local directory wasn't there before");
    assert_eq!(paths(&place.bucket()), Vec::<String>::new());
    let lines = succeeds(&mut local(&place, &[]));
    assert!(lines.contains("\n  ok       put ") && lines.contains("`write` can run here"), "{lines}");
    assert!(lines.contains("--local-directory"), "it says what wasn't looked at: {lines}");
}

#[test]
fn a_queue_that_is_there_stays_as_it_was_and_is_tried_from_beside() {
    let place = Place::new();
    common::succeeds_with(&mut place.write(&[]), b"a\nb\n");
    let (before, objects) = (paths(&place.queue()), paths(&place.bucket()));
    let told = json(&succeeds(local(&place, &["--json", "--local-directory"]).arg(place.queue())));
    assert_eq!((outcome(&told, "local_directory"), outcome(&told, "sync")), ("ok", "ok"), "{told}");
    assert!(told.to_string().contains("a queue is there"), "{told}");
    assert_eq!((paths(&place.queue()), paths(&place.bucket())), (before, objects));
    let beside = place.queue();
    let beside = paths(beside.parent().unwrap());
    assert!(!beside.iter().any(|path| path.contains("s3-journal-doctor-")), "{beside:?}");
    succeeds(place.read("verify", &["--deep", "--local"]).arg(place.queue()));
}

#[test]
fn a_queue_in_memory_is_warned_of() {
    let memory = Path::new("/dev/shm");
    if !memory.is_dir() {
        return;
    }
    let place = Place::new();
    let directory = memory.join(format!("s3-journal-test-{}", std::process::id()));
    let told = json(&succeeds(local(&place, &["--json", "--local-directory"]).arg(&directory)));
    assert!(!directory.exists());
    assert_eq!(told["can_write"], true);
    // Where it is no tmpfs there is nothing to warn of.
    if told["directory_figures"]["file_system"] == "tmpfs" {
        assert_eq!(outcome(&told, "file_system"), "failed", "{told}");
    }
}

#[test]
fn a_local_directory_that_cannot_be_used_is_73() {
    let place = Place::new();
    let file = place.file("file", "x");
    let output = run(local(&place, &["--json", "--local-directory"]).arg(&file), b"");
    assert_eq!(output.status.code(), Some(73), "{}", stderr(&output));
    let told = stdout_json(&output);
    assert_eq!(outcome(&told, "local_directory"), "failed", "{told}");
    assert!(told.to_string().contains("give --local-directory"), "{told}");
}

#[test]
fn directories_that_may_not_be_written_to_are_told() {
    let place = Place::new();
    let (queue, bucket) = (place.path("closed-queue"), place.path("closed-bucket"));
    for directory in [&queue, &bucket] {
        make_directory(directory);
        assert!(Command::new("chmod").arg("a-w").arg(directory).status().unwrap().success());
    }
    // Root may write everywhere.
    if Command::new("test").arg("-w").arg(&queue).status().unwrap().success() {
        return;
    }
    fails_with(local(&place, &["--local-directory"]).arg(&queue), b"", 73);
    fails_with(place.program(&["doctor", "--to"]).arg(&bucket), b"", 77);
}

#[test]
fn a_store_without_anything_beyond_writing_is_enough_and_what_follows_is_told() {
    let place = Place::new();
    // Writing and giving up is permitted; what is there is taken for ours.
    let store = CannedStore::start(|request| {
        let is_write = request.starts_with("PUT") || request.starts_with("POST");
        let is_abort = request.starts_with("DELETE") && request.contains("uploadId");
        if request.starts_with("POST") && request.contains("uploadId") {
            return Some("412 PreconditionFailed");
        }
        (!is_write && !is_abort).then_some("403 AccessDenied")
    });
    let output = run(&mut of_store(&place, &store.endpoint, &["--json"]), b"");
    let (told, said) = (stdout_json(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{told}");
    for name in ["put", "create_upload", "upload_part", "create_only_complete", "abort_upload"] {
        assert_eq!(outcome(&told, name), "ok", "{name}: {told}");
    }
    for name in ["head", "head_absent", "get", "list", "list_parts", "list_uploads", "delete"] {
        assert_eq!(outcome(&told, name), "missing", "{name}: {told}");
    }
    for name in ["clock", "head_checksum", "head_metadata"] {
        assert_eq!(outcome(&told, name), "unknown", "{name}: {told}");
    }
    // This store takes everything.
    assert_eq!((outcome(&told, "create_only_put"), outcome(&told, "wrong_checksum")), ("missing", "missing"));
    let left = told["left_behind"].as_array().unwrap();
    assert_eq!(left.len(), 2, "our object, and the one that should have been refused: {left:?}");
    for object in left {
        let object = object.as_str().unwrap();
        assert!(object.contains("s3://bucket/prefix/s3-journal-doctor-") && said.contains(object), "{said}");
    }
    assert!(said.contains("by hand"), "{said}");
    assert!(told["policy"].to_string().contains("arn:aws:s3:::bucket/prefix/*"), "{told}");
    assert_eq!(told["lifecycle"]["Rules"][0]["Filter"]["Prefix"], "prefix/");
    let key = "/bucket/prefix/s3-journal-doctor-";
    let is_ours =
        |request: &String| request.contains(key) || request.contains("prefix=prefix%2Fs3-journal-doctor-");
    assert!(store.requests().iter().all(is_ours), "{:?}", store.requests());
}

#[test]
fn what_keeps_a_write_from_delivering_has_a_status_and_no_secret() {
    for (answer, status, name, outcome_told) in [
        ("403 AccessDenied", 77, "put", "missing"),
        ("403 InvalidAccessKeyId", 77, "credentials", "failed"),
        ("403 RequestTimeTooSkewed", 77, "clock", "failed"),
        ("404 NoSuchBucket", 69, "reach", "failed"),
        ("503 SlowDown", 69, "reach", "failed"),
    ] {
        let place = Place::new();
        let store = CannedStore::start(move |_| Some(answer));
        let output = run(&mut of_store(&place, &store.endpoint, &["--json"]), b"");
        let told = stdout_json(&output);
        assert_eq!(output.status.code(), Some(status), "{answer}: {told}");
        assert_eq!(outcome(&told, name), outcome_told, "{answer}: {told}");
        assert_eq!((&told["can_write"], names(&told)), (&Value::Bool(false), OF_STORE.to_vec()));
        assert!(!told.to_string().contains(SECRET) && !stderr(&output).contains(SECRET));
    }
    let place = Place::new();
    let output = run(&mut of_store(&place, "http://127.0.0.1:1", &[]), b"");
    let lines = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(69), "{lines}");
    assert!(lines.contains("check endpoint") && lines.contains("`write` can't deliver here"), "{lines}");
}

#[test]
fn an_upload_that_may_not_be_aborted_is_77_and_named() {
    let place = Place::new();
    let store = CannedStore::start(|request| {
        (request.starts_with("DELETE") && request.contains("uploadId")).then_some("403 AccessDenied")
    });
    let output = run(&mut of_store(&place, &store.endpoint, &["--json"]), b"");
    let told = stdout_json(&output);
    assert_eq!(output.status.code(), Some(77), "{told}");
    assert_eq!(outcome(&told, "abort_upload"), "missing");
    assert_eq!(store.count("DELETE"), 2 + 1 + 6, "{:?}", store.requests());
    assert!(stderr(&output).contains("an open upload of s3://bucket/prefix/"), "{}", stderr(&output));
}

#[test]
fn a_store_that_refuses_conditional_writes_is_written_to_plainly() {
    let place = Place::new();
    let is_first = AtomicBool::new(true);
    let store = CannedStore::start(move |request| {
        if request.starts_with("POST") && request.contains("uploadId") {
            return Some("501 NotImplemented");
        }
        (request.starts_with("PUT") && is_first.swap(false, Ordering::Relaxed))
            .then_some("501 NotImplemented")
    });
    let told = json(&succeeds(&mut of_store(&place, &store.endpoint, &["--json"])));
    assert_eq!((outcome(&told, "put"), outcome(&told, "create_only_put")), ("ok", "missing"), "{told}");
    assert!(told.to_string().contains("refuses conditional writes"), "{told}");
}

#[test]
fn a_signal_ends_it_once_everything_is_taken_back() {
    let place = Place::new();
    let may_answer = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&may_answer);
    let store = CannedStore::start(move |_| {
        while !gate.load(Ordering::Relaxed) {
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
        None
    });
    let mut command = of_store(&place, &store.endpoint, &["--local-directory"]);
    let mut running = Running::start(command.arg(place.queue()));
    until("a request", || !store.requests().is_empty());
    running.signal("INT");
    until("the signal is heard", || running.stderr().contains("second signal"));
    may_answer.store(true, Ordering::Relaxed);
    let output = running.finish();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("nothing of it is left behind"), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let methods: Vec<String> =
        store.requests().iter().map(|request| request.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(methods, ["PUT", "DELETE"], "what was put is deleted, and nothing more is begun");
    assert!(!place.queue().exists());
}

#[test]
fn wrong_options_are_refused_before_anything_is_made() {
    let place = Place::new();
    let error =
        fails_with(local(&place, &["--region=us-east-1", "--local-directory"]).arg(place.queue()), b"", 2);
    assert!(error.contains("--region"), "{error}");
    assert!(!place.queue().exists() && !place.bucket().exists());
    fails_with(&mut place.program(&["doctor"]), b"", 2);
    let help = succeeds(&mut place.program(&["doctor", "--help"]));
    assert!(help.contains("s3-journal-doctor-") && help.contains("s3:DeleteObject"), "{help}");
}
