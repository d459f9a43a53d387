use super::*;

/// Feeds `bytes` in pieces of that size; returns what was in the cut, the entries, those in the cut and what was left open.
fn cut(bytes: &[u8], delimiter: &[u8], piece: usize, cut: Cut) -> (Vec<u8>, u64, u64, u64) {
    let mut cutter = Cutter::new(delimiter, cut, 1_000);
    let mut wanted = Vec::new();
    for bytes in bytes.chunks(piece) {
        let range = cutter.take(bytes).unwrap();
        wanted.extend_from_slice(&bytes[range]);
    }
    (wanted, cutter.entries(), cutter.entries_in_cut(), cutter.open_bytes())
}

#[test]
fn every_range_is_cut_at_entries_however_the_bytes_come() {
    for delimiter in [&b"\n"[..], b"\r\n", b"aa", b"abab", b"--=--"] {
        let entries: Vec<Vec<u8>> =
            (0..9_usize).map(|n| [&vec![b'a'; n % 2], &vec![b'x'; n * 3 % 7][..]].concat()).collect();
        // Only entries that a journal takes: the delimiter's first occurrence is at their end.
        let entries: Vec<Vec<u8>> = entries
            .into_iter()
            .map(|entry| [&entry, delimiter].concat())
            .filter(|entry| memchr::memmem::find(entry, delimiter) == Some(entry.len() - delimiter.len()))
            .collect();
        assert!(entries.len() > 4, "{delimiter:?}");
        let whole = entries.concat();
        let all = u64::try_from(entries.len()).unwrap();
        for piece in 1..=whole.len() {
            for skip in 0..=entries.len() {
                for end in skip..=entries.len() {
                    let range = Cut { skip: skip as u64, end: Some(end as u64) };
                    let expected = entries[skip..end].concat();
                    let (wanted, found, in_cut, open) = cut(&whole, delimiter, piece, range);
                    assert_eq!(wanted, expected, "{delimiter:?} {piece} {skip}..{end}");
                    assert_eq!((found, in_cut, open), (all, (end - skip) as u64, 0));
                }
            }
            let (wanted, found, in_cut, _) = cut(&whole, delimiter, piece, Cut::WHOLE);
            assert_eq!((wanted, found, in_cut), (whole.clone(), all, all));
        }
    }
}

#[test]
fn what_no_delimiter_follows_is_left_open() {
    for piece in 1..12 {
        assert_eq!(cut(b"one\r\ntwo\r", b"\r\n", piece, Cut::WHOLE), (b"one\r\ntwo\r".to_vec(), 1, 1, 4));
        assert_eq!(cut(b"", b"\n", piece, Cut::WHOLE), (vec![], 0, 0, 0));
        assert_eq!(cut(b"\n\n", b"\n", piece, Cut::WHOLE), (b"\n\n".to_vec(), 2, 2, 0));
    }
}

#[test]
fn without_a_delimiter_nothing_is_counted_or_open() {
    assert_eq!(cut(b"some bytes", b"", 3, Cut::WHOLE), (b"some bytes".to_vec(), 0, 0, 0));
}

#[test]
fn an_entry_may_be_as_long_as_the_limit_and_no_longer() {
    for delimiter in [&b"\n"[..], b"\r\n"] {
        for piece in [1, 3, 7, 100] {
            for (len, fits) in [(10, true), (11, false)] {
                let entry = [&vec![b'x'; len - delimiter.len()], delimiter].concat();
                let bytes = [&b"a"[..], delimiter, &entry].concat();
                let mut cutter = Cutter::new(delimiter, Cut::WHOLE, 10);
                let taken = bytes.chunks(piece).try_for_each(|bytes| cutter.take(bytes).map(drop));
                assert_eq!(taken.is_ok(), fits, "{delimiter:?} {piece} {len}");
            }
        }
    }
    let mut cutter = Cutter::new(b"\n", Cut::WHOLE, 10);
    assert_eq!(cutter.take(&[0; 11]), Err(TooLong), "no delimiter at all");
}
