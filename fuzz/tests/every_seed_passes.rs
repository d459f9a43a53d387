//! Every input of the corpora passes, without a fuzzer around it: so `cargo test` tells whether the targets and their seeds
//! still fit together, and a seed that once failed fails here again.

use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};

fn pass<I: for<'a> Arbitrary<'a>>(target: &str, check: impl Fn(I)) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut inputs = 0;
    for entry in std::fs::read_dir(corpus).expect("each target has a corpus") {
        let path = entry.expect("the corpus can be listed").path();
        let bytes = std::fs::read(&path).expect("a seed can be read");
        println!("{}", path.display());
        check(I::arbitrary_take_rest(Unstructured::new(&bytes)).expect("every input means something"));
        inputs += 1;
    }
    assert!(inputs > 0);
}

#[test]
fn of_the_frame_decoder() {
    pass("frame", fuzz::frame::check);
}

#[test]
fn of_recovery() {
    pass("recovery", fuzz::recovery::check);
}

#[test]
fn of_the_names() {
    pass("object_key", fuzz::object_key::check);
}

#[test]
fn of_the_date_patterns() {
    pass("directory_format", fuzz::directory_format::check);
}

#[test]
fn of_the_streams() {
    pass("stream", fuzz::stream::check);
}

#[test]
fn of_the_reader() {
    pass("reader", fuzz::reader::check);
}
