use std::io::Cursor;

use super::*;

#[test]
fn the_checksum_is_the_published_one() {
    // The check value of CRC-64/XZ in the catalogue of parametrised CRC algorithms.
    assert_eq!(crc64(b"123456789"), 0x995d_c9bb_df19_39fa);
}

#[test]
fn a_fingerprint_covers_the_beginning_only() {
    let mut file = vec![b'a'; 5000];
    let whole = Fingerprint::of(&mut Cursor::new(&file), FINGERPRINT_BYTES_MAX).unwrap();
    assert_eq!(whole.len_bytes, 1024);
    file[1024] = b'b';
    assert_eq!(Fingerprint::of(&mut Cursor::new(&file), FINGERPRINT_BYTES_MAX).unwrap(), whole);
    file[1023] = b'b';
    assert_ne!(Fingerprint::of(&mut Cursor::new(&file), FINGERPRINT_BYTES_MAX).unwrap(), whole);
}

#[test]
fn a_file_that_has_grown_still_fits_its_old_fingerprint() {
    let old = Fingerprint::of(&mut Cursor::new(b"first\n"), FINGERPRINT_BYTES_MAX).unwrap();
    assert_eq!(old.len_bytes, 6);
    assert_eq!(Fingerprint::of(&mut Cursor::new(b"first\nsecond\n"), old.len_bytes).unwrap(), old);
}
