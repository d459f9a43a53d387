use std::time::SystemTime;

use super::super::Selection;
use super::super::findings::Numbers;
use super::super::listing::{Listing, ListingBuilder};
use super::*;

/// Objects 0 to 2 of ten entries and 100 bytes each; the last one twice, as a fork.
fn listing() -> Listing {
    let everything = Selection::default();
    let mut builder = ListingBuilder::new(&everything, 0);
    for (number, run) in [(0_u64, 1), (1, 1), (2, 1), (2, 2), (4, 2)] {
        let key = format!(
            "d/a-20231114T221320Z000000ab-{number:08}-{first:012}-{run:08x}.journal",
            first = number * 10
        );
        builder.add(&key, 100, None).unwrap();
    }
    builder.finish()
}

fn head(stream: &Stream, at: usize, previous: Option<Predecessor>) -> Head {
    let name = stream.name(&stream.entries()[at]);
    let metadata = ObjectMetadata::new(&name, "none", b"\n", SystemTime::UNIX_EPOCH, previous).to_map();
    Head { len_bytes: 100, crc64nvme: Some(7), metadata, modified: None }
}

const SAID: Predecessor = Predecessor { entries: 10, len_bytes: 100, crc64nvme: 7 };

#[test]
fn metadata_is_held_against_name_and_listing() {
    let listing = listing();
    let stream = &listing.streams()[0];
    let entry = &stream.entries()[1];
    let kind = |head: Option<&Head>| own(stream, entry, head).map_err(|finding| finding.kind).map(drop);
    let good = head(stream, 1, Some(SAID));
    assert_eq!(kind(Some(&good)), Ok(()));
    assert_eq!(kind(None), Err(FindingKind::Vanished));
    assert_eq!(kind(Some(&head(stream, 0, None))), Err(FindingKind::Metadata), "another object's");
    assert_eq!(kind(Some(&Head { metadata: [].into(), ..good.clone() })), Err(FindingKind::Metadata), "none");
    assert_eq!(kind(Some(&Head { len_bytes: 99, ..good.clone() })), Err(FindingKind::Changed));
    let mut newer = good;
    newer.metadata.insert("journal-format".to_owned(), "99".to_owned());
    assert_eq!(kind(Some(&newer)), Err(FindingKind::Metadata), "newer");
}

/// What is there, what is said of it; kind, number, entries of what is found.
type Case = (&'static str, Seen, Option<Predecessor>, Option<(FindingKind, u64, Option<(u64, u64)>)>);

#[test]
fn a_predecessor_is_held_against_what_its_successor_says() {
    use FindingKind as Kind;
    let listing = listing();
    let stream = &listing.streams()[0];
    let entries = stream.entries();
    let seen = Seen::headed(entries[0], &head(stream, 0, None));
    let cases: &[Case] = &[
        ("right", seen, Some(SAID), None),
        ("right, by its name alone", Seen::listed(entries[0]), Some(SAID), None),
        ("right and counted", Seen { entries: Some(10), ..seen }, Some(SAID), None),
        ("nothing said", seen, None, Some((Kind::BrokenChain, 1, None))),
        ("other length", Seen { len_bytes: 99, ..seen }, Some(SAID), Some((Kind::Damaged, 0, Some((0, 10))))),
        (
            "other checksum",
            Seen { crc64nvme: Some(8), ..seen },
            Some(SAID),
            Some((Kind::Damaged, 0, Some((0, 10)))),
        ),
        (
            "other count",
            Seen { entries: Some(9), ..seen },
            Some(SAID),
            Some((Kind::EntryCount, 0, Some((0, 10)))),
        ),
        (
            "other checksum, known already",
            Seen { crc64nvme: Some(8), damaged: true, ..seen },
            Some(SAID),
            None,
        ),
        (
            "entries left out between",
            seen,
            Some(Predecessor { entries: 4, ..SAID }),
            Some((Kind::MissingEntries, 1, Some((4, 10)))),
        ),
        (
            "entries doubled",
            seen,
            Some(Predecessor { entries: 12, ..SAID }),
            Some((Kind::DuplicateEntries, 1, Some((10, 12)))),
        ),
    ];
    for (name, seen, said, expected) in cases {
        let found = predecessor(stream, &entries[1], *said, &[*seen]);
        let found = found.map(|finding| {
            let sequences = finding.sequences.map(|own| (own.from, own.to.unwrap()));
            (finding.kind, finding.numbers.first, sequences)
        });
        assert_eq!(found, *expected, "{name}");
    }
    assert_eq!(predecessor(stream, &entries[0], None, &[]), None);
    let first = predecessor(stream, &entries[0], Some(SAID), &[]).unwrap();
    assert_eq!(first.kind, Kind::BrokenChain);
}

#[test]
fn after_a_fork_one_of_the_branches_must_be_the_predecessor() {
    let listing = listing();
    let stream = &listing.streams()[0];
    let entries = stream.entries();
    let one = Seen { crc64nvme: Some(1), ..Seen::listed(entries[2]) };
    let two = Seen { crc64nvme: Some(2), ..Seen::listed(entries[3]) };
    let said = |crc64nvme| Some(Predecessor { crc64nvme, entries: 20, ..SAID });
    assert_eq!(predecessor(stream, &entries[4], said(1), &[one, two]), None);
    assert_eq!(predecessor(stream, &entries[4], said(2), &[one, two]), None);
    let broken = predecessor(stream, &entries[4], said(3), &[one, two]).unwrap();
    assert_eq!(broken.kind, FindingKind::BrokenChain);
}

#[test]
fn a_gap_is_narrowed_by_what_is_counted_or_said() {
    let listing = listing();
    let stream = &listing.streams()[0];
    let entry = &stream.entries()[4];
    let gap = missing_objects(stream, 2, &[*entry], Sequences::new(21, 40), false);
    assert_eq!(gap.numbers, Numbers { first: 3, last: 3 });
    let before = Seen::listed(stream.entries()[2]);
    let range = |finding: Option<Finding>| finding.map(|gap| (gap.sequences.unwrap(), gap.exact));
    assert_eq!(narrowed(stream, &gap, entry, None, &[before]), None);
    let said = Some(Predecessor { entries: 5, ..SAID });
    assert_eq!(range(narrowed(stream, &gap, entry, said, &[before])), Some((Sequences::new(35, 40), true)));
    let counted = Seen { entries: Some(8), ..before };
    assert_eq!(range(narrowed(stream, &gap, entry, said, &[counted])), Some((Sequences::new(28, 40), true)));
    let nonsense = Some(Predecessor { entries: 500, ..SAID });
    assert_eq!(narrowed(stream, &gap, entry, nonsense, &[before]), None);
}
