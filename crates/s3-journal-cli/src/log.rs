//! The log on standard error: how much, and how it looks.

use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::flags::log::{LogFlags, LogFormat};
use crate::terminal::{self, LogWriter};

/// What is logged at a verbosity, in RUST_LOG's words. Other crates' words begin a step later than our own: the S3 client
/// warns at every attempt, where this program says once a minute what is wrong.
fn filter(verbose: u8, quiet: bool) -> &'static str {
    match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "error,s3_journal=warn,durable_queue=warn",
        (false, 1) => "error,s3_journal=info,durable_queue=info",
        (false, 2) => "warn,s3_journal=debug,durable_queue=debug",
        (false, _) => "debug,s3_journal=trace,durable_queue=trace",
    }
}

/// Whether it may have secrets in it, so that it isn't logged even where RUST_LOG asks for it: the client writes down requests
/// as they are, and hides keys and tokens of S3 but not the token by which the machine's metadata service is asked.
fn may_hold_secrets(level: Level, target: &str) -> bool {
    level == Level::TRACE && target.starts_with("aws_smithy_runtime::client::orchestrator")
}

/// Starts the log.
pub fn start(flags: &LogFlags) {
    let from_environment = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let chosen = filter(flags.verbose, flags.quiet);
    let (filter, misread) = match from_environment.as_deref().map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(chosen), Some(error)),
        None => (EnvFilter::new(chosen), None),
    };
    let harmless = filter_fn(|what| !may_hold_secrets(*what.level(), what.target()));
    let log = tracing_subscriber::registry().with(filter).with(harmless);
    let lines = fmt::layer().with_ansi(false).with_writer(|| LogWriter);
    // The only other way to have a subscriber is a second call of this function.
    drop(match flags.log_format {
        LogFormat::Text => log.with(lines.with_target(false)).try_init(),
        LogFormat::Json => log.with(lines.json()).try_init(),
    });
    terminal::set_json(flags.log_format == LogFormat::Json);
    if let Some(error) = misread {
        tracing::warn!(%error, "RUST_LOG can't be read and is ignored");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_as_they_are_are_not_logged() {
        assert!(may_hold_secrets(Level::TRACE, "aws_smithy_runtime::client::orchestrator"));
        assert!(!may_hold_secrets(Level::DEBUG, "aws_smithy_runtime::client::orchestrator"));
        assert!(!may_hold_secrets(Level::TRACE, "s3_journal::upload::uploader"));
    }

    #[test]
    fn every_verbosity_is_a_filter() {
        for quiet in [false, true] {
            for verbose in 0..5 {
                assert!(EnvFilter::try_new(filter(verbose, quiet)).is_ok());
            }
        }
        assert!(filter(0, false).contains("s3_journal=warn"));
    }
}
