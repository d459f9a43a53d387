//! What is compressed: the user's own entries, or made-up ones; and what is written and sent, which nothing makes smaller on
//! its way. Pure, but for reading the file.

use std::io::Read;
use std::path::Path;

use crate::exit::Failure;
use crate::files;

/// The most of a file that is looked at.
const SAMPLE_BYTES: usize = 8 << 20;

/// Entries.
#[derive(Debug)]
pub struct Sample {
    /// One after the other.
    pub bytes: Vec<u8>,
    /// They are nobody's.
    pub is_made_up: bool,
}

/// The file's first bytes, or made-up lines without one.
///
/// # Errors
/// It can't be read, or there is nothing in it.
pub fn of(file: Option<&Path>) -> Result<Sample, Failure> {
    let Some(path) = file else {
        return Ok(Sample { bytes: made_up(SAMPLE_BYTES), is_made_up: true });
    };
    let refused = |why: &str| {
        Failure::usage(format!(
            "option --sample is {}: {why}; name a file of entries such as yours",
            path.display()
        ))
    };
    let mut bytes = Vec::new();
    files::open(path)
        .and_then(|file| file.take(SAMPLE_BYTES as u64).read_to_end(&mut bytes))
        .map_err(|error| refused(&error.to_string()))?;
    if bytes.is_empty() {
        return Err(refused("it is empty"));
    }
    Ok(Sample { bytes, is_made_up: false })
}

/// xorshift64 (Marsaglia 2003): good enough for words, and for bytes in which no file system or store finds a pattern.
struct Numbers(u64);

impl Numbers {
    fn new() -> Self {
        Self(0x2545_f491_4f6c_dd1d)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn one_of<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let place = usize::try_from(self.next() % choices.len().max(1) as u64).unwrap_or_default();
        choices.get(place).copied().unwrap_or_default()
    }
}

const METHODS: [&str; 6] = ["GET", "GET", "GET", "GET", "POST", "PUT"];
const PATHS: [&str; 8] = [
    "/",
    "/api/v1/orders",
    "/api/v1/users",
    "/assets/app.css",
    "/assets/app.js",
    "/health",
    "/login",
    "/search?q=journal",
];
const STATUS: [u16; 8] = [200, 200, 200, 200, 200, 304, 404, 500];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Mobile/15E148",
    "curl/8.14.1",
    "kube-probe/1.33",
];

/// Lines as a web server logs them, always the same.
pub fn made_up(len_bytes: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len_bytes.saturating_add(256));
    let mut numbers = Numbers::new();
    let mut micros = 0;
    while bytes.len() < len_bytes {
        micros += numbers.next() % 900 + 1;
        let line = format!(
            "2026-11-22T09:{:02}:{:02}.{:06}Z 10.{}.{}.{} {} {} {} {} {:.3}ms \"{}\" id={:016x}\n",
            micros / 60_000_000 % 60,
            micros / 1_000_000 % 60,
            micros % 1_000_000,
            numbers.next() % 4,
            numbers.next() % 16,
            numbers.next() % 250,
            numbers.one_of(&METHODS),
            numbers.one_of(&PATHS),
            numbers.one_of(&STATUS),
            numbers.next() % 20_000,
            (numbers.next() % 300_000) as f64 / 1e3,
            numbers.one_of(&AGENTS),
            numbers.next(),
        );
        bytes.extend_from_slice(line.as_bytes());
    }
    bytes.truncate(len_bytes);
    bytes
}

/// Bytes without a pattern, always the same.
pub fn incompressible(len_bytes: usize) -> Vec<u8> {
    let mut numbers = Numbers::new();
    let mut bytes = Vec::with_capacity(len_bytes.saturating_add(8));
    while bytes.len() < len_bytes {
        bytes.extend_from_slice(&numbers.next().to_le_bytes());
    }
    bytes.truncate(len_bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use s3_journal::stream::{Codec, Encoder};

    use super::*;

    fn ratio(bytes: &[u8]) -> f64 {
        let mut encoder = Encoder::new(Codec::Gzip, None).unwrap();
        let mut out = Vec::new();
        encoder.write(bytes, &mut out).unwrap();
        bytes.len() as f64 / out.len() as f64
    }

    #[test]
    fn made_up_lines_are_as_long_as_asked_for_and_compress_like_a_log() {
        assert_eq!(made_up(1).len(), 1);
        let lines = made_up(1_000_000);
        assert_eq!(lines, made_up(1_000_000));
        assert_eq!(lines.len(), 1_000_000);
        let ratio = ratio(&lines);
        assert!((3.0..9.0).contains(&ratio), "{ratio}");
        let text = String::from_utf8(lines).unwrap();
        let distinct: std::collections::HashSet<&str> = text.lines().collect();
        assert_eq!(distinct.len(), text.lines().count(), "no line twice");
    }

    #[test]
    fn what_is_written_and_sent_cannot_be_compressed() {
        assert_eq!(incompressible(13).len(), 13);
        assert!(ratio(&incompressible(1_000_000)) < 1.01);
    }
}
