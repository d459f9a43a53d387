use std::io::Write;

use super::*;

fn secret(content: &[u8]) -> Result<String, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    read_secret(file.path())
}

#[test]
fn a_secret_is_the_text_of_its_file() {
    assert_eq!(secret(b"sesame\n"), Ok("sesame".to_owned()));
    assert_eq!(secret(b"sesame"), Ok("sesame".to_owned()));
    assert_eq!(secret(b" sesame\r\n"), Ok("sesame".to_owned()));
}

#[test]
fn what_cannot_be_a_secret_is_refused_without_telling_it() {
    let long = vec![b'x'; 5000];
    for content in [&b""[..], b"\n", b"open sesame\n", b"sesame\nsesame\n", b"sesame\xff", &long] {
        let error = secret(content).unwrap_err();
        assert!(!error.contains("sesame") && !error.contains("xxxx"), "{error}");
    }
    assert!(read_secret(Path::new("/nowhere/at/all")).unwrap_err().contains("can't be read"));
}
