use super::*;

#[test]
fn a_directory_is_locked_once_and_names_its_holder() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lock");
    let held = RealDisk.lock(&path, "process 1 on here").unwrap();
    assert!(matches!(held, LockOutcome::Locked(_)));
    let refused = RealDisk.lock(&path, "process 2 on here").unwrap();
    assert!(matches!(refused, LockOutcome::Held { holder } if holder == "process 1 on here"));
    drop(held);
    assert!(matches!(RealDisk.lock(&path, "x").unwrap(), LockOutcome::Locked(_)));
}

#[test]
fn new_files_and_directories_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("a/b");
    RealDisk.create_directory(&deep).unwrap();
    assert_eq!(deep.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let path = deep.join("file");
    RealDisk.open(&path, OpenMode::CreateNew).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let again = RealDisk.open(&path, OpenMode::CreateNew).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn symbolic_links_are_neither_followed_nor_listed() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("target");
    RealDisk.open(&target, OpenMode::CreateNew).unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    RealDisk.open(&link, OpenMode::Read).unwrap_err();
    let names: Vec<_> = RealDisk.entries(directory.path()).unwrap().into_iter().map(|e| e.name).collect();
    assert_eq!(names, ["target"]);
}

#[test]
fn a_file_reads_back_what_was_written_at_each_offset() {
    let directory = tempfile::tempdir().unwrap();
    let file = RealDisk.open(&directory.path().join("file"), OpenMode::CreateNew).unwrap();
    file.preallocate(1 << 16).unwrap();
    file.write_at(b"entry", 4096).unwrap();
    file.sync().unwrap();
    let mut read = [0; 5];
    file.read_exact_at(&mut read, 4096).unwrap();
    assert_eq!(&read, b"entry");
    assert_eq!(file.len_bytes().unwrap(), 1 << 16);
    let past = file.read_exact_at(&mut read, (1 << 16) - 1).unwrap_err();
    assert_eq!(past.kind(), io::ErrorKind::UnexpectedEof);
}
