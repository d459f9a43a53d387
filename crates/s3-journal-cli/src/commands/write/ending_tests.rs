use super::*;

#[test]
fn lines_of_a_file_are_not_lost_and_the_same_command_brings_them() {
    let not_kept = NotKept { in_files: 1_200, gone: 0 };
    assert_eq!(
        not_kept.line(Certainty::Known),
        "the last 1,200 lines taken aren't kept here; the FILE still has them, and is read again from there"
    );
    assert_eq!(not_kept.exit(), Exit::Waiting);
}

#[test]
fn entries_of_an_input_that_cannot_be_read_again_are_to_be_given_again() {
    let not_kept = NotKept { in_files: 0, gone: 1 };
    assert_eq!(
        not_kept.line(Certainty::Feared),
        "the last entry taken may not be kept here, and the input can't be read again: give it again"
    );
    assert_eq!(not_kept.exit(), Exit::LocalIo);
}

#[test]
fn of_both_each_is_told() {
    let not_kept = NotKept { in_files: 7, gone: 1 };
    assert_eq!(
        not_kept.line(Certainty::Known),
        "the last 8 entries taken aren't kept here; 1 of them came from an input that can't be read again: give that \
         again; the FILE still has the rest, and is read again from there"
    );
    assert_eq!(not_kept.exit(), Exit::LocalIo);
}
