//! How many waits of an execution end by time or for no reason, and the clock on which that time passes.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use shuttle::rand::RngCore;

/// What may still happen in an execution.
#[derive(Clone, Default)]
pub struct Surprises {
    /// Waits that end by time.
    pub timeouts: u32,
    /// Waits that end for no reason.
    pub wakes: u32,
    /// Lets time pass on the clock.
    pub pass: Option<Rc<dyn Fn(Duration)>>,
}

impl fmt::Debug for Surprises {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surprises")
            .field("timeouts", &self.timeouts)
            .field("wakes", &self.wakes)
            .finish_non_exhaustive()
    }
}

thread_local! {
    static LEFT: RefCell<Surprises> = RefCell::default();
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surprise {
    Timeout,
    Wake,
}

/// One wait in so many ends early while there are surprises left.
const ONE_IN: u64 = 4;

/// To be called at the beginning of each execution, before anything is made that threads meet in.
pub fn begin(surprises: Surprises) {
    crate::thread::forget();
    LEFT.set(surprises);
}

/// Whether this wait ends early. Shuttle's random numbers decide, which a schedule repeats.
pub(crate) fn happens(surprise: Surprise) -> bool {
    let is_left = LEFT.with_borrow(|left| left.of(surprise) > 0);
    let happens = is_left && shuttle::rand::thread_rng().next_u64().is_multiple_of(ONE_IN);
    if happens {
        LEFT.with_borrow_mut(|left| left.take(surprise));
    }
    happens
}

/// Lets time pass. Others may go on meanwhile.
pub(crate) fn pass(time: Duration) {
    let pass = LEFT.with_borrow(|left| left.pass.clone());
    if let Some(pass) = pass {
        pass(time);
    }
}

impl Surprises {
    fn of(&self, surprise: Surprise) -> u32 {
        match surprise {
            Surprise::Timeout => self.timeouts,
            Surprise::Wake => self.wakes,
        }
    }

    fn take(&mut self, surprise: Surprise) {
        match surprise {
            Surprise::Timeout => self.timeouts -= 1,
            Surprise::Wake => self.wakes -= 1,
        }
    }
}
