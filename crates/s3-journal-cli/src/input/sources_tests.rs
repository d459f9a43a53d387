use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;

use super::*;

fn tracked(path: &Path, from_start: bool, known: &HashMap<u64, Vec<u8>>) -> Tracked {
    let input = Input::File(path.to_owned());
    match Source::open(&input, from_start, |source| known.get(&source).cloned()).unwrap() {
        Source::File(tracked) => tracked,
        Source::Stream(_) => unreachable!("it is a regular file"),
    }
}

fn file_with(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

#[test]
fn no_argument_and_a_hyphen_are_standard_input() {
    assert_eq!(Input::of_arguments(&[]), [Input::Standard]);
    let arguments = ["a", "-"].map(PathBuf::from);
    assert_eq!(Input::of_arguments(&arguments), [Input::File("a".into()), Input::Standard]);
}

#[test]
fn a_directory_and_a_missing_file_are_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let directory_input = Input::File(directory.path().to_owned());
    assert_eq!(directory_input.check().unwrap_err().exit, Exit::Usage);
    let missing = Input::File(directory.path().join("missing"));
    assert_eq!(missing.check().unwrap_err().exit, Exit::LocalIo);
    assert_eq!(Input::Standard.check(), Ok(()));
}

#[test]
fn a_file_goes_on_after_what_is_known_of_it() {
    let mut file = file_with(b"one\ntwo\n");
    let fresh = tracked(file.path(), false, &HashMap::new());
    assert_eq!(fresh.start, Start::New);
    assert_eq!(fresh.position.fingerprint.len_bytes, 8);

    let known = Position { offset_bytes: 4, entries: 1, ..fresh.position };
    let mut journal = HashMap::from([(fresh.source, known.encode().to_vec())]);
    file.write_all(b"three\n").unwrap();
    let mut again = tracked(file.path(), false, &journal);
    assert_eq!(again.start, Start::Resume { offset_bytes: 4, entries: 1 });
    assert_eq!(again.source, fresh.source);
    assert_eq!(again.position.entries, 1);
    assert_eq!(again.position.fingerprint.len_bytes, 14, "the fingerprint grows with the file");
    let mut rest = String::new();
    again.file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "two\nthree\n");

    let overridden = tracked(file.path(), true, &journal);
    assert_eq!((overridden.start, overridden.position.offset_bytes), (Start::New, 0));

    journal.insert(fresh.source, Position { offset_bytes: 99, ..known }.encode().to_vec());
    let truncated = tracked(file.path(), false, &journal);
    assert_eq!(
        (truncated.start, truncated.position.offset_bytes),
        (Start::Truncated { offset_bytes: 99 }, 0)
    );

    let other = Fingerprint { crc64: 1, ..known.fingerprint };
    journal.insert(fresh.source, Position { fingerprint: other, ..known }.encode().to_vec());
    let replaced = tracked(file.path(), false, &journal);
    assert_eq!((replaced.start, replaced.position.entries), (Start::Replaced, 0));
}

#[test]
fn a_number_that_another_source_has_is_left_to_it() {
    let id = FileId { device: 1, inode: 2 };
    let known = RefCell::new(HashMap::from([(id.source(), b"another program's".to_vec())]));
    let look = |source| known.borrow().get(&source).cloned();
    let (source, position) = find_source(id, look);
    assert_eq!((source, position), (id.source().wrapping_add(1), None));
    let own = Position {
        file: id,
        offset_bytes: 3,
        entries: 1,
        fingerprint: Fingerprint { len_bytes: 3, crc64: 0 },
    };
    known.borrow_mut().insert(source, own.encode().to_vec());
    assert_eq!(find_source(id, look), (source, Some(own)));
}
