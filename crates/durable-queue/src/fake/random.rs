//! Dice: random numbers that a seed decides. Knows only the trait [`Random`].

use std::io;
use std::sync::PoisonError;

use crate::random::Random;
use crate::sync::Mutex;

/// A generator of which the same seed gives the same numbers for ever: SplitMix64 (Steele, Lea, Flood: "Fast Splittable
/// Pseudorandom Number Generators", OOPSLA 2014). Good enough for tests, and for nothing else.
///
/// ```
/// use durable_queue::fake::Dice;
///
/// let mut dice = Dice::new(7);
/// let rolls: Vec<u64> = (0..3).map(|_| dice.below(6)).collect();
/// let mut same = Dice::new(7);
/// assert_eq!(rolls, (0..3).map(|_| same.below(6)).collect::<Vec<_>>());
/// ```
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Dice for `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "no iterator: it never ends")]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if that is 0. (Small bounds only: it is a remainder, and so a little uneven.)
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Whether something happens that happens once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Dice of their own for a part of what is decided, so that rolling more often there changes nothing here.
    pub fn split(&mut self) -> Self {
        Self::new(self.next())
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            for (byte, random) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

/// A [`Random`] that a seed decides.
#[derive(Debug)]
pub struct FakeRandom {
    dice: Mutex<Dice>,
}

impl FakeRandom {
    /// Random numbers for `seed`.
    pub fn new(seed: u64) -> Self {
        Self { dice: Mutex::new(Dice::new(seed)) }
    }
}

impl Random for FakeRandom {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
        Ok(())
    }
}
