//! Builds the product's tests with the feature `sabotage`, and runs one of them with a safeguard switched off. Knows cargo
//! and the tests' command line.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::list::Proof;

/// A test that takes longer has noticed nothing, whatever else is wrong.
const TIME_MAX: Duration = Duration::from_mins(2);

/// The variable that names the safeguard which is off.
const VARIABLE: &str = "S3_JOURNAL_SABOTAGE";

/// How a test ended.
#[derive(Debug)]
pub enum Outcome {
    /// It passed.
    Green(Duration),
    /// It ran and failed: the first line that says why.
    Red(String),
    /// It didn't run, or didn't end.
    Broken(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Green(took) => write!(f, "passed in {:.1} s", took.as_secs_f64()),
            Self::Red(why) => f.write_str(why),
            Self::Broken(why) => write!(f, "broken: {why}"),
        }
    }
}

/// The tests, built.
#[derive(Debug)]
pub struct Runner {
    /// Executable and package directory by package and target.
    binaries: BTreeMap<(String, String), (PathBuf, PathBuf)>,
}

impl Runner {
    /// Builds the tests of both crates.
    ///
    /// # Errors
    /// What cargo says.
    pub fn build() -> io::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let features = "durable-queue/sabotage,s3-journal/sabotage,s3-journal/fake";
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(&root)
            .args(["test", "--no-run", "--quiet", "--message-format=json", "--no-default-features"])
            .args(["-p", "durable-queue", "-p", "s3-journal", "--features", features])
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("cargo test --no-run: {}", output.status)));
        }
        let mut binaries = BTreeMap::new();
        for line in output.stdout.split(|byte| *byte == b'\n') {
            let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
            let text = |pointer: &str| message.pointer(pointer).and_then(|value| value.as_str());
            let (Some(executable), Some(target), Some(manifest)) =
                (text("/executable"), text("/target/name"), text("/manifest_path"))
            else {
                continue;
            };
            let Some(directory) = Path::new(manifest).parent() else { continue };
            let Some(package) = directory.file_name() else { continue };
            let key = (package.to_string_lossy().into_owned(), target.to_owned());
            binaries.insert(key, (PathBuf::from(executable), directory.to_owned()));
        }
        Ok(Self { binaries })
    }

    /// Runs a test; `off` is the safeguard that is switched off in it.
    pub fn run(&self, proof: Proof, off: Option<&str>) -> Outcome {
        let mut command = match proof {
            Proof::Test { package, target, test } => {
                let Some((executable, directory)) =
                    self.binaries.get(&(package.to_owned(), target.to_owned()))
                else {
                    return Outcome::Broken("there is no such test target".to_owned());
                };
                let mut command = Command::new(executable);
                command.current_dir(directory).args([test, "--exact"]);
                command
            }
            // This program itself, in a process in which the safeguard is off.
            Proof::Lives(_) | Proof::Schedules { .. } => match std::env::current_exe() {
                Ok(executable) => {
                    let mut command = Command::new(executable);
                    match proof {
                        Proof::Schedules { scenario, executions } => {
                            command.args(["--schedules", scenario, &executions.to_string()])
                        }
                        Proof::Lives(seeds) => command.args(["--lives", &seeds.to_string()]),
                        Proof::Test { .. } => &mut command,
                    };
                    command
                }
                Err(error) => return Outcome::Broken(error.to_string()),
            },
        };
        command.env_remove(VARIABLE);
        if let Some(name) = off {
            command.env(VARIABLE, name);
        }
        let start = Instant::now();
        match finish(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()) {
            Ok(Some(said)) => judge(&said, start.elapsed()),
            Ok(None) => Outcome::Broken(format!("it didn't end within {} s", TIME_MAX.as_secs())),
            Err(error) => Outcome::Broken(error.to_string()),
        }
    }
}

/// What a child said, once it has ended; nothing if it doesn't.
fn finish(child: io::Result<Child>) -> io::Result<Option<String>> {
    let mut child = child?;
    let stdout = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(mut stdout) = stdout {
            let _ = stdout.read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).into_owned()
    });
    let deadline = Instant::now() + TIME_MAX;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(Some(reader.join().unwrap_or_default()))
}

fn judge(said: &str, took: Duration) -> Outcome {
    if let Some(why) = said.lines().find_map(|line| line.strip_prefix("noticed: ")) {
        return Outcome::Red(why.chars().take(160).collect());
    }
    if said.contains("nothing noticed") {
        return Outcome::Green(took);
    }
    if said.contains("running 0 tests") {
        return Outcome::Broken("there is no such test".to_owned());
    }
    if said.contains("test result: ok. 1 passed") {
        return Outcome::Green(took);
    }
    if !said.contains("test result: FAILED. 0 passed; 1 failed") {
        let last = said.lines().last().unwrap_or_default();
        return Outcome::Broken(format!("it died: {last}"));
    }
    // The line after the one that says where it panicked.
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
    let why = lines.next().unwrap_or("it failed").trim();
    Outcome::Red(why.chars().take(160).collect())
}
