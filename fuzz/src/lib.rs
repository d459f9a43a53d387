//! What the fuzz targets try and what must hold then. Each module is one target: an `Input` that is made of the fuzzer's
//! bytes, and a `check` that panics where something doesn't hold. Inputs are read byte by byte, so that a small change of the
//! bytes is a small change of the input, and seeds can be written by hand. Knows the product's public face, the fakes, and
//! `durable_queue::fuzzing`.

pub mod bytes;
pub mod directory_format;
pub mod frame;
pub mod memory;
pub mod object_key;
pub mod reader;
pub mod recovery;
pub mod stream;
