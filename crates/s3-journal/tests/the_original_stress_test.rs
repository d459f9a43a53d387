//! The test that the original has, and calls its proof: integers in order through a store that fails, read back from the
//! bucket without a gap, a double or a change of order. Here the store fails in every way it can, answers get lost after the
//! deed, and every backoff passes by the test's own clock.
//!
//! `S3_JOURNAL_STRESS_ENTRIES` sets how many integers (200,000; the original has 5,000,000).
#![cfg(feature = "fake")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::time::Duration;

use s3_journal::bucket::{FakeCounts, Faults};
use support::{Place, seed};

/// The original has 5,000,000, and takes its time.
fn entries() -> u64 {
    std::env::var("S3_JOURNAL_STRESS_ENTRIES").ok().map_or(200_000, |entries| entries.parse().unwrap())
}

/// Carries the integers over, and returns what went wrong on the way.
fn carry(seed: u64, faults: Faults, shards: Option<u32>) -> FakeCounts {
    let (place, entries) = (Place::with(seed, faults), entries());
    let options = || {
        let options = place.options().max_batch_size(250).max_object_size(20 << 10).part_size(2 << 10);
        match shards {
            Some(shards) => options.shards(shards),
            None => options,
        }
    };
    // Half of them, and the other half by a journal that finds what the first one left.
    for range in [1..=entries / 2, entries / 2 + 1..=entries] {
        let journal = s3_journal::journal(options()).unwrap();
        let is_first = *range.start() == 1;
        for number in range {
            journal.submit(&number.to_string()).unwrap();
        }
        if is_first {
            drop(journal);
        } else {
            journal.close().unwrap();
        }
    }
    let counts = place.fake.counts();
    // What was left open by lost answers is swept by whoever comes next.
    place.fake.set_faults(Faults::default());
    place.fake.end_outage();
    s3_journal::journal(options()).unwrap().close().unwrap();
    assert_eq!(place.memory.open_uploads(), [], "nothing is left behind");

    let objects = place.objects();
    let mut expected = 1;
    for (number, object) in objects.iter().enumerate() {
        assert_eq!(object.metadata.number, number as u64);
        let shard =
            shards.map(|shards| char::from_digit(u32::try_from(number).unwrap() % shards, 36).unwrap());
        assert_eq!(object.key.chars().next(), shard.or(Some('2')), "whole objects go round: {}", object.key);
        for entry in object.text.lines() {
            assert_eq!(entry.parse(), Ok(expected), "in {}", object.key);
            expected += 1;
        }
    }
    assert_eq!(expected, entries + 1, "all of them");
    let uploaded_in_parts = counts.calls.get(&s3_journal::bucket::Call::CompleteUpload).copied();
    assert!(uploaded_in_parts > Some(objects.len() as u64 / 4), "parts are what is tried here: {counts:?}");
    counts
}

fn carry_both_ways(faults: &Faults, check: impl Fn(&FakeCounts)) {
    let seed = seed();
    for shards in [None, Some(3)] {
        let counts = carry(seed, faults.clone(), shards);
        println!("shards {shards:?}: {counts:?}");
        check(&counts);
    }
}

#[test]
fn through_a_store_without_faults() {
    carry_both_ways(&Faults::default(), |counts| assert_eq!(counts.faults(), 0));
}

#[test]
fn through_a_store_of_which_every_third_call_fails() {
    carry_both_ways(&Faults::all(1.0 / 3.0), |counts| {
        let calls: u64 = counts.calls.values().sum();
        assert!(counts.faults() > calls / 5, "{counts:?}");
        let quadrants = [counts.lost_requests, counts.lost_answers, counts.refusals, counts.done_but_failed];
        assert!(quadrants.iter().all(|count| *count > 5), "{counts:?}");
        assert!(counts.uploads_aborted > 5, "{counts:?}");
    });
}

#[test]
fn through_outages_of_all_calls() {
    let faults =
        Faults { outage: 0.05, outage_calls: 30, outage_time: Duration::from_mins(10), ..Faults::default() };
    carry_both_ways(&faults, |counts| assert!(counts.refusals > 50, "{counts:?}"));
}

#[test]
fn through_a_store_that_lets_neither_look_nor_list() {
    let faults = Faults { heads_forbidden: true, lists_forbidden: true, ..Faults::all(0.1) };
    let seed = seed();
    let place = Place::with(seed, faults);
    let journal = s3_journal::journal(place.options().max_batch_size(250).max_object_size(20 << 10)).unwrap();
    for number in 0..50_000_u64 {
        journal.submit(&number.to_string()).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(place.entries(), support::numbered(0..50_000));
}
