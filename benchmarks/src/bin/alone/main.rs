//! What the end-to-end comparison (`end-to-end.py`) needs beside the programs it compares: their input, and parts of the way without the rest.
//!
//! ```text
//! alone text BYTES                 real lines of about 100 bytes, to standard output
//! alone upload FILE BUCKET PREFIX  the file from memory into objects, as the journal's uploads are made, with no queue
//! alone compress FILE NAME[:LEVEL] the file through a compressor of the library, kept nowhere
//! alone disk FILE DIRECTORY        the file, written in pieces of 1 MiB and synced at the end
//! ```
//!
//! All but `text` print what it took, as JSON, the file having been read before.

mod upload;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use s3_journal::stream::Codec;
use s3_journal_benchmarks::alone::SequentialDisk;
use s3_journal_benchmarks::compress::Setting;
use s3_journal_benchmarks::measure::{Sample, time};
use s3_journal_benchmarks::text::Text;
use s3_journal_benchmarks::{MIB, scratch};

/// Text of which the input is made, over and over: far more than any window of a compressor.
const TEXT_BYTES: usize = 64 * MIB;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["text", bytes] => match bytes.parse() {
            Ok(bytes) => write_text(bytes).expect("standard output takes it"),
            Err(_) => return usage(),
        },
        ["upload", file, bucket, prefix] => {
            let bytes = read(file);
            print(&upload::measure(bytes, bucket, prefix), None);
        }
        ["compress", file, name] => {
            let Some(setting) = setting(name) else { return usage() };
            let (raw, mut stored) = (read(file), 0);
            let sample = time(raw.len() as f64, || stored = setting.reference(&raw));
            print(&sample, Some(stored));
        }
        ["disk", file, directory] => print(&write_and_sync(&read(file), Path::new(directory)), None),
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: alone text BYTES | upload FILE BUCKET PREFIX | compress FILE NAME[:LEVEL] | disk FILE DIRECTORY"
    );
    ExitCode::from(2)
}

fn read(file: &str) -> Vec<u8> {
    fs::read(file).unwrap_or_else(|error| panic!("{file} can't be read: {error}"))
}

fn setting(name: &str) -> Option<Setting> {
    let (name, level) = match name.split_once(':') {
        Some((name, level)) => (name, Some(level.parse().ok()?)),
        None => (name, None),
    };
    Some(Setting { codec: Codec::ALL.into_iter().find(|codec| codec.to_string() == name)?, level })
}

fn write_text(mut bytes: usize) -> io::Result<()> {
    let lines = Text::gather(TEXT_BYTES).lines(100);
    let mut out = io::stdout().lock();
    while bytes > 0 {
        let piece = lines.bytes().get(..bytes).unwrap_or(lines.bytes());
        out.write_all(piece)?;
        bytes -= piece.len();
    }
    out.flush()
}

fn write_and_sync(bytes: &[u8], directory: &Path) -> Sample {
    let directory = scratch::directory_in(directory);
    let mut disk = SequentialDisk::new(directory.path());
    for piece in bytes.chunks(MIB) {
        disk.write(piece);
    }
    disk.sync();
    disk.watch.sample(bytes.len() as f64)
}

fn print(sample: &Sample, stored_bytes: Option<usize>) {
    let stored = stored_bytes.map_or_else(String::new, |bytes| format!(", \"stored_bytes\": {bytes}"));
    println!(
        "{{\"seconds\": {}, \"cpu_seconds\": {}{stored}}}",
        sample.wall.as_secs_f64(),
        sample.cpu.as_secs_f64(),
    );
}
