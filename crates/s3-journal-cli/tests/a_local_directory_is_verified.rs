//! `verify --local`: the queue directory by itself, and held against the bucket; its words, its JSON, its exit status.

mod common;

use common::{Place, Running, fails_with, json, numbered, run, succeeds, succeeds_with, text, until};

#[test]
fn a_whole_directory_is_told_offline_and_beside_the_bucket() {
    let place = Place::new();
    succeeds_with(&mut place.write(&[]), numbered(0..100).as_bytes());
    let local = succeeds(place.program(&["verify", "--local"]).arg(place.queue()));
    assert!(local.contains("100 entries written, 100 uploaded, 0 waiting"), "{local}");
    assert!(local.contains("the local directory is whole"), "{local}");
    let both = succeeds(place.read("verify", &["--deep"]).arg("--local").arg(place.queue()));
    assert!(both.contains("whole: nothing is missing") && both.contains("held against the bucket"), "{both}");

    let report = json(&succeeds(place.program(&["verify", "--json", "--local"]).arg(place.queue())));
    assert_eq!(
        (&report["whole"], &report["local"]["next_sequence"]),
        (&true.into(), &100.into()),
        "{report}"
    );
    for field in ["held_by", "id", "incarnation", "slabs", "objects", "torn", "findings", "uploaded_sequence"]
    {
        assert!(!report["local"][field].is_null() || field == "held_by", "{field}: {report}");
    }
    let report = json(&succeeds(place.read("verify", &["--json"]).arg("--local").arg(place.queue())));
    assert_eq!((&report["depth"], report["streams"].as_array().unwrap().len()), (&"listing".into(), 1));
    assert_eq!(report["local"]["findings"].as_array().unwrap().len(), 0);
}

#[test]
fn what_was_uploaded_and_is_gone_is_65_and_only_the_directory_knows() {
    let place = Place::new();
    succeeds_with(&mut place.write(&[]), numbered(0..100).as_bytes());
    for object in place.objects() {
        common::remove(&object);
    }
    let told = run(place.read("verify", &["--json"]).arg("--local").arg(place.queue()), b"");
    assert_eq!(told.status.code(), Some(65));
    let report = json(&String::from_utf8(told.stdout).unwrap());
    let finding = &report["local"]["findings"][0];
    assert_eq!((&finding["kind"], &report["whole"]), (&"not_in_bucket".into(), &false.into()), "{report}");
    assert_eq!((&finding["sequences"]["from"], &finding["sequences"]["to"]), (&0.into(), &100.into()));
}

#[test]
fn a_process_that_has_the_directory_is_named() {
    let place = Place::new();
    let mut running = Running::start(&mut place.write(&["--receipts"]));
    running.feed("a\n");
    until("the line is durable", || running.stdout().contains("\"durable\":1"));
    let output = run(place.program(&["verify", "--local"]).arg(place.queue()), b"");
    let error = common::stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(error.contains("is in use by") && error.contains(&running.id().to_string()), "{error}");
    running.end_input();
    assert_eq!(running.finish().status.code(), Some(0));
}

#[test]
fn what_means_nothing_together_is_refused() {
    let place = Place::new();
    let error = fails_with(
        place.program(&["verify", "--local", "nowhere", "--deep"]).env_remove("S3_JOURNAL_TO"),
        b"",
        2,
    );
    assert!(error.contains("--deep") && error.contains("--to"), "{error}");
    fails_with(&mut place.program(&["verify"]), b"", 2);
    fails_with(&mut place.read("verify", &["--shard=A"]), b"", 2);
    fails_with(&mut place.read("verify", &["--from-time=2026-01-02", "--until-time=2026-01-01"]), b"", 2);
    fails_with(place.program(&["verify", "--local"]).arg(place.path("nowhere")), b"", 73);
    succeeds_with(&mut place.write(&[]), b"a\n");
    let error = fails_with(place.read("verify", &["--id=other"]).arg("--local").arg(place.queue()), b"", 2);
    assert!(error.contains("tester"), "{error}");
    let _ = text(&place.queue());
}

#[test]
fn a_time_and_a_shard_narrow_what_is_looked_at() {
    let place = Place::new();
    succeeds_with(&mut place.write(&["--shards=2"]), b"a\n");
    succeeds_with(&mut place.write(&["--shards=2"]), b"b\n");
    let objects = |arguments: &[&str]| {
        let report = json(&succeeds(&mut place.read("verify", &[&["--json"], arguments].concat())));
        report["checked"]["objects"].as_u64().unwrap()
    };
    assert_eq!(objects(&[]), 2);
    assert_eq!(objects(&["--shard=1"]), 1);
    assert_eq!(objects(&["--from-time=2000-01-01"]), 2);
    assert_eq!(objects(&["--until-time=2000-01-01"]), 0);
}
