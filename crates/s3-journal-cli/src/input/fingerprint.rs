//! Whether a file is still the one it was: length and checksum of its beginning.

use std::io::{self, Read, Seek, SeekFrom};

/// How much of a file's beginning is looked at, in bytes.
pub const FINGERPRINT_BYTES_MAX: u16 = 1024;

/// A file's beginning: how many bytes were looked at, and their CRC-64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bytes looked at.
    pub len_bytes: u16,
    /// Their CRC-64/XZ.
    pub crc64: u64,
}

impl Fingerprint {
    /// Of the first `len_bytes` bytes of a file, or as many as it has. Where the file is read next is left open.
    pub fn of(file: &mut (impl Read + Seek), len_bytes: u16) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        let mut beginning = Vec::with_capacity(usize::from(len_bytes));
        file.take(u64::from(len_bytes)).read_to_end(&mut beginning)?;
        Ok(Self { len_bytes: u16::try_from(beginning.len()).unwrap_or(len_bytes), crc64: crc64(&beginning) })
    }
}

/// The polynomial of ECMA-182, reflected, as .xz files use it (<https://tukaani.org/xz/xz-file-format.txt>, section 6).
const POLYNOMIAL: u64 = 0xc96c_5795_d787_0f42;

/// CRC-64/XZ, a bit at a time: a kilobyte per file needs no tables.
pub fn crc64(bytes: &[u8]) -> u64 {
    let mut crc = !0_u64;
    for byte in bytes {
        crc ^= u64::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;
