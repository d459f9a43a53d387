use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;

use super::*;

/// Takes entries into a list; refuses the one numbered `refuse`, and stops the reading after `stop_after`.
#[derive(Default)]
struct List {
    entries: RefCell<Vec<String>>,
    positions: RefCell<HashMap<u64, Vec<u8>>>,
    refuse: Option<(usize, Refused)>,
    stop_after: Option<(usize, Arc<Gate>)>,
}

impl Sink for &List {
    fn take(&self, entry: &[u8]) -> Result<(), Refused> {
        let mut entries = self.entries.borrow_mut();
        if let Some((_, refused)) = self.refuse.as_ref().filter(|(at, _)| *at == entries.len()) {
            return Err(refused.clone());
        }
        entries.push(String::from_utf8_lossy(entry).into_owned());
        if let Some((_, gate)) = self.stop_after.as_ref().filter(|(after, _)| *after == entries.len()) {
            assert!(!gate.stop(), "it is at work");
        }
        Ok(())
    }

    fn take_at(&self, entry: &[u8], source: u64, position: &[u8]) -> Result<(), Refused> {
        self.take(entry)?;
        self.positions.borrow_mut().insert(source, position.to_vec());
        Ok(())
    }

    fn position(&self, source: u64) -> Option<Vec<u8>> {
        self.positions.borrow().get(&source).cloned()
    }
}

fn pump<'l>(list: &'l List, gate: &Arc<Gate>, max: usize) -> (Pump<&'l List>, Arc<Taken>) {
    let taken = Arc::new(Taken::default());
    let pump = Pump {
        sink: list,
        gate: Arc::clone(gate),
        taken: Arc::clone(&taken),
        from_start: false,
        splitter: Splitter::new(b"\n", max),
    };
    (pump, taken)
}

fn run(list: &List, inputs: &[Input]) -> (End, u64, u64) {
    let (pump, taken) = pump(list, &Arc::default(), 100);
    let end = pump.run(inputs);
    (end, taken.entries(), taken.bytes())
}

fn file_with(content: &[u8]) -> (tempfile::NamedTempFile, Input) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let input = Input::File(file.path().to_owned());
    (file, input)
}

#[test]
fn files_arrive_once_however_often_they_are_named() {
    let (_one, one) = file_with(b"a\n\nb\n");
    let (mut grown, two) = file_with(b"c\nd");
    let list = List::default();
    assert_eq!(run(&list, &[one.clone(), two.clone(), one.clone()]), (End::Finished, 5, 4));
    assert_eq!(*list.entries.borrow(), ["a", "", "b", "c", "d"]);
    assert_eq!(run(&list, &[two.clone(), one.clone()]), (End::Finished, 0, 0));
    grown.write_all(b"\ne\n").unwrap();
    assert_eq!(run(&list, &[one, two]), (End::Finished, 2, 1));
    // The line that had no end was an entry; what has been added since begins a new one.
    assert_eq!(*list.entries.borrow(), ["a", "", "b", "c", "d", "", "e"]);
}

#[test]
fn a_refused_entry_is_named_by_its_line_even_after_going_on() {
    let (_file, input) = file_with(b"a\nb\nc\nd\n");
    let mut list = List { refuse: Some((2, Refused::Entry("too odd".into()))), ..List::default() };
    for _ in 0..2 {
        let (end, ..) = run(&list, std::slice::from_ref(&input));
        let End::Failed(failure) = end else { unreachable!("{end:?}") };
        assert_eq!(failure.exit, Exit::Data);
        assert!(failure.message.starts_with(&format!("line 3 of {} can't", input.name())), "{failure}");
        assert_eq!(list.entries.borrow().len(), 2);
    }
    list.refuse = None;
    assert_eq!(run(&list, &[input]), (End::Finished, 2, 2));
    assert_eq!(*list.entries.borrow(), ["a", "b", "c", "d"]);
}

#[test]
fn an_entry_over_the_limit_is_named_by_its_line_too() {
    let (_file, input) = file_with(&[b"a\n", vec![b'x'; 101].as_slice(), b"\n"].concat());
    let list = List::default();
    let (end, entries, _) = run(&list, &[input]);
    let End::Failed(failure) = end else { unreachable!("{end:?}") };
    assert_eq!((failure.exit, entries), (Exit::Data, 1));
    assert!(failure.message.contains("line 2 of") && failure.message.contains("100B"), "{failure}");
}

#[test]
fn when_the_journal_takes_no_more_the_first_line_not_taken_is_named() {
    let (_file, input) = file_with(b"a\nb\nc\n");
    let full = Failure::new(Exit::Waiting, "the queue is full");
    let list = List { refuse: Some((1, Refused::Journal(full))), ..List::default() };
    let (end, entries, bytes) = run(&list, &[input]);
    let End::Failed(failure) = end else { unreachable!("{end:?}") };
    assert_eq!((failure.exit, entries, bytes), (Exit::Waiting, 1, 1));
    assert!(failure.message.contains("line 2 of"), "{failure}");
}

#[test]
fn a_stopped_file_goes_on_at_the_next_entry() {
    let (_file, input) = file_with(b"a\nb\nc\n");
    let gate = Arc::new(Gate::default());
    let list = List { stop_after: Some((2, Arc::clone(&gate))), ..List::default() };
    let (pump, _) = pump(&list, &gate, 100);
    assert_eq!(pump.run(std::slice::from_ref(&input)), End::Stopped(Cut { bytes: 0 }));
    assert_eq!(*list.entries.borrow(), ["a", "b"]);
    assert_eq!(run(&list, &[input]), (End::Finished, 1, 1));
}

#[test]
fn a_stopped_stream_takes_what_was_read_and_tells_what_was_cut() {
    let gate = Arc::new(Gate::default());
    let list = List { stop_after: Some((1, Arc::clone(&gate))), ..List::default() };
    let (mut pump, _) = pump(&list, &gate, 100);
    let go = pump.read(&Input::Standard, &mut &b"a\nb\nunfinished"[..], None).unwrap();
    assert!(matches!(go, Go::Stop(Cut { bytes: 10 })));
    assert_eq!(*list.entries.borrow(), ["a", "b"]);
}

#[test]
fn what_a_read_brings_after_the_stop_does_not_count() {
    /// Stops the reading while it is read.
    struct Late(Arc<Gate>, Arc<Taken>, bool);
    impl Read for Late {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            if !std::mem::replace(&mut self.2, true) {
                room[..6].copy_from_slice(b"a\nhalf");
                return Ok(6);
            }
            assert!(self.0.stop(), "it is in a read");
            assert_eq!(self.1.unfinished(), Cut { bytes: 4 });
            room[..2].copy_from_slice(b"a\n");
            Ok(2)
        }
    }
    let gate = Arc::new(Gate::default());
    let list = List::default();
    let (mut pump, taken) = pump(&list, &gate, 100);
    let mut late = Late(Arc::clone(&gate), Arc::clone(&taken), false);
    let go = pump.read(&Input::Standard, &mut late, None).unwrap();
    assert!(matches!(go, Go::Stop(Cut { bytes: 6 })));
    assert_eq!(taken.entries(), 1);
}

#[test]
fn an_error_while_reading_is_local_and_names_the_input() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the tape snapped"))
        }
    }
    let list = List::default();
    let (mut pump, _) = pump(&list, &Arc::default(), 100);
    let Err(failure) = pump.read(&Input::Standard, &mut Broken, None) else { unreachable!() };
    assert_eq!(failure, Failure::new(Exit::LocalIo, "standard input can't be read: the tape snapped"));
}
