//! Who may open a local directory, and what becomes of directories that are copied, lost, drained or shared: nothing in the
//! bucket is overwritten, whoever writes there.
#![cfg(feature = "fake")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the report")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use s3_journal::bucket::BucketErrorKind;
use s3_journal::{Health, Journal, OpenError, durable_queue};
use support::{Object, Place, copy_directory, entries_of, numbered};

/// Entries wait in the directory, and the store is away.
fn with_entries_waiting(place: &Place) {
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    let journal =
        s3_journal::journal(place.options().environment(durable_queue::Environment::system())).unwrap();
    for i in 0..5 {
        journal.submit(&i.to_string()).unwrap();
    }
    drop(journal);
    place.fake.end_outage();
}

fn by_incarnation(place: &Place) -> BTreeMap<String, Vec<Object>> {
    let mut incarnations: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    for object in place.objects() {
        incarnations.entry(object.metadata.incarnation.clone()).or_default().push(object);
    }
    incarnations
}

fn refused(options: s3_journal::Options) -> OpenError {
    match Journal::open(options) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn other_ids_buckets_and_prefixes_are_refused_while_entries_wait() {
    let place = Place::new();
    with_entries_waiting(&place);
    let elsewhere = place.other_directory().display().to_string();
    let to_directory = s3_journal::Options::new()
        .to(elsewhere)
        .local_directory(place.local_directory())
        .max_batch_size(1)
        .id("web1");
    for options in
        [place.options().id("web2"), place.options().bucket(place.bucket(), "another/prefix"), to_directory]
    {
        match refused(options) {
            OpenError::OtherJournal { pending_entries, found, wanted, .. } => {
                assert_eq!(pending_entries, 5);
                assert!(found.contains("web1 at memory") && wanted != found, "{found} {wanted}");
            }
            error => panic!("{error}"),
        }
    }
    // Nothing was changed by the refusals; and the id needn't be given again.
    place.open().close().unwrap();
    assert_eq!(place.entries(), numbered(0..5));
}

#[test]
fn a_drained_directory_begins_a_new_incarnation_for_another_journal() {
    let place = Place::new();
    with_entries_waiting(&place);
    place.open().close().unwrap();
    let journal = s3_journal::journal(place.options().id("web2")).unwrap();
    assert_eq!((journal.next_sequence(), journal.position(1)), (0, None));
    journal.submit("other").unwrap();
    journal.close().unwrap();
    let incarnations = by_incarnation(&place);
    assert_eq!(incarnations.len(), 2);
    for objects in incarnations.values() {
        let expected =
            if objects[0].metadata.id == "web2" { vec!["other".to_owned()] } else { numbered(0..5) };
        assert_eq!(entries_of(objects), expected);
    }
}

#[test]
fn the_id_of_a_directory_is_the_one_it_was_made_with() {
    let place = Place::new();
    with_entries_waiting(&place);
    let options = s3_journal::Options::new()
        .bucket(place.bucket(), "")
        .local_directory(place.local_directory())
        .max_batch_size(10);
    let journal = s3_journal::journal(options).unwrap();
    journal.submit("5").unwrap();
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..6));
    assert!(place.objects().iter().all(|object| object.metadata.id == "web1"));
}

#[test]
fn without_an_id_it_is_the_hosts_name() {
    let place = Place::new();
    let options = s3_journal::Options::new()
        .bucket(place.bucket(), "")
        .local_directory(place.local_directory())
        .max_batch_size(10);
    let journal = s3_journal::journal(options).unwrap();
    journal.submit("a").unwrap();
    journal.close().unwrap();
    let id = s3_journal::object::Id::from_host_name(&s3_journal::hostname());
    assert_eq!(place.objects()[0].metadata.id, id.to_string());
}

#[test]
fn a_second_journal_on_one_directory_is_refused_and_told_who_holds_it() {
    let place = Place::new();
    let journal = place.open();
    let error = refused(place.options()).to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    journal.submit("a").unwrap();
    journal.close().unwrap();
    place.open().close().unwrap();
    assert_eq!(place.entries(), ["a"]);
}

#[test]
fn a_copied_directory_writes_under_other_keys_and_nothing_is_overwritten() {
    let place = Place::new();
    with_entries_waiting(&place);
    copy_directory(&place.local_directory(), &place.other_directory());
    // Both go on for themselves, from the same entries.
    for (directory, what) in [(place.local_directory(), "original"), (place.other_directory(), "copy")] {
        let journal = s3_journal::journal(place.options().local_directory(directory)).unwrap();
        assert_eq!(journal.next_sequence(), 5);
        journal.submit(what).unwrap();
        journal.close().unwrap();
    }
    let objects = place.objects();
    let texts: Vec<_> = objects.iter().map(|object| object.text.as_str()).collect();
    assert_eq!(texts.len(), 3, "what both had is there once: {texts:?}");
    assert!(texts.contains(&"0\n1\n2\n3\n4\n") && texts.contains(&"original\n") && texts.contains(&"copy\n"));
    let runs: BTreeSet<_> = objects.iter().map(|object| object.metadata.run.as_str()).collect();
    assert_eq!(runs.len(), 3, "each opening has its own keys");
}

#[test]
fn copies_that_cut_the_same_object_differently_do_not_overwrite_each_other_and_say_so() {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    let options = || place.options().environment(durable_queue::Environment::system());
    let journal = s3_journal::journal(options()).unwrap();
    journal.submit("0").unwrap().durable().wait().unwrap();
    // As a snapshot of the disk would: the object is open.
    copy_directory(&place.local_directory(), &place.other_directory());
    journal.submit("1").unwrap();
    place.fake.end_outage();
    journal.close().unwrap();
    let before = place.memory.objects();
    let copy = s3_journal::journal(options().local_directory(place.other_directory())).unwrap();
    copy.submit("of the copy").unwrap();
    support::until("stopped", || copy.stats().health == Health::Stopped);
    let stats = copy.stats();
    let message = stats.last_error.unwrap().message;
    assert!(message.contains(before.keys().next().unwrap()), "it names the key: {message}");
    assert_eq!(copy.close_within(Duration::from_millis(20)).unwrap().remaining, 2);
    assert_eq!(place.memory.objects(), before, "nothing overwritten, nothing added");
    assert_eq!(place.entries(), ["0", "1"]);
}

#[test]
fn a_directory_that_is_lost_and_made_anew_gets_keys_of_its_own() {
    let place = Place::new();
    for directory in [place.local_directory(), place.other_directory()] {
        let journal = s3_journal::journal(place.options().local_directory(directory)).unwrap();
        journal.submit("0").unwrap();
        journal.close().unwrap();
        place.clock.advance(Duration::from_secs(5));
    }
    let incarnations = by_incarnation(&place);
    assert_eq!(incarnations.len(), 2, "one id, two lives");
    assert!(incarnations.values().all(|objects| entries_of(objects) == ["0"]));
}

#[test]
fn two_machines_with_one_id_both_arrive() {
    let place = Place::new();
    let journals = [place.local_directory(), place.other_directory()]
        .map(|directory| s3_journal::journal(place.options().local_directory(directory)).unwrap());
    for i in 0..50 {
        for journal in &journals {
            journal.submit(&i.to_string()).unwrap();
            if i % 20 == 0 {
                journal.flush().unwrap();
            }
        }
    }
    for journal in &journals {
        journal.close().unwrap();
    }
    let incarnations = by_incarnation(&place);
    assert_eq!(incarnations.len(), 2);
    assert!(incarnations.values().all(|objects| entries_of(objects) == numbered(0..50)));
}

#[test]
fn a_directory_restored_from_an_older_backup_shows_as_a_fork() {
    let place = Place::new();
    let journal = place.open();
    journal.submit("0").unwrap();
    journal.close().unwrap();
    drop(journal);
    copy_directory(&place.local_directory(), &place.other_directory());
    let journal = place.open();
    journal.submit("1").unwrap();
    journal.close().unwrap();
    let journal = s3_journal::journal(place.options().local_directory(place.other_directory())).unwrap();
    assert_eq!(journal.next_sequence(), 1, "what came after the backup isn't known to it");
    let receipt = journal.submit("one").unwrap();
    journal.seal();
    while !receipt.uploaded().wait_timeout(Duration::from_millis(1)).unwrap() {
        assert_ne!(journal.stats().health, Health::Stopped, "its key is taken");
    }
    journal.close().unwrap();
    let objects = place.objects();
    let of_number = |number| objects.iter().filter(move |object| object.metadata.number == number);
    assert_eq!((of_number(0).count(), of_number(1).count()), (1, 2), "both are there under their own runs");
}
