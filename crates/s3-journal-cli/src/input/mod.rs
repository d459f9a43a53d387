//! What `write` reads: standard input and files, split into entries, with the positions that make a file arrive once.
//! Knows of the journal only what it needs: a place that takes entries and keeps a position for each source.

pub mod delimiter;
pub mod fingerprint;
pub mod gate;
pub mod origins;
pub mod position;
pub mod pump;
pub mod sources;
pub mod splitter;
