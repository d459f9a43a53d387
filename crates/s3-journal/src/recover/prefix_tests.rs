use super::*;

/// A stream of some batches, and what each of its byte lengths must at least give back: (stored bytes, raw bytes).
fn stream(codec: Codec) -> (Vec<u8>, Vec<u8>, Vec<(usize, usize)>) {
    let mut encoder = Encoder::new(codec, None).unwrap();
    let (mut stored, mut raw, mut ends) = (Vec::new(), Vec::new(), vec![(0, 0)]);
    for batch in 0..6_u32 {
        let lines: Vec<String> =
            (0..20).map(|entry| format!("entry {batch} {entry} {}", entry * 7919 % 1013)).collect();
        let text = lines.join("\n") + "\n";
        encoder.write(text.as_bytes(), &mut stored).unwrap();
        raw.extend_from_slice(text.as_bytes());
        ends.push((stored.len(), raw.len()));
    }
    stored.extend(trailer(codec, &encoder.tail()));
    (stored, raw, ends)
}

struct Fails;

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the store failed"))
    }
}

#[test]
fn a_stream_cut_off_anywhere_gives_its_whole_batches_and_only_whole_entries() {
    for codec in Codec::ALL {
        let (stored, raw, ends) = stream(codec);
        for len in 0..stored.len() {
            let cut = &stored[..len];
            let prefix = measure(codec, b"\n", 1 << 20, &mut &cut[..]).unwrap();
            let what = format!("{codec} cut at {len} of {}: {prefix:?}", stored.len());
            let batches =
                ends.iter().filter(|(stored, _)| *stored <= len).map(|(_, raw)| *raw).max().unwrap();
            let bytes = usize::try_from(prefix.raw_bytes).unwrap();
            assert!(bytes >= batches, "{what}: {batches} bytes are whole batches");
            assert!(bytes <= raw.len() && (bytes == 0 || raw[bytes - 1] == b'\n'), "{what}");
            let newlines = memchr::memchr_iter(b'\n', &raw[..bytes]).count();
            assert_eq!(prefix.entries, newlines as u64, "{what}");
            assert!(!matches!(prefix.end, End::Damaged(_)), "{what}");
            // Formats without an end of their own can't tell.
            assert!(prefix.end == End::CutOff || matches!(codec, Codec::None | Codec::Snappy), "{what}");
        }
        let prefix = measure(codec, b"\n", 1 << 20, &mut &stored[..]).unwrap();
        assert_eq!((prefix.end, prefix.raw_bytes), (End::Whole, raw.len() as u64), "{codec}");
    }
}

#[test]
fn the_readable_entries_make_a_whole_stream_of_the_same_bytes() {
    for codec in Codec::ALL {
        let (stored, raw, ends) = stream(codec);
        let cut = &stored[..=ends[4].0];
        let prefix = measure(codec, b"\n", 1 << 20, &mut &cut[..]).unwrap();
        let mut whole = Whole::new(codec).unwrap();
        let mut out = Vec::new();
        let take = &mut |bytes: &[u8]| whole.write(bytes, &mut out);
        let (crc64nvme, len) = copy(codec, prefix.raw_bytes, &mut &cut[..], take).unwrap();
        whole.finish(&mut out);
        let bytes = usize::try_from(prefix.raw_bytes).unwrap();
        assert_eq!((len, crc64nvme), (prefix.raw_bytes, durable_queue::checksum(&raw[..bytes])));
        let mut back = Vec::new();
        decoder(codec, &out[..]).unwrap().read_to_end(&mut back).unwrap();
        assert_eq!(back, raw[..bytes], "{codec}");
        let again = measure(codec, b"\n", 1 << 20, &mut &out[..]).unwrap();
        assert_eq!((again.entries, again.end), (prefix.entries, End::Whole));
    }
}

#[test]
fn damage_is_told_from_a_cut_and_a_failing_source_is_neither() {
    let (mut stored, _, ends) = stream(Codec::Snappy);
    let at = ends[2].0 + 10;
    stored[at] ^= 0xff;
    let prefix = measure(Codec::Snappy, b"\n", 1 << 20, &mut &stored[..]).unwrap();
    assert!(matches!(prefix.end, End::Damaged(_)), "{prefix:?}");
    assert_eq!(prefix.raw_bytes, ends[2].1 as u64);
    let long = measure(Codec::None, b"\n", 5, &mut &b"abc\nabcdefgh\n"[..]).unwrap();
    assert!(matches!(long.end, End::Damaged(_)) && long.entries == 0, "{long:?}");
    for codec in Codec::ALL {
        let error = measure(codec, b"\n", 1 << 20, &mut Fails).unwrap_err();
        assert!(error.to_string().contains("the store failed"), "{codec}: {error}");
    }
}
