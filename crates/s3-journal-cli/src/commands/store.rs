//! The store that the options name, and the library's errors in the words of the command line.

use std::io::ErrorKind;

use s3_journal::bucket::{Bucket, Location};
use s3_journal::durable_queue::OpenError as QueueError;
use s3_journal::read::{ReadError, ReadErrorKind, Reader};
use s3_journal::{OpenError, Options, StatusError};

use super::s3;
use crate::credentials;
use crate::exit::{Exit, Failure, causes};
use crate::files;
use crate::flags;
use crate::flags::store::StoreFlags;
use crate::flags::stored::StoredFlags;
use crate::terminal::{Level, say};

/// The options of a journal with what the flags say of the store.
///
/// # Errors
/// Keys that aren't a pair; a file that holds none.
pub fn options(flags: &StoreFlags) -> Result<Options, Failure> {
    options_for_objects(flags, &StoredFlags::default())
}

/// The same, for who writes objects.
///
/// # Errors
/// As of [`options`].
pub fn options_for_objects(flags: &StoreFlags, stored: &StoredFlags) -> Result<Options, Failure> {
    let mut options = Options::new();
    if let Some((first, s3_options)) = s3::of(&flags.way, stored)? {
        if let Some(what) = not_s3(flags) {
            return Err(Failure::usage(format!(
                "option {first} has no meaning for {what}: leave it out, or write to s3://"
            )));
        }
        options = options.s3_options(s3_options);
    }
    if let Some(to) = &flags.to {
        options = options.to(to);
    }
    if let Some(bucket) = &flags.s3_bucket {
        options = options.s3_bucket(bucket);
    }
    if let Some(region) = &flags.region {
        options = options.region(region);
    }
    if let Some(endpoint) = &flags.endpoint {
        options = options.endpoint(endpoint);
    }
    if let Some(path_style) = flags.path_style {
        options = options.path_style(path_style);
    }
    if let Some(account) = &flags.azure_account {
        options = options.azure_account(account);
    }
    if let Some(requests) = flags.max_requests_per_second {
        options = options.max_requests_per_second(requests);
    }
    if let Some(keys) = credentials::of(flags)? {
        options = options.s3_access_key(keys.access).s3_secret_key(keys.secret);
        if let Some(token) = keys.session_token {
            options = options.s3_session_token(token);
        }
    }
    Ok(options)
}

/// The same, for who removes again what it writes: without locks, which is said.
///
/// # Errors
/// As of [`options`].
pub fn options_for_trials(flags: &StoreFlags, stored: &StoredFlags) -> Result<Options, Failure> {
    let (stored, left_out) = stored.removable();
    if let Some(flag) = left_out {
        say(Level::Warn, &format!("option {flag} is left out: what is written here is to be removed again"));
    }
    options_for_objects(flags, &stored)
}

/// What the store is, where options of S3 have no meaning. What is wrong with a text is told where it is used.
fn not_s3(flags: &StoreFlags) -> Option<&'static str> {
    if flags.s3_bucket.is_some() {
        return None;
    }
    match flags.to.as_deref().map(Location::parse) {
        None | Some(Ok(Location::Local { .. })) => Some("a directory"),
        Some(Ok(Location::Gcs { .. })) => Some("gs://"),
        Some(Ok(Location::Azure { .. })) => Some("az://"),
        Some(Ok(Location::S3 { .. }) | Err(_)) => None,
    }
}

/// Says what the store that the flags name can't do: once, as a command starts that writes to it.
pub fn say_limits(bucket: &dyn Bucket) {
    for limit in bucket.limits() {
        say(Level::Info, &format!("{}: {limit} ({})", bucket.name(), limit.name));
    }
}

/// A reader of the store.
///
/// # Errors
/// An option that can't be used.
pub fn reader(flags: &StoreFlags) -> Result<Reader, Failure> {
    let (bucket, prefix) = options(flags)?.open_bucket().map_err(|error| open_failure(&error))?;
    Reader::new(bucket, &prefix)
        .map_err(|error| Failure::caused(Exit::Unexpected, "the operating system refuses a thread", &error))
}

/// Refuses a directory in place of a bucket that isn't there: where nothing is, nothing would be missing, and a mistyped name
/// would pass for a proof.
///
/// # Errors
/// It isn't there, or is no directory.
pub fn check_directory(flags: &StoreFlags) -> Result<(), Failure> {
    let Some(to) = &flags.to else { return Ok(()) };
    // What is wrong with any other text is told where it is used.
    let Ok(Location::Local { directory }) = Location::parse(to) else { return Ok(()) };
    let why = match files::look(&directory) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => "it is no directory".to_owned(),
        Err(error) => error.to_string(),
    };
    let name = directory.display();
    Err(Failure::new(
        Exit::Unreachable,
        format!("{name} can't be read as a bucket: {why}; give --to as the `write` has it that writes there"),
    ))
}

/// Why a journal or a store can't be opened.
pub fn open_failure(error: &OpenError) -> Failure {
    match error {
        OpenError::Option { option, value, remedy } => {
            Failure::usage(format!("option {} is {value}: {}", flag_of(option), in_flags(remedy)))
        }
        OpenError::OtherJournal { .. } => Failure::new(Exit::Directory, in_flags(&causes(error))),
        OpenError::Queue(queue) => queue_failure(queue),
        OpenError::Failed(_) => Failure::new(Exit::LocalIo, causes(error)),
        _ => Failure::new(Exit::Unexpected, causes(error)),
    }
}

/// Why a local directory can't be used.
pub fn queue_failure(error: &QueueError) -> Failure {
    let exit = match error {
        QueueError::Corrupt { .. } | QueueError::Record { .. } => Exit::Data,
        QueueError::Io { .. } => Exit::LocalIo,
        _ => Exit::Directory,
    };
    Failure::new(exit, causes(error))
}

/// Why a local directory can't be looked at, by a command that doesn't make it.
pub fn look_failure(error: &StatusError) -> Failure {
    let queue = match error {
        StatusError::Queue(queue) => queue,
        other => {
            let what = "name the --local-directory of a `write`";
            return Failure::new(Exit::Directory, format!("{}; {what}", causes(other)));
        }
    };
    let QueueError::NotUsable { directory, source } = queue else { return queue_failure(queue) };
    let remedy = match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => "name the --local-directory of a `write`",
        ErrorKind::PermissionDenied => "look at it as the user whose `write` it is",
        _ => return queue_failure(queue),
    };
    Failure::new(Exit::Directory, format!("{} can't be read: {source}; {remedy}", directory.display()))
}

/// Why reading stopped.
pub fn read_failure(error: &ReadError) -> Failure {
    let exit = match error.kind() {
        ReadErrorKind::NotWhole => Exit::Data,
        ReadErrorKind::Unreachable => Exit::Unreachable,
        ReadErrorKind::Forbidden => Exit::Denied,
        ReadErrorKind::BrokenPipe => return Failure::new(Exit::Done, ""),
        ReadErrorKind::Output => Exit::LocalIo,
        ReadErrorKind::Usage => Exit::Usage,
        _ => Exit::Unexpected,
    };
    Failure::new(exit, causes(error))
}

/// The flag that sets an option of the library.
fn flag_of(option: &str) -> String {
    match option {
        "compression_level" => "--compressor".to_owned(),
        "prefix" => "--to".to_owned(),
        "s3_secret_key" => "--s3-secret-key-file".to_owned(),
        "fsync" => "--no-fsync".to_owned(),
        "assume_role" => "--role-arn".to_owned(),
        "tags" => "--tag".to_owned(),
        "grants" => "--grant-full-control (or another --grant)".to_owned(),
        _ => format!("--{}", option.replace('_', "-")),
    }
}

/// A text of the library's with its options' names as the flags that set them: `max_batch_size` is `--max-batch-size`.
pub fn in_flags(text: &str) -> String {
    let command = flags::command();
    let mut names: Vec<String> = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| argument.get_long())
        .map(|long| long.replace('-', "_"))
        .filter(|name| name.contains('_'))
        .collect();
    // The longest first: one name may begin another.
    names.sort_by_key(|name| (std::cmp::Reverse(name.len()), name.clone()));
    names.dedup();
    let mut text = text.to_owned();
    for name in names {
        text = text.replace(&name, &format!("--{}", name.replace('_', "-")));
    }
    text
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
