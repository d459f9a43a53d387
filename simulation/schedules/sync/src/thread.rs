//! Shuttle's threads, counted.

use std::cell::Cell;
use std::io;

pub use shuttle::thread::{JoinHandle, Thread, ThreadId, current, panicking};

thread_local! {
    static RUNNING: Cell<usize> = const { Cell::new(0) };
}

/// How many threads that a [`Builder`] started haven't ended.
pub fn running() -> usize {
    RUNNING.get()
}

/// Those of an execution that failed never end.
pub(crate) fn forget() {
    RUNNING.set(0);
}

struct Counted;

impl Counted {
    fn new() -> Self {
        RUNNING.set(RUNNING.get() + 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        RUNNING.set(RUNNING.get().saturating_sub(1));
    }
}

/// See [`std::thread::Builder`].
#[derive(Debug, Default)]
pub struct Builder {
    inner: shuttle::thread::Builder,
}

impl Builder {
    /// See [`std::thread::Builder::new`].
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`std::thread::Builder::name`].
    pub fn name(self, name: String) -> Self {
        Self { inner: self.inner.name(name) }
    }

    /// See [`std::thread::Builder::spawn`].
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn<T: Send + 'static>(
        self,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        let counted = Counted::new();
        self.inner.spawn(move || {
            let _counted = counted;
            body()
        })
    }
}
