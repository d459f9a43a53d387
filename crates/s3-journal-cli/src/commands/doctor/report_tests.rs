use super::super::check::Need;
use super::*;

fn check(name: &'static str, outcome: Outcome, exit: Option<Exit>) -> Check {
    let check = Check::new(name, outcome, &[Need::Write], "a detail", "a remedy");
    Check { exit, ..check }
}

fn report(checks: Vec<Check>) -> Report {
    let place = Place::of("s3://logs", "app", None);
    Report::new("s3://logs/app".to_owned(), place.as_ref(), checks, StoreFigures::default())
}

#[test]
fn a_missing_permission_is_told_before_an_outage_and_that_before_the_directory() {
    use Exit::{Denied, Directory, Done, LocalIo, Unreachable};
    for (found, exit) in [
        (vec![], Done),
        (vec![Directory], Directory),
        (vec![LocalIo], LocalIo),
        (vec![Directory, Unreachable], Unreachable),
        (vec![Directory, Unreachable, Denied], Denied),
    ] {
        let checks = found.iter().map(|exit| check("one", Outcome::Failed, Some(*exit))).collect();
        let report = report(checks);
        assert_eq!((report.exit(), report.can_write), (exit, found.is_empty()), "{found:?}");
    }
}

#[test]
fn the_last_sentence_says_whether_a_write_can_run_and_what_it_goes_without() {
    let last = |report: &Report| report.lines().pop().unwrap();
    let good = Check::ok("put", &[Need::Write], "works");
    assert!(last(&report(vec![good.clone()])).contains("everything it can use"));
    let without = last(&report(vec![good.clone(), check("list", Outcome::Missing, None)]));
    assert!(without.contains("can run here") && without.contains("without list"), "{without}");
    let never =
        last(&report(vec![good.clone(), check("abort_upload", Outcome::Missing, Some(Exit::Denied))]));
    assert!(never.contains("can't deliver") && never.contains("abort_upload"), "{never}");
    let directory =
        (vec![check("local_directory", Outcome::Failed, Some(Exit::Directory))], DirectoryFigures::default());
    let never = last(&report(vec![good]).with_directory(directory));
    assert!(never.contains("local directory") && never.contains("can't run"), "{never}");
}

#[test]
fn there_is_a_line_for_each_and_one_for_all_that_werent_tried_for_one_reason() {
    let lines = report(vec![
        Check::ok("put", &[Need::Write], "works\u{1b}[2J"),
        check("head", Outcome::Missing, None),
        Check::new("get", Outcome::Unknown, &[], "not tried", ""),
        Check::new("list", Outcome::Unknown, &[], "not tried", ""),
    ])
    .lines();
    let place = |words: &[&str]| lines.iter().position(|line| words.iter().all(|word| line.contains(word)));
    assert!(place(&["  ok ", "put", "works"]) < place(&["  missing", "head", "a detail"]));
    assert_eq!(place(&["-> a remedy"]), place(&["  missing"]).map(|place| place + 1));
    assert!(place(&["  unknown", "2 things", "not tried"]).is_some(), "{lines:?}");
    assert!(place(&["\u{1b}"]).is_none(), "nothing steers the terminal");
    assert!(place(&["\"Sid\":\"Run\"", "arn:aws:s3:::logs/app/*"]).is_some(), "{lines:?}");
    assert!(place(&["AbortIncompleteMultipartUpload"]).is_some());
}

#[test]
fn programs_get_all_of_it() {
    let told = serde_json::to_value(report(vec![check("head", Outcome::Missing, None)])).unwrap();
    assert_eq!(
        told["checks"],
        serde_json::json!([{
            "name": "head", "outcome": "missing", "detail": "a detail", "remedy": "a remedy", "needed_for": ["write"],
        }])
    );
    assert_eq!((&told["can_write"], &told["directory_figures"]), (&Value::Bool(true), &Value::Null));
    assert!(told["policy"]["Statement"].is_array() && told["lifecycle"]["Rules"].is_array());
}
