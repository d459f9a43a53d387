use super::*;
use crate::disk::{Disk, OpenMode, RealDisk};
use crate::frame::Header;

fn slab_of(number: u64, size_bytes: u64) -> Arc<SlabFile> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("slab");
    let file = RealDisk.open(&path, OpenMode::CreateNew).unwrap();
    Arc::new(SlabFile { number, salt: number * 100, size_bytes, is_preallocated: true, path, file })
}

fn state(size_bytes: u64) -> State {
    let slab = slab_of(1, size_bytes);
    let slabs = VecDeque::from([SlabEntry { number: 1, salt: 7, end: None, bytes_on_disk: size_bytes }]);
    State::new(Beginning {
        control_reserve_bytes: 1024,
        pending_bytes_max: 4096,
        slab,
        end: 4200,
        next_index: 1,
        note: 0,
        slabs,
        removed_end: Position::ZERO,
    })
}

fn append(state: &mut State, len: usize, class: Class) -> Result<Appended, AppendError> {
    let payload = vec![1; len];
    state.append(&Frame::new(16, false, &[], &payload), class, &mut |checkpoint| checkpoint.push(9))
}

#[test]
fn frames_are_dense_and_say_what_is_durable() {
    let mut state = state(1 << 20);
    let first = append(&mut state, 10, Class::Data).unwrap();
    assert_eq!(first.position, Position::new(1, 4200));
    assert_eq!((first.payload.offset_bytes, first.end.offset_bytes), (4264, 4280));
    state.durable = first.end;
    append(&mut state, 0, Class::Data).unwrap();
    let bytes = &state.pending.bytes;
    let header = |at: usize| Header::decode(&bytes[at..], 100, 4200 + wide(at)).unwrap();
    assert_eq!((header(0).index, header(0).durable_through), (1, 4200));
    assert_eq!((header(80).index, header(80).durable_through), (2, 4280));
    assert_eq!((state.pending.runs.len(), state.pending.runs[0].len), (1, bytes.len()));
}

#[test]
fn the_reserve_is_for_control_frames_and_the_very_end_for_closing() {
    let mut state = state(4200 + 2200);
    append(&mut state, 900, Class::Data).unwrap();
    assert!(matches!(append(&mut state, 900, Class::Data), Err(AppendError::Busy)));
    append(&mut state, 900, Class::Control).unwrap();
    let left = state.slab.size_bytes - state.offset;
    assert!(matches!(append(&mut state, narrow(left) - 64, Class::Control), Err(AppendError::Busy)));
    assert!(left >= 64);
    state.push_closed();
    assert!(state.offset <= state.slab.size_bytes);
}

#[test]
fn a_new_slab_begins_with_a_checkpoint_that_says_where_the_old_one_ends() {
    let mut state = state(4200 + 2200);
    append(&mut state, 900, Class::Data).unwrap();
    let end = state.offset;
    state.prepared = Some(slab_of(2, 1 << 20));
    let appended = append(&mut state, 900, Class::Data).unwrap();
    assert_eq!(appended.position.slab, 2);
    let run = &state.pending.runs[1];
    assert_eq!((run.offset, run.begins_after.as_ref().unwrap().1), (FIRST_FRAME, end));
    let checkpoint = Header::decode(&state.pending.bytes[run.start..], 200, FIRST_FRAME).unwrap();
    assert_eq!((checkpoint.kind, checkpoint.index, checkpoint.durable_through), (KIND_CHECKPOINT, 2, 0));
    assert_eq!(
        state.pending.bytes[run.start + 64..run.start + 81],
        [&checkpoint_meta(end)[..], &[9]].concat()
    );
    assert!(state.is_rotating && state.prepared.is_none());
}

#[test]
fn a_prepared_slab_that_is_too_small_is_made_anew() {
    let mut state = state(4200 + 2200);
    state.prepared = Some(slab_of(2, 6000));
    let refused = append(&mut state, 3000, Class::Data);
    assert!(matches!(refused, Err(AppendError::Busy)));
    assert!(state.prepared.is_none() && state.needed_bytes > 8000);
    assert!(!state.has_room());
    state.prepared = Some(slab_of(2, state.needed_bytes));
    assert!(state.has_room());
    append(&mut state, 3000, Class::Data).unwrap();
}

#[test]
fn pending_bytes_are_bounded_but_a_single_frame_is_not() {
    let mut state = state(1 << 20);
    append(&mut state, 10_000, Class::Data).unwrap();
    assert!(matches!(append(&mut state, 1, Class::Data), Err(AppendError::Busy)));
    assert!(!state.has_room());
    state.in_hand_bytes = state.pending.bytes.len();
    state.pending.clear(0);
    assert!(!state.has_room(), "what the writer has in hand counts");
    state.in_hand_bytes = 0;
    assert!(state.has_room());
}

#[test]
fn a_watermark_is_lacking_only_until_it_is_written() {
    let mut state = state(1 << 20);
    assert!(!state.lacks_watermark());
    append(&mut state, 10, Class::Data).unwrap();
    assert!(!state.lacks_watermark());
    state.pending.clear(0);
    assert!(!state.lacks_watermark());
    state.durable = state.appended;
    assert!(state.lacks_watermark());
    state.push_watermark();
    state.pending.clear(0);
    assert!(!state.lacks_watermark());
    assert_eq!(state.durable, state.appended);
}
