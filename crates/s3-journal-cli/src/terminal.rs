//! Words for people on standard error. What comes from a bucket, a server or a file name is escaped first: a terminal
//! obeys control characters.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use s3_journal::read::escaped;

/// Text that can't steer a terminal; lines stay lines.
pub fn escaped_lines(text: &str) -> String {
    text.split('\n').map(escaped).collect::<Vec<_>>().join("\n")
}

static BAR: OnceLock<ProgressBar> = OnceLock::new();
static JSON: AtomicBool = AtomicBool::new(false);

/// From now on, lines on standard error go above this bar.
pub fn set_bar(bar: &ProgressBar) {
    // Only one bar is ever made; a second would only be drawn over.
    drop(BAR.set(bar.clone()));
}

/// Whether lines on standard error are JSON, for those that read the log.
pub fn set_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Somebody may have to do something.
    Warn,
    /// It ends the program.
    Error,
}

/// One line on standard error, above the progress bar if there is one. Lost if standard error is closed: nobody could
/// be told.
pub fn say(level: Level, line: &str) {
    write_stderr(render(level, line, JSON.load(Ordering::Relaxed)).as_bytes());
}

fn render(level: Level, line: &str, json: bool) -> String {
    let line = escaped(line);
    if json {
        let level = match level {
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        };
        // The shape of the log's own lines.
        let object =
            serde_json::json!({ "level": level, "fields": { "message": line }, "target": "s3_journal" });
        return format!("{object}\n");
    }
    let level = match level {
        Level::Info => "",
        Level::Warn => "warning: ",
        Level::Error => "error: ",
    };
    format!("s3-journal: {level}{line}\n")
}

/// Bytes on standard error, above the progress bar if there is one.
pub fn write_stderr(bytes: &[u8]) {
    let write = || drop(io::stderr().write_all(bytes));
    match BAR.get() {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Whether standard error is a terminal that a progress bar can be drawn on.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Where the log goes: standard error, above the bar. The log hands over whole lines.
#[derive(Debug, Clone, Copy)]
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_stderr(escaped_lines(&String::from_utf8_lossy(bytes)).as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
