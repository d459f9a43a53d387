use super::*;

fn rule_with_frames(ends: &[u64], claim: u64) -> TailRule {
    let mut rule = TailRule::new();
    for end in ends {
        rule.good(*end, 0);
    }
    rule.claim(claim);
    rule
}

#[test]
fn a_slab_without_anything_bad_ends_after_its_last_frame() {
    let rule = rule_with_frames(&[4200, 4300], 4200);
    assert_eq!(rule.verdict(4300, false), Verdict::Ends { at: 4300 });
    assert_eq!(rule.verdict(4300, true), Verdict::Ends { at: 4300 });
    assert_eq!(TailRule::new().verdict(4096, false), Verdict::Ends { at: FIRST_FRAME });
}

#[test]
fn zeros_are_the_end_unless_something_beyond_them_was_synced() {
    let mut rule = rule_with_frames(&[4200], 0);
    rule.bad(4200, "zeros");
    assert_eq!(rule.verdict(9000, false), Verdict::Ends { at: 4200 });
    rule.claim(4200);
    assert_eq!(rule.verdict(9000, false), Verdict::Ends { at: 4200 });
    rule.claim(4208);
    assert_eq!(rule.verdict(9000, false), Verdict::Corrupt { at: 4200, reason: "zeros" });
}

#[test]
fn bytes_after_a_bad_frame_are_cut_unless_something_beyond_it_was_synced() {
    let mut rule = rule_with_frames(&[4200], 4200);
    rule.bad(4200, "torn");
    rule.bad(5000, "later");
    rule.bytes_after();
    rule.good(5100, 4100);
    assert_eq!(rule.verdict(9000, false), Verdict::Cut { at: 4200, reason: "torn" });
    rule.claim(4300);
    assert_eq!(rule.verdict(9000, false), Verdict::Corrupt { at: 4200, reason: "torn" });
}

#[test]
fn a_slab_that_was_synced_whole_must_be_good_to_its_last_byte() {
    let mut rule = rule_with_frames(&[4200], 0);
    rule.bad(4200, "zeros");
    assert_eq!(rule.verdict(4208, true), Verdict::Corrupt { at: 4200, reason: "zeros" });
}
