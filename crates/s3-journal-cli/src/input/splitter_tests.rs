use super::*;

/// Feeds `input` in pieces of `piece` bytes and collects the entries.
fn split(input: &[u8], delimiter: &[u8], max: usize, piece: usize) -> Result<Vec<Vec<u8>>, (usize, TooLong)> {
    let mut splitter = Splitter::new(delimiter, max);
    let mut entries = Vec::new();
    for chunk in input.chunks(piece) {
        let mut chunk = chunk;
        while !chunk.is_empty() {
            let room = splitter.room();
            assert!(!room.is_empty());
            let len = room.len().min(chunk.len());
            room[..len].copy_from_slice(&chunk[..len]);
            splitter.filled(len);
            chunk = &chunk[len..];
            loop {
                match splitter.next_entry() {
                    Ok(Some(entry)) => entries.push(entry.to_vec()),
                    Ok(None) => break,
                    Err(error) => return Err((entries.len(), error)),
                }
            }
        }
    }
    match splitter.rest() {
        Ok(rest) => entries.extend(rest.map(<[u8]>::to_vec)),
        Err(error) => return Err((entries.len(), error)),
    }
    Ok(entries)
}

/// The same by the simplest means.
fn model(input: &[u8], delimiter: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    let mut rest = input;
    while let Some(at) = rest.windows(delimiter.len()).position(|window| window == delimiter) {
        entries.push(rest[..at].to_vec());
        rest = &rest[at + delimiter.len()..];
    }
    if !rest.is_empty() {
        entries.push(rest.to_vec());
    }
    entries
}

#[test]
fn every_way_of_reading_gives_the_same_entries() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\n",
        b"a",
        b"a\nb\n",
        b"a\n\n\nb",
        b"\r\na\rb\n\r\n\r\r\n",
        b"aaaaa\naa",
        b"abababacabab\0\0",
    ];
    for input in inputs {
        for delimiter in [&b"\n"[..], b"\r\n", b"aa", b"ab", b"aba", b"\0"] {
            for piece in 1..=5 {
                assert_eq!(
                    split(input, delimiter, 100, piece),
                    Ok(model(input, delimiter)),
                    "{input:?} by {delimiter:?} in pieces of {piece}"
                );
            }
        }
    }
}

#[test]
fn an_entry_at_the_limit_is_taken_and_one_over_it_is_refused() {
    for delimiter in [&b"\n"[..], b"\r\n", b"--"] {
        for piece in [1, 3, 1000] {
            for ended in [true, false] {
                let mut input = b"first".to_vec();
                input.extend_from_slice(delimiter);
                input.extend_from_slice(&[b'x'; 10]);
                let over = [&input[..], b"x"].concat();
                let end = if ended { delimiter } else { b"" };
                let right = split(&[&input, end].concat(), delimiter, 10, piece).unwrap();
                assert_eq!(right, [&b"first"[..], b"xxxxxxxxxx"]);
                let wrong = split(&[&over, end].concat(), delimiter, 10, piece);
                assert_eq!(wrong, Err((1, TooLong { max_bytes: 10 })), "{delimiter:?} {piece} {ended}");
            }
        }
    }
}

#[test]
fn an_endless_entry_is_refused_before_it_fills_the_memory() {
    let mut splitter = Splitter::new(b"\n", 1 << 20);
    loop {
        let room = splitter.room();
        room.fill(b'x');
        let len = room.len();
        splitter.filled(len);
        match splitter.next_entry() {
            Ok(None) => assert!(splitter.pending_bytes() <= 1 << 20),
            Ok(Some(_)) => unreachable!("there is no delimiter"),
            Err(error) => break assert_eq!(error.max_bytes, 1 << 20),
        }
    }
    assert!(splitter.buffer.len() <= 4 << 20, "{}", splitter.buffer.len());
}

#[test]
fn entries_longer_than_the_buffer_come_whole() {
    let mut input = vec![b'a'; READ_BYTES * 3 + 17];
    input.push(b'\n');
    input.extend_from_slice(b"b");
    let entries = split(&input, b"\n", 16 << 20, 65_536).unwrap();
    assert_eq!(entries.iter().map(Vec::len).collect::<Vec<_>>(), [READ_BYTES * 3 + 17, 1]);
}

#[test]
fn after_clear_nothing_of_the_last_source_is_left() {
    let mut splitter = Splitter::new(b"\n", 100);
    splitter.room()[..3].copy_from_slice(b"abc");
    splitter.filled(3);
    assert_eq!(splitter.next_entry(), Ok(None));
    assert_eq!(splitter.pending_bytes(), 3);
    splitter.clear();
    assert_eq!(splitter.pending_bytes(), 0);
    assert_eq!(splitter.rest(), Ok(None));
}
