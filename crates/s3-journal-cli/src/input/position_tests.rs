use super::*;

const KNOWN: Position = Position {
    file: FileId { device: 0x0102_0304, inode: 77 },
    offset_bytes: 100,
    entries: 9,
    fingerprint: Fingerprint { len_bytes: 1024, crc64: 0xdead_beef_0bad_cafe },
};

#[test]
fn a_position_survives_its_bytes() {
    let bytes = KNOWN.encode();
    assert_eq!(Position::decode(&bytes), Some(KNOWN));
    assert_eq!(Position::decode(&bytes[..bytes.len() - 1]), None);
    assert_eq!(Position::decode(&[&bytes[..], &[0]].concat()), None);
    assert_eq!(Position::decode(b""), None);
    let mut other = bytes;
    other[0] = 2;
    assert_eq!(Position::decode(&other), None, "a later version isn't guessed at");
}

#[test]
fn a_file_goes_on_where_it_was_left_only_if_it_is_the_same() {
    let other = Fingerprint { crc64: 1, ..KNOWN.fingerprint };
    let resume = Start::Resume { offset_bytes: 100, entries: 9 };
    assert_eq!(Start::of(KNOWN, 100, KNOWN.fingerprint), resume);
    assert_eq!(Start::of(KNOWN, 5000, KNOWN.fingerprint), resume);
    assert_eq!(Start::of(KNOWN, 5000, other), Start::Replaced);
    assert_eq!(Start::of(KNOWN, 99, KNOWN.fingerprint), Start::Truncated { offset_bytes: 100 });
    assert_eq!(Start::of(KNOWN, 0, other), Start::Truncated { offset_bytes: 100 });
}

#[test]
fn files_have_numbers_of_their_own() {
    let mut numbers = std::collections::HashSet::new();
    for device in 0..50 {
        for inode in 0..200 {
            assert!(numbers.insert(FileId { device, inode }.source()));
        }
    }
}
