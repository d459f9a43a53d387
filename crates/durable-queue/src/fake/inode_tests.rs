use super::*;

fn inode() -> Inode {
    Inode::new(Arc::from(Path::new("/file")))
}

/// What is on the medium if each decision goes as listed.
fn after(inode: &Inode, fates: &[Fate]) -> Vec<u8> {
    let (mut inode, mut fates) = (inode.clone(), fates.iter());
    inode.lose_power(512, &mut |_| *fates.next().unwrap());
    assert!(fates.next().is_none());
    inode.live.to_vec()
}

#[test]
fn each_block_of_a_write_goes_its_own_way() {
    let mut inode = inode();
    inode.extend(1024);
    inode.sync();
    inode.write(500, &[1; 100]);
    let mut expected = vec![0; 1024];
    assert_eq!(after(&inode, &[Fate::Lost, Fate::Lost]), expected);
    expected[500..512].fill(1);
    assert_eq!(after(&inode, &[Fate::Kept, Fate::Lost]), expected);
    expected[512..520].fill(1);
    assert_eq!(after(&inode, &[Fate::Kept, Fate::Torn { bytes: 8 }]), expected);
    expected[512..600].fill(1);
    assert_eq!(after(&inode, &[Fate::Kept, Fate::Kept]), expected);
}

#[test]
fn the_length_of_a_file_that_grew_goes_its_own_way_too() {
    let mut inode = inode();
    inode.write(0, b"entry");
    assert_eq!(after(&inode, &[Fate::Kept, Fate::Lost]), [0; 5]);
    assert_eq!(after(&inode, &[Fate::Lost, Fate::Kept]), b"entry");
    assert_eq!(after(&inode, &[Fate::Lost, Fate::Lost]), b"");
    inode.sync();
    inode.set_len(2);
    assert_eq!(after(&inode, &[Fate::Lost]), b"entry");
    assert_eq!(after(&inode, &[Fate::Kept]), b"en");
}

#[test]
fn zeros_and_garbage_stay_within_what_was_written() {
    let mut inode = inode();
    inode.write(0, &[1; 600]);
    inode.sync();
    inode.write(100, &[2; 100]);
    let mut expected = vec![1; 600];
    expected[100..200].fill(0);
    assert_eq!(after(&inode, &[Fate::Zeroed]), expected);
    let garbled = after(&inode, &[Fate::Garbled { seed: 1 }]);
    assert_eq!((&garbled[..100], &garbled[200..]), (&[1; 100][..], &[1; 400][..]));
    assert_ne!(garbled[100..200], [2; 100]);
}

#[test]
fn what_a_failed_sync_dropped_shows_once_it_is_evicted_and_no_later_sync_brings_it_back() {
    let mut inode = inode();
    inode.write(0, &[1; 9000]);
    inode.sync();
    inode.write(0, b"dropped");
    inode.fail_sync(512, &mut |_| Fate::Lost);
    assert_eq!(&inode.live.to_vec()[..7], b"dropped");
    inode.write(5000, b"waits");
    inode.sync();
    inode.write(6000, b"waits still");
    inode.evict(0..u64::MAX);
    let shown = inode.live.to_vec();
    assert_eq!(
        (&shown[..7], &shown[5000..5005], &shown[6000..6011]),
        (&[1; 7][..], &b"waits"[..], &b"waits still"[..])
    );
}
