//! What Google's and Azure's stores, as the crate `object_store` reaches them, can't do that S3 can: told at start, heeded in
//! the calls. Knows no calls.

use crate::bucket::Limit;

const NO_CHECKSUM: Limit = Limit {
    name: "no-checksum",
    text: "no checksum goes with the bytes: what is damaged on its way is found by TLS, or later by `verify --deep`",
};

const NO_LIST_PARTS: Limit = Limit {
    name: "no-list-parts",
    text: "parts that an earlier run sent can't be asked for: after a restart the open object goes up again from its first byte",
};

const NO_LIST_UPLOADS: Limit = Limit {
    name: "no-list-uploads",
    text: "open uploads can't be listed: nothing is swept, and `recover` finds none",
};

/// Google Cloud Storage's.
pub(super) const GCS: &[Limit] = &[
    Limit {
        name: "complete-not-conditional",
        text: "an object in parts can't be completed on the condition that its key is free: its key is looked at just before, \
               which needs storage.objects.get",
    },
    NO_CHECKSUM,
    NO_LIST_PARTS,
    NO_LIST_UPLOADS,
    Limit {
        name: "abandoned-uploads-stay",
        text: "uploads that a crash left open stay until a lifecycle rule of the bucket removes them: set \
               AbortIncompleteMultipartUpload",
    },
];

/// Azure Blob Storage's.
pub(super) const AZURE: &[Limit] = &[
    NO_CHECKSUM,
    NO_LIST_PARTS,
    NO_LIST_UPLOADS,
    Limit {
        name: "no-abort",
        text: "an upload can't be aborted: Azure drops blocks that belong to no blob a week after the last was sent",
    },
];

/// Any other store's of that crate, of which nothing more is known.
pub(super) const OTHER: &[Limit] = &[
    Limit {
        name: "complete-not-conditional",
        text: "an object in parts can't be completed on the condition that its key is free: its key is looked at just before",
    },
    NO_CHECKSUM,
    NO_LIST_PARTS,
    NO_LIST_UPLOADS,
];
