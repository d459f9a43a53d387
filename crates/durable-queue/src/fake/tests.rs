use std::io::ErrorKind;
use std::path::Path;

use super::*;
use crate::disk::{Disk, DiskFile, LockOutcome, OpenMode};

const FILE: &str = "/d/file";

/// A disk with a file in a directory, durable and empty, and the file open.
fn disk_with_file() -> (FakeDisk, Box<dyn DiskFile>) {
    let disk = FakeDisk::new();
    disk.create_directory(Path::new("/d")).unwrap();
    let file = disk.open(Path::new(FILE), OpenMode::CreateNew).unwrap();
    disk.sync_directory(Path::new("/d")).unwrap();
    file.sync().unwrap();
    (disk, file)
}

fn content(disk: &FakeDisk) -> Vec<u8> {
    disk.content(Path::new(FILE)).unwrap()
}

#[test]
fn power_loss_takes_what_was_not_synced_and_kill_takes_nothing() {
    let (disk, file) = disk_with_file();
    file.write_at(b"synced", 0).unwrap();
    file.sync().unwrap();
    file.write_at(b" and not", 6).unwrap();
    let killed = disk.fork();
    killed.kill();
    assert_eq!(content(&killed), b"synced and not");
    killed.lose_power(Loss::Lost);
    assert_eq!(content(&killed), b"synced");
    disk.lose_power(Loss::Kept);
    assert_eq!(content(&disk), b"synced and not");
    assert_eq!(file.read_at(&mut [0], 0).unwrap_err().to_string(), "power is lost");
}

#[test]
fn a_seat_dies_alone_and_frees_its_locks() {
    let disk = FakeDisk::new();
    let other = disk.seat();
    disk.create_directory(Path::new("/d")).unwrap();
    let lock = Path::new("/d/lock");
    let held = disk.lock(lock, "process 1").unwrap();
    assert!(matches!(held, LockOutcome::Locked(_)));
    assert!(
        matches!(other.lock(lock, "process 2").unwrap(), LockOutcome::Held { holder } if holder == "process 1")
    );
    let file = other.open(Path::new(FILE), OpenMode::CreateNew).unwrap();
    disk.kill();
    let next = other.lock(lock, "process 2").unwrap();
    assert!(matches!(next, LockOutcome::Locked(_)));
    // The lock of a dead process is given up once, when it died.
    drop(held);
    assert!(matches!(disk.lock(lock, "process 3").unwrap(), LockOutcome::Held { .. }));
    file.write_at(b"alive", 0).unwrap();
    disk.lose_power(Loss::Lost);
    file.write_at(b"dead", 0).unwrap_err();
}

#[test]
fn a_failed_sync_drops_what_waited_and_the_next_one_lies() {
    let (disk, file) = disk_with_file();
    disk.inject_times(Fault::Fails(ErrorKind::Other), 1, |operation| {
        operation.is(OperationKind::Sync, "file")
    });
    file.write_at(b"gone", 0).unwrap();
    file.sync().unwrap_err();
    file.sync().unwrap();
    assert_eq!(content(&disk), b"gone");
    disk.evict();
    assert_eq!(content(&disk), [0; 4]);
    disk.lose_power(Loss::Kept);
    assert_eq!(content(&disk), [0; 4], "the length is there, the bytes never were");
}

#[test]
fn a_full_disk_takes_what_fits_and_removed_files_give_room_back_once_closed() {
    let (disk, file) = disk_with_file();
    disk.set_capacity(Some(10));
    file.write_at(&[1; 8], 0).unwrap();
    assert_eq!(file.write_at(&[2; 8], 4).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(content(&disk), [1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
    assert_eq!(file.preallocate(11).unwrap_err().kind(), ErrorKind::StorageFull);
    disk.remove(Path::new(FILE)).unwrap();
    assert_eq!(disk.left(), 0);
    drop(file);
    assert_eq!(disk.left(), 10);
    disk.lose_power(Loss::Lost);
    assert_eq!((content(&disk).len(), disk.left()), (0, 10));
}

#[test]
fn faults_hit_what_they_mean_and_so_often() {
    let (disk, file) = disk_with_file();
    disk.plant(Path::new(FILE), &[7; 100]);
    disk.fail_reads(Path::new(FILE), 50..60, 1);
    let mut buffer = [0; 100];
    file.read_at(&mut buffer[..50], 0).unwrap();
    file.read_at(&mut buffer, 0).unwrap_err();
    assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 100);
    disk.inject_times(Fault::Fails(ErrorKind::Interrupted), 2, |operation| {
        operation.kind == OperationKind::Read
    });
    disk.inject(Fault::Short { bytes: 3 }, |operation| operation.kind == OperationKind::Read);
    assert_eq!(file.read_at(&mut buffer, 0).unwrap_err().kind(), ErrorKind::Interrupted);
    file.read_exact_at(&mut buffer, 0).unwrap();
    assert_eq!((buffer, file.read_at(&mut buffer, 0).unwrap()), ([7; 100], 3));
    disk.mend();
    disk.inject(Fault::FailsAfter { bytes: 2, error: ErrorKind::Other }, |operation| {
        operation.kind == OperationKind::Write
    });
    file.write_at(b"abcd", 0).unwrap_err();
    assert_eq!(&content(&disk)[..4], b"ab\x07\x07");
}

#[test]
fn all_stops_before_an_operation_or_within_a_write() {
    let (disk, file) = disk_with_file();
    disk.stop_within(1, 2);
    file.write_at(b"ab", 0).unwrap();
    file.write_at(b"cdef", 2).unwrap_err();
    assert!(disk.is_off());
    file.len_bytes().unwrap_err();
    disk.open(Path::new(FILE), OpenMode::Read).unwrap_err();
    disk.kill();
    assert_eq!(content(&disk), b"abcd");
    disk.stop_after(0);
    disk.remove(Path::new(FILE)).unwrap_err();
    disk.kill();
    assert_eq!(content(&disk), b"abcd");
}

#[test]
fn links_renames_and_directories_are_as_on_a_real_disk() {
    let (disk, file) = disk_with_file();
    let second = Path::new("/e/second");
    let missing = disk.hard_link(Path::new(FILE), second).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    disk.create_directory(Path::new("/e")).unwrap();
    disk.hard_link(Path::new(FILE), second).unwrap();
    assert_eq!(disk.hard_link(Path::new(FILE), second).unwrap_err().kind(), ErrorKind::AlreadyExists);
    file.write_at(b"both", 0).unwrap();
    assert_eq!(disk.content(second).unwrap(), b"both");
    assert_eq!(disk.remove_directory(Path::new("/e")).unwrap_err().kind(), ErrorKind::DirectoryNotEmpty);
    let third = Path::new("/e/third");
    disk.rename(second, third).unwrap();
    disk.remove(Path::new(FILE)).unwrap();
    assert_eq!(disk.content(third).unwrap(), b"both");
    let names: Vec<_> = disk.entries(Path::new("/e")).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["third"]);
    // None of it was synced but the first name and the directories.
    disk.lose_power(Loss::Lost);
    assert_eq!(disk.files(), [Path::new(FILE)]);
    disk.remove_directory(Path::new("/e")).unwrap();
    disk.entries(Path::new("/e")).unwrap_err();
}

#[test]
fn the_unsynced_is_counted_and_a_chosen_part_of_it_kept() {
    let (disk, file) = disk_with_file();
    file.write_at(&[1; 1024], 0).unwrap();
    disk.open(Path::new("/d/other"), OpenMode::CreateNew).unwrap();
    // A length, two blocks, a name.
    assert_eq!(disk.unsynced(), 4);
    disk.lose_power_by(|unsynced| match unsynced {
        Unsynced::Block { offset_bytes: 512, .. } => Fate::Kept,
        _ => Fate::Lost,
    });
    assert_eq!(content(&disk), [[0; 512], [1; 512]].concat());
    assert_eq!(disk.files(), [Path::new(FILE)]);
}

#[test]
fn disks_that_hold_the_same_have_one_fingerprint_whatever_came_before() {
    let (disk, file) = disk_with_file();
    let (other, other_file) = disk_with_file();
    assert_eq!(disk.fingerprint(), other.fingerprint());
    file.write_at(b"ab", 0).unwrap();
    assert_ne!(disk.fingerprint(), other.fingerprint());
    other_file.write_at(b"ab", 0).unwrap();
    assert_eq!(disk.fingerprint(), other.fingerprint());
    // The same to read, and not the same after a power loss.
    file.sync().unwrap();
    assert_ne!(disk.fingerprint(), other.fingerprint());
    other_file.sync().unwrap();
    other.open(Path::new("/d/other"), OpenMode::CreateNew).unwrap();
    assert_ne!(disk.fingerprint(), other.fingerprint());
    other.lose_power(Loss::Lost);
    assert_eq!(disk.fingerprint(), other.fingerprint());
}

#[test]
fn the_same_seed_gives_the_same_trace_and_disk() {
    let live = |seed: u64| {
        let mut dice = Dice::new(seed);
        let disk = FakeDisk::new();
        disk.keep_trace();
        disk.create_directory(Path::new("/d")).unwrap();
        let file = disk.open(Path::new(FILE), OpenMode::CreateNew).unwrap();
        for _ in 0..50 {
            let mut bytes = vec![0; usize::try_from(1 + dice.below(2000)).unwrap()];
            dice.fill(&mut bytes);
            file.write_at(&bytes, dice.below(10_000)).unwrap();
            if dice.one_in(5) {
                file.sync().unwrap();
            }
        }
        disk.sync_directory(Path::new("/d")).unwrap();
        disk.lose_power(Loss::Random(seed));
        let trace: Vec<String> = disk.take_trace().iter().map(ToString::to_string).collect();
        (trace, disk.content(Path::new(FILE)))
    };
    assert_eq!(live(3), live(3));
    assert_ne!(live(3), live(4));
    assert!(live(3).0[2].starts_with("2 create /d/file"), "{:?}", live(3).0);
}
