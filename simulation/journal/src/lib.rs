//! The whole of `s3-journal` in a simulated world. One seed decides everything: the options, what is submitted, which of the
//! product's own steps runs next, what the disk keeps when power is lost, which requests are carried out and which are
//! answered, what the clock shows, and when the process dies. The same seed gives the same life, to the byte.
//!
//! | room | holds | may know |
//! |---|---|---|
//! | [`faults`], [`settings`] | what may go wrong; how long a life is | nothing |
//! | `trace` | what happened, in lines | nothing |
//! | `plan` | the options of one seed | `faults` |
//! | `decode` | an object's bytes to what was written, by other people's decoders | nothing |
//! | `rot` | bytes of the queue that change behind everybody's back | nothing |
//! | `model` | what was submitted, and what must hold | `decode` |
//! | `store` | the simulated S3: dialects, permissions, outages | `faults` |
//! | `network` | calls on their way, answers that are lost, calls that arrive late | `store` |
//! | `machine` | one computer: its disk, its clock, the journal that runs on it | `plan`, `model` |
//! | `world` | a life from beginning to end | all of the above |
//! | [`run`] | many lives, side by side | `world` |
//! | [`short`] | all that can happen to a short life: it is cut short at every point, and what follows, too | `world` |
//!
//! The oracle (`model`): durable <= recovered <= submitted, as prefixes; at every moment the bucket holds a prefix of the model,
//! each entry once, in order, in objects that are single clean streams; the bucket is never ahead of what the medium holds;
//! nothing is written over; and once nothing goes wrong any more, everything arrives. Where bytes of the queue have rotted: nothing damaged
//! arrives; without `quarantine` nothing from the damage on does; with it everything does but the entries that are told to be left out.

mod decode;
pub mod faults;
mod machine;
mod model;
mod network;
mod plan;
pub mod rot;
pub mod run;
pub mod settings;
pub mod short;
mod store;
mod trace;
mod world;

pub use faults::{Fault, Faults};
pub use run::{Failure, Summary, run_seed};
pub use settings::Settings;
