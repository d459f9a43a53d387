//! The right half: records to objects. It carries out what the log says and decides nothing about content. The
//! protocol ([`ObjectUpload`]) and the uploader around it are state machines: they hand out calls and are told the
//! answers; only [`run`]'s thread blocks. It meets the left half only in the log.

mod aside;
mod backoff;
mod buffers;
mod call;
mod driver;
mod examine;
mod loader;
mod object_upload;
#[cfg(test)]
mod object_upload_tests;
mod pace;
mod report;
mod sweep;
#[cfg(test)]
mod sweep_tests;
mod uploader;

#[cfg(feature = "simulation")]
pub use call::{Answer, Call, CallId};
pub use driver::{UploadDriver, run};
#[cfg(test)]
pub use loader::{Loaded, Loader};
#[cfg(feature = "simulation")]
pub use uploader::UploaderStep;
pub use uploader::{Room, Uploader, UploaderSetup, chain};
