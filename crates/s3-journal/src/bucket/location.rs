//! Where a stream goes, as people write it: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, `file:///path`
//! or a plain path.
//! Knows nothing of the stores themselves.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Bucket names shorter than this don't exist
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
const BUCKET_BYTES_MIN: usize = 3;

/// Today's names end at 63; buckets made in us-east-1 before March 2018, and other stores', may be this long.
const BUCKET_BYTES_MAX: usize = 255;

/// S3's longest key; a prefix leaves less of it for the rest.
const PREFIX_BYTES_MAX: usize = 1_024;

/// A place for objects.
///
/// ```
/// use s3_journal::bucket::Location;
///
/// let location = Location::parse("s3://my-bucket/events/web/")?;
/// assert_eq!(location, Location::S3 { bucket: "my-bucket".into(), prefix: "events/web".into() });
/// assert_eq!(location.to_string(), "s3://my-bucket/events/web");
/// # Ok::<(), s3_journal::bucket::LocationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A bucket of Amazon S3 or of a store that speaks its protocol.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// What every key begins with, without a slash at its end; empty for none.
        prefix: String,
    },
    /// A bucket of Google Cloud Storage.
    Gcs {
        /// The bucket's name.
        bucket: String,
        /// As of S3.
        prefix: String,
    },
    /// A container of Azure Blob Storage.
    Azure {
        /// The container's name; its account is an option, or in the environment.
        container: String,
        /// As of S3.
        prefix: String,
    },
    /// A directory of this computer.
    Local {
        /// Its path, as given.
        directory: PathBuf,
    },
}

/// Why a text isn't a [`Location`], or a prefix not a prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// Nothing was given.
    #[error(
        "the location is empty: give s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, file:///path or a path"
    )]
    Empty,
    /// A URL of another kind.
    #[error(
        "{scheme}:// is not supported: give s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, file:///path or a path"
    )]
    UnknownScheme {
        /// What stood before `://`.
        scheme: String,
    },
    /// `s3:`, `gs:`, `az:` or `file:` without its slashes.
    #[error(
        "\"{text}\" lacks slashes: write s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or file:///path (or ./{text} for a path of that name)"
    )]
    MissingSlashes {
        /// The text.
        text: String,
    },
    /// Not a name that a bucket can have.
    #[error(
        "\"{bucket}\" can't be the name of a bucket: 3 to 255 letters, digits, \".\", \"-\" or \"_\", \
         beginning and ending with a letter or digit, without \"..\""
    )]
    BadBucket {
        /// The name.
        bucket: String,
    },
    /// Not a prefix that keys can have.
    #[error("the prefix \"{}\" {problem}", prefix.escape_debug())]
    BadPrefix {
        /// The prefix.
        prefix: String,
        /// What is wrong with it, to follow its name.
        problem: &'static str,
    },
    /// A file URL that names a host.
    #[error("file://{host}/... names a host: only files of this computer can be used, write file:///path")]
    RemoteFile {
        /// The host.
        host: String,
    },
    /// A path that can't be one.
    #[error("the path \"{}\" {problem}", path.escape_debug())]
    BadPath {
        /// The path.
        path: String,
        /// What is wrong with it, to follow its name.
        problem: &'static str,
    },
}

impl Location {
    /// Reads a location. Bucket names are taken as S3 itself and its look-alikes have made them over time (upper case,
    /// `_`, up to 255 bytes): the store has the last word. In file URLs `%20` and the like are decoded; in the keys of
    /// `s3://` every character stands for itself.
    ///
    /// # Errors
    /// [`LocationError`] says what to write instead.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        if text.trim().is_empty() {
            return Err(LocationError::Empty);
        }
        let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
            let head = text.split_once(':').map_or("", |(head, _)| head);
            if ["s3", "gs", "az", "file"].iter().any(|scheme| head.eq_ignore_ascii_case(scheme)) {
                return Err(LocationError::MissingSlashes { text: shown(text) });
            }
            return Ok(Self::Local { directory: check_path(text)?.into() });
        };
        match scheme.to_ascii_lowercase().as_str() {
            "s3" => bucket_and_prefix(rest).map(|(bucket, prefix)| Self::S3 { bucket, prefix }),
            "gs" => bucket_and_prefix(rest).map(|(bucket, prefix)| Self::Gcs { bucket, prefix }),
            "az" => bucket_and_prefix(rest).map(|(container, prefix)| Self::Azure { container, prefix }),
            "file" => {
                let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
                if !host.is_empty() {
                    return Err(LocationError::RemoteFile { host: shown(host) });
                }
                let path = decode(rest)?;
                Ok(Self::Local { directory: check_path(&path)?.into() })
            }
            _ => Err(LocationError::UnknownScheme { scheme: scheme.to_owned() }),
        }
    }
}

fn bucket_and_prefix(rest: &str) -> Result<(String, String), LocationError> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    check_bucket(bucket)?;
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    check_prefix(prefix)?;
    Ok((bucket.to_owned(), prefix.to_owned()))
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        Self::parse(text)
    }
}

/// What [`Location::parse`] reads back as the same location.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = |f: &mut fmt::Formatter<'_>, scheme: &str, bucket: &str, prefix: &str| {
            let slash = if prefix.is_empty() { "" } else { "/" };
            write!(f, "{scheme}://{bucket}{slash}{prefix}")
        };
        match self {
            Self::S3 { bucket, prefix } => url(f, "s3", bucket, prefix),
            Self::Gcs { bucket, prefix } => url(f, "gs", bucket, prefix),
            Self::Azure { container, prefix } => url(f, "az", container, prefix),
            Self::Local { directory } if directory.is_absolute() => {
                write!(f, "file://{}", directory.to_string_lossy().replace('%', "%25"))
            }
            Self::Local { directory } => write!(f, "{}", directory.display()),
        }
    }
}

/// Whether keys can begin with `prefix`, followed by a slash. Empty means none and is fine.
///
/// Every file system and every S3 look-alike must be able to hold the keys: so no empty segment, no `.` or `..`, no
/// control character, no slash at either end.
///
/// # Errors
/// [`LocationError::BadPrefix`].
pub fn check_prefix(prefix: &str) -> Result<(), LocationError> {
    let bad = |problem| Err(LocationError::BadPrefix { prefix: prefix.to_owned(), problem });
    if prefix.is_empty() {
        return Ok(());
    }
    if prefix.len() > PREFIX_BYTES_MAX {
        return bad("is longer than the 1,024 bytes that a key can have");
    }
    if prefix.chars().any(char::is_control) {
        return bad("has a control character");
    }
    if prefix.split('/').any(str::is_empty) {
        return bad("has an empty segment: no slash at its beginning or end, nor two in a row");
    }
    if prefix.split('/').any(|segment| segment == "." || segment == "..") {
        return bad("has a segment \".\" or \"..\"");
    }
    Ok(())
}

pub(super) fn check_bucket(bucket: &str) -> Result<(), LocationError> {
    let end_is_alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let good = (BUCKET_BYTES_MIN..=BUCKET_BYTES_MAX).contains(&bucket.len())
        && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        && end_is_alphanumeric(bucket.bytes().next())
        && end_is_alphanumeric(bucket.bytes().last())
        && !bucket.contains("..");
    if good { Ok(()) } else { Err(LocationError::BadBucket { bucket: shown(bucket) }) }
}

/// A name as an error may show it: credentials that somebody put before an `@` are left out.
fn shown(name: &str) -> String {
    name.rsplit('@').next().unwrap_or_default().escape_debug().to_string()
}

fn check_path(path: &str) -> Result<&str, LocationError> {
    let bad = |problem| Err(LocationError::BadPath { path: path.to_owned(), problem });
    if path.is_empty() {
        return bad("is empty: write file:///path");
    }
    if path.chars().any(char::is_control) {
        return bad("has a control character");
    }
    Ok(path)
}

/// A scheme as RFC 3986 has it; anything else before `://` is part of a path.
fn is_scheme(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Undoes the `%XX` of a URL.
fn decode(text: &str) -> Result<String, LocationError> {
    let bad = |problem| LocationError::BadPath { path: text.to_owned(), problem };
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let pair = digit(bytes.next()).zip(digit(bytes.next()));
        let value = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(value.ok_or_else(|| bad("has a \"%\" without two hex digits: write %25 for it"))?);
    }
    String::from_utf8(decoded).map_err(|_| bad("isn't UTF-8 when decoded"))
}

#[cfg(test)]
#[path = "location_tests.rs"]
mod tests;
