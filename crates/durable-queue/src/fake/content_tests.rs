use super::*;

#[test]
fn what_is_written_is_read_and_holes_are_zeros() {
    let mut content = Content::default();
    content.write(4090, b"across the edge of a page");
    content.write(20_000, b"far");
    let mut expected = vec![0; 20_003];
    expected[4090..4115].copy_from_slice(b"across the edge of a page");
    expected[20_000..].copy_from_slice(b"far");
    assert_eq!(content.to_vec(), expected);
    let mut buffer = [9; 8];
    assert_eq!(content.read(19_999, &mut buffer), 4);
    assert_eq!(&buffer[..4], b"\0far");
    assert_eq!(content.read(20_003, &mut buffer), 0);
    assert_eq!(content.read(u64::MAX, &mut buffer), 0);
}

#[test]
fn what_was_cut_off_is_zeros_when_the_file_grows_again() {
    for cut in [0, 1, 4095, 4096, 4097, 8191] {
        let mut content = Content::of(&[7; 9000]);
        content.set_len(cut);
        content.set_len(9000);
        let expected: Vec<u8> = (0..9000).map(|at| if at < cut { 7 } else { 0 }).collect();
        assert_eq!(content.to_vec(), expected, "cut at {cut}");
    }
}

#[test]
fn a_clone_keeps_what_it_had() {
    let mut content = Content::of(&[1; 5000]);
    let before = content.clone();
    content.write(10, &[2; 10]);
    content.set_len(100);
    assert_eq!(before.to_vec(), vec![1; 5000]);
}

#[test]
fn pages_are_taken_over_but_for_those_kept_and_the_length_stays() {
    let mut content = Content::of(&[1; 3 * 4096]);
    content.take_pages(&Content::of(&vec![2; 4 * 4096 + 5]), 0..u64::MAX, |page| page == 1);
    let expected = [vec![2; 4096], vec![1; 4096], vec![2; 4096]].concat();
    assert_eq!(content.to_vec(), expected);
    content.take_pages(&Content::of(&[3; 10]), 0..u64::MAX, |_| false);
    let mut expected = vec![0; 3 * 4096];
    expected[..10].fill(3);
    assert_eq!(content.to_vec(), expected);
}
