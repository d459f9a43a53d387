//! The objects below a directory, in the order of their keys' bytes. Knows `Disk` and which names are keys.

use std::path::Path;

use durable_queue::disk::Disk;

use super::io_error::{failed, is_absent};
use super::paths::{self, PRIVATE};
use crate::bucket::rules::PAGE_ENTRIES;
use crate::bucket::{BucketError, ObjectEntry, ObjectPage};

/// One page of the objects whose keys start with `prefix`, after the key `after`.
pub(super) fn list(
    disk: &dyn Disk,
    root: &Path,
    prefix: &str,
    after: Option<&str>,
) -> Result<ObjectPage, BucketError> {
    let mut walk = Walk { disk, prefix, after, objects: Vec::new() };
    walk.enter(root, "")?;
    let mut objects = walk.objects;
    let is_truncated = objects.len() > PAGE_ENTRIES;
    objects.truncate(PAGE_ENTRIES);
    let next = objects.last().filter(|_| is_truncated).map(|last| last.key.clone());
    Ok(ObjectPage { objects, next })
}

struct Walk<'a> {
    disk: &'a dyn Disk,
    prefix: &'a str,
    after: Option<&'a str>,
    /// At most one more than fits on the page.
    objects: Vec<ObjectEntry>,
}

impl Walk<'_> {
    /// Goes through `directory`, whose keys begin with `above`.
    fn enter(&mut self, directory: &Path, above: &str) -> Result<(), BucketError> {
        let mut entries = match self.disk.entries(directory) {
            // Not made yet, or removed since its name was read.
            Err(error) if is_absent(&error) => return Ok(()),
            other => other.map_err(failed("could not list", directory))?,
        };
        for entry in &mut entries {
            // Keys below a directory begin with its name and a slash, and so do they sort.
            if entry.is_directory {
                entry.name.push('/');
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        for entry in entries {
            if self.objects.len() > PAGE_ENTRIES {
                break;
            }
            let key = format!("{above}{}", entry.name);
            if entry.is_directory {
                if !entry.name.starts_with(PRIVATE) && self.may_hold_wanted(&key) {
                    self.enter(&directory.join(&entry.name), &key)?;
                }
            } else if self.is_wanted(&key) && paths::key_problem(&key).is_none() {
                self.objects.push(ObjectEntry { key, len_bytes: entry.len_bytes, modified: None });
            }
        }
        Ok(())
    }

    fn is_wanted(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && self.after.is_none_or(|after| key > after)
    }

    /// Whether a key that begins with `above` may be on this page.
    fn may_hold_wanted(&self, above: &str) -> bool {
        let fits_prefix = above.starts_with(self.prefix) || self.prefix.starts_with(above);
        fits_prefix && self.after.is_none_or(|after| above > after || after.starts_with(above))
    }
}
