use super::super::Sequences;
use super::*;

const INCARNATION: &str = "20231114T221320Z000000ab";

fn listing(selection: &Selection, keys: &[&str]) -> Listing {
    let mut builder = ListingBuilder::new(selection, 0);
    for key in keys {
        builder.add(key, 10, None).unwrap();
    }
    builder.finish()
}

fn key(directory: &str, id: &str, number: u64, first: u64) -> String {
    format!("{directory}{id}-{INCARNATION}-{number:08}-{first:012}-00c0ffee.journal.gz")
}

#[test]
fn objects_come_back_by_number_with_the_keys_they_were_listed_under() {
    let keys = [
        key("p/0/2026/11/23/", "web", 100_000_000, 900),
        key("p/0/2026/11/23/", "web", 2, 20),
        key("p/0/2026/11/24/", "web", 9, 90),
        key("p/1/2026/11/23/", "web", 0, 0).trim_end_matches(".gz").to_owned(),
        key("", "web", 1, 10),
    ];
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let listing = listing(&Selection::default(), &keys);
    let stream = &listing.streams()[0];
    let back: Vec<Object> = stream.objects().collect();
    let numbers: Vec<u64> = back.iter().map(|object| object.name.number).collect();
    assert_eq!(numbers, [0, 1, 2, 9, 100_000_000]);
    for object in back {
        assert!(keys.contains(&object.key.as_str()), "{}", object.key);
        assert!(object.key.ends_with(&object.name.to_string()));
    }
}

#[test]
fn an_id_is_taken_as_a_whole_and_foreign_names_are_counted() {
    let keys = [
        key("d/", "web", 0, 0),
        key("d/", "web-1", 0, 0),
        key("d/", "my-web", 0, 0),
        key("web/", "we", 0, 0),
        "d/web/readme.txt".to_owned(),
        "d/".to_owned(),
        String::new(),
    ];
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let all = listing(&Selection::default(), &keys);
    let ids: Vec<&str> = all.ids().iter().map(|id| id.as_str()).collect();
    assert_eq!(ids, ["my-web", "we", "web", "web-1"]);
    assert_eq!(all.foreign(), 3);
    let one = listing(&Selection::of(Id::new("web").unwrap()), &keys);
    assert_eq!((one.objects(), one.others(), one.foreign()), (1, 3, 3));
    let incarnation = Incarnation::parse("20231114T221320Z000000ac");
    let none = listing(&Selection { incarnation, ..Selection::default() }, &keys);
    assert_eq!((none.objects(), none.others()), (0, 4));
}

#[test]
fn a_name_that_is_listed_twice_is_one_object() {
    let (one, two) = (key("a/", "web", 0, 0), key("b/", "web", 0, 0));
    let listing = listing(&Selection::default(), &[&one, &two, &one, &two]);
    assert_eq!(listing.objects(), 2);
}

#[test]
fn a_range_of_entries_names_the_objects_that_hold_it() {
    let keys: Vec<String> =
        [(0, 0), (1, 10), (2, 20), (5, 50)].map(|(number, first)| key("", "a", number, first)).into();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let listing = listing(&Selection::default(), &keys);
    let stream = &listing.streams()[0];
    for (from, to, expected) in [
        (0, None, 0..4),
        (0, Some(10), 0..1),
        (0, Some(11), 0..2),
        (10, Some(20), 1..2),
        (19, Some(21), 1..3),
        // Where the object at 20 ends isn't known from names.
        (49, Some(50), 2..3),
        (60, None, 3..4),
        (5, Some(5), 0..0),
    ] {
        assert_eq!(stream.holding(Sequences { from, to }), expected, "{from} {to:?}");
    }
    let late = listing_from(&[(3, 30)]);
    assert_eq!(late.streams()[0].holding(Sequences::new(0, 30)), 0..0);
}

fn listing_from(objects: &[(u64, u64)]) -> Listing {
    let keys: Vec<String> = objects.iter().map(|(number, first)| key("", "a", *number, *first)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    listing(&Selection::default(), &keys)
}

#[test]
fn the_largest_numbers_do_no_harm() {
    let listing = listing_from(&[(0, 0), (u64::MAX, u64::MAX)]);
    let stream = &listing.streams()[0];
    assert_eq!(stream.holding(Sequences::since(u64::MAX)), 1..2);
    assert_eq!(stream.first_after(u64::MAX), None);
}

#[test]
fn neighbours_share_their_directory() {
    let everything = Selection::default();
    let mut builder = ListingBuilder::new(&everything, 0);
    // The directory and suffix of the first are kept; the other 99,999 cost their numbers only.
    for number in 0..100_000 {
        builder.add(&key("2026/11/22/", "web", number, number), 1, None).unwrap();
    }
    let cost = builder.cost_bytes;
    assert!(cost < 100_000 * 40 + 1_000, "{cost}");
}
