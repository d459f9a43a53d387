use super::super::Selection;
use super::super::listing::{Listing, ListingBuilder};
use super::*;

const INCARNATION: &str = "20231114T221320Z000000ab";

/// Directory, number, first entry, run, length.
type Row = (&'static str, u64, u64, u32, u64);

fn listing(rows: &[Row]) -> Listing {
    let everything = Selection::default();
    let mut builder = ListingBuilder::new(&everything, 0);
    for (directory, number, first, run, len) in rows {
        let key = format!("{directory}/a-{INCARNATION}-{number:08}-{first:012}-{run:08x}.journal");
        builder.add(&key, *len, None).unwrap();
    }
    builder.finish()
}

fn found(rows: &[Row], allow_missing_start: bool) -> Vec<Finding> {
    let listing = listing(rows);
    let mut findings = Findings::new(usize::MAX, Sequences::ALL, Numbers { first: 0, last: u64::MAX }, None);
    check(&listing.streams()[0], allow_missing_start, &mut findings);
    findings.finish().0
}

/// Kind, numbers, entries, exact, keys.
type Found = (FindingKind, (u64, u64), Option<(u64, Option<u64>)>, bool, usize);

fn told(rows: &[Row]) -> Vec<Found> {
    found(rows, false)
        .into_iter()
        .map(|finding| {
            let Finding { kind, numbers, sequences, exact, keys, .. } = finding;
            (kind, (numbers.first, numbers.last), sequences.map(|own| (own.from, own.to)), exact, keys.len())
        })
        .collect()
}

#[test]
fn names_tell_each_kind_of_fault() {
    use FindingKind as Kind;
    let cases: &[(&str, &[Row], &[Found])] = &[
        ("whole", &[("d", 0, 0, 1, 5), ("d", 1, 3, 1, 5), ("e", 2, 4, 2, 5)], &[]),
        (
            "one object missing",
            &[("d", 0, 0, 1, 5), ("d", 2, 20, 1, 5)],
            &[(Kind::MissingObjects, (1, 1), Some((1, Some(20))), false, 1)],
        ),
        (
            "two gaps",
            &[("d", 0, 0, 1, 5), ("d", 2, 20, 1, 5), ("d", 6, 60, 1, 5)],
            &[
                (Kind::MissingObjects, (1, 1), Some((1, Some(20))), false, 1),
                (Kind::MissingObjects, (3, 5), Some((21, Some(60))), false, 1),
            ],
        ),
        (
            "start missing",
            &[("d", 3, 30, 1, 5), ("d", 4, 40, 1, 5)],
            &[(Kind::MissingStart, (0, 2), Some((0, Some(30))), true, 0)],
        ),
        (
            "start left out",
            &[("d", 0, 7, 1, 5)],
            &[(Kind::MissingEntries, (0, 0), Some((0, Some(7))), true, 1)],
        ),
        (
            "a fork of three objects",
            &[
                ("d", 0, 0, 1, 5),
                ("d", 1, 10, 2, 5),
                ("d", 1, 10, 3, 5),
                ("d", 2, 20, 2, 5),
                ("d", 2, 21, 3, 5),
                ("d", 3, 30, 2, 5),
                ("d", 3, 31, 3, 5),
                ("d", 4, 40, 2, 5),
            ],
            &[(Kind::Fork, (1, 3), Some((10, Some(40))), false, 6)],
        ),
        (
            "a fork at the end",
            &[("d", 0, 0, 1, 5), ("d", 1, 10, 2, 5), ("d", 1, 10, 3, 5)],
            &[(Kind::Fork, (1, 1), Some((10, None)), false, 2)],
        ),
        (
            "one object in two directories",
            &[("d", 0, 0, 1, 5), ("d", 1, 10, 1, 5), ("e", 1, 10, 1, 5), ("d", 2, 20, 1, 5)],
            &[(Kind::DuplicateObject, (1, 1), Some((10, Some(20))), true, 2)],
        ),
        (
            "going back",
            &[("d", 0, 0, 1, 5), ("d", 1, 10, 1, 5), ("d", 2, 9, 1, 5)],
            &[(Kind::OutOfOrder, (2, 2), Some((9, None)), false, 1)],
        ),
        (
            "no room for an entry",
            &[("d", 0, 0, 1, 5), ("d", 1, 0, 1, 5)],
            &[(Kind::OutOfOrder, (1, 1), Some((0, None)), false, 1)],
        ),
        (
            "no room for the missing objects' entries",
            &[("d", 0, 0, 1, 5), ("d", 5, 4, 1, 5)],
            &[
                (Kind::MissingObjects, (1, 4), Some((1, Some(4))), false, 1),
                (Kind::OutOfOrder, (5, 5), Some((4, None)), false, 1),
            ],
        ),
        (
            "empty",
            &[("d", 0, 0, 1, 5), ("d", 1, 10, 1, 0), ("d", 2, 20, 1, 5)],
            &[(Kind::EmptyObject, (1, 1), Some((10, Some(20))), true, 1)],
        ),
        (
            "numbers at their end",
            &[("d", 0, 0, 1, 5), ("d", u64::MAX, u64::MAX, 1, 5)],
            &[(Kind::MissingObjects, (1, u64::MAX - 1), Some((1, Some(u64::MAX))), false, 1)],
        ),
    ];
    for (name, rows, expected) in cases {
        assert_eq!(told(rows), *expected, "{name}");
    }
}

#[test]
fn an_object_in_another_shard_is_told_and_breaks_nothing() {
    let mut rows: Vec<Row> =
        (0..20).map(|n| (["0", "1", "2"][usize::try_from(n % 3).unwrap()], n, n, 1, 5)).collect();
    rows[10].0 = "2";
    let found = found(&rows, false);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, found[0].numbers.first, found[0].sequences),
        (FindingKind::WrongShard, 10, None)
    );
    assert!(!found[0].kind.breaks_the_stream());
}

#[test]
fn a_missing_start_may_be_allowed() {
    assert_eq!(found(&[("d", 3, 30, 1, 5)], true), []);
}

#[test]
fn texts_are_sentences_that_a_terminal_survives() {
    let found = found(&[("d\u{1b}[2J", 0, 0, 1, 0), ("d", 2, 20, 1, 5)], false);
    let texts: Vec<&str> = found.iter().map(|finding| finding.text.as_str()).collect();
    let name = |number, first: u64| format!("a-{INCARNATION}-{number:08}-{first:012}-00000001.journal");
    assert_eq!(
        texts,
        [
            format!("object 0 (d\\u{{1b}}[2J/{}) is empty; a journal writes no empty objects", name(0, 0)),
            format!("object 1 is missing before d/{}, with some of the entries 1 to 19", name(2, 20)),
        ]
    );
    assert!(found[0].keys[0].contains('\u{1b}'));
}

#[test]
fn only_what_concerns_the_range_is_kept_and_not_too_much_of_it() {
    let listing = listing(&[("d", 0, 0, 1, 5), ("d", 2, 20, 1, 5), ("d", 4, 40, 1, 5), ("d", 6, 60, 1, 5)]);
    let numbers = Numbers { first: 0, last: 10 };
    let mut findings = Findings::new(10, Sequences::new(25, 30), numbers, None);
    check(&listing.streams()[0], false, &mut findings);
    let (found, left_out) = findings.finish();
    assert_eq!((found.len(), found[0].numbers.first, left_out), (1, 3, 0));
    let mut findings = Findings::new(2, Sequences::ALL, numbers, None);
    check(&listing.streams()[0], false, &mut findings);
    let (found, left_out) = findings.finish();
    assert_eq!((found.len(), left_out), (2, 1));
}
