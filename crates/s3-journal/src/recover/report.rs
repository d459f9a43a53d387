//! What a recovery found and did, as data. Pure.

use serde::Serialize;

/// Where an object stands whose upload is open, or whose recovery was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecoverState {
    /// Whoever uploads it was heard of not long ago, or the store doesn't tell when. It is left alone.
    Living,
    /// Its first parts are there: something can be brought back.
    Recoverable,
    /// A recovery of it was begun and hasn't come to its end.
    Interrupted,
    /// The object, or what could be recovered of it, is in the bucket: the uploads are left over.
    InBucket,
    /// Its first part is missing: nothing can be brought back.
    Unusable,
}

/// What was done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecoverAction {
    /// Nothing, and nothing would be.
    None,
    /// Nothing; it would be completed if that was asked for.
    WouldComplete,
    /// Nothing; it would be given up if that was asked for.
    WouldAbort,
    /// Its readable entries are in the bucket as a whole object.
    Recovered,
    /// It was completed, and there was no whole entry in it.
    NothingReadable,
    /// Its uploads were given up.
    Aborted,
    /// It was completed, and can't be read by this program: it stays as it is.
    Unreadable,
    /// It was left alone, since whoever uploads it is at work after all, or came back.
    LeftAlone,
}

/// An open upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UploadSeen {
    /// The store's id of it.
    pub upload_id: String,
    /// When it was begun, in seconds since 1970, where the store tells it.
    pub started_unix_seconds: Option<u64>,
    /// How long ago that is.
    pub age_seconds: Option<u64>,
    /// Parts that are there.
    pub parts: u64,
    /// Their bytes.
    pub stored_bytes: u64,
    /// Parts from the first on without a hole.
    pub usable_parts: u64,
    /// Their bytes.
    pub usable_bytes: u64,
}

/// A recovered object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RecoveredObject {
    /// Its key.
    pub key: String,
    /// Sequence number of its first entry.
    pub first_sequence: u64,
    /// Sequence number after its last entry.
    pub next_sequence: u64,
    /// Its length in bytes, as stored.
    pub stored_bytes: u64,
}

/// One object, and what was found and done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RecoverItem {
    /// The object's key; as the store has it, so see [`escaped`](crate::read::escaped).
    pub key: String,
    /// Whose.
    pub id: String,
    /// Which life of the local directory.
    pub incarnation: String,
    /// Its shard, if the key begins with one.
    pub shard: Option<char>,
    /// The object's number.
    pub number: u64,
    /// Sequence number of its first entry.
    pub first_sequence: u64,
    /// Its open uploads.
    pub uploads: Vec<UploadSeen>,
    /// How long nothing was heard of this incarnation; `None` when the store doesn't tell.
    pub silent_seconds: Option<u64>,
    /// Where it stands.
    pub state: RecoverState,
    /// What was done.
    pub action: RecoverAction,
    /// What could be recovered of it, if that is in the bucket.
    pub recovered: Option<RecoveredObject>,
    /// Uploads that were given up.
    pub aborted_uploads: u64,
    /// One sentence for people, safe for a terminal.
    pub text: String,
}

/// All of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct RecoverTotals {
    /// Objects found.
    pub found: u64,
    /// Those that are being uploaded by somebody who lives.
    pub living: u64,
    /// Those that could be completed.
    pub recoverable: u64,
    /// Those whose entries are in the bucket now.
    pub recovered: u64,
    /// Those entries.
    pub recovered_entries: u64,
    /// Those that were completed and can't be read by this program.
    pub unreadable: u64,
    /// Uploads that were given up.
    pub aborted_uploads: u64,
}

impl RecoverTotals {
    pub(super) fn add(&mut self, item: &RecoverItem) {
        self.found += 1;
        self.living += u64::from(item.state == RecoverState::Living);
        let can_be = matches!(item.state, RecoverState::Recoverable | RecoverState::Interrupted);
        self.recoverable += u64::from(can_be);
        self.unreadable += u64::from(item.action == RecoverAction::Unreadable);
        self.aborted_uploads += item.aborted_uploads;
        if item.action == RecoverAction::Recovered
            && let Some(recovered) = &item.recovered
        {
            self.recovered += 1;
            self.recovered_entries += recovered.next_sequence - recovered.first_sequence;
        }
    }
}
