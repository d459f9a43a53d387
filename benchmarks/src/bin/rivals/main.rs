//! `durable-queue` beside other crates, each in a process of its own, in turns in one run.
//!
//! `cargo run --release --features rivals --bin rivals -- [--rounds N] [--only TEXT]`

mod case;
mod outcome;
mod rival;
mod table;

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use s3_journal_benchmarks::conditions::Conditions;
use s3_journal_benchmarks::text::Text;
use s3_journal_benchmarks::{MIB, scratch};

use case::{Case, ROWS};
use outcome::Outcome;
use rival::{ALL, About};

/// Text of which everything is made.
const TEXT_BYTES: usize = 8 * MIB;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--measure", row, name, directory] => measure(row, name, Path::new(directory)),
        flags => compare(flags),
    }
}

/// The child: does one thing once, says what it took, and ends without cleaning up, as if it were killed.
fn measure(row: &str, name: &str, directory: &Path) -> ! {
    let about = ALL.into_iter().find(|about| about.name == name).expect("the parent names one of them");
    let fills = ROWS.iter().filter_map(|case| match *case {
        Case::Open { mib } => Some(Case::Fill { mib }),
        _ => None,
    });
    let mut cases = ROWS.into_iter().chain(fills);
    let case = cases.find(|case| case.to_string() == row).expect("the parent names one of them");
    let lines = Text::gather(TEXT_BYTES).lines(100);
    let sample = case.measure(about, directory, &lines);
    let line = Outcome::look(sample, directory).line();
    // Some crates print to standard output: a line of its own.
    println!("\n{line}");
    io::stdout().flush().expect("the parent reads");
    std::process::exit(0);
}

fn compare(flags: &[&str]) {
    let (mut rounds, mut only) = (3, "");
    for pair in flags.chunks(2) {
        match *pair {
            ["--only", text] => only = text,
            ["--rounds", count] => match count.parse() {
                Ok(count @ 1..) => rounds = count,
                _ => usage(),
            },
            _ => usage(),
        }
    }
    let begun = Instant::now();
    let place = scratch::place();
    let conditions = Conditions::look(&place);
    println!("{conditions}");
    println!("{rounds} rounds; load {} at the start", conditions.load());
    println!();
    table::print_abouts();
    println!();
    table::print_head();
    for case in ROWS.into_iter().filter(|case| case.to_string().contains(only)) {
        let able: Vec<&About> = ALL.into_iter().filter(|about| case.suits(about)).collect();
        let mut rows: Vec<table::Row> = able.iter().map(|about| table::Row::new(about)).collect();
        for round in 0..rounds {
            for turn in 0..able.len() {
                // Nobody always comes first.
                let which = (turn + round) % able.len();
                match run(case, able[which]) {
                    Ok(outcomes) => rows[which].add(outcomes),
                    Err(error) => rows[which].fail(error),
                }
            }
        }
        table::print_case(case, &rows);
    }
    println!();
    println!("{:.0} s; load {} at the end", begun.elapsed().as_secs_f64(), Conditions::look(&place).load());
}

fn usage() -> ! {
    eprintln!("usage: rivals [--rounds N] [--only TEXT]");
    eprintln!("  --rounds N   how often each row is measured (default 3)");
    eprintln!("  --only TEXT  only the rows with TEXT in their name");
    std::process::exit(2);
}

/// What was found, and what was found while filling where there was something to fill.
#[derive(Debug)]
pub struct Run {
    outcome: Outcome,
    fill: Option<Outcome>,
}

fn run(case: Case, about: &About) -> Result<Run, String> {
    let directory = scratch::directory();
    let fill = match case {
        Case::Open { mib } => Some(child(Case::Fill { mib }, about, directory.path())?),
        _ => None,
    };
    let outcome = child(case, about, directory.path())?;
    Ok(Run { outcome, fill })
}

fn child(case: Case, about: &About, directory: &Path) -> Result<Outcome, String> {
    let program = std::env::current_exe().expect("this program knows itself");
    let mut command = Command::new(program);
    command.arg("--measure").arg(case.to_string()).arg(about.name).arg(directory);
    command.env("WALRUS_DATA_DIR", directory).env("WALRUS_QUIET", "1").stderr(Stdio::piped());
    let done = command.output().map_err(|error| error.to_string())?;
    let outcome = Outcome::parse(&String::from_utf8_lossy(&done.stdout));
    outcome.filter(|_| done.status.success()).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&done.stderr);
        let panic = errors.lines().find(|line| line.contains("panicked")).map(str::to_owned);
        let told: Vec<&str> = errors.lines().rev().take(3).collect();
        format!("{}: {}", done.status, panic.unwrap_or_else(|| told.join(" | ")))
    })
}
