use super::sweep::SweepRules;
use crate::bucket::OpenUpload;
use crate::object::{Id, Incarnation};
use std::time::{Duration, SystemTime};

const OURS: &str = "20261122T093407Z5f0c2a91";
const OTHER: &str = "20251122T093407Z00000001";
const HOUR: Duration = Duration::from_hours(1);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + 1_000 * HOUR
}

fn upload(id: &str, incarnation: &str, number: u64, run: &str, age: Duration) -> OpenUpload {
    OpenUpload {
        key: format!("p/0/2026/{id}-{incarnation}-{number:08}-{:012}-{run}.journal.gz", 5),
        upload_id: "u".into(),
        initiated: Some(now() - age),
    }
}

fn rules(expiration: Option<Duration>) -> SweepRules {
    SweepRules {
        id: Id::new("web1").unwrap(),
        incarnation: Incarnation::parse(OURS).unwrap(),
        runs: [1, 2].into(),
        uploaded_number: 10,
        expiration,
    }
}

#[test]
fn only_uploads_of_ours_that_nobody_will_complete_are_swept() {
    let rules = rules(None);
    assert!(rules.may_abort(&upload("web1", OURS, 9, "00000002", HOUR), now()));
    assert!(!rules.may_abort(&upload("web1", OURS, 10, "00000002", HOUR), now()), "still to be completed");
    assert!(!rules.may_abort(&upload("web1", OURS, 9, "00000003", HOUR), now()), "a copy of the directory");
    assert!(
        !rules.may_abort(&upload("myweb1", OURS, 9, "00000002", HOUR), now()),
        "another id that ends alike"
    );
    assert!(!rules.may_abort(&upload("web1-web1", OURS, 9, "00000002", HOUR), now()));
    assert!(
        !rules.may_abort(&upload("web1", OTHER, 9, "00000002", 1_000 * HOUR), now()),
        "no expiration asked for"
    );
    let strange = OpenUpload { key: "p/photo.jpg".into(), upload_id: "u".into(), initiated: None };
    assert!(!rules.may_abort(&strange, now()));
}

#[test]
fn expiration_gives_up_what_other_incarnations_of_this_id_left_and_nothing_else() {
    let rules = rules(Some(24 * HOUR));
    assert!(rules.may_abort(&upload("web1", OTHER, 99, "0000abcd", 25 * HOUR), now()));
    assert!(!rules.may_abort(&upload("web1", OTHER, 99, "0000abcd", 23 * HOUR), now()));
    assert!(!rules.may_abort(&upload("myweb1", OTHER, 99, "0000abcd", 25 * HOUR), now()));
    assert!(!rules.may_abort(&upload("web10", OTHER, 99, "0000abcd", 25 * HOUR), now()));
    let mut undated = upload("web1", OTHER, 99, "0000abcd", 25 * HOUR);
    undated.initiated = None;
    assert!(!rules.may_abort(&undated, now()), "its age isn't known");
    assert!(
        !rules.may_abort(&upload("web1", OURS, 10, "00000002", 25 * HOUR), now()),
        "ours, still to be completed"
    );
}
