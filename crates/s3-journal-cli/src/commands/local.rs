//! A queue directory's report: why there is none, and how it is told to people.

use s3_journal::audit::LocalReport;
use s3_journal::read::escaped;
use s3_journal::verify_local;

use super::store;
use crate::exit::Failure;
use crate::human;
use crate::output::{Flow, Output};
use crate::terminal::{Level, say};

/// Reads the directory; says so when a process has it open.
///
/// # Errors
/// It can't be read, or holds no journal.
pub fn report(directory: &std::path::Path) -> Result<LocalReport, Failure> {
    let report = verify_local(directory).map_err(|error| store::look_failure(&error))?;
    if let Some(holder) = &report.held_by {
        let directory = directory.display();
        say(
            Level::Warn,
            &format!(
                "{directory} is in use by {holder}: what it writes meanwhile may or may not be looked at"
            ),
        );
    }
    Ok(report)
}

/// Tells people.
///
/// # Errors
/// Standard output can't be written.
pub fn tell(report: &LocalReport, compared: bool, output: &mut Output) -> Result<Flow, Failure> {
    for finding in &report.findings {
        if output.line(&escaped(&finding.to_string()))? == Flow::Gone {
            return Ok(Flow::Gone);
        }
    }
    if report.findings_left_out > 0 {
        output.line(&format!("... and {} more", human::count(report.findings_left_out)))?;
    }
    for torn in &report.torn {
        let bytes = human::counted(torn.len_bytes, "byte", "bytes");
        output.line(&format!(
            "{} ends at offset {} with {bytes} that were never acknowledged ({}); opening the journal cuts them off",
            torn.file.display(),
            torn.offset_bytes,
            torn.reason
        ))?;
    }
    let waiting = report.next_sequence.saturating_sub(report.uploaded_sequence);
    output.line(&escaped(&format!(
        "{} {}: {} written, {} uploaded, {} waiting; {} in {}, {}",
        report.id,
        report.incarnation,
        human::counted(report.next_sequence, "entry", "entries"),
        human::count(report.uploaded_sequence),
        human::count(waiting),
        human::counted(report.records, "record", "records"),
        human::counted(report.slabs.len() as u64, "slab", "slabs"),
        human::bytes(report.slabs.iter().map(|slab| slab.end_bytes).sum()),
    )))?;
    let beside = if compared {
        format!(", {} held against the bucket", human::counted(report.compared_objects, "object", "objects"))
    } else {
        String::new()
    };
    let verdict = if report.is_whole() {
        format!("the local directory is whole: every slab and frame was read{beside}")
    } else {
        let findings = report.findings.len() as u64 + report.findings_left_out;
        format!(
            "the local directory is not whole: {}{beside}",
            human::counted(findings, "finding", "findings")
        )
    };
    output.line(&verdict)
}
