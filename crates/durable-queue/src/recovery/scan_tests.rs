use super::*;
use crate::disk::{Disk, OpenMode, RealDisk};
use crate::frame::{Frame, KIND_CHECKPOINT};

const SALT: u64 = 77;

/// A slab's file of frames, each with payload and claim; and where each begins.
fn file_of(frames: &[(&[u8], u64)]) -> (tempfile::TempDir, Box<dyn DiskFile>, Vec<u64>) {
    let directory = tempfile::tempdir().unwrap();
    let file = RealDisk.open(&directory.path().join("slab"), OpenMode::CreateNew).unwrap();
    let mut bytes = vec![0; usize::try_from(FIRST_FRAME).unwrap()];
    let mut starts = Vec::new();
    for (index, (payload, claim)) in frames.iter().enumerate() {
        let frame = Frame::new(if index == 0 { KIND_CHECKPOINT } else { 16 }, false, b"meta", payload);
        let offset = wide(bytes.len());
        starts.push(offset);
        frame.put(&mut bytes, &frame.header(wide(index) + 5, *claim), SALT, offset);
    }
    starts.push(wide(bytes.len()));
    file.write_at(&bytes, 0).unwrap();
    (directory, file, starts)
}

fn scan_all(file: &dyn DiskFile) -> Scan {
    scan(file, SALT, file.len_bytes().unwrap(), false).unwrap()
}

#[test]
fn frames_larger_than_the_window_are_checked_whole() {
    let large = vec![3; 3 * READ_AHEAD_BYTES + 5];
    let (_directory, file, starts) = file_of(&[(b"c", 0), (&large, 0), (b"x", 0)]);
    let found = scan_all(&*file);
    assert_eq!(found.verdict, Verdict::Ends { at: starts[3] });
    assert_eq!((found.first.unwrap().index, found.last.unwrap().index), (5, 7));
    file.write_at(b"\x04", starts[2] - 700).unwrap();
    let reason = "the checksum of a frame's payload is wrong";
    assert_eq!(scan_all(&*file).verdict, Verdict::Cut { at: starts[1], reason });
}

#[test]
fn what_lies_beyond_a_large_hole_is_found() {
    let (_directory, file, starts) = file_of(&[(b"c", 0), (b"a", 0)]);
    file.set_len(starts[2] + (1 << 20)).unwrap();
    assert_eq!(scan_all(&*file).verdict, Verdict::Ends { at: starts[2] });
    // A frame far behind says that more was synced than can be read.
    let at = starts[2] + (1 << 19);
    let frame = Frame::new(16, false, &[], &[]);
    file.write_at(&frame.header(99, starts[2] + 8).encode(SALT, at), at).unwrap();
    let reason = "zeros are where a frame was";
    assert_eq!(scan_all(&*file).verdict, Verdict::Corrupt { at: starts[2], reason });
}

#[test]
fn a_frame_out_of_turn_or_with_an_impossible_claim_is_bad() {
    let (_directory, file, starts) = file_of(&[(b"c", 0), (b"a", 0)]);
    let frame = Frame::new(16, false, &[], &[]);
    file.write_at(&frame.header(8, 0).encode(SALT, starts[2]), starts[2]).unwrap();
    assert_eq!(
        scan_all(&*file).verdict,
        Verdict::Cut { at: starts[2], reason: "a frame isn't the one that follows" }
    );
    file.write_at(&frame.header(7, 1 << 30).encode(SALT, starts[2]), starts[2]).unwrap();
    assert_eq!(
        scan_all(&*file).verdict,
        Verdict::Cut { at: starts[2], reason: "a header's fields are out of bounds" }
    );
}

#[test]
fn a_frame_cut_off_by_the_end_of_the_file_is_bad() {
    let (_directory, file, starts) = file_of(&[(b"c", 0), (b"a", 0)]);
    for (len, reason) in [(starts[2] - 8, "a frame is cut off"), (starts[1] + 9, "a header is cut off")] {
        file.set_len(len).unwrap();
        assert_eq!(scan_all(&*file).verdict, Verdict::Cut { at: starts[1], reason });
    }
}
