use super::*;

#[test]
fn escapes_are_read_and_printed() {
    for (text, bytes) in [
        (r"\n", &b"\n"[..]),
        (r"\r\n", b"\r\n"),
        (r"\t", b"\t"),
        (r"\0", b"\0"),
        (r"\x1e", b"\x1e"),
        (r"\xFF\x00", b"\xff\0"),
        (r"\\", b"\\"),
        ("||", b"||"),
    ] {
        let delimiter: Delimiter = text.parse().unwrap();
        assert_eq!(delimiter.as_bytes(), bytes, "{text}");
        assert_eq!(delimiter.to_string().parse(), Ok(delimiter));
    }
    assert_eq!("\n".parse::<Delimiter>().unwrap().to_string(), r"\n");
    assert_eq!("é".parse::<Delimiter>().unwrap().as_bytes(), "é".as_bytes());
}

#[test]
fn what_is_no_delimiter_is_refused() {
    for text in ["", "\\", r"\q", r"\x", r"\x1", r"\xzz", &"-".repeat(65)] {
        assert!(text.parse::<Delimiter>().is_err(), "{text}");
    }
}
