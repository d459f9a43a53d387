//! The flags of `write` as the library's options.

use std::path::PathBuf;

use s3_journal::{Compressor, Options, WhenFull};

use crate::commands::store;
use crate::exit::Failure;
use crate::flags::write::{self, TimeOrNone, WriteFlags};
use crate::paths;

/// The options of the journal, and its local directory.
///
/// # Errors
/// A value that can't be used.
pub fn of(flags: &WriteFlags) -> Result<(Options, PathBuf), Failure> {
    let directory =
        paths::local_directory(flags.queue.local_directory.as_deref(), flags.queue.id.as_deref())?;
    let mut options = store::options_for_objects(&flags.store, &flags.stored)?.local_directory(&directory);

    let queue = &flags.queue;
    if let Some(id) = &queue.id {
        options = options.id(id);
    }
    if let TimeOrNone::Time(latency) = queue.max_batch_latency {
        options = options.max_batch_latency(latency.0);
    }
    if let Some(entries) = queue.max_batch_size {
        options = options.max_batch_size(entries);
    }
    if let Some(entries) = queue.max_queue_size {
        options = options.max_queue_size(entries);
    }
    if let Some(size) = queue.max_queue_bytes {
        options = options.max_queue_bytes(size.0);
    }
    options = options
        .free_space_kept(queue.free_space_kept.0)
        .max_batch_bytes(in_memory("max-batch-bytes", queue.max_batch_bytes.0)?)
        .fsync(!queue.no_fsync)
        .quarantine(queue.quarantine)
        .when_full(match queue.when_full {
            write::WhenFull::Block => WhenFull::Block,
            write::WhenFull::Refuse => WhenFull::Refuse,
        });

    let object = &flags.object;
    if let Some(format) = &object.s3_directory_format {
        options = options.s3_directory_format(format);
    }
    if let Some(suffix) = &object.suffix {
        options = options.suffix(suffix);
    }
    if let Some(shards) = object.shards {
        options = options.shards(shards);
    }
    if let Some(expiration) = object.expiration {
        options = options.expiration(expiration.0);
    }
    let compressor: Compressor = object.compressor.name.parse().map_err(|error| {
        Failure::usage(format!("option --compressor is {:?}: {error}", object.compressor.name))
    })?;
    options = options.compressor(compressor);
    if let Some(level) = object.compressor.level {
        options = options.compression_level(level);
    }
    options = options
        .max_object_size(object.max_object_size.0)
        .max_object_age(object.max_object_age.0)
        .part_size(object.part_size.0)
        .max_concurrent_uploads(object.max_concurrent_uploads);
    if let Some(bytes) = object.max_upload_bytes_per_second {
        options = options.max_upload_bytes_per_second(bytes.0);
    }

    let input = &flags.input;
    if input.from_start && flags.files.is_empty() {
        return Err(Failure::usage(
            "option --from-start has no meaning without a FILE; name one, or leave it out",
        ));
    }
    options = options
        .delimiter(input.delimiter.as_bytes())
        .max_entry_bytes(in_memory("max-entry-bytes", input.max_entry_bytes.0)?);
    Ok((options, directory))
}

/// A size that this machine's memory can have.
pub fn in_memory(option: &str, bytes: u64) -> Result<usize, Failure> {
    usize::try_from(bytes).map_err(|_| {
        Failure::usage(format!("option --{option} is {bytes}: no memory is that large; lower it"))
    })
}
