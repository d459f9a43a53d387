//! Receipts for a parent process: a line of JSON each time the durable or the uploaded count has grown. A slow reader gets
//! fewer lines, never older ones.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::terminal::{Level, say};

/// The longest that a grown count goes unseen where nothing wakes the thread that looks.
const LOOKED_EVERY: Duration = Duration::from_millis(20);

/// How many entries have reached each stage since the local directory was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Durable on this machine.
    pub durable: u64,
    /// In the bucket.
    pub uploaded: u64,
}

/// Who counts: the journal.
pub trait Counting: Send + Sync + 'static {
    /// The counts now.
    fn counts(&self) -> Counts;

    /// Waits until one of them may be past `seen`, at most `timeout`.
    fn wait(&self, seen: Counts, timeout: Duration);
}

/// Asks for the last line.
#[derive(Debug, Clone, Default)]
pub struct Finish(Arc<AtomicBool>);

impl Finish {
    /// The counts won't grow any more: write what isn't written yet, and end.
    pub fn finish(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Writes receipts to `out` on a thread of its own until asked to finish, then calls `done`. The first line is written
/// at once: it tells a parent process where a journal that was used before stands.
///
/// # Errors
/// No thread was to be had.
pub fn start(
    counting: impl Counting,
    out: impl Write + Send + 'static,
    finish: Finish,
    done: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    thread::Builder::new().name("receipts".to_owned()).spawn(move || {
        if let Err(error) = write_all(&counting, out, &finish) {
            let what =
                "receipts can't be written to standard output any more, and writing goes on without them";
            say(Level::Warn, &format!("{what}: {error}"));
        }
        done();
    })?;
    Ok(())
}

fn write_all(counting: &impl Counting, mut out: impl Write, finish: &Finish) -> io::Result<()> {
    let mut seen = None;
    loop {
        // Asked before the counts are looked at: what had grown by then is written.
        let last = finish.is_asked();
        let counts = counting.counts();
        if seen != Some(counts) {
            let mut line = serde_json::to_vec(&counts)?;
            line.push(b'\n');
            out.write_all(&line)?;
            out.flush()?;
            seen = Some(counts);
        }
        if last {
            return Ok(());
        }
        counting.wait(counts, LOOKED_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc;

    use super::*;

    /// Hands out counts one by one; says when there are no more.
    struct Script {
        rest: Mutex<std::vec::IntoIter<(u64, u64)>>,
        finish: Finish,
    }

    impl Counting for Script {
        fn counts(&self) -> Counts {
            let mut rest = self.rest.lock().unwrap();
            let (durable, uploaded) = rest.next().unwrap();
            if rest.len() == 1 {
                self.finish.finish();
            }
            Counts { durable, uploaded }
        }

        fn wait(&self, _: Counts, _: Duration) {}
    }

    #[test]
    fn each_growth_is_a_line_and_the_last_is_never_missed() {
        let finish = Finish::default();
        let counts = vec![(5, 2), (5, 2), (7, 2), (7, 2), (7, 7), (9, 9)];
        let script = Script { rest: Mutex::new(counts.into_iter()), finish: finish.clone() };
        let mut out = Vec::new();
        write_all(&script, &mut out, &finish).unwrap();
        let expected = "{\"durable\":5,\"uploaded\":2}\n{\"durable\":7,\"uploaded\":2}\n\
                        {\"durable\":7,\"uploaded\":7}\n{\"durable\":9,\"uploaded\":9}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_reader_that_has_gone_ends_the_receipts_only() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let script = Script { rest: Mutex::new(vec![(1, 1), (2, 2)].into_iter()), finish: Finish::default() };
        let (sender, done) = mpsc::channel();
        start(script, Gone, Finish::default(), move || sender.send(()).unwrap()).unwrap();
        done.recv().unwrap();
    }
}
