//! The files that readers have open. A file that is removed gives its room back only once nobody has it open, and a reader may
//! stand idle for as long as it likes: on a full disk for ever, since it waits for what there is no room to write. So the files
//! of a slab are closed when it is removed, whoever has them. Knows `disk`.

use std::sync::{Arc, Weak};

use super::lock;
use crate::disk::DiskFile;
use crate::sync::Mutex;

/// A slab's file as a reader has it open.
#[derive(Debug)]
pub(crate) struct OpenFile {
    number: u64,
    file: Mutex<Option<Arc<dyn DiskFile>>>,
}

impl OpenFile {
    /// The file, for as long as one read takes; nothing once the slab was removed.
    pub(crate) fn get(&self) -> Option<Arc<dyn DiskFile>> {
        lock(&self.file).clone()
    }

    /// Closes it, at once or when the read ends that goes on now.
    pub(crate) fn close(&self) {
        *lock(&self.file) = None;
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles {
    files: Mutex<Vec<Weak<OpenFile>>>,
}

impl OpenFiles {
    /// A file of slab `number`. Whoever adds one must look once more whether the slab is still there.
    pub(crate) fn add(&self, number: u64, file: Box<dyn DiskFile>) -> Arc<OpenFile> {
        let file = Arc::new(OpenFile { number, file: Mutex::new(Some(Arc::from(file))) });
        let mut files = lock(&self.files);
        files.retain(|file| file.strong_count() > 0);
        files.push(Arc::downgrade(&file));
        file
    }

    /// Closes the files of slab `number`.
    pub(super) fn close(&self, number: u64) {
        for file in lock(&self.files).iter().filter_map(Weak::upgrade).filter(|file| file.number == number) {
            file.close();
        }
    }
}
