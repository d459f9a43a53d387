//! How much memory is taken, by Rust and by the C libraries of zstd and xz alike: the allocator is asked, now and then, for what
//! it has given out.

/// Bytes that the process has from the allocator; 0 where there is none to ask.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library is asked")]
pub fn taken() -> usize {
    // SAFETY: takes nothing, gives numbers, and may be called at any time.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

/// Bytes that the process has from the allocator; 0 where there is none to ask.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn taken() -> usize {
    0
}

/// The most that was taken beyond what was taken at its beginning, as far as it was asked.
#[derive(Debug)]
pub struct Peak {
    begin: usize,
    most: usize,
}

impl Peak {
    /// Begins.
    pub fn begin() -> Self {
        Self { begin: taken(), most: 0 }
    }

    /// Looks.
    pub fn look(&mut self) {
        self.most = self.most.max(taken().saturating_sub(self.begin));
    }

    /// Looks, and fails if it ever was more than `bytes`.
    pub fn check(&mut self, bytes: usize, what: &str) {
        self.look();
        assert!(self.most <= bytes, "{what} took {} bytes of memory, and may take {bytes}", self.most);
    }
}
