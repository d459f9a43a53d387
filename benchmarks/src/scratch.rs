//! Where measurements write: a directory on a real disk, removed afterwards. Knows file systems.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::filesystem;

/// The environment variable that names another place than `benchmarks/target/scratch`.
pub const VARIABLE: &str = "S3_JOURNAL_BENCH_DIRECTORY";

/// The directory that scratch directories are made in, which is made when missing.
///
/// A place in memory is refused, or, where it was asked for by [`VARIABLE`], warned of: there, a sync costs nothing.
pub fn place() -> PathBuf {
    let chosen = env::var_os(VARIABLE).map(PathBuf::from);
    let is_chosen = chosen.is_some();
    let place =
        chosen.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/scratch")));
    fs::create_dir_all(&place).unwrap_or_else(|error| panic!("{} can't be made: {error}", place.display()));
    let kind = filesystem::kind_of(&place);
    if filesystem::is_memory(&kind) {
        let place = place.display();
        assert!(
            is_chosen,
            "{place} is on {kind}, where a sync means nothing: name a directory on a disk by {VARIABLE}"
        );
        eprintln!("warning: {place} is on {kind}: figures with fsync mean nothing there");
    }
    place
}

/// A new directory, removed when dropped.
pub fn directory() -> TempDir {
    directory_in(&place())
}

/// The same, below a place that was chosen otherwise.
pub fn directory_in(place: &Path) -> TempDir {
    tempfile::Builder::new().prefix("bench-").tempdir_in(place).expect("the scratch place can be written to")
}
