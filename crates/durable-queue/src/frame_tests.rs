use super::*;

fn bytes_of(frame: &Frame<'_>, salt: u64, offset: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.put(&mut bytes, &frame.header(7, 4096), salt, offset);
    bytes
}

#[test]
fn a_frame_is_laid_out_as_the_format_says() {
    let bytes = bytes_of(&Frame::new(0x1234, true, b"abc", b"payload"), 9, 8192);
    assert_eq!(bytes.len(), 80);
    assert_eq!(bytes[8..24], [0x34, 0x12, 1, 0, 3, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[24..40], [7, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[40..48], checksum(b"abc").to_le_bytes());
    assert_eq!(bytes[48..56], checksum(b"payload").to_le_bytes());
    assert_eq!(&bytes[56..], b"\0\0\0\0\0\0\0\0abcpayload\0\0\0\0\0\0");
}

#[test]
fn the_checksum_is_crc_64_nvme() {
    // The check value of the catalogue of parametrised CRC algorithms (reveng), CRC-64/NVME.
    assert_eq!(checksum(b"123456789"), 0xae8b_1486_0a79_9888);
    let mut pieces = Checksum::new();
    pieces.update(b"1234");
    pieces.update(b"56789");
    assert_eq!(pieces.value(), checksum(b"123456789"));
}

#[test]
fn a_header_reads_back_only_with_its_salt_and_in_its_place() {
    let frame = Frame::new(16, false, b"m", b"p");
    let bytes = bytes_of(&frame, 9, 8192);
    assert_eq!(Header::decode(&bytes, 9, 8192), Some(frame.header(7, 4096)));
    assert_eq!(Header::decode(&bytes, 8, 8192), None);
    assert_eq!(Header::decode(&bytes, 9, 8200), None);
    assert_eq!(Header::decode(&bytes[..63], 9, 8192), None);
}

#[test]
fn any_flipped_bit_of_a_header_shows() {
    let bytes = bytes_of(&Frame::new(16, false, b"m", b"p"), 9, 8192);
    for bit in 0..FRAME_HEADER_BYTES * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Header::decode(&flipped, 9, 8192), None, "bit {bit}");
    }
}

#[test]
fn zeros_are_no_header() {
    assert_eq!(Header::decode(&[0; FRAME_HEADER_BYTES], 0, 0), None);
}

#[test]
fn lengths_over_the_limits_are_known_as_such() {
    let mut header = Frame::new(16, false, b"", b"").header(0, 0);
    assert!(header.is_within_limits());
    header.meta_len = u32::try_from(META_BYTES_MAX).unwrap() + 1;
    assert!(!header.is_within_limits());
    header.meta_len = 0;
    header.payload_len = u32::MAX;
    assert!(!header.is_within_limits());
    assert!(header.frame_len() > u64::from(u32::MAX));
}
