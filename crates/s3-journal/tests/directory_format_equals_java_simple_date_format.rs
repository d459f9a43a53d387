//! A directory format gives what Java's own `SimpleDateFormat` gives. `directory_format/corpus.tsv` is what Java printed;
//! `directory_format/Generator.java` is what it was asked, and tells how a row is written.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use s3_journal::{DirectoryFormat, DirectoryFormatError};

const CORPUS: &str = include_str!("directory_format/corpus.tsv");
const GENERATOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/directory_format/Generator.java");

#[test]
fn every_row_of_the_corpus_is_as_java_has_it() {
    let mut equal = 0;
    let mut refused_as_java_does = BTreeMap::new();
    let mut refused_as_keys = BTreeMap::new();
    for (line, row) in (1..).zip(CORPUS.lines()) {
        let columns: Vec<&str> = row.split('\t').collect();
        let pattern = unescaped(columns[0]);
        let parsed = DirectoryFormat::parse(&pattern);
        if columns[1..] == ["!"] {
            let error = parsed.expect_err(row);
            let kind = kind_of_java(&error).unwrap_or_else(|| panic!("line {line}: {row}: {error}"));
            *refused_as_java_does.entry(kind).or_insert(0) += 1;
            continue;
        }
        let [_, milliseconds, text] = columns[..] else { panic!("line {line}: {row}") };
        let text = unescaped(text);
        match parsed {
            Ok(format) => {
                assert_eq!(format.format(instant(milliseconds.parse().unwrap())), text, "line {line}: {row}");
                assert_eq!(hazard_of(&pattern, &text), None, "line {line}: {row}");
                equal += 1;
            }
            Err(error) => {
                let kind = kind_of_key(&error).unwrap_or_else(|| panic!("line {line}: {row}: {error}"));
                assert!(shows(&pattern, &text, kind), "line {line}: {row}: {error}");
                *refused_as_keys.entry(kind).or_insert(0) += 1;
            }
        }
    }
    println!("equal: {equal}; refused as Java does: {refused_as_java_does:?}; as keys: {refused_as_keys:?}");
    assert!(equal > 18_000, "{equal} rows were compared");
    let kinds: Vec<_> = refused_as_java_does.keys().copied().collect();
    assert_eq!(kinds, ["unknown letter", "unterminated quote", "zone too wide"]);
    let kinds: Vec<_> = refused_as_keys.keys().copied().collect();
    assert_eq!(kinds, HAZARDS, "each hazard occurs");
    let refused: i32 = refused_as_keys.values().sum();
    assert!((200..2_000).contains(&refused), "{refused} rows that Java takes were refused");
}

#[test]
fn the_corpus_is_what_java_prints() {
    // Where there is no Java, or an old one, the committed corpus is what there is to compare with.
    let version = match Command::new("java").arg("--version").output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(_) => {
            return println!("skipped: this java is older than Java 17, and the corpus wasn't made again");
        }
        Err(error) => return println!("skipped: no java to make the corpus again with ({error})"),
    };
    let major = version.split([' ', '.', '-', '+']).find_map(|word| word.parse::<u32>().ok());
    if major.is_none_or(|major| major < 17) {
        return println!("skipped: the corpus is made with Java 17 or later, and this is {version}");
    }
    let output = Command::new("java").arg(GENERATOR).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    for (line, (printed, committed)) in (1..).zip(printed.lines().zip(CORPUS.lines())) {
        assert_eq!(printed, committed, "line {line}, printed by {version}");
    }
    assert!(printed == CORPUS, "the corpus has {} bytes, and {} were printed", CORPUS.len(), printed.len());
}

fn kind_of_java(error: &DirectoryFormatError) -> Option<&'static str> {
    match error {
        DirectoryFormatError::UnknownLetter { .. } => Some("unknown letter"),
        DirectoryFormatError::UnterminatedQuote { .. } => Some("unterminated quote"),
        DirectoryFormatError::ZoneTooWide { .. } => Some("zone too wide"),
        _ => None,
    }
}

/// What a key can't have, in the order of the alphabet.
const HAZARDS: [&str; 6] = [
    "control character",
    "directory too long",
    "dot segment",
    "empty pattern",
    "empty segment",
    "pattern too long",
];

fn kind_of_key(error: &DirectoryFormatError) -> Option<&'static str> {
    match error {
        DirectoryFormatError::ControlCharacter { .. } => Some("control character"),
        DirectoryFormatError::DirectoryTooLong { .. } => Some("directory too long"),
        DirectoryFormatError::DotSegment { .. } => Some("dot segment"),
        DirectoryFormatError::EmptyPattern => Some("empty pattern"),
        DirectoryFormatError::EmptySegment { .. } => Some("empty segment"),
        DirectoryFormatError::PatternTooLong { .. } => Some("pattern too long"),
        _ => None,
    }
}

/// Whether a row shows a hazard, told from Java's own text (and for the pattern's length, from the pattern).
fn shows(pattern: &str, text: &str, hazard: &str) -> bool {
    match hazard {
        "control character" => text.contains(char::is_control),
        "directory too long" => text.len() > DirectoryFormat::LONGEST_DIRECTORY,
        "dot segment" => text.split('/').any(|segment| segment == "." || segment == ".."),
        "empty pattern" => pattern.is_empty() && text.is_empty(),
        "empty segment" => text.split('/').any(str::is_empty),
        "pattern too long" => pattern.len() > DirectoryFormat::LONGEST_PATTERN,
        _ => false,
    }
}

fn hazard_of(pattern: &str, text: &str) -> Option<&'static str> {
    HAZARDS.into_iter().find(|hazard| shows(pattern, text, hazard))
}

fn instant(milliseconds: i64) -> SystemTime {
    let since = Duration::from_millis(milliseconds.unsigned_abs());
    if milliseconds < 0 { UNIX_EPOCH - since } else { UNIX_EPOCH + since }
}

/// The text of a column: `\\` is a backslash, `\u` and four hexadecimal digits are a character.
#[expect(clippy::unwrap_used, reason = "the corpus is well formed, or the test is to fail")]
fn unescaped(column: &str) -> String {
    let mut text = String::new();
    let mut rest = column;
    while let Some((before, escape)) = rest.split_once('\\') {
        text.push_str(before);
        if let Some(code) = escape.strip_prefix('u') {
            let code = u32::from_str_radix(&code[..4], 16).unwrap();
            text.push(char::from_u32(code).unwrap());
            rest = &escape[5..];
        } else {
            text.push('\\');
            rest = &escape[1..];
        }
    }
    text + rest
}
