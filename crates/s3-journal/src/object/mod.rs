//! Objects: their names, and where one ends and the next begins. Pure: no I/O, no clock.

mod key;
mod layout;
mod metadata;
mod recovery_name;

pub use key::{
    Id, IdError, Incarnation, KEY_BYTES_MAX, KeyError, KeyLayout, ObjectKey, ObjectName, RunId, check_suffix,
};
pub(crate) use layout::{Boundary, Layout, LayoutLimits, SealReason};
pub use metadata::{FORMAT, MetadataError, ObjectMetadata, Predecessor};
pub use recovery_name::{RecoveryName, RecoveryRole};
