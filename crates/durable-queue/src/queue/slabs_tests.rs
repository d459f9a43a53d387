use super::*;

/// Slabs 1, 2, ... of 1000 bytes, with so many live bytes each.
fn slabs(live: &[u32]) -> Slabs {
    let mut slabs = Slabs::default();
    for (slab, bytes) in (1..).zip(live) {
        slabs.reaches(slab, 1000);
        if *bytes > 0 {
            slabs.add(slab, *bytes);
        }
    }
    slabs
}

#[test]
fn only_a_prefix_is_released_and_never_the_slab_being_written() {
    let mut slabs = slabs(&[0, 0, 10, 0, 0]);
    assert_eq!(slabs.release(5), 3);
    assert_eq!(slabs.release(5), 3);
    slabs.remove(3, 10);
    assert_eq!(slabs.release(5), 5);
    assert_eq!(slabs.len(), 1);
    assert_eq!(slabs.release(6), 6);
    assert_eq!(Slabs::default().release(9), 9);
}

#[test]
fn one_old_task_in_three_dead_slabs_is_worth_moving() {
    assert_eq!(slabs(&[10, 0, 0, 1000]).to_empty(4, false), Some(1));
    assert_eq!(slabs(&[10, 0, 1000]).to_empty(3, false), None, "two slabs aren't enough");
    assert_eq!(slabs(&[10, 0, 1000]).to_empty(3, true), Some(1), "unless room is wanted");
}

#[test]
fn a_queue_worked_through_in_order_is_left_alone() {
    assert_eq!(slabs(&[10, 1000, 1000, 1000, 500]).to_empty(5, false), None);
    assert_eq!(slabs(&[1000, 1000, 1000, 500]).to_empty(4, true), None);
}

#[test]
fn a_full_oldest_slab_is_emptied_when_enough_after_it_is_dead() {
    assert_eq!(slabs(&[900, 0, 0, 0, 0]).to_empty(5, false), Some(1), "900 of 4000");
    assert_eq!(slabs(&[900, 0, 0, 0]).to_empty(4, false), None, "900 of 3000 are over a quarter");
    assert_eq!(slabs(&[900, 900, 0, 0, 0, 0, 0, 0, 0]).to_empty(9, false), Some(1));
}

#[test]
fn what_cannot_be_read_cannot_be_moved() {
    let mut slabs = slabs(&[10, 0, 0, 0]);
    slabs.unreadable(1);
    assert_eq!(slabs.to_empty(4, true), None);
    slabs.no_longer_unreadable(1);
    assert_eq!(slabs.to_empty(4, true), Some(1));
}
