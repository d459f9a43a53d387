//! Single questions to the bucket, asked again while the answer is a passing failure. Knows the bucket and a runtime,
//! nothing of journals.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

use crate::bucket::{
    Bucket, BucketError, BucketErrorKind, BucketFuture, Head, ObjectPage, UploadMarker, UploadPage,
};

/// Threads of the reader's own runtime: they only wait for the network; decoding happens on the caller's thread.
const RUNTIME_THREADS: usize = 2;

/// How often a question is asked again, and how long is waited before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How often a question is asked at most.
    pub attempts: u32,
    /// The wait before the second time; it doubles from there.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Default for Retries {
    /// Six attempts over about six seconds.
    fn default() -> Self {
        Self { attempts: 6, first_wait: Duration::from_millis(200), longest_wait: Duration::from_secs(5) }
    }
}

impl Retries {
    async fn ask<T, F>(self, mut question: impl FnMut() -> F) -> Result<T, BucketError>
    where
        F: Future<Output = Result<T, BucketError>>,
    {
        let mut wait = self.first_wait;
        let mut left = self.attempts.saturating_sub(1);
        loop {
            match question().await {
                Err(error) if left > 0 && passes(error.kind()) => {
                    left -= 1;
                    tracing::debug!(%error, ?wait, "asking the store again");
                    tokio::time::sleep(wait).await;
                    wait = wait.saturating_mul(2).min(self.longest_wait);
                }
                answer => return answer,
            }
        }
    }
}

/// Whether waiting may help. Reading changes nothing, so any such question may be asked again.
pub(crate) fn passes(kind: BucketErrorKind) -> bool {
    use BucketErrorKind as Kind;
    matches!(
        kind,
        Kind::Throttled
            | Kind::Unavailable
            | Kind::NoAnswer
            | Kind::NotSent
            | Kind::Conflict
            | Kind::BadDigest
    )
}

/// A bucket to ask, and the threads that ask it. Waiting for an answer blocks and never panics, even inside another
/// runtime.
#[derive(Debug)]
pub(crate) struct Store {
    bucket: Arc<dyn Bucket>,
    retries: Retries,
    /// Taken only when this is dropped.
    runtime: Option<Runtime>,
}

/// An answer on its way. Dropping it gives it up.
#[derive(Debug)]
pub(crate) struct Coming<T> {
    answer: Receiver<Result<T, BucketError>>,
    task: Option<AbortHandle>,
}

impl<T> Coming<T> {
    pub(crate) fn wait(self) -> Result<T, BucketError> {
        self.answer.recv().unwrap_or_else(|_| {
            Err(BucketError::new(
                BucketErrorKind::Other,
                "",
                "the request was given up before it was answered",
            ))
        })
    }
}

impl<T> Drop for Coming<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Store {
    pub(crate) fn new(bucket: Arc<dyn Bucket>, retries: Retries) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(RUNTIME_THREADS)
            .thread_name("journal-reader")
            .enable_all()
            .build()?;
        Ok(Self { bucket, retries, runtime: Some(runtime) })
    }

    pub(crate) fn set_retries(&mut self, retries: Retries) {
        self.retries = retries;
    }

    pub(crate) fn name(&self) -> String {
        self.bucket.name()
    }

    pub(crate) fn page(&self, prefix: &str, after: Option<&str>) -> Coming<ObjectPage> {
        let (bucket, retries) = (Arc::clone(&self.bucket), self.retries);
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.start(async move { retries.ask(|| bucket.list(&prefix, after.as_deref())).await })
    }

    pub(crate) fn head(&self, key: String) -> Coming<Option<Head>> {
        let (bucket, retries) = (Arc::clone(&self.bucket), self.retries);
        self.start(async move { retries.ask(|| bucket.head(&key)).await })
    }

    /// The bytes from `offset` on, `len` of them: fewer only when the object ends before. What has arrived isn't asked
    /// for again.
    pub(crate) fn range(&self, key: String, offset: u64, len: u64) -> Coming<Bytes> {
        let (bucket, retries) = (Arc::clone(&self.bucket), self.retries);
        self.start(async move {
            let mut whole = BytesMut::new();
            loop {
                let missing = len - whole.len() as u64;
                let at = offset + whole.len() as u64;
                let mut some = retries.ask(|| bucket.get_range(&key, at, missing)).await?;
                // A store that sends more than it was asked for isn't trusted with memory.
                some.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
                if whole.is_empty() && some.len() as u64 == len {
                    return Ok(some);
                }
                let ended = some.is_empty();
                whole.extend_from_slice(&some);
                if ended || whole.len() as u64 == len {
                    return Ok(whole.freeze());
                }
            }
        })
    }

    /// The bucket itself.
    pub(crate) fn bucket(&self) -> &Arc<dyn Bucket> {
        &self.bucket
    }

    /// Waits for that long.
    pub(crate) fn pause(&self, time: Duration) {
        let pause = self.start(async move {
            tokio::time::sleep(time).await;
            Ok(())
        });
        // It can't fail; if it is given up, nothing is waited for.
        let _ = pause.wait();
    }

    /// How often a question is asked again, and how long is waited before.
    pub(crate) fn retries(&self) -> Retries {
        self.retries
    }

    /// A page of open uploads.
    pub(crate) fn uploads(&self, prefix: &str, after: Option<&UploadMarker>) -> Coming<UploadPage> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.again(move |bucket| {
            let (prefix, after) = (prefix.clone(), after.clone());
            Box::pin(async move { bucket.list_uploads(&prefix, after.as_ref()).await })
        })
    }

    /// A call that is made once: whether it may be made again is for the caller to know.
    pub(crate) fn once<T: Send + 'static>(
        &self,
        call: impl FnOnce(Arc<dyn Bucket>) -> BucketFuture<'static, T> + Send + 'static,
    ) -> Coming<T> {
        self.start(call(Arc::clone(&self.bucket)))
    }

    /// A call that may be made again and again while the answer is a passing failure.
    pub(crate) fn again<T: Send + 'static>(
        &self,
        call: impl Fn(Arc<dyn Bucket>) -> BucketFuture<'static, T> + Send + Sync + 'static,
    ) -> Coming<T> {
        let (bucket, retries) = (Arc::clone(&self.bucket), self.retries);
        self.start(async move { retries.ask(|| call(Arc::clone(&bucket))).await })
    }

    fn start<T: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, BucketError>> + Send + 'static,
    ) -> Coming<T> {
        let (sender, answer) = sync_channel(1);
        let task = self.runtime.as_ref().map(|runtime| {
            let ask = async move {
                // Nobody waits any more when the receiver is gone.
                let _ = sender.send(question.await);
            };
            runtime.spawn(ask).abort_handle()
        });
        Coming { answer, task }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Dropping a runtime inside another one panics; leaving it to itself doesn't.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
