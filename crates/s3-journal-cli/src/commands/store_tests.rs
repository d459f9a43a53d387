use s3_journal::bucket::{BucketError, BucketErrorKind};

use super::*;

#[test]
fn a_refused_option_is_named_by_its_flag() {
    let refused = |option, remedy: &str| {
        open_failure(&OpenError::Option { option, value: "0".into(), remedy: remedy.into() })
    };
    assert_eq!(
        refused("max_batch_latency", "give it or max_batch_size, so that a batch ends"),
        Failure::usage("option --max-batch-latency is 0: give it or --max-batch-size, so that a batch ends")
    );
    assert!(refused("compression_level", "x").message.starts_with("option --compressor is 0"));
    assert_eq!(
        in_flags("s3_secret_key_file and max_queue_bytes"),
        "--s3-secret-key-file and --max-queue-bytes"
    );
}

#[test]
fn what_the_store_answers_decides_the_exit_status() {
    let answered = |kind| {
        let source = BucketError::new(kind, "Code", "words");
        read_failure(&ReadError::Store { doing: "listing x".into(), source })
    };
    assert_eq!(answered(BucketErrorKind::Forbidden).exit, Exit::Denied);
    assert_eq!(answered(BucketErrorKind::NotSent).exit, Exit::Unreachable);
    assert_eq!(answered(BucketErrorKind::Unavailable).exit, Exit::Unreachable);
    assert!(answered(BucketErrorKind::Forbidden).message.contains("listing x failed"));
    let gone = ReadError::Output(ErrorKind::BrokenPipe.into());
    assert_eq!(read_failure(&gone), Failure::new(Exit::Done, ""));
    assert_eq!(read_failure(&ReadError::Output(ErrorKind::StorageFull.into())).exit, Exit::LocalIo);
    assert_eq!(read_failure(&ReadError::SeveralIds { ids: vec!["a".into(), "b".into()] }).exit, Exit::Usage);
}
