//! Text from a bucket made harmless for a terminal. Knows nothing of buckets.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with every character that could act on a terminal or hide in it written as `\u{..}`: control characters, line
/// and paragraph separators, marks of writing direction and characters of no width.
///
/// ```
/// use s3_journal::read::escaped;
/// assert_eq!(escaped("a/b"), "a/b");
/// assert_eq!(escaped("a\u{1b}[2J"), "a\\u{1b}[2J");
/// ```
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if acts(character) {
            // Writing to a String can't fail.
            let _ = write!(safe, "{}", character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_acts_on_a_terminal_is_written_out_and_the_rest_is_left_alone() {
        for (text, safe) in [
            ("2026/11/22/web-1.journal.gz", "2026/11/22/web-1.journal.gz"),
            ("größe/日本", "größe/日本"),
            ("\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}"),
            ("a\nb\r\0\u{7f}\u{9b}", "a\\u{a}b\\u{d}\\u{0}\\u{7f}\\u{9b}"),
            ("x\u{202e}gpj.exe", "x\\u{202e}gpj.exe"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
        ] {
            assert_eq!(escaped(text), safe);
        }
    }
}
