//! The parsers of names: object keys, ids, incarnations, suffixes, prefixes and locations, object metadata. None panics; what
//! is parsed is written as it was read, and what is written is read as it was meant; nothing that is accepted has an empty
//! segment, `.`, `..` or a control character in it where a key has none.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use arbitrary::{Arbitrary, Unstructured};
use s3_journal::bucket::{Location, check_prefix};
use s3_journal::object::{
    Id, Incarnation, KEY_BYTES_MAX, KeyLayout, ObjectKey, ObjectMetadata, ObjectName, Predecessor, RunId,
    check_suffix,
};

use crate::bytes::Bytes;

/// What is tried.
#[derive(Debug)]
pub enum Input {
    /// A text is read by each of the parsers.
    Text(String),
    /// A key is written and read.
    Key {
        /// The place of its object.
        number: u64,
        /// Its first entry.
        first: u64,
        /// Its run.
        run: u32,
        /// When the directory was made, seconds since 1970.
        seconds: u64,
        /// Over how many shards.
        shards: u8,
        /// Prefix, directory, id, suffix: separated by newlines.
        texts: String,
    },
    /// Metadata is read: names and values, in turn, in lines.
    Metadata(String),
    /// Metadata of such a key is written and read.
    Described {
        /// Its number and first entry.
        number: u64,
        /// What was before it.
        previous: Option<Predecessor>,
        /// When, seconds since 1970.
        seconds: u64,
        /// The delimiter.
        delimiter: Vec<u8>,
        /// The compressor.
        compressor: String,
    },
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut bytes = Bytes(u);
        Ok(match bytes.byte() {
            b'K' => Self::Key {
                number: bytes.long(),
                first: bytes.long(),
                run: u32::from(bytes.short()) << 16 | u32::from(bytes.short()),
                seconds: bytes.long(),
                shards: bytes.byte(),
                texts: bytes.text(),
            },
            b'M' => Self::Metadata(bytes.text()),
            b'D' => Self::Described {
                number: bytes.long(),
                previous: (bytes.byte() & 1 == 1).then(|| Predecessor {
                    entries: bytes.long(),
                    len_bytes: bytes.long(),
                    crc64nvme: bytes.long(),
                }),
                seconds: bytes.long(),
                delimiter: bytes.few(),
                compressor: bytes.text(),
            },
            _ => Self::Text(bytes.text()),
        })
    }
}

/// Tries it.
pub fn check(input: Input) {
    match input {
        Input::Text(text) => read(&text),
        Input::Key { number, first, run, seconds, shards, texts } => {
            let mut texts = texts.split('\n');
            let mut next = || texts.next().unwrap_or_default();
            let (prefix, directory, id, suffix) = (next(), next(), next(), next());
            let Ok(id) = Id::new(id) else { return };
            let suffix = (!suffix.is_empty()).then_some(suffix);
            if check_prefix(prefix).is_err() || suffix.is_some_and(|suffix| check_suffix(suffix).is_err()) {
                return;
            }
            let Some(at) = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) else { return };
            let incarnation = Incarnation::new(at, run.rotate_left(7));
            let suffix = suffix.map(str::to_owned);
            let name = ObjectName { id, incarnation, number, first, run: RunId(run), suffix };
            written(&name, prefix, directory, shards);
        }
        Input::Metadata(text) => {
            let mut lines = text.split('\n').map(str::to_owned);
            let mut map = BTreeMap::new();
            while let Some(name) = lines.next() {
                map.insert(name, lines.next().unwrap_or_default());
            }
            let _ = ObjectMetadata::time_of(&map);
            if let Ok(metadata) = ObjectMetadata::from_map(&map) {
                assert_eq!(ObjectMetadata::from_map(&metadata.to_map()).as_ref(), Ok(&metadata));
            }
        }
        Input::Described { number, previous, seconds, delimiter, compressor } => {
            let Some(at) = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) else { return };
            let incarnation = Incarnation::new(at, 7);
            let id = Id::from_host_name(&compressor);
            let name = ObjectName { id, incarnation, number, first: !number, run: RunId(9), suffix: None };
            let metadata = ObjectMetadata::new(&name, &compressor, &delimiter, at, previous);
            let map = metadata.to_map();
            assert!(metadata.is_of(&name));
            assert_eq!(ObjectMetadata::from_map(&map), Ok(metadata));
            assert!(ObjectMetadata::time_of(&map).is_some_and(|time| time <= at), "{map:?}");
        }
    }
}

fn read(text: &str) {
    if let Some(name) = ObjectName::parse(text) {
        assert_eq!(name.to_string(), text, "{name:?} is written otherwise than it was read");
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'), "{text:?}");
        assert!(!text.starts_with('.'), "{text:?}");
        let Some(key) = ObjectKey::parse(text) else { panic!("{text:?} is a name and no key") };
        assert_eq!((key.name, key.key.as_str()), (name, text));
    }
    if let Some(key) = ObjectKey::parse(text) {
        assert_eq!(key.key, text);
        assert!(text.ends_with(&key.name.to_string()));
        assert_eq!(ObjectName::parse(text.rsplit('/').next().unwrap_or_default()), Some(key.name));
    }
    if let Ok(id) = Id::new(text) {
        assert_eq!(id.as_str(), text);
        is_segment(text);
    }
    let host = Id::from_host_name(text);
    assert_eq!(Id::new(host.as_str()).as_ref(), Ok(&host), "of the host {text:?}");
    if let Some(incarnation) = Incarnation::parse(text) {
        assert_eq!(incarnation.to_string(), text);
    }
    if check_suffix(text).is_ok() {
        is_segment(text);
    }
    if check_prefix(text).is_ok() && !text.is_empty() {
        text.split('/').for_each(is_segment);
    }
    if let Ok(location) = Location::parse(text) {
        let again = location.to_string();
        assert_eq!(Location::parse(&again).as_ref(), Ok(&location), "{text:?} is written as {again:?}");
        if let Location::S3 { bucket, prefix } = location {
            is_segment(&bucket);
            assert!(check_prefix(&prefix).is_ok(), "{prefix:?}");
        }
    }
}

fn is_segment(text: &str) {
    assert!(!matches!(text, "" | "." | ".."), "{text:?}");
    assert!(!text.contains('/') && !text.contains(char::is_control), "{text:?}");
}

fn written(name: &ObjectName, prefix: &str, directory: &str, shards: u8) {
    let text = name.to_string();
    assert_eq!(
        ObjectName::parse(&text).as_ref(),
        Some(name),
        "{text:?} is read otherwise than it was written"
    );
    let shards = (shards > 0).then_some(shards.into());
    let Ok(layout) = KeyLayout::new(prefix, shards) else {
        return assert!(shards.is_some_and(|shards: u32| shards > 36), "{shards:?} were refused");
    };
    let key = layout.key(directory, name);
    assert!(key.starts_with(&layout.listing_prefix()));
    let Some(parsed) = ObjectKey::parse(&key) else { panic!("{key:?} can't be read") };
    assert_eq!((&parsed.name, &parsed.key), (name, &key));
    if layout.check_len(directory, &name.id, name.suffix.as_deref(), KEY_BYTES_MAX).is_ok() {
        assert!(key.len() <= KEY_BYTES_MAX, "{key:?} has {} bytes", key.len());
    }
    if let Some(shards) = shards {
        let rest = key.strip_prefix(&layout.listing_prefix()).unwrap_or_default();
        let shard = rest.chars().next().and_then(|digit| digit.to_digit(36));
        assert_eq!(shard.map(u64::from), Some(name.number % u64::from(shards)), "{key:?}");
        assert_eq!(rest.chars().nth(1), Some('/'));
    }
    // A key that is cut or has something behind it is another name, or none.
    for cut in 0..text.len() {
        assert_ne!(text.get(..cut).and_then(ObjectName::parse).as_ref(), Some(name));
    }
}
