//! Real text, gathered from what the machine has. Knows nothing of what is measured with it.
//!
//! A repeated byte or a generated pattern compresses like nothing that anybody stores, and equal parts are deduplicated
//! by some stores; so the text is documentation, licences, package lists and sources, each file once.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Where text is looked for, in this order. The sources of this project come last, for machines with nothing else.
const PLACES: [&str; 6] = [
    "/usr/share/doc",
    "/usr/share/common-licenses",
    "/var/lib/dpkg/info",
    "/usr/share/perl",
    "/usr/share/perl5",
    "/usr/lib/python3",
];

/// The most that is taken of a file, so that no large one makes up most of the text.
const FILE_BYTES_MAX: usize = 64 << 10;

/// The text may be so much shorter than asked for: the next word may not fit.
const WORD_BYTES: usize = 256;

/// A long text without line ends.
#[derive(Debug, Clone)]
pub struct Text {
    text: String,
    files: usize,
}

impl Text {
    /// Up to `len_bytes` bytes of text; less where the machine has less.
    pub fn gather(len_bytes: usize) -> Self {
        let mut gathered =
            Gathered { text: String::with_capacity(len_bytes), len_bytes, files: 0, seen: HashSet::new() };
        for place in PLACES {
            gathered.walk(Path::new(place));
        }
        gathered.walk(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates")));
        assert!(!gathered.text.is_empty(), "this machine has no text to measure with");
        Self { text: gathered.text, files: gathered.files }
    }

    /// Its length in bytes.
    pub fn len_bytes(&self) -> usize {
        self.text.len()
    }

    /// How many files it was gathered from.
    pub fn files(&self) -> usize {
        self.files
    }

    /// A short name of this very text: figures of compressors can be compared only where it is the same.
    pub fn fingerprint(&self) -> String {
        format!("{:016x}", durable_queue::checksum(self.text.as_bytes()))
    }

    /// The text cut at words into lines of about `about_bytes` bytes.
    pub fn lines(&self, about_bytes: usize) -> Lines {
        let mut bytes = Vec::with_capacity(self.text.len() + self.text.len() / about_bytes + 1);
        let mut ends = Vec::new();
        let mut rest = self.text.as_str();
        while !rest.is_empty() {
            let (line, after) = cut(rest, about_bytes);
            bytes.extend_from_slice(line.as_bytes());
            ends.push(bytes.len());
            bytes.push(b'\n');
            rest = after;
        }
        Lines { bytes, ends }
    }
}

/// The first line of about `about_bytes` bytes, and what follows it.
fn cut(text: &str, about_bytes: usize) -> (&str, &str) {
    if text.len() <= about_bytes {
        return (text, "");
    }
    let mut end = about_bytes;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    // A word that goes over the end goes to the next line, unless that left less than half of this one.
    let (head, _) = text.split_at(end);
    if let Some(space) = head.rfind(' ').filter(|space| *space * 2 >= end) {
        return (text.split_at(space).0, text.split_at(space + 1).1);
    }
    text.split_at(end)
}

/// Lines of text, in one piece of memory.
#[derive(Debug, Clone)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where each line ends, before its newline.
    ends: Vec<usize>,
}

impl Lines {
    /// All of it, a newline after each line.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many lines.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The mean length of a line in bytes, without its newline.
    pub fn mean_bytes(&self) -> f64 {
        (self.bytes.len() - self.ends.len()) as f64 / self.ends.len() as f64
    }

    fn line(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] + 1);
        &self.bytes[start..self.ends[number]]
    }

    /// The lines from number `start` on, over and over.
    pub fn forever(&self, start: usize) -> impl Iterator<Item = &[u8]> {
        let mut number = start % self.ends.len();
        std::iter::from_fn(move || {
            let line = self.line(number);
            number = if number + 1 == self.ends.len() { 0 } else { number + 1 };
            Some(line)
        })
    }

    /// Piece `number` when the text is cut into pieces of `len_bytes` bytes; begins anew after the last whole one.
    pub fn piece(&self, number: usize, len_bytes: usize) -> &[u8] {
        let pieces = self.bytes.len() / len_bytes;
        assert!(pieces > 0, "the text is shorter than {len_bytes} bytes");
        let start = number % pieces * len_bytes;
        &self.bytes[start..start + len_bytes]
    }
}

struct Gathered {
    text: String,
    len_bytes: usize,
    files: usize,
    /// Hashes of the files taken: the same licence lies in many places.
    seen: HashSet<u64>,
}

impl Gathered {
    fn walk(&mut self, directory: &Path) {
        let Ok(entries) = fs::read_dir(directory) else { return };
        // By name, so that the same machine gives the same text.
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if self.text.len() + WORD_BYTES >= self.len_bytes {
                return;
            }
            match fs::symlink_metadata(&path) {
                Ok(about) if about.is_dir() => self.walk(&path),
                Ok(about) if about.is_file() => self.take(&path),
                _ => {}
            }
        }
    }

    fn take(&mut self, path: &Path) {
        let Ok(text) = fs::read_to_string(path) else { return };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        if text.contains('\0') || !self.seen.insert(hasher.finish()) {
            return;
        }
        let most = FILE_BYTES_MAX.min(self.len_bytes - self.text.len());
        let start = self.text.len();
        for word in text.split_whitespace() {
            if self.text.len() - start + word.len() + 1 > most {
                break;
            }
            self.text.push_str(word);
            self.text.push(' ');
        }
        self.files += usize::from(self.text.len() > start);
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
