//! What was made in the bucket and must go again. Knows the library's buckets.

use std::collections::{BTreeMap, BTreeSet};

use s3_journal::bucket::{Bucket, BucketError, BucketErrorKind};

use crate::commands::bench::Leftover;

/// All that may be there because of us.
#[derive(Debug, Default)]
pub struct Traces {
    /// Objects, and whether they are there for certain.
    keys: BTreeMap<String, bool>,
    /// Open uploads, by key and id.
    uploads: BTreeSet<(String, String)>,
    /// Keys of which an upload may be open whose id was lost with the answer.
    unsure_uploads: BTreeSet<String>,
}

impl Traces {
    /// A write to `key` was answered so.
    pub fn written(&mut self, key: &str, answer: &Result<(), BucketError>) {
        match answer {
            Ok(()) => {
                self.keys.insert(key.to_owned(), true);
            }
            Err(error) if !error.has_no_side_effects() => {
                self.keys.entry(key.to_owned()).or_insert(false);
            }
            Err(_) => {}
        }
    }

    /// The object at `key` is gone.
    pub fn deleted(&mut self, key: &str) {
        self.keys.remove(key);
    }

    /// Beginning an upload was answered so.
    pub fn begun(&mut self, key: &str, answer: &Result<String, BucketError>) {
        match answer {
            Ok(upload_id) => {
                self.uploads.insert((key.to_owned(), upload_id.clone()));
            }
            Err(error) if !error.has_no_side_effects() => {
                self.unsure_uploads.insert(key.to_owned());
            }
            Err(_) => {}
        }
    }

    /// The upload is completed or given up.
    pub fn ended(&mut self, key: &str, upload_id: &str) {
        self.uploads.remove(&(key.to_owned(), upload_id.to_owned()));
    }

    /// Removes all of it; returns what stays.
    pub async fn remove(mut self, bucket: &dyn Bucket) -> Vec<Leftover> {
        let (mut left, name) = (Vec::new(), bucket.name());
        for key in std::mem::take(&mut self.unsure_uploads) {
            // No other key begins with ours: its number is in it.
            match bucket.list_uploads(&key, None).await {
                Ok(page) => {
                    self.uploads
                        .extend(page.uploads.into_iter().map(|upload| (upload.key, upload.upload_id)));
                }
                Err(error) => {
                    let what = format!("perhaps an open upload of {name}/{key}");
                    left.push(Leftover { what, why: error.words() });
                }
            }
        }
        for (key, upload_id) in self.uploads {
            match bucket.abort_upload(&key, &upload_id).await {
                Err(error) if error.kind() != BucketErrorKind::NoSuchUpload => {
                    let what = format!("an open upload of {name}/{key}");
                    left.push(Leftover { what, why: error.words() });
                }
                _ => {}
            }
        }
        for (key, is_certain) in self.keys {
            if let Err(error) = bucket.delete(&key).await {
                let what = if is_certain { "the object" } else { "perhaps the object" };
                left.push(Leftover { what: format!("{what} {name}/{key}"), why: error.words() });
            }
        }
        left
    }
}
