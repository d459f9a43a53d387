//! The directory held against the bucket: what was acknowledged as uploaded is there, what is in both is the same, and
//! nothing of this incarnation is there that this directory never wrote. Knows the reader.
//!
//! The order makes it right beside a running journal: the bucket is listed first, the directory read next, and what the
//! listing didn't have is asked for by its key last. So whatever the directory had acknowledged is asked for afterwards, and
//! whatever the listing had was known to the directory.

use std::collections::BTreeMap;

use super::findings::{LocalFinding, LocalFindingKind as Kind};
use super::report::{LocalObject, LocalReport, ObjectState};
use crate::object::{ObjectKey, ObjectMetadata};
use crate::read::{FINDINGS_MAX, Listing, Object, ReadError, Reader, Sequences, escaped};

/// How the two are held against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BesideOptions {
    /// Read every byte of the objects that are here and there. Else lengths, metadata, and sums where the store tells them.
    pub deep: bool,
    /// The first objects may be missing in the bucket: expired or archived.
    pub allow_missing_start: bool,
}

impl LocalReport {
    /// Holds the directory against the bucket that it uploads to, and adds what is wrong to [`LocalReport::findings`].
    /// `listing` is the bucket's, taken *before* the directory was read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn hold_against(
        &mut self,
        reader: &Reader,
        listing: &Listing,
        options: BesideOptions,
    ) -> Result<(), ReadError> {
        let mut found = Vec::new();
        let beside = Beside::new(self, listing);
        beside.unknown_here(self, &mut found);
        for object in &self.objects {
            let expired =
                options.allow_missing_start && beside.first.is_none_or(|first| object.number < first);
            let Some(key) = object.key.as_ref().filter(|_| !expired && object.state != ObjectState::Open)
            else {
                continue;
            };
            if object.state == ObjectState::Sealed && !beside.objects.contains_key(&object.number) {
                continue;
            }
            self.compared_objects += 1;
            found.extend(compare(reader, object, key, options.deep)?);
        }
        beside.missing_end(self, &mut found);
        for finding in found {
            if self.findings.len() < FINDINGS_MAX {
                self.findings.push(finding);
            } else {
                self.findings_left_out += 1;
            }
        }
        Ok(())
    }
}

/// What the listing has of the directory's incarnation.
struct Beside {
    /// The numbers that matter: those of objects that are here, and of those that weren't acknowledged.
    objects: BTreeMap<u64, Vec<Object>>,
    first: Option<u64>,
    /// Number and first entry of the last one.
    last: Option<(u64, u64)>,
}

impl Beside {
    fn new(report: &LocalReport, listing: &Listing) -> Self {
        let is_ours = |id: &str, incarnation: &str| id == report.id && incarnation == report.incarnation;
        let stream = listing
            .streams()
            .iter()
            .find(|stream| is_ours(stream.id().as_str(), stream.incarnation().as_str()));
        let mut beside = Self { objects: BTreeMap::new(), first: None, last: None };
        let lowest = report.objects.first().map_or(report.uploaded_number, |object| object.number);
        for object in stream.into_iter().flat_map(crate::read::Stream::objects) {
            let number = object.name.number;
            beside.first = beside.first.or(Some(number));
            beside.last = Some((number, object.name.first));
            if number >= lowest.min(report.uploaded_number) {
                beside.objects.entry(number).or_default().push(object);
            }
        }
        beside
    }

    /// Objects that the directory hasn't acknowledged, and that aren't those it is about to write.
    fn unknown_here(&self, report: &LocalReport, found: &mut Vec<LocalFinding>) {
        for (number, objects) in self.objects.range(report.uploaded_number..) {
            let here = report.objects.iter().find(|object| object.number == *number);
            for object in objects {
                let is_ours =
                    here.is_some_and(|here| here.key.as_deref().is_none_or(|key| key == object.key));
                if is_ours {
                    continue;
                }
                let text = format!(
                    "object {number} ({}) is in the bucket, and this directory never wrote it: it is an old copy of another \
                     one, or another one is a copy of it",
                    escaped(&object.key)
                );
                let entries = Sequences::since(object.name.first);
                let finding = LocalFinding::new(Kind::UnknownHere, text);
                found.push(finding.of_object(*number, Some(object.key.clone())).within(entries));
            }
        }
    }

    /// Acknowledged objects behind the bucket's last one: nothing in the bucket could show that they are missing.
    fn missing_end(&self, report: &LocalReport, found: &mut Vec<LocalFinding>) {
        let first_missing = self.last.map_or(0, |(number, _)| number.saturating_add(1));
        let known = report.objects.iter().filter(|object| object.state == ObjectState::Uploaded);
        // Those that are known here have been asked for one by one.
        let end = known.map(|object| object.number).min().unwrap_or(report.uploaded_number);
        if first_missing >= end.min(report.uploaded_number) {
            return;
        }
        let to = report.objects.iter().find(|object| object.number == end);
        let to = to.map_or(report.uploaded_sequence, |object| object.first_sequence);
        let from = self.last.map_or(0, |(_, first)| first.saturating_add(1));
        let last_missing = end.saturating_sub(1);
        let which = if first_missing == last_missing {
            format!("object {first_missing} was")
        } else {
            format!("the objects {first_missing} to {last_missing} were")
        };
        let text = format!("{which} acknowledged as uploaded, and the bucket ends before");
        let finding = LocalFinding::new(Kind::NotInBucket, text).of_object(first_missing, None);
        let missing = Sequences::new(from, to);
        found.push(if self.last.is_none() { finding.exactly(missing) } else { finding.within(missing) });
    }
}

/// One object that is here, beside what is at its key.
fn compare(
    reader: &Reader,
    object: &LocalObject,
    key: &str,
    deep: bool,
) -> Result<Option<LocalFinding>, ReadError> {
    let entries = Sequences::new(object.first_sequence, object.next_sequence);
    let finding = |kind, text: String| {
        let text = format!("object {} ({}) {text}", object.number, escaped(key));
        Some(LocalFinding::new(kind, text).of_object(object.number, Some(key.to_owned())).exactly(entries))
    };
    let Some(head) = reader.head(key)? else {
        if object.state != ObjectState::Uploaded {
            return Ok(None);
        }
        let text = "was acknowledged as uploaded and isn't in the bucket".to_owned();
        return Ok(finding(Kind::NotInBucket, text));
    };
    let differs = |text: String| finding(Kind::DiffersFromBucket, text);
    let described = ObjectMetadata::from_map(&head.metadata)
        .is_ok_and(|metadata| ObjectKey::parse(key).is_some_and(|name| metadata.is_of(&name.name)));
    if !described {
        return Ok(differs("is in the bucket with other metadata".to_owned()));
    }
    if !object.is_sealed {
        // The record that sums it up is lost.
        return Ok(None);
    }
    if head.len_bytes != object.stored_bytes {
        let text = format!("has {} bytes in the bucket and {} here", head.len_bytes, object.stored_bytes);
        return Ok(differs(text));
    }
    let told = head.crc64nvme.filter(|_| !deep);
    let there = match told {
        Some(told) => told,
        None if deep => reader.sum(key, head.len_bytes)?,
        None => return Ok(None),
    };
    if there == object.crc64nvme {
        return Ok(None);
    }
    let here = object.crc64nvme;
    Ok(differs(format!("has the CRC-64/NVME {there:016x} in the bucket and {here:016x} here")))
}
