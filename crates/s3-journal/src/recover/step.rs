//! What comes next in the recovery of one object, from what is in the bucket. Pure; remembers nothing.

/// What is in the bucket of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Facts {
    /// The length that the note says the torn object has.
    pub(super) note: Option<u64>,
    /// The length of what is at the object's own key.
    pub(super) at_key: Option<u64>,
    /// Whether there is a recovered object.
    pub(super) recovered: bool,
    /// Bytes of the parts 1 to n without a hole, of the upload that has most of them; with a note, of the one whose parts
    /// make as many bytes as it says. `None` when there is none.
    pub(super) usable: Option<u64>,
    /// Whether an upload is open at all.
    pub(super) is_open: bool,
    /// Whether the torn object was read and holds no whole entry.
    pub(super) is_empty: bool,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Write the note.
    Note {
        /// Length of the torn object to come.
        torn_bytes: u64,
    },
    /// Complete the upload: the torn object.
    Complete {
        /// Its length.
        torn_bytes: u64,
    },
    /// Read the torn object, and write what can be read as a whole one.
    Write,
    /// Read that back, compare, and delete the torn object.
    DeleteTorn,
    /// Delete the note: everything is done.
    Forget,
    /// Delete the note: the upload has other parts than when it was written. Somebody writes to it.
    Living,
    /// Delete the note: what is at the key isn't the torn object, but a whole one that the machine uploaded.
    CameBack,
    /// Nothing.
    Done,
}

/// The next step.
pub(super) fn next(facts: &Facts) -> Step {
    let Facts { note, at_key, recovered, usable, is_open, is_empty } = *facts;
    let Some(noted) = note else {
        // An object at the key is whole, and one beside it has all that there was.
        return match usable {
            Some(torn_bytes) if at_key.is_none() && !recovered && torn_bytes > 0 => Step::Note { torn_bytes },
            _ => Step::Done,
        };
    };
    match at_key {
        Some(len_bytes) if len_bytes != noted => Step::CameBack,
        Some(_) if recovered || is_empty => Step::DeleteTorn,
        Some(_) => Step::Write,
        None if recovered => Step::Forget,
        None if usable == Some(noted) => Step::Complete { torn_bytes: noted },
        None if is_open => Step::Living,
        // Deleted with nothing to be read in it, or aborted by somebody else.
        None => Step::Forget,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a step does to the bucket; `entries` says whether the torn object has any.
    fn done(step: Step, facts: Facts, entries: bool) -> Facts {
        match step {
            Step::Note { torn_bytes } => Facts { note: Some(torn_bytes), ..facts },
            Step::Complete { torn_bytes } => {
                Facts { at_key: Some(torn_bytes), usable: None, is_open: false, ..facts }
            }
            Step::Write => Facts { recovered: entries, is_empty: !entries, ..facts },
            Step::DeleteTorn => Facts { at_key: None, ..facts },
            Step::Forget | Step::Living | Step::CameBack => Facts { note: None, ..facts },
            Step::Done => facts,
        }
    }

    #[test]
    fn the_steps_come_in_their_order_and_a_crash_after_any_of_them_changes_nothing() {
        for entries in [true, false] {
            let mut facts = Facts { usable: Some(100), is_open: true, ..Facts::default() };
            let mut steps = Vec::new();
            while next(&facts) != Step::Done {
                // What only the process knew is forgotten.
                let after_crash = Facts { is_empty: false, ..facts };
                let again = next(&after_crash);
                assert!(again == next(&facts) || again == Step::Write, "{facts:?}");
                steps.push(next(&facts));
                facts = done(next(&facts), facts, entries);
            }
            let torn_bytes = 100;
            let order = [Step::Note { torn_bytes }, Step::Complete { torn_bytes }, Step::Write];
            assert_eq!(steps[..3], order);
            assert_eq!(steps[3..], [Step::DeleteTorn, Step::Forget]);
            assert_eq!((facts.recovered, facts.at_key, facts.note), (entries, None, None));
        }
    }

    #[test]
    fn an_object_is_deleted_only_if_the_note_says_that_it_is_torn() {
        let lengths = [None, Some(0), Some(7), Some(100)];
        for note in lengths {
            for at_key in lengths {
                for usable in lengths {
                    for bits in 0..8_u8 {
                        let (recovered, is_open, is_empty) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
                        let facts = Facts { note, at_key, recovered, usable, is_open, is_empty };
                        let step = next(&facts);
                        if step == Step::DeleteTorn {
                            assert!(at_key.is_some() && at_key == note && (recovered || is_empty));
                        }
                        if matches!(step, Step::Note { .. } | Step::Complete { .. }) {
                            assert!(at_key.is_none() && !recovered);
                        }
                        if step == Step::Write {
                            assert!(at_key == note && !recovered);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn whoever_came_back_keeps_what_it_has() {
        let whole = Facts { note: Some(100), at_key: Some(150), ..Facts::default() };
        assert_eq!(next(&whole), Step::CameBack);
        assert_eq!(next(&Facts { recovered: true, ..whole }), Step::CameBack);
        assert_eq!(next(&Facts { note: None, recovered: true, usable: Some(9), ..whole }), Step::Done);
        let grown = Facts { note: Some(100), usable: Some(200), is_open: true, ..Facts::default() };
        assert_eq!(next(&grown), Step::Living);
    }
}
