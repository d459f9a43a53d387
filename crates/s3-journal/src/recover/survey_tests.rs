use std::time::UNIX_EPOCH;

use super::*;

const DEAD: &str = "20231114T221320Z000000ab";
const ALIVE: &str = "20231115T221320Z000000cd";

fn key(incarnation: &str, number: u64) -> String {
    format!("p/3/2023/web-1-{incarnation}-{number:08}-{:012}-00c0ffee.journal.gz", number * 10)
}

fn at(hours: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(hours)
}

fn upload(key: &str, hours: Option<u64>) -> OpenUpload {
    OpenUpload { key: key.to_owned(), upload_id: "u".to_owned(), initiated: hours.map(at) }
}

fn object(key: &str, hours: u64) -> ObjectEntry {
    ObjectEntry { key: key.to_owned(), len_bytes: 1, modified: Some(at(hours)) }
}

fn silent(survey: &Survey, key: &str) -> Option<u64> {
    let silent = survey.silent_for(&Target::parse(key).unwrap(), at(100))?;
    Some(silent.as_secs() / 3_600)
}

#[test]
fn a_target_names_what_lies_beside_it() {
    let target = Target::parse(&key(DEAD, 7)).unwrap();
    let note = RecoveryRole::Note { torn_bytes: 5 };
    let beside = target.beside(note);
    assert!(beside.starts_with(&target.stem()) && target.key.starts_with(&target.stem()));
    assert_eq!(target.role_of(&beside), Some(note));
    assert_eq!(target.role_of(&target.key), None);
    assert_eq!(target.role_of(&beside.replace("00000007", "00000008")), None);
    assert_eq!((target.shard(2), target.shard(0)), (Some('3'), Some('p')));
    assert_eq!(Target::parse("p/x.journal"), None);
}

#[test]
fn only_what_was_asked_for_is_a_target_and_an_id_is_taken_whole() {
    let id = |id: &str| Some(Id::new(id).unwrap());
    for (wanted, found) in [
        (Wanted::default(), 2),
        (Wanted { id: id("web-1"), ..Wanted::default() }, 2),
        (Wanted { id: id("web"), ..Wanted::default() }, 0),
        (Wanted { incarnation: Incarnation::parse(ALIVE), ..Wanted::default() }, 1),
    ] {
        let mut survey = Survey::new(wanted);
        survey.upload(&upload(&key(DEAD, 7), Some(1)));
        survey.upload(&upload(&key(DEAD, 7), Some(2)));
        survey.upload(&upload(&key(ALIVE, 0), Some(1)));
        survey.upload(&upload("p/somebody/elses", Some(1)));
        assert_eq!(survey.targets().len(), found);
    }
}

#[test]
fn an_incarnation_is_as_silent_as_the_newest_of_its_objects_and_uploads() {
    let mut survey = Survey::default();
    survey.upload(&upload(&key(DEAD, 7), Some(10)));
    assert_eq!(silent(&survey, &key(DEAD, 7)), Some(90));
    survey.object(&object(&key(DEAD, 6), 20));
    survey.object(&object(&key(ALIVE, 6), 99));
    assert_eq!(silent(&survey, &key(DEAD, 7)), Some(80));
    survey.upload(&upload(&key(DEAD, 8), Some(40)));
    assert_eq!(silent(&survey, &key(DEAD, 7)), Some(60));
    survey.upload(&upload(&key(DEAD, 9), None));
    assert_eq!(silent(&survey, &key(DEAD, 7)), None, "the store doesn't tell of one");
    survey.upload(&upload(&key(ALIVE, 1), Some(200)));
    assert_eq!(silent(&survey, &key(ALIVE, 1)), Some(0), "its clock is ahead");
}

#[test]
fn what_a_recovery_wrote_is_no_sign_of_life() {
    let mut survey = Survey::default();
    let target = Target::parse(&key(DEAD, 7)).unwrap();
    survey.upload(&upload(&key(DEAD, 8), Some(10)));
    survey.object(&object(&target.key, 100));
    assert_eq!(silent(&survey, &target.key), Some(0));
    survey.object(&object(&target.beside(RecoveryRole::Note { torn_bytes: 1 }), 100));
    survey.object(&object(&target.beside(RecoveryRole::Recovered { entries: 1 }), 100));
    assert_eq!(silent(&survey, &target.key), Some(90));
    let targets: Vec<_> =
        survey.targets().into_iter().map(|(target, noted)| (target.name.number, noted)).collect();
    assert_eq!(targets, [(7, true), (8, false)]);
}

#[test]
fn parts_are_usable_up_to_the_first_hole() {
    let part =
        |number| Part { number, etag: String::new(), len_bytes: u64::from(number) * 10, crc64nvme: None };
    let parts: Vec<Part> = [1, 2, 4, 5].map(part).into();
    assert_eq!(usable(&parts), (2, 30));
    assert_eq!(making(&parts, 30).map(<[Part]>::len), Some(2));
    assert_eq!(making(&parts, 10).map(<[Part]>::len), Some(1));
    assert_eq!(making(&parts, 70), None);
    assert_eq!((usable(&parts[1..]), usable(&[])), ((0, 0), (0, 0)));
}
