use std::convert::Infallible;
use std::time::{Duration, UNIX_EPOCH};

use super::super::Selection;
use super::super::listing::ListingBuilder;
use super::*;

/// Objects of ten entries with these numbers; object n began at n minutes.
fn stream(numbers: &[u64]) -> Stream {
    let selection = Selection::default();
    let mut builder = ListingBuilder::new(&selection, 0);
    for number in numbers {
        let key = format!("web-20231114T221320Z000000ab-{number:08}-{:012}-00000001.journal", number * 10);
        builder.add(&key, 1, None).unwrap();
    }
    builder.finish().streams()[0].clone()
}

fn minute(minutes: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(60 * minutes)
}

fn of(numbers: &[u64], since: Option<u64>, until: Option<u64>, silent: &[u64]) -> (u64, Option<u64>) {
    let period = Period { since: since.map(minute), until: until.map(minute) };
    let tell = |entry: &Entry| {
        Ok::<_, Infallible>(Some(minute(entry.number)).filter(|_| !silent.contains(&entry.number)))
    };
    let Ok(sequences) = period.of(&stream(numbers), tell);
    (sequences.from, sequences.to)
}

#[test]
fn a_time_becomes_the_entries_of_the_objects_that_were_open_then() {
    let all: Vec<u64> = (0..20).collect();
    assert_eq!(of(&all, None, None, &[]), (0, None));
    assert_eq!(of(&all, Some(5), Some(9), &[]), (50, Some(90)));
    assert_eq!(of(&all, Some(19), None, &[]), (190, None));
    assert_eq!(of(&all, Some(100), None, &[]), (190, None), "the last one may still go on");
    assert_eq!(of(&all, None, Some(0), &[]), (0, Some(0)));
    assert_eq!(of(&all, None, Some(20), &[]), (0, None));
}

#[test]
fn what_is_missing_at_its_ends_may_have_belonged_to_it() {
    let numbers = [3, 4, 8, 9];
    assert_eq!(of(&numbers, Some(1), Some(2), &[]), (0, Some(30)));
    assert_eq!(of(&numbers, Some(5), Some(7), &[]), (40, Some(80)));
    assert_eq!(of(&numbers, Some(8), None, &[]), (80, None), "the gap lies before");
    assert_eq!(of(&numbers, None, Some(4), &[]), (0, Some(40)), "the gap lies behind");
}

#[test]
fn objects_that_do_not_tell_their_time_are_passed_over() {
    let all: Vec<u64> = (0..20).collect();
    for silent in 0..20 {
        let (from, to) = of(&all, Some(5), Some(9), &[silent]);
        assert!(from <= 50 && to.is_none_or(|to| to >= 90), "{silent}: {from} {to:?}");
    }
    assert_eq!(of(&all, Some(5), Some(9), &all), (0, None));
}
