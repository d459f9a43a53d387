//! Small numbers and texts out of the fuzzer's bytes. At their end everything is 0, and lists end. Knows `arbitrary`.

use arbitrary::Unstructured;

/// The fuzzer's bytes, from the front.
#[derive(Debug)]
pub struct Bytes<'u, 'a>(pub &'u mut Unstructured<'a>);

impl Bytes<'_, '_> {
    /// Whether there are none left.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.0.bytes(1).map_or(0, |bytes| bytes[0])
    }

    /// Two bytes.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Eight bytes.
    pub fn long(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// One byte, below `bound`.
    pub fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound.max(1)
    }

    /// As many bytes as a first byte says.
    pub fn few(&mut self) -> Vec<u8> {
        let len = usize::from(self.byte()).min(self.0.len());
        self.0.bytes(len).unwrap_or_default().to_vec()
    }

    /// All that is left.
    pub fn rest(&mut self) -> Vec<u8> {
        self.0.bytes(self.0.len()).unwrap_or_default().to_vec()
    }

    /// All that is left, as text; what isn't UTF-8 is replaced.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.rest()).into_owned()
    }
}

/// `len` bytes that `seed` decides: one value, a ramp, or noise.
pub fn filling(seed: u8, len: usize) -> Vec<u8> {
    let mut state = u32::from(seed) | 1;
    (0..len)
        .map(|at| match seed % 4 {
            0 => seed,
            1 => at.to_le_bytes()[0].wrapping_mul(seed),
            _ => {
                // Marsaglia's xorshift: noise is all that it has to be.
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state.to_le_bytes()[1]
            }
        })
        .collect()
}
