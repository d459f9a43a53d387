//! How a life is led. Knows the faults.

use crate::faults::{Fault, Faults};

/// How a life is led; the seed decides the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Steps before everything is mended and drained.
    pub steps: u64,
    /// What may go wrong. Of these, each seed has some.
    pub faults: Faults,
    /// All of them in each seed, instead of some.
    pub insist: bool,
    /// Whether what happened is kept.
    pub keep_trace: bool,
}

impl Settings {
    /// About this many steps in a life.
    pub const STEPS: u64 = 260;

    /// A life in which everything may go wrong but that bytes rot, which is asked for: of those lives not all hold yet.
    pub fn new() -> Self {
        let faults = Faults::all().without(Fault::BitRot);
        Self { steps: Self::STEPS, faults, insist: false, keep_trace: false }
    }

    /// A life in which just this goes wrong.
    pub fn only(faults: Faults) -> Self {
        Self { faults, insist: true, ..Self::new() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
