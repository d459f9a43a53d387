//! What S3 itself refuses, and the tags it gives, for the back-ends that aren't S3. Knows only the trait's types.

use super::{Abilities, BucketError, BucketErrorKind, Complete, Metadata, Part};

/// All user metadata of an object, names and values together, in bytes
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>).
const METADATA_BYTES_MAX: usize = 2_048;

/// Names of one page of a listing (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>).
pub(super) const PAGE_ENTRIES: usize = 1_000;

/// CRC-64/NVME of `bytes`.
pub(super) fn crc64nvme(bytes: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes)
}

/// The tag of a part: what it is made of, so that a tag that fits means bytes that fit.
pub(super) fn etag(crc64nvme: u64, len_bytes: u64) -> String {
    format!("\"{crc64nvme:016x}-{len_bytes}\"")
}

pub(super) fn check_key_length(key: &str) -> Result<(), BucketError> {
    if key.is_empty() || key.len() > Abilities::S3.key_bytes_max {
        return Err(other("KeyTooLongError", "a key has 1 to 1,024 bytes"));
    }
    Ok(())
}

pub(super) fn check_metadata(metadata: &Metadata) -> Result<(), BucketError> {
    let name_is_good = |name: &str| {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        !name.is_empty() && name.bytes().all(good)
    };
    let value_is_good = |value: &str| value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !metadata.iter().all(|(name, value)| name_is_good(name) && value_is_good(value)) {
        return Err(other("InvalidArgument", "metadata has lower-case names and printable ASCII values"));
    }
    if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > METADATA_BYTES_MAX {
        return Err(other("MetadataTooLarge", "user metadata has at most 2,048 bytes"));
    }
    Ok(())
}

/// Whether the bytes that arrived are the ones that were sent.
pub(super) fn check_digest(bytes: &[u8], sent: u64) -> Result<(), BucketError> {
    check_sum(crc64nvme(bytes), sent)
}

pub(super) fn check_sum(found: u64, sent: u64) -> Result<(), BucketError> {
    if found == sent {
        return Ok(());
    }
    let message = format!("CRC-64/NVME of what arrived is {found:016x}, {sent:016x} was announced");
    Err(BucketError::new(BucketErrorKind::BadDigest, "BadDigest", message))
}

pub(super) fn check_part_number(number: u32) -> Result<(), BucketError> {
    if number == 0 || number > Abilities::S3.parts_max {
        return Err(other("InvalidArgument", "part numbers are 1 to 10,000"));
    }
    Ok(())
}

/// Whether the parts named make one object out of those that `held` has.
pub(super) fn check_parts<'a>(
    complete: &Complete<'_>,
    part_size_min_bytes: u64,
    held: impl Fn(u32) -> Option<&'a Part>,
) -> Result<(), BucketError> {
    let invalid = |code, message: String| Err(BucketError::new(BucketErrorKind::InvalidPart, code, message));
    if complete.parts.is_empty() {
        return Err(other("MalformedXML", "an upload has at least one part"));
    }
    let (mut total, mut smallest_but_last, mut last) = (0_u64, u64::MAX, u64::MAX);
    for (number, part) in (1..).zip(complete.parts) {
        // With checksums of whole objects S3 demands 1, 2, 3 ... without a gap.
        if part.number != number {
            return invalid("InvalidPartOrder", format!("part {} stands where {number} should", part.number));
        }
        let Some(found) = held(number).filter(|found| found.etag == part.etag) else {
            return invalid("InvalidPart", format!("part {number} isn't there or has another tag"));
        };
        smallest_but_last = smallest_but_last.min(last);
        last = found.len_bytes;
        total = total.saturating_add(found.len_bytes);
    }
    if smallest_but_last < part_size_min_bytes {
        let message =
            format!("a part has {smallest_but_last} bytes, all but the last need {part_size_min_bytes}");
        return Err(other("EntityTooSmall", message));
    }
    if total != complete.len_bytes {
        let message = format!("the parts have {total} bytes together, {} were announced", complete.len_bytes);
        return Err(other("InvalidRequest", message));
    }
    Ok(())
}

pub(super) fn other(code: &str, message: impl Into<String>) -> BucketError {
    BucketError::new(BucketErrorKind::Other, code, message)
}

pub(super) fn not_found(key: &str) -> BucketError {
    BucketError::new(BucketErrorKind::NotFound, "NoSuchKey", key)
}

pub(super) fn no_such_upload(upload_id: &str) -> BucketError {
    BucketError::new(BucketErrorKind::NoSuchUpload, "NoSuchUpload", upload_id)
}

pub(super) fn key_taken(key: &str) -> BucketError {
    BucketError::new(BucketErrorKind::PreconditionFailed, "PreconditionFailed", key)
}
