//! Keys and metadata as the stores want them. Knows no calls.

use http::header::{HeaderName, HeaderValue};
use object_store::path::Path;
use object_store::{Attribute, Attributes};

use super::Dialect;
use crate::bucket::{BucketError, Metadata, rules};

/// A key, as it stands: nothing of it is encoded or left out.
pub(super) fn path(key: &str) -> Result<Path, BucketError> {
    rules::check_key_length(key)?;
    let path = Path::parse(key).map_err(|error| rules::other("InvalidKey", error.to_string()))?;
    if path.as_ref() == key {
        Ok(path)
    } else {
        Err(rules::other("InvalidKey", "a key has no slash at its beginning or end"))
    }
}

/// Metadata for a request. Azure's names are those of a programming language, without hyphens: they are written `_`.
pub(super) fn attributes(dialect: Dialect, metadata: &Metadata) -> Result<Attributes, BucketError> {
    let mut attributes = Attributes::new();
    for (name, value) in metadata {
        let name = if dialect == Dialect::Azure { azure_name(name)? } else { name.clone() };
        attributes.insert(Attribute::Metadata(name.into()), value.clone().into());
    }
    Ok(attributes)
}

fn azure_name(name: &str) -> Result<String, BucketError> {
    let is_good = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_good {
        return Ok(name.replace('-', "_"));
    }
    let message =
        format!("Azure can't hold metadata named {name:?}: letters, digits and hyphens, a letter first");
    Err(rules::other("InvalidArgument", message))
}

/// Metadata of an answer.
pub(super) fn metadata(dialect: Dialect, attributes: &Attributes) -> Metadata {
    let ours = |(attribute, value): (&Attribute, &object_store::AttributeValue)| match attribute {
        Attribute::Metadata(name) if dialect == Dialect::Azure => {
            Some((name.to_ascii_lowercase().replace('_', "-"), value.to_string()))
        }
        Attribute::Metadata(name) => Some((name.to_ascii_lowercase(), value.to_string())),
        _ => None,
    };
    attributes.iter().filter_map(ours).collect()
}

/// What `object_store` doesn't send with Azure's list of blocks: the blob's metadata, and that its key must be free.
pub(super) fn commit_headers(
    attributes: &Attributes,
    create_only: bool,
) -> Result<Vec<(HeaderName, HeaderValue)>, BucketError> {
    let bad = |error: &dyn std::fmt::Display| rules::other("InvalidArgument", error.to_string());
    let mut headers = Vec::new();
    for (attribute, value) in attributes {
        if let Attribute::Metadata(name) = attribute {
            let name = HeaderName::try_from(format!("x-ms-meta-{name}")).map_err(|error| bad(&error))?;
            headers.push((name, HeaderValue::try_from(&**value).map_err(|error| bad(&error))?));
        }
    }
    if create_only {
        headers.push((http::header::IF_NONE_MATCH, HeaderValue::from_static("*")));
    }
    Ok(headers)
}
