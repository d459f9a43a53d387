use super::*;

#[test]
fn a_whole_slab_is_tried_first_then_halves() {
    let sizes: Vec<u64> = normal(64 << 20, 4096).map(|size| size >> 20).collect();
    assert_eq!(sizes, [64, 32, 16, 8, 4, 2, 1]);
    assert_eq!(normal(16 << 10, 4096).collect::<Vec<_>>(), [16 << 10]);
    assert_eq!(smallest(64 << 20, 4096).map(|size| size >> 10).collect::<Vec<_>>(), [1024, 512, 256, 128]);
}

#[test]
fn none_is_smaller_than_what_waits_needs() {
    assert_eq!(normal(64 << 20, (20 << 20) + 1).collect::<Vec<_>>(), [64 << 20, 32 << 20, (20 << 20) + 4096]);
    assert_eq!(normal(64 << 20, 100 << 20).collect::<Vec<_>>(), [100 << 20]);
    assert_eq!(smallest(64 << 20, 3 << 20).collect::<Vec<_>>(), [3 << 20]);
}

#[test]
fn a_budget_says_what_is_in_the_way() {
    let space = Some(Space { total_bytes: 1000, available_bytes: 100 });
    let budget = Budget { used_bytes: 50, bytes_max: Some(140), space, kept_bytes: 20 };
    assert_eq!(budget.refusal(80), None);
    assert_eq!(budget.refusal(81), Some(FullReason::FreeSpaceKept));
    assert_eq!(budget.refusal(91), Some(FullReason::Limit));
    let unlimited = Budget { bytes_max: None, ..budget };
    assert_eq!(unlimited.refusal(101), Some(FullReason::Disk));
    assert_eq!(Budget { space: None, ..unlimited }.refusal(u64::MAX), None);
}
