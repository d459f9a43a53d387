use super::*;

fn header() -> SlabHeader {
    SlabHeader {
        identity: [5; 16],
        number: 3,
        salt: 11,
        predecessor: (2, 10),
        size_bytes: 1 << 20,
        created_unix_ms: 1_700_000_000_000,
    }
}

#[test]
fn a_header_reads_back() {
    let bytes = header().encode();
    assert_eq!((bytes.len(), &bytes[..8]), (4096, b"\x89dqslab\n".as_slice()));
    assert_eq!(SlabHeader::decode(&bytes), Ok(header()));
}

#[test]
fn any_flipped_bit_of_a_header_shows() {
    let bytes = header().encode();
    for bit in (0..SLAB_HEADER_BYTES * 8).step_by(13) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(SlabHeader::decode(&flipped), Err(BadSlab::Damaged(_))), "bit {bit}");
    }
    assert!(matches!(SlabHeader::decode(&bytes[..4095]), Err(BadSlab::Damaged(_))));
}

#[test]
fn names_are_numbers_of_sixteen_digits_and_nothing_else() {
    assert_eq!(slab_name(42), "0000000000000042.slab");
    assert_eq!(slab_number("0000000000000042.slab"), Some(42));
    for name in ["42.slab", "0000000000000042", "00000000000000+2.slab", "next.tmp", "000000000000004a.slab"]
    {
        assert_eq!(slab_number(name), None, "{name}");
    }
}

#[test]
fn a_checkpoints_meta_says_where_the_slab_before_ends() {
    assert_eq!(predecessor_end(&checkpoint_meta(123_456)), Some(123_456));
    assert_eq!(predecessor_end(&[0; 15]), None);
}
