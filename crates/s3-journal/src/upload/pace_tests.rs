//! The pace falls fast, rises slowly, and keeps within its bounds.

use super::*;

const MAX: usize = 8;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn all_that_the_options_allow_go_up_until_the_store_objects() {
    let mut pace = Pace::default();
    assert_eq!(pace.allowed(MAX), MAX);
    pace.succeeded(MAX, at(1));
    assert_eq!(pace.allowed(MAX), MAX);
    assert_eq!(pace.allowed(0), 1);
}

#[test]
fn it_is_halved_once_for_all_that_were_sent_at_the_old_pace() {
    let mut pace = Pace::default();
    pace.throttled(MAX, 2, at(1));
    assert_eq!(pace.allowed(MAX), 4);
    // Two were under way: one is refused as well, one works.
    pace.throttled(MAX, 1, at(1));
    pace.succeeded(MAX, at(1));
    assert_eq!(pace.allowed(MAX), 4);
    pace.throttled(MAX, 0, at(2));
    assert_eq!(pace.allowed(MAX), 2);
}

#[test]
fn never_fewer_than_one_goes_up() {
    let mut pace = Pace::default();
    for second in 0..20 {
        pace.throttled(MAX, 0, at(second));
        assert!(pace.allowed(MAX) >= 1);
    }
    assert_eq!(pace.allowed(MAX), 1);
}

#[test]
fn time_and_success_raise_it_again_by_one_at_a_time_up_to_what_the_options_allow() {
    let mut pace = Pace::default();
    pace.throttled(MAX, 0, at(10));
    pace.succeeded(MAX, at(11));
    assert_eq!(pace.allowed(MAX), 4, "too soon");
    let mut now = at(10);
    for allowed in 5..=MAX {
        now += RAISE_INTERVAL;
        pace.succeeded(MAX, now);
        pace.succeeded(MAX, now);
        assert_eq!(pace.allowed(MAX), allowed);
    }
    pace.succeeded(MAX, now + RAISE_INTERVAL);
    assert_eq!(pace.allowed(MAX), MAX);
}

#[test]
fn a_new_attempt_takes_the_next_refusal_at_its_word() {
    let mut pace = Pace::default();
    pace.throttled(MAX, 3, at(1));
    pace.begun_anew();
    pace.throttled(MAX, 0, at(2));
    assert_eq!(pace.allowed(MAX), 2);
}
