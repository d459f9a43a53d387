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

fn write_flags(arguments: &[&str]) -> flags::write::WriteFlags {
    use clap::Parser;
    let line = ["s3-journal", "write"].iter().chain(arguments);
    match flags::Cli::parse_from(line).command {
        flags::Command::Write(flags) => *flags,
        other => panic!("{other:?}"),
    }
}

#[test]
fn flags_of_s3_are_refused_by_name_where_they_have_no_meaning() {
    for (to, what) in
        [("gs://bucket/a", "gs://"), ("az://container", "az://"), ("/var/lib/objects", "a directory")]
    {
        for flag in ["--storage-class=X", "--acl=private", "--fips", "--requester-pays"] {
            let flags = write_flags(&["--to", to, flag]);
            let refused = options_for_objects(&flags.store, &flags.stored).unwrap_err();
            let name = flag.split('=').next().unwrap_or_default();
            let words = format!("option {name} has no meaning for {what}");
            assert!(refused.message.starts_with(&words), "{}", refused.message);
        }
    }
}

#[test]
fn what_this_build_has_no_client_for_names_the_feature() {
    for (to, feature, has) in
        [("gs://bucket", "gcs", cfg!(feature = "gcs")), ("az://container", "azure", cfg!(feature = "azure"))]
    {
        let flags = write_flags(&["--to", to]);
        let opened = options_for_objects(&flags.store, &flags.stored).unwrap().open_bucket();
        // With a client the environment decides.
        if let Err(error) = opened {
            let words = open_failure(&error).message;
            assert_eq!(words.contains(&format!("build it with the feature {feature}")), !has, "{words}");
        } else {
            assert!(has, "{to} is opened by a build without {feature}");
        }
    }
}
