use s3_journal::FreeSpace;

use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    super::parse([&["s3-journal"], arguments].concat().into_iter().map(OsString::from))
}

fn write(arguments: &[&str]) -> write::WriteFlags {
    match parse(&[&["write", "--to", "bucket"], arguments].concat()).unwrap().command {
        Command::Write(flags) => *flags,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn the_command_line_is_well_formed() {
    command().debug_assert();
}

#[test]
fn each_option_has_its_environment_twin_and_its_help() {
    for command in command().get_subcommands() {
        for argument in command.get_arguments() {
            let Some(long) = argument.get_long() else {
                assert!(
                    ["files", "shell", "command"].contains(&argument.get_id().as_str()),
                    "{argument}: only FILE, SHELL and COMMAND have no name"
                );
                continue;
            };
            assert!(argument.get_help().is_some(), "--{long} of {} says nothing", command.get_name());
            let twin = format!("S3_JOURNAL_{}", long.to_uppercase().replace('-', "_"));
            let env = argument.get_env().map(|name| name.to_string_lossy().into_owned());
            assert_eq!(env, Some(twin), "--{long} of {}", command.get_name());
        }
    }
}

#[test]
fn every_help_ends_with_the_exit_status() {
    let mut command = command();
    command.build();
    let mut all = vec![command.clone()];
    // But for clap's own `help`.
    all.extend(command.get_subcommands().filter(|command| command.get_name() != "help").cloned());
    for mut command in all {
        for help in [command.render_help(), command.render_long_help()] {
            let help = help.to_string();
            let status =
                help.find("Exit status:").unwrap_or_else(|| panic!("{}: {help}", command.get_name()));
            for exit in exit::Exit::ALL {
                assert!(help[status..].contains(&format!("\n  {:>2}  ", exit.code())), "{exit:?}: {help}");
            }
        }
    }
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let flags = write(&[]);
    assert_eq!(flags.queue.max_batch_latency.to_string(), "100ms");
    assert_eq!(flags.queue.max_batch_size, None);
    assert_eq!(flags.queue.max_batch_bytes.to_string(), "1MiB");
    assert_eq!(flags.queue.free_space_kept.to_string(), "5%");
    assert_eq!(flags.queue.when_full, write::WhenFull::Block);
    assert_eq!(flags.object.max_object_size.to_string(), "128MiB");
    assert_eq!(flags.object.max_object_age.to_string(), "5m");
    assert_eq!(flags.object.part_size.to_string(), "8MiB");
    assert_eq!(flags.object.max_concurrent_uploads, 4);
    assert_eq!(flags.input.max_entry_bytes.to_string(), "16MiB");
    assert_eq!(flags.input.delimiter.as_bytes(), b"\n");
    assert_eq!(flags.input.close_timeout, None);
    assert!(!flags.queue.no_fsync && !flags.input.receipts && !flags.input.json && !flags.input.from_start);
}

#[test]
fn a_bench_sends_as_a_write_does_unless_told_otherwise() {
    let Command::Bench(bench) = parse(&["bench", "--to", "bucket"]).unwrap().command else { unreachable!() };
    let write = write(&[]);
    assert_eq!(bench.part_size, write.object.part_size);
    assert_eq!(bench.max_concurrent_uploads, write.object.max_concurrent_uploads);
    assert_eq!((bench.max_time.to_string(), bench.max_bytes.to_string()), ("5s".into(), "256MiB".into()));
}

#[test]
fn values_are_read() {
    let flags = write(&[
        "--max-batch-latency=none",
        "--max-batch-size=10",
        "--compressor=zstd:-3",
        "--delimiter",
        r"\r\n",
        "a",
        "-",
    ]);
    assert_eq!(flags.queue.max_batch_latency, write::TimeOrNone::None);
    assert_eq!(flags.object.compressor, write::NamedCompressor { name: "zstd".into(), level: Some(-3) });
    assert_eq!(flags.input.delimiter.as_bytes(), b"\r\n");
    assert_eq!(flags.files.len(), 2);
}

#[test]
fn space_is_kept_free_by_share_or_by_size() {
    for (text, kept, shown) in [
        ("0", FreeSpace::Bytes(0), "0B"),
        ("10GiB", FreeSpace::Bytes(10 << 30), "10GiB"),
        ("0%", FreeSpace::Percent(0), "0%"),
        (" 12 %", FreeSpace::Percent(12), "12%"),
    ] {
        let flags = write(&["--free-space-kept", text]);
        assert_eq!(flags.queue.free_space_kept.0, kept);
        assert_eq!(flags.queue.free_space_kept.to_string(), shown);
    }
}

#[test]
fn a_wrong_value_is_refused_with_option_value_and_remedy() {
    for (arguments, option, value, remedy) in [
        (&["--part-size", "8XB"][..], "--part-size", "8XB", "8MiB"),
        (&["--max-batch-latency", "50"], "--max-batch-latency", "50", "50ms"),
        (&["--close-timeout", "soon"], "--close-timeout", "soon", "1h30m"),
        (&["--delimiter", r"\q"], "--delimiter", r"\q", r"\xNN"),
        (&["--delimiter", ""], "--delimiter", "", "delimiter"),
        (&["--compressor", "gzip:best"], "--compressor", "gzip:best", "zstd:3"),
        (&["--when-full", "drop"], "--when-full", "drop", "refuse"),
        (&["--free-space-kept", "100%"], "--free-space-kept", "100%", "99%"),
        (&["--free-space-kept", "2.5%"], "--free-space-kept", "2.5%", "5%"),
        (&["--free-space-kept", "much"], "--free-space-kept", "much", "5%"),
        (&["--max-queue-size", "many"], "--max-queue-size", "many", "--max-queue-size"),
        (&["--log-format", "xml"], "--log-format", "xml", "json"),
    ] {
        let error = parse(&[&["write", "--to", "bucket"], arguments].concat()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let text = error.to_string();
        assert!(
            text.contains(option) && text.contains(value) && text.contains(remedy),
            "{arguments:?}: {text}"
        );
    }
}

#[test]
fn unknown_missing_and_contradictory_options_are_refused() {
    for arguments in [
        &[][..],
        &["write"],
        &["write", "--to", "a", "--s3-bucket", "b"],
        &["write", "--to", "a", "--to", "b"],
        &["write", "--to", "a", "--frobnicate"],
        &["write", "--to", "a", "--close-timeout"],
        &["cat", "--to", "a", "file"],
        &["ls"],
        &["verify", "--to", "a", "--json=perhaps"],
        &["status", "--to", "a"],
        &["recover"],
    ] {
        assert_eq!(parse(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
    }
}

#[test]
fn without_a_bucket_every_option_that_names_one_is_told() {
    for (command, named) in [
        ("write", &["--to", "--s3-bucket"][..]),
        ("cat", &["--to", "--s3-bucket"]),
        ("recover", &["--to", "--s3-bucket"]),
        ("bench", &["--to", "--s3-bucket"]),
        ("verify", &["--to", "--s3-bucket", "--local"]),
    ] {
        let error = parse(&[command]).unwrap_err().to_string();
        assert!(named.iter().all(|option| error.contains(option)), "{command}: {error}");
    }
    assert!(
        parse(&["verify", "--local", "x"]).is_ok() && parse(&["verify", "--local", "x", "--to", "y"]).is_ok()
    );
    assert!(parse(&["status"]).is_ok());
}

#[test]
fn a_secret_on_the_command_line_is_refused_without_repeating_it() {
    for arguments in [
        &["s3-journal", "write", "--s3-secret-key", "hunter2"][..],
        &["s3-journal", "--s3-secret-key=hunter2", "cat"],
        &["s3-journal", "write", "--s3-secret-key"],
    ] {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let failure = refuse_secret(&arguments).unwrap_err();
        assert_eq!(failure.exit, exit::Exit::Usage);
        assert!(failure.message.contains("--s3-secret-key-file") && !failure.message.contains("hunter2"));
    }
    let harmless = ["s3-journal", "write", "--s3-secret-key-file", "f", "--", "--s3-secret-key"];
    assert_eq!(refuse_secret(&harmless.map(OsString::from)), Ok(()));
}
