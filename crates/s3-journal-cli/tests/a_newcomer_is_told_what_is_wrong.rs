//! What is mistyped or isn't there: a word on what to do, and a status; and what a shell asks for.

mod common;

use std::process::Command;

use common::{Place, fails_with, make_directory, succeeds, text};

#[test]
fn a_directory_in_place_of_a_bucket_that_is_not_there_is_no_proof() {
    let place = Place::new();
    let file = place.file("file", "");
    for (to, why) in [(place.path("mistyped"), "No such file"), (file, "no directory")] {
        for command in ["cat", "ls", "verify", "recover"] {
            let error = fails_with(place.program(&[command, "--to"]).arg(&to), b"", 69);
            assert!(error.contains(text(&to)) && error.contains(why) && error.contains("--to"), "{error}");
        }
    }
    let empty = place.path("empty");
    make_directory(&empty);
    assert_eq!(succeeds(place.program(&["cat", "--to"]).arg(&empty)), "");
    // Nothing was to be written: nothing is missing beside the local directory.
    succeeds(&mut place.write(&[]));
    succeeds(place.read("verify", &["--local"]).arg(place.queue()));
}

#[test]
fn a_local_directory_that_is_not_there_is_named_with_a_remedy() {
    let place = Place::new();
    let (missing, empty, file) = (place.path("missing"), place.path("empty"), place.file("file", ""));
    make_directory(&empty);
    for directory in [missing, empty, file] {
        for command in [["status", "--local-directory"], ["verify", "--local"]] {
            let error = fails_with(place.program(&command).arg(&directory), b"", 73);
            assert!(error.contains(text(&directory)), "{error}");
            assert!(error.contains("name the --local-directory of a `write`"), "{error}");
            assert!(!error.contains("may write"), "nothing is to be written: {error}");
        }
    }
}

#[test]
fn help_is_a_command_too() {
    let place = Place::new();
    assert_eq!(succeeds(&mut place.program(&["help"])), succeeds(&mut place.program(&["--help"])));
    let write = succeeds(&mut place.program(&["help", "write"]));
    assert_eq!(write, succeeds(&mut place.program(&["write", "--help"])));
}

#[test]
fn completions_are_read_by_the_shell_and_complete_an_option() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = succeeds(&mut place.program(&["completions", shell]));
        assert!(
            script.contains("max-queue-bytes") && script.contains("local-directory"),
            "{shell}: {script}"
        );
    }
    fails_with(&mut place.program(&["completions", "tcsh"]), b"", 2);
    let script = place.file("s3-journal.bash", succeeds(&mut place.program(&["completions", "bash"])));
    let ask = "source \"$0\" && COMP_WORDS=(s3-journal write --max-queue-b) COMP_CWORD=2 && \
               _s3__journal s3-journal --max-queue-b write && echo \"${COMPREPLY[@]}\"";
    // A machine without bash has nothing to complete in it.
    let Ok(output) = Command::new("bash").args(["-c", ask]).arg(&script).output() else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "--max-queue-bytes", "{output:?}");
}

#[test]
fn each_command_has_a_manual_page() {
    let place = Place::new();
    let page = succeeds(&mut place.program(&["man"]));
    assert!(page.contains(".TH S3-JOURNAL 1") && page.contains("Exit status"), "{page}");
    for command in ["write", "cat", "ls", "verify", "recover", "status", "bench", "completions", "man"] {
        let page = succeeds(&mut place.program(&["man", command]));
        let title = format!(".TH S3-JOURNAL-{} 1", command.to_uppercase());
        assert!(page.contains(&title) && page.contains("Exit status"), "{command}: {page}");
    }
    let error = fails_with(&mut place.program(&["man", "rwite"]), b"", 2);
    assert!(error.contains("rwite") && error.contains("write, "), "{error}");
}
