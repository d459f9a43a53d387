//! The round trip: lines in, objects in a bucket, the same lines out, and what the other commands say of them.

mod common;

use common::{
    Place, fails_with, json, json_lines, make_directory, numbered, remove, run, succeeds, succeeds_with, text,
};

#[test]
fn lines_come_back_in_order_and_the_stream_is_whole() {
    for compressor in ["none", "gzip", "zstd:1", "snappy", "lz4", "lzma2"] {
        let place = Place::new();
        let lines = numbered(0..5_000);
        succeeds_with(
            &mut place.write(&["--compressor", compressor, "--max-batch-bytes=4k"]),
            lines.as_bytes(),
        );
        assert_eq!(place.cat(), lines, "{compressor}");
        for depth in [&[][..], &["--chain"], &["--deep"]] {
            let report = json(&succeeds(&mut place.read("verify", &[&["--json"], depth].concat())));
            assert_eq!(report["whole"], true, "{report}");
        }
    }
}

#[test]
fn empty_lines_are_entries_and_so_is_a_last_line_without_an_end() {
    let place = Place::new();
    let summary = json(&succeeds_with(&mut place.write(&["--json"]), b"\n\nthree\nfour"));
    assert_eq!((&summary["entries"], &summary["bytes"]), (&4.into(), &9.into()), "{summary}");
    assert_eq!(place.cat(), "\n\nthree\nfour\n");
}

#[test]
fn entries_may_be_told_apart_by_any_delimiter() {
    let place = Place::new();
    succeeds_with(&mut place.write(&["--delimiter", r"\r\n"]), b"a\nb\r\nc\r\r\nd");
    assert_eq!(place.cat(), "a\nb\r\nc\r\r\nd\r\n");
    let place = Place::new();
    succeeds_with(&mut place.write(&["--delimiter", r"\0"]), b"a\nb\0c\0");
    assert_eq!(place.cat(), "a\nb\0c\0");
    assert_eq!(place.status()["next_sequence"], 2);
}

#[test]
fn several_runs_make_one_stream() {
    let place = Place::new();
    for run in 0..4 {
        let summary =
            succeeds_with(&mut place.write(&["--json"]), numbered(run * 10..run * 10 + 10).as_bytes());
        assert_eq!(json(&summary)["entries"], 10);
    }
    assert_eq!(place.cat(), numbered(0..40));
    assert_eq!(succeeds(&mut place.read("cat", &["--from=15", "--until=25"])), numbered(15..25));
    assert_eq!(place.objects().len(), 4);
}

#[test]
fn the_summary_is_one_json_object_with_all_figures() {
    let place = Place::new();
    let summary = json(&succeeds_with(&mut place.write(&["--json"]), numbered(0..100).as_bytes()));
    for (name, value) in
        [("entries", 100), ("bytes", 690), ("objects", 1), ("uploaded", 100), ("remaining", 0)]
    {
        assert_eq!(summary[name], value, "{summary}");
    }
    assert!(summary["seconds"].as_f64().unwrap() >= 0.0);
}

#[test]
fn in_a_pipe_nothing_is_told_that_was_not_asked_for() {
    let place = Place::new();
    let output = run(&mut place.write(&[]), numbered(0..10).as_bytes());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((output.stdout.len(), common::stderr(&output)), (0, String::new()));
}

#[test]
fn ls_tells_numbers_sequences_sizes_and_keys() {
    let place = Place::new();
    for run in 0..3 {
        succeeds_with(&mut place.write(&[]), numbered(run * 10..run * 10 + 10).as_bytes());
    }
    let objects = json_lines(&succeeds(&mut place.read("ls", &["--json"])));
    assert_eq!(objects.len(), 3);
    for (at, object) in (0_u64..).zip(&objects) {
        assert_eq!(object["number"], at, "{object}");
        assert_eq!(object["first"], at * 10, "{object}");
        let last = if at < 2 { (at * 10 + 9).into() } else { serde_json::Value::Null };
        assert_eq!(object["last"], last, "the last object's end can't be seen in a listing: {object}");
        let key = object["key"].as_str().unwrap();
        let size = place.bucket().join(key).metadata().unwrap().len();
        assert_eq!(object["bytes"], size, "{object}");
    }
    let listing = succeeds(&mut place.read("ls", &[]));
    for object in &objects {
        assert!(listing.contains(object["key"].as_str().unwrap()), "{listing}");
    }
    let selected = json_lines(&succeeds(&mut place.read("ls", &["--json", "--from=10", "--until=20"])));
    assert_eq!(selected, objects[1..2]);
}

#[test]
fn ls_shows_a_gap_where_it_is() {
    let place = Place::new();
    for run in 0..3 {
        succeeds_with(&mut place.write(&[]), numbered(run * 10..run * 10 + 10).as_bytes());
    }
    remove(&place.objects()[1]);
    let lines = json_lines(&succeeds(&mut place.read("ls", &["--json"])));
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!((&lines[0]["number"], &lines[2]["number"]), (&0.into(), &2.into()));
    assert_eq!(lines[1]["finding"], "missing_objects", "{}", lines[1]);
    assert_eq!(lines[0]["last"], serde_json::Value::Null, "where it ends isn't known");
    let listing = succeeds(&mut place.read("ls", &[]));
    let gap = listing.lines().nth(2).unwrap();
    assert!(gap.contains("object 1 is missing"), "{listing}");
}

#[test]
fn an_object_that_is_deleted_or_damaged_is_found() {
    let place = Place::new();
    for run in 0..3 {
        succeeds_with(&mut place.write(&[]), numbered(run * 10..run * 10 + 10).as_bytes());
    }
    place.file(text(&place.objects()[1]), numbered(10..20).replace('7', "8"));
    fails_with(&mut place.read("verify", &["--deep"]), b"", 65);
    remove(&place.objects()[1]);
    let output = run(&mut place.read("verify", &["--json"]), b"");
    assert_eq!(output.status.code(), Some(65));
    let report = json(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(report["whole"], false);
    assert_eq!(report["findings"][0]["kind"], "missing_objects", "{report}");
    // What is before the gap comes, and nothing after it.
    let output = run(&mut place.read("cat", &[]), b"");
    assert_eq!(output.status.code(), Some(65));
    assert_eq!(String::from_utf8_lossy(&output.stdout), numbered(0..10));
    assert!(common::stderr(&output).contains("missing"), "{}", common::stderr(&output));
}

#[test]
fn a_hostile_key_cannot_steer_the_terminal() {
    let place = Place::new();
    succeeds_with(&mut place.write(&[]), b"a\n");
    let object = &place.objects()[0];
    // A directory's bucket lists no control characters at all; these turn the direction of writing, or can't be seen.
    let hostile = place.bucket().join("2026\u{202e}gpj\u{200b}");
    make_directory(&hostile);
    std::fs::copy(object, hostile.join(object.file_name().unwrap())).unwrap();
    for command in ["ls", "verify", "cat"] {
        let output = run(&mut place.read(command, &[]), b"");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("2026\\u{202e}gpj\\u{200b}"), "{command}: {said}");
        assert!(!said.contains(['\u{202e}', '\u{200b}']), "{command}: {said:?}");
    }
}

#[test]
fn where_there_is_nothing_to_read_that_is_said() {
    let place = Place::new();
    let bucket = place.bucket();
    make_directory(&bucket);
    assert_eq!(succeeds(&mut place.read("cat", &[])), "");
    assert_eq!(succeeds(&mut place.read("ls", &["--json"])), "");
    let output = run(&mut place.read("verify", &[]), b"");
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("no objects"), "{output:?}");
}

#[test]
fn a_reader_that_goes_away_early_is_no_failure() {
    let place = Place::new();
    succeeds_with(&mut place.write(&[]), numbered(0..200_000).as_bytes());
    let program = env!("CARGO_BIN_EXE_s3-journal");
    let pipeline = format!("{{ {program} cat --to '{}'; echo $? >&2; }} | head -n 1", text(&place.bucket()));
    let mut command = std::process::Command::new("sh");
    place.quieten(&mut command);
    let output = run(command.args(["-c", &pipeline]), b"");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "line 0\n");
    assert_eq!(common::stderr(&output), "0\n");
}

#[test]
fn options_come_from_the_environment_too() {
    let place = Place::new();
    let mut command = place.program(&["write"]);
    command
        .env("S3_JOURNAL_TO", place.bucket())
        .env("S3_JOURNAL_LOCAL_DIRECTORY", place.queue())
        .env("S3_JOURNAL_COMPRESSOR", "gzip")
        .env("S3_JOURNAL_NO_FSYNC", "true")
        .env("S3_JOURNAL_S3_DIRECTORY_FORMAT", "'flat'");
    succeeds_with(&mut command, b"a\n");
    let objects = place.objects();
    assert!(text(&objects[0]).ends_with(".journal.gz"), "{objects:?}");
    assert!(objects[0].starts_with(place.bucket().join("flat")), "{objects:?}");
}

#[test]
fn the_local_directory_has_its_place_when_nobody_names_one() {
    let place = Place::new();
    let mut command = place.program(&["write", "--id", "web-1"]);
    succeeds_with(command.arg("--to").arg(place.bucket()), b"a\n");
    assert!(place.path(".local/state/s3-journal/web-1").is_dir());
    let status = json(&succeeds(&mut place.program(&["status", "--id", "web-1", "--json"])));
    assert_eq!(status["next_sequence"], 1, "{status}");
}

#[test]
fn version_and_help_succeed() {
    let place = Place::new();
    let version = succeeds(&mut place.program(&["--version"]));
    assert_eq!(version.trim(), format!("s3-journal {}", env!("CARGO_PKG_VERSION")));
    for command in ["write", "cat", "ls", "verify", "status", "bench"] {
        assert!(succeeds(&mut place.program(&[command, "--help"])).contains("Exit status:"));
    }
}
