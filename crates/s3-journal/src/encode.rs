//! An entry to bytes. Knows nothing.

use std::error::Error;
use std::marker::PhantomData;

use serde::Serialize;

/// What an encoder may fail with.
pub type EncodeError = Box<dyn Error + Send + Sync>;

/// Turns entries of type `T` into bytes, without the delimiter.
pub trait Encode<T: ?Sized>: Send + Sync {
    /// Appends the entry's bytes to `out`. What was there must stay as it is.
    ///
    /// Called with the journal's batch locked: it should only encode.
    ///
    /// # Errors
    /// Whatever keeps the entry from being encoded; it is then refused, and `out` is put back.
    fn encode(&self, entry: &T, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

/// Bytes and strings as they are: the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsIs;

impl<T: AsRef<[u8]> + ?Sized> Encode<T> for AsIs {
    fn encode(&self, entry: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(entry.as_ref());
        Ok(())
    }
}

/// JSON on one line, through serde.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonLines;

impl<T: Serialize + ?Sized> Encode<T> for JsonLines {
    fn encode(&self, entry: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_json::to_writer(out, entry).map_err(Into::into)
    }
}

/// A function as an encoder: [`from_fn`].
pub struct FromFn<T: ?Sized, F> {
    encode: F,
    entry: PhantomData<fn(&T)>,
}

impl<T: ?Sized, F> std::fmt::Debug for FromFn<T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FromFn").finish_non_exhaustive()
    }
}

/// An encoder from a function that appends an entry's bytes.
///
/// ```
/// let encoder = s3_journal::from_fn(|entry: &u32, out: &mut Vec<u8>| {
///     out.extend_from_slice(entry.to_string().as_bytes());
///     Ok(())
/// });
/// # let _ = encoder;
/// ```
pub fn from_fn<T: ?Sized, F>(encode: F) -> FromFn<T, F>
where
    F: Fn(&T, &mut Vec<u8>) -> Result<(), EncodeError> + Send + Sync,
{
    FromFn { encode, entry: PhantomData }
}

impl<T: ?Sized, F> Encode<T> for FromFn<T, F>
where
    F: Fn(&T, &mut Vec<u8>) -> Result<(), EncodeError> + Send + Sync,
{
    fn encode(&self, entry: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        (self.encode)(entry, out)
    }
}
