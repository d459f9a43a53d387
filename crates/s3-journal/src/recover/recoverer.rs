//! The face: what is under a prefix, what can be done about it, and, when told to, that. Knows survey and rescue.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_queue::clock::{Clock, SystemClock};

use super::error::RecoverError;
use super::report::{RecoverAction as Action, RecoverItem, RecoverState as State, RecoverTotals};
use super::report::{RecoveredObject, UploadSeen};
use super::rescue::{Found, OpenParts, Outcome, Rescue};
use super::survey::{Survey, Target, Wanted, usable};
use crate::bucket::{Bucket, BucketError, UploadMarker};
use crate::object::{Id, Incarnation, RecoveryRole};
use crate::read::{ENTRY_BYTES_MAX, Retries, Store, escaped};

/// How long nothing must have been heard of an incarnation before its uploads are taken for abandoned: a day. A journal that
/// works writes an object every few minutes, and an outage of the store is over in hours; who was silent for a day has most
/// likely lost its disk, and if not, loses nothing but an upload that it does again.
pub const OLDER_THAN: Duration = Duration::from_hours(24);

/// What to look for, and what to do. By default nothing is done: everything is only told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverOptions {
    /// Only the journals with exactly this id.
    pub id: Option<Id>,
    /// Only this incarnation.
    pub incarnation: Option<Incarnation>,
    /// Only incarnations of which nothing was heard for so long: no upload begun, no object written. [`OLDER_THAN`] by
    /// default. A recovery that was begun goes on whatever it says.
    pub older_than: Duration,
    /// Bring back what can be read.
    pub complete: bool,
    /// Give up what is left over: uploads of objects that are in the bucket, and those of which nothing can be brought back.
    /// Never one that `complete` would bring back.
    pub abort: bool,
    /// The longest entry that is looked for, in bytes with its delimiter: [`ENTRY_BYTES_MAX`] by default.
    pub entry_bytes_max: u64,
}

impl Default for RecoverOptions {
    fn default() -> Self {
        Self {
            id: None,
            incarnation: None,
            older_than: OLDER_THAN,
            complete: false,
            abort: false,
            entry_bytes_max: ENTRY_BYTES_MAX,
        }
    }
}

/// Finds uploads that were abandoned, and brings back what can be read of them.
///
/// ```
/// use std::sync::Arc;
/// use s3_journal::bucket::MemoryBucket;
/// use s3_journal::recover::{RecoverOptions, Recoverer};
///
/// let recoverer = Recoverer::new(Arc::new(MemoryBucket::new()), "events")?;
/// let totals = recoverer.run(&RecoverOptions::default(), &mut |item| println!("{}", item.text))?;
/// assert_eq!(totals.found, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recoverer {
    store: Store,
    /// Empty, or with a slash at its end.
    prefix: String,
    clock: Arc<dyn Clock>,
}

impl Recoverer {
    /// For what lies under `prefix`; slashes at its ends don't matter, and an empty one is the whole bucket.
    ///
    /// # Errors
    /// When the threads of its runtime can't be started.
    pub fn new(bucket: Arc<dyn Bucket>, prefix: &str) -> io::Result<Self> {
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let store = Store::new(bucket, Retries::default())?;
        Ok(Self { store, prefix, clock: Arc::new(SystemClock::new()) })
    }

    /// With another clock than the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With other retries than the default ones.
    #[must_use]
    pub fn with_retries(mut self, retries: Retries) -> Self {
        self.store.set_retries(retries);
        self
    }

    /// Looks at everything, does what the options say, and calls `tell` for each object when it is done with it.
    ///
    /// # Durability
    /// What was told as recovered is in the bucket, and was read back.
    ///
    /// # Errors
    /// [`RecoverError`]. What was done until then stands, and running it again goes on.
    pub fn run(
        &self,
        options: &RecoverOptions,
        tell: &mut dyn FnMut(&RecoverItem),
    ) -> Result<RecoverTotals, RecoverError> {
        let now = self.clock.wall();
        let survey = self.survey(options)?;
        let mut totals = RecoverTotals::default();
        for (target, was_begun) in survey.targets() {
            let rescue =
                Rescue { store: &self.store, target: &target, entry_bytes_max: options.entry_bytes_max };
            let found = rescue.look()?;
            if found.uploads.is_empty() && !was_begun {
                // It came to its end meanwhile.
                continue;
            }
            let silent = survey.silent_for(&target, now);
            let is_old =
                options.older_than.is_zero() || silent.is_some_and(|silent| silent >= options.older_than);
            let state = match (was_begun, found.at_key.is_some() || found.recovered.is_some()) {
                (true, _) => State::Interrupted,
                _ if !is_old => State::Living,
                (false, true) => State::InBucket,
                (false, false) if found.uploads.iter().any(|open| usable(&open.parts).0 > 0) => {
                    State::Recoverable
                }
                (false, false) => State::Unusable,
            };
            let mut item = item(&target, &found, state, silent, now, self.prefix.len());
            treat(&rescue, found, options, &mut item)?;
            item.text = text(&item, options);
            totals.add(&item);
            tell(&item);
        }
        Ok(totals)
    }

    /// Everything under the prefix, name by name.
    fn survey(&self, options: &RecoverOptions) -> Result<Survey, RecoverError> {
        let mut survey =
            Survey::new(Wanted { id: options.id.clone(), incarnation: options.incarnation.clone() });
        let place = escaped(&format!("{}/{}", self.store.name(), self.prefix)).into_owned();
        let failed = |doing: &str, permission| {
            let doing = format!("listing {doing} {place}");
            move |source: BucketError| RecoverError::Store { doing, permission, source }
        };
        let mut after: Option<UploadMarker> = None;
        loop {
            let page = self.store.uploads(&self.prefix, after.as_ref()).wait();
            let page = page.map_err(failed("the open uploads in", "s3:ListBucketMultipartUploads"))?;
            page.uploads.iter().for_each(|upload| survey.upload(upload));
            match page.next.filter(|next| Some(next) != after.as_ref()) {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let mut after: Option<String> = None;
        loop {
            let page = self.store.page(&self.prefix, after.as_deref()).wait();
            let page = page.map_err(failed("the objects in", "s3:ListBucket"))?;
            page.objects.iter().for_each(|object| survey.object(object));
            match page.next.filter(|next| after.as_ref().is_none_or(|after| next > after)) {
                Some(next) => after = Some(next),
                None => return Ok(survey),
            }
        }
    }
}

fn item(
    target: &Target,
    found: &Found,
    state: State,
    silent: Option<Duration>,
    now: SystemTime,
    prefix_len: usize,
) -> RecoverItem {
    let uploads = found.uploads.iter().map(|OpenParts { upload, parts }| {
        let (usable_parts, usable_bytes) = usable(parts);
        let seconds = |time: Duration| time.as_secs();
        UploadSeen {
            upload_id: upload.upload_id.clone(),
            started_unix_seconds: upload
                .initiated
                .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
                .map(seconds),
            age_seconds: upload.initiated.map(|at| now.duration_since(at).unwrap_or_default().as_secs()),
            parts: parts.len() as u64,
            stored_bytes: parts.iter().map(|part| part.len_bytes).sum(),
            usable_parts: usable_parts as u64,
            usable_bytes,
        }
    });
    RecoverItem {
        key: target.key.clone(),
        id: target.name.id.to_string(),
        incarnation: target.name.incarnation.to_string(),
        shard: target.shard(prefix_len),
        number: target.name.number,
        first_sequence: target.name.first,
        uploads: uploads.collect(),
        silent_seconds: silent.map(|silent| silent.as_secs()),
        state,
        action: Action::None,
        recovered: recovered(target, found),
        aborted_uploads: 0,
        text: String::new(),
    }
}

/// Does what is to be done with one object.
fn treat(
    rescue: &Rescue<'_>,
    found: Found,
    options: &RecoverOptions,
    item: &mut RecoverItem,
) -> Result<(), RecoverError> {
    let mut left = found;
    match item.state {
        State::Living => return Ok(()),
        State::Recoverable | State::Interrupted if !options.complete => {
            item.action = Action::WouldComplete;
            return Ok(());
        }
        State::Recoverable | State::Interrupted => {
            let (outcome, found) = rescue.run()?;
            item.recovered = recovered(rescue.target, &found);
            item.action = match outcome {
                Outcome::Recovered => Action::Recovered,
                Outcome::NothingReadable => Action::NothingReadable,
                Outcome::InBucket => Action::None,
                Outcome::Living | Outcome::CameBack => {
                    item.action = Action::LeftAlone;
                    return Ok(());
                }
                Outcome::Unreadable(why) => {
                    item.text = why;
                    item.action = Action::Unreadable;
                    return Ok(());
                }
            };
            left = found;
        }
        State::InBucket | State::Unusable => {}
    }
    if left.uploads.is_empty() {
        return Ok(());
    }
    if !options.abort {
        if item.action == Action::None {
            item.action = Action::WouldAbort;
        }
        return Ok(());
    }
    for OpenParts { upload, .. } in &left.uploads {
        item.aborted_uploads += u64::from(rescue.abort(upload)?);
    }
    if item.action == Action::None {
        item.action = Action::Aborted;
    }
    Ok(())
}

fn recovered(target: &Target, found: &Found) -> Option<RecoveredObject> {
    let (entries, stored_bytes) = found.recovered?;
    Some(RecoveredObject {
        key: target.beside(RecoveryRole::Recovered { entries }),
        first_sequence: target.name.first,
        next_sequence: target.name.first.saturating_add(entries),
        stored_bytes,
    })
}

/// What was found and done, in a sentence. Why something can't be read stands in `text` already.
fn text(item: &RecoverItem, options: &RecoverOptions) -> String {
    let object =
        format!("object {} from entry {} on ({})", item.number, item.first_sequence, escaped(&item.key));
    let best = item.uploads.iter().max_by_key(|upload| upload.usable_bytes);
    let parts = best.map_or_else(String::new, |upload| {
        let holes = if upload.parts > upload.usable_parts { ", and more behind a hole" } else { "" };
        format!("{} parts of {} bytes{holes}", upload.usable_parts, upload.usable_bytes)
    });
    let aborted = match item.aborted_uploads {
        0 => String::new(),
        1 => "; an upload was given up".to_owned(),
        count => format!("; {count} uploads were given up"),
    };
    let entries =
        item.recovered.as_ref().map_or(0, |recovered| recovered.next_sequence - recovered.first_sequence);
    let told = match (item.state, item.action) {
        (State::Living, _) => match item.silent_seconds {
            Some(seconds) => format!(
                "is being uploaded: its journal was heard of {seconds} s ago, and only what is older than {} s is touched",
                options.older_than.as_secs()
            ),
            None => "is left alone: the store doesn't tell when its upload was begun".to_owned(),
        },
        (_, Action::Recovered) => format!(
            "is recovered: {entries} entries are in {}{aborted}",
            item.recovered.as_ref().map(|recovered| escaped(&recovered.key)).unwrap_or_default()
        ),
        (_, Action::NothingReadable) => {
            format!("had no whole entry in what was uploaded of it, and is removed{aborted}")
        }
        (_, Action::Unreadable) => {
            format!("was completed and stays as it is: it {}", item.text)
        }
        (_, Action::LeftAlone) => "is left alone: its journal is at work on it after all".to_owned(),
        (State::Interrupted, _) => {
            "is torn: its recovery was begun and would go on with --complete".to_owned()
        }
        (State::Recoverable, Action::WouldComplete) if options.abort => {
            format!("was abandoned with {parts}: --complete would bring that back, so it isn't given up")
        }
        (State::Recoverable, _) => format!("was abandoned with {parts}: --complete would bring that back"),
        (State::InBucket, Action::Aborted) => format!("is in the bucket{aborted}"),
        (State::InBucket, _) => "is in the bucket; --abort would give its left-over uploads up".to_owned(),
        (State::Unusable, Action::Aborted) => {
            format!("has no first part, so nothing could be brought back{aborted}")
        }
        (State::Unusable, _) => {
            "was abandoned and has no first part: nothing can be brought back; --abort would give it up"
                .to_owned()
        }
    };
    format!("{} {}: {object} {told}", item.id, item.incarnation)
}
