//! Does an entry cost more where much waits, where there are many shards, where many threads submit? Measured, printed, and
//! drawn as an SVG.
//!
//! `cargo run --release --bin growth -- [--mb N] [--rounds N] [--svg FILE]`

mod backlog;
mod plot;
mod spread;

use std::path::PathBuf;
use std::time::Instant;

use s3_journal_benchmarks::conditions::Conditions;
use s3_journal_benchmarks::measure::{Sample, median};
use s3_journal_benchmarks::text::Text;
use s3_journal_benchmarks::{MIB, scratch};

use plot::{Panel, Point, cpu, wall};

/// Text of which everything is made.
const TEXT_BYTES: usize = 32 * MIB;

fn main() {
    let arguments = Arguments::read();
    let begun = Instant::now();
    let place = scratch::place();
    let conditions = Conditions::look(&place);
    let text = Text::gather(TEXT_BYTES);
    let lines = text.lines(100);
    println!("{conditions}; text {}", text.fingerprint());
    println!("{} rounds; load {} at the start", arguments.rounds, conditions.load());
    println!();
    let backlog = backlog::measure(&lines, arguments.mb, arguments.rounds);
    let shards = spread::shards(&lines, arguments.rounds);
    let threads = spread::threads(&lines, arguments.rounds);
    println!(
        "| what | wall time of an entry | processor time | wall / the same at the least | processor time / the same at the least |"
    );
    println!("|---|--:|--:|--:|--:|");
    for (what, points) in [
        ("MB waiting", backlog.submit.as_slice()),
        ("shards", shards.as_slice()),
        ("submitting threads", threads.as_slice()),
    ] {
        for point in points {
            print_point(what, point);
        }
    }
    for point in &backlog.open {
        let of = |of: fn(&Sample) -> f64| of(&point.ours[0]) / 1e6;
        println!("| open, {} MB waiting | {:.1} ms | {:.1} ms | | |", point.x, of(wall), of(cpu));
    }
    let latency = backlog::latencies(&lines, arguments.rounds);
    let ratios: Vec<f64> = latency.down.iter().zip(&latency.up).map(|(down, up)| down / up).collect();
    println!("| submit, 99th percentile, store up | {:.0} ns | | | |", median(&latency.up));
    println!(
        "| submit, 99th percentile, store down | {:.0} ns | | {:.2} | |",
        median(&latency.down),
        median(&ratios),
    );
    println!();
    println!("{:.0} s; load {} at the end", begun.elapsed().as_secs_f64(), Conditions::look(&place).load());
    if let Some(path) = arguments.svg {
        let panels = [
            Panel { title: "submit to durable, MB waiting", points: &backlog.submit, is_logarithmic: true },
            Panel { title: "submit to stored, shards", points: &shards, is_logarithmic: false },
            Panel { title: "submit to durable, threads", points: &threads, is_logarithmic: false },
        ];
        std::fs::write(path, plot::svg(&panels)).expect("the plot can be written");
    }
}

fn print_point(what: &str, point: &Point) {
    let middle = |of: fn(&Sample) -> f64| median(&point.ours.iter().map(of).collect::<Vec<_>>());
    println!(
        "| {} {what} | {:.0} ns | {:.0} ns | {:.2} | {:.2} |",
        point.x,
        middle(wall),
        middle(cpu),
        point.ratio(wall),
        point.ratio(cpu),
    );
}

struct Arguments {
    mb: usize,
    rounds: usize,
    svg: Option<PathBuf>,
}

impl Arguments {
    fn read() -> Self {
        let mut read = Self { mb: 10_000, rounds: 5, svg: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(flag) = arguments.next() {
            let number = |value: Option<String>| match value.and_then(|value| value.parse().ok()) {
                Some(number @ 1..) => number,
                _ => usage(),
            };
            match flag.as_str() {
                "--mb" => read.mb = number(arguments.next()),
                "--rounds" => read.rounds = number(arguments.next()),
                "--svg" => read.svg = Some(arguments.next().unwrap_or_else(|| usage()).into()),
                _ => usage(),
            }
        }
        read
    }
}

fn usage() -> ! {
    eprintln!("usage: growth [--mb N] [--rounds N] [--svg FILE]");
    eprintln!("  --mb N      how much waits at the most, in MB (default 10000)");
    eprintln!("  --rounds N  how often each point is measured (default 5)");
    eprintln!("  --svg FILE  where the plot is written");
    std::process::exit(2);
}
