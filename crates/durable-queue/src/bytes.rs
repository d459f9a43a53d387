//! Little-endian fields in and out of a slice, without a panic in sight. Knows nothing.

/// Takes fields off the front of a slice. What the slice is too short for reads as zero: callers check the length first.
pub(crate) struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let Some((head, rest)) = self.0.split_first_chunk::<N>() else {
            self.0 = &[];
            return [0; N];
        };
        self.0 = rest;
        *head
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }
}

/// Puts fields at the front of a slice. What doesn't fit is left out: callers size the slice.
pub(crate) struct Put<'a>(pub &'a mut [u8]);

impl Put<'_> {
    pub(crate) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        if let Some((head, rest)) = std::mem::take(&mut self.0).split_at_mut_checked(bytes.len()) {
            head.copy_from_slice(bytes);
            self.0 = rest;
        }
        self
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.put(&value.to_le_bytes())
    }
}

/// `len` as a file offset counts it. Widening: `usize` has at most 64 bits wherever this crate builds.
pub(crate) const fn wide(len: usize) -> u64 {
    len as u64
}

/// `len` as memory counts it; the most there is where it doesn't fit, so that a bounds check that follows fails.
pub(crate) fn narrow(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
