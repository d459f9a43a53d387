//! Uploads in parts. Knows `Disk`, staging and publishing.
//!
//! `uploads/<id>.json` says which key an upload is for; `uploads/<id>/<number>.part` are its parts, each beginning with its
//! checksum. Ids are counted and never used again: so the record of a closed upload stays, empty, until there is a higher
//! one. An upload is open as long as its record has content.

use std::io;
use std::path::{Path, PathBuf};

use crc_fast::{CrcAlgorithm, Digest};
use durable_queue::disk::{DiskFile, OpenMode};
use serde::{Deserialize, Serialize};

use super::about;
use super::io_error::{failed, ignore_absent, is_absent};
use super::objects::CHUNK_BYTES;
use super::staging::Staged;
use super::{Store, paths};
use crate::bucket::rules::{self, PAGE_ENTRIES};
use crate::bucket::{
    BucketError, BucketErrorKind, Complete, Metadata, OpenUpload, Part, UploadMarker, UploadPage, UploadPart,
};

/// What a part's file begins with, before the checksum (little-endian) and the bytes.
const PART_MAGIC: [u8; 8] = *b"s3jpart1";
const PART_HEADER_BYTES: u64 = 16;

const RECORD_SUFFIX: &str = ".json";
const PART_SUFFIX: &str = ".part";

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    key: String,
    initiated_unix_ms: u64,
    metadata: Metadata,
}

impl Store {
    fn record_path(&self, id: u64) -> PathBuf {
        paths::uploads(&self.root).join(format!("{id:012}{RECORD_SUFFIX}"))
    }

    fn parts_path(&self, id: u64) -> PathBuf {
        paths::uploads(&self.root).join(format!("{id:012}"))
    }

    pub(super) fn create_upload(&self, key: &str, metadata: &Metadata) -> Result<String, BucketError> {
        paths::object(&self.root, key)?;
        rules::check_metadata(metadata)?;
        let initiated_unix_ms = about::unix_ms(self.clock.wall());
        let record = Record { key: key.to_owned(), initiated_unix_ms, metadata: metadata.clone() };
        let uploads = paths::uploads(&self.root);
        self.disk.create_directory(&uploads).map_err(failed("could not create the directory", &uploads))?;
        let staged = self.staging.create(&self.disk, &self.root)?;
        let bytes = serde_json::to_vec(&record).map_err(io::Error::other);
        let written =
            bytes.and_then(|bytes| staged.file.write_at(&bytes, 0)).and_then(|()| staged.file.sync());
        written.map_err(failed("could not write", &staged.path))?;

        let mut id = self.record_ids()?.into_iter().max().map_or(1, |highest| highest + 1);
        loop {
            let path = self.record_path(id);
            match self.disk.hard_link(&staged.path, &path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => id += 1,
                other => break other.map_err(failed("could not create", &path))?,
            }
        }
        let parts = self.parts_path(id);
        self.disk.create_directory(&parts).map_err(failed("could not create the directory", &parts))?;
        paths::sync_up(self.disk.as_ref(), &self.root, &uploads)?;
        self.forget_closed(id);
        Ok(format!("{id:012}"))
    }

    /// The numbers of all records, open and closed.
    fn record_ids(&self) -> Result<Vec<u64>, BucketError> {
        let uploads = paths::uploads(&self.root);
        let entries = match self.disk.entries(&uploads) {
            Err(error) if is_absent(&error) => Vec::new(),
            other => other.map_err(failed("could not list", &uploads))?,
        };
        let names = entries.iter().filter(|entry| !entry.is_directory);
        Ok(names.filter_map(|entry| entry.name.strip_suffix(RECORD_SUFFIX)?.parse().ok()).collect())
    }

    /// The record of an open upload.
    fn record(&self, upload_id: &str) -> Result<(u64, Record), BucketError> {
        // Digits only: an id is part of a path.
        let id = upload_id.parse().ok().filter(|_| upload_id.bytes().all(|byte| byte.is_ascii_digit()));
        let id = id.ok_or_else(|| rules::no_such_upload(upload_id))?;
        let path = self.record_path(id);
        let bytes = match about::read_small(self.disk.as_ref(), &path) {
            Err(error) if is_absent(&error) => None,
            other => other.map_err(failed("could not read", &path))?,
        };
        let bytes =
            bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(|| rules::no_such_upload(upload_id))?;
        let record = serde_json::from_slice(&bytes).map_err(io::Error::other);
        Ok((id, record.map_err(failed("could not read", &path))?))
    }

    fn record_for(&self, key: &str, upload_id: &str) -> Result<(u64, Record), BucketError> {
        let (id, record) = self.record(upload_id)?;
        if record.key == key { Ok((id, record)) } else { Err(rules::no_such_upload(upload_id)) }
    }

    pub(super) fn upload_part(&self, part: &UploadPart<'_>) -> Result<String, BucketError> {
        rules::check_part_number(part.number)?;
        rules::check_digest(&part.body, part.crc64nvme)?;
        let (id, _) = self.record_for(part.key, part.upload_id)?;
        let directory = self.parts_path(id);
        let path = directory.join(format!("{:05}{PART_SUFFIX}", part.number));
        let written = self.write_part(&directory, &path, part);
        // Closed meanwhile: what was written after the parts were removed has to go, too.
        if let Err(closed) = self.record_for(part.key, part.upload_id) {
            self.remove_parts(id);
            return Err(closed);
        }
        written?;
        Ok(rules::etag(part.crc64nvme, part.body.len() as u64))
    }

    fn write_part(&self, directory: &Path, path: &Path, part: &UploadPart<'_>) -> Result<(), BucketError> {
        let mut attempt = 0_u64;
        let (new, file) = loop {
            let new = directory.join(format!("{:05}.{attempt}.new", part.number));
            match self.disk.open(&new, OpenMode::CreateNew) {
                Ok(file) => break (new, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
                Err(error) => return Err(failed("could not create", &new)(error)),
            }
        };
        let mut header = PART_MAGIC.to_vec();
        header.extend_from_slice(&part.crc64nvme.to_le_bytes());
        let written = file
            .write_at(&header, 0)
            .and_then(|()| file.write_at(&part.body, PART_HEADER_BYTES))
            .and_then(|()| file.sync())
            .and_then(|()| self.disk.rename(&new, path))
            .and_then(|()| self.disk.sync_directory(directory));
        written.map_err(|error| {
            let _ = self.disk.remove(&new);
            failed("could not write", path)(error)
        })
    }

    pub(super) fn list_parts(&self, key: &str, upload_id: &str) -> Result<Vec<Part>, BucketError> {
        let (id, _) = self.record_for(key, upload_id)?;
        self.parts(id)
    }

    fn parts(&self, id: u64) -> Result<Vec<Part>, BucketError> {
        let directory = self.parts_path(id);
        let entries = match self.disk.entries(&directory) {
            Err(error) if is_absent(&error) => Vec::new(),
            other => other.map_err(failed("could not list", &directory))?,
        };
        let mut parts = Vec::new();
        for entry in entries {
            let Some(number) = entry.name.strip_suffix(PART_SUFFIX).and_then(|number| number.parse().ok())
            else {
                continue;
            };
            let path = directory.join(&entry.name);
            let opened = self.disk.open(&path, OpenMode::Read).and_then(|file| read_header(file.as_ref()));
            // A part that isn't whole isn't there: it is sent again.
            if let Some((len_bytes, crc64nvme)) = opened.map_err(failed("could not read", &path))? {
                let etag = rules::etag(crc64nvme, len_bytes);
                parts.push(Part { number, etag, len_bytes, crc64nvme: Some(crc64nvme) });
            }
        }
        Ok(parts)
    }

    pub(super) fn complete_upload(&self, complete: &Complete<'_>) -> Result<(), BucketError> {
        let path = paths::object(&self.root, complete.key)?;
        let (id, record) = self.record_for(complete.key, complete.upload_id)?;
        if complete.create_only {
            self.check_free(complete.key, &path)?;
        }
        let held = self.parts(id)?;
        rules::check_parts(complete, 1, |number| held.iter().find(|part| part.number == number))?;
        let staged = self.staging.create(&self.disk, &self.root)?;
        let (mut digest, mut offset) = (Digest::new(CrcAlgorithm::Crc64Nvme), 0);
        for part in complete.parts {
            self.copy_part(id, part.number, &staged, &mut offset, &mut digest)?;
        }
        let found = (offset, digest.finalize());
        rules::check_sum(found.1, complete.crc64nvme.unwrap_or(found.1))?;
        self.publish(complete.key, &staged, found, &record.metadata, complete.create_only)?;
        // The object is there: an upload that stays open is only in the way until it is aborted.
        let _ = self.close(id);
        Ok(())
    }

    /// Appends a part's bytes to the staged file.
    fn copy_part(
        &self,
        id: u64,
        number: u32,
        staged: &Staged,
        offset: &mut u64,
        whole: &mut Digest,
    ) -> Result<(), BucketError> {
        let path = self.parts_path(id).join(format!("{number:05}{PART_SUFFIX}"));
        let invalid = |message: &str| {
            let message = format!("part {number} {message}");
            BucketError::new(BucketErrorKind::InvalidPart, "InvalidPart", message)
        };
        let file = match self.disk.open(&path, OpenMode::Read) {
            Err(error) if is_absent(&error) => return Err(invalid("isn't there any more")),
            other => other.map_err(failed("could not open", &path))?,
        };
        let header = read_header(file.as_ref()).map_err(failed("could not read", &path))?;
        let (mut left, announced) = header.ok_or_else(|| invalid("isn't whole"))?;
        let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut from = PART_HEADER_BYTES;
        while left > 0 {
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let chunk = buffer.get_mut(..take).unwrap_or_default();
            file.read_exact_at(chunk, from).map_err(failed("could not read", &path))?;
            staged.file.write_at(chunk, *offset).map_err(failed("could not write", &staged.path))?;
            digest.update(chunk);
            whole.update(chunk);
            (left, from, *offset) = (left - take as u64, from + take as u64, *offset + take as u64);
        }
        file.forget_cached(0, from);
        if digest.finalize() == announced { Ok(()) } else { Err(invalid("was damaged on the disk")) }
    }

    pub(super) fn abort_upload(&self, key: &str, upload_id: &str) -> Result<(), BucketError> {
        let (id, _) = self.record_for(key, upload_id)?;
        let path = self.record_path(id);
        self.close(id).map_err(failed("could not close", &path))
    }

    /// Ends an upload. A power loss may undo this; the upload is then open, and in nobody's way, until it is aborted again.
    fn close(&self, id: u64) -> io::Result<()> {
        let record = self.disk.open(&self.record_path(id), OpenMode::ReadWrite);
        ignore_absent(record.and_then(|record| record.set_len(0)))?;
        self.remove_parts(id);
        if let Ok(ids) = self.record_ids()
            && ids.iter().any(|other| *other > id)
        {
            ignore_absent(self.disk.remove(&self.record_path(id)))?;
        }
        Ok(())
    }

    /// Removes records that only kept their ids from being used again, now that `highest` does.
    fn forget_closed(&self, highest: u64) {
        for id in self.record_ids().unwrap_or_default().into_iter().filter(|id| *id < highest) {
            let path = self.record_path(id);
            let len = self.disk.open(&path, OpenMode::Read).and_then(|file| file.len_bytes());
            if len.is_ok_and(|len| len == 0) {
                self.remove_parts(id);
                let _ = self.disk.remove(&path);
            }
        }
    }

    /// Whatever stays is removed with the record, or shows in nothing but the directory's size.
    fn remove_parts(&self, id: u64) {
        let directory = self.parts_path(id);
        for entry in self.disk.entries(&directory).unwrap_or_default() {
            let _ = self.disk.remove(&directory.join(entry.name));
        }
        let _ = self.disk.remove_directory(&directory);
    }

    pub(super) fn list_uploads(
        &self,
        prefix: &str,
        after: Option<&UploadMarker>,
    ) -> Result<UploadPage, BucketError> {
        let mut uploads = Vec::new();
        for id in self.record_ids()? {
            let upload_id = format!("{id:012}");
            let record = match self.record(&upload_id) {
                Err(error) if error.kind() == BucketErrorKind::NoSuchUpload => continue,
                other => other?.1,
            };
            let is_later = after.is_none_or(|after| match &after.upload_id {
                Some(seen) => (&record.key, &upload_id) > (&after.key, seen),
                None => record.key > after.key,
            });
            if record.key.starts_with(prefix) && is_later {
                let initiated = about::from_unix_ms(record.initiated_unix_ms);
                uploads.push(OpenUpload { key: record.key, upload_id, initiated });
            }
        }
        uploads.sort_by(|a, b| (&a.key, &a.upload_id).cmp(&(&b.key, &b.upload_id)));
        let is_truncated = uploads.len() > PAGE_ENTRIES;
        uploads.truncate(PAGE_ENTRIES);
        let last = uploads.last().filter(|_| is_truncated);
        let next =
            last.map(|last| UploadMarker { key: last.key.clone(), upload_id: Some(last.upload_id.clone()) });
        Ok(UploadPage { uploads, next })
    }
}

/// Length and checksum that a part's file announces; `None` when it isn't a part.
fn read_header(file: &dyn DiskFile) -> io::Result<Option<(u64, u64)>> {
    let Some(len_bytes) = file.len_bytes()?.checked_sub(PART_HEADER_BYTES) else { return Ok(None) };
    let (mut magic, mut crc64nvme) = ([0; 8], [0; 8]);
    file.read_exact_at(&mut magic, 0)?;
    file.read_exact_at(&mut crc64nvme, 8)?;
    Ok((magic == PART_MAGIC).then_some((len_bytes, u64::from_le_bytes(crc64nvme))))
}
