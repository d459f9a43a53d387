//! The store that the options name, and the library's errors in the words of the command line.

use s3_journal::durable_queue::OpenError as QueueError;
use s3_journal::read::{ReadError, ReadErrorKind, Reader};
use s3_journal::{OpenError, Options};

use crate::credentials;
use crate::exit::{Exit, Failure, causes};
use crate::flags;
use crate::flags::store::StoreFlags;

/// The options of a journal with what the flags say of the store.
///
/// # Errors
/// Keys that aren't a pair.
pub fn options(flags: &StoreFlags) -> Result<Options, Failure> {
    let mut options = Options::new();
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
    if let Some(keys) = credentials::of(flags)? {
        options = options.s3_access_key(keys.access).s3_secret_key(keys.secret);
        if let Some(token) = keys.session_token {
            options = options.s3_session_token(token);
        }
    }
    Ok(options)
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
