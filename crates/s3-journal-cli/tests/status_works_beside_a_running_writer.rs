//! `status`: offline, without a lock, while another process writes.

mod common;

use common::{Place, Running, fails_with, numbered, succeeds, until};

#[test]
fn status_follows_a_writer_that_runs() {
    let place = Place::new();
    let mut running = Running::start(&mut place.write(&[]));
    running.feed(&numbered(0..10));
    until("status sees the lines", || {
        place.status_if_there().is_some_and(|status| status["next_sequence"] == 10)
    });
    let status = place.status();
    assert_eq!(status["next_sequence"], 10, "{status}");
    assert_eq!(status["uploaded_sequence"], 0, "{status}");
    assert_eq!(status["pending_entries"], 10, "{status}");
    assert_eq!(status["id"], "tester", "{status}");
    assert!(running.is_running(), "it wasn't disturbed");
    let told = succeeds(place.program(&["status"]).arg("--local-directory").arg(place.queue()));
    assert!(told.contains("tester") && told.contains("10"), "{told}");
    running.end_input();
    assert_eq!(running.finish().status.code(), Some(0));
    let status = place.status();
    assert_eq!(
        (&status["uploaded_sequence"], &status["pending_entries"]),
        (&10.into(), &0.into()),
        "{status}"
    );
    assert_eq!(place.cat(), numbered(0..10));
}

#[test]
fn a_directory_that_holds_no_journal_is_said_to_be_none() {
    let place = Place::new();
    let mut command = place.program(&["status", "--json"]);
    let error = fails_with(command.arg("--local-directory").arg(place.path("nowhere")), b"", 73);
    assert!(error.contains("nowhere"), "{error}");
}
