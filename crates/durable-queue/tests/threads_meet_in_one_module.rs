//! Locks, atomics and threads are taken from the module `sync`, so that the schedules (`simulation/schedules`) see all of them:
//! one that was taken from `std` would be a place where no schedule ever changes threads.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::path::{Path, PathBuf};

/// What may be taken from `std::sync` all the same: nobody meets there.
const HARMLESS: [&str; 3] = ["Arc", "Weak", "PoisonError"];
/// Where `std` is named on purpose: the module itself, and switches that are set before anybody runs.
const EXCEPT: [&str; 2] = ["sync.rs", "sabotage.rs"];

#[test]
fn nothing_of_the_kind_is_taken_from_std_directly() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 50, "only {} files", files.len());
    let mut found = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        // Tests within the crate aren't scheduled.
        if EXCEPT.contains(&&*name) || name.ends_with("tests.rs") {
            continue;
        }
        for line in std::fs::read_to_string(&file).unwrap().lines().filter(|line| !is_harmless(line)) {
            found.push(format!("{}: {line}", file.display()));
        }
    }
    assert!(found.is_empty(), "take these from crate::sync:\n{}", found.join("\n"));
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn is_harmless(line: &str) -> bool {
    let code = line.trim_start();
    if code.starts_with("//") {
        return true;
    }
    if code.contains("std::thread") || code.contains("std::{") {
        return false;
    }
    code.split("std::sync").skip(1).all(|rest| {
        let rest = rest.strip_prefix("::").unwrap_or_default();
        let names = rest.strip_prefix('{').and_then(|list| list.split('}').next()).unwrap_or_else(|| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
        });
        names.split(',').all(|name| HARMLESS.contains(&name.trim()))
    })
}

#[test]
fn the_check_itself_sees_what_it_is_for() {
    for line in [
        "use std::sync::Mutex;",
        "use std::sync::{Arc, Condvar};",
        "    threads: Vec<std::thread::JoinHandle<()>>,",
        "use std::sync::atomic::AtomicBool;",
        "use std::{sync::atomic, thread};",
        "use std::sync;",
    ] {
        assert!(!is_harmless(line), "{line}");
    }
    for line in ["use std::sync::Arc;", "use std::sync::{Arc, PoisonError, Weak};", "//! std::sync::Mutex"] {
        assert!(is_harmless(line), "{line}");
    }
}
