//! That the text is what it is said to be.

use super::{Text, cut};

#[test]
fn lines_are_about_as_long_as_asked_and_end_between_words() {
    assert_eq!(cut("one two three", 8), ("one two", "three"));
    assert_eq!(cut("one two", 8), ("one two", ""));
    // A word longer than half a line is cut, at a character.
    assert_eq!(cut("a äöüäöü b", 5), ("a äö", "üäöü b"));
}

#[test]
fn a_text_is_cut_without_loss_and_repeats() {
    let text = Text::gather(64 << 10);
    assert!(text.len_bytes() <= 64 << 10);
    for about_bytes in [20, 100, 1024] {
        let lines = text.lines(about_bytes);
        assert_eq!(lines.bytes().split(|byte| *byte == b'\n').count(), lines.count() + 1);
        assert!(lines.mean_bytes() <= about_bytes as f64 + 3.0, "a character may go over the end");
        let letters = |bytes: &[u8]| bytes.iter().filter(|byte| !byte.is_ascii_whitespace()).count();
        assert_eq!(letters(lines.bytes()), letters(text.text.as_bytes()));
        let twice: Vec<&[u8]> = lines.forever(1).take(2 * lines.count()).collect();
        assert_eq!(twice[..lines.count()], twice[lines.count()..]);
        assert_eq!(twice[lines.count() - 1], lines.line(0));
    }
}

#[test]
fn the_same_machine_gives_the_same_text() {
    assert_eq!(Text::gather(64 << 10).fingerprint(), Text::gather(64 << 10).fingerprint());
}
