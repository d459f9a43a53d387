//! What the tests of the program share: a place of its own for each, the program in it, and waiting for conditions.
#![allow(dead_code, reason = "each test file uses a part of this")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A temporary directory that holds a bucket, a local directory and input files.
pub struct Place {
    root: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn bucket(&self) -> PathBuf {
        self.path("bucket")
    }

    pub fn queue(&self) -> PathBuf {
        self.path("queue")
    }

    /// A file with this content, made or replaced in place.
    #[expect(clippy::disallowed_methods, reason = "an input file of a test")]
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program, in an environment that says nothing.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3-journal"));
        self.quieten(&mut command);
        command.args(arguments);
        command
    }

    /// Takes away what the environment of the tests might say to a program.
    pub fn quieten(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("S3_JOURNAL_") || name.starts_with("AWS_") || name == "RUST_LOG" {
                command.env_remove(&*name);
            }
        }
        // No test asks a machine for its role.
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("HOME", self.root.path()).env_remove("XDG_STATE_HOME");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    }

    /// `write` into this place's bucket through its local directory.
    pub fn write(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(&["write", "--id", "tester"]);
        command.arg("--to").arg(self.bucket()).arg("--local-directory").arg(self.queue());
        command.args(arguments);
        command
    }

    /// A command that reads this place's bucket.
    pub fn read(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.program(&[name]);
        command.arg("--to").arg(self.bucket()).args(arguments);
        command
    }

    /// `status --json` of this place's local directory.
    pub fn status(&self) -> Value {
        let mut command = self.program(&["status", "--json"]);
        command.arg("--local-directory").arg(self.queue());
        json(&succeeds(&mut command))
    }

    /// The same, if there is a journal yet.
    pub fn status_if_there(&self) -> Option<Value> {
        let mut command = self.program(&["status", "--json"]);
        let output = run(command.arg("--local-directory").arg(self.queue()), b"");
        output.status.success().then(|| json(&String::from_utf8_lossy(&output.stdout)))
    }

    /// What `cat` prints.
    pub fn cat(&self) -> String {
        succeeds(&mut self.read("cat", &[]))
    }

    /// The objects' files in the bucket, by name.
    pub fn objects(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![self.bucket()];
        while let Some(directory) = directories.pop() {
            let Ok(entries) = directory.read_dir() else { continue };
            for entry in entries.map(Result::unwrap) {
                let is_internal = entry.file_name() == ".s3-journal";
                match entry.file_type().unwrap() {
                    kind if kind.is_dir() && !is_internal => directories.push(entry.path()),
                    kind if kind.is_file() => found.push(entry.path()),
                    _ => {}
                }
            }
        }
        found.sort_by_key(|path| path.file_name().map(OsStr::to_owned));
        found
    }
}

/// Runs a program to its end.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut running = Running::start(command);
    let mut stdin = running.stdin.take();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || {
        // The program may end before it has read everything.
        if let Some(stdin) = stdin.as_mut() {
            drop(stdin.write_all(&input));
        }
    });
    let output = running.finish();
    feeder.join().unwrap();
    output
}

/// Runs a program that is to succeed, without input; its standard output.
pub fn succeeds(command: &mut Command) -> String {
    succeeds_with(command, b"")
}

/// Runs a program that is to succeed; its standard output.
pub fn succeeds_with(command: &mut Command, input: &[u8]) -> String {
    let output = run(command, input);
    assert_eq!(output.status.code(), Some(0), "{command:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a program that is to end with `code`; its standard error.
pub fn fails_with(command: &mut Command, input: &[u8], code: i32) -> String {
    let output = run(command, input);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {}", stderr(&output));
    stderr(&output)
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Every line as JSON.
pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}

/// `line 0`, `line 1`, ... as the program takes and gives them.
pub fn numbered(range: std::ops::Range<u64>) -> String {
    range.fold(String::new(), |lines, number| lines + "line " + &number.to_string() + "\n")
}

/// The longest that anything is waited for: far beyond what a slow machine needs.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits for a condition.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let mut waited = Duration::ZERO;
    while !condition() {
        assert!(waited < PATIENCE, "{what} didn't come about");
        std::thread::park_timeout(LOOK_EVERY);
        waited += LOOK_EVERY;
    }
}

/// A program that runs, with its output collected. It is killed when this is dropped.
pub struct Running {
    child: Child,
    pub stdin: Option<ChildStdin>,
    stdout: Collected,
    stderr: Collected,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = Collected::from(child.stdout.take());
        let stderr = Collected::from(child.stderr.take());
        Self { child, stdin, stdout, stderr }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input.
    pub fn feed(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// What it has printed on standard output.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has printed on standard error.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Kills it at once: it gets no chance to do anything.
    pub fn kill(mut self) -> Output {
        self.child.kill().unwrap();
        self.finish()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn finish(&mut self) -> Output {
        let mut status: Option<ExitStatus> = None;
        let child = &mut self.child;
        let mut waited = Duration::ZERO;
        while status.is_none() {
            assert!(waited < PATIENCE, "the program doesn't end; it says: {}", self.stderr.text());
            status = child.try_wait().unwrap();
            if status.is_none() {
                std::thread::park_timeout(LOOK_EVERY);
                waited += LOOK_EVERY;
            }
        }
        Output { status: status.unwrap(), stdout: self.stdout.whole(), stderr: self.stderr.whole() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What comes out of a pipe, as it comes.
struct Collected {
    bytes: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Collected {
    fn from(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = std::sync::Arc::<std::sync::Mutex<Vec<u8>>>::default();
        let thread = pipe.map(|mut pipe| {
            let bytes = std::sync::Arc::clone(&bytes);
            std::thread::spawn(move || {
                let mut some = vec![0; 65_536];
                while let Ok(len @ 1..) = pipe.read(&mut some) {
                    bytes.lock().unwrap().extend_from_slice(&some[..len]);
                }
            })
        });
        Self { bytes, thread }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn whole(&mut self) -> Vec<u8> {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        self.bytes.lock().unwrap().clone()
    }
}

/// The text of a path; the tests' paths all have one.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the test takes something away")]
pub fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the test makes an empty bucket")]
pub fn make_directory(path: &Path) {
    std::fs::create_dir_all(path).unwrap();
}

/// Adds to an input file.
pub fn append(path: &Path, content: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
}

/// The counts of the last whole receipt: durable and uploaded; nothing before the first one.
pub fn last_receipt(receipts: &str) -> Option<(u64, u64)> {
    let whole = &receipts[..receipts.rfind('\n')?];
    let receipt = json(whole.lines().rfind(|line| line.contains("durable"))?);
    Some((receipt["durable"].as_u64()?, receipt["uploaded"].as_u64()?))
}
