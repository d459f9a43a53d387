//! The reader's face for programs: blocking calls on a runtime of its own.

use std::io::{self, Write};
use std::sync::Arc;

use super::cat::{Cat, CatOptions};
use super::error::ReadError;
use super::listing::{Listing, ListingBuilder, TooMuch};
use super::report::{CatSummary, Report};
use super::scan::Decompressors;
use super::store::{Retries, Store};
use super::verify::{Depth, Progress, Verifier, VerifyOptions};
use super::{RANGE_BYTES, Selection, escaped};
use crate::bucket::{Bucket, Head};

/// Reads journals back from a bucket, and proves that they are whole. It never writes there.
///
/// Every call lists anew. All calls block; they may be made from any thread, inside an asynchronous runtime, too, where
/// they hold that thread up.
///
/// ```
/// use std::sync::Arc;
/// use s3_journal::bucket::MemoryBucket;
/// use s3_journal::read::{CatOptions, Depth, Reader, Selection, VerifyOptions};
///
/// let reader = Reader::new(Arc::new(MemoryBucket::new()), "events")?;
/// let report = reader.verify(&Selection::default(), Depth::Deep, VerifyOptions::default(), &mut |_| {})?;
/// assert!(report.is_whole());
/// let mut entries = Vec::new();
/// let summary = reader.cat(&Selection::default(), &mut entries, CatOptions::default())?;
/// assert_eq!(summary.entries, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    store: Store,
    /// Empty, or with a slash at its end.
    prefix: String,
    decompressors: Decompressors,
}

impl Reader {
    /// A reader of what lies under `prefix`; slashes at its ends don't matter, and an empty one is the whole bucket.
    ///
    /// # Errors
    /// When the threads of its runtime can't be started.
    pub fn new(bucket: Arc<dyn Bucket>, prefix: &str) -> io::Result<Self> {
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let store = Store::new(bucket, Retries::default())?;
        Ok(Self { store, prefix, decompressors: Decompressors::new() })
    }

    /// With the inverses of custom compressors.
    #[must_use]
    pub fn with_decompressors(mut self, decompressors: Decompressors) -> Self {
        self.decompressors = decompressors;
        self
    }

    /// With other retries than the default ones.
    #[must_use]
    pub fn with_retries(mut self, retries: Retries) -> Self {
        self.store.set_retries(retries);
        self
    }

    /// The selected journals' objects. Those without one of the selected entries are listed, too: the range is not looked
    /// at.
    ///
    /// # Errors
    /// When the store fails, or there are more objects than fit [`super::LISTING_BYTES_MAX`].
    pub fn list(&self, selection: &Selection) -> Result<Listing, ReadError> {
        let mut listing = ListingBuilder::new(selection, self.prefix.len());
        let mut after: Option<String> = None;
        let mut objects = 0_u64;
        loop {
            let page = self.store.page(&self.prefix, after.as_deref()).wait().map_err(|source| {
                let place = format!("{}/{}", self.store.name(), self.prefix);
                ReadError::Store { doing: format!("listing {}", escaped(&place)), source }
            })?;
            for object in page.objects {
                objects += 1;
                listing
                    .add(&object.key, object.len_bytes, object.modified)
                    .map_err(|TooMuch| ReadError::TooManyObjects { objects })?;
            }
            match page.next {
                None => return Ok(listing.finish()),
                Some(next) if after.as_deref().is_some_and(|after| next.as_str() <= after) => {
                    return Err(ReadError::ListingStuck { key: escaped(&next).into_owned() });
                }
                next => after = next,
            }
        }
    }

    /// Writes the selected entries of one journal to `out`, in order; several incarnations one after the other, by time.
    ///
    /// Stops before a gap, a fork or damage, unless [`CatOptions::go_on`]. Memory doesn't depend on the size of objects:
    /// [`super::AHEAD_BYTES`] on their way, [`super::HELD_BYTES`] held, and the decoder's window.
    ///
    /// # Errors
    /// [`ReadError::NotWhole`] names what is wrong and what was written before it; [`ReadError::SeveralIds`] asks for an
    /// id; [`ReadError::Output`] is `out`'s own.
    pub fn cat(
        &self,
        selection: &Selection,
        out: &mut dyn Write,
        options: CatOptions,
    ) -> Result<CatSummary, ReadError> {
        let listing = self.list(selection)?;
        let (store, decompressors, sequences) = (&self.store, &self.decompressors, selection.sequences());
        Cat { store, decompressors, options, sequences, out }.run(&listing)
    }

    /// Looks at the selected journals and reports what is wrong. What is wrong is no error but a finding.
    ///
    /// `progress` is called after each object.
    ///
    /// # Errors
    /// When the store fails, or an object can't be decoded for want of a decompressor.
    pub fn verify(
        &self,
        selection: &Selection,
        depth: Depth,
        options: VerifyOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report, ReadError> {
        let listing = self.list(selection)?;
        let (store, decompressors) = (&self.store, &self.decompressors);
        Verifier { store, decompressors, depth, options, progress }.run(&listing, selection.sequences())
    }

    /// CRC-64/NVME of an object's bytes, all of them read.
    pub(crate) fn sum(&self, key: &str, len_bytes: u64) -> Result<u64, ReadError> {
        let mut sum = durable_queue::Checksum::new();
        let mut offset = 0;
        while offset < len_bytes {
            let len = RANGE_BYTES.min(len_bytes - offset);
            let bytes = self.store.range(key.to_owned(), offset, len).wait().map_err(|source| {
                let doing = format!("reading {}", escaped(key));
                ReadError::Store { doing, source }
            })?;
            sum.update(&bytes);
            offset += len;
        }
        Ok(sum.value())
    }

    /// What is at a key; `None` when nothing is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn head(&self, key: &str) -> Result<Option<Head>, ReadError> {
        self.store.head(key.to_owned()).wait().map_err(|source| {
            let doing = format!("asking for {}", escaped(key));
            ReadError::Store { doing, source }
        })
    }
}
