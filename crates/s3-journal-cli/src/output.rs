//! Standard output, with its errors: a reader that has gone is the end of the work and no failure; anything else is
//! one.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::exit::{Exit, Failure};

/// Where a command prints.
pub struct Output {
    out: Box<dyn Write>,
}

/// What is left to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Print on.
    On,
    /// Nobody reads any more.
    Gone,
}

impl Output {
    /// Standard output.
    pub fn standard() -> Self {
        Self::to(BufWriter::with_capacity(64 << 10, io::stdout().lock()))
    }

    /// Anything else that can be written to.
    pub fn to(out: impl Write + 'static) -> Self {
        Self { out: Box::new(out) }
    }

    /// One line.
    ///
    /// # Errors
    /// It can't be written, and not because nobody reads.
    pub fn line(&mut self, line: &str) -> Result<Flow, Failure> {
        flow(self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n")))
    }

    /// Text of many lines, as it is.
    ///
    /// # Errors
    /// It can't be written, and not because nobody reads.
    pub fn text(&mut self, text: &[u8]) -> Result<Flow, Failure> {
        flow(self.out.write_all(text))
    }

    /// One JSON object on a line.
    ///
    /// # Errors
    /// It can't be written, and not because nobody reads.
    pub fn json(&mut self, value: &impl Serialize) -> Result<Flow, Failure> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::caused(Exit::Unexpected, "a result can't be told as JSON", &error))?;
        self.line(&text)
    }

    /// Everything that was printed is on its way.
    ///
    /// # Errors
    /// It can't be written, and not because nobody reads.
    pub fn finish(&mut self) -> Result<Flow, Failure> {
        flow(self.out.flush())
    }
}

fn flow(result: io::Result<()>) -> Result<Flow, Failure> {
    match result {
        Ok(()) => Ok(Flow::On),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Flow::Gone),
        Err(error) => Err(Failure::new(Exit::LocalIo, format!("standard output can't be written: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure_and_a_full_disk_is() {
        assert_eq!(Output::to(Broken(io::ErrorKind::BrokenPipe)).line("x"), Ok(Flow::Gone));
        let failure = Output::to(Broken(io::ErrorKind::StorageFull)).json(&1).unwrap_err();
        assert_eq!(failure.exit, Exit::LocalIo);
    }
}
