//! The uploads that this process has open, and the parts that the store has taken of them: neither Google's nor Azure's store
//! can be asked for those through `object_store`. Knows no calls.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use object_store::Attributes;

use crate::bucket::Part;

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct OpenUpload {
    /// The object's metadata: Azure is told them with the completion.
    pub attributes: Attributes,
    /// The parts whose arrival the store has confirmed.
    pub parts: BTreeMap<u32, Part>,
}

/// All of them, by key and id.
#[derive(Debug, Default)]
pub(super) struct OpenUploads(Mutex<HashMap<(String, String), OpenUpload>>);

impl OpenUploads {
    fn all(&self) -> MutexGuard<'_, HashMap<(String, String), OpenUpload>> {
        // Every change is one step: what a panicking holder leaves behind is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn opened(&self, key: &str, upload_id: &str, attributes: Attributes) {
        let open = OpenUpload { attributes, parts: BTreeMap::new() };
        self.all().insert(id(key, upload_id), open);
    }

    pub fn holds(&self, key: &str, upload_id: &str) -> bool {
        self.all().contains_key(&id(key, upload_id))
    }

    /// What is known of an upload now.
    pub fn of(&self, key: &str, upload_id: &str) -> Option<OpenUpload> {
        self.all().get(&id(key, upload_id)).cloned()
    }

    /// The store has taken a part.
    pub fn sent(&self, key: &str, upload_id: &str, part: Part) {
        if let Some(open) = self.all().get_mut(&id(key, upload_id)) {
            open.parts.insert(part.number, part);
        }
    }

    /// It is over; whether it was open.
    pub fn closed(&self, key: &str, upload_id: &str) -> bool {
        self.all().remove(&id(key, upload_id)).is_some()
    }
}

fn id(key: &str, upload_id: &str) -> (String, String) {
    (key.to_owned(), upload_id.to_owned())
}
