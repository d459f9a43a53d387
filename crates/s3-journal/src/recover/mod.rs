//! Uploads that machines left behind which are gone: what can still be read of them is brought back, when told to. Knows the
//! bucket, names and streams, and nothing of the halves that write and upload: the machine and its directory are lost.
//!
//! The parts of an open upload can't be read before it is completed, and completing it makes an object whose stream is cut
//! off anywhere. So that a reader never takes that torn object for a whole one, and nothing is lost or doubled wherever a
//! recovery is cut short, it goes in this order, each step create-only or done only after the one before it is proved:
//!
//! 1. a *note* beside the key says how long the torn object will be;
//! 2. the upload is completed, from its parts 1 to n without a hole: the torn object is at the key;
//! 3. its readable entries are written beside it as a whole object, whose name says how many they are;
//! 4. that is read back, and compared with the torn one byte for byte;
//! 5. the torn object is deleted;
//! 6. the note is deleted.
//!
//! What comes next follows from what is in the bucket alone (`step`): whoever runs it again goes on, and two that run side
//! by side do the same. Readers go by the note, too: as long as it is there, the recovered object stands for the torn one.
//!
//! If the machine comes back after all, it finds its upload gone and uploads the object anew, whole, under the same key. An
//! object at the key that isn't as long as the note says is that one: it is left alone, the note is deleted, and readers take
//! it for both, since the recovered entries are among its own.
//!
//! * `step`: what comes next, `survey`: what is there and whose it is (pure);
//! * `prefix`: what can be read of a torn stream, and the same as a whole one;
//! * `sink`: a stream into the bucket; `rescue`: one object's recovery; [`Recoverer`]: the face.

mod error;
mod prefix;
mod recoverer;
mod report;
mod rescue;
mod sink;
mod source;
mod step;
mod survey;

pub use error::RecoverError;
pub use recoverer::{OLDER_THAN, RecoverOptions, Recoverer};
pub use report::{RecoverAction, RecoverItem, RecoverState, RecoverTotals, RecoveredObject, UploadSeen};
